"""What the run folder of a training holds at one moment, read once for its page."""

import dataclasses
from pathlib import Path

from jaxprior.errors import RunError
from jaxprior.reporting.page_pictures import PagePicture, read_png
from jaxprior.runs.kinds import TRAINING, wrong_kind
from jaxprior.runs.record import read_record
from jaxprior.training.evaluators import read_evaluation
from jaxprior.training.loop import read_metrics
from jaxprior.weights import storage
from jaxprior.weights.loader import RUN_WEIGHTS


@dataclasses.dataclass(frozen=True, kw_only=True)
class Training:
    """What is known of a training.

    Fields:
        title: name of its folder or file.
        record: contents of its run.json; empty for weights that were made elsewhere.
        card: card of its weights; empty if there are none yet.
        losses: rows of `metrics.csv`.
        figures: rows of its evaluator's table.
        sheet: the newest sheet of samples, or None.
    """

    title: str
    record: dict
    card: dict
    losses: list[dict[str, str]] = dataclasses.field(default_factory=list)
    figures: list[dict[str, str]] = dataclasses.field(default_factory=list)
    sheet: PagePicture | None = None


def read_training(folder: Path) -> Training:
    """Read the run folder of a training.

    Raises:
        RunError: the folder holds no training, trains several networks, or has written no weights yet.
        WeightsError: the weights' card is damaged.
    """
    record = read_record(folder)
    if record.get("kind") != TRAINING:
        raise RunError(wrong_kind(folder, record, TRAINING))
    if members := sorted(folder.glob(f"*/{RUN_WEIGHTS}")):
        raise RunError(f"{folder} trains several networks, each with a page of its own: give a file, {members[0]}.")
    if not (folder / RUN_WEIGHTS).is_file():
        raise RunError(f"{folder} has no weights yet, which come with the first samples: go on with the training.")
    return Training(
        title=folder.resolve().name,
        record=record,
        card=storage.read_card(folder / RUN_WEIGHTS),
        losses=read_metrics(folder / "metrics.csv"),
        figures=read_evaluation(folder),
        sheet=read_png(folder / "samples.png"),
    )
