"""Kernel distance between two sets of images in the features of a network; with Inception it is the KID.

Binkowski, Sutherland, Arbel and Gretton, "Demystifying MMD GANs", ICLR 2018: the squared maximum mean discrepancy with
the kernel (x . y / d + 1)^3, estimated without bias. So it can be a little below zero, and, unlike the Frechet
distance, its expectation does not depend on how many images there are.
"""

from collections.abc import Callable, Iterable

import numpy as np
from jaxtyping import Float

from jaxprior.metrics._vectors import Images, vectors_of_sets


BLOCK = 1024
"""So many rows of the kernel's matrix are in memory at once."""


def kid(
    network: Callable, real: Images | Iterable[Images], fake: Images | Iterable[Images], *, batch: int = 32
) -> float:
    """Compute the kernel distance between two sets of images, from all pairs of them.

    Public programs report the mean of this estimate over random subsets of 1000 images, which has the same expectation
    and more variance.

    Arguments:
        network, real, fake, batch: see `jaxprior.metrics.frechet`.

    Returns:
        the distance; about 0 for two sets of one distribution, and it may be below. With Inception it is customary to
        print it times 1000.

    Raises:
        ImageError, ArgumentError, ValueError: see `jaxprior.metrics.frechet`.

    Example:
        >>> identity = jax.tree_util.Partial(lambda x: x)
        >>> kid(identity, np.zeros((4, 8, 8, 3)), np.ones((6, 8, 8, 3)))
        7.0
    """
    return kernel_distance(*vectors_of_sets(network, real, fake, batch=batch))


def kernel_distance(x: Float[np.ndarray, "_n _d"], y: Float[np.ndarray, "_m _d"]) -> float:
    """Compute the unbiased estimate of the squared maximum mean discrepancy of two sets of vectors.

    The mean of k(x, x') over all pairs of different vectors of the one set, plus that of the other, minus twice the
    mean of k(x, y) over all pairs of both, where k(a, b) = (a . b / d + 1)^3.

    Arguments:
        x: n vectors of d numbers, n >= 2; y: m of them.

    Raises:
        ValueError: fewer than two vectors, or vectors of different lengths.

    Example:
        >>> kernel_distance(np.zeros((3, 2)), np.ones((2, 2)))
        7.0
    """
    x, y = np.asarray(x), np.asarray(y)
    if np.ndim(x) != 2 or np.ndim(y) != 2 or x.shape[1] != y.shape[1] or min(len(x), len(y)) < 2:
        raise ValueError(f"expected two sets [n, d] of two vectors or more, got {np.shape(x)} and {np.shape(y)}.")
    return float(kernel_distances(x, y, np.ones((len(x), 1)), np.ones((len(y), 1)))[0])


def kernel_distances(x: np.ndarray, y: np.ndarray, times_x: np.ndarray, times_y: np.ndarray) -> np.ndarray:
    """Compute `kernel_distance` of several choices of the same vectors, [k].

    A vector that was chosen several times is no pair with itself: it would make the two sets seem more alike within
    themselves than they are.

    Arguments:
        x, y: vectors [n, d] and [m, d].
        times_x, times_y: how often each of them was chosen, [n, k] and [m, k].
    """
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    within = [_sums(one, one, times, times) - _with_itself(one, times) for one, times in ((x, times_x), (y, times_y))]
    pairs = [times.sum(axis=0) ** 2 - (times**2).sum(axis=0) for times in (times_x, times_y)]
    across = _sums(x, y, times_x, times_y) / (times_x.sum(axis=0) * times_y.sum(axis=0))
    return within[0] / pairs[0] + within[1] / pairs[1] - 2 * across


def _sums(x: np.ndarray, y: np.ndarray, times_x: np.ndarray, times_y: np.ndarray) -> np.ndarray:
    """Sums [k] of the kernel over all pairs."""
    total = np.zeros(times_x.shape[1])
    for first in range(0, len(x), BLOCK):
        some = slice(first, first + BLOCK)
        kernel = (x[some] @ y.T / x.shape[1] + 1) ** 3
        total += (times_x[some] * (kernel @ times_y)).sum(axis=0)
    return total


def _with_itself(x: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Sums [k] of the kernel over the pairs of a vector with itself."""
    return (times**2 * ((x**2).sum(axis=1, keepdims=True) / x.shape[1] + 1) ** 3).sum(axis=0)
