"""IcGAN: a conditional GAN with encoders of codes and labels, which changes attributes of pictures (Perarnau 2016)."""

from jaxprior.protocols import Family, Trainer


FAMILY = Family(
    title="IcGAN, a conditional GAN that changes attributes of pictures",
    paper="Perarnau et al., Invertible Conditional GANs for Image Editing, NeurIPS Workshop on Adversarial Training, "
    "2016",
    sizes="jaxprior.models.icgan.config:sizes",
    architectures={
        "icgan": {
            "prior": "jaxprior.models.icgan.stored:build_prior",
            "attributes": "jaxprior.models.icgan.stored:build_model",
            "encoder": "jaxprior.models.icgan.stored:build_encoder",
        }
    },
    trainers={
        "icgan": Trainer(
            config="jaxprior.models.icgan.config:IcganRecipe",
            presets="jaxprior.models.icgan.config:PRESETS",
            default="small",
            preset_text="Recipe to start from: small, grey pictures of 32 pixels for CPU cores; or the paper's.",
            inputs="jaxprior.training.settings:LabelledInputs",
            read="jaxprior.training.labelled_pictures:read",
            plan="jaxprior.models.icgan.train:plan",
            use="jaxprior attributes",
            text="""Train a GAN that makes pictures of given labels, and encoders that read code and label of pictures.

    The RUN then changes attributes of pictures (`jaxprior attributes RUN IMAGES --set NAME=1`) and serves as
    `--prior RUN`. Labels are folders, one for each class; or a CSV file with a row for each picture and 0 or 1 for
    every attribute; or an IDX file, as MNIST's. The same command resumes.

    ```
    jaxprior train icgan --data digits/ -o runs/digits
    jaxprior train icgan --data t10k-images-idx3-ubyte.gz -o runs/digits
    jaxprior train icgan --data faces/ --labels faces.csv --preset paper -o runs/faces
    ```

    Read more in docs/icgan.md.
    """,
        )
    },
    uses=("dcgan",),
)
