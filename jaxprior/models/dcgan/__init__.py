"""DCGAN: deep convolutional GANs (Radford et al., ICLR 2016), trained with least squares (Mao et al., ICCV 2017)."""

from jaxprior.protocols import Family, Trainer


FAMILY = Family(
    title="DCGAN, a GAN of strided convolutions",
    paper="Radford et al., Unsupervised Representation Learning with Deep Convolutional GANs, ICLR 2016; "
    "Mao et al., Least Squares Generative Adversarial Networks, ICCV 2017",
    sizes="jaxprior.models.dcgan.config:sizes",
    architectures={"dcgan": {"prior": "jaxprior.models.dcgan.stored:build_dcgan"}},
    trainers={
        "lsgan": Trainer(
            config="jaxprior.models.dcgan.config:LsganRecipe",
            presets="jaxprior.models.dcgan.config:PRESETS",
            default="narrow",
            preset_text="Recipe to start from: narrow, for an hour of two CPU cores; or the seed's own widths, "
            "without dropout or with it.",
            plan="jaxprior.models.dcgan.train:plan",
            text="""Train a least-squares GAN on DCGAN's networks, whose RUN then serves as `--prior RUN`.

    The same command resumes: killed and resumed equals never killed. RUN holds samples, curves, distances and an
    always current `model.safetensors`; at its end or stop also `report.html`, all of it on one page.

    ```
    jaxprior train lsgan --data cats.zip -o runs/lsgan
    jaxprior train lsgan --data cats.zip --preset seed001 --precision bf16 -o runs/lsgan-wide
    jaxprior train lsgan --data faces/ --resolution 32 --widths 96,64,32 --critic-widths 32,64,96 -o runs/faces
    ```

    Read more in docs/lsgan.md.
    """,
        )
    },
)
