"""Encoders of a generator: they say at once, of a picture or of what is left of it, where an inversion should begin."""

from jaxprior.protocols import Family, Trainer


FAMILY = Family(
    title="Encoder, a network that looks at a picture and says where an inversion begins",
    paper="Zhu et al., In-Domain GAN Inversion for Real Image Editing, ECCV 2020; learning-based and hybrid inversion",
    architectures={"encoder": {"encoder": "jaxprior.models.encoder.stored:build_encoder"}},
    trainers={
        "encoder": Trainer(
            config="jaxprior.models.encoder.config:EncoderRecipe",
            presets="jaxprior.models.encoder.config:PRESETS",
            default="holes",
            preset_text="Recipe to start from: holes in the middle and anywhere, or whole pictures without damage.",
            plan="jaxprior.models.encoder.train:plan",
            settled="jaxprior.models.encoder.settled:settled",
            inputs="jaxprior.models.encoder.config:EncoderInputs",
            read="jaxprior.models.encoder.samples:read",
            use_of="jaxprior.models.encoder.use:command",
            text="""Train an encoder of a prior, whose RUN then serves as `--encoder RUN`.

    The encoder looks at a damaged picture once and answers with what the prior should generate there: a latent code,
    and the feature map of one of its layers. The answer fills a hole by itself, or an inversion goes on from it. Give
    real pictures with `--data`: it learns above all from them, and a little from the prior's own samples, whose codes
    are known. `--task` says which damage it shall repair, in the words of a command. The same command goes on with a
    training that was stopped. RUN holds `model.safetensors` (the encoder so far), `answers.csv` (how well it does on
    held-out pictures), curves, and pictures of what it saw, its answers and the originals.

    ```
    jaxprior train encoder --prior cats64 --data cats.zip --task "inpaint center:0.25" --task "inpaint block:0.25" -o runs/encoder
    jaxprior train encoder --prior cats64 --data cats.zip --task "superres 4" --minutes 60 -o runs/encoder-superres
    jaxprior train encoder --prior cats32 --task reconstruct -o runs/encoder-of-samples
    ```

    Read more in docs/encoders.md.
    """,  # noqa: E501  a command that is copied stands on one line
        )
    },
)
