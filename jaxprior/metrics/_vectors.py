"""Sets of images as sets of feature vectors: what distances between sets are computed from."""

from collections.abc import Callable, Iterable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxprior.checks import is_array, whole_number
from jaxprior.errors import ArgumentError, ImageError
from jaxprior.metrics._images import checked_batch, require_network


Images = Float[Array | np.ndarray, "_n _h _w _c"]


def vectors_of_sets(
    network: Callable, real: Images | Iterable[Images], fake: Images | Iterable[Images], *, batch: int
) -> tuple[np.ndarray, np.ndarray]:
    """Compute the feature vectors of two sets of images.

    Arguments:
        network: a pytree that is called with images and returns one map [b, h', w', d]; the mean over its pixels is an
            image's feature vector.
        real, fake: [n, h, w, c] in [-1, 1], or an iterable of such arrays.
        batch: images that the network sees at a time.

    Returns:
        float32 [n, d] and [m, d].

    Raises:
        ImageError: arrays of other shapes, a set of fewer than two images, uint8 or other whole numbers, 0 to 255, or
            values that are not finite.
        ArgumentError: a network that cannot be called or has several maps, or a batch below 1.
    """
    require_network(network)
    whole_number("batch", batch, least=1, error=ArgumentError)
    sets = []
    for name, images in (("real", real), ("fake", fake)):
        parts = images if isinstance(images, Iterable) and not is_array(images) else [images]
        checked = (checked_batch(part, name, axes="n, h, w, c", noun="a set") for part in parts)
        found = [feature_vectors(network, part, batch=batch) for part in checked if len(part)]
        if (count := sum(map(len, found))) < 2:
            raise ImageError(f"`{name}`: expected a set of two images or more, got {count}.")
        sets.append(np.concatenate(found))
    return sets[0], sets[1]


def feature_vectors(network: Callable, images: Images, *, batch: int = 32) -> np.ndarray:
    """Feature vectors [n, d] of images that are not checked; all batches are of one size, so that one program computes
    them."""
    batch = min(batch, len(images))
    found = []
    for start in range(0, len(images), batch):
        chosen = np.arange(start, start + batch) % len(images)
        with jax.default_matmul_precision("highest"):  # the figure does not depend on the device's default
            found.append(np.asarray(_means(network, jnp.asarray(images[chosen], jnp.float32))))
    return np.concatenate(found)[: len(images)]


@jax.jit
def _means(network: Callable, images: Array) -> Array:
    maps = jax.tree.leaves(network(images))
    if len(maps) != 1:
        raise ArgumentError(f"`network` must have one map, got {len(maps)}: choose one, `load_features(..., cut=...)`.")
    return maps[0].mean(axis=(1, 2))
