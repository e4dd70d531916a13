"""`jaxprior demo`: what the tool is for, on a bundled prior and a picture that every installation has."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from jaxprior.cli.console import load_jax, print_summary, say
from jaxprior.cli.method import resolve
from jaxprior.cli.options import out_option
from jaxprior.cli.solving import solve
from jaxprior.restoration.sizes import Size


@dataclasses.dataclass(frozen=True)
class Part:
    """One run of the demo.

    Fields:
        name: of its folder.
        task: as `jaxprior.evaluation.make_task` takes it. A mask that is called like a file is drawn by `draw`.
        picture: the file that it works on, one of those that the demo writes.
        size: as `Cell` takes it.
        draw: draws the mask, white on black, with a pen of `PIL.ImageDraw`.
    """

    name: str
    task: dict[str, Any]
    picture: str = "cat.png"
    size: Size = "native"
    draw: Callable[[Any], None] | None = None


def _hole(pen: Any) -> None:
    pen.ellipse((76, 120, 144, 180), fill=255)


def _scratches(pen: Any) -> None:
    pen.line([(0, 70), (120, 96), (260, 78), (451, 130)], fill=255, width=4, joint="curve")
    pen.line([(60, 300), (150, 190), (180, 110), (210, 0)], fill=255, width=3, joint="curve")
    pen.line([(451, 250), (330, 190), (250, 230), (130, 215)], fill=255, width=3, joint="curve")


PARTS = (
    Part("hole", {"name": "inpaint", "mask": "hole.png"}, draw=_hole),
    Part("scratches", {"name": "inpaint", "mask": "scratches.png"}, draw=_scratches),
    Part("pixels", {"name": "inpaint", "mask": "pixels:0.5"}),
    Part("superres", {"name": "superres", "factor": 4}, picture="face.png", size="fit"),
    Part("colours", {"name": "colorize"}),
)
METHOD: dict[str, Any] = {}
"""What is changed of the default method, as `jaxprior.cli.method.resolve` takes it."""


def demo(
    out: Annotated[Path, out_option("Folder for the runs and the report.", metavar="DIR")] = Path("jaxprior-demo"),
) -> None:
    """Repair scikit-image's photograph of a cat in its own size: a hole, scratches, lost pixels, lost colours.

    And make its face four times as large. Takes a bundled prior and about a minute on a CPU, downloads nothing, opens
    nothing.

    ```
    jaxprior demo
    jaxprior demo -o my-demo
    ```

    Read more in docs/quickstart.md.
    """
    load_jax()
    from jaxprior import evaluation
    from jaxprior.data import images
    from jaxprior.system import runtime
    from jaxprior.weights import priors
    from jaxprior.weights.card import trained_on

    runtime.enable_compilation_cache()
    _write_inputs(out)
    prior = priors.load_prior()
    say(f"prior {prior.card['name']}, {prior.resolution}x{prior.resolution} pixels; pictures in {out}")
    runs, rows = [], []
    for part in PARTS:
        table = part.task if part.draw is None else {**part.task, "mask": str(out / part.task["mask"])}
        task, mask = evaluation.make_task(table, prior.image_shape)
        cell = evaluation.Cell(task=task, method=resolve(METHOD, task, prior), mask=mask, size=part.size)
        folder = evaluation.RunFolder(out / part.name)
        rows.append(solve(cell, images.list_images([out / part.picture]), folder, prior=prior, batch_size=1))
        runs.append(folder)
    path = evaluation.write_report(runs, out / "report.html")
    print_summary([part.name for part in PARTS], rows, trained_on=trained_on(prior.card))
    say(f"\nreport: {path}")


def _write_inputs(folder: Path) -> None:
    """Write the photograph, the cat's face and the masks that are drawn into the demo's folder."""
    import numpy as np
    import skimage.data
    from PIL import Image, ImageDraw

    from jaxprior.data import images
    from jaxprior.evaluation.datasets import chelsea_squares
    from jaxprior.system.files import make_folder

    make_folder(folder)
    photograph = skimage.data.chelsea()
    images.save_png(folder / "cat.png", photograph)
    images.save_png(folder / "face.png", chelsea_squares()[0])
    height, width = photograph.shape[:2]
    for part in PARTS:
        if part.draw is not None:
            mask = Image.new("L", (width, height))
            part.draw(ImageDraw.Draw(mask))
            images.save_png(folder / part.task["mask"], np.repeat(np.asarray(mask)[..., None], 3, -1))
