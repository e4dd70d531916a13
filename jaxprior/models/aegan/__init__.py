"""AEGAN: a GAN and an autoencoder in one, whose decoder is the generator (Ong and Yang, 2020, equation 6)."""

from jaxprior.protocols import Family, Trainer


FAMILY = Family(
    title="AEGAN, a GAN whose generator is also the decoder of an autoencoder",
    paper="Ong and Yang, Generative Imaging and Image Processing via Generative Encoder, 2020, equation 6",
    sizes="jaxprior.models.pggan.config:sizes",
    architectures={
        "aegan": {
            "prior": "jaxprior.models.aegan.stored:build_prior",
            "encoder": "jaxprior.models.aegan.stored:build_encoder",
        }
    },
    trainers={
        "aegan": Trainer(
            config="jaxprior.models.aegan.config:AeganRecipe",
            presets="jaxprior.models.aegan.config:PRESETS",
            default="small",
            preset_text="Recipe to start from: small, for CPU cores, 150 thousand pictures of 32 pixels; or networks "
            "of the paper's size, for a GPU.",
            plan="jaxprior.models.aegan.train:plan",
            text="""Train a GAN and an encoder together, whose RUN then serves as `--prior RUN` and has its own encoder.

    The generator makes pictures of random codes, which the critic compares with real ones, and it also makes real
    pictures again of the codes that the encoder gives them. So `jaxprior reconstruct --prior RUN` answers at once with
    the picture of the encoder's code, `--steps 300` goes on from there, and `--init random` does without the encoder.
    The same command resumes: killed and resumed equals never killed. RUN holds samples, reconstructions, curves,
    distances and an always current `model.safetensors`; at its end or stop also `report.html`, all of it on one page.

    ```
    jaxprior train aegan --data cats.zip -o runs/aegan
    jaxprior train aegan --data cats.zip --reconstruction 100 -o runs/aegan-closer
    jaxprior train aegan --data faces/ --preset paper --precision bf16 -o runs/aegan-paper
    ```

    Read more in docs/generative-encoder.md.
    """,
        )
    },
    uses=("pggan", "convae"),
)
