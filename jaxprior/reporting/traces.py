"""How the loss of a run fell, and its error to the originals where the run followed it: median and spread over its
pictures, from the traces that lie beside their latents."""

import collections
import dataclasses
from collections.abc import Sequence

import numpy as np

from jaxprior.reporting.plots import Line, band
from jaxprior.reporting.snapshot import LISTED, Snapshot
from jaxprior.reporting.tables import distinct
from jaxprior.runs.traces import load_errors, load_trace
from jaxprior.system.amounts import plural
from jaxprior.system.evenly import evenly


TRACES = 200  # read at most, spread evenly over the pictures by name
POINTS = 250  # of a curve
BAND = (0.1, 0.5, 0.9)
QUARTILES = (0.25, 0.5, 0.75)


def loss_curve(run: Snapshot) -> Line | None:
    """Return the loss over the steps: the median and the band from 10 to 90 % over the pictures.

    None if no picture has a trace, or nothing was inverted. Losses that are not finite are left out, and a picture that
    was done early stays at its last loss.
    """
    names = [] if run.answered else _names(run)
    traces = [trace for name in names if (trace := load_trace(run.folder, name)) is not None]
    if not traces:
        return None
    length = max(map(len, traces))
    steps = _thinned(np.arange(length))
    losses = np.stack([trace[np.minimum(steps, len(trace) - 1)] for trace in traces]).astype(np.float64)
    name = f"median and 10 to 90 % of {len(traces)} pictures" if len(traces) > 1 else "one picture"
    return _over_pictures(name, steps, losses, BAND)


def error_curve(run: Snapshot) -> Line | None:
    """Return the mean squared error of iterates to the originals: the median and the quartiles over the pictures.

    None if no picture has any. What is not finite is left out. A network's own answer, which no iteration changes, is
    one point, and a picture that was done early stays at its last error.
    """
    found = [errors for name in _names(run) if (errors := load_errors(run.folder, name)) is not None]
    found = [(steps[finite], errors[finite]) for steps, errors in found if (finite := np.isfinite(errors)).any()]
    if not found:
        return None
    steps = _thinned(np.unique(np.concatenate([steps for steps, _ in found])))
    errors = np.stack([np.interp(steps, *one, left=np.nan) for one in found])
    return _over_pictures(f"{len(found)} {plural('picture', len(found))}", steps, errors, QUARTILES)


def error_plots(runs: Sequence[Snapshot]) -> list[tuple[str, str]]:
    """Return how the error to the originals falls, a title and a plot for every prior, data set and task.

    The methods of a task stand in one plot. A method without iterations is a level line, and where no method has any,
    there is no plot.
    """
    groups: dict[tuple[str, str, str], list[Line]] = collections.defaultdict(list)
    titles: dict[tuple[str, str, str], list[str]] = collections.defaultdict(list)
    for run in runs:
        if (curve := error_curve(run)) is not None:
            place = (run.place.prior, run.place.data, run.place.task)
            method = run.place.method or "median and quartiles"
            groups[place].append(dataclasses.replace(curve, name=f"{method} ({curve.name})"))
            titles[place].append(run.title)
    plots = []
    for place, lines in groups.items():
        last = max(line.x[-1] for line in lines)
        if last == 0:
            continue
        plot = band(
            *(_level(line, last) if len(line.x) == 1 else line for line in lines),
            across="iterations", upwards="mean squared error to the original, in [-1, 1]",
        )  # fmt: skip
        title = titles[place][0] if len(lines) == 1 else " | ".join(filter(None, place))
        plots.append((title, plot))
    return plots


def _level(line: Line, last: float) -> Line:
    """A line of one point as a level one, up to the last iteration of the others."""
    return Line(line.name, [0, last], *(2 * list(values) for values in (line.y, line.low, line.high)))


def _over_pictures(name: str, steps: np.ndarray, values: np.ndarray, quantiles: Sequence[float]) -> Line | None:
    """Median and band of values [pictures, steps], of those that have a logarithm; None if none has."""
    values = np.where(np.isfinite(values) & (values > 0), values, np.nan)
    some = ~np.isnan(values).all(axis=0)
    if not some.any():
        return None
    low, middle, high = np.nanquantile(values[:, some], quantiles, axis=0)
    return Line(name, steps[some].tolist(), middle.tolist(), low.tolist(), high.tolist())


def _names(run: Snapshot) -> list[str]:
    """The names of the files of at most `TRACES` pictures."""
    rows = distinct(run.rows)
    if len(rows) > LISTED:  # the names of all files would have to be read: those of some pictures are
        rows = rows.by_name.take(_spread(len(rows)))
    names = sorted(row.file for row in rows if row.file is not None)
    return [names[i] for i in _spread(len(names))]


def _thinned(steps: np.ndarray) -> np.ndarray:
    """At most `POINTS` of some steps, the first and the last among them."""
    return steps[evenly(len(steps), POINTS)]


def _spread(count: int) -> np.ndarray:
    """At most `TRACES` numbers below `count`, spread evenly."""
    return evenly(count, TRACES)
