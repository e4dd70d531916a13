"""The picture with which a report opens: what was restored, beside what was given, large enough to be shared.

Where the page's scripts run, the two lie over each other under a slider (slider.js).
"""

from collections.abc import Sequence
from html import escape
from pathlib import PurePath

import numpy as np

from jaxprior.metrics import Metric
from jaxprior.reporting.picture_table import BESIDE, DRAW, FINAL, read_tiles, strip, tiles_of
from jaxprior.reporting.snapshot import Snapshot
from jaxprior.reporting.tables import headline, show
from jaxprior.runs.record import network_of
from jaxprior.runs.row import OK, POOR, Row
from jaxprior.runs.rows import Rows


TRIED = 20
"""So many pictures of a run are looked at in search of one whose files are there."""


def opening(runs: Sequence[Snapshot]) -> str:
    """Return the section (as HTML) with which a page of runs opens; empty if no picture is restored yet.

    It shows the first photograph that kept its own size; where there is none, the best picture of the first run that
    has any. Pictures that do not look like what the prior was trained on come last.

    Arguments:
        runs: in the order of the page.
    """
    for run in sorted(runs, key=lambda run: not run.native):
        metric = headline(run.rows)
        for row in _best_first(run, metric)[:TRIED] if run.has_pictures else ():
            found = read_tiles(tile for tile in tiles_of(run, row) if tile.part not in (BESIDE, DRAW))
            parts = {tile.part for tile, _ in found}
            if FINAL in parts and len(parts) > 1:
                return (
                    f'<section class="opening">{strip(found, row.image)}'
                    f'<p class="soft">{escape(_caption(run, row, metric))}</p></section>'
                )
    return ""


def _best_first(run: Snapshot, metric: Metric | None) -> Rows:
    """The restored pictures of a run, the one to open with first."""
    rows = run.rows.take(run.rows.status == OK)
    values = np.zeros(len(rows)) if metric is None or run.native else np.nan_to_num(rows.figure(metric.name))
    loss = values if metric is None or not metric.higher_is_better else -values
    return rows.take(np.lexsort((rows.rank, loss, rows.fit == POOR)))


def _caption(run: Snapshot, row: Row, metric: Metric | None) -> str:
    """What the picture is, and how well it was restored."""
    settings = run.record["configuration"]
    noun = "restorer" if "restorer" in settings else "prior"
    parts = [f"{PurePath(row.image).name}: {run.title}, {noun} {network_of(settings)['name']}"]
    if metric is not None and (figure := show(metric.name, row.figures.get(metric.name))):
        parts.append(f"{metric.title} {figure}{f' {metric.unit}' if metric.unit else ''}")
    return ", ".join(parts)
