"""What running a recipe will take, before it is run."""

import dataclasses
from collections.abc import Iterator

from jaxprior.evaluation.estimate import estimate_cell
from jaxprior.evaluation.plan import EvaluationPlan
from jaxprior.runs.shares import WHOLE, Share
from jaxprior.system.activity import Activity, doing


@dataclasses.dataclass(frozen=True, kw_only=True)
class Forecast:
    """What one cell takes on this device.

    Fields:
        title: of the cell within its grid.
        pictures, inversions: an inversion is one start of one picture.
        steps: gradient evaluations of an inversion, at most.
        batch, bytes: pictures solved at once, and the memory that they need.
        seconds: for all its pictures, compilation left out.
    """

    title: str
    pictures: int
    inversions: int
    steps: int
    batch: int
    bytes: int
    seconds: float


def forecast_cells(
    plan: EvaluationPlan, *, batch_size: int | None = None, memory: float | None = None, share: Share = WHOLE
) -> list[Forecast]:
    """Estimate every cell of a plan; cells that differ in nothing that costs time are estimated once.

    Arguments:
        plan: from `make_plan`.
        batch_size, memory, share: as for `run_recipe`.

    Returns:
        One `Forecast` a cell, in the order of the grid.

    Example:
        >>> cells = forecast_cells(  # compiles for minutes # doctest: +SKIP
        ...     make_plan(load_recipe("quick"), "runs/quick")
        ... )
        >>> sum(cell.seconds for cell in cells)  # compiles for minutes # doctest: +SKIP
        95.2
    """
    with doing("measuring what cells take", total=len(plan.cells), unit="cells") as work:
        return list(_forecasts(plan, work, batch_size=batch_size, memory=memory, share=share))


def _forecasts(
    plan: EvaluationPlan, work: Activity, *, batch_size: int | None, memory: float | None, share: Share
) -> Iterator[Forecast]:
    estimates = {}
    for number, planned in enumerate(plan.cells):
        work.moved(number, detail=planned.title)
        solve = planned.cell.method.solve
        alike = (planned.labels["prior"], planned.labels["method"], planned.cell.task.label)
        if alike not in estimates:
            estimates[alike] = estimate_cell(planned.cell, planned.prior, batch_size, memory=memory)
        estimate, pictures = estimates[alike], len(share.of(planned.sources))
        yield Forecast(
            title=planned.title,
            pictures=pictures,
            inversions=pictures * solve.starts,
            steps=solve.steps * solve.passes,
            batch=min(estimate.batch, pictures),
            bytes=estimate.bytes,
            seconds=pictures * estimate.seconds_per_picture,
        )
