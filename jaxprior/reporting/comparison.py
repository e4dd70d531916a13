"""Two runs over the same pictures: what B gains over A, picture by picture.

Rows are paired by the content of their pictures, not by name or place. Of every figure there is the mean of the paired
differences B - A with a 95% percentile bootstrap interval, which says more than two means beside each other: pictures
differ far more among themselves than methods do. Chance is fixed: the same rows give the same interval.
"""

import dataclasses
import math
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import numpy as np

from jaxprior.metrics import Metric, headline_metrics, installed_metrics, metric
from jaxprior.reporting.pairs import Pairs, comparable, paired
from jaxprior.reporting.tables import counts
from jaxprior.runs.row import Row
from jaxprior.runs.rows import Rows


RESAMPLES, SEED, CONFIDENCE = 10_000, 0, 0.95
MANY, NORMAL = 50_000, 1.959964
"""So many values are resampled at most; and the normal distribution's quantile for the interval of more."""
BLOCK = 2_000_000
"""So many draws of a resample are held in memory at once."""


@dataclasses.dataclass(frozen=True)
class Difference:
    """One figure over the pairs in which both runs have it; differences are B - A.

    Fields:
        n: pairs; mean_a, mean_b: of the two runs over them.
        mean, median: of the differences; low, high: 95% interval of their mean, not a number for a single pair.
        wins, ties: pairs in which B is better, or equal.
        p: of Wilcoxon's signed-rank test, two-sided; not a number where no pair differs.
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
    p: float


@dataclasses.dataclass(frozen=True)
class Comparison:
    """What `compare` finds.

    Fields:
        pairs: rows of A and B of the same picture, largest loss of B first; those without a difference last.
        figures: differences by the names of metrics.
        only_a, only_b: rows of pictures that the other run has not computed.
        counts_a, counts_b: rows by status, of all rows of a run.
    """

    pairs: Pairs
    figures: dict[str, Difference]
    only_a: int
    only_b: int
    counts_a: dict[str, int]
    counts_b: dict[str, int]

    @property
    def headline(self) -> str | None:
        """The figure by which pairs are sorted, the first of `headline_metrics` that both runs have."""
        return next((metric.name for metric in headline_metrics() if metric.name in self.figures), None)


def compare(a: Iterable[Row], b: Iterable[Row], *, without: Collection[str] = ()) -> Comparison:
    """Pair the rows of two runs and summarise how they differ.

    Results that are equal count once (see `reporting.tables.distinct`). Where a run has several results of one content,
    for example one picture with two originals, they are paired by their names. Failed rows have nothing to pair;
    diverged ones count with what was kept.

    Arguments:
        a, b: rows of the two runs, one a picture, in any order.
        without: names of figures that cannot be compared, because the two runs measured them differently.

    Example:
        >>> compare(  # needs two finished runs # doctest: +SKIP
        ...     run_a.rows(), run_b.rows()
        ... ).figures["psnr"].mean
    """
    a, b = Rows.of(a), Rows.of(b)
    of_a, of_b = comparable(a), comparable(b)
    pairs = paired(of_a, of_b)
    compared = [one for one in installed_metrics() if one.name not in without]
    found = Comparison(
        pairs=pairs,
        figures={one.name: summed for one in compared if (summed := _summarise(one, pairs)) is not None},
        only_a=len(of_a) - len(pairs),
        only_b=len(of_b) - len(pairs),
        counts_a=counts(a),
        counts_b=counts(b),
    )
    return dataclasses.replace(found, pairs=pairs.take(np.argsort(losses(pairs, found.headline), kind="stable")))


def bootstrap_interval(values: Sequence[float] | np.ndarray) -> tuple[float, float]:
    """Return the 95% percentile bootstrap interval of a mean, from 10,000 resamples.

    Of more than `MANY` values it is the interval of the normal distribution, which the bootstrap's then equals within
    the chance of its resamples, and which does not take minutes.

    Arguments:
        values: [n], at least two; else both ends are not numbers.
    """
    sample = np.asarray(values, np.float64)
    n = len(sample)
    if n < 2:
        return math.nan, math.nan
    if n > MANY:
        half = NORMAL * float(sample.std(ddof=1)) / math.sqrt(n)
        return float(sample.mean()) - half, float(sample.mean()) + half
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


def signed_rank_p(values: np.ndarray) -> float:
    """Return the two-sided p of Wilcoxon's signed-rank test, that values lie symmetrically around 0.

    Arguments:
        values: [n]; zeros say nothing and are left out. Not a number where there are no others.
    """
    if not np.any(values):
        return math.nan
    from scipy.stats import wilcoxon  # slow to import

    found: Any = wilcoxon(values)
    return float(found.pvalue)


def p_text(one: Difference) -> str:
    """The p of a test for people; nothing where there is none."""
    return "" if math.isnan(one.p) else "< 0.001" if one.p < 0.001 else f"{one.p:.3f}"


def losses(pairs: Pairs, name: str | None) -> np.ndarray:
    """Return what pairs are sorted by: how much better B is in a figure, infinity where that is not known.

    Arguments:
        pairs: n of them; name: of the figure, or None if there is none that both runs have.
    """
    if name is None:
        return np.full(len(pairs), np.inf)
    gains: Any = pairs.differences(name)
    return np.nan_to_num(metric(name).gain(gains), nan=np.inf)


def _summarise(one: Metric, pairs: Pairs) -> Difference | None:
    """The figure over the pairs that have it on both sides, if any has."""
    differences: Any = pairs.differences(one.name)
    having = ~np.isnan(differences)
    if not having.any():
        return None
    a, b, differences = (values[having] for values in (pairs.a.figure(one.name), pairs.b.figure(one.name), differences))
    low, high = bootstrap_interval(differences)
    return Difference(
        n=len(differences),
        mean_a=float(a.mean()),
        mean_b=float(b.mean()),
        mean=float(differences.mean()),
        median=float(np.median(differences)),
        low=low,
        high=high,
        wins=int(np.sum(one.gain(differences) > 0)),
        ties=int((differences == 0).sum()),
        p=signed_rank_p(differences),
    )
