"""Autoencoders that repair pictures: what a prior completed, or the hole itself (Pathak et al., CVPR 2016)."""

from jaxprior.protocols import Family, Trainer


FAMILY = Family(
    title="Autoencoder, a network that repairs pictures",
    paper="Pathak et al., Context Encoders: Feature Learning by Inpainting, CVPR 2016",
    architectures={"autoencoder": {"refiner": "jaxprior.models.autoencoder.stored:build_autoencoder"}},
    trainers={
        "autoencoder": Trainer(
            config="jaxprior.models.autoencoder.config:AutoencoderRecipe",
            presets="jaxprior.models.autoencoder.config:PRESETS",
            default="narrow",
            preset_text="Recipe to start from: narrow, for minutes of two CPU cores; or the seed's own widths.",
            plan="jaxprior.models.autoencoder.train:plan",
            inputs="jaxprior.models.autoencoder.config:AutoencoderInputs",
            read="jaxprior.models.autoencoder.pairs:read",
            use="jaxprior inpaint IMAGES --mask MASK -o RUN --refine",
            text="""Train an autoencoder that repairs pictures, whose RUN then serves as `--refine RUN`.

    With `--pairs` it learns to make originals of what a prior completed. With `--data` and `--mask` it fills holes by
    itself: a context encoder. The same command resumes. RUN holds curves, pictures (given, repaired, original) and an
    always current `model.safetensors`; at its end or stop also `report.html`, all of it on one page.

    ```
    jaxprior inpaint cats.zip --limit 512 --mask center:0.25 --clean --prior runs/lsgan --preset lsgan -o runs/completed
    jaxprior train autoencoder --pairs runs/completed -o runs/refiner
    jaxprior train autoencoder --data cats.zip --mask center:0.25 --adversarial 0.001 -o runs/context-encoder
    ```

    Read more in docs/lsgan.md.
    """,
        )
    },
    uses=("dcgan",),
)
