"""Nearest x2 upsampling and a convolution with a frozen 3x3 kernel, in fewer multiplications, for CPUs.

In one direction, let g_0, g_1, g_2 be the taps of the kernel, s their sum, and d = x_0 - x_1 the difference of two
neighbours. The four outputs at those two pixels see x_(-1), x_0, x_1 and x_2, and are sums of five products:

    P = g_0 (x_(-1) - x_1),   Q = s/2 (x_0 + x_1),   R = g_2 (x_2 - x_0),   U = (g_2 - s/2) d,   W = (s/2 - g_0) d,
    y_0 = P + Q + W,          y_1 = Q - U,           y_2 = Q - W,           y_3 = Q + R + U.

In two directions these are 25 products for a tile of 4x4 outputs, where a literal convolution takes 144, its four phase
kernels (`jaxprior.nn.phase`) 64, and the filtering of a map that was upsampled before (`jaxprior.nn.winograd`) 36. All
factors are 1, -1 and 1/2, so that it rounds as well as the direct sum (docs/performance.md).

The gradient in x is the transpose: the same products with the transposed kernels, between transposed sums.

Features are NHWC. Kernels are taken for constants: `upsample_convolve` refuses to be differentiated in them.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import lax

from jaxprior.nn.frozen import define_gradient


Array = jax.Array

PRODUCTS = 5
"""In one direction, for a tile of two pixels and four outputs."""


def upsample_kernel(kernel: Array) -> Array:
    """Transform kernels for `upsample_convolve`: [3, 3, i, o] -> [25, i, o], the five of the columns run fastest."""

    def factors(k: Array) -> Array:
        half = (k[0] + k[1] + k[2]) / 2
        return jnp.stack([k[0], half, k[2] - half, half - k[0], k[2]])

    return jax.vmap(factors)(factors(kernel)).reshape(PRODUCTS**2, *kernel.shape[2:])


@jax.custom_vjp
def upsample_convolve(x: Array, kernel: Array) -> Array:
    """Nearest x2 upsampling followed by a 3x3 convolution with zeros around the map.

    Arguments:
        x: features [b, h, w, i].
        kernel: the result of `upsample_kernel`, [25, i, o].

    Returns:
        Features [b, 2 h, 2 w, o].

    Raises:
        TypeError: while it is differentiated with respect to the kernel.
    """
    return _forward(x, kernel)


@jax.jit  # so that it is traced once for each shape, not for each layer
def _forward(x: Array, kernel: Array) -> Array:
    """The convolution."""
    b, h, w, _ = x.shape
    rows, columns = -(-h // 2), -(-w // 2)
    with jax.named_scope("to_points"):
        x = jnp.pad(x, ((0, 0), (1, 2 * rows - h + 1), (1, 2 * columns - w + 1), (0, 0)))
        x = jnp.stack(_factors(_windows(x, columns)))  # [5, b, h + 2, columns, i]
        x = jnp.stack(_factors(_windows(x, rows)))  # [5 of rows, 5 of columns, b, rows, columns, i]
    y = _multiplied(x, kernel, "kpi,kio->kpo")
    with jax.named_scope("from_points"):
        y = jnp.stack(_outputs([y[k] for k in range(PRODUCTS)]))  # [4, 5, b, rows, columns, o]
        y = jnp.stack(_outputs([y[:, k] for k in range(PRODUCTS)]), axis=4)  # [4, b, rows, columns, 4, o]
        return jnp.moveaxis(y, 0, 2).reshape(b, 4 * rows, 4 * columns, -1)[:, : 2 * h, : 2 * w]


@jax.jit
def _gradient(kernel: Array, g: Array) -> Array:
    """The gradient of `_forward` in x, of a cotangent g [b, 2 h, 2 w, o]."""
    b, height, width, o = g.shape
    rows, columns = -(-height // 4), -(-width // 4)
    with jax.named_scope("to_points"):
        g = jnp.pad(g, ((0, 0), (0, 4 * rows - height), (0, 4 * columns - width), (0, 0)))
        g = g.reshape(b, rows, 4, columns, 4, o)
        g = jnp.stack(_transposed_outputs([g[:, :, :, :, k] for k in range(4)]))  # [5, b, rows, 4, columns, o]
        g = jnp.stack(_transposed_outputs([g[:, :, :, k] for k in range(4)]))  # [5, 5, b, rows, columns, o]
    x = _multiplied(g, kernel, "kpo,kio->kpi")
    with jax.named_scope("from_points"):
        x = jnp.stack(_transposed_factors(x, axis=2), axis=3)  # [5, b, rows, 2, columns, i]
        x = jnp.stack(_transposed_factors(x, axis=3), axis=4)  # [b, rows, 2, columns, 2, i]
        return x.reshape(b, 2 * rows, 2 * columns, -1)[:, : height // 2, : width // 2]


def _windows(x: Array, count: int) -> list[Array]:
    """Four arrays: the first to fourth entries of all `count` windows, which begin two apart, along axis 2."""
    return [lax.slice_in_dim(x, k, k + 2 * count - 1, 2, axis=2) for k in range(4)]


def _factors(x: Sequence[Array]) -> list[Array]:
    """What the five kernels are multiplied with."""
    difference = x[1] - x[2]
    return [x[0] - x[2], x[1] + x[2], difference, difference, x[3] - x[1]]


def _outputs(products: Sequence[Array]) -> list[Array]:
    """The four outputs."""
    p, q, u, w, r = products
    return [p + q + w, q - u, q - w, q + r + u]


def _transposed_outputs(y: Sequence[Array]) -> list[Array]:
    """The transpose of `_outputs`: four -> five."""
    return [y[0], (y[0] + y[1]) + (y[2] + y[3]), y[3] - y[1], y[0] - y[2], y[3]]


def _transposed_factors(products: Array, *, axis: int) -> list[Array]:
    """The transpose of `_factors` and of `_windows`: five -> the two pixels of every tile.

    Arguments:
        products: [5, ...].
        axis: of the tiles in one of the five.
    """
    p, q, u, w, r = products
    both = u + w
    return [q + both - r + _shifted(r, axis, 1), q - both - p + _shifted(p, axis, -1)]


def _shifted(x: Array, axis: int, by: int) -> Array:
    """x moved by one entry along an axis, forwards (1) or backwards (-1), with zeros where nothing comes from."""
    n, edges = x.shape[axis], [(0, 0)] * x.ndim
    edges[axis] = (1, 0) if by > 0 else (0, 1)
    start = 0 if by > 0 else 1
    return jnp.pad(lax.slice_in_dim(x, start, start + n - 1, axis=axis), edges)


def _multiplied(x: Array, kernel: Array, product: str) -> Array:
    """25 matrix products: x [5, 5, b, rows, columns, c] -> [5, 5, b, rows, columns, c']."""
    count, *tiles = x.shape[1:-1]
    y = jnp.einsum(product, x.reshape(PRODUCTS**2, -1, x.shape[-1]), kernel)
    return y.reshape(PRODUCTS, count, *tiles, -1)


define_gradient(upsample_convolve, _forward, _gradient)
