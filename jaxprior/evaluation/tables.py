"""Tables of a run: `results.csv` (one line a picture) and `summary.md` (means, medians, spread, intervals).

Both are functions of the journal alone, sorted by picture, and leave out what differs between machines and
repeats (seconds, device, batch shape): the same command gives the same bytes.
"""

import csv
import io
import math
from collections.abc import Iterable, Sequence

import numpy as np

from jaxprior.evaluation.journal import DIVERGED, FAILED, FIELDS, FIGURES, OK, PROVENANCE, Row
from jaxprior.evaluation.runfolder import RunFolder
from jaxprior.evaluation.scores import CONVENTION
from jaxprior.files import write_atomically


COLUMNS = tuple(name for name in FIELDS if name not in PROVENANCE)
STATISTICS = ("n", "mean", "median", "sd", "low", "high")
TITLES = {
    "psnr": "PSNR",
    "ssim": "SSIM",
    "psnr_hole": "PSNR hole",
    "ssim_hole": "SSIM hole",
    "psnr_merged": "PSNR merged",
    "ssim_merged": "SSIM merged",
    "psnr_known": "PSNR known",
}


def write_tables(folder: RunFolder) -> None:
    """Write `results.csv` and `summary.md` from the journal as it stands, also of an unfinished run."""
    rows = list(folder.journal.latest().values())
    write_atomically(folder.path / "results.csv", results_csv(rows).encode())
    write_atomically(folder.path / "summary.md", summary_markdown(rows, folder.read()).encode())


def summarise(rows: Iterable[Row]) -> dict[str, dict[str, float]]:
    """Return for each figure that any row has: n, mean, median, sd and the 95% interval of the mean (low,
    high).

    Failed rows have no figures; diverged rows count with what was kept. The interval is Student's t; with one
    picture sd and interval are not numbers.
    """
    rows, summary = list(rows), {}
    for name in FIGURES:
        values = np.array([value for row in rows if (value := getattr(row, name)) is not None], np.float64)
        if len(values):
            summary[name] = _statistics(values)
    return summary


def counts(rows: Iterable[Row]) -> dict[str, int]:
    """Return how many rows are ok, diverged and failed."""
    statuses = [row.status for row in rows]
    return {status: statuses.count(status) for status in (OK, DIVERGED, FAILED)}


def headline(rows: Iterable[Row]) -> str | None:
    """Return the figure that judges a run: PSNR in the hole, else after merging, of the whole, of what is known."""
    available = summarise(rows)
    return next((name for name in ("psnr_hole", "psnr_merged", "psnr", "psnr_known") if name in available), None)


def results_csv(rows: Sequence[Row]) -> str:
    """Return one line a picture, sorted by picture, with empty cells where there is no figure."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in sorted(rows, key=lambda row: row.image):
        writer.writerow(["" if (value := getattr(row, name)) is None else value for name in COLUMNS])
    return text.getvalue()


def summary_markdown(rows: Sequence[Row], record: dict) -> str:
    """Return the summary of a run with its settings and the convention of its figures."""
    number, settings = counts(rows), record["configuration"]
    lines = [
        f"# {record['title']}",
        "",
        f"{len(rows)} pictures: {number[OK]} ok, {number[DIVERGED]} diverged, {number[FAILED]} failed. "
        f"Prior {settings['prior']['name']}, {settings['resolution']}x{settings['resolution']} pixels.",
        "",
        "| figure | n | mean | median | standard deviation | 95% interval of the mean |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, values in summarise(rows).items():
        low, high = (show(name, values[end]) for end in ("low", "high"))
        interval = "" if low == "" else f"{low} to {high}"
        lines.append(
            f"| {TITLES[name]} | {values['n']} | {show(name, values['mean'])} | "
            f"{show(name, values['median'])} | {show(name, values['sd'])} | {interval} |"
        )
    lines += ["", CONVENTION, "", "| setting | value |", "|---|---|"]
    lines += [f"| {name} | {value} |" for name, value in flat(settings)]
    failed = [row for row in rows if row.status != OK]
    if failed:
        lines += ["", "| picture | status | reason |", "|---|---|---|"]
        lines += [
            f"| {_cell(row.image)} | {row.status} | {_cell(row.reason or '')} |"
            for row in sorted(failed, key=lambda row: row.image)
        ]
    return "\n".join(lines) + "\n"


def show(name: str, value: float | None) -> str:
    """Format a figure for people: two decimals for dB, three for SSIM, nothing for none."""
    if value is None or not math.isfinite(value):
        return ""
    return f"{value:.3f}" if name.startswith("ssim") else f"{value:.2f}"


def flat(settings: dict, prefix: str = "") -> list[tuple[str, str]]:
    """Return nested settings as (dotted name, text) pairs without those that are not set."""
    pairs = []
    for name, value in settings.items():
        if isinstance(value, dict):
            pairs += flat(value, f"{prefix}{name}.")
        elif value is not None:
            pairs.append((prefix + name, str(value)))
    return pairs


def _statistics(values: np.ndarray) -> dict[str, float]:
    mean, n = float(values.mean()), len(values)
    sd = half = math.nan
    if n > 1:
        from scipy.stats import t  # comes with scikit-image; slow to import

        sd = float(values.std(ddof=1))
        half = float(t.ppf(0.975, n - 1)) * sd / math.sqrt(n)
    return dict(zip(STATISTICS, (n, mean, float(np.median(values)), sd, mean - half, mean + half), strict=True))


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
