"""Convolutions with 4x4 kernels and stride 2 in fewer multiplications, for CPUs (Winograd's minimal filtering).

Such a convolution halves a map. With two rows of the padded map together, R_t, and the kernel's rows likewise, K_0 and
K_1, a row of outputs is y_t = R_t K_0 + R_{t+1} K_1. Two neighbours share a product, as F(2, 2):

    y_0 = (R_0 - R_1) K_0 + R_1 (K_0 + K_1),    y_1 = R_1 (K_0 + K_1) + (R_2 - R_1) K_1,

three products in place of four, and in both directions nine in place of sixteen. They are nine matrix products of
four times as many channels, and the transforms only add and subtract, so that rounding hardly suffers.

All three functions, the convolution and its two gradients, are sums over the same nine products. A transposed
convolution is the gradient of such a convolution, but its kernel has its channels in the other order, and exchanging
them costs more than the rest of the transform (62 ms in place of 12 with 512 and 1024 channels): it has three
functions of its own. Features are NHWC, kernels HWIO; the sides of the halved map are even.
"""

import jax
import jax.numpy as jnp


Array = jax.Array


def convolve(x: Array, kernel: Array) -> Array:
    """Halve: features [b, 2 h, 2 w, i] and a kernel [4, 4, i, o] -> [b, h, w, o], with one row of zeros around x."""
    y = jnp.einsum("kpi,kio->kpo", _of_input(x), _of_kernel(kernel))
    return _to_output(y, x.shape)


def input_gradient(g: Array, kernel: Array) -> Array:
    """Gradient of `convolve` in x, which doubles: g [b, h, w, o] and a kernel [4, 4, i, o] -> [b, 2 h, 2 w, i]."""
    x = jnp.einsum("kpo,kio->kpi", _of_output(g), _of_kernel(kernel))
    return _to_input(x, g.shape)


def kernel_gradient(x: Array, g: Array) -> Array:
    """Gradient of `convolve` in the kernel: x [b, 2 h, 2 w, i] and g [b, h, w, o] -> [4, 4, i, o]."""
    k = jnp.einsum("kpi,kpo->kio", _of_input(x), _of_output(g))
    i, o = x.shape[-1], g.shape[-1]
    return _to_kernel(k.reshape(3, 3, 2, 2, i, o))


def transposed_convolve(x: Array, kernel: Array) -> Array:
    """Double: features [b, h, w, i] and a kernel [4, 4, i, o] -> [b, 2 h, 2 w, o]."""
    y = jnp.einsum("kpi,kio->kpo", _of_output(x), _of_exchanged_kernel(kernel))
    return _to_input(y, x.shape)


def transposed_input_gradient(g: Array, kernel: Array) -> Array:
    """Gradient of `transposed_convolve` in x: g [b, 2 h, 2 w, o] and a kernel [4, 4, i, o] -> [b, h, w, i]."""
    x = jnp.einsum("kpo,kio->kpi", _of_input(g), _of_exchanged_kernel(kernel))
    return _to_output(x, g.shape)


def transposed_kernel_gradient(x: Array, g: Array) -> Array:
    """Gradient of `transposed_convolve` in the kernel: x [b, h, w, i], g [b, 2 h, 2 w, o] -> [4, 4, i, o]."""
    k = jnp.einsum("kpi,kpo->kio", _of_output(x), _of_input(g))
    i, o = x.shape[-1], g.shape[-1]
    return _to_kernel(k.reshape(3, 3, i, 2, 2, o).transpose(0, 1, 3, 4, 2, 5))


def _of_input(x: Array) -> Array:
    """Features [b, 2 h, 2 w, i] -> [9, b h w / 4, 4 i]: differences of pairs of rows, then of columns."""
    b, high, wide, i = x.shape
    h, w = high // 2, wide // 2
    x = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0))).reshape(b, h + 1, 2, w + 1, 2, i)
    x = x.transpose(0, 1, 3, 2, 4, 5).reshape(b, h + 1, w + 1, 4 * i)  # a pair of rows and columns is a pixel
    middle = x[:, 1::2]
    x = jnp.stack([x[:, :-1:2] - middle, middle, x[:, 2::2] - middle])  # [3, b, h / 2, w + 1, 4 i]
    middle = x[:, :, :, 1::2]
    x = jnp.stack([x[:, :, :, :-1:2] - middle, middle, x[:, :, :, 2::2] - middle], axis=1)
    return x.reshape(9, b * h * w // 4, 4 * i)


def _to_input(x: Array, shape: tuple[int, ...]) -> Array:
    """The transpose of `_of_input`, for a halved map of a shape (b, h, w, ...)."""
    b, h, w = shape[:3]
    x = x.reshape(3, 3, b, h // 2, w // 2, -1)
    x = _pairs(x[:, 0], x[:, 1], x[:, 2], axis=3)  # [3, b, h / 2, w + 1, 4 i]
    x = _pairs(x[0], x[1], x[2], axis=1)  # [b, h + 1, w + 1, 4 i]
    x = x.reshape(b, h + 1, w + 1, 2, 2, -1).transpose(0, 1, 3, 2, 4, 5)
    return x.reshape(b, 2 * h + 2, 2 * w + 2, -1)[:, 1:-1, 1:-1]


def _pairs(first: Array, middle: Array, last: Array, *, axis: int) -> Array:
    """Gradients of pairs 0 ... 2 n along an axis, from those of `_of_input`'s three parts, n long each."""

    def padded(x: Array, before: int, after: int) -> Array:
        return jnp.pad(x, [(before, after) if a == axis else (0, 0) for a in range(x.ndim)])

    even = padded(first, 0, 1) + padded(last, 1, 0)
    odd = padded(middle - first - last, 0, 1)
    both = jnp.stack([even, odd], axis=axis + 1)
    both = both.reshape(*first.shape[:axis], -1, *first.shape[axis + 1 :])
    return jax.lax.slice_in_dim(both, 0, both.shape[axis] - 1, axis=axis)


def _of_output(g: Array) -> Array:
    """Gradients [b, h, w, o] -> [9, b h w / 4, o]: two neighbours and their sum, in both directions."""
    b, h, w, o = g.shape
    g = g.reshape(b, h // 2, 2, w, o)
    g = jnp.stack([g[:, :, 0], g[:, :, 0] + g[:, :, 1], g[:, :, 1]]).reshape(3, b, h // 2, w // 2, 2, o)
    left, right = g[:, :, :, :, 0], g[:, :, :, :, 1]
    return jnp.stack([left, left + right, right], axis=1).reshape(9, b * h * w // 4, o)


def _to_output(y: Array, shape: tuple[int, ...]) -> Array:
    """The transpose of `_of_output`, for a map to be halved of a shape (b, 2 h, 2 w, ...)."""
    b, h, w = shape[0], shape[1] // 2, shape[2] // 2
    y = _sums(y.reshape(3, 3, b, h // 2, w // 2, -1))
    return y.transpose(2, 3, 0, 4, 1, 5).reshape(b, h, w, -1)


def _of_kernel(kernel: Array) -> Array:
    """Kernel [4, 4, i, o] -> [9, 4 i, o]."""
    return _parts_of(kernel).reshape(9, -1, kernel.shape[3])


def _of_exchanged_kernel(kernel: Array) -> Array:
    """Kernel [4, 4, o, i] -> [9, o, 4 i]."""
    return _parts_of(kernel).transpose(0, 1, 4, 2, 3, 5).reshape(9, kernel.shape[2], -1)


def _parts_of(kernel: Array) -> Array:
    """Kernel [4, 4, i, o] -> [3, 3, 2, 2, i, o]: two neighbouring pairs and their sum, in both directions."""
    k = kernel.reshape(2, 2, 2, 2, *kernel.shape[2:])
    k = jnp.stack([k[0], k[0] + k[1], k[1]])  # [3, 2, 2, 2, i, o]
    return jnp.stack([k[:, :, 0], k[:, :, 0] + k[:, :, 1], k[:, :, 1]], axis=1)


def _to_kernel(k: Array) -> Array:
    """The transpose of `_parts_of`."""
    return _sums(k).transpose(0, 2, 1, 3, 4, 5).reshape(4, 4, *k.shape[4:])


def _sums(parts: Array) -> Array:
    """Sums of neighbours along both leading axes: [3, 3, ...] -> [2, 2, ...]."""
    parts = parts[:-1] + parts[1:]
    return parts[:, :-1] + parts[:, 1:]
