"""Convolutions with frozen 3x3 kernels in fewer multiplications (Winograd's minimal filtering; Lavin and Gray, CVPR
2016), for CPUs: there a convolution of many channels is limited by multiplications, and these are matrix products.

`tile_convolve` computes a plain convolution, as F(4x4, 3x3): each tile of 4x4 outputs comes from 6x6 inputs d by

    Y = A^T [ sum_c (G g G^T)_c * (B^T d B)_c ] A,

which takes 36 multiplications for a pair of channels instead of 144. The sums over the channels c are 36 matrix
products. The transforms evaluate polynomials at the points 0, +-3/2, +-2/3 and infinity. These are reciprocals of each
other, so that the flipped kernel, which the gradient in the input needs, has the same transformed values in another
order. And they round well: in float32 the error is twice that of the direct sum, where the usual points 0, +-1, +-2
have four and a half times (512 channels, measured against float64).

A convolution after upsampling has a form of its own, `jaxprior.nn.winograd_upsampling`.

Features are NHWC. Kernels are taken for constants: `tile_convolve` refuses to be differentiated in them.
"""

import operator
from collections.abc import Sequence
from functools import partial, reduce

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxprior.nn.frozen import define_gradient


Array = jax.Array

TILE = 4
"""The side of a tile of outputs. A map whose sides are no multiples of it is filled up with zeros."""

POINTS = (0.0, 1.5, -1.5, 2 / 3, -2 / 3)
"""The finite points at which polynomials are evaluated; the sixth point is infinity."""


def _vandermonde(columns: int) -> np.ndarray:
    """Powers of every point, and the leading coefficient for infinity: [6, columns]."""
    return np.vstack([np.vander(POINTS, columns, increasing=True), np.eye(columns)[-1]])


OUTPUT = _vandermonde(TILE).T
"""A^T, [4, 6]: from the values at the points to a row of a tile of outputs."""

KERNEL = _vandermonde(3)
"""G, [6, 3]: from the taps of a kernel to its values at the points."""

INPUT = np.round(np.linalg.inv(_vandermonde(TILE + 2)).T, 14)
"""B^T, [6, 6]: from six inputs to their values at the points."""

RECIPROCALS = (5, 3, 4, 1, 2, 0)
"""For every point p, the index of the point 1 / p."""

_SCALES = np.array([1.0, *np.square(POINTS[1:]), 1.0])
FLIPPED_INPUT = (INPUT * _SCALES[:, None])[list(RECIPROCALS)]
"""B^T for the flipped kernel, whose value at p is p^2 g(1/p): the scale p^2 is moved into this matrix."""

FLIPPED_OUTPUT = OUTPUT[:, list(RECIPROCALS)]
"""A^T for the flipped kernel, whose values come in the order of the reciprocal points."""

CHANNELS = 64
"""The least number of channels. With fewer, the additions cost more than the multiplications that are saved."""


def gains(channels_in: int, channels_out: int) -> bool:
    """Whether a 3x3 convolution is faster this way on a CPU (measured, docs/performance.md)."""
    return min(channels_in, channels_out) >= CHANNELS


def tile_kernel(kernel: Array) -> Array:
    """Transform kernels for `tile_convolve`, G g G^T: [3, 3, i, o] -> [36, i, o]."""
    g = jnp.asarray(KERNEL, kernel.dtype)
    return jnp.einsum("ky,yxio,lx->klio", g, kernel, g, precision="highest").reshape(-1, *kernel.shape[2:])


@jax.custom_vjp
def tile_convolve(x: Array, kernel: Array) -> Array:
    """3x3 convolution of stride 1 with zeros around the map.

    Arguments:
        x: features [b, h, w, i].
        kernel: the result of `tile_kernel`, [36, i, o].

    Returns:
        Features [b, h, w, o].

    Raises:
        TypeError: while it is differentiated with respect to the kernel.
    """
    return _filter(x, kernel, flipped=False)


@partial(jax.jit, static_argnames="flipped")  # jitted so that it is traced once for each shape, not for each layer
def _filter(x: Array, kernel: Array, *, flipped: bool) -> Array:
    """Convolve. With `flipped`, the kernel is flipped and its channels are exchanged: the gradient in the input."""
    into, out = (FLIPPED_INPUT, FLIPPED_OUTPUT) if flipped else (INPUT, OUTPUT)
    product = "kpo,kio->kpi" if flipped else "kpi,kio->kpo"
    b, h, w, _ = x.shape
    rows, columns = -(-h // TILE), -(-w // TILE)
    with jax.named_scope("to_points"):
        x = jnp.pad(x, ((0, 0), (1, rows * TILE - h + 1), (1, columns * TILE - w + 1), (0, 0)))
        x = jnp.stack(_to_points(into, _every(TILE, x, columns)))  # [6, b, h + 2, columns, c]
        x = jnp.stack(_to_points(into, _every(TILE, x, rows)))  # [6, 6, b, rows, columns, c]
    y = jnp.einsum(product, x.reshape(36, b * rows * columns, -1), kernel).reshape(6, 6, b, rows, columns, -1)
    with jax.named_scope("from_points"):
        y = jnp.stack(_from_points(out, [y[i] for i in range(6)]))  # [4, 6, b, rows, columns, c]
        y = jnp.stack(_from_points(out, [y[:, i] for i in range(6)]), axis=4)  # [4, b, rows, columns, 4, c]
        return jnp.moveaxis(y, 0, 2).reshape(b, rows * TILE, columns * TILE, -1)[:, :h, :w]


def filtered(x: Array, kernel: Array) -> Array:
    """3x3 convolution of `tile_convolve`, with a raw kernel [3, 3, i, o] and XLA's own rules for its gradients."""
    return _filter(x, tile_kernel(kernel), flipped=False)


def filtered_gradient(g: Array, kernel: Array) -> Array:
    """Gradient of `filtered` in x, computed as another such convolution: g [b, h, w, o] -> [b, h, w, i]."""
    return _filter(g, tile_kernel(kernel), flipped=True)


def _every(stride: int, x: Array, count: int) -> list[Array]:
    """Six arrays: the first to sixth entries of all `count` overlapping tiles along axis 2."""
    last = stride * (count - 1) + 1
    return [lax.slice_in_dim(x, i, i + last, stride, axis=2) for i in range(6)]


def _to_points(matrix: np.ndarray, parts: Sequence[Array]) -> list[Array]:
    """Multiply `matrix` [6, 6] by six arrays. The rows of p and -p differ only in the sign of the odd powers."""
    values = [_linear(matrix[0], parts)]
    for row in (matrix[1], matrix[3]):
        even, odd = _linear(row[::2], parts[::2]), _linear(row[1::2], parts[1::2])
        values += [even + odd, even - odd]
    return [*values, _linear(matrix[5], parts)]


def _from_points(matrix: np.ndarray, values: Sequence[Array]) -> list[Array]:
    """Multiply `matrix` [4, 6] by six arrays. The columns of p and -p are equal or opposite."""
    zero, *pairs, infinity = values
    sums = [zero, pairs[0] + pairs[1], pairs[2] + pairs[3], infinity]
    differences = [zero, pairs[0] - pairs[1], pairs[2] - pairs[3], infinity]
    return [_linear(row[[0, 1, 3, 5]], differences if k % 2 else sums) for k, row in enumerate(matrix)]


def _linear(row: np.ndarray, parts: Sequence[Array]) -> Array:
    """The sum of the parts, each multiplied by its coefficient in `row`."""
    terms = [part if c == 1 else part * float(c) for c, part in zip(row, parts, strict=True) if c]
    return reduce(operator.add, terms)


define_gradient(tile_convolve, partial(_filter, flipped=False), lambda kernel, g: _filter(g, kernel, flipped=True))
