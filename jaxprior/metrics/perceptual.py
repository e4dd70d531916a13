"""Distance of two images in the space of a feature network: what eyes notice rather than what pixels differ in."""

import functools
import operator
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxprior.metrics._images import checked_pair, require_network


Images = Float[Array | np.ndarray, "_b _h _w _c"]


def perceptual(network: Callable, a: Images, b: Images) -> Float[Array, "_b"]:
    """Compute the mean square difference of feature maps, summed over the maps.

    With `load_features("lpips-alex")` or `"lpips-vgg"` this is LPIPS, with `"lpips-squeeze"` the LPIPS-style distance
    (SqueezeNet, Caffe weights), and with another network that network's plain feature distance. Nothing is clipped: the
    networks see images as they are.

    Arguments:
        network: a pytree that is called with images and returns a map [b, h', w', c'] or several, e.g. a
            `FeatureNetwork`; if it has a method `features` (a prior's critic has), that is called instead.
        a: images [b, h, w, c] in [-1, 1].
        b: those they are compared with, alike.

    Returns:
        distances [b], 0 for equal images.

    Raises:
        ImageError: batches of different shapes, uint8 or other whole numbers, 0 to 255, or values that are not finite.
        ArgumentError: a network that cannot be called, such as the name of one.
        ValueError: images that the network refuses.

    Example:
        >>> perceptual(jax.tree_util.Partial(lambda x: x), jnp.zeros((2, 8, 8, 3)), jnp.ones((2, 8, 8, 3)))
        Array([1., 1.], dtype=float32)
    """
    require_network(network)
    a, b = checked_pair(a, b, names=("a", "b"), batches=True)
    with jax.default_matmul_precision("highest"):  # the figure does not depend on the device's default
        return _perceptual(network, a, b)


@jax.jit
def _perceptual(network: Callable, a: Array, b: Array) -> Array:
    maps = getattr(network, "features", network)
    pairs = zip(*(jax.tree.leaves(maps(jnp.asarray(x, jnp.float32))) for x in (a, b)), strict=True)
    return functools.reduce(
        operator.add, (jnp.square(x - y).astype(jnp.float32).mean(axis=(1, 2, 3)) for x, y in pairs)
    )
