"""The parts that all report pages are made of: the document, a table of pictures that sorts and filters itself, strips
of pictures, cards with plots. A page is one file: style, script and pictures are inside.

A table may have ten thousand rows. Only the first `SHOWN` of those that pass the filter are visible until more are
asked for (page.js), and pictures beyond what `room_for` allows are links.
"""

import dataclasses
import importlib.resources
import os
import re
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path, PurePath
from urllib.parse import quote

from jaxprior.reporting.figures import PngFile, read_png


SHOWN = 200
LISTED = 12_000  # rows of one page
UNFOLDED = 4  # runs whose plots are in view at once
EMBEDDED, EMBEDDED_BYTES = 200, 40_000_000  # rows with pictures inside, and the size of their files
CAPTIONS = {"inputs": "input", "masks": "mask", "raw": "restored", "images": "merged", "originals": "original"}


@dataclasses.dataclass(frozen=True)
class Tile:
    """One picture of a strip: its caption and file; the main ones stand out, and of masks the missing share is told."""

    caption: str
    path: Path
    main: bool = False
    mask: bool = False


def document(title: str, body: Iterable[str]) -> str:
    """Return a whole HTML page, from its title (as text) and the parts of its body (as HTML)."""
    shown = "\n".join(part for part in body if part)
    scripts = ("page.js", "zoom.js") if 'id="rows"' in shown else ("zoom.js",)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>jaxprior: {escape(title)}</title>"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_asset('page.css')}</style>"
        "<noscript><style>tbody[hidden] { display: table-row-group } .tools { display: none }</style></noscript>"
        "</head>\n<body>\n"
        f"<h1>jaxprior: {escape(title)}</h1>\n"
        + shown
        + '\n<dialog><img alt=""><p class="soft"></p></dialog>'
        f"\n<script>{''.join(map(_asset, scripts))}</script></body></html>\n"
    )


def figure_table(columns: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """Return a table of figures: columns by their names (as text), lines of cells (as HTML), of which the first names
    the line."""
    head = "".join(f"<th{_side(place)}>{escape(name)}</th>" for place, name in enumerate(columns))
    rows = ("".join(f"<td{_side(place)}>{cell}</td>" for place, cell in enumerate(line)) for line in lines)
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return (
        f'<div class="scroll"><table class="overview"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def text_table(lines: Iterable[Sequence[str]], columns: Sequence[str] = ()) -> str:
    """Return a table of texts, under the names of its columns if they have any."""
    head = "".join(f'<th class="text">{escape(name)}</th>' for name in columns)
    rows = ("".join(f'<td class="text">{escape(text)}</td>' for text in line) for line in lines)
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return f'<table class="texts"><thead>{head and f"<tr>{head}</tr>"}</thead><tbody>{body}</tbody></table>'


def soften(figures: str) -> str:
    """Return "22.57 ± 0.41 / 0.767 ± 0.039 (64)" as HTML in which all but the means steps back; lines break at "/"."""
    soft = re.sub(r"± [\d.]+|\(\d+\)", r'<span class="soft">\g<0></span>', escape(figures))
    return " / ".join(f'<span class="figure">{part}</span>' for part in soft.split(" / "))


def cards(plots: Iterable[tuple[str, str]]) -> str:
    """Return plots side by side, each an SVG under its title."""
    shown = "".join(f"<div><h3>{escape(title)}</h3>{plot}</div>" for title, plot in plots)
    return f'<div class="figures">{shown}</div>'


def plot_section(heading: str, plots: Sequence[tuple[str, str]], *, runs: int) -> list[str]:
    """Return plots under a heading, folded away where they are of many runs; nothing without plots."""
    if not plots:
        return []
    if runs <= UNFOLDED:
        return [f"<h2>{escape(heading)}</h2>", cards(plots)]
    return [f'<details class="section"><summary>{escape(heading)}</summary>{cards(plots)}</details>']


def picture_table(figures: Sequence[str], rows: Sequence[str], titles: Sequence[str]) -> str:
    """Return the table of pictures under its controls.

    Arguments:
        figures: headings of the columns with numbers.
        rows: from `picture_row`; titles: of the runs to choose from, where there are several.
    """
    head = '<th class="text" data-kind="text">picture</th><th class="text"></th>'
    head += "".join(f'<th data-kind="number">{escape(name)}</th>' for name in figures)
    options = "".join(f"<option>{escape(title)}</option>" for title in titles)
    runs = f'<select id="run" aria-label="run"><option value="">all runs</option>{options}</select>' if titles else ""
    return (
        '<div class="tools"><input id="find" type="search" placeholder="filter by name" aria-label="filter by name">'
        '<select id="status" aria-label="status"><option value="">every status</option><option>ok</option>'
        f'<option>diverged</option><option>failed</option></select>{runs}<span id="count" class="soft"></span></div>\n'
        f'<div class="pictures"><table id="rows" data-shown="{SHOWN}"><thead><tr>{head}</tr></thead><tbody>\n'
        + "\n".join(rows[:SHOWN])
        + "\n</tbody><tbody hidden>\n"
        + "\n".join(rows[SHOWN:])
        + '\n</tbody></table></div>\n<button id="more" hidden>show more</button>'
    )


def picture_row(
    image: str, status: str, strip: str, figures: Sequence[tuple[float | None, str]], *, reason: str = "", run: str = ""
) -> str:
    """Return one row of the table of pictures.

    Arguments:
        image: its display name; status: of its row.
        strip: from `embedded` or `linked`.
        figures: the number to sort by and what is shown of it, a column each.
        reason: what else is to be said of the row: why its status is not "ok", and its notes.
        run: title of its run, where there are several.
    """
    name, title = escape(image, quote=True), escape(run, quote=True)
    shown = f'<div class="name" title="{name}">{escape(PurePath(image).name)}</div>'
    of_run, bold = (f' data-run="{title}"', f'<div class="run">{title}</div>') if run else ("", "")
    note = f'<div class="reason note">{escape(reason)}</div>' if reason else ""
    numbers = "".join(f'<td data-value="{"" if value is None else value}">{text}</td>' for value, text in figures)
    return (
        f'<tr data-name="{name}" data-status="{status}"{of_run}>'
        f'<td class="text">{bold}{shown}<span class="badge {status}">{status}</span></td>'
        f'<td class="text">{strip}{note}</td>{numbers}</tr>'
    )


def room_for(strips: Iterable[Sequence[Tile]], *, runs: int) -> int:
    """Say how many of the first rows of a run may hold their pictures, in a page that so many runs share."""
    room, rows = EMBEDDED_BYTES // runs, 0
    for strip in strips:
        room -= sum(tile.path.stat().st_size for tile in strip if tile.path.is_file())
        if room < 0 or rows == max(1, EMBEDDED // runs):
            return rows
        rows += 1
    return rows


def embedded(tiles: Sequence[Tile], image: str) -> str:
    """Return a strip of pictures that are inside the page; those that cannot be read are left out.

    Arguments:
        tiles: left to right; image: display name of what they belong to.
    """
    found = [(tile, png) for tile in tiles if (png := read_png(tile.path)) is not None]
    usual = next(((png.width, png.height) for tile, png in found if tile.main), None)
    parts = []
    for tile, png in found:
        caption = tile.caption
        if usual is not None and usual != (png.width, png.height):
            caption += f" {png.width}x{png.height}"
        if tile.mask and (white := png.white()) is not None:
            caption += f" {white:.0%}"
        alt = escape(f"{PurePath(image).name}: {caption}", quote=True)
        kind = ' class="main"' if tile.main else ""
        parts.append(
            f'<figure{kind}><img src="{png.address}" alt="{alt}"><figcaption>{caption}</figcaption></figure>'
        )
    return f'<div class="strip">{"".join(parts)}</div>'


def framed(png: PngFile, name: str, *, box: tuple[int, int], caption: str = "") -> str:
    """Return a picture of any shape, shown as large as a box of (width, height) pixels allows; its name (as text) is
    what the enlarged picture says."""
    factor = min(box[0] / png.width, box[1] / png.height)
    style = f"width:{factor * png.width:.0f}px;height:{factor * png.height:.0f}px"
    style += "" if factor >= 1 else ";image-rendering:auto"
    below = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return f'<figure><img style="{style}" src="{png.address}" alt="{escape(name, quote=True)}">{below}</figure>'


def side_by_side(pictures: Iterable[str]) -> str:
    """Return pictures of `framed` side by side, on further lines where the page is narrow."""
    return f'<div class="strip wrapped">{"".join(pictures)}</div>'


def linked(tiles: Sequence[Tile], base: Path) -> str:
    """Return a strip of links to pictures, relative to the page's folder."""
    places = [(tile.caption, quote(os.path.relpath(tile.path, base))) for tile in tiles]
    return " ".join(f'<a href="{place}">{caption}</a>' for caption, place in places)


def _side(place: int) -> str:
    return "" if place else ' class="text"'


def _asset(name: str) -> str:
    return importlib.resources.files("jaxprior.reporting").joinpath(name).read_text(encoding="utf-8")
