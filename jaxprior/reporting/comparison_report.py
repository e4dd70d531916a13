"""The comparison of two runs or grids on disk: a page, Markdown for people, JSON for programs."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from jaxprior.reporting.comparison import CONFIDENCE, RESAMPLES, SEED
from jaxprior.reporting.comparison_page import METHOD, comparison_page
from jaxprior.reporting.tables import json_text, markdown, rounded
from jaxprior.reporting.versus import COLUMNS, Match, Versus
from jaxprior.system.files import write_atomically


def write_comparison(versus: Versus, folder: str | Path) -> Path:
    """Write `comparison-A-B.html`, `.md` and `.json`.

    Arguments:
        versus: from `compare_runs`.
        folder: where to; it must exist.

    Returns:
        Where the page is.
    """
    folder, stem = Path(folder), f"comparison-{versus.a}-{versus.b}"
    write_atomically(folder / f"{stem}.json", json_text(comparison_summary(versus)).encode())
    write_atomically(folder / f"{stem}.md", comparison_markdown(versus).encode())
    write_atomically(folder / f"{stem}.html", comparison_page(versus, folder).encode())
    return folder / f"{stem}.html"


def comparison_markdown(versus: Versus) -> str:
    """Return the comparison as text: what differs, then the figures of every cell."""
    lines = [f"# {versus.b} (B) against {versus.a} (A)", "", METHOD, ""]
    lines += _table(versus.settings) if versus.settings else ["Both were made with the same settings."]
    if len(versus.matches) > 1:
        lines += ["", *_table(versus.overview)]
    for match in versus.matches:
        table = _table([COLUMNS, *match.lines.values()])
        lines += ["", f"## {markdown(match.title)}", "", f"{match.pictures}.", "", *table]
    for sentence in versus.without_counterpart:
        lines += ["", sentence]
    return "\n".join([*lines, "", versus.convention]) + "\n"


def comparison_summary(versus: Versus) -> dict:
    """Return the comparison for programs; figures with six decimals."""
    return {
        "a": versus.a,
        "b": versus.b,
        "bootstrap": {"kind": "percentile", "resamples": RESAMPLES, "seed": SEED, "confidence": CONFIDENCE},
        "cells": [_cell_summary(match) for match in versus.matches],
        "only_a": versus.only_a,
        "only_b": versus.only_b,
        "convention": versus.convention,
    }


def _cell_summary(match: Match) -> dict:
    found = match.found
    return {
        "a": {"title": match.a.title, "only": found.only_a, **found.counts_a},
        "b": {"title": match.b.title, "only": found.only_b, **found.counts_b},
        "pairs": len(found.pairs),
        "figures": {name: rounded(dataclasses.asdict(one)) for name, one in found.figures.items()},
        "settings": [{"name": name, "a": a, "b": b} for name, a, b in match.settings],
    }


def _table(lines: Sequence[Sequence[str]]) -> list[str]:
    """Lines of texts, the head first."""
    head, *others = [f"| {' | '.join(map(markdown, line))} |" for line in lines]
    return [head, "|---|" + "---:|" * (len(lines[0]) - 1), *others]
