"""The HTML page of a comparison: what differs, the figures, the paired differences, and the pairs with what both runs
made of each picture, largest loss of B first.
"""

from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np

from jaxprior.metrics import Metric, metric, metrics_of
from jaxprior.reporting import page
from jaxprior.reporting.comparison import CONFIDENCE, RESAMPLES, SEED, losses
from jaxprior.reporting.picture_table import FINAL, INPUT, LISTED, ORIGINAL, Tile, picture_row, picture_table, strips
from jaxprior.reporting.plots import distribution
from jaxprior.reporting.tables import companions, show
from jaxprior.reporting.versus import COLUMNS, Match, Versus, signed
from jaxprior.runs.row import DIVERGED, OK, Row


GAIN = "B\u00a0-\u00a0A"  # in one piece
METHOD = (
    "Pictures are paired by their content. B - A is the mean of the paired differences, beside it its "
    f"{CONFIDENCE:.0%} percentile bootstrap interval ({RESAMPLES:,} resamples, seed {SEED}), their median, and in how "
    "many pairs B is better."
)


def comparison_page(versus: Versus, base: Path) -> str:
    """Return the whole HTML page, to be put into the folder `base`."""
    return page.document(
        f"{versus.b} against {versus.a}",
        [
            f'<p class="soft">A: {escape(versus.a)}; B: {escape(versus.b)}</p>',
            *_settings(versus),
            *_figures(versus),
            f'<p class="note">{escape(METHOD)} {escape(versus.convention)}</p>',
            *(f'<p class="note">{escape(text)}</p>' for text in versus.without_counterpart),
            *_plots(versus.matches),
            *_pairs(versus.matches, base),
        ],
    )


def _settings(versus: Versus) -> list[str]:
    if not versus.settings:
        return ["<p>Both were made with the same settings.</p>"]
    columns, *lines = versus.settings
    return ["<h2>What differs</h2>", page.text_table(lines, columns)]


def _figures(versus: Versus) -> list[str]:
    """All figures of a single pair of runs; of grids the headline of every cell, and all of each folded away."""
    several, parts = len(versus.matches) > 1, ["<h2>Figures</h2>"]
    if several:
        parts.append(_table(versus.overview))
    for match in versus.matches:
        shown = _table([COLUMNS, *match.lines.values()]) + f'<p class="note">{escape(match.pictures)}.</p>'
        parts.append(f"<details><summary>{escape(match.title)}</summary>{shown}</details>" if several else shown)
    return parts


def _table(lines: Sequence[Sequence[str]]) -> str:
    head, *others = lines
    return page.figure_table(head, [[escape(first), *map(page.soften, figures)] for first, *figures in others])


def _plots(matches: Sequence[Match]) -> list[str]:
    plots = []
    for match in matches:
        name = match.found.headline
        if name is None:
            continue
        gains = match.found.pairs.differences(name)
        gains, one = gains[~np.isnan(gains)], metric(name)
        if len(gains) > 1:
            unit, better = f", {one.unit}" if one.unit else "", "right" if one.higher_is_better else "left"
            label = f"{one.title}, B - A{unit}: B better {better} of the line"
            plots.append((match.title, distribution(gains, label=label, mark=0.0)))
    return page.plot_section("Paired differences", plots, runs=len(matches))


def _pairs(matches: Sequence[Match], base: Path) -> list[str]:
    """The pairs of all cells in one table."""
    first_of_all = [(match, match.found.pairs[:LISTED]) for match in matches]
    gains = [
        (gain, match, pair)
        for match, pairs in first_of_all
        for gain, pair in zip(losses(pairs, match.found.headline).tolist(), pairs, strict=True)
    ]
    gains.sort(key=lambda one: one[0])
    listed, others = [(match, pair) for _, match, pair in gains[:LISTED]], _companions(matches)
    shown = strips([(pair[0].image, _tiles(match, pair)) for match, pair in listed], base, runs=1)
    rows = []
    for (match, (a, b)), strip in zip(listed, shown, strict=True):
        status = DIVERGED if DIVERGED in (a.status, b.status) else OK
        reasons = " ".join(f"{name}: {row.reason}." for name, row in (("A", a), ("B", b)) if row.reason)
        title = match.title if len(matches) > 1 else ""
        numbers = _numbers(match, (a, b), list(others))
        rows.append(picture_row(a.image, status, strip, numbers, reason=reasons, run=title))
    first = _headings(metrics_of({name for match in matches if (name := match.found.headline) is not None}))
    headings = [f"{first} A", f"{first} B", *(f"{name} {GAIN}" for name in (first, *others.values()))]
    titles = [match.title for match in matches] if len(matches) > 1 else []
    left_out = sum(len(match.found.pairs) for match in matches) - len(listed)
    return [
        "<h2>Pairs, largest loss of B first</h2>",
        f'<p class="note">{left_out} more pairs, the largest gains of B, are not listed.</p>' if left_out else "",
        picture_table(headings, rows, titles),
    ]


def _headings(found: Sequence[Metric]) -> str:
    """The title of a metric; of several, which differ between cells, what they measure."""
    if len(found) == 1:
        return found[0].title
    return " or ".join(dict.fromkeys(one.measure for one in found)) or "PSNR"


def _companions(matches: Sequence[Match]) -> dict[str, str]:
    """What goes with the headline figures in the table of pairs: headings by what is measured."""
    found: dict[str, list[Metric]] = {}
    for one in metrics_of({name for match in matches if (name := match.found.headline) is not None}):
        for other in companions(one):
            if other.optional and not any(other.name in match.found.figures for match in matches):
                continue
            found.setdefault(other.measure, []).append(other)
    return {measure: _headings(several) for measure, several in found.items()}


def _numbers(match: Match, pair: tuple[Row, Row], others: Sequence[str]) -> list[tuple[float | None, str]]:
    """The headline figure of A and of B, its difference, and those of what goes with it."""
    name = match.found.headline
    if name is None:
        return [(None, "")] * (3 + len(others))
    beside = {other.measure: other.name for other in companions(metric(name)) if other.name in match.found.figures}
    a, b = (row.figures.get(name) for row in pair)
    names = [name, *(beside.get(measure) for measure in others)]
    changes = [(figure, None if figure is None else _difference(pair, figure)) for figure in names]
    shown = [(gain, "" if figure is None else signed(figure, gain)) for figure, gain in changes]
    return [(a, show(name, a)), (b, show(name, b)), *shown]


def _difference(pair: tuple[Row, Row], name: str) -> float | None:
    """How much higher a figure of B is than that of A, or None if one has none."""
    a, b = (row.figures.get(name) for row in pair)
    return None if a is None or b is None else b - a


def _tiles(match: Match, pair: tuple[Row, Row]) -> list[Tile]:
    """Input | A | B | original, as far as they are there; B's own input too where it was given another."""
    a, b = match.a.pictures(pair[0]), match.b.pictures(pair[1])
    wanted = [
        ("input", a.get("inputs"), INPUT),
        ("input of B", None if match.same_input else b.get("inputs"), INPUT),
        ("A", a.get(match.a.final), FINAL),
        ("B", b.get(match.b.final), FINAL),
        ("original", a.get("originals", b.get("originals")), ORIGINAL),
    ]
    return [Tile(caption, path, part) for caption, path, part in wanted if path is not None]
