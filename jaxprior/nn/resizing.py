"""Resizes between the scales of a pyramid (Shaham et al., ICCV 2019), as one small matrix an axis.

    y = quantise(x)                      "bicubic_u8" only: through 8 bits, truncated
    y = R x C^T                          R [h', h] and C [w', w], prepared in float64
    y = clip(y, -1, 1)                   "bicubic_u8" only

Matrices are constants of a compiled function, so that a whole pyramid is drawn without leaving the device.
The kernel is Keys' cubic with a = -0.5 or the triangle, widened when the image becomes smaller (antialiased).
"""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np


Array = jax.Array
RESIZES = ("bicubic_u8", "bicubic", "bilinear_aa")
"""The official resize; the same without its 8 bits and clipping; antialiased bilinear as Pillow's and TensorFlow's."""


def scaled_size(size: tuple[int, int], scale: float) -> tuple[int, int]:
    """(height, width) after resizing by `scale`: rounded up in float64, as officially."""
    return math.ceil(size[0] * scale), math.ceil(size[1] * scale)


def resize(x: Array, size: tuple[int, int], *, scale: float | None = None, method: str = "bicubic_u8") -> Array:
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
    on_host = isinstance(x, np.ndarray) and x.dtype == np.float64
    numpy = np if on_host else jnp
    kernel = "linear" if method == "bilinear_aa" else "cubic"
    # The official border treats left and right differently; only its own resize and the one made to be like it do.
    lopsided = method != "bilinear_aa"
    h, w = x.shape[-3:-1]
    scales = [scale or size[0] / h, scale or size[1] / w]
    rows, columns = (_matrix(n, out, s, kernel, lopsided) for n, out, s in zip((h, w), size, scales, strict=True))
    y = quantised(x, numpy) if method == "bicubic_u8" else x
    if on_host:
        y = np.einsum("jw,...iwc->...ijc", columns, np.einsum("ih,...hwc->...iwc", rows, y))
    else:  # "highest": numbers do not depend on the device's default precision of matrix products
        rows, columns = (jnp.asarray(matrix, y.dtype) for matrix in (rows, columns))
        y = jnp.einsum("ih,...hwc->...iwc", rows, y, precision="highest")
        y = jnp.einsum("jw,...iwc->...ijc", columns, y, precision="highest")
    if method != "bicubic_u8":
        return y
    y = y / 255
    if on_host:  # the official code's tensors are float32, and the next truncation tells a rounding error from a level
        y = y.astype(np.float32).astype(np.float64)
    return (numpy.clip(y, 0, 1) - 0.5) * 2


def quantised(x: Array, numpy=jnp) -> Array:
    """Images in [-1, 1] -> their values 0, 1, ... 255, truncated as officially: 8-bit levels can fall by one."""
    wide = x.astype(np.float32) if numpy is np else x
    return numpy.floor(255 * numpy.clip((wide + 1) / 2, 0, 1)).astype(x.dtype)


@functools.lru_cache(maxsize=256)
def _matrix(size: int, out: int, scale: float, kernel: str, lopsided: bool) -> np.ndarray:
    """Weights [out, size] of one axis in float64; every row sums to 1.

    Where a kernel reaches beyond the image, its weight is left out, or mirrored into the image at the far end if
    `lopsided`: the official code's indices below zero become huge ones, at which the kernel is zero.
    """
    stretch = min(scale, 1.0)
    reach, function = (2.0, _cubic) if kernel == "cubic" else (1.0, _linear)
    centre = (np.arange(out) + 0.5) / scale - 0.5
    first = np.floor(centre - reach / stretch).astype(int)
    taps = first[:, None] + np.arange(math.ceil(2 * reach / stretch) + 2)
    weights = function(np.abs(stretch * (centre[:, None] - taps)))
    weights[taps < 0] = 0
    if not lopsided:
        weights[taps >= size] = 0
    weights /= weights.sum(axis=1, keepdims=True)
    mirrored = np.mod(taps, 2 * size)
    mirrored = np.minimum(mirrored, 2 * size - 1 - mirrored)
    matrix = np.zeros((out, size))
    np.add.at(matrix, (np.arange(out)[:, None], mirrored), weights)
    matrix.setflags(write=False)  # it is shared
    return matrix


def _linear(t: np.ndarray) -> np.ndarray:
    return np.maximum(1 - t, 0)


def _cubic(t: np.ndarray) -> np.ndarray:
    near = 1.5 * t**3 - 2.5 * t**2 + 1
    far = -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2
    return np.where(t <= 1, near, np.where(t <= 2, far, 0.0))
