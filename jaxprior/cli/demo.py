"""`jaxprior demo`: the main job on a bundled prior and a picture that every installation has."""

from pathlib import Path
from typing import Annotated, Any

from jaxprior.cli.console import print_summary, say
from jaxprior.cli.method import resolve
from jaxprior.cli.options import out_option
from jaxprior.cli.restore import solve


TASKS = (
    {"name": "reconstruct"},
    {"name": "inpaint", "mask": "center:0.25"},
    {"name": "inpaint", "mask": "block:0.25"},
    {"name": "inpaint", "mask": "pixels:0.5"},
)
METHOD: dict[str, Any] = {}
"""What is changed of the default method, as `jaxprior.cli.method.resolve` takes it."""


def demo(
    out: Annotated[Path, out_option("Folder for the runs and the report.", metavar="DIR")] = Path("jaxprior-demo"),
) -> None:
    """Restore the face of scikit-image's cat photograph: whole, and under three masks.

    Takes a bundled prior and a minute or two on a CPU, downloads nothing, opens nothing.

    ```
    jaxprior demo
    jaxprior demo -o my-demo
    ```
    """
    from jaxprior import evaluation
    from jaxprior.data import images
    from jaxprior.system import runtime
    from jaxprior.weights import priors

    runtime.enable_compilation_cache()
    prior = priors.load_prior()
    source = _picture(out)
    say(f"prior {prior.card['name']}, {prior.resolution}x{prior.resolution} pixels; picture {source}")
    sources, runs, rows = images.list_images([source]), [], []
    for table in TASKS:
        task, mask = evaluation.make_task(table, prior.image_shape)
        cell = evaluation.Cell(task=task, method=resolve(METHOD, task, prior), mask=mask, clean=True)
        folder = evaluation.RunFolder(out / cell.title.replace(" ", "-").replace(":", "-"))
        rows.append(solve(cell, sources, folder, prior=prior, batch_size=1))
        runs.append(folder)
    path = evaluation.write_report(runs, out / "report.html")
    print_summary([run.read()["title"] for run in runs], rows)
    say(f"\nreport: {path}")


def _picture(folder: Path) -> Path:
    """Write the cat's face into the demo's folder."""
    from jaxprior.data import images
    from jaxprior.evaluation.datasets import chelsea_squares
    from jaxprior.system.files import make_folder

    make_folder(folder)
    path = folder / "cat.png"
    images.save_png(path, chelsea_squares()[0])
    return path
