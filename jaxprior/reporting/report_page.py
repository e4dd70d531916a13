"""The HTML report of one run or several: figures, plots, pictures (worst first), settings.

Beyond what a page has room for, rows carry links to their pictures, and the best rows of very large runs stand only in
`results.csv`; tables and plots cover all rows.
"""

import os
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from urllib.parse import quote

import numpy as np

from jaxprior.metrics import metric, metrics_of
from jaxprior.protocols import HOLE, MERGED
from jaxprior.reporting import page
from jaxprior.reporting.grid import UNNAMED, hole_curves, legend, paper_tables, shared_settings
from jaxprior.reporting.methods import COLUMNS, NOTE, Beside
from jaxprior.reporting.opening import opening
from jaxprior.reporting.picture_table import LISTED, POOR_FIT, picture_row, picture_table, strips, tiles_of
from jaxprior.reporting.plots import band, boxes, distribution, intervals
from jaxprior.reporting.set_tables import COLUMNS as SET_COLUMNS
from jaxprior.reporting.set_tables import TITLE as SETS
from jaxprior.reporting.set_tables import set_lines, set_note
from jaxprior.reporting.snapshot import Snapshot
from jaxprior.reporting.tables import (
    companions,
    convention,
    counts,
    distinct,
    figures_of,
    headline,
    mean_text,
    networks_of,
    poor_fits,
    said_of_equal,
    said_of_fit,
    show,
)
from jaxprior.reporting.traces import error_plots, loss_curve
from jaxprior.runs.record import network_of, network_words
from jaxprior.runs.row import DIVERGED, FAILED, OK
from jaxprior.runs.rows import Rows
from jaxprior.settings import flat
from jaxprior.weights.card import trained_on


AROUND = 128
"""Pixels of a photograph that a restorer repaired, around a hole that is shown larger."""

MERGED_NOTE = (
    "In a row, restored is the result, in which what is known was put back, and generator is what the prior's network "
    "itself made."
)
"""What is said where the two differ."""

ANSWERED_NOTE = (
    "In a row, restored is the result, in which what is known was put back, and {network} is what the network that "
    "answered itself made. Nothing was inverted, so there is no loss."
)
"""What is said where the answers of an autoencoder or a restorer are the results."""

ERRORS_NOTE = (
    "Lines are medians over the pictures, bands go from the lower to the upper quartile. Compared is the picture that "
    "the generator makes at that iteration, over the whole picture. Nothing is chosen by these errors."
)
"""What is said of the curves of errors to the originals."""

DRAWS_NOTE = (
    "Below a row stand draws, different answers of which each is plausible; the restored picture has the least error. "
    "Spread shows how far they lie apart, from black where they agree to white where their standard deviation is a "
    "quarter of the range from black to white, or more."
)
"""What is said where there are several answers."""


def report_page(
    runs: Sequence[Snapshot], title: str, base: Path, *, unfinished: str, beside: Sequence[Beside] = ()
) -> str:
    """Return the whole HTML page of some runs.

    Arguments:
        runs: one or several; title: of the page.
        base: the folder that the page will lie in.
        unfinished: how much of the runs is still to come, as text; empty if they are finished.
        beside: the methods of several runs by task, from `methods_beside`.
    """
    several = len(runs) > 1
    told = convention(_figures(runs), networks_of((run.title, run.record) for run in runs))
    state = f"; <b>unfinished: {escape(unfinished)}</b>" if unfinished else ""
    body = [
        f'<p class="soft">{escape(_made_with(runs))}{state}</p>',
        opening(runs),
        *(_paper_tables(runs) + _methods(beside) + _hole_plots(runs) + ["<h2>Runs</h2>"] if several else ()),
        _overview(runs, base),
        f'<p class="note">Means ± half the 95% interval of the mean. {escape(told)}</p>',
        *(f'<p class="note">{escape(text)}</p>' for text in _said(runs, lambda run: said_of_equal(run.rows))),
        *_sets(runs),
        *_plots(runs),
        *_errors(runs),
        *_pictures(runs, base),
        *_settings(runs),
    ]
    return page.document(title, body)


def _made_with(runs: Sequence[Snapshot]) -> str:
    networks, devices = {}, {}
    for run in runs:
        networks[network_words(run.record["configuration"])] = None
        devices[str(run.record["device"])] = None
    return f"{'; '.join(networks)}; {', '.join(devices)}"


def _paper_tables(runs: Sequence[Snapshot]) -> list[str]:
    parts = []
    for table in paper_tables(runs):
        lines = [
            [escape(method or UNNAMED), *(page.soften(table.cells.get((method, task), "")) for task in table.tasks)]
            for method in table.methods
        ]
        parts += [f"<h2>{escape(table.title)}</h2>", page.figure_table(["method", *table.tasks], lines)]
    return [*parts, f'<p class="note">{escape(legend(runs))}</p>'] if parts else []


def _methods(found: Sequence[Beside]) -> list[str]:
    """The methods of every task beside each other: a box plot of all pictures, and what they gain over the first."""
    if not found:
        return []
    plots = [(one.title, boxes(one.values, upwards=one.label)) for one in found]
    parts = page.plot_section("Methods beside each other", plots, runs=1)
    for one in found:
        lines = [[escape(method or UNNAMED), *map(page.soften, figures)] for method, *figures in one.lines]
        parts += [f"<h3>{escape(one.title)}</h3>", page.figure_table(COLUMNS, lines)]
    return [*parts, f'<p class="note">{escape(NOTE)}</p>']


def _hole_plots(runs: Sequence[Snapshot]) -> list[str]:
    """How the figures that can be headlines depend on the size of the hole."""
    drawn = [one for one in metrics_of(_figures(runs)) if one.headline is not None and one.part in (HOLE, MERGED)]
    curves = [(one, hole_curves(runs, one.name)) for one in drawn]
    plots = [
        (name, intervals(lines[name], across="missing share of the area, %", upwards=one.label))
        for name in dict.fromkeys(name for _, lines in curves for name in lines)
        for one, lines in curves
        if name in lines
    ]
    measures = dict.fromkeys(one.measure for one in drawn)
    return page.plot_section(f"{' and '.join(measures)} against the size of the hole", plots, runs=1)


def _overview(runs: Sequence[Snapshot], base: Path) -> str:
    figures, lines = _figures(runs), []
    for run in runs:
        numbers = [f'<span class="{name if n else "soft"}">{n}</span>' for name, n in counts(run.rows).items()]
        means = [page.soften(mean_text(name, run.figures.get(name))) for name in figures]
        lines.append([_name(run, base), *numbers, *means])
    first = "run" if len(runs) > 1 else "task"
    return page.figure_table([first, "ok", "diverged", "failed", *_titles(figures)], lines)


def _sets(runs: Sequence[Snapshot]) -> list[str]:
    """The distances of the sets of restored pictures from their originals, where they were measured."""
    named = [(run.title, run.record) for run in runs]
    lines = [[escape(title), *map(page.soften, figures)] for title, *figures in set_lines(named)]
    if not lines:
        return []
    note = f'<p class="note">{escape(set_note(named))}</p>'
    return [f"<h2>{SETS}</h2>", page.figure_table(SET_COLUMNS, lines), note]


def _said(runs: Sequence[Snapshot], sentence: Callable[[Snapshot], str]) -> list[str]:
    """What a sentence says of each of the runs; of several, with the run's title."""
    said = [(run.title, text) for run in runs if (text := sentence(run))]
    return [f"{title}: {text}" if len(runs) > 1 else text for title, text in said]


def _fit(run: Snapshot) -> str:
    """The sentence on pictures that do not look like what the prior was trained on."""
    return said_of_fit(run.rows, trained_on=trained_on(network_of(run.record["configuration"])))


def _name(run: Snapshot, base: Path) -> str:
    """The run's title, linked to its own report where that is another page."""
    if run.folder.path == base:
        return escape(run.title)
    place = quote(os.path.relpath(run.folder.path / "report.html", base))
    return f'<a href="{place}">{escape(run.title)}</a>'


def _plots(runs: Sequence[Snapshot]) -> list[str]:
    """Of every run the distributions of its headline figure and of those of the same part of a picture, and how the
    loss fell."""
    plots = []
    for run in runs:
        first = headline(run.rows)
        for one in [] if first is None else [first, *companions(first)]:
            values = figures_of(distinct(run.rows), one.name)
            if len(values) > 1:
                plots.append((run.title, distribution(values, label=one.label)))
        curve = loss_curve(run)
        if curve is not None:
            plots.append((run.title, band(curve, across="steps", upwards="loss")))
    return page.plot_section("Distribution and loss", plots, runs=len(runs))


def _errors(runs: Sequence[Snapshot]) -> list[str]:
    """How the error to the originals fell in runs that followed it, the methods of a task in one plot."""
    plots = error_plots(runs)
    note = f'<p class="note">{ERRORS_NOTE}</p>' if plots else ""
    return [*page.plot_section("Error to the original over the iterations", plots, runs=1), note]


def _pictures(runs: Sequence[Snapshot], base: Path) -> list[str]:
    figures, limit, several = _figures(runs), LISTED // len(runs), len(runs) > 1
    lines, left_out = [], 0
    for run in runs:
        rows = list(_listed(run.rows, limit))
        left_out += len(run.rows) - len(rows)
        shown = strips(
            [(row.image, tiles_of(run, row)) for row in rows],
            base,
            runs=len(runs),
            resolution=run.record["configuration"].get("resolution", AROUND) if run.native else None,
        )
        for row, strip in zip(rows, shown, strict=True):
            reason = "; ".join([*([row.reason] if row.status != OK and row.reason else []), *row.notes])
            numbers = [(value := row.figures.get(name), show(name, value)) for name in figures]
            numbers.append((row.loss, "" if row.loss is None else f"{row.loss:.4g}"))
            title = run.title if several else ""
            lines.append(picture_row(row.image, row.status, strip, numbers, reason=reason, run=title, fit=row.fit))
    poor = sum(poor_fits(run.rows) for run in runs) > 0
    return [
        f"<h2>Pictures{'' if several else ', poor fits first' if poor else ', worst first'}</h2>",
        *(f'<p class="warning">{escape(text)}</p>' for text in _said(runs, _fit)),
        f'<p class="note">{MERGED_NOTE}</p>' if any(_merged(run) and not run.answered for run in runs) else "",
        *(
            f'<p class="note">{ANSWERED_NOTE.format(network=network)}</p>'
            for network in dict.fromkeys(run.answering for run in runs if _merged(run) and run.answered)
        ),
        f'<p class="note">{DRAWS_NOTE}</p>' if any(run.record["configuration"].get("draws") for run in runs) else "",
        f'<p class="note">{_left_out(left_out)}</p>' if left_out else "",
        picture_table(
            [*_titles(figures), "loss"],
            lines,
            [run.title for run in runs] if several else [],
            choices=[OK, DIVERGED, FAILED, *([POOR_FIT] if poor else [])],
        ),
    ]


def _merged(run: Snapshot) -> bool:
    """Whether results have the known pixels of the input."""
    return {"raw", "images"} <= set(run.kinds)


def _left_out(rows: int) -> str:
    """The sentence on rows that the page has no room for."""
    return (
        "1 more row, the best one, stands in results.csv only."
        if rows == 1
        else f"{rows} more rows, the best ones, stand in results.csv only."
    )


def _listed(rows: Rows, limit: int) -> Rows:
    """So many rows at most: the best ones are left out, those that failed stay."""
    spare = len(rows) - limit
    if spare <= 0:
        return rows
    kept = np.ones(len(rows), bool)
    kept[np.flatnonzero(rows.status == OK)[-spare:]] = False
    return rows.take(kept)[:limit]


def _figures(runs: Sequence[Snapshot]) -> list[str]:
    """Names of the figures that any of the runs has."""
    return [one.name for one in metrics_of({name for run in runs for name in run.figures})]


def _titles(figures: Sequence[str]) -> list[str]:
    return [metric(name).title for name in figures]


def _settings(runs: Sequence[Snapshot]) -> list[str]:
    """All settings of one run; of several what they share, then of each what is its own."""
    shared = shared_settings(runs) if len(runs) > 1 else []
    parts = ["<h2>Settings</h2>"]
    if shared:
        parts.append(f"<details><summary>Shared by all runs</summary>{page.text_table(shared)}</details>")
    for run in runs:
        pairs = [pair for pair in flat(run.made_with) if pair not in shared]
        command = f"<p><code>{escape(run.record['command'])}</code></p>" if run.record.get("command") else ""
        parts.append(
            f"<details{'' if len(runs) > 1 else ' open'}><summary>{escape(run.title)}</summary>"
            f"{command}{page.text_table(pairs)}</details>"
        )
    return parts
