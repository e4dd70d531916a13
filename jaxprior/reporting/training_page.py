"""The HTML page of a training: what it makes, how to use it, how it came about, what it was told."""

from collections.abc import Sequence
from html import escape

from jaxprior.reporting import page
from jaxprior.reporting.page_pictures import as_png
from jaxprior.reporting.plots import curves
from jaxprior.reporting.training_snapshot import Training
from jaxprior.reporting.uses import uses_of
from jaxprior.settings import flat
from jaxprior.system.amounts import plural
from jaxprior.training.evaluators import PLACE


BY_PHASE = 16
"""More phases than this are not told apart in a plot."""

WIDE, ROW = (1200, 720), (1000, 110)
"""Pixels that a sheet of samples may take, and a row of one."""


def training_page(training: Training, sections: Sequence[str]) -> str:
    """Return the whole HTML page; `sections` (as HTML) stand in place of the newest sheet of samples."""
    body = [
        f'<p class="soft">{escape(_summary(training))}{_unfinished(training)}</p>',
        *(sections or _sheet(training)),
        *_use(training),
        *([] if sections else _over_time(training)),
        *_curves(training),
        *([] if sections else _figures(training)),
        *_settings(training),
    ]
    return page.document(training.title, body)


def _summary(training: Training) -> str:
    """One line: what, of what, how long, on what, and how far it is."""
    made, record = training.card.get("training", {}), training.record
    parts = [f"{training.recipe} trained on {record.get('data', training.card.get('source', 'unknown pictures'))}"]
    if "seconds" in made:
        parts.append(f"{_duration(made['seconds'])} of training")
    if device := record.get("device", made.get("device")):
        parts.append(f"device {device}")
    if training.losses:
        parts.append(f"last logged: {training.losses[-1]['phase']}, step {int(training.losses[-1]['step']):,}")
    return "; ".join(parts)


def _sheet(training: Training) -> list[str]:
    if training.sheet is None:
        return []
    return ["<h2>Newest samples</h2>", page.framed(training.sheet, "newest samples", box=WIDE)]


def _unfinished(training: Training) -> str:
    """How much of the training is still to come (as HTML); empty if it is finished."""
    left = training.card.get("training", {}).get("unfinished")
    if not left:
        return ""
    return f"; <b>unfinished: step {left['steps']:,} of {left['of']:,}; the same command goes on</b>"


def _use(training: Training) -> list[str]:
    """The commands in which the trained network serves."""
    configuration = training.record.get("configuration", {})
    commands = uses_of(configuration, training.card.get("architecture"), training.path)
    if not commands:
        return []
    return ["<h2>How to use it</h2>", f"<pre><code>{escape(chr(10).join(commands))}</code></pre>"]


def _over_time(training: Training) -> list[str]:
    """The same samples again and again, a line each time."""
    lines = []
    for samples in training.samples:
        before = [row["phase"] for row in training.losses if int(row["images"]) <= samples.images]
        name = f"after {samples.images:,} {plural('picture', samples.images)}"
        label = f"{name}<br><span class='soft'>{escape(before[-1])}</span>" if before else name
        lines.append([label, page.framed(as_png(samples.row), f"samples {name}", box=ROW)])
    if not lines:
        return []
    table = page.figure_table(["", "the same samples in every line"], lines)
    return ["<h2>Samples over time</h2>", f'<div class="scales">{table}</div>']


def _curves(training: Training) -> list[str]:
    """A plot for every column of the losses, with a line for every phase where these are few."""
    rows = training.losses
    phases = list(dict.fromkeys(row["phase"] for row in rows))
    split = 1 < len(phases) <= BY_PHASE
    starts, before = {}, 0  # the last step of a phase is always logged
    for row in rows:
        starts.setdefault(row["phase"], before)
        before = int(row["step"])
    plots = []
    for name in dict.fromkeys(name for row in rows for name in row if name not in PLACE):
        lines: dict[str, list[tuple[float, float]]] = {}
        for row in rows:
            value = _number(row.get(name))
            if value is not None:
                at = int(row["step"]) - (starts[row["phase"]] if split else 0)
                lines.setdefault(row["phase"] if split else name, []).append((at, value))
        if lines:
            title = name.replace("_", " ")
            across = "step of the phase" if split else "step"
            plots.append((title, curves({_short(phase): points for phase, points in lines.items()},
                                        across=across, upwards=title)))  # fmt: skip
    return ["<h2>Losses</h2>", page.cards(plots)] if plots else []


def _figures(training: Training) -> list[str]:
    """The evaluator's figures: their curve, and all of them as a table."""
    found = training.evaluation
    if not found.rows:
        return []
    lines = {
        name.replace("_", " "): points
        for name in (found.curve, found.reference)
        if name and len(points := _points(found.rows, name)) > 1
    }
    plot = curves(lines, across="thousand pictures shown", upwards=found.title) if lines else ""
    names = ["phase", *(name for name in found.rows[-1] if name != "phase")]
    cells = [[escape(row.get(name) or "") for name in names] for row in found.rows]
    return [
        "<h2>Figures</h2>",
        page.cards([(found.title, plot)]) if plot else "",
        page.figure_table([name.replace("_", " ") for name in names], cells),
        f'<p class="note">{escape(found.note)}</p>' if found.note else "",
    ]


def _points(rows: Sequence[dict[str, str]], column: str) -> list[tuple[float, float]]:
    """A column over the thousands of pictures that had been shown, as far as it is a number."""
    values = [(_number(row.get("images")), _number(row.get(column))) for row in rows]
    return [(shown / 1000, value) for shown, value in values if shown is not None and value is not None]


def _settings(training: Training) -> list[str]:
    """Configuration, versions and the card, folded where there is a page above them."""
    card = {name: value for name, value in training.card.items() if name != "training"}
    figures = {name: value for name, value in training.card.get("training", {}).items() if name != "recipe"}
    tables = (
        ("Configuration", training.record.get("configuration", training.card.get("training", {}).get("recipe", {}))),
        ("Versions and device", {k: v for k in ("versions", "device") if (v := training.record.get(k))}),
        ("Weights", {**card, **({"training": figures} if figures else {})}),
    )
    shown = [(title, flat(dict(values))) for title, values in tables if values]
    return ["<h2>Settings</h2>"] + [
        f"<details{' open' if place == 0 else ''}><summary>{title}</summary>{page.text_table(pairs)}</details>"
        for place, (title, pairs) in enumerate(shown)
    ]


def _short(phase: str) -> str:
    """"scale 2 of 0 to 8" -> "scale 2"."""
    return phase.partition(" of ")[0]


def _duration(seconds: float) -> str:
    """For people: "40 s", "12 min", "3.4 h"."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _number(text: str | None) -> float | None:
    """A finite number, or None."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if abs(value) < float("inf") else None
