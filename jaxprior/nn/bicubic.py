"""Bicubic upsampling of features inside a network, as PyTorch's `interpolate(mode="bicubic", align_corners=True)`.

    y = R x C^T          R [h', h] and C [w', w], prepared in float64

The corner pixels stay where they are: output i lies at i (h - 1) / (h' - 1). The kernel is Keys' cubic with a = -0.75;
beyond the border the border's pixels go on. Matrix products have fast gradients everywhere, gathers do not.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np


Array = jax.Array
A = -0.75


def upsample_bicubic(x: Array, size: tuple[int, int]) -> Array:
    """Features or images [b, h, w, c] -> [b, *size, c], in the type of x.

    Arguments:
        x: what is resized; not antialiased, so `size` should not be much smaller.
        size: (height, width) of the result.

    Example:
        >>> upsample_bicubic(jnp.zeros((1, 25, 33, 64)), (32, 42)).shape
        (1, 32, 42, 64)
    """
    rows, columns = (jnp.asarray(_matrix(n, out), x.dtype) for n, out in zip(x.shape[1:3], size, strict=True))
    x = jnp.einsum("ih,bhwc->biwc", rows, x, precision="highest")
    return jnp.einsum("jw,biwc->bijc", columns, x, precision="highest")


@functools.lru_cache(maxsize=256)
def _matrix(size: int, out: int) -> np.ndarray:
    """Weights [out, size] of one axis in float64."""
    centre = np.arange(out) * ((size - 1) / (out - 1) if out > 1 else 0.0)
    taps = np.floor(centre).astype(int)[:, None] + np.arange(-1, 3)
    weights = _cubic(np.abs(centre[:, None] - taps))
    matrix = np.zeros((out, size))
    np.add.at(matrix, (np.arange(out)[:, None], np.clip(taps, 0, size - 1)), weights)
    matrix.setflags(write=False)  # it is shared
    return matrix


def _cubic(t: np.ndarray) -> np.ndarray:
    near = (A + 2) * t**3 - (A + 3) * t**2 + 1
    far = A * (t**3 - 5 * t**2 + 8 * t - 4)
    return np.where(t <= 1, near, np.where(t < 2, far, 0.0))
