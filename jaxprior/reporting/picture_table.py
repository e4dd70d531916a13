"""The table of pictures of a report: a row a picture, with a strip of what belongs to it beside its figures.

A table may have ten thousand rows. Only the first `SHOWN` of those that pass the filter are visible until more are
asked for (page.js). The pictures of the first rows are inside the page, as far as there is room for them (see
`strips`); those of all further rows are links.
"""

import dataclasses
import os
import re
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path, PurePath
from urllib.parse import quote

from jaxprior.reporting.page_pictures import AS_IS, PagePicture, read_crops, read_picture
from jaxprior.reporting.snapshot import LISTED as LISTED
from jaxprior.reporting.snapshot import Snapshot
from jaxprior.reporting.zooms import zooms_of
from jaxprior.runs.row import DIVERGED, FAILED, OK, POOR, Row


SHOWN = 200
EMBEDDED, EMBEDDED_BYTES = 200, 40_000_000
"""Rows whose pictures are inside a page, and the size of their files."""
POOR_FIT = "poor fit"
"""What is said of a picture that does not look like what the prior was trained on."""

INPUT, FINAL, ORIGINAL, BESIDE, DRAW = "input", "final", "original", "beside", "draw"
"""The parts that a picture can play in its strip. The slider compares the final picture with the input and with the
original; what else there is, such as the mask, stands beside them, smaller. Draws stand below in a row of their own."""


CAPTIONS = {"inputs": "input", "masks": "mask", "raw": "generator", "images": "restored", "originals": "original"}
PARTS = {"inputs": INPUT, "originals": ORIGINAL}


@dataclasses.dataclass(frozen=True)
class Tile:
    """One picture of a strip.

    Fields:
        caption: what it is, as text.
        path: its PNG file.
        part: one of `INPUT`, `FINAL`, `ORIGINAL`, `BESIDE` and `DRAW`.
        mask: whether it is a mask, of which the missing share is told.
    """

    caption: str
    path: Path
    part: str
    mask: bool = False


def tiles_of(run: Snapshot, row: Row) -> list[Tile]:
    """Return the pictures of a row as far as there are any: input, mask, the generator's, restored, original, draws.

    Where the task merges nothing with the input, what the generator made is what was restored.
    """
    draws = [Tile(caption, path, DRAW) for caption, path in run.draws(row).items()]
    captions = CAPTIONS if run.answering is None else {**CAPTIONS, "raw": run.answering}
    return [
        Tile(
            captions["images"] if kind == run.final else captions[kind],
            path,
            FINAL if kind == run.final else PARTS.get(kind, BESIDE),
            mask=kind == "masks",
        )
        for kind, path in run.pictures(row).items()
    ] + draws


def strips(
    rows: Iterable[tuple[str, Sequence[Tile]]], base: Path, *, runs: int, resolution: int | None = None
) -> list[str]:
    """Return the strip (as HTML) of every row.

    Arguments:
        rows: of one run: the display name of a row's picture, and its tiles from left to right.
        base: the folder of the page, to which links are relative.
        runs: how many runs share the page, and with it the room for pictures.
        resolution: side of the prior's pictures where photographs kept their own size; below their strips, what is
            around their holes is shown larger.

    Returns:
        the strips in order. The first ones hold their pictures, so many as there is room for; all others are links.
    """
    room, most, shown = EMBEDDED_BYTES // runs, max(1, EMBEDDED // runs), []
    for place, (image, tiles) in enumerate(rows):
        fits = room >= 0 and place < most
        found = [read_tiles(tile for tile in tiles if tile.part != DRAW)] if fits else []
        if found and resolution is not None:
            found += _zooms(tiles, resolution)
        draws = read_tiles(tile for tile in tiles if tile.part == DRAW) if fits else []
        room -= sum(len(picture.content) for pictures in (*found, draws) for _, picture in pictures)
        if room < 0 or place >= most:
            shown.append(_linked(tiles, base))
            continue
        whole, *zooms = [strip(pictures, image) for pictures in found]
        shown.append(whole + _below("zooms", zooms) + _below("draws", [strip(draws, image)] if draws else []))
    return shown


def _below(kind: str, rows: Sequence[str]) -> str:
    """Strips that stand below the pictures of a row, smaller; nothing where there are none."""
    return f'<div class="{kind}">{"".join(rows)}</div>' if rows else ""


def read_tiles(tiles: Iterable[Tile]) -> list[tuple[Tile, PagePicture]]:
    """Return tiles with their pictures; those whose file is not there or damaged are left out."""
    return [(tile, picture) for tile in tiles if (picture := read_picture(tile.path)) is not None]


def _zooms(tiles: Sequence[Tile], resolution: int) -> list[list[tuple[Tile, PagePicture]]]:
    """For every hole of a photograph the tiles that the slider compares, cut out around it."""
    mask = next((tile.path for tile in tiles if tile.mask), None)
    boxes = [] if mask is None else zooms_of(mask, resolution)
    main = [tile for tile in tiles if tile.part not in (BESIDE, DRAW)]
    crops = [(tile, read_crops(tile.path, boxes)) for tile in main]
    return [
        [
            (dataclasses.replace(tile, caption=f"hole {number} {tile.caption}"), pictures[number - 1])
            for tile, pictures in crops
            if len(pictures) == len(boxes)
        ]
        for number in range(1, len(boxes) + 1)
    ]


def strip(found: Sequence[tuple[Tile, PagePicture]], image: str) -> str:
    """Return a strip of pictures that are inside the page.

    Arguments:
        found: from `read_tiles`; image: display name of what they belong to.
    """
    usual = next(((picture.width, picture.height) for tile, picture in found if tile.part == FINAL), None)
    parts, beside = [], []
    for tile, picture in found:
        caption = tile.caption
        if usual is not None and usual != (picture.width, picture.height):
            caption += f" {picture.width}x{picture.height}"
        if tile.mask and (white := picture.white()) is not None:
            caption += f" {white:.0%}"
        figure = _figure(picture, tile.part, caption, PurePath(image).name)
        if tile.part == BESIDE:
            beside.append(figure)
            continue
        parts += _column(beside)
        parts.append(figure)
        beside = []
    return f'<div class="strip">{"".join([*parts, *_column(beside)])}</div>'


def picture_table(
    figures: Sequence[str],
    rows: Sequence[str],
    titles: Sequence[str],
    *,
    choices: Sequence[str] = (OK, DIVERGED, FAILED),
) -> str:
    """Return the table of pictures under its controls.

    Arguments:
        figures: headings of the columns with numbers.
        rows: from `picture_row`.
        titles: of the runs to choose from, where there are several.
        choices: the states of rows to choose from, `POOR_FIT` where a row has it.
    """
    head = '<th class="text" data-kind="text">picture</th>'
    head += "".join(f'<th data-kind="number">{escape(name)}</th>' for name in figures)
    options = "".join(f"<option>{escape(title)}</option>" for title in titles)
    states = "".join(f"<option>{escape(choice)}</option>" for choice in choices)
    runs = f'<select id="run" aria-label="run"><option value="">all runs</option>{options}</select>' if titles else ""
    return (
        f"<style>@media (max-width: 800px) {{ {_labels(figures)} }}</style>\n"
        '<div class="tools"><input id="find" type="search" placeholder="filter by name" aria-label="filter by name">'
        f'<select id="status" aria-label="status"><option value="">every status</option>{states}</select>'
        f'{runs}<span id="count" class="soft"></span></div>\n'
        f'<div class="pictures"><table id="rows" data-shown="{SHOWN}"><thead><tr>{head}</tr></thead><tbody>\n'
        + "\n".join(rows[:SHOWN])
        + "\n</tbody><tbody hidden>\n"
        + "\n".join(rows[SHOWN:])
        + '\n</tbody></table></div>\n<button id="more" hidden>show more</button>'
    )


def picture_row(
    image: str,
    status: str,
    strip: str,
    figures: Sequence[tuple[float | None, str]],
    *,
    reason: str = "",
    run: str = "",
    fit: str | None = None,
) -> str:
    """Return one row of the table of pictures.

    Arguments:
        image: its display name; status: of its row.
        strip: from `strips`.
        figures: the number to sort by and what is shown of it, a column each.
        reason: what else is to be said of the row: why its status is not "ok", and its notes.
        run: title of its run, where there are several.
        fit: of its row; a poor one is marked.
    """
    name, title = escape(image, quote=True), escape(run, quote=True)
    of_run, bold = (f' data-run="{title}"', f'<b class="run">{title}</b> ') if run else ("", "")
    shown = f'<span class="name" title="{name}">{escape(PurePath(image).name)}</span> '
    badge = f'<span class="badge {status}">{status}</span>'
    of_fit, poor = (' data-fit="poor"', f' <span class="badge poor">{POOR_FIT}</span>') if fit == POOR else ("", "")
    note = f'<div class="reason note">{escape(reason)}</div>' if reason else ""
    numbers = "".join(f'<td data-value="{"" if value is None else value}">{text}</td>' for value, text in figures)
    return (
        f'<tr data-name="{name}" data-status="{status}"{of_run}{of_fit}>'
        f'<td class="text"><div class="head">{bold}{shown}{badge}{poor}</div>{strip}{note}</td>{numbers}</tr>'
    )


def _figure(picture: PagePicture, part: str, caption: str, name: str) -> str:
    """One picture of a strip with its caption (as text)."""
    smooth = picture.kind != "png" or max(picture.width, picture.height) > AS_IS
    kind = ' class="photo"' if smooth else ""
    wide = picture.width / max(picture.height, 1)
    shape = "" if picture.width == picture.height else f' style="--wide:{wide:.4g}"'
    return (
        f'<figure class="{part}"{shape}><img{kind} src="{picture.address}" width="{picture.width}" '
        f'height="{picture.height}" alt="{escape(f"{name}: {caption}", quote=True)}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def _column(figures: Sequence[str]) -> list[str]:
    """Small pictures above each other."""
    return [f'<div class="column">{"".join(figures)}</div>'] if figures else []


def _linked(tiles: Sequence[Tile], base: Path) -> str:
    """Links to pictures, relative to the page's folder."""
    places = [(escape(tile.caption), quote(os.path.relpath(tile.path, base))) for tile in tiles]
    return " ".join(f'<a href="{place}">{caption}</a>' for caption, place in places)


def _labels(figures: Sequence[str]) -> str:
    """Style of narrow pages, where numbers stand below the pictures, each under the name of its column."""
    texts = [re.sub(r"[^a-zA-Z0-9 ]", lambda odd: f"\\{ord(odd[0]):06x}", name) for name in figures]
    return " ".join(
        f'#rows td:nth-child({place})::before {{ content: "{text}" }}' for place, text in enumerate(texts, 2)
    )
