"""BEGAN: boundary equilibrium GANs, whose critic is an autoencoder (Berthelot et al., 2017)."""

from jaxprior.protocols import Family, Trainer


FAMILY = Family(
    title="BEGAN, a GAN whose critic is an autoencoder",
    paper="Berthelot et al., BEGAN: Boundary Equilibrium Generative Adversarial Networks, 2017, arXiv 1703.10717",
    sizes="jaxprior.models.began.config:sizes",
    architectures={"began": {"prior": "jaxprior.models.began.stored:build_began"}},
    trainers={
        "began": Trainer(
            config="jaxprior.models.began.config:BeganRecipe",
            presets="jaxprior.models.began.config:PRESETS",
            default="small",
            preset_text="Recipe to start from: small, for half an hour of two CPU cores; or the paper's, for a GPU.",
            plan="jaxprior.models.began.train:plan",
            text="""Train a BEGAN, whose critic is an autoencoder and whose RUN then serves as `--prior RUN`.

    The column M of `metrics.csv` tells how far the training has converged: lower is better. The same command resumes:
    killed and resumed equals never killed. RUN holds samples, curves, distances and an always current
    `model.safetensors`; at its end or stop also `report.html`, all of it on one page.

    ```
    jaxprior train began --data cats.zip -o runs/began
    jaxprior train began --data cats.zip --preset began --precision bf16 -o runs/began-wide
    jaxprior train began --data faces/ --resolution 64 --width 64 --gamma 0.4 -o runs/faces
    ```

    Read more in docs/began.md.
    """,
        )
    },
)
