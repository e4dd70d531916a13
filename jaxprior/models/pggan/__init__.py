"""PGGAN: progressive growing of GANs (Karras et al., ICLR 2018)."""

from jaxprior.protocols import Family, Trainer


FAMILY = Family(
    title="PGGAN, a GAN grown from small to large pictures",
    paper="Karras et al., Progressive Growing of GANs for Improved Quality, Stability, and Variation, ICLR 2018",
    sizes="jaxprior.models.pggan.config:sizes",
    architectures={"pggan": {"prior": "jaxprior.models.pggan.stored:build_pggan"}},
    trainers={
        "pggan": Trainer(
            config="jaxprior.models.pggan.config:PgganRecipe",
            presets="jaxprior.models.pggan.config:PRESETS",
            default="fast",
            preset_text="Recipe to start from: the paper's schedule, a fast one for small data on one device, the one "
            "of the bundled cats32 (two CPU cores) or of cats64 (minutes of a data-centre GPU).",
            plan="jaxprior.models.pggan.train:plan",
            settled="jaxprior.models.pggan.continued:settled",
            text="""Train a progressively grown GAN, whose RUN then serves as `--prior RUN`.

    The same command resumes: killed and resumed equals never killed. RUN holds samples, curves, distances and an
    always current `model.safetensors`; at its end or stop also `report.html`, all of it on one page.

    ```
    jaxprior train pggan --data cats.zip --resolution 64 -o runs/cats64
    jaxprior train pggan --data faces/ --resolution 32 --train-kimg 40 --final-kimg 200 -o runs/faces
    jaxprior train pggan --data cats.zip --resolution 64 --preset paper --precision bf16 -o runs/paper
    jaxprior train pggan --data cats.zip --from cats64 --lr 0.001 --final-kimg 500 -o runs/more
    ```

    `--from` begins with weights that are there, generator and critic, in place of random ones. Only the last resolution
    is trained then, and the settings of the networks are those of the weights.

    Read more in docs/own-prior.md.
    """,
        )
    },
)
