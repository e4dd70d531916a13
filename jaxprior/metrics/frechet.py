"""Frechet distance between two sets of images in the features of a network; with Inception it is the FID.

    network = load_features("inception")
    frechet(network, real, fake)

Heusel et al., "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium", NeurIPS 2017.
"""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from jaxtyping import Float

from jaxprior.metrics._vectors import Images, vectors_of_sets


def frechet(
    network: Callable, real: Images | Iterable[Images], fake: Images | Iterable[Images], *, batch: int = 32
) -> float:
    """Compute the Frechet distance between two sets of images.

    The features of the images of a set are taken as draws from a Gaussian, see `gaussian_frechet`. With
    `load_features("inception")`, which has 2048 features, it is the Frechet inception distance as pytorch-fid computes
    it, of images that are not rounded to 8 bits. It shrinks with the number of images: compare only figures of as many,
    customarily 10,000 or 50,000; fewer than 2048 say little.

    Arguments:
        network: a pytree that is called with images and returns one map [b, h', w', d]; the mean over its pixels is an
            image's feature vector.
        real: [n, h, w, c] in [-1, 1], or an iterable of such arrays for a set that is too large for one; two images or
            more in all. Nothing is clipped.
        fake: the same, as many images as you like; their size may be another.
        batch: images that the network sees at a time.

    Returns:
        the distance, 0 for equal sets; in squared units of the features.

    Raises:
        ImageError: arrays of other shapes, a set of fewer than two images, uint8 or other whole numbers, 0 to 255, or
            values that are not finite.
        ArgumentError: a network that cannot be called or has several maps, or a batch below 1.
        ValueError: images that the network refuses.

    Example:
        >>> identity = jax.tree_util.Partial(lambda x: x)
        >>> frechet(identity, np.zeros((4, 8, 8, 3)), np.ones((6, 8, 8, 3)))
        3.0
    """
    return gaussian_frechet(*vectors_of_sets(network, real, fake, batch=batch))


def gaussian_frechet(x: Float[np.ndarray, "_n _d"], y: Float[np.ndarray, "_m _d"]) -> float:
    """Compute the squared Frechet distance of the Gaussians with the means and covariances of two sets of vectors.

    |m - m'|^2 + tr(C + C' - 2 (C C')^(1/2)), whose last trace is the sum of the singular values of R R'^T for any
    R^T R = C (Dowson and Landau, 1982). R is the triangle of a QR decomposition of the centred vectors: no covariance
    is formed and no root of a rounding error taken, so sets with fewer vectors than dimensions are exact as well.

    Arguments:
        x: n vectors of d numbers, n >= 2; y: m of them. Covariances have the divisors n - 1 and m - 1.

    Returns:
        the distance, float64, not below 0.

    Raises:
        ValueError: fewer than two vectors, or vectors of different lengths.

    Example:
        >>> gaussian_frechet(np.array([[0.0], [2.0]]), np.array([[1.0], [3.0]]))
        1.0
    """
    x, y = np.asarray(x), np.asarray(y)
    if np.ndim(x) != 2 or np.ndim(y) != 2 or x.shape[1] != y.shape[1] or min(len(x), len(y)) < 2:
        raise ValueError(f"expected two sets [n, d] of two vectors or more, got {np.shape(x)} and {np.shape(y)}.")
    return distance_between(moments(x), moments(y))


def moments(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean [d], and R [min(n, d), d] with R^T R the covariance."""
    vectors = np.asarray(vectors, np.float64)
    mean = vectors.mean(axis=0)
    root: Any = np.linalg.qr((vectors - mean) / np.sqrt(len(vectors) - 1), mode="r")
    return mean, root


def distance_between(x: tuple[np.ndarray, np.ndarray], y: tuple[np.ndarray, np.ndarray]) -> float:
    """The distance from means and roots of covariances."""
    (mean_x, root_x), (mean_y, root_y) = x, y
    common = np.linalg.svd(root_x @ root_y.T, compute_uv=False).sum()
    spread = np.square(root_x).sum() + np.square(root_y).sum() - 2 * common
    return float(np.square(mean_x - mean_y).sum() + max(spread, 0.0))
