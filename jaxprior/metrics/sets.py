"""All distances between two sets of images from one look at each image, with how sure they are."""

import math
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass

import numpy as np
from jaxtyping import Float

from jaxprior.metrics._vectors import Images, vectors_of_sets
from jaxprior.metrics.frechet import gaussian_frechet
from jaxprior.metrics.kid import kernel_distance, kernel_distances
from jaxprior.metrics.precision_recall import NEIGHBOURS, shares_in_balls


RESAMPLES = 50
"""So many bootstrap samples, and random halves, standard deviations are computed from."""


@dataclass(frozen=True, kw_only=True)
class SetDistances:
    """How far a set of images is from a real one in the features of a network.

    Fields:
        real, fake: how many images there are.
        frechet: see `jaxprior.metrics.frechet`; kid: see `jaxprior.metrics.kid`.
        precision, recall: see `jaxprior.metrics.precision_recall`.
        frechet_sd, kid_sd: bootstrap standard deviations, of as many images drawn anew from both sets with replacement.
        precision_sd, recall_sd: standard deviations over random halves of both sets, which say the same: an image that
            is drawn twice would be its own neighbour.
    """

    real: int
    fake: int
    frechet: float
    frechet_sd: float
    kid: float
    kid_sd: float
    precision: float
    precision_sd: float
    recall: float
    recall_sd: float

    def as_dict(self) -> dict[str, float]:
        """Return all fields by name."""
        return asdict(self)


def compare_sets(
    network: Callable,
    real: Images | Iterable[Images],
    fake: Images | Iterable[Images],
    *,
    neighbours: int = NEIGHBOURS,
    resamples: int = RESAMPLES,
    seed: int = 0,
    batch: int = 32,
) -> SetDistances:
    """Compute all distances between two sets of images in the features of a network, which sees each image once.

    Arguments:
        network, real, fake, batch: see `jaxprior.metrics.frechet`.
        neighbours: see `jaxprior.metrics.precision_recall`.
        resamples: bootstrap samples, and random halves; with fewer than two the deviations are not numbers.
        seed: of both.

    Raises:
        ImageError, ArgumentError, ValueError: see `jaxprior.metrics.precision_recall`.

    Example:
        >>> identity = jax.tree_util.Partial(lambda x: x)
        >>> found = compare_sets(identity, np.zeros((4, 8, 8, 3)), np.ones((6, 8, 8, 3)))
        >>> found.frechet, found.kid, found.precision, found.fake
        (3.0, 7.0, 0.0, 6)
    """
    vectors = vectors_of_sets(network, real, fake, batch=batch)
    return distances_of_vectors(*vectors, neighbours=neighbours, resamples=resamples, seed=seed)


def distances_of_vectors(
    real: Float[np.ndarray, "_n _d"],
    fake: Float[np.ndarray, "_m _d"],
    *,
    neighbours: int = NEIGHBOURS,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> SetDistances:
    """Compute the same of feature vectors.

    Arguments:
        real, fake: vectors [n, d] and [m, d]; neighbours, resamples, seed: see `compare_sets`.

    Raises:
        ArgumentError, ValueError: see `compare_sets`.
    """
    precision, recall = shares_in_balls(real, fake, neighbours=neighbours)
    chance = np.random.default_rng(seed)
    times = [chance.multinomial(len(one), np.full(len(one), 1 / len(one)), resamples) for one in (real, fake)]
    frechets = [
        gaussian_frechet(np.repeat(real, of_real, axis=0), np.repeat(fake, of_fake, axis=0))
        for of_real, of_fake in zip(*times, strict=True)
    ]
    kids = kernel_distances(real, fake, times[0].T.astype(np.float64), times[1].T.astype(np.float64))
    large_enough = min(len(real), len(fake)) // 2 > neighbours
    halves = [
        shares_in_balls(*(chance.permutation(one)[: len(one) // 2] for one in (real, fake)), neighbours=neighbours)
        for _ in range(resamples if large_enough else 0)
    ]
    return SetDistances(
        real=len(real),
        fake=len(fake),
        frechet=gaussian_frechet(real, fake),
        frechet_sd=_deviation(frechets),
        kid=kernel_distance(real, fake),
        kid_sd=_deviation(kids),
        precision=precision,
        precision_sd=_deviation([one for one, _ in halves]),
        recall=recall,
        recall_sd=_deviation([one for _, one in halves]),
    )


def _deviation(values) -> float:
    return float(np.std(values, ddof=1)) if len(values) > 1 else math.nan
