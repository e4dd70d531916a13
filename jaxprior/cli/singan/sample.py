"""`jaxprior singan sample`."""

from pathlib import Path
from typing import Annotated

import typer

from jaxprior.cli.console import mistakes, say
from jaxprior.errors import JaxpriorError


AT_ONCE = 8
"""Images that are drawn together."""

COLUMNS = 8


def sample(
    run: Annotated[Path, typer.Argument(help="Run of `singan train`, or a file of a SinGAN.", metavar="RUN|FILE")],
    *,
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder of the images.", metavar="DIR")],
    count: Annotated[int, typer.Option(help="How many.", metavar="N", min=1)] = 16,
    start_scale: Annotated[
        int, typer.Option(help="Coarser scales are those of the picture; 0 draws everything.", metavar="n", min=0)
    ] = 0,
    height_scale: Annotated[
        float, typer.Option(help="Height as a multiple of the picture's.", metavar="X", min=0.0)
    ] = 1.0,
    width_scale: Annotated[float, typer.Option(help="Width, the same.", metavar="X", min=0.0)] = 1.0,
    seed: Annotated[int, typer.Option(help="Of everything random.", metavar="S", min=0)] = 0,
) -> None:
    """Draw random images of a trained SinGAN: `000.png` and so on, and `sheet.png`.

    The higher the start scale, the more of the picture's own arrangement stays.

    ```
    jaxprior singan sample runs/balloons -o samples
    jaxprior singan sample runs/balloons -o samples --count 50 --start-scale 1
    jaxprior singan sample runs/balloons -o wide --width-scale 2
    ```
    """
    import jax
    import numpy as np

    from jaxprior import images, runtime
    from jaxprior.singan import draw, load_singan

    runtime.enable_compilation_cache()
    model = load_singan(run)
    keys = jax.random.split(jax.random.key(seed), -(-count // AT_ONCE))
    drawn = []
    with mistakes():
        for key in keys:
            batch = draw(
                model, key, count=min(count, AT_ONCE), start_scale=start_scale, height_scale=height_scale,
                width_scale=width_scale,
            )  # fmt: skip
            drawn.extend(images.to_uint8(np.asarray(batch)))
    try:
        out.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise JaxpriorError(f"{out} lies in a file or is one: give another folder with -o.") from None
    for number, image in enumerate(drawn[:count]):
        images.save_png(out / f"{number:03d}.png", image)
    images.save_png(out / "sheet.png", images.grid(drawn[:count], columns=min(count, COLUMNS)))
    height, width = drawn[0].shape[:2]
    say(f"{count} images of {width}x{height} pixels and a sheet in {out}")
