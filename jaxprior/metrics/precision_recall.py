"""Precision and recall of a set of images: is what was made like real pictures, and is all that is real made?

Kynkaanniemi, Karras, Laine, Lehtinen and Aila, "Improved Precision and Recall Metric for Assessing Generative Models",
NeurIPS 2019. Around every image of a set lies a ball in the space of features, as large as the distance to its k-th
nearest neighbour in the set. Precision is the share of made images that lie in a ball of a real one, recall the share
of real images that lie in a ball of a made one.
"""

from collections.abc import Callable, Iterable

import numpy as np
from jaxtyping import Float

from jaxprior.checks import whole_number
from jaxprior.errors import ArgumentError
from jaxprior.metrics._vectors import Images, vectors_of_sets


NEIGHBOURS = 3
"""The k of the paper."""

BLOCK = 1024
"""So many rows of distances are in memory at once."""


def precision_recall(
    network: Callable,
    real: Images | Iterable[Images],
    fake: Images | Iterable[Images],
    *,
    neighbours: int = NEIGHBOURS,
    batch: int = 32,
) -> tuple[float, float]:
    """Compute precision and recall of a set of images.

    Both depend on how many images there are; compare only figures of as many. The paper takes 50,000 images and the
    features of VGG-16's second dense layer, whose numbers are not those of other networks.

    Arguments:
        network, real, fake, batch: see `jaxprior.metrics.frechet`.
        neighbours: the k of the k-th nearest neighbour; each set must have more images.

    Returns:
        precision and recall, in [0, 1].

    Raises:
        ImageError, ArgumentError, ValueError: see `jaxprior.metrics.frechet`; or a set has too few images.

    Example:
        >>> identity = jax.tree_util.Partial(lambda x: x)
        >>> images = np.random.default_rng(0).uniform(-1, 1, (8, 8, 8, 3))
        >>> precision_recall(identity, images, images)
        (1.0, 1.0)
    """
    vectors = vectors_of_sets(network, real, fake, batch=batch)
    return shares_in_balls(*vectors, neighbours=neighbours)


def shares_in_balls(
    real: Float[np.ndarray, "_n _d"], fake: Float[np.ndarray, "_m _d"], *, neighbours: int = NEIGHBOURS
) -> tuple[float, float]:
    """Compute precision and recall of sets of vectors.

    Arguments:
        real: n vectors of d numbers; fake: m of them.
        neighbours: see `precision_recall`.

    Raises:
        ArgumentError: `neighbours` is below 1, or a set has no more vectors than that.

    Example:
        >>> shares_in_balls(np.array([[0.0], [1.0], [2.0]]), np.array([[0.5], [7.0]]), neighbours=1)
        (0.5, 1.0)
    """
    whole_number("neighbours", neighbours, least=1, error=ArgumentError)
    if min(len(real), len(fake)) <= neighbours:
        raise ArgumentError(
            f"`neighbours`: {neighbours} need sets of {neighbours + 1} images or more, got {len(real)} and {len(fake)}."
        )
    return _share(fake, real, neighbours), _share(real, fake, neighbours)


def _share(points: np.ndarray, centres: np.ndarray, neighbours: int) -> float:
    """Share of the points that lie in a ball around any of the centres."""
    from scipy.spatial.distance import cdist  # slow to import

    points, centres = np.asarray(points, np.float64), np.asarray(centres, np.float64)
    blocks = range(0, len(centres), BLOCK)
    nearest = (cdist(centres[i : i + BLOCK], centres) for i in blocks)  # the nearest of all is the centre itself
    radii = np.concatenate([np.partition(one, neighbours, axis=1)[:, neighbours] for one in nearest])
    within = [(cdist(points[i : i + BLOCK], centres) <= radii).any(axis=1) for i in range(0, len(points), BLOCK)]
    return float(np.concatenate(within).mean())
