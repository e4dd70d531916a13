"""The parts that all report pages are made of: the document, tables of figures and texts, cards with plots, pictures
side by side. A page is one file: style, scripts and pictures are inside, and nothing is fetched.

Without JavaScript a page shows all that it holds. Scripts add a slider between two pictures (slider.js), enlarged
pictures (zoom.js), and sorting and filtering of a table of pictures (page.js).
"""

import importlib.resources
import re
from collections.abc import Iterable, Sequence
from html import escape

from jaxprior.reporting.page_pictures import PagePicture


UNFOLDED = 4
"""So many runs' plots are in view at once; those of more runs are folded away."""
SCRIPTS = ("slider.js", "zoom.js")
DIALOG = """
<dialog aria-label="enlarged picture"><div class="head"><p class="soft"></p>
<button type="button" value="close" aria-label="close">\u00d7</button></div>
<div class="views"></div><div class="stage"></div>
<div class="head"><button type="button" value="previous">previous picture</button><span class="keys soft"></span>
<button type="button" value="next">next picture</button></div></dialog>"""
"""What an enlarged picture is shown in (zoom.js)."""


def document(title: str, body: Iterable[str]) -> str:
    """Return a whole HTML page, from its title (as text) and the parts of its body (as HTML)."""
    shown = "\n".join(part for part in body if part)
    scripts = (*SCRIPTS, "page.js") if 'id="rows"' in shown else SCRIPTS
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>jaxprior: {escape(title)}</title>"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_asset('page.css')}</style>"
        "<noscript><style>tbody[hidden] { display: table-row-group } .tools { display: none }</style></noscript>"
        "</head>\n<body>\n"
        f"<h1>jaxprior: {escape(title)}</h1>\n"
        + shown
        + DIALOG
        + f"\n<script>{''.join(map(_asset, scripts))}</script></body></html>\n"
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


def framed(picture: PagePicture, name: str, *, box: tuple[int, int], caption: str = "") -> str:
    """Return a picture of any shape, shown as large as a box of (width, height) pixels allows; its name (as text) is
    what the enlarged picture says."""
    factor = min(box[0] / picture.width, box[1] / picture.height)
    style = f"width:{factor * picture.width:.0f}px;height:{factor * picture.height:.0f}px"
    style += "" if factor >= 1 else ";image-rendering:auto"
    below = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return f'<figure><img style="{style}" src="{picture.address}" alt="{escape(name, quote=True)}">{below}</figure>'


def side_by_side(pictures: Iterable[str]) -> str:
    """Return pictures of `framed` side by side, on further lines where the page is narrow."""
    return f'<div class="strip wrapped">{"".join(pictures)}</div>'


def _side(place: int) -> str:
    return "" if place else ' class="text"'


def _asset(name: str) -> str:
    return importlib.resources.files("jaxprior.reporting").joinpath(name).read_text(encoding="utf-8")
