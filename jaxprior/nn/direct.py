"""Convolutions of NHWC maps with HWIO kernels as the backend computes them."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import lax

from jaxprior.nn.pooling import upsample


Array = jax.Array


def convolve(
    x: Array,
    kernel: Array,
    *,
    stride: int = 1,
    padding: str | Sequence[tuple[int, int]] = "SAME",
    dilation: int = 1,
) -> Array:
    """Plain NHWC x HWIO convolution (cross-correlation, no bias), whose taps lie `dilation` pixels from each other."""
    return lax.conv_general_dilated(
        x,
        kernel,
        (stride, stride),
        padding,
        rhs_dilation=(dilation, dilation),
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )


def valid_convolve(x: Array, kernel: Array, *, dilation: int = 1) -> Array:
    """Convolve without padding.

    Arguments:
        x: features [b, h, w, i].
        kernel: [k, k, i, o].
        dilation: how far the kernel's taps lie from each other, in pixels.

    Returns:
        Features [b, h - r, w - r, o], with r = dilation (k - 1).
    """
    return convolve(x, kernel, padding="VALID", dilation=dilation)


def upsample_convolve(x: Array, kernel: Array) -> Array:
    """Nearest x2 upsampling, then a convolution: features [b, h, w, i] -> [b, 2 h, 2 w, o]."""
    return convolve(upsample(x), kernel)


def downsample_convolve(x: Array, kernel: Array) -> Array:
    """A 3x3 convolution followed by 2x2 box averaging, as one 4x4 convolution of stride 2 ("fused")."""
    return strided_convolve(x, with_averaging(kernel))


def with_averaging(kernel: Array) -> Array:
    """Fold 2x2 box averaging into the 3x3 convolution before it: [3, 3, i, o] -> [4, 4, i, o], of stride 2."""
    padded = jnp.pad(kernel, ((1, 1), (1, 1), (0, 0), (0, 0)))
    return (padded[1:, 1:] + padded[:-1, 1:] + padded[1:, :-1] + padded[:-1, :-1]) * 0.25


def strided_convolve(x: Array, kernel: Array) -> Array:
    """Halve a map: PyTorch's Conv2d(k, stride=2, padding=(k - 1) // 2) without a bias, for maps of even sides.

    Arguments:
        x: features [b, h, w, i].
        kernel: [k, k, i, o], k from 2 to 7.

    Returns:
        Features [b, h / 2, w / 2, o].
    """
    below = (len(kernel) - 1) // 2
    return convolve(x, kernel, stride=2, padding=((below, len(kernel) - 2 - below),) * 2)
