"""The HTML page of a comparison: what differs, the figures, the paired differences, and the pairs with what both runs
made of each picture, largest loss of B first.
"""

import math
from collections.abc import Sequence
from html import escape
from pathlib import Path

from jaxprior.evaluation.scores import CONVENTION
from jaxprior.reporting import page
from jaxprior.reporting.comparison import CONFIDENCE, RESAMPLES, SEED, difference
from jaxprior.reporting.plots import distribution
from jaxprior.reporting.tables import TITLES, show
from jaxprior.reporting.versus import COLUMNS, Match, Versus, signed
from jaxprior.runs.journal import DIVERGED, FIGURES, OK, Row


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
            f'<p class="note">{escape(METHOD)} {escape(CONVENTION)}</p>',
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
        gains = [gain for pair in match.found.pairs if name and (gain := difference(pair, name)) is not None]
        if len(gains) > 1:
            label = f"{TITLES[name]}, B - A, dB: B better right of the line"
            plots.append((match.title, distribution(gains, label=label, mark=0.0)))
    return page.plot_section("Paired differences", plots, runs=len(matches))


def _pairs(matches: Sequence[Match], base: Path) -> list[str]:
    """The pairs of all cells in one table."""
    gains = [(_numbers(match, pair), match, pair) for match in matches for pair in match.found.pairs]
    gains.sort(key=lambda one: math.inf if one[0][2][0] is None else one[0][2][0])
    listed = gains[: page.LISTED]
    strips = [_tiles(match, pair) for _, match, pair in listed]
    inside = page.room_for(strips, runs=1)
    rows = []
    for place, ((numbers, match, (a, b)), tiles) in enumerate(zip(listed, strips, strict=True)):
        strip = page.embedded(tiles, a.image) if place < inside else page.linked(tiles, base)
        status = DIVERGED if DIVERGED in (a.status, b.status) else OK
        reasons = " ".join(f"{name}: {row.reason}." for name, row in (("A", a), ("B", b)) if row.reason)
        title = match.title if len(matches) > 1 else ""
        rows.append(page.picture_row(a.image, status, strip, numbers, reason=reasons, run=title))
    names = {match.found.headline for match in matches} - {None}
    psnr = TITLES[names.pop()] if len(names) == 1 else "PSNR"
    ssim = psnr.replace("PSNR", "SSIM")
    titles = [match.title for match in matches] if len(matches) > 1 else []
    left_out = len(gains) - len(listed)
    return [
        "<h2>Pairs, largest loss of B first</h2>",
        f'<p class="note">{left_out} more pairs, the largest gains of B, are not listed.</p>' if left_out else "",
        page.picture_table([f"{psnr} A", f"{psnr} B", f"{psnr} {GAIN}", f"{ssim} {GAIN}"], rows, titles),
    ]


def _numbers(match: Match, pair: tuple[Row, Row]) -> list[tuple[float | None, str]]:
    """The headline figure of A and of B, its difference and that of the SSIM that goes with it."""
    name = match.found.headline
    if name is None:
        return [(None, "")] * 4
    a, b = (getattr(row, name) for row in pair)
    ssim = name.replace("psnr", "ssim")
    changes = [(name, difference(pair, name)), (ssim, difference(pair, ssim) if ssim in FIGURES else None)]
    return [(a, show(name, a)), (b, show(name, b)), *((gain, signed(figure, gain)) for figure, gain in changes)]


def _tiles(match: Match, pair: tuple[Row, Row]) -> list[page.Tile]:
    """Input | A | B | original, as far as they are there; B's own input too where it was given another."""
    a, b = match.a.pictures(pair[0]), match.b.pictures(pair[1])
    wanted = [
        ("input", a.get("inputs"), False),
        ("input of B", None if match.same_input else b.get("inputs"), False),
        ("A", a.get(match.a.final), True),
        ("B", b.get(match.b.final), True),
        ("original", a.get("originals", b.get("originals")), False),
    ]
    return [page.Tile(caption, path, main=main) for caption, path, main in wanted if path is not None]
