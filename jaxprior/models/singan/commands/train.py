"""`jaxprior singan train`."""

import enum
from pathlib import Path
from typing import Annotated

import typer

from jaxprior.cli.signature import spelled_out
from jaxprior.cli.training import EssentialOptions, RunOptions, changed
from jaxprior.models.singan.commands import folder
from jaxprior.models.singan.commands.growing import GrowingOptions
from jaxprior.models.singan.commands.recipe_options import PyramidOptions, StepOptions


SinganPreset = enum.StrEnum("SinganPreset", ["singan", "seed002", "consingan", "superres", "animate"])


@spelled_out
def train(
    picture: Annotated[
        Path, typer.Argument(help="The picture; or a folder or zip archive of them.", metavar="PICTURE|DIR|ZIP")
    ],
    *,
    preset: Annotated[
        SinganPreset,
        typer.Option(help="Recipe to start from: official, a tutorial's, ConSinGAN's, or to enlarge or animate."),
    ] = SinganPreset.singan,
    together: Annotated[
        int, typer.Option(help="Of a folder's pictures, train so many of one size as one program.", metavar="N", min=1)
    ] = 1,
    steps: StepOptions,
    pyramid: PyramidOptions,
    growing: GrowingOptions,
    training: RunOptions,
    essentials: EssentialOptions,
) -> None:
    """Train a SinGAN on one picture: a pyramid of generators that `jaxprior singan sample` draws from.

    The same command resumes: killed and resumed equals never killed. RUN holds samples, curves, the error of the
    reconstruction, the diversity of samples, and an always current `model.safetensors`, with the scales begun so far;
    at its end or stop also `report.html`, all of it on one page (`jaxprior report RUN` makes it at any moment).

    ```
    jaxprior singan train balloons.png -o runs/balloons
    jaxprior singan train balloons.png --max-size 120 --steps 500 --minutes 30 -o runs/small
    jaxprior singan train balloons.png --preset seed002 --width 48 -o runs/wide
    jaxprior singan train small.png --preset superres -o runs/large    # then: jaxprior singan superres runs/large
    jaxprior singan train balloons.png --preset animate -o runs/moving   # then: jaxprior singan animate runs/moving
    jaxprior singan train balloons.png --preset consingan -o runs/growing
    jaxprior singan train pictures -o runs --max-size 120
    ```

    Of a folder, every picture gets a run of its own, RUN/NAME.
    """
    from jaxprior.models.consingan import train as consingan
    from jaxprior.models.singan import train as singan

    recipes = consingan if preset.value in consingan.PRESETS else singan
    changes = essentials.changes() | pyramid.changes() | growing.changes() | steps.changes()
    recipe = changed(recipes.PRESETS[preset.value], changes)
    if picture.is_dir() or picture.suffix.lower() == ".zip":
        folder.train_all(picture, recipe, recipes, training, together=together)
    else:
        folder.train_one(picture, recipe, recipes, training)
