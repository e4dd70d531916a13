"""The report of a training run, or of a trained SinGAN's file: one `report.html` that works offline.

Of every training: its newest sheet of samples, curves, figures and settings. A SinGAN's page shows what its pyramid
makes, drawn anew from the saved weights, so that networks trained elsewhere have one as well.
"""

import dataclasses
from pathlib import Path

from jaxprior.errors import RunError
from jaxprior.models.consingan import stored as growing_stored
from jaxprior.models.singan import load_singan, stored
from jaxprior.models.singan.page import singan_sections
from jaxprior.reporting.figures import PngFile, read_png
from jaxprior.reporting.training_page import training_page
from jaxprior.runs.record import read_record
from jaxprior.system.files import write_atomically
from jaxprior.training.loop import read_metrics
from jaxprior.weights import storage
from jaxprior.weights.priors import RUN_WEIGHTS


KIND = "training"  # in run.json
DRAWN = (stored.ARCHITECTURE, growing_stored.ARCHITECTURE)  # anew, for the page
FIGURES = ("swd.csv", "held-out.csv", "quality.csv")  # of the judges


@dataclasses.dataclass(frozen=True, kw_only=True)
class Training:
    """What is known of a training.

    Fields:
        title: name of its folder or file.
        record: its run.json; empty for weights that were made elsewhere.
        card: of its weights; empty if there are none yet.
        losses, figures: rows of `metrics.csv` and of the judge's table.
        sheet: the newest samples, or None.
    """

    title: str
    record: dict
    card: dict
    losses: list[dict[str, str]] = dataclasses.field(default_factory=list)
    figures: list[dict[str, str]] = dataclasses.field(default_factory=list)
    sheet: PngFile | None = None


def is_training(path: Path) -> bool:
    """Whether `write_training_report` is for this: the folder of a training, or a file of weights."""
    path = Path(path)
    if path.is_file():
        return path.suffix == ".safetensors"
    return (path / "run.json").is_file() and read_record(path).get("kind") == KIND


def write_training_report(path: Path) -> Path:
    """Write the page of a training, finished or not; of a file of a trained SinGAN, beside it.

    Arguments:
        path: a run folder, which gets `report.html`; or a file NAME.safetensors, beside which NAME.html appears.

    Returns:
        Where the page is.

    Raises:
        RunError: the folder holds no training, or one that has written nothing yet.
        WeightsError: damaged weights, or a file of something else than a SinGAN.

    Example:
        >>> write_training_report("runs/balloons")                      # doctest: +SKIP
        PosixPath('runs/balloons/report.html')
    """
    path = Path(path)
    if path.is_file():
        model, out = load_singan(path), path.with_suffix(".html")
        training = Training(title=path.stem, record={}, card=dict(model.card))
    else:
        training, out = _read(path), path / "report.html"
        model = load_singan(path) if training.card.get("architecture") in DRAWN else None
    sections = singan_sections(model) if model is not None else []
    write_atomically(out, training_page(training, sections).encode("utf-8", "backslashreplace"))
    return out


def _read(folder: Path) -> Training:
    record = read_record(folder)
    if record.get("kind") != KIND:
        raise RunError(f"{folder} holds a {record.get('kind', 'foreign')} run, not a {KIND} run.")
    if members := sorted(folder.glob(f"*/{RUN_WEIGHTS}")):
        raise RunError(f"{folder} trains several networks, each with a page of its own: give a file, {members[0]}.")
    if not (folder / RUN_WEIGHTS).is_file():
        raise RunError(f"{folder} has no weights yet, which come with the first samples: go on with the training.")
    tables = [rows for name in FIGURES if (rows := read_metrics(folder / name))]
    return Training(
        title=folder.resolve().name,
        record=record,
        card=storage.read_card(folder / RUN_WEIGHTS),
        losses=read_metrics(folder / "metrics.csv"),
        figures=tables[0] if tables else [],
        sheet=read_png(folder / "samples.png"),
    )
