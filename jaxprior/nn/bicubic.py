"""Bicubic upsampling of features inside a network, as PyTorch's `interpolate(mode="bicubic", align_corners=True)`.

The corner pixels stay where they are: output i lies at i (h - 1) / (h' - 1). The kernel is Keys' cubic with a = -0.75.
Beyond the border, the border's pixels are repeated.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from jaxprior.nn.resampling import axis_weights, corner_centres, cubic, resample


Array = jax.Array

KERNEL = cubic(-0.75)


def upsample_bicubic(x: Array, size: tuple[int, int]) -> Array:
    """Features or images [b, h, w, c] -> [b, *size, c], in the type of x.

    Arguments:
        x: what is resized; not antialiased, so `size` should not be much smaller.
        size: (height, width) of the result.

    Example:
        >>> upsample_bicubic(jnp.zeros((1, 25, 33, 64)), (32, 42)).shape
        (1, 32, 42, 64)
    """
    rows, columns = (_weights(n, out) for n, out in zip(x.shape[1:3], size, strict=True))
    return jnp.asarray(resample(x, rows, columns))


@functools.lru_cache(maxsize=256)
def _weights(size: int, out: int) -> np.ndarray:
    """The matrix of one axis, [out, size]."""
    return axis_weights(corner_centres(size, out), size, kernel=KERNEL)
