"""Measures of generation from one picture (Shaham et al., ICCV 2019, section 3): is a sample made of the picture's
patches, how different are samples from each other, and how exactly is the picture remade.

`patch_frechet` is the paper's "single image Frechet inception distance" with a network of the caller's. Its numbers
compare with each other for one network, cut and picture only.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxprior.errors import ImageError
from jaxprior.metrics._images import checked_batch, checked_pair, require_network
from jaxprior.metrics.frechet import distance_between, moments


Image = Float[Array | np.ndarray, "_h _w _c"]
Images = Float[Array | np.ndarray, "_b _h _w _c"]


def patch_frechet(network: Callable, picture: Image, images: Images) -> Float[np.ndarray, "_b"]:
    """Compute the Frechet distance of the patches of generated images from those of one picture.

    The features of a picture's pixels are taken as draws from a Gaussian, as SIFID does (Shaham et al., ICCV 2019,
    section 3) with the 192 features of Inception before its second pooling. Here the network is the caller's:
    `load_early_features("inception-torchvision")` gives those features, and `load_early_features("squeezenet")` the 128
    before SqueezeNet's second pooling, which see patches of 23x23 pixels. Where a patch is does not matter, so that an
    image rearranged in large pieces is near its picture.

    Arguments:
        network: a pytree that is called with images and returns one map [b, h', w', c'].
        picture: [h, w, c] in [-1, 1].
        images: compared with it, [b, h, w, c]; their size may be another. Nothing is clipped.

    Returns:
        distances [b], float64, 0 for the picture itself; in squared units of the features. See
            `jaxprior.metrics.frechet.gaussian_frechet`.

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
    own = moments(_pixels(network, picture))
    return np.array([distance_between(own, moments(_pixels(network, image))) for image in images])


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
