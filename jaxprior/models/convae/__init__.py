"""Convolutional autoencoders, whose encoder is the one of the Generative Encoder (Ong and Yang, 2020)."""

from jaxprior.protocols import Family


FAMILY = Family(
    title="ConvAE, a convolutional autoencoder with a short code",
    paper="Ong and Yang, Generative Imaging and Image Processing via Generative Encoder, 2020, Table 1",
    architectures={
        "convae": {
            "features": "jaxprior.models.convae.stored:build_encoder",
            "refiner": "jaxprior.models.convae.stored:build_autoencoder",
        }
    },
)
