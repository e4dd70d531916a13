"""The command `jaxprior singan animate`."""

from pathlib import Path
from typing import Annotated

import typer

from jaxprior.cli.console import mistakes, say
from jaxprior.models.singan.commands import shared
from jaxprior.system.activity import doing
from jaxprior.system.files import check_plain_folder, make_folder


def animate(
    run: shared.Run,
    *,
    out: Annotated[
        Path,
        typer.Option(
            "-o", "--out", help="A .gif or .webp file, or a folder, which gets both.", metavar="DIR|FILE.gif|FILE.webp"
        ),
    ],
    frames: Annotated[int, typer.Option(help="How many.", metavar="N", min=1)] = 100,
    fps: Annotated[float, typer.Option(help="Frames a second, up to 50.", metavar="X")] = 10.0,
    start_scale: Annotated[
        int | None,
        typer.Option(
            help="Coarser scales stay those of the picture; 0 moves everything. By default 2, or the finest one.",
            metavar="n",
            min=0,
        ),
    ] = None,
    alpha: Annotated[float, typer.Option(help="How closely it keeps to the picture, 0 to 1.", metavar="A")] = 0.1,
    beta: Annotated[float, typer.Option(help="How smoothly it moves, 0 to 1.", metavar="B")] = 0.9,
    own_statistics: shared.OwnStatistics = False,
    seed: shared.Seed = 0,
) -> None:
    """Make a short animation of the picture that a SinGAN or a ConSinGAN was trained on, by a random walk of its noise.

    Train for this with `--preset animate`, so that borders move like the rest; or with `--preset
    consingan-animate`, without which the coarsest scale of a ConSinGAN should stay (`--start-scale 1` or more).

    ```
    jaxprior singan animate runs/lightning -o lightning.webp
    jaxprior singan animate runs/lightning -o animations --frames 60 --fps 15 --start-scale 1 --beta 0.8
    ```

    Read more in docs/singan.md.
    """
    from jaxprior.data import animations, images
    from jaxprior.models import singan

    animations.check_fps(fps)
    as_file = out.suffix.lower() in animations.SUFFIXES and not out.is_dir()
    check_plain_folder(out.parent if as_file else out, expected=f"{' or '.join(animations.SUFFIXES)}, or a folder")
    shared.check_model(run)
    import jax  # after what can be refused without it

    model = shared.load_model(run, own_statistics=own_statistics)
    with mistakes(), doing(f"drawing {frames} frames"):
        made = singan.animate(
            model, jax.random.key(seed), frames=frames, start_scale=start_scale, alpha=alpha, beta=beta
        )
        pixels = images.to_uint8(made)
    folder = make_folder(out.parent if as_file else out)
    paths = [out] if as_file else [folder / f"animation{suffix}" for suffix in animations.SUFFIXES]
    for path in paths:
        with doing(f"writing {path.name}"):
            animations.save_animation(path, pixels, fps=fps)
    height, width = pixels.shape[1:3]
    say(f"{frames} frames of {width}x{height} pixels, {frames / fps:.1f} s: {' and '.join(map(str, paths))}")
