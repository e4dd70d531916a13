"""Resizes between the scales of a SinGAN's pyramid (Shaham et al., ICCV 2019).

    y = quantise(x)                      "bicubic_u8" only: through 8 bits, truncated
    y = R x C^T                          one matrix an axis, see `jaxprior.nn.resampling`
    y = clip(y, -1, 1)                   "bicubic_u8" only

Matrices are constants of a compiled function, so that a whole pyramid is drawn without leaving the device.
The kernel is Keys' cubic with a = -0.5 or the triangle, widened when the image becomes smaller (antialiased).
"""

import functools
import math
import typing
from typing import overload

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from jaxprior.models.singan.config import Resize
from jaxprior.nn.resampling import LINEAR, axis_weights, cubic, resample, scaled_centres


Array = jax.Array
RESIZES = typing.get_args(Resize)


def official_floats(pixels: np.ndarray) -> NDArray[np.float64]:
    """Pixels 0 to 255 as floats in [-1, 1], by the official order of operations in its precision.

    Truncation to 8 bits would turn a rounding error into a level.

    Example:
        >>> official_floats(np.uint8([0, 255]))
        array([-1.,  1.])
    """
    return (((pixels / 255).astype(np.float32) - np.float32(0.5)) * 2).astype(np.float64)


def scaled_size(size: tuple[int, int], scale: float) -> tuple[int, int]:
    """(height, width) after resizing by `scale`: rounded up in float64, as officially."""
    return math.ceil(size[0] * scale), math.ceil(size[1] * scale)


@overload
def resize(x: Array, size: tuple[int, int], *, scale: float | None = None, method: str = "bicubic_u8") -> Array:
    """By JAX."""


@overload
def resize(
    x: NDArray[np.float64], size: tuple[int, int], *, scale: float | None = None, method: str = "bicubic_u8"
) -> NDArray[np.float64]:
    """By NumPy."""


def resize(
    x: Array | np.ndarray, size: tuple[int, int], *, scale: float | None = None, method: str = "bicubic_u8"
) -> Array | np.ndarray:
    """Resize images.

    Arguments:
        x: images [..., h, w, c] in [-1, 1]; a float64 NumPy array is resized in float64, by NumPy.
        size: (height, width) of the result. Beyond what `scale` gives, it is cut at the right and the bottom.
        scale: factor by which a pixel shrinks or grows; None takes the ratio of the sizes, an axis each.
        method: one of `RESIZES`.

    Returns:
        Images [..., *size, c], in the type of `x`.

    Raises:
        ValueError: an unknown method, or a size or scale that is not positive.

    Example:
        >>> resize(jnp.zeros((1, 26, 34, 3)), (31, 42), scale=1 / 0.8).shape
        (1, 31, 42, 3)
    """
    if method not in RESIZES:
        raise ValueError(f"resize: expected one of {', '.join(RESIZES)}, got {method!r}")
    if min(size) < 1 or (scale is not None and not scale > 0):
        raise ValueError(f"resize: expected a positive size and scale, got {size} and {scale}")
    h, w = x.shape[-3:-1]
    scales = [scale or size[0] / h, scale or size[1] / w]
    rows, columns = (_weights(n, out, s, method) for n, out, s in zip((h, w), size, scales, strict=True))
    if method != "bicubic_u8":
        return resample(x, rows, columns)
    if isinstance(x, np.ndarray) and x.dtype == np.float64:
        levels = np.floor(255 * np.clip((x.astype(np.float32) + 1) / 2, 0, 1)).astype(np.float64)
        # The official code's tensors are float32, and the next truncation tells a rounding error from a level.
        y = (resample(levels, rows, columns) / 255).astype(np.float32).astype(np.float64)
        return (np.clip(y, 0, 1) - 0.5) * 2
    y = resample(quantised(jnp.asarray(x)), rows, columns) / 255
    return (jnp.clip(y, 0, 1) - 0.5) * 2


def quantised(x: Array) -> Array:
    """Images in [-1, 1] -> their values 0, 1, ... 255, truncated as officially: 8-bit levels can fall by one."""
    return jnp.floor(255 * jnp.clip((x + 1) / 2, 0, 1)).astype(x.dtype)


@functools.lru_cache(maxsize=256)
def _weights(size: int, out: int, scale: float, method: str) -> np.ndarray:
    """The matrix of one axis, [out, size].

    The official code treats the two ends of an axis differently: its indices below zero become huge ones, at which the
    kernel is zero, while those beyond the far end are mirrored into the image. Pillow and TensorFlow omit both.
    """
    kernel, border = (LINEAR, "omit") if method == "bilinear_aa" else (cubic(-0.5), "omit_first")
    centres = scaled_centres(out, scale)
    return axis_weights(centres, size, kernel=kernel, stretch=min(scale, 1.0), border=border)
