"""Two runs over the same pictures: what B gains over A, picture by picture.

Rows are paired by the content of their pictures, not by name or place. Of every figure there is the mean of the paired
differences B - A with a 95% percentile bootstrap interval, which says more than two means beside each other: pictures
differ far more among themselves than methods do. Chance is fixed: the same rows give the same interval.
"""

import dataclasses
import math
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

import numpy as np

from jaxprior.metrics import Metric, headline_metrics, installed_metrics, metric
from jaxprior.reporting.tables import counts, distinct
from jaxprior.runs.row import FAILED, Row


RESAMPLES, SEED, CONFIDENCE = 10_000, 0, 0.95
BLOCK = 2_000_000
"""So many draws of a resample are held in memory at once."""


@dataclasses.dataclass(frozen=True)
class Difference:
    """One figure over the pairs in which both runs have it; differences are B - A.

    Fields:
        n: pairs; mean_a, mean_b: of the two runs over them.
        mean, median: of the differences; low, high: 95% interval of their mean, not a number for a single pair.
        wins, ties: pairs in which B is better, or equal.
    """

    n: int
    mean_a: float
    mean_b: float
    mean: float
    median: float
    low: float
    high: float
    wins: int
    ties: int


@dataclasses.dataclass(frozen=True)
class Comparison:
    """What `compare` finds.

    Fields:
        pairs: rows of A and B of the same picture, largest loss of B first; those without a difference last.
        figures: differences by the names of metrics.
        only_a, only_b: rows of pictures that the other run has not computed.
        counts_a, counts_b: rows by status, of all rows of a run.
    """

    pairs: list[tuple[Row, Row]]
    figures: dict[str, Difference]
    only_a: int
    only_b: int
    counts_a: dict[str, int]
    counts_b: dict[str, int]

    @property
    def headline(self) -> str | None:
        """The figure by which pairs are sorted, the first of `headline_metrics` that both runs have."""
        return next((metric.name for metric in headline_metrics() if metric.name in self.figures), None)


def compare(a: Iterable[Row], b: Iterable[Row]) -> Comparison:
    """Pair the rows of two runs and summarise how they differ.

    Results that are equal count once (see `reporting.tables.distinct`). Where a run has several results of one content,
    for example one picture with two originals, they are paired by their names. Failed rows have nothing to pair;
    diverged ones count with what was kept.

    Arguments:
        a, b: rows of the two runs, one a picture, in any order.

    Example:
        >>> compare(  # needs two finished runs # doctest: +SKIP
        ...     run_a.rows(), run_b.rows()
        ... ).figures["psnr"].mean
    """
    a, b = list(a), list(b)
    of_a, of_b = _by_content(a), _by_content(b)
    pairs = [pair for id, rows in of_a.items() for pair in _paired(rows, of_b.get(id, []))]
    found = Comparison(
        pairs=pairs,
        figures={one.name: summed for one in installed_metrics() if (summed := _summarise(one, pairs)) is not None},
        only_a=sum(map(len, of_a.values())) - len(pairs),
        only_b=sum(map(len, of_b.values())) - len(pairs),
        counts_a=counts(a),
        counts_b=counts(b),
    )
    return dataclasses.replace(found, pairs=sorted(pairs, key=lambda pair: loss_first(pair, found.headline)))


def difference(pair: tuple[Row, Row], name: str) -> float | None:
    """Return how much higher a figure of B is than that of A, or None if one has none."""
    a, b = (row.figures.get(name) for row in pair)
    return None if a is None or b is None else b - a


def bootstrap_interval(values: Sequence[float] | np.ndarray) -> tuple[float, float]:
    """Return the 95% percentile bootstrap interval of a mean, from 10,000 resamples.

    Arguments:
        values: [n], at least two; else both ends are not numbers.
    """
    sample = np.asarray(values, np.float64)
    n = len(sample)
    if n < 2:
        return math.nan, math.nan
    from scipy.stats import bootstrap  # slow to import

    found = bootstrap(
        (sample,),
        np.mean,
        n_resamples=RESAMPLES,
        batch=max(1, BLOCK // n),
        vectorized=True,
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.Generator(np.random.PCG64(SEED)),
    )
    low, high = found.confidence_interval
    return float(low), float(high)


def _by_content(rows: Iterable[Row]) -> dict[int, list[Row]]:
    """The results of a run by the 32 bits of their pictures' content, which very rarely are those of two pictures."""
    found: dict[int, list[Row]] = {}
    for row in sorted(distinct(rows), key=lambda row: row.image):
        if row.id is not None and row.status != FAILED:
            found.setdefault(row.id, []).append(row)
    return found


def _paired(a: Sequence[Row], b: Sequence[Row]) -> list[tuple[Row, Row]]:
    """The pairs of rows of one content: one on each side, or else those whose names are the same and unique."""
    if len(a) == len(b) == 1:
        return [(a[0], b[0])]
    pairs: list[tuple[Row, Row]] = []
    for name in (lambda row: row.image, lambda row: PurePosixPath(row.image).name):
        for row in a:
            of_a, of_b = ([other for other in rows if name(other) == name(row)] for rows in (a, b))
            new = len(of_a) == len(of_b) == 1 and all(row is not one and of_b[0] is not two for one, two in pairs)
            pairs += [(row, of_b[0])] if new else []
    return pairs


def loss_first(pair: tuple[Row, Row], name: str | None) -> float:
    """Return what pairs are sorted by: how much better B is in a figure, infinity if that is not known."""
    found = None if name is None else difference(pair, name)
    return math.inf if name is None or found is None else metric(name).gain(found)


def _summarise(one: Metric, pairs: Sequence[tuple[Row, Row]]) -> Difference | None:
    """The figure over the pairs that have it on both sides, if any has."""
    having = [pair for pair in pairs if difference(pair, one.name) is not None]
    if not having:
        return None
    a, b = np.array([[row.figures[one.name] for row in pair] for pair in having], np.float64).T
    differences = b - a
    low, high = bootstrap_interval(differences)
    return Difference(
        n=len(having),
        mean_a=float(a.mean()),
        mean_b=float(b.mean()),
        mean=float(differences.mean()),
        median=float(np.median(differences)),
        low=low,
        high=high,
        wins=int(np.sum(one.gain(differences) > 0)),
        ties=int((differences == 0).sum()),
    )
