"""`jaxprior demo`: the main job on a bundled prior and a picture that every installation has."""

from pathlib import Path
from typing import Annotated

import typer

from jaxprior.cli.console import print_summary, say
from jaxprior.cli.method import resolve
from jaxprior.cli.options import MethodOptions
from jaxprior.cli.restore import solve


MASKS = (None, "center:0.25", "block:0.25", "pixels:0.5")
FACE = (slice(0, 300), slice(120, 420))  # of scikit-image's cat photograph; the nose is in the middle


def demo(
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for the runs and the report.", metavar="DIR")] = Path(
        "jaxprior-demo"
    ),
) -> None:
    """Restore the face of scikit-image's cat photograph: whole, and under three masks.

    Takes a bundled prior and a minute or two on a CPU, downloads nothing, opens nothing.

    ```
    jaxprior demo
    jaxprior demo -o my-demo
    ```
    """
    import numpy as np

    from jaxprior import evaluation, images, masks, operators, priors, runtime

    runtime.enable_compilation_cache()
    prior = priors.load_prior()
    source = _picture(out)
    say(f"prior {prior.card['name']}, {prior.resolution}x{prior.resolution} pixels; picture {source}")
    sources, runs, rows = images.list_images([source]), [], []
    for mask in MASKS:
        hole = np.zeros((prior.resolution, prior.resolution), np.float32)
        task = operators.Identity() if mask is None else operators.Inpaint(hole)
        cell = evaluation.Cell(
            task=task,
            method=resolve(MethodOptions(), task, prior),
            mask=None if mask is None else masks.parse_mask(mask),
            clean=True,
        )
        folder = evaluation.RunFolder(out / cell.title.replace(" ", "-").replace(":", "-"))
        rows.append(solve(cell, sources, folder, prior=prior, batch_size=1))
        runs.append(folder)
    path = evaluation.write_report(runs, out / "report.html")
    print_summary([run.read()["title"] for run in runs], rows)
    say(f"\nreport: {path}")


def _picture(folder: Path) -> Path:
    """Write the cat's face into the demo's folder (chelsea by Stefan van der Walt, CC0)."""
    import skimage.data

    from jaxprior import images

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "cat.png"
    images.save_png(path, skimage.data.chelsea()[FACE])
    return path
