"""`jaxprior train pggan`."""

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


class PgganPreset(enum.StrEnum):
    """Named recipes of `jaxprior.models.pggan.train`."""

    fast = "fast"
    paper = "paper"
    cats32 = "cats32"
    cats64 = "cats64"


class PgganLoss(enum.StrEnum):
    """Adversarial losses of PGGAN."""

    wgan_gp = "wgan-gp"
    nonsaturating = "nonsaturating"


@spelled_out
def pggan(
    *,
    resolution: Annotated[
        int | None,
        typer.Option(help="Pixels of a side, a power of two from 8 to 1024; by default the preset's.", metavar="R"),
    ] = None,
    preset: Annotated[
        PgganPreset,
        typer.Option(
            help="Recipe to start from: the paper's schedule, a fast one for small data on one device, the one of the "
            "bundled cats32 (two CPU cores) or of cats64 (minutes of a data-centre GPU)."
        ),
    ] = PgganPreset.fast,
    loss: Annotated[PgganLoss | None, recipe_option("Adversarial loss.")] = None,
    train_kimg: Annotated[
        float | None, recipe_option("Thousand pictures shown at each resolution.", metavar="K", least=0)
    ] = None,
    fade_kimg: Annotated[
        float | None, recipe_option("Thousand pictures while each resolution fades in.", metavar="K", least=0)
    ] = None,
    final_kimg: Annotated[
        float | None, recipe_option("Thousand pictures at the last resolution.", metavar="K", least=0)
    ] = None,
    final_lr: Annotated[
        float | None, recipe_option("Learning rate reached at the end.", metavar="X", least=0.0)
    ] = None,
    start_resolution: Annotated[int | None, network_option("First resolution, 4 in the paper.", metavar="R")] = None,
    widths: Annotated[
        str | None, network_option("Feature maps at 4x4, 8x8, ..., for example 96,96,64,32.", metavar="N,N,...")
    ] = None,
    fmap_max: Annotated[int | None, network_option("Upper limit of the feature maps.", metavar="N", least=1)] = None,
    latent_dim: Annotated[
        int | None, network_option("Length of a latent code; by default the widest layer.", metavar="N", least=1)
    ] = None,
    fused: Annotated[bool | None, network_option("Fused up- and down-convolutions.", "--fused/--plain")] = None,
    training: PictureOptions,
) -> None:
    """Train a progressively grown GAN, whose RUN then serves as `--prior RUN`.

    The same command resumes: killed and resumed equals never killed. RUN holds samples, curves, distances and an
    always current `model.safetensors`.

    ```
    jaxprior train pggan --data cats.zip --resolution 64 -o runs/cats64
    jaxprior train pggan --data faces/ --resolution 32 --train-kimg 40 --final-kimg 200 -o runs/faces
    jaxprior train pggan --data cats.zip --resolution 64 --preset paper --precision bf16 -o runs/paper
    ```
    """
    from jaxprior.models.pggan import train as recipes

    changes = {
        **training.changes(), "resolution": resolution, "loss": loss, "train_kimg": train_kimg,
        "fade_kimg": fade_kimg, "final_kimg": final_kimg, "final_learning_rate": final_lr,
        "start_resolution": start_resolution, "widths": numbers("--widths", widths), "fmap_max": fmap_max,
        "latent_dim": latent_dim, "fused": fused, "batch_limit": None if training.batch_size is None else (),
    }  # fmt: skip
    train_on_pictures(recipes.plan, changed(recipes.PRESETS[preset.value], changes), training, training.data)
