"""Several runs at once, as the tables of a paper show them: methods in rows, tasks in columns, for each prior and set
of pictures; and what depends on the size of the hole.

`results.csv` holds every row of every run, `summary.md` the tables, `summary.json` the same for programs. All keep the
order of the runs.
"""

import dataclasses
import itertools
import math
from collections.abc import Callable, Iterator, Sequence

from jaxprior.metrics import metric, metrics_of, own_metrics
from jaxprior.protocols import HOLE, KNOWN, MERGED, RESULT, WHOLE
from jaxprior.reporting.methods import COLUMNS, NOTE, Beside
from jaxprior.reporting.plots import Line
from jaxprior.reporting.snapshot import PLACE, Place, Snapshot
from jaxprior.reporting.tables import (
    convention,
    counts,
    csv_columns,
    csv_lines,
    csv_text,
    markdown,
    mean_text,
    networks_of,
    show,
    summary,
)
from jaxprior.settings import flat


UNNAMED = "–"
Text = Callable[[str, dict], str]
TABLES = {"whole picture": (MERGED, WHOLE), "hole": (HOLE,), "consistency with the input": (KNOWN,)}
"""The tables of a paper by their titles: of the first of these parts of a picture that a run has figures of. Whole
pictures are merged where the task merges, and beside their figures stand those of the result, which is the same
picture. The last table stands only where no other does."""


@dataclasses.dataclass(frozen=True)
class PaperTable:
    """Means of the figures of one part of a picture.

    Fields:
        title: of which prior, pictures and part, for example "cats32, cats64_dev: hole".
        methods, tasks: names of the rows and of the columns.
        cells: texts "PSNR / SSIM (n)" by (method, task).
    """

    title: str
    methods: tuple[str, ...]
    tasks: tuple[str, ...]
    cells: dict[tuple[str, str], str]


def paper_tables(runs: Sequence[Snapshot]) -> list[PaperTable]:
    """Return the tables of some runs: one for each prior, set of pictures and kind of figure that they have.

    Consistency with the input stands only where there is no original to compare with.
    """
    return _tables(runs, "", mean_text)


def spread_tables(runs: Sequence[Snapshot]) -> list[PaperTable]:
    """Return the standard deviations over the pictures, in tables like those of `paper_tables`.

    There are none of a run with a single picture.
    """
    some = [run for run in runs if any(values["n"] > 1 for values in run.figures.values())]
    return _tables(some, ", standard deviations over the pictures", lambda name, values: show(name, values["sd"]))


def hole_curves(runs: Sequence[Snapshot], figure: str) -> dict[str, list[Line]]:
    """Return how a figure depends on the size of the hole, where tasks differ in nothing else.

    Arguments:
        runs: of which those with a mask of a given share count ("center:0.25", not a file).
        figure: name of a metric.

    Returns:
        for each prior, set of pictures and kind of task with two sizes or more: a line a method, its means with their
        95% intervals over the missing percentage of the area.
    """
    groups: dict[str, dict[str, dict[float, dict]]] = {}
    for run in runs:
        values, mask = run.figures.get(figure), _missing(run.record["configuration"])
        if values is None or mask is None:
            continue
        kind, share = mask
        task = run.place.task.replace(f"{kind}:{share:g}", kind)
        methods = groups.setdefault(f"{_group(run)}: {task}", {})
        methods.setdefault(run.place.method or UNNAMED, {})[100 * share] = values
    return {
        name: [_line(method, points) for method, points in methods.items()]
        for name, methods in groups.items()
        if len({percent for points in methods.values() for percent in points}) > 1
    }


def grid_csv(runs: Sequence[Snapshot]) -> Iterator[str]:
    """Return all rows of all runs as CSV, each with its place in front, some lines at a time."""
    names = csv_columns(run.rows for run in runs)
    lines = ((*dataclasses.astuple(run.place), *line) for run in runs for line in csv_lines(run.rows, names))
    return csv_text(itertools.chain([(*PLACE, *names)], lines))


def legend(runs: Sequence[Snapshot]) -> str:
    """Return what the cells of the tables of some runs are."""
    return (
        f"{' / '.join(_measures(runs))}: means ± half the 95% interval of the mean (number of pictures). Whole "
        "pictures are merged with what is known where the task merges, else the raw output; holes are of the raw "
        "output."
    )


def grid_markdown(runs: Sequence[Snapshot], title: str, beside: Sequence[Beside]) -> str:
    """Return the tables of a paper, the runs with their counts, and the settings that all of them share.

    Arguments:
        runs: of the grid; title: of the text.
        beside: their methods by task, from `methods_beside`.
    """
    lines = [f"# {title}", ""]
    for table in [*paper_tables(runs), *spread_tables(runs)]:
        lines += [f"## {markdown(table.title)}", "", "| method | " + " | ".join(map(markdown, table.tasks)) + " |"]
        lines.append("|---|" + "---:|" * len(table.tasks))
        for method in table.methods:
            cells = [table.cells.get((method, task), "") for task in table.tasks]
            lines.append(f"| {markdown(method or UNNAMED)} | " + " | ".join(cells) + " |")
        lines.append("")
    for one in beside:
        lines += [f"## {markdown(one.title)}", "", f"| {' | '.join(COLUMNS)} |", "|---|" + "---:|" * (len(COLUMNS) - 1)]
        lines += [f"| {' | '.join(map(markdown, (method or UNNAMED, *rest)))} |" for method, *rest in one.lines]
        lines += ["", NOTE, ""]
    networks = networks_of((run.title, run.record) for run in runs)
    note = f"{legend(runs)} {convention({name for run in runs for name in run.figures}, networks)}"
    lines += [note, "", "| run | pictures | ok | diverged | failed |", "|---|---:|---:|---:|---:|"]
    for run in runs:
        done = f"{len(run.rows)} of {run.wanted}" if len(run.rows) < run.wanted else str(run.wanted)
        lines.append(f"| {markdown(run.title)} | {done} | " + " | ".join(map(str, counts(run.rows).values())) + " |")
    lines += ["", "Settings that all runs share:", "", "| setting | value |", "|---|---|"]
    lines += [f"| {name} | {markdown(value)} |" for name, value in shared_settings(runs)]
    return "\n".join(lines) + "\n"


def grid_summary(runs: Sequence[Snapshot], title: str) -> dict:
    """Return the summaries of all runs for programs."""
    return {
        "title": title,
        "runs": [
            {"folder": run.folder.path.name, **dataclasses.asdict(run.place), **summary(run.rows, run.record)}
            for run in runs
        ],
    }


def shared_settings(runs: Sequence[Snapshot]) -> list[tuple[str, str]]:
    """Return the settings that all runs have in common, as (dotted name, text) pairs."""
    first, *others = [flat(run.record["configuration"]) for run in runs]
    return [pair for pair in first if all(pair in other for other in others)]


def _group(run: Snapshot) -> str:
    """What is compared within: a prior and a set of pictures, if that has a name."""
    return f"{run.place.prior}, {run.place.data}" if run.place.data else run.place.prior


def _measures(runs: Sequence[Snapshot]) -> list[str]:
    """What is measured in the cells of the tables of some runs, in the order in which it stands there."""
    having = {name for run in runs for name in run.figures}
    shown = [*(one for one in own_metrics() if not one.optional), *metrics_of(having)]
    return list(dict.fromkeys(one.measure for one in shown))


def _tables(runs: Sequence[Snapshot], ending: str, text: Text) -> list[PaperTable]:
    """Tables of some runs; `ending` of their titles, `text` of a figure's name and statistics."""
    groups: dict[str, list] = {}
    order = _measures(runs)
    for run in runs:
        groups.setdefault(_group(run), []).append((run.place, run.figures))
    tables = []
    for name, members in groups.items():
        found = [_table(f"{name}: {kind}{ending}", parts, members, text, order) for kind, parts in TABLES.items()]
        found = [table for table in found[:-1] if table.cells] or found[-1:]
        tables += [table for table in found if table.cells]
    return tables


def _table(
    title: str, parts: Sequence[str], members: Sequence[tuple[Place, dict]], text: Text, order: Sequence[str]
) -> PaperTable:
    """The table of the figures of the first part of a picture that each member has figures of, in an order of what they
    measure."""
    cells = {}
    for place, figures in members:
        found = [[one.name for one in metrics_of(figures) if one.part == part] for part in parts]
        names = next(filter(None, found), None)
        if names is not None:
            names += [one.name for one in metrics_of(figures) if one.part == RESULT and WHOLE in parts]
            names.sort(key=lambda name: order.index(metric(name).measure))
            texts = " / ".join(text(name, figures[name]) for name in names)
            cells[place.method, place.task] = f"{texts} ({figures[names[0]]['n']})"
    methods, tasks = (tuple(dict.fromkeys(names)) for names in zip(*cells, strict=True)) if cells else ((), ())
    return PaperTable(title, methods, tasks, cells)


def _missing(settings: dict) -> tuple[str, float] | None:
    """Kind and missing share of a mask such as "center:0.25"; None for files, folders and tasks without a mask."""
    if settings.get("mask") is None or settings.get("mask_sha256") is not None:
        return None
    kind, _, share = settings["mask"].partition(":")
    try:
        return kind, float(share)
    except ValueError:
        return None  # a folder of masks


def _line(method: str, points: dict[float, dict]) -> Line:
    """Statistics by place as a line; a single picture's mean has no interval."""
    values = [points[place] for place in sorted(points)]
    low, high = ([v["mean"] if math.isnan(v[end]) else v[end] for v in values] for end in ("low", "high"))
    return Line(method, sorted(points), [v["mean"] for v in values], low, high)
