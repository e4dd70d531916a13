"""Holes of pictures filled smoothly from around, by a pyramid of averages (push and pull; Gortler et al., 1996).

    push    each level has half the sides: a pixel is the mean of the known ones among its four, with a weight
    pull    from the coarsest level back: what is not known is taken from the level above, enlarged bilinearly

It is a cheap relative of an interpolation that solves an equation: a few averages, no iterations, and a result that
depends on nothing farther away than `reach_of` says, so that it may be a layer of a network that sees tiles.
"""

import jax
import jax.numpy as jnp

from jaxprior.nn.pooling import downsample


Array = jax.Array


def smooth_fill(pictures: Array, missing: Array, *, levels: int) -> Array:
    """Fill holes from what is known around them.

    Arguments:
        pictures: [b, h, w, c]; what lies in a hole is kept, as an average, where a square of 2^levels pixels and all of
            its neighbours are missing. h and w are multiples of 2^levels.
        missing: [b, h, w, 1], 1 = missing, 0 = known.
        levels: of the pyramid.

    Returns:
        [b, h, w, c]; known pixels are there to the bit.

    Example:
        >>> line = jnp.array([1.0, 0.0, 0.0, 3.0]).reshape(1, 1, 4, 1) * jnp.ones((1, 4, 1, 1))
        >>> hole = jnp.array([0.0, 1.0, 1.0, 0.0]).reshape(1, 1, 4, 1) * jnp.ones((1, 4, 1, 1))
        >>> smooth_fill(line, hole, levels=2)[0, 0, :, 0].tolist()
        [1.0, 1.5, 2.5, 3.0]
    """
    weight, given, finer_levels = 1.0 - missing, pictures, []
    for _ in range(levels):
        finer_levels.append((pictures, weight))
        share, given = downsample(weight), downsample(given)
        known = downsample(pictures * weight) / jnp.maximum(share, 1e-6)
        pictures, weight = jnp.where(share > 0, known, given), jnp.minimum(4.0 * share, 1.0)
    for finer, share in reversed(finer_levels):
        pictures = jnp.where(share == 1, finer, share * finer + (1.0 - share) * enlarged(pictures))
    return pictures


def square_colours(pictures: Array, missing: Array, side: int) -> Array:
    """The mean colours of the known pixels in squares; a square in which nothing is known takes them from around.

    Arguments:
        pictures: [b, h, w, c] of any size; missing: [b, h, w, 1], 1 = missing, 0 = known.
        side: of the squares, in pixels; the last ones of a row or column may be cut off by the edge.

    Returns:
        [b, h / side, w / side, c], rounded up; 0 if nothing is known at all.

    Example:
        >>> hole = jnp.array([0.0, 0.0, 1.0, 1.0]).reshape(1, 1, 4, 1)
        >>> square_colours(jnp.array([0.25, 0.5, 9.0, 9.0]).reshape(1, 1, 4, 1), hole, 2)[0, 0, :, 0].tolist()
        [0.375, 0.375]
    """
    beyond = [(0, 0), *((0, -size % side) for size in pictures.shape[1:3]), (0, 0)]
    weights = jnp.pad(1.0 - missing, beyond)
    totals = [_sums(each, side) for each in (jnp.pad(pictures, beyond) * weights, weights)]
    return filled_squares(totals[0] / jnp.maximum(totals[1], 1.0), totals[1] > 0)


def filled_squares(colours: Array, known: Array) -> Array:
    """Fill what is unknown of a small picture from all that is known of it, however far away it lies.

    Arguments:
        colours: [b, h, w, c], 0 where nothing is known; known: [b, h, w, 1], true where it is.

    Returns:
        [b, h, w, c].
    """
    height, width = colours.shape[1:3]
    levels = (max(height, width) - 1).bit_length()
    beyond = ((0, 0), (0, (1 << levels) - height), (0, (1 << levels) - width), (0, 0))
    missing = 1.0 - jnp.pad(known.astype(colours.dtype), beyond)
    return smooth_fill(jnp.pad(colours, beyond), missing, levels=levels)[:, :height, :width]


def _sums(x: Array, side: int) -> Array:
    """Sums over squares: [b, h, w, c] -> [b, h / side, w / side, c]."""
    b, h, w, c = x.shape
    return jnp.sum(x.reshape(b, h // side, side, w // side, side, c), axis=(2, 4))


def reach_of(levels: int) -> int:
    """How many pixels around its own place decide a pixel of `smooth_fill`, in each direction, at most.

    From one level to the next the middles of the pixels that matter move by at most 3/4 of a coarse pixel, together by
    3/2 of the coarsest, and half of it is a pixel's own size.
    """
    return 2 << levels


def enlarged(x: Array) -> Array:
    """Twice as large by bilinear interpolation between the middles of pixels: [b, h, w, c] -> [b, 2 h, 2 w, c]."""
    for axis in (1, 2):
        size = x.shape[axis]
        first, last = (jax.lax.slice_in_dim(x, i, i + 1, axis=axis) for i in (0, size - 1))
        before = jnp.concatenate([first, jax.lax.slice_in_dim(x, 0, size - 1, axis=axis)], axis=axis)
        after = jnp.concatenate([jax.lax.slice_in_dim(x, 1, size, axis=axis), last], axis=axis)
        both = jnp.stack([0.75 * x + 0.25 * before, 0.75 * x + 0.25 * after], axis=axis + 1)
        x = both.reshape(*x.shape[:axis], 2 * size, *x.shape[axis + 1 :])
    return x
