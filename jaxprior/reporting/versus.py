"""Two run folders against each other: one run each, or the cells that two grids share."""

import collections
import dataclasses
from functools import cached_property
from pathlib import Path

from jaxprior.errors import RunError
from jaxprior.metrics import installed_metrics, metric
from jaxprior.protocols import NETWORK
from jaxprior.reporting.comparison import MANY, Comparison, compare, p_text
from jaxprior.reporting.snapshot import PLACE, Snapshot, snapshots
from jaxprior.reporting.tables import convention, networks_of, show
from jaxprior.runs.runfolder import runs_in
from jaxprior.settings import flat


NAME = 80  # characters of a folder's name in names
COLUMNS = ("figure", "pairs", "A", "B", "B - A", "95% interval", "median", "B wins", "p (Wilcoxon)")
OBSERVED = ("task", "operator", "mask", "mask_sha256", "mask_means", "invert_mask", "resolution", "image_channels")
OBSERVED += ("volume", "seed", "clean", "reference")
NOT_SET = "not set"
SAID_OF_MANY = f"Intervals of more than {MANY:,} pairs are those of the normal distribution, not of a bootstrap."


@dataclasses.dataclass(frozen=True)
class Match:
    """Two runs, or a cell of either grid, that belong together, and how they differ."""

    a: Snapshot
    b: Snapshot
    found: Comparison

    @property
    def title(self) -> str:
        """Of both runs."""
        return self.a.title if self.a.title == self.b.title else f"{self.a.title} / {self.b.title}"

    @property
    def settings(self) -> list[tuple[str, str, str]]:
        """What the runs were made with differently: (dotted name, value of A, value of B)."""
        a, b = (dict(flat(run.made_with)) for run in (self.a, self.b))
        values = [(name, a.get(name, NOT_SET), b.get(name, NOT_SET)) for name in dict.fromkeys([*a, *b])]
        return [value for value in values if value[1] != value[2]]

    @cached_property
    def same_input(self) -> bool:
        """Whether both runs were given the same observations of a picture."""
        a, b = self.a.record["configuration"], self.b.record["configuration"]
        return all(a.get(name) == b.get(name) for name in OBSERVED)

    @property
    def lines(self) -> dict[str, tuple[str, ...]]:
        """Of every figure its line under `COLUMNS` as text."""
        return {
            name: (
                metric(name).title,
                str(one.n),
                show(name, one.mean_a),
                show(name, one.mean_b),
                signed(name, one.mean),
                f"{low} to {high}" if (low := signed(name, one.low)) and (high := signed(name, one.high)) else "",
                signed(name, one.median),
                str(one.wins) + (f" (+ {one.ties} even)" if one.ties else ""),
                p_text(one),
            )
            for name, one in self.found.figures.items()
        }

    @property
    def pictures(self) -> str:
        """What was paired and what was not, as text."""
        found = self.found
        a, b = (", ".join(f"{n} {name}" for name, n in of.items()) for of in (found.counts_a, found.counts_b))
        return f"{len(found.pairs)} pairs, {found.only_a} only in A, {found.only_b} only in B; A: {a}; B: {b}"


@dataclasses.dataclass(frozen=True)
class Versus:
    """Two runs or grids: what they are called, their runs that match, and the titles of those without a counterpart."""

    a: str
    b: str
    matches: list[Match]
    only_a: list[str]
    only_b: list[str]

    @property
    def settings(self) -> list[tuple[str, ...]]:
        """What the two were made with differently: a head, then (dotted name, value of A, value of B) and, of grids, in
        how many cells; empty if nothing differs."""
        of = len(self.matches)
        times = collections.Counter(setting for match in self.matches for setting in match.settings)
        lines = [("setting", "A", "B", "cells"), *((*setting, f"{n} of {of}") for setting, n in times.items())]
        return [line if of > 1 else line[:3] for line in lines] if times else []

    @property
    def convention(self) -> str:
        """How the figures are measured that the two are compared in, and the intervals of very many pairs."""
        figures = [one for match in self.matches for one in match.found.figures.items()]
        many = any(one.n > MANY for _, one in figures)
        runs = [(run.title, run.record) for match in self.matches for run in (match.a, match.b)]
        told = convention({name for name, _ in figures}, networks_of(runs))
        return told + (f" {SAID_OF_MANY}" if many else "")

    @property
    def overview(self) -> list[tuple[str, ...]]:
        """A head, then the headline figure of every cell as text."""
        lines = [(match.title, *match.lines[name]) for match in self.matches if (name := match.found.headline)]
        return [("cell", *COLUMNS), *lines]

    @property
    def without_counterpart(self) -> list[str]:
        """Sentences on the runs that only one of the two has, and on those that were measured differently."""
        different = [match.title for match in self.matches if not match.found.figures]
        alone = (("Only in A", self.only_a), ("Only in B", self.only_b), ("No figure in common", different))
        return [f"{what}: {', '.join(titles)}." for what, titles in alone if titles]


def compare_runs(a: str | Path, b: str | Path) -> Versus:
    """Compare two runs, finished or not, or two grids cell by cell.

    Cells belong together if they agree in whatever of prior, pictures, task and method varies within a grid; so two
    single runs always do.

    Arguments:
        a, b: folders of a run or of several.

    Raises:
        RunError: there is no run, or no cell, no picture or no figure in common.

    Example:
        >>> versus = compare_runs("runs/default", "runs/more-steps")  # needs two finished runs # doctest: +SKIP
        >>> versus.matches[0].found.figures["psnr_hole"].mean  # needs two finished runs # doctest: +SKIP
    """
    of_a, of_b = snapshots(runs_in(a)), snapshots(runs_in(b))
    varying = [name for name in PLACE if any(len({getattr(run.place, name) for run in of}) > 1 for of in (of_a, of_b))]
    cells_a, cells_b = ({tuple(getattr(run.place, name) for name in varying): run for run in of} for of in (of_a, of_b))
    both = [cell for cell in cells_a if cell in cells_b]
    if not both:
        raise RunError(
            f"{a} and {b} have no cell in common: the first has {of_a[0].title!r}, the second {of_b[0].title!r}; "
            "to compare two cells, give their own folders."
        )
    matches = [_match(cells_a[cell], cells_b[cell]) for cell in both]
    if not any(match.found.pairs for match in matches):
        raise RunError(f"{a} and {b} have no restored picture in common: there is nothing to compare.")
    if not any(match.found.figures for match in matches):
        measured = [_measured(run) for run in (matches[0].a, matches[0].b)]
        raise RunError(
            f"{a} and {b} have no figure in common: the first ({matches[0].a.title}) has {measured[0]}, the second "
            f"({matches[0].b.title}) {measured[1]}; compare runs of one task, and both with originals or both without."
        )
    return Versus(
        *_names(Path(a).resolve(), Path(b).resolve()),
        matches,
        [run.title for cell, run in cells_a.items() if cell not in cells_b],
        [run.title for cell, run in cells_b.items() if cell not in cells_a],
    )


def _match(a: Snapshot, b: Snapshot) -> Match:
    """Compare two runs in all figures that both measured in the same way: distances in one network, for example."""
    networks = [run.record.get("perceptual", {}).get("sha256") for run in (a, b)]
    differing = () if networks[0] == networks[1] else [one.name for one in installed_metrics() if NETWORK in one.needs]
    return Match(a, b, compare(a.rows, b.rows, without=differing))


def _measured(run: Snapshot) -> str:
    """The figures of a run for a sentence."""
    return ", ".join(metric(name).title for name in run.figures) or "none"


def signed(name: str, value: float | None) -> str:
    """Format a difference of a figure for people, with its sign; nothing for none."""
    return ("+" if value is not None and value > 0 else "") + show(name, value)


def _names(a: Path, b: Path) -> tuple[str, str]:
    """What to call two folders; with their parents' names if they have the same."""
    if a.name == b.name:
        return f"{a.parent.name}-{a.name}"[:NAME], f"{b.parent.name}-{b.name}"[:NAME]
    return a.name[:NAME], b.name[:NAME]
