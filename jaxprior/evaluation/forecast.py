"""What running a recipe will take, before it is run."""

import dataclasses
from collections.abc import Iterator

from jaxprior.evaluation.estimate import Estimate, estimate_cells, estimate_elsewhere
from jaxprior.evaluation.plan import EvaluationPlan, PlannedCell
from jaxprior.evaluation.restorer_cells import RestorerCell
from jaxprior.evaluation.runner import DEFAULT_BATCH
from jaxprior.restoration.known_devices import known_device
from jaxprior.runs.shares import WHOLE, Share
from jaxprior.system.activity import doing


@dataclasses.dataclass(frozen=True, kw_only=True)
class Forecast:
    """What one cell takes on a device. Of a restorer's cell, which answers at once, only the pictures are known.

    Fields:
        title: of the cell within its grid.
        pictures, inversions: an inversion is one start of one picture.
        steps: gradient evaluations of an inversion, at most.
        batch, bytes: pictures solved at once, and the memory that they need; None where it is not known.
        steps_seconds: for the steps of all its pictures; None where it is not known, as those below.
        rest_seconds: for reading, measuring and saving them.
        compiling_seconds: for its programs; 0 if a cell before it has the same.
        measured: whether the machine's speed was measured for this; else it was known from an earlier time.
    """

    title: str
    pictures: int
    inversions: int
    steps: int
    batch: int
    bytes: int | None = None
    steps_seconds: float | None = None
    rest_seconds: float | None = None
    compiling_seconds: float | None = None
    measured: bool = False

    @property
    def seconds(self) -> float | None:
        """All that it takes; None where it is not known."""
        if self.steps_seconds is None or self.rest_seconds is None or self.compiling_seconds is None:
            return None
        return self.steps_seconds + self.rest_seconds + self.compiling_seconds


def forecast_cells(
    plan: EvaluationPlan,
    *,
    batch_size: int | None = None,
    memory: float | None = None,
    share: Share = WHOLE,
    device: str | None = None,
) -> list[Forecast]:
    """Estimate every cell of a plan; cells that differ in nothing that costs time are estimated once.

    Arguments:
        plan: from `make_plan`.
        batch_size, memory, share: as for `run_recipe`.
        device: None for this machine, or one that need not be at hand, whose speed is known: "h100", "h200".

    Returns:
        One `Forecast` a cell, in the order of the grid.

    Example:
        >>> cells = forecast_cells(  # compiles for seconds # doctest: +SKIP
        ...     make_plan(load_recipe("quick"), "runs/quick")
        ... )
        >>> sum(cell.seconds for cell in cells)  # compiles for seconds # doctest: +SKIP
        95.2
    """
    elsewhere = None if device is None else known_device(device)
    kinds: dict[tuple, int] = {}
    for number, planned in enumerate(plan.cells):
        if not isinstance(planned.cell, RestorerCell):
            kinds.setdefault(_kind(planned), number)
    first = [plan.cells[number] for number in kinds.values()]
    cells = [(one.cell, one.prior) for one in first]
    with doing("counting what cells take"):
        if elsewhere is None:
            found = estimate_cells(cells, batch_size, memory=memory)
        else:
            most = max(len(share.of(one.sources)) for one in plan.cells)
            wanted = batch_size or max(min(most, DEFAULT_BATCH), 1)
            found = estimate_elsewhere(cells, elsewhere, wanted, memory=memory)
    estimates = dict(zip(kinds, found, strict=True))
    return list(_forecasts(plan, estimates, share))


def _kind(planned: PlannedCell) -> tuple[str, str, str]:
    """Cells of one kind take the same time for a picture."""
    return planned.labels["prior"], planned.labels["method"], planned.cell.task.label


def _forecasts(plan: EvaluationPlan, estimates: dict[tuple, Estimate], share: Share) -> Iterator[Forecast]:
    compiled = set()
    for planned in plan.cells:
        if isinstance(planned.cell, RestorerCell):
            yield Forecast(title=planned.title, pictures=len(share.of(planned.sources)), inversions=0, steps=0, batch=0)
            continue
        (solve, draws), estimate = (planned.cell.method.solve, planned.cell.method.draws), estimates[_kind(planned)]
        pictures = len(share.of(planned.sources))
        yield Forecast(
            title=planned.title,
            pictures=pictures,
            inversions=pictures * (solve.starts + (0 if draws is None else draws.count)),
            steps=planned.cell.method.evaluations,
            batch=min(estimate.batch, pictures),
            bytes=estimate.bytes,
            steps_seconds=pictures * estimate.seconds_per_picture,
            rest_seconds=pictures * estimate.rest_per_picture,
            compiling_seconds=0.0 if estimate.program in compiled else estimate.compiling,
            measured=estimate.measured,
        )
        compiled.add(estimate.program)
