"""The HTML page of a training: what it makes, how its losses went, what it was told."""

from collections.abc import Sequence
from html import escape

from jaxprior.reporting import page
from jaxprior.reporting.plots import curves
from jaxprior.reporting.training_snapshot import Training
from jaxprior.settings import flat
from jaxprior.training.evaluators import PLACE


BY_PHASE = 16
"""More phases than this are not told apart in a plot."""

WIDE = (1200, 720)
"""Pixels that a sheet of samples may take."""


def training_page(training: Training, sections: Sequence[str]) -> str:
    """Return the whole HTML page; `sections` (as HTML) stand in place of the newest sheet of samples."""
    body = [
        f'<p class="soft">{escape(_summary(training))}</p>',
        *(sections or _sheet(training)),
        *_curves(training),
        *([] if sections else _figures(training)),
        *_settings(training),
    ]
    return page.document(training.title, body)


def _summary(training: Training) -> str:
    """One line: what, of what, how long, on what, and how far it is."""
    made, record = training.card.get("training", {}), training.record
    recipe = record.get("configuration", {}).get("recipe", training.card.get("architecture", ""))
    parts = [f"{recipe} trained on {record.get('data', training.card.get('source', 'unknown pictures'))}"]
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
    """The evaluator's table as it is."""
    rows = training.figures
    if not rows:
        return []
    names = ["phase", *(name for name in rows[-1] if name != "phase")]
    lines = [[escape(row.get(name) or "") for name in names] for row in rows]
    return ["<h2>Figures</h2>", page.figure_table(names, lines)]


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
