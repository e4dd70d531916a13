"""`jaxprior singan paint`."""

from typing import Annotated

import typer

from jaxprior.cli.signature import spelled_out
from jaxprior.cli.singan import shared
from jaxprior.cli.singan.shared import InjectionOptions


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
    injection: InjectionOptions,
) -> None:
    """Turn a painting or clip art into a picture like the one that a SinGAN was trained on.

    DIR gets `start_scale=n.png` for every start scale and `sheet.png` with all of them: look which one you like best.

    ```
    jaxprior singan paint runs/trees clipart.png -o painted
    jaxprior singan paint runs/trees clipart.png -o painted --start-scale 2 --count 8
    jaxprior singan paint runs/trees clipart.png -o painted --colors 5
    ```
    """
    from jaxprior import singan

    shared.manipulate(
        run, reference, injection,
        lambda model, pixels, key, scales: singan.paint(model, pixels, key, start_scales=scales, colors=colors),
    )  # fmt: skip
