"""Distance of two images in the space of a feature network: what eyes notice rather than what pixels differ in.

Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric", CVPR 2018. A distance is the
mean over the image of a map; so it can be had of a hole as well, as the mean of the map over the missing pixels.
"""

import functools
import operator
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxprior.metrics._images import checked_pair, mean_over, require_network
from jaxprior.protocols import HOLE, MASK, NETWORK, RESULT, TRUTH, FeatureDistance, Metric, Scored


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


def perceptual_map(network: Callable, a: Images, b: Images) -> Float[Array, "_b _h _w"]:
    """Compute at which pixels two images differ in the space of a feature network.

    The squared differences of every feature map, averaged over its channels, are enlarged to the size of the images
    (bilinearly, like the option `spatial` of the public lpips package) and summed over the maps. Features look at many
    pixels, so that a small difference is seen around it as well. The mean of the map is `perceptual` up to what
    enlarging does to the pixels at the border.

    Arguments:
        network, a, b: see `perceptual`.

    Returns:
        distances [b, h, w], 0 for equal images.

    Raises:
        ImageError, ArgumentError, ValueError: see `perceptual`.

    Example:
        >>> identity = jax.tree_util.Partial(lambda x: x)
        >>> perceptual_map(identity, jnp.zeros((1, 2, 2, 3)), jnp.ones((1, 2, 2, 3))).tolist()
        [[[1.0, 1.0], [1.0, 1.0]]]
    """
    return feature_distance(network, a, b).map


def feature_distance(network: Callable, a: Images, b: Images) -> FeatureDistance:
    """Compute `perceptual` and `perceptual_map` of the same images, for which the network is evaluated once.

    Arguments:
        network, a, b: see `perceptual`.

    Raises:
        ImageError, ArgumentError, ValueError: see `perceptual`.
    """
    require_network(network)
    a, b = checked_pair(a, b, names=("a", "b"), batches=True)
    with jax.default_matmul_precision("highest"):
        return _feature_distance(network, a, b)


@jax.jit
def _perceptual(network: Callable, a: Array, b: Array) -> Array:
    maps = getattr(network, "features", network)
    pairs = zip(*(jax.tree.leaves(maps(jnp.asarray(x, jnp.float32))) for x in (a, b)), strict=True)
    return functools.reduce(
        operator.add, (jnp.square(x - y).astype(jnp.float32).mean(axis=(1, 2, 3)) for x, y in pairs)
    )


@jax.jit
def _feature_distance(network: Callable, a: Array, b: Array) -> FeatureDistance:
    both = jnp.concatenate([jnp.asarray(x, jnp.float32) for x in (a, b)])  # one pass: the program is half as long
    pairs = (jnp.split(maps, 2) for maps in jax.tree.leaves(getattr(network, "features", network)(both)))
    squares = [jnp.square(x - y).astype(jnp.float32).mean(axis=-1) for x, y in pairs]
    enlarged = (jax.image.resize(one, a.shape[:-1], "bilinear", antialias=False) for one in squares)
    return FeatureDistance(
        whole=functools.reduce(operator.add, (one.mean(axis=(1, 2)) for one in squares)),
        map=functools.reduce(operator.add, enlarged),
    )


def _result(scored: Scored) -> Array:
    return scored.distance.whole


def _hole(scored: Scored) -> Array:
    return mean_over(scored.distance.map, scored.masks)


PERCEPTUAL = Metric(
    name="perceptual", title="perceptual distance", function=_result, part=RESULT, needs=frozenset({TRUTH, NETWORK}),
    digits=4, higher_is_better=False, order=50, optional=True,
    note="Perceptual distance: mean square difference of the maps of a feature network, summed over the maps, between "
    "the original and the result (merged where the task merges, clipped); with an LPIPS network it is LPIPS; lower is "
    "better.",
)  # fmt: skip
PERCEPTUAL_HOLE = Metric(
    name="perceptual_hole", title="perceptual distance hole", function=_hole, part=HOLE,
    needs=frozenset({TRUTH, MASK, NETWORK}), digits=4, higher_is_better=False, order=51, optional=True,
    note="Perceptual distance of the hole: the mean over the missing pixels of the map of the same distance of the "
    "result, each feature map enlarged bilinearly.",
)  # fmt: skip
