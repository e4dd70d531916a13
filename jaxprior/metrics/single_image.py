"""Measures of generation from one picture (Shaham et al., ICCV 2019, section 3): is a sample made of the picture's
patches, how different are samples from each other, and how exactly is the picture remade.

`patch_frechet` is the paper's "single image Frechet inception distance" with another network, so its numbers are not
those of the paper; they compare with each other for one network, cut and picture only.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxprior.errors import ImageError
from jaxprior.metrics._images import checked_batch, checked_pair, require_network


Image = Float[Array | np.ndarray, "_h _w _c"]
Images = Float[Array | np.ndarray, "_b _h _w _c"]


def patch_frechet(network: Callable, picture: Image, images: Images) -> Float[np.ndarray, "_b"]:
    """Compute the Frechet distance of the patches of generated images from those of one picture.

    The features of a picture's pixels are taken as draws from a Gaussian, as SIFID does (Shaham et al., ICCV 2019,
    section 3) with the 192 features of Inception before its second pooling. Here the network is the caller's;
    `load_early_features("squeezenet")` gives the 128 features before SqueezeNet's second pooling,
    which see patches of 23x23 pixels. Where a patch is does not matter, so that an image rearranged in large pieces is
    near its picture.

    Arguments:
        network: a pytree that is called with images and returns one map [b, h', w', c'].
        picture: [h, w, c] in [-1, 1].
        images: compared with it, [b, h, w, c]; their size may be another. Nothing is clipped.

    Returns:
        distances [b], float64, 0 for the picture itself; in squared units of the features. See `gaussian_frechet`.

    Raises:
        ImageError: arrays of other shapes, uint8 or other whole numbers, 0 to 255, or values that are not finite.
        ArgumentError: a network that cannot be called.
        ValueError: a network of several maps, or so small a picture that its map has one pixel.

    Example:
        >>> identity = jax.tree_util.Partial(lambda x: x)
        >>> patch_frechet(identity, np.zeros((8, 8, 3)), np.ones((2, 8, 8, 3)))
        array([3., 3.])
    """
    require_network(network)
    picture = checked_batch(picture, "picture", axes="h, w, c", noun="a picture")
    images = checked_batch(images, "images")
    if picture.shape[-1] != images.shape[-1]:
        raise ImageError(f"`images`: expected {picture.shape[-1]} channels, as `picture` has, got {images.shape[-1]}.")
    own = _moments(_pixels(network, picture))
    return np.array([_between(own, _moments(_pixels(network, image))) for image in images])


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
    return _between(_moments(x), _moments(y))


def diversity(samples: Images, picture: Image) -> Float[Array, ""]:
    """Compute how different samples are, as a share of how different the picture's pixels are.

    The standard deviation of a pixel's intensity over the samples, mean over the pixels, divided by the standard
    deviation of the picture's intensities (Shaham et al., ICCV 2019, section 3).

    Arguments:
        samples: [n, h, w, c] in [-1, 1]; intensity is the mean of the channels.
        picture: [h, w, c], of any size.

    Returns:
        0 for equal samples, 1 where a pixel varies over samples as the picture does over its pixels.

    Raises:
        ImageError: arrays of other shapes, uint8 or other whole numbers, 0 to 255, or values that are not finite.

    Example:
        >>> float(diversity(jnp.array([-1.0, 1.0]).reshape(2, 1, 1, 1), jnp.array([-1.0, 1.0]).reshape(1, 2, 1)))
        1.0
    """
    samples = checked_batch(samples, "samples", axes="n, h, w, c", noun="samples")
    picture = checked_batch(picture, "picture", axes="h, w, c", noun="a picture")
    return _diversity(samples, picture)


@jax.jit
def _diversity(samples: Array, picture: Array) -> Array:
    deviation = jnp.std(jnp.mean(samples, axis=-1), axis=0)
    return deviation.mean(axis=-1).mean() / jnp.maximum(jnp.mean(picture, axis=-1).std(), 1e-6)


def rmse(x: Images, y: Images) -> Float[Array, "_b"]:
    """Compute the root mean squared error in levels of 255.

    Arguments:
        x: images [b, h, w, c] in [-1, 1]; neither clipped nor rounded to 8 bits.
        y: those they are compared with, alike.

    Returns:
        levels [b], 0 for equal images.

    Raises:
        ImageError: batches of different shapes, uint8 or other whole numbers, 0 to 255, or values that are not finite.

    Example:
        >>> rmse(jnp.zeros((1, 8, 8, 3)), jnp.full((1, 8, 8, 3), 2 / 255)).round(3)
        Array([1.], dtype=float32)
    """
    x, y = checked_pair(x, y, batches=True)
    return _rmse(x, y)


@jax.jit
def _rmse(x: Array, y: Array) -> Array:
    squared = jnp.square(jnp.asarray(x, jnp.float32) - jnp.asarray(y, jnp.float32)).mean(axis=-1)
    return 127.5 * jnp.sqrt(squared.mean(axis=-1).mean(axis=-1))  # row by row: exact enough in float32


@jax.jit
def _maps(network: Callable, images: Images):
    return network(images)


def _pixels(network: Callable, image: Image) -> np.ndarray:
    """The features of an image's pixels, [n, d] in float64."""
    found = jax.tree.leaves(_maps(network, jnp.asarray(image, jnp.float32)[None]))
    if len(found) != 1:
        raise ValueError(f"expected a network of one map, got {len(found)}: choose one, `load_features(..., cut=...)`.")
    pixels = np.asarray(found[0], np.float64).reshape(-1, found[0].shape[-1])
    if len(pixels) < 2:
        raise ValueError(f"an image of {image.shape[0]}x{image.shape[1]} is too small: its feature map has one pixel.")
    return pixels


def _moments(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean [d], and R [min(n, d), d] with R^T R the covariance."""
    vectors = np.asarray(vectors, np.float64)
    mean = vectors.mean(axis=0)
    root: Any = np.linalg.qr((vectors - mean) / np.sqrt(len(vectors) - 1), mode="r")
    return mean, root


def _between(x: tuple[np.ndarray, np.ndarray], y: tuple[np.ndarray, np.ndarray]) -> float:
    """The distance from means and roots of covariances."""
    (mean_x, root_x), (mean_y, root_y) = x, y
    common = np.linalg.svd(root_x @ root_y.T, compute_uv=False).sum()
    spread = np.square(root_x).sum() + np.square(root_y).sum() - 2 * common
    return float(np.square(mean_x - mean_y).sum() + max(spread, 0.0))
