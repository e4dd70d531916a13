"""How the loss of a run fell: median and spread over its pictures, from the traces that lie beside their latents."""

import numpy as np

from jaxprior.reporting.plots import Line
from jaxprior.reporting.snapshot import LISTED, Snapshot
from jaxprior.reporting.tables import distinct
from jaxprior.runs.traces import load_trace


TRACES = 200  # read at most, spread evenly over the pictures by name
POINTS = 250  # of a curve
BAND = (0.1, 0.5, 0.9)


def loss_curve(run: Snapshot) -> Line | None:
    """Return the loss over the steps: the median and the band from 10 to 90 % over the pictures.

    None if no picture has a trace. Losses that are not finite are left out, and a picture that was done early stays at
    its last loss.
    """
    rows = distinct(run.rows)
    if len(rows) > LISTED:  # the names of all files would have to be read: those of some pictures are
        rows = rows.by_name.take(_spread(len(rows)))
    names = sorted(row.file for row in rows if row.file is not None)
    chosen = [names[i] for i in _spread(len(names))]
    traces = [trace for name in chosen if (trace := load_trace(run.folder, name)) is not None]
    if not traces:
        return None
    length = max(map(len, traces))
    steps = np.unique(np.linspace(0, length - 1, min(length, POINTS)).round().astype(int))
    losses = np.stack([trace[np.minimum(steps, len(trace) - 1)] for trace in traces]).astype(np.float64)
    losses[~(np.isfinite(losses) & (losses > 0))] = np.nan  # nothing else has a logarithm
    some = ~np.isnan(losses).all(axis=0)
    if not some.any():
        return None
    low, middle, high = np.nanquantile(losses[:, some], BAND, axis=0)
    name = f"median and 10 to 90 % of {len(traces)} pictures" if len(traces) > 1 else "one picture"
    return Line(name, steps[some].tolist(), middle.tolist(), low.tolist(), high.tolist())


def _spread(count: int) -> np.ndarray:
    """At most `TRACES` numbers below `count`, spread evenly."""
    return np.unique(np.linspace(0, count - 1, min(count, TRACES)).round().astype(int))
