"""`jaxprior train lsgan`."""

import enum
from typing import Annotated

import typer

from jaxprior.cli.signature import spelled_out
from jaxprior.cli.train.shared import (
    PictureOptions,
    changed,
    network_option,
    numbers,
    recipe_option,
    train_on_pictures,
)


class LsganPreset(enum.StrEnum):
    """Named recipes of `jaxprior.models.dcgan.train`."""

    narrow = "narrow"
    seed001 = "seed001"


class LsganLoss(enum.StrEnum):
    """Adversarial losses on DCGAN's networks."""

    lsgan = "lsgan"
    nonsaturating = "nonsaturating"
    saturating = "saturating"
    hinge = "hinge"


@spelled_out
def lsgan(
    *,
    preset: Annotated[
        LsganPreset,
        typer.Option(help="Recipe to start from: narrow, for an hour of two CPU cores; or the seed's own widths."),
    ] = LsganPreset.narrow,
    loss: Annotated[LsganLoss | None, recipe_option("Adversarial loss.")] = None,
    steps: Annotated[int | None, recipe_option("Steps altogether.", metavar="K", least=1)] = None,
    generator_steps: Annotated[
        int | None, recipe_option("Of the generator for one of the critic.", metavar="N", least=1)
    ] = (None),
    resolution: Annotated[
        int | None, network_option("Pixels of a side: 4 times two to the number of widths.", metavar="R")
    ] = None,
    widths: Annotated[
        str | None,
        network_option("The generator's feature maps at 4x4, 8x8, ..., e.g. 128,96,64,32.", metavar="N,N,..."),
    ] = None,
    critic_widths: Annotated[
        str | None, network_option("The critic's feature maps after every halving.", metavar="N,N,...")
    ] = None,
    latent_dim: Annotated[int | None, network_option("Length of a latent code.", metavar="N", least=1)] = None,
    kernel: Annotated[int | None, network_option("Side of the kernels, 2 to 7.", metavar="N", least=2)] = None,
    dropout: Annotated[float | None, network_option("Share dropped in the generator.", metavar="X", least=0.0)] = None,
    training: PictureOptions,
) -> None:
    """Train a least-squares GAN on DCGAN's networks, whose RUN then serves as `--prior RUN`.

    The same command resumes: killed and resumed equals never killed. RUN holds samples, curves, distances and an
    always current `model.safetensors`.

    ```
    jaxprior train lsgan --data cats.zip -o runs/lsgan
    jaxprior train lsgan --data cats.zip --preset seed001 --precision bf16 -o runs/lsgan-wide
    jaxprior train lsgan --data faces/ --resolution 32 --widths 96,64,32 --critic-widths 32,64,96 -o runs/faces
    ```
    """
    from jaxprior.models.dcgan import train as recipes

    changes = {
        **training.changes(), "loss": loss, "steps": steps, "generator_steps": generator_steps,
        "resolution": resolution, "widths": numbers("--widths", widths),
        "critic_widths": numbers("--critic-widths", critic_widths), "latent_dim": latent_dim, "kernel": kernel,
        "dropout": dropout,
    }  # fmt: skip
    train_on_pictures(recipes.plan, changed(recipes.PRESETS[preset.value], changes), training, training.data)
