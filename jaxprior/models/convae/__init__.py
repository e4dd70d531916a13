"""Convolutional autoencoders, whose encoder is the one of the Generative Encoder (Ong and Yang, 2020)."""

from jaxprior.protocols import Family, Trainer


FAMILY = Family(
    title="ConvAE, a convolutional autoencoder with a short code",
    paper="Ong and Yang, Generative Imaging and Image Processing via Generative Encoder, 2020, Table 1",
    architectures={
        "convae": {
            "features": "jaxprior.models.convae.stored:build_encoder",
            "refiner": "jaxprior.models.convae.stored:build_autoencoder",
        }
    },
    trainers={
        "convae": Trainer(
            config="jaxprior.models.convae.config:ConvAERecipe",
            presets="jaxprior.models.convae.config:PRESETS",
            default="table1",
            preset_text="Recipe to start from: the paper's Table 1, or the networks of its authors' two codes.",
            plan="jaxprior.models.convae.train:plan",
            settled="jaxprior.models.convae.settled:settled",
            use="jaxprior reconstruct IMAGES -o OUT --prior PRIOR --preset generative_encoder --encoder",
            text="""Train a convolutional autoencoder, whose encoder serves the preset generative_encoder.

    `--preset generative_encoder --encoder RUN` compares pictures in its code, `--answer RUN` takes its own answer
    instead of a search, and `--features RUN` takes its encoder as any feature network. It makes a short code of a
    picture, and the picture of the code. With `--prior` half of what it sees are samples of that prior, as in the
    Generative Encoder. `--task` says how pictures are damaged that it learns to see through, in the words of a command:
    its answer to a damaged picture is the whole one, and the code of both is about the same. The same command resumes.
    RUN holds curves, errors of pictures that it did not learn from (`reconstructions.csv`), sheets (seen, answered,
    original), and an always current `model.safetensors`.

    ```
    jaxprior train convae --data cats.zip --prior cats32 -o runs/convae
    jaxprior train convae --data cats.zip --prior cats32 --task "inpaint block:0.25" -o runs/convae-holes
    jaxprior train convae --data cats.zip --resolution 32 --task "denoise 0.5" -o runs/convae-of-photos-alone
    ```

    Read more in docs/generative-encoder.md.
    """,
        )
    },
)
