"""Tables of a run: `results.csv` (one line a picture), `summary.md` and `summary.json` (means, medians, spread,
intervals).

All are functions of the journal and the settings alone, sorted by picture, and leave out what differs between machines
and repeats (seconds, device, batch shape): the same command gives the same bytes.
"""

import csv
import io
import itertools
import json
import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

import numpy as np

from jaxprior.data.notes import collect_notes
from jaxprior.metrics import CONVENTION, Metric, headline_metrics, installed_metrics, metric, metrics_of
from jaxprior.protocols import NETWORK
from jaxprior.runs.record import network_words
from jaxprior.runs.row import DIVERGED, FAILED, FIELDS, OK, OPTIONAL, POOR, PROVENANCE, Row, columns
from jaxprior.runs.rows import Rows
from jaxprior.settings import flat
from jaxprior.system.amounts import plural


STATISTICS = ("n", "mean", "median", "sd", "low", "high")
TOLD = 10_000
"""Pictures that are not ok, of which the summary tells the reasons; those of more stand in `results.csv` only."""
LINES = 1000
"""Lines of a CSV file that are written at once."""


def summarise(rows: Iterable[Row]) -> dict[str, dict[str, float]]:
    """Return for each figure that any row has: n, mean, median, sd and the 95% interval of the mean (low,
    high).

    Results that are equal (see `distinct`) count once. Failed rows have no figures; diverged rows count with what was
    kept. The interval is Student's t; with one picture sd and interval are not numbers.
    """
    rows, summary = distinct(rows), {}
    for one in installed_metrics():
        values = figures_of(rows, one.name)
        if len(values):
            summary[one.name] = _statistics(values)
    return summary


def figures_of(rows: Rows, name: str) -> np.ndarray:
    """Return a figure of those rows that have it, float64 [n]."""
    values = rows.figure(name)
    return values[~np.isnan(values)]


def counts(rows: Iterable[Row]) -> dict[str, int]:
    """Return how many rows are ok, diverged and failed."""
    statuses = Rows.of(rows).status
    return {status: int((statuses == status).sum()) for status in (OK, DIVERGED, FAILED)}


def poor_fits(rows: Iterable[Row]) -> int:
    """Return how many of the rows are of pictures that do not look like what the prior was trained on."""
    return int((Rows.of(rows).fit == POOR).sum())


def said_of_fit(rows: Iterable[Row], *, trained_on: str = "what the prior was trained on") -> str:
    """Return the sentence on pictures that do not look like what the prior was trained on; empty where there are none.

    Arguments:
        rows: of a run; the sentence counts those of which it is known how well they fit.
        trained_on: what the prior was trained on, in the words of the sentence.

    Example:
        >>> said_of_fit([Row(image="cat.png", fit="good"), Row(image="bed.png", fit="poor")])
        '1 of 2 pictures does not look like what the prior was trained on.'
    """
    rows = Rows.of(rows)
    known, poor = int((rows.fit != None).sum()), poor_fits(rows)  # noqa: E711 - of an array
    verb = "does" if poor == 1 else "do"
    return f"{poor} of {known} {plural('picture', known)} {verb} not look like {trained_on}." if poor else ""


def distinct(rows: Iterable[Row]) -> Rows:
    """Return the rows with every result once: of rows with one key (or of one content, if they have no key), the first
    by name.

    A run has two rows with one key where two pictures are the same pixels under two names, and in folders of earlier
    versions where one picture was solved under two spellings of its path.

    Example:
        >>> rows = [Row(image="a.png", key="1"), Row(image="copy of a.png", key="1"), Row(image="b.png", key="2")]
        >>> [row.image for row in distinct(rows)]
        ['a.png', 'b.png']
    """
    return Rows.of(rows).distinct


def said_of_equal(rows: Iterable[Row]) -> str:
    """Return the sentence on rows that count as one in means and intervals; empty where there are none."""
    rows = Rows.of(rows)
    more = len(rows) - len(distinct(rows))
    one = "1 picture is equal to another one and does not count"
    return "" if not more else f"{one if more == 1 else f'{more} pictures are equal to others and do not count'} again."


def headline(rows: Iterable[Row]) -> Metric | None:
    """Return the metric by which the rows of a run are sorted, the first of `headline_metrics` that a row has.

    Of the package's own that is PSNR in the hole, else after merging, of the whole picture, of what is known.
    """
    rows = Rows.of(rows)
    return next((one for one in headline_metrics() if rows.has(one.name)), None)


def companions(one: Metric) -> list[Metric]:
    """Return the other metrics of the same part of a picture, for example SSIM in the hole for PSNR in the hole."""
    return [other for other in installed_metrics() if other.part == one.part and other != one]


def convention(names: Collection[str], networks: Mapping[str, Collection[str]] = MappingProxyType({})) -> str:
    """Return how figures are measured: the convention that all share, then what single metrics say of themselves.

    Arguments:
        names: of the figures that are shown.
        networks: from `networks_of`, named if a figure is shown that needs one.
    """
    shown = metrics_of(names)
    sentences = [CONVENTION, *(one.note for one in shown if one.note)]
    if networks and any(NETWORK in one.needs for one in shown):
        several = len(networks) > 1
        named = [f"{title} ({', '.join(runs)})" if several else title for title, runs in networks.items()]
        sentences.append(f"Network of the perceptual distance: {'; '.join(named)}.")
    return " ".join(sentences)


def networks_of(runs: Iterable[tuple[str, dict]]) -> dict[str, list[str]]:
    """Return the feature networks in which runs compared their results: titles of runs by the network's title.

    Arguments:
        runs: title and run.json of each.

    Example:
        >>> networks_of([("inpaint", {"perceptual": {"title": "LPIPS (AlexNet)"}}), ("colorize", {})])
        {'LPIPS (AlexNet)': ['inpaint']}
    """
    found: dict[str, list[str]] = {}
    for title, record in runs:
        if (network := record.get("perceptual")) is not None:
            found.setdefault(network["title"], []).append(title)
    return found


def results_csv(rows: Sequence[Row]) -> str:
    """Return one line a picture, sorted by picture, with empty cells where there is no figure."""
    return "".join(csv_pieces(rows))


def csv_pieces(rows: Iterable[Row]) -> Iterator[str]:
    """Return what `results_csv` returns, some lines at a time: a million rows need not be in memory at once."""
    rows = Rows.of(rows)
    names = csv_columns([rows])
    return csv_text(itertools.chain([names], csv_lines(rows, names)))


def csv_columns(runs: Iterable[Rows]) -> tuple[str, ...]:
    """Return the names of the columns: those of the journal without what differs between machines and repeats.

    Figures of optional metrics, and the last columns "notes" and "fit", are there only if a row of one of the runs has
    something to say there.
    """
    runs = list(runs)
    optional = {one.name: 0.0 for one in installed_metrics() if one.optional and any(run.has(one.name) for run in runs)}
    names = [name for name in columns(Row(image="", figures=optional)) if name not in PROVENANCE]
    return (*names, *(name for name in OPTIONAL if any(getattr(rows, name).astype(bool).any() for rows in runs)))


def csv_lines(rows: Rows, names: Sequence[str]) -> Iterator[list]:
    """Return the values of the columns `names` of every row, sorted by picture; several notes are one value."""
    for row in rows.by_name:
        values = {**row.figures, **{name: getattr(row, name) for name in FIELDS}, "notes": "; ".join(row.notes)}
        yield [values.get(name) for name in names]


def csv_text(lines: Iterable[Sequence]) -> Iterator[str]:
    """Return lines of values as CSV, some lines at a time; None is an empty cell."""
    lines = iter(lines)
    while some := list(itertools.islice(lines, LINES)):
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(some)
        yield text.getvalue()


def summary(rows: Sequence[Row], record: dict) -> dict:
    """Return the summary of a run for programs, as plain values: figures with six decimals, NaN where there is none.

    Arguments:
        rows: of the journal; record: run.json.
    """
    rows = Rows.of(rows)
    figures, pictures = summarise(rows), {"wanted": max(record.get("images", 0), len(rows)), "rows": len(rows)}
    equal, poor = len(rows) - len(distinct(rows)), poor_fits(rows)
    more = {**({"equal to others": equal} if equal else {}), **({"poor fit": poor} if poor else {})}
    return {
        "title": record["title"],
        "pictures": {**pictures, **counts(rows), **more},
        "figures": {name: rounded(values) for name, values in figures.items()},
        **({"sets": record["sets"]} if "sets" in record else {}),
        "settings": record["configuration"],
        "convention": convention(figures, networks_of([(record["title"], record)])),
    }


def rounded(values: dict[str, float]) -> dict[str, float]:
    """Return statistics with six decimals, as the journal has them."""
    return {name: round(value, 6) for name, value in values.items()}


def json_text(value: dict) -> str:
    """Return a value as JSON; numbers that are not finite become null."""
    return json.dumps(_finite(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def summary_markdown(rows: Sequence[Row], record: dict) -> str:
    """Return the summary of a run with its settings and the convention of its figures."""
    rows = Rows.of(rows)
    number, settings, figures = counts(rows), record["configuration"], summarise(rows)
    said = [sentence for sentence in (said_of_equal(rows), said_of_fit(rows)) if sentence]
    lines = [
        f"# {record['title']}",
        "",
        f"{len(rows)} {plural('volume' if 'volume' in settings else 'picture', len(rows))}: "
        f"{number[OK]} ok, {number[DIVERGED]} diverged, {number[FAILED]} failed. "
        + "".join(f"{sentence} " for sentence in said)
        + f"{network_words(settings)}.",
        "",
        "| figure | n | mean | median | standard deviation | 95% interval of the mean |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, values in figures.items():
        low, high = (show(name, values[end]) for end in ("low", "high"))
        interval = "" if low == "" else f"{low} to {high}"
        lines.append(
            f"| {markdown(metric(name).title)} | {values['n']} | {show(name, values['mean'])} | "
            f"{show(name, values['median'])} | {show(name, values['sd'])} | {interval} |"
        )
    said_of_figures = convention(figures, networks_of([(record["title"], record)]))
    lines += ["", said_of_figures, "", "| setting | value |", "|---|---|"]
    lines += [f"| {name} | {markdown(value)} |" for name, value in flat(settings)]
    failed = rows.take(rows.status != OK).by_name
    if failed:
        lines += ["", "| picture | status | reason |", "|---|---|---|"]
        lines += [
            f"| {markdown(row.image)} | {row.status} | {markdown(row.reason or '')} |" for row in failed[:TOLD]
        ]
    if len(failed) > TOLD:
        lines += ["", f"{len(failed) - TOLD} more such pictures stand in results.csv only."]
    if noted := collect_notes(zip(rows.by_name.images, rows.by_name.notes, strict=True)):
        lines += ["", "| note | pictures | first |", "|---|---:|---|"]
        lines += [f"| {markdown(note)} | {len(images)} | {markdown(images[0])} |" for note, images in noted.items()]
    return "\n".join(lines) + "\n"


def show(name: str, value: float | None) -> str:
    """Format a figure for people, with the decimals that its metric asks for; nothing for none.

    Arguments:
        name: of an installed metric.
        value: the figure, or a statistic of it.
    """
    return "" if value is None or not math.isfinite(value) else f"{value:.{metric(name).digits}f}"


def mean_text(name: str, values: dict | None) -> str:
    """Format a mean and half its 95% interval, "22.57 ± 0.41"; nothing for none."""
    if values is None:
        return ""
    half = show(name, values["high"] - values["mean"])
    return show(name, values["mean"]) + (f" ± {half}" if half else "")


def markdown(text: str) -> str:
    """Return text for a cell of a Markdown table."""
    return text.replace("|", "\\|").replace("\n", " ")


def _statistics(values: np.ndarray) -> dict[str, float]:
    mean, n = float(values.mean()), len(values)
    sd = half = math.nan
    if n > 1:
        from scipy.stats import t  # comes with scikit-image; slow to import

        sd = float(values.std(ddof=1))
        half = float(t.ppf(0.975, n - 1)) * sd / math.sqrt(n)
    return dict(zip(STATISTICS, (n, mean, float(np.median(values)), sd, mean - half, mean + half), strict=True))


def _finite(value):
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
