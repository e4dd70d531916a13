"""Bicubic shrinking and enlarging of pictures by a whole factor, as Pillow and most papers on super-resolution do it.

The kernel is Keys' cubic with a = -0.5. Where pictures become smaller it is stretched, so that every pixel counts
(antialiasing). Beyond the border there is nothing: the weights of the pixels that are there are enlarged. Pillow does
the same in fixed point and rounds to 8 bits.
"""

import functools
from typing import overload

import jax
import numpy as np
from numpy.typing import NDArray

from jaxprior.nn.resampling import axis_weights, cell_centres, cubic, resample, scaled_centres


Array = jax.Array

KERNEL = cubic(-0.5)

REACH = 2
"""How many small pixels around its own place decide a pixel, in each direction, of a small or of a large picture."""


@overload
def shrink_bicubic(x: Array, factor: int) -> Array:
    """By JAX."""


@overload
def shrink_bicubic(x: NDArray[np.float64], factor: int) -> NDArray[np.float64]:
    """By NumPy."""


def shrink_bicubic(x: Array | np.ndarray, factor: int) -> Array | np.ndarray:
    """Pictures [..., factor h, factor w, c] -> [..., h, w, c], antialiased, in the type of x.

    Arguments:
        x: pictures or features; a float64 NumPy array is computed by NumPy, anything else by JAX.
        factor: how many times smaller; it divides both sides.

    Example:
        >>> shrink_bicubic(jax.numpy.ones((1, 32, 64, 3)), 4).shape
        (1, 8, 16, 3)
    """
    rows, columns = (_shrinking(side, factor) for side in x.shape[-3:-1])
    return resample(x, rows, columns)


@overload
def enlarge_bicubic(x: Array, factor: int) -> Array:
    """By JAX."""


@overload
def enlarge_bicubic(x: NDArray[np.float64], factor: int) -> NDArray[np.float64]:
    """By NumPy."""


def enlarge_bicubic(x: Array | np.ndarray, factor: int) -> Array | np.ndarray:
    """Pictures [..., h, w, c] -> [..., factor h, factor w, c], in the type of x.

    Arguments:
        x: pictures or features; a float64 NumPy array is computed by NumPy, anything else by JAX.
        factor: how many times larger.

    Example:
        >>> enlarge_bicubic(jax.numpy.ones((1, 8, 16, 3)), 4).shape
        (1, 32, 64, 3)
    """
    rows, columns = (_enlarging(side, factor) for side in x.shape[-3:-1])
    return resample(x, rows, columns)


@functools.lru_cache(maxsize=64)
def _shrinking(size: int, factor: int) -> np.ndarray:
    """The matrix of one axis, [size / factor, size]."""
    centres = cell_centres(size // factor, factor)
    return axis_weights(centres, size, kernel=KERNEL, stretch=1 / factor, border="omit")


@functools.lru_cache(maxsize=64)
def _enlarging(size: int, factor: int) -> np.ndarray:
    """The matrix of one axis, [factor size, size]."""
    return axis_weights(scaled_centres(factor * size, factor), size, kernel=KERNEL, border="omit")
