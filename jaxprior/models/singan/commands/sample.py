"""The command `jaxprior singan sample`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from jaxprior.cli.console import mistakes, say
from jaxprior.cli.derived import finite
from jaxprior.models.singan.commands import shared
from jaxprior.system.activity import doing, steps_of
from jaxprior.system.files import make_folder, write_atomically
from jaxprior.weights.outlines import outline_network


AT_ONCE = 8
"""Number of images that are drawn together."""

COLUMNS = 8


def sample(
    run: shared.Run,
    *,
    out: shared.Out,
    count: Annotated[int, typer.Option(help="How many.", metavar="N", min=1)] = 16,
    start_scale: Annotated[
        int, typer.Option(help="Coarser scales are those of the picture; 0 draws everything.", metavar="n", min=0)
    ] = 0,
    height_scale: Annotated[
        float, typer.Option(help="Height as a multiple of the picture's.", metavar="X", min=0.0, callback=finite)
    ] = 1.0,
    width_scale: Annotated[
        float, typer.Option(help="Width, the same.", metavar="X", min=0.0, callback=finite)
    ] = 1.0,
    scales: Annotated[
        bool, typer.Option("--scales", help="Also a sheet of the images at every scale: scales/0.png and so on.")
    ] = False,
    own_statistics: shared.OwnStatistics = False,
    seed: shared.Seed = 0,
    features: Annotated[
        str | None,
        typer.Option(
            help="Measure how near the samples' patches are to the picture's, in the early layers of an installed "
            "network (see `jaxprior priors`) or its .safetensors file.",
            metavar="NAME|FILE",
        ),
    ] = None,
) -> None:
    """Draw random images of a trained SinGAN: `000.png` and so on, and `sheet.png`.

    The higher the start scale, the more of the picture's own arrangement stays: diversity, the spread of a pixel over
    the samples as a share of the picture's own, falls. With --features, `quality.csv` holds each sample's Frechet
    distance from the picture.

    ```
    jaxprior singan sample runs/balloons -o samples
    jaxprior singan sample runs/balloons -o samples --count 50 --start-scale 1
    jaxprior singan sample runs/balloons -o wide --width-scale 2 --scales
    jaxprior singan sample runs/balloons -o samples --features squeezenet
    ```

    Read more in docs/singan.md.
    """
    shared.check_model(run)
    if features is not None:
        outline_network(features, role="features")
    import jax  # after what can be refused without it
    import numpy as np

    from jaxprior import metrics
    from jaxprior.data import images
    from jaxprior.models.singan import draw_scales
    from jaxprior.weights.features import load_early_features

    model = shared.load_model(run, own_statistics=own_statistics)
    network = None if features is None else load_early_features(features)
    keys = jax.random.split(jax.random.key(seed), -(-count // AT_ONCE))
    batches = []
    with mistakes():
        for first in steps_of("drawing", count, AT_ONCE, unit="images"):
            key = keys[first // AT_ONCE]
            made = draw_scales(
                model, key, count=min(count, AT_ONCE), start_scale=start_scale, height_scale=height_scale,
                width_scale=width_scale,
            )  # fmt: skip
            batches.append([images.to_uint8(np.asarray(batch)) for batch in made])
    drawn = [np.concatenate(batch)[:count] for batch in zip(*batches, strict=True)]
    folder = make_folder(out)
    for number, image in enumerate(drawn[-1]):
        images.save_png(folder / f"{number:03d}.png", image)
    images.save_png(folder / "sheet.png", images.grid(drawn[-1], columns=min(count, COLUMNS)))
    if scales:
        make_folder(folder / "scales")
        for n, batch in enumerate(drawn):
            images.save_png(folder / "scales" / f"{n}.png", images.grid(batch, columns=min(count, COLUMNS)))
    height, width = drawn[-1].shape[1:3]
    say(f"{count} images of {width}x{height} pixels and a sheet in {out}")
    samples = images.to_float(drawn[-1])
    diversity = float(metrics.diversity(samples, model.image))
    if count > 1:
        say(f"diversity {diversity:.3f}, the spread of a pixel over the samples as a share of the picture's own")
    if network is not None:
        with mistakes(), doing("measuring the samples' patches"):
            distances = metrics.patch_frechet(network, np.asarray(model.image), samples)
        _write_quality(out / "quality.csv", distances, diversity)
        say(f"patch distance {distances.mean():.6g} (Frechet, {network.label}): {out / 'quality.csv'}")


def _write_quality(path: Path, distances: Any, diversity: float) -> None:
    """Write the distance of each sample, and in the last line their mean and the diversity."""
    lines = [f"{number:03d},{distance:.6g}," for number, distance in enumerate(distances)]
    lines = ["sample,patch_frechet,diversity", *lines, f"mean,{distances.mean():.6g},{diversity:.6g}"]
    write_atomically(path, ("\n".join(lines) + "\n").encode())
