"""The methods of a grid: for every task all of them, picture by picture, against the first one."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from jaxprior.metrics import installed_metrics
from jaxprior.reporting.comparison import compare, p_text
from jaxprior.reporting.snapshot import Snapshot
from jaxprior.reporting.tables import distinct, figures_of, headline, show
from jaxprior.reporting.versus import signed


COLUMNS = ("method", "pairs", "mean", "difference", "95% interval", "better in", "p (Wilcoxon)")
NOTE = (
    "Every method is compared with the first of its task, on the pictures that both have: the mean of the paired "
    "differences, the 95% bootstrap interval of that mean, in how many pictures the method is better, and the "
    "two-sided p of Wilcoxon's signed-rank test, which asks whether the differences lie around 0. With many methods "
    "some p are small by chance."
)
"""What is said of the tables."""


@dataclasses.dataclass(frozen=True)
class Beside:
    """The methods of one task, and of one prior and one set of pictures.

    Fields:
        title: of the task, with the figure that is compared, for example "inpaint center:0.25: PSNR hole, dB".
        label: of that figure, with its unit.
        values: the figure of every picture, [n], by method.
        lines: a text for each of `COLUMNS`, a line a method.
    """

    title: str
    label: str
    values: dict[str, np.ndarray]
    lines: tuple[tuple[str, ...], ...]


def methods_beside(runs: Sequence[Snapshot]) -> list[Beside]:
    """The tasks of a grid that have several methods, each with its headline figure.

    Arguments:
        runs: of the grid, in its order.

    Example:
        >>> methods_beside(snapshots(runs_in("runs/quick")))[0].title  # needs a finished run # doctest: +SKIP
        'inpaint center:0.25: PSNR hole, dB'
    """
    groups: dict[tuple[str, str, str], list[Snapshot]] = {}
    for run in runs:
        groups.setdefault((run.place.prior, run.place.data, run.place.task), []).append(run)
    several = {name: len({key[place] for key in groups}) > 1 for place, name in enumerate(("prior", "data"))}
    found = []
    for (prior, data, task), members in groups.items():
        first = headline(members[0].rows)
        if first is None or len({run.place.method for run in members}) < 2:
            continue
        shown = [(run.place.method, values) for run in members if len(values := _values(run, first.name))]
        if len(shown) < 2:
            continue
        where = ", ".join(word for word, name in ((prior, "prior"), (data, "data")) if several[name] and word)
        title = f"{where}: {task}: {first.label}" if where else f"{task}: {first.label}"
        lines = tuple(line for run in members if (line := _line(members[0], run, first.name)) is not None)
        found.append(Beside(title, first.label, dict(shown), lines))
    return found


def _values(run: Snapshot, name: str) -> np.ndarray:
    return np.asarray(figures_of(distinct(run.rows), name), np.float64)


def _line(first: Snapshot, run: Snapshot, name: str) -> tuple[str, ...] | None:
    """A method against the first one, or that one itself; None where there is no pair."""
    if run is first:
        values = _values(run, name)
        return (run.place.method, str(len(values)), show(name, float(values.mean())), "", "", "", "")
    others = [one.name for one in installed_metrics() if one.name != name]  # whose intervals nobody looks at
    one = compare(first.rows, run.rows, without=others).figures.get(name)
    if one is None:
        return None
    interval = "" if np.isnan(one.low) else f"{signed(name, one.low)} to {signed(name, one.high)}"
    better = f"{one.wins / one.n:.0%}"
    return (run.place.method, str(one.n), show(name, one.mean_b), signed(name, one.mean), interval, better, p_text(one))
