"""SRGAN: a network that enlarges photographs of any size (Ledig et al., CVPR 2017)."""

from jaxprior.protocols import Family, Trainer


FAMILY = Family(
    title="SRGAN, a network that enlarges photographs",
    paper="Ledig et al., Photo-Realistic Single Image Super-Resolution Using a Generative Adversarial Network, "
    "CVPR 2017",
    architectures={"srgan": {"restorer": "jaxprior.models.srgan.stored:build_restorer"}},
    restores="jaxprior.models.srgan.config:restores",
    trainers={
        "srgan": Trainer(
            config="jaxprior.models.srgan.config:SrganRecipe",
            presets="jaxprior.models.srgan.config:PRESETS",
            default="narrow",
            preset_text="Recipe to start from: narrow, a light network for an hour of two CPU cores; or the paper's.",
            plan="jaxprior.models.srgan.train:plan",
            settled="jaxprior.models.srgan.settled:settled",
            read="jaxprior.training.photo_crops:read",
            use="jaxprior superres IMAGES -o RUN --restorer",
            text="""Train a network that enlarges photographs of any size, whose RUN then serves as `--restorer RUN`.

    It sees random crops of the photographs, shrunk by antialiased bicubic interpolation. First it learns with the
    square error (SRResNet); with `--adversarial-steps`, after that with a critic and a feature network (SRGAN), which
    makes sharper pictures with larger errors. The same command resumes. RUN holds curves, pictures (small, bicubic,
    made, original), figures of held-out photographs beside bicubic enlargement, and an always current
    `model.safetensors`; at its end or stop also `report.html`, all of it on one page.

    ```
    jaxprior train srgan --data photos/ -o runs/superres
    jaxprior train srgan --data photos.zip --factor 2 --steps 3000 -o runs/twice
    jaxprior train srgan --data photos/ --adversarial-steps 2000 --features squeezenet -o runs/srgan
    jaxprior train srgan --data photos/ --from runs/superres --steps 0 --adversarial-steps 2000 \\
        --features squeezenet -o runs/sharper
    ```

    Read more in docs/super-resolution.md.
    """,
        )
    },
)
