"""What the run folder of a training holds at one moment, read once for its page."""

import dataclasses
from pathlib import Path

from jaxprior.errors import RunError
from jaxprior.reporting.page_pictures import PagePicture, read_png
from jaxprior.reporting.samples import Samples, samples_over_time
from jaxprior.runs.kinds import TRAINING, wrong_kind
from jaxprior.runs.record import read_record
from jaxprior.training.evaluators import Evaluation, read_evaluation
from jaxprior.training.metrics_file import read_metrics
from jaxprior.weights import storage
from jaxprior.weights.loader import RUN_WEIGHTS


@dataclasses.dataclass(frozen=True, kw_only=True)
class Training:
    """What is known of a training.

    Fields:
        title: name of its folder or file; path: where that is.
        record: contents of its run.json; empty for weights that were made elsewhere.
        card: card of its weights; empty if there are none yet.
        losses: rows of `metrics.csv`.
        evaluation: its evaluator's table.
        sheet: the newest sheet of samples, or None.
        samples: a row of sheets over time, oldest first.
    """

    title: str
    path: Path
    record: dict
    card: dict
    losses: list[dict[str, str]] = dataclasses.field(default_factory=list)
    evaluation: Evaluation = dataclasses.field(default_factory=lambda: Evaluation(rows=[]))
    sheet: PagePicture | None = None
    samples: list[Samples] = dataclasses.field(default_factory=list)

    @property
    def recipe(self) -> str:
        """The name of what trained it, such as "pggan"; that of its architecture where there is no run."""
        return self.record.get("configuration", {}).get("recipe", self.card.get("architecture", ""))


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
        path=folder,
        record=record,
        card=storage.read_card(folder / RUN_WEIGHTS),
        losses=read_metrics(folder / "metrics.csv"),
        evaluation=read_evaluation(folder),
        sheet=read_png(folder / "samples.png"),
        samples=samples_over_time(folder / "samples"),
    )
