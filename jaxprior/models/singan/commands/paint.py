"""The command `jaxprior singan paint`."""

from pathlib import Path
from typing import Annotated

import typer

from jaxprior.cli.console import mistakes
from jaxprior.cli.signature import spelled_out
from jaxprior.cli.training import TrainingRunOptions, train
from jaxprior.errors import JaxpriorError
from jaxprior.models.singan.commands import shared
from jaxprior.models.singan.commands.shared import InjectionOptions
from jaxprior.system.files import make_folder


@spelled_out
def paint(
    run: shared.Run,
    reference: shared.Reference,
    *,
    colors: Annotated[
        int | None,
        typer.Option(
            help="Snap the painting to so many colors of the model's picture; officially 5, or not at all.",
            metavar="K",
            min=1,
        ),
    ] = None,
    retrain: Annotated[
        bool,
        typer.Option("--retrain", help="First train the start scale again on images of these colors, as officially."),
    ] = False,
    steps: Annotated[int | None, typer.Option(help="Of --retrain; officially 2000.", metavar="K", min=1)] = None,
    injection: InjectionOptions,
) -> None:
    """Turn a painting or clip art into a picture like the one that a SinGAN was trained on.

    DIR gets `start_scale=n.png` for every start scale and `sheet.png` with all of them: look which one you like best.

    ```
    jaxprior singan paint runs/trees clipart.png -o painted
    jaxprior singan paint runs/trees clipart.png -o painted --start-scale 2 --count 8
    jaxprior singan paint runs/trees clipart.png -o painted --colors 5
    jaxprior singan paint runs/trees clipart.png -o painted --colors 5 --start-scale 2 --retrain
    ```

    With --retrain, DIR/retrained is the run of a training, which goes on if it was stopped, and a SinGAN of its own.

    Read more in docs/singan.md.
    """
    from jaxprior.data import images
    from jaxprior.models import singan

    shared.check_model(run)
    pixels = images.load_telling(reference)
    used = _retrained(run, colors, injection, steps) if retrain else run
    shared.manipulate(
        used, reference, pixels, injection,
        lambda model, pixels, key, scales: singan.paint(model, pixels, key, start_scales=scales, colors=colors),
    )  # fmt: skip


def _retrained(run: str, colors: int | None, injection: InjectionOptions, steps: int | None) -> Path:
    """Train one scale again, and return the run of this training."""
    from jaxprior.models.singan import repaint as singan_repaint

    scale, out = injection.start_scale, injection.out / "retrained"
    if colors is None or scale is None:
        raise JaxpriorError("--retrain is of one scale and for its colors: give --start-scale and --colors too.")
    model = shared.load_model(run, own_statistics=False)
    with mistakes():
        recipe = singan_repaint.recipe_of(model, scale, steps=steps, seed=injection.seed)
        plan = singan_repaint.plan(recipe, model, scale=scale, colors=colors)
    make_folder(injection.out)
    train(plan, TrainingRunOptions(out=out), run, use="jaxprior singan paint")
    return out
