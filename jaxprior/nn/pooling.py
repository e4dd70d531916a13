"""Pooling and nearest upsampling, in forms whose gradients are fast on CPUs.

Max-pooling is an elementwise maximum of strided slices: `lax.reduce_window` has a select-and-scatter as its gradient,
which was ten times slower on a CPU. Where several values of a window are the largest, the gradient is shared among them
instead of going to the first.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from jaxprior.errors import ArgumentError


Array = jax.Array


def max_pool(x: Array, window: int, *, ceil: bool = False) -> Array:
    """The largest value of every window, at stride 2, without padding.

    Arguments:
        x: features [b, h, w, c].
        window: side of the windows, 2 or 3.
        ceil: keep a last window that lies partly outside (Caffe's rule, torch's `ceil_mode`) instead of dropping it.

    Returns:
        Features [b, h', w', c] with h' = (h - window) / 2 + 1, rounded up or down.

    Raises:
        ArgumentError: the map is too small for one window.
    """
    sizes = [(n - window + ceil) // 2 + 1 for n in x.shape[1:3]]
    if min(sizes) < 1:
        raise ArgumentError(
            f"a feature map of {x.shape[1]}x{x.shape[2]} is too small to be pooled; "
            "give the network larger images, or let it enlarge them with `size`"
        )
    missing = [max(2 * (n - 1) + window - have, 0) for n, have in zip(sizes, x.shape[1:3], strict=True)]
    if any(missing):
        x = jnp.pad(x, ((0, 0), (0, missing[0]), (0, missing[1]), (0, 0)), constant_values=-np.inf)
    ends = [2 * (n - 1) + 1 for n in sizes]
    slices = [x[:, i : i + ends[0] : 2, j : j + ends[1] : 2] for i in range(window) for j in range(window)]
    return functools.reduce(jnp.maximum, slices)


def upsample(x: Array, factor: int = 2) -> Array:
    """Nearest-neighbour upsampling [..., h, w, c] -> [..., factor h, factor w, c], as broadcast + reshape.

    `jax.image.resize` compiles to gathers, whose gradient is a scatter: forty times slower on a CPU.
    """
    *lead, h, w, c = x.shape
    x = jnp.broadcast_to(x[..., :, None, :, None, :], (*lead, h, factor, w, factor, c))
    return x.reshape(*lead, h * factor, w * factor, c)


def downsample(x: Array, factor: int = 2) -> Array:
    """The mean of every factor x factor box: [..., h, w, c] -> [..., h / factor, w / factor, c]."""
    *lead, h, w, c = x.shape
    return x.reshape(*lead, h // factor, factor, w // factor, factor, c).mean(axis=(-4, -2))
