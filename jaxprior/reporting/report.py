"""The report of one run or several, written from what their journals hold at this moment: tables for people
(`summary.md`), spreadsheets (`results.csv`) and programs (`summary.json`), a sheet of pictures, and `report.html`.
"""

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path

from jaxprior.data import images
from jaxprior.reporting.grid import grid_csv, grid_markdown, grid_summary
from jaxprior.reporting.methods import methods_beside
from jaxprior.reporting.report_page import report_page
from jaxprior.reporting.set_tables import set_markdown
from jaxprior.reporting.sheet import sheet
from jaxprior.reporting.snapshot import Snapshot, snapshots
from jaxprior.reporting.tables import csv_pieces, json_text, summary, summary_markdown
from jaxprior.runs.record import read_record
from jaxprior.runs.runfolder import RunFolder
from jaxprior.runs.shares import WHOLE, Share
from jaxprior.system.activity import doing
from jaxprior.system.amounts import plural
from jaxprior.system.files import write_atomically


EVALUATION = "evaluation"  # kind of the run.json above the cells of a grid

LARGE = 10_000
"""Pictures of a run up to which each of the processes that share it writes the report of what is there."""


def write_report(runs: Sequence[RunFolder], path: Path | None = None) -> Path:
    """Write tables, sheet and report of every run, and tables and a report over all of them.

    Arguments:
        runs: finished or not; those not begun are left out.
        path: of the report over all runs, whose tables lie beside it; by default `report.html` beside their folders if
            there are several.

    Returns:
        Where the report is.

    Raises:
        RunError: none of the runs has begun.

    Example:
        >>> write_report(runs_in("runs/cats"))  # needs a finished run # doctest: +SKIP
        PosixPath('runs/cats/report.html')
    """
    with doing("writing the report", total=len(runs), unit="runs") as work:
        read = snapshots(runs)
        for number, run in enumerate(read, 1):
            _write_run(dataclasses.replace(run, title=run.record["title"]))
            work.moved(number)
        if path is None and len(runs) == 1:
            return read[0].folder.path / "report.html"
        path = path or runs[0].path.parent / "report.html"
        _write_grid(read, path)
        return path


def write_closing_report(runs: Sequence[RunFolder], path: Path | None = None, *, share: Share = WHOLE) -> Path | None:
    """Write the report as a process does that has finished its share, unless a process that ends later will.

    Each of the processes that share a run writes what is there by then, so that there always is a report. Where the
    run has more than 10,000 pictures, only a process that finds all of them finished does so: 64 reports of a million
    pictures would take most of an hour.

    Arguments:
        runs, path: see `write_report`.
        share: the part of the pictures that this process did.

    Returns:
        Where the report is; None if it is left to another process.

    Raises:
        RunError: none of the runs has begun.

    Example:
        >>> run = RunFolder("runs/cats", share=Share.parse("1/64"))  # needs a run # doctest: +SKIP
        >>> write_closing_report([run], share=run.share)  # needs a run # doctest: +SKIP
    """
    if share.count > 1:
        wanted = sum(run.read()["images"] for run in runs)
        if wanted > LARGE and sum(len(run.rows()) for run in runs) < wanted:
            return None
    return write_report(runs, path)


def _write_run(run: Snapshot) -> None:
    folder = run.folder.path
    _write_tables(
        folder,
        csv_pieces(run.rows),
        summary_markdown(run.rows, run.record) + set_markdown([(run.title, run.record)]),
        summary(run.rows, run.record),
    )
    picture = sheet(run)
    if picture is not None:
        images.save_png(folder / "sheet.png", picture)
    html = report_page([run], run.title, folder, unfinished=_unfinished([run]))
    write_atomically(folder / "report.html", html.encode())


def _write_grid(runs: Sequence[Snapshot], path: Path) -> None:
    title, unfinished = f"{len(runs)} {plural('run', len(runs))}", _unfinished(runs)
    if (path.parent / "run.json").is_file() and (record := read_record(path.parent)).get("kind") == EVALUATION:
        title, cells = record["title"], len(record["cells"])
        begun = f"{len(runs)} of {cells} cells begun" if len(runs) < cells else ""
        unfinished = ", ".join(filter(None, (begun, unfinished)))
    beside = methods_beside(runs)
    text = grid_markdown(runs, title, beside) + set_markdown((run.title, run.record) for run in runs)
    _write_tables(path.parent, grid_csv(runs), text, grid_summary(runs, title))
    page = report_page(runs, title, path.parent, unfinished=unfinished, beside=beside)
    write_atomically(path, page.encode())


def _write_tables(folder: Path, results: Iterable[str], text: str, figures: dict) -> None:
    write_atomically(folder / "results.csv", (piece.encode() for piece in results))
    write_atomically(folder / "summary.md", text.encode())
    write_atomically(folder / "summary.json", json_text(figures).encode())


def _unfinished(runs: Sequence[Snapshot]) -> str:
    """How much of unfinished runs is still to come; empty if they are finished."""
    done, wanted = sum(len(run.rows) for run in runs), sum(run.wanted for run in runs)
    return "" if done == wanted else f"{done} of {wanted} {plural('picture', wanted)} done"
