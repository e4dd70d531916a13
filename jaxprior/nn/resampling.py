"""Resizing by matrices: the one place that builds them and multiplies by them.

    y = R x C^T          R [h', h] and C [w', w], prepared in float64

An output pixel lies at a position among the input pixels, its centre. It is a sum of the pixels around, each with the
weight kernel(stretch x distance from the centre). A matrix holds these weights for all pixels of one axis. Matrix
products have fast gradients on every device, which gathers do not have.

Whoever resizes states the geometry: the centres, the kernel, the stretch, and what counts beyond the border.
"""

import math
from collections.abc import Callable
from typing import Literal, NamedTuple, TypeAlias, overload

import numpy as np
from numpy.typing import NDArray

from jaxprior.lazy_jax import Array, jnp


Border: TypeAlias = Literal["repeat", "omit", "omit_first"]
"""What a kernel meets beyond the border. "repeat": the border's pixel again and again. "omit": nothing, the weights of
the others are enlarged. "omit_first": nothing before the first pixel, and the mirrored image after the last one."""


class Kernel(NamedTuple):
    """A function of the distance, and the distance beyond which it is zero; both in pixels."""

    reach: float
    weight: Callable[[np.ndarray], np.ndarray]


def cubic(a: float) -> Kernel:
    """Keys' cubic convolution kernel; PyTorch and OpenCV take a = -0.75, Pillow, MATLAB and TensorFlow -0.5."""

    def weight(t: np.ndarray) -> np.ndarray:
        near = (a + 2) * t**3 - (a + 3) * t**2 + 1
        far = a * (t**3 - 5 * t**2 + 8 * t - 4)
        return np.where(t <= 1, near, np.where(t < 2, far, 0.0))

    return Kernel(2.0, weight)


LINEAR = Kernel(1.0, lambda t: np.maximum(1 - t, 0))
"""The triangle, for linear interpolation."""

BOX = Kernel(0.5, lambda t: np.where(t <= 0.5, 1.0, 0.0))
"""The same weight for every pixel that an output pixel covers; made for whole factors."""


def corner_centres(size: int, out: int) -> np.ndarray:
    """Centres [out] if the first and last pixels stay where they are (PyTorch's `align_corners=True`)."""
    return np.arange(out) * ((size - 1) / (out - 1) if out > 1 else 0.0)


def scaled_centres(out: int, scale: float) -> np.ndarray:
    """Centres [out] if the image's outer edges stay and a pixel becomes `scale` pixels wide."""
    return (np.arange(out) + 0.5) / scale - 0.5


def cell_centres(out: int, factor: int) -> np.ndarray:
    """Centres [out] of cells of `factor` pixels each, without any rounding."""
    return np.arange(out) * factor + (factor - 1) / 2


def axis_weights(
    centres: np.ndarray, size: int, *, kernel: Kernel, stretch: float = 1.0, border: Border = "repeat"
) -> np.ndarray:
    """The matrix of one axis.

    Arguments:
        centres: positions of the output pixels, in input pixels [out]; input pixel i lies at i.
        size: number of input pixels.
        kernel: of the weights.
        stretch: distances are multiplied by it. 1 interpolates; out / size, where that is below 1, widens the kernel
            so that it covers what becomes one pixel (antialiasing).
        border: see `Border`.

    Returns:
        Weights [out, size] in float64, not writable. Every row sums to 1: kernels do so by themselves when they
        interpolate; where they are stretched or something is omitted, rows are divided by their sums.
    """
    reach, out = kernel.reach / stretch, len(centres)
    first = np.floor(centres - reach).astype(int)
    taps = first[:, None] + np.arange(math.ceil(2 * reach) + 2)
    weights = kernel.weight(np.abs(stretch * (centres[:, None] - taps)))
    if border != "repeat":
        weights[taps < 0] = 0
    if border == "omit":
        weights[taps >= size] = 0
    if border != "repeat" or stretch != 1:
        weights /= weights.sum(axis=1, keepdims=True)
    if border == "omit_first":
        taps = np.mod(taps, 2 * size)
        taps = np.minimum(taps, 2 * size - 1 - taps)
    matrix = np.zeros((out, size))
    np.add.at(matrix, (np.arange(out)[:, None], np.clip(taps, 0, size - 1)), weights)
    matrix.setflags(write=False)  # callers keep it and share it
    return matrix


@overload
def resample(x: Array, rows: np.ndarray, columns: np.ndarray) -> Array:
    """By JAX."""


@overload
def resample(x: NDArray[np.float64], rows: np.ndarray, columns: np.ndarray) -> NDArray[np.float64]:
    """By NumPy."""


def resample(x: Array | np.ndarray, rows: np.ndarray, columns: np.ndarray) -> Array | np.ndarray:
    """Multiply images by the matrices of both axes, in the type of `x`.

    Arguments:
        x: images or features [..., h, w, c]; a float64 NumPy array is computed by NumPy, anything else by JAX.
        rows, columns: matrices [h', h] and [w', w] of `axis_weights`.

    Returns:
        [..., h', w', c].
    """
    if isinstance(x, np.ndarray) and x.dtype == np.float64:
        return np.einsum("jw,...iwc->...ijc", columns, np.einsum("ih,...hwc->...iwc", rows, x))
    # "highest": numbers do not depend on the device's default precision of matrix products.
    y = jnp.einsum("ih,...hwc->...iwc", jnp.asarray(rows, x.dtype), x, precision="highest")
    return jnp.einsum("jw,...iwc->...ijc", jnp.asarray(columns, x.dtype), y, precision="highest")
