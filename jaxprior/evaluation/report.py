"""The report of one run or several: one HTML file that works offline, holds its pictures, and sorts and
filters itself.

Worst pictures first. Beyond `EMBEDDED` pictures a run, rows carry links to the files instead of the pictures,
so that the page of a large run stays readable; the tables always cover all rows.
"""

import importlib.resources
import math
import os
import struct
from collections.abc import Sequence
from html import escape
from pathlib import Path
from urllib.parse import quote

from jaxprior import images
from jaxprior.evaluation.figures import data_address, distribution, sheet
from jaxprior.evaluation.journal import FIGURES, OK, Row
from jaxprior.evaluation.runfolder import RunFolder
from jaxprior.evaluation.scores import CONVENTION
from jaxprior.evaluation.tables import TITLES, counts, flat, headline, show, summarise, write_tables
from jaxprior.files import write_atomically


EMBEDDED = 150
CAPTIONS = {
    "inputs": "input",
    "masks": "mask",
    "raw": "restored",
    "images": "merged",
    "originals": "original",
}


def write_report(runs: Sequence[RunFolder], path: Path | None = None) -> Path:
    """Write tables, sheet and report of every run, and one report over all of them where there are several.

    Arguments:
        runs: finished or not; what their journals hold is shown.
        path: of the report over several runs; by default `report.html` beside their folders.

    Returns:
        Where the report is.

    Example:
        >>> write_report(runs_in("runs/cats"))
        PosixPath('runs/cats/report.html')
    """
    for run in runs:
        write_tables(run)
        rows = worst_first(run.journal.latest().values())
        picture = sheet(run, rows)
        if picture is not None:
            images.save_png(run.path / "sheet.png", picture)
        write_atomically(run.path / "report.html", page([run], run.path).encode())
    if len(runs) == 1:
        return runs[0].path / "report.html"
    path = path or runs[0].path.parent / "report.html"
    write_atomically(path, page(runs, path.parent).encode())
    return path


def worst_first(rows: Sequence[Row]) -> list[Row]:
    """Sort rows by their headline figure, lowest first; rows without one come last."""
    rows = sorted(rows, key=lambda row: row.image)
    figure = headline(rows)
    if figure is None:
        return rows
    return sorted(rows, key=lambda row: math.inf if (value := getattr(row, figure)) is None else value)


def page(runs: Sequence[RunFolder], base: Path) -> str:
    """Return the whole HTML page of some runs, to be put into the folder `base`."""
    records = [run.read() for run in runs]
    tables = [worst_first(run.journal.latest().values()) for run in runs]
    every = [row for rows in tables for row in rows]
    figures = [name for name in FIGURES if any(getattr(row, name) is not None for row in every)]
    several = len(runs) > 1
    title = f"{len(runs)} runs" if several else records[0]["title"]
    settings = records[0]["configuration"]
    body = [
        f"<h1>jaxprior: {escape(title)}</h1>",
        f'<p class="soft">Prior {escape(str(settings["prior"]["name"]))}, {settings["resolution"]}x'
        f"{settings['resolution']} pixels, {escape(str(records[0]['device']))}{_missing(records, tables)}</p>",
        _overview(records, tables, figures),
        _distributions(records, tables),
        "<h2>Pictures</h2>" if several else "<h2>Pictures, worst first</h2>",
        _tools(records, several),
        _rows(runs, records, tables, figures, base),
        _settings(records),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>jaxprior: {escape(title)}</title>"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_asset('page.css')}</style></head>\n<body>\n"
        + "\n".join(body)
        + '\n<dialog><img alt=""><p class="soft"></p></dialog>'
        f"\n<script>{_asset('page.js')}</script></body></html>\n"
    )


def _missing(records: list[dict], tables: list[list[Row]]) -> str:
    """How much of unfinished runs is still to come."""
    wanted = sum(max(record["images"], len(rows)) for record, rows in zip(records, tables, strict=True))
    done = sum(map(len, tables))
    return "" if done == wanted else f"; <b>unfinished: {done} of {wanted} pictures</b>"


def _overview(records: list[dict], tables: list[list[Row]], figures: list[str]) -> str:
    head = '<th class="text">task</th><th>ok</th><th>diverged</th><th>failed</th>'
    head += "".join(f"<th>{TITLES[name]}</th>" for name in figures)
    lines = []
    for record, rows in zip(records, tables, strict=True):
        summary, number = summarise(rows), counts(rows)
        cells = "".join(f'<td class="{status if value else "none"}">{value}</td>' for status, value in number.items())
        for name in figures:
            cells += f"<td>{_mean(name, summary.get(name))}</td>"
        lines.append(f'<tr><td class="text">{escape(record["title"])}</td>{cells}</tr>')
    return (
        f'<div class="scroll"><table class="overview"><thead><tr>{head}</tr></thead><tbody>'
        f'{"".join(lines)}</tbody></table></div><p class="note">Means, with half the 95% '
        f"interval of the mean. {escape(CONVENTION)}</p>"
    )


def _mean(name: str, values: dict | None) -> str:
    if values is None:
        return ""
    half = show(name, values["high"] - values["mean"])
    return show(name, values["mean"]) + (f' <span class="soft">&plusmn; {half}</span>' if half else "")


def _distributions(records: list[dict], tables: list[list[Row]]) -> str:
    plots = []
    for record, rows in zip(records, tables, strict=True):
        figure = headline(rows) or ""
        for name, label in ((figure, ", dB"), (figure.replace("psnr", "ssim"), "")):
            values = [value for row in rows if (value := getattr(row, name, None)) is not None]
            if len(values) > 1:
                plot = distribution(values, label=TITLES[name] + label)
                plots.append(f"<div><h3>{escape(record['title'])}</h3>{plot}</div>")
    return f'<h2>Distribution</h2><div class="figures">{"".join(plots)}</div>' if plots else ""


def _tools(records: list[dict], several: bool) -> str:
    titles = "".join(f"<option>{escape(record['title'])}</option>" for record in records)
    cells = f'<select id="cell" aria-label="task"><option value="">all tasks</option>{titles}</select>'
    return (
        '<div class="tools"><input id="find" type="search" placeholder="filter by name" '
        'aria-label="filter by name">'
        '<select id="status" aria-label="status"><option value="">every status</option><option>ok</option>'
        f"<option>diverged</option><option>failed</option></select>{cells if several else ''}"
        '<span id="count" class="soft"></span></div>'
    )


def _rows(
    runs: Sequence[RunFolder],
    records: list[dict],
    tables: list[list[Row]],
    figures: list[str],
    base: Path,
) -> str:
    head = '<th class="text" data-kind="text">picture</th>'
    head += '<th class="text"></th>'
    head += "".join(f'<th data-kind="number">{TITLES[name]}</th>' for name in figures)
    head += '<th data-kind="number">loss</th>'
    lines = []
    for run, record, rows in zip(runs, records, tables, strict=True):
        kinds = run.kinds()
        for place, row in enumerate(rows):
            links_from = None if place < EMBEDDED else base
            strip = "" if row.file is None else _strip(run, kinds, row, links_from)
            lines.append(_row(record["title"], row, figures, strip, several=len(runs) > 1))
    return f'<table id="rows"><thead><tr>{head}</tr></thead><tbody>\n' + "\n".join(lines) + "\n</tbody></table>"


def _row(title: str, row: Row, figures: list[str], strip: str, *, several: bool) -> str:
    """One row: name, its strip of pictures, figures."""
    name = f'<div class="name" title="{escape(row.image, quote=True)}">{escape(Path(row.image).name)}</div>'
    badge = f'<span class="badge {row.status}">{row.status}</span>'
    task = f"<b>{escape(title)}</b>" if several else ""
    cells = [f'<td class="text" data-value="{escape(row.image, quote=True)}">{task}{name}{badge}</td>']
    reason = "" if row.status == OK else f'<div class="reason note">{escape(row.reason or "")}</div>'
    cells.append(f'<td class="text">{strip}{reason}</td>')
    for figure in (*figures, "loss"):
        value = getattr(row, figure)
        text = show(figure, value) if figure != "loss" else "" if value is None else f"{value:.4g}"
        cells.append(f'<td data-value="{"" if value is None else value}">{text}</td>')
    return (
        f'<tr data-name="{escape(row.image.lower(), quote=True)}" data-status="{row.status}" '
        f'data-cell="{escape(title, quote=True)}">{"".join(cells)}</tr>'
    )


def _strip(run: RunFolder, kinds: list[str], row: Row, links_from: Path | None) -> str:
    """The pictures of a row: input | mask | restored | merged | original, as far as the task has them.

    They are links relative to a folder if one is given, else embedded.
    """
    found = [(kind, run.file(kind, row.file)) for kind in kinds if run.file(kind, row.file).is_file()]
    if links_from is not None:
        places = [(kind, quote(os.path.relpath(path, links_from))) for kind, path in found]
        return " ".join(f'<a href="{place}">{CAPTIONS[kind]}</a>' for kind, place in places)
    final = "images" if "images" in kinds else "raw"
    sizes = {kind: _size(path) for kind, path in found}
    parts = []
    for kind, path in found:
        caption = CAPTIONS[kind]
        if sizes[kind] != sizes.get("raw", sizes[kind]):
            caption += " {}x{}".format(*sizes[kind])
        if kind == "masks":
            caption += f" {(images.load_image(path) > 127).mean():.0%}"
        style = ' class="main"' if kind == final else ""
        alt = escape(f"{Path(row.image).name}: {caption}", quote=True)
        parts.append(
            f'<figure{style}><img src="{data_address(path)}" alt="{alt}"><figcaption>{caption}</figcaption></figure>'
        )
    return f'<div class="strip">{"".join(parts)}</div>'


def _size(path: Path) -> tuple[int, int]:
    """Width and height, from a PNG file's first bytes."""
    return struct.unpack(">II", path.read_bytes()[16:24])


def _settings(records: list[dict]) -> str:
    parts = ["<h2>Settings</h2>"]
    for record in records:
        pairs = flat(
            {
                **record["configuration"],
                "versions": record["versions"],
                "device": record["device"],
                "batch": record["batch"],
            }
        )
        lines = "".join(
            f'<tr><td class="text">{escape(name)}</td><td class="text">{escape(value)}</td></tr>'
            for name, value in pairs
        )
        command = f"<p><code>{escape(record['command'])}</code></p>" if record.get("command") else ""
        parts.append(
            f"<details{' open' if len(records) == 1 else ''}><summary>{escape(record['title'])}</summary>"
            f"{command}<table>{lines}</table></details>"
        )
    return "\n".join(parts)


def _asset(name: str) -> str:
    return importlib.resources.files("jaxprior.evaluation").joinpath(name).read_text(encoding="utf-8")
