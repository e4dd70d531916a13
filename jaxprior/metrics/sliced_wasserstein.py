"""Sliced Wasserstein distance between two sets of images, level by level of a Laplacian pyramid.

Karras, Aila, Laine and Lehtinen, "Progressive Growing of GANs", ICLR 2018, section 5: needs no trained
network. From every image and level 128 random 7x7 patches are taken, each channel is normalised to mean 0 and
standard deviation 1 over its set, and both sets of patches are projected on random directions, where the
Wasserstein-1 distance is the mean difference of the sorted projections. The finest level shows pixel noise,
the coarsest (16 pixels) layout.
"""

import functools
import operator

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxprior.checks import random_key
from jaxprior.errors import ImageError
from jaxprior.metrics._images import checked_batch


Images = Float[Array | np.ndarray, "_n _h _w _c"]  # compared in `_levels`

PATCH, PATCHES_PER_IMAGE = 7, 128
REPEATS, DIRECTIONS = 4, 128
COARSEST = 16

_BATCH = 256  # images whose pyramids are in memory at once
_BINOMIAL = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)


def swd(real: Images, fake: Images, *, key: Array) -> dict[str, float]:
    """Compute the sliced Wasserstein distance, times 1000 as in the paper's tables.

    Patches are taken at the same places in the n-th real and the n-th fake image; so two identical sets are
    at distance 0. Two samples of one distribution are not: compare with the distance between halves of the
    real set, and only figures of as many images. Images are clipped to [-1, 1], not rounded to 8 bits.

    Arguments:
        real: `[n, h, w, c]` in [-1, 1], square, at least 16 pixels.
        fake: as many images of the same size. n = 8192 is customary; each level holds n * 150 kB.
        key: JAX random key of patches and directions.

    Returns:
        one value a level under its size in pixels, e.g. "64", "32", "16", and their average under "mean".

    Raises:
        ImageError: sets of different shape, a size that cannot be halved exactly down to 16 ... 31 pixels, uint8 or
            other whole numbers, 0 to 255, or values that are not finite.
        ArgumentError: something else than a random key.

    Example:
        >>> images = jax.random.uniform(jax.random.key(0), (4, 32, 32, 3), minval=-1)
        >>> swd(images, images, key=jax.random.key(1))
        {'32': 0.0, '16': 0.0, 'mean': 0.0}
    """
    real = checked_batch(real, "real", axes="n, h, w, c", noun="a set")
    fake = checked_batch(fake, "fake", axes="n, h, w, c", noun="a set")
    return level_distances(real, fake, key=random_key("key", key))


def level_distances(real: Images, fake: Images, *, key: Array) -> dict[str, float]:
    """What `swd` returns, for images whose range is not checked: a training that diverges gives NaN here.

    Arguments:
        real, fake, key: see `swd`.

    Raises:
        ImageError: sets of different shape, or a size that cannot be halved exactly down to 16 ... 31 pixels.
    """
    sizes = _levels(real.shape, fake.shape)
    distances = {}
    for level, size in enumerate(sizes):
        place_key, direction_key = jax.random.split(jax.random.fold_in(key, size))
        sets = [_descriptors(images, place_key, level, len(sizes)) for images in (real, fake)]
        repeats = [_distance(*sets, repeat_key) for repeat_key in jax.random.split(direction_key, REPEATS)]
        distances[str(size)] = 1e3 * float(np.mean(repeats))
    return {**distances, "mean": float(np.mean(list(distances.values())))}


def _levels(real: tuple[int, ...], fake: tuple[int, ...]) -> list[int]:
    if real != fake or len(real) != 4 or real[1] != real[2] or real[0] == 0:
        raise ImageError(f"`swd`: expected two sets [n, h, w, c] of one shape, h = w, got {real} and {fake}.")
    sizes = [real[1]]
    while sizes[-1] // 2 >= COARSEST and sizes[-1] % 2 == 0:
        sizes.append(sizes[-1] // 2)
    if not COARSEST <= sizes[-1] < 2 * COARSEST:
        raise ImageError(
            f"`swd`: images of {real[1]} pixels cannot be halved exactly down to less than {2 * COARSEST}; "
            "expected a power of two from 16 up, resize them."
        )
    return sizes


def _descriptors(images: Images, key: Array, level: int, levels: int) -> Array:
    """Normalised patches `[n * 128, 49 * c]` of one level, its pyramids built a batch of images at a time."""
    size = images.shape[1] >> level
    corners = np.asarray(_corners(key, np.arange(len(images), dtype=np.int32), size - PATCH + 1))
    parts = []
    for start in range(0, len(images), _BATCH):
        batch = slice(start, start + _BATCH)
        parts.append(_patches(jnp.asarray(images[batch]), corners[batch], level=level, levels=levels))
    return _normalise(jnp.concatenate(parts))


@jax.jit
def _corners(key: Array, indices: Array, room: Array | int) -> Array:
    """Places `[n, 2, 128]` below `room`; those of an image depend on its index only, not on its batch."""

    def of_one(index: Array) -> Array:
        return jax.random.randint(jax.random.fold_in(key, index), (2, PATCHES_PER_IMAGE), 0, room)

    return jax.vmap(of_one)(indices)


@jax.jit(static_argnames=("level", "levels"))
def _patches(images: Array, corners: Array, *, level: int, levels: int) -> Array:
    """Patches `[n * 128, 49, c]` of one pyramid level."""
    band = _laplacian_band(jnp.clip(images.astype(jnp.float32), -1, 1), level, levels)

    def of_one(image: Array, corners: Array) -> Array:
        shape = (PATCH, PATCH, image.shape[-1])
        return jax.vmap(lambda top, left: jax.lax.dynamic_slice(image, (top, left, 0), shape))(*corners)

    return jax.vmap(of_one)(band, corners).reshape(-1, PATCH * PATCH, images.shape[-1])


def _laplacian_band(images: Array, level: int, levels: int) -> Array:
    """A level of the Laplacian pyramid: what the next coarser image lacks; at the end that image itself."""
    for _ in range(level):
        images = _blur(images)[:, ::2, ::2]
    if level == levels - 1:
        return images
    coarser = _blur(images)[:, ::2, ::2]
    spread = jax.lax.pad(coarser, 0.0, ((0, 0, 0), (0, 1, 1), (0, 1, 1), (0, 0, 0)))  # zeros in between
    return images - 4 * _blur(spread)


def _blur(images: Array) -> Array:
    """Filter with the 5x5 binomial kernel, mirrored at the border without repeating the edge."""
    padded = jnp.pad(images, ((0, 0), (2, 2), (2, 2), (0, 0)), mode="reflect")
    for axis in (1, 2):
        length = padded.shape[axis] - len(_BINOMIAL) + 1
        shifted = [jax.lax.slice_in_dim(padded, k, k + length, axis=axis) for k in range(len(_BINOMIAL))]
        weighted = (weight * part for weight, part in zip(_BINOMIAL, shifted, strict=True))
        padded = functools.reduce(operator.add, weighted)
    return padded


@jax.jit
def _normalise(patches: Array) -> Array:
    """Mean 0 and standard deviation 1 in each channel, over all patches; a constant channel becomes 0."""
    centred = patches - patches.mean(axis=1, keepdims=True).mean(axis=0, keepdims=True)
    deviation = jnp.sqrt((centred**2).mean(axis=1, keepdims=True).mean(axis=0, keepdims=True))
    return (centred / jnp.maximum(deviation, 1e-6)).reshape(len(patches), -1)


@jax.jit
def _distance(a: Array, b: Array, key: Array) -> Array:
    """Mean Wasserstein-1 distance of `[N, d]` and `[N, d]` along random directions."""
    directions = jax.random.normal(key, (DIRECTIONS, a.shape[1]))
    directions /= jnp.linalg.norm(directions, axis=1, keepdims=True)

    def sorted_along(descriptors: Array) -> Array:
        return _sort(jnp.matmul(directions, descriptors.T, precision="highest"))

    return jnp.abs(sorted_along(a) - sorted_along(b)).mean(axis=1).mean()


def _sort(values: Array) -> Array:
    """Sort float32 along the last axis as integers of the same order, which XLA's CPU does 4 times faster."""

    def flip(bits: Array) -> Array:  # the order of negative floats' bits is reversed; its own inverse
        return bits ^ (jax.lax.shift_right_arithmetic(bits, jnp.full_like(bits, 31)) & 0x7FFFFFFF)

    ordered = jnp.sort(flip(jax.lax.bitcast_convert_type(values, jnp.int32)), axis=-1)
    return jax.lax.bitcast_convert_type(flip(ordered), jnp.float32)
