"""Convolutions with frozen 3x3 kernels in fewer multiplications (Winograd's minimal filtering; Lavin and Gray, CVPR
2016), for CPUs: there a convolution of many channels is limited by multiplications, and these are matrix products.

`tile_convolve` computes a plain convolution, as F(4x4, 3x3): each tile of 4x4 outputs comes from 6x6 inputs d by

    Y = A^T [ sum_c (G g G^T)_c * (B^T d B)_c ] A,

which takes 36 multiplications for a pair of channels instead of 144. The sums over the channels c are 36 matrix
products. The transforms evaluate polynomials at the points 0, +-3/2, +-2/3 and infinity. These are reciprocals of each
other, so that the flipped kernel, which the gradient in the input needs, has the same transformed values in another
order. And they round well: in float32 the error is twice that of the direct sum, where the usual points 0, +-1, +-2
have four and a half times (512 channels, measured against float64).

`upsample_convolve` computes a convolution after nearest x2 upsampling. Two neighbouring outputs see x[y-1], x[y], x[y]
and x[y+1]; with the taps g_0, g_1, g_2 of the kernel they are

    y_0 = s x[y] + g_0 (x[y-1] - x[y]),    y_1 = s x[y] + g_2 (x[y+1] - x[y]),    s = g_0 + g_1 + g_2,

which takes three products instead of six in each direction: 9 for four output pixels, where a literal convolution
takes 36 and the four phase kernels of `jaxprior.nn.phase` take 16.

Features are NHWC. Kernels are taken for constants: both functions refuse to be differentiated in them.
"""

import operator
from collections.abc import Sequence
from functools import partial, reduce

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax


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
    x = jnp.pad(x, ((0, 0), (1, rows * TILE - h + 1), (1, columns * TILE - w + 1), (0, 0)))
    x = jnp.stack(_to_points(into, _every(TILE, x, columns)))  # [6, b, h + 2, columns, c]
    x = jnp.stack(_to_points(into, _every(TILE, x, rows)))  # [6, 6, b, rows, columns, c]
    y = jnp.einsum(product, x.reshape(36, b * rows * columns, -1), kernel).reshape(6, 6, b, rows, columns, -1)
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


def upsample_kernel(kernel: Array) -> Array:
    """Transform kernels for `upsample_convolve`: [3, 3, i, o] -> [i, 9, o].

    The nine are the products of (s, g_0, -g_2) of the rows with the same three of the columns, ordered by `PRODUCTS`.
    """

    def fold(k: Array) -> Array:
        return jnp.stack([k[0] + k[1] + k[2], k[0], -k[2]])

    both = jax.vmap(fold)(fold(kernel)).reshape(9, *kernel.shape[2:])
    return jnp.moveaxis(both[np.array(PRODUCTS)], 0, 1)


PRODUCTS = (0, 3, 6, 1, 2, 4, 5, 7, 8)
"""The order of the nine products: s in both directions; first and last row; first and last column; the corners."""


@jax.custom_vjp
def upsample_convolve(x: Array, kernel: Array) -> Array:
    """Nearest x2 upsampling followed by a 3x3 convolution with zeros around the map.

    Arguments:
        x: features [b, h, w, i].
        kernel: the result of `upsample_kernel`, [i, 9, o].

    Returns:
        Features [b, 2 h, 2 w, o].

    Raises:
        TypeError: while it is differentiated with respect to the kernel.
    """
    return _upsample(x, kernel)


@jax.jit
def _upsample(x: Array, kernel: Array) -> Array:
    """The forward pass of `upsample_convolve`."""
    b, h, w, _ = x.shape
    vertical, horizontal = _differences(x, 1), _differences(x, 2)
    alone = _products(x, kernel[:, :1])[..., 0, :]
    rows = _products(vertical, kernel[:, 1:3])
    columns = _products(horizontal, kernel[:, 3:5])
    corners = _products(_differences(vertical, 2), kernel[:, 5:])

    def phase(p: int, q: int) -> Array:
        corner = corners[:, p : p + h, q : q + w, 2 * p + q]
        return alone + rows[:, p : p + h, :, p] + columns[:, :, q : q + w, q] + corner

    phases = [jnp.stack([phase(p, q) for q in (0, 1)], axis=3) for p in (0, 1)]  # each [b, h, w, 2, o]
    return jnp.stack(phases, axis=2).reshape(b, 2 * h, 2 * w, -1)


@jax.jit
def _upsample_gradient(kernel: Array, g: Array) -> Array:
    """The gradient of `_upsample` in x, of a cotangent g [b, 2 h, 2 w, o].

    The automatic one adds up padded copies of the largest arrays, which takes a fifth more time.
    """
    b, h, w, o = g.shape
    g = g.reshape(b, h // 2, 2, w // 2, 2, o)
    phases = [[g[:, :, p, :, q] for q in (0, 1)] for p in (0, 1)]
    rows = [phases[p][0] + phases[p][1] for p in (0, 1)]
    columns = [phases[0][q] + phases[1][q] for q in (0, 1)]
    corners = [_shifted(_shifted(phases[p][q], 1, p), 2, q) for p in (0, 1) for q in (0, 1)]
    vertical = _gathered([_shifted(rows[p], 1, p) for p in (0, 1)], kernel[:, 1:3])
    vertical += _steps(_gathered(corners, kernel[:, 5:]), 2)
    horizontal = _gathered([_shifted(columns[q], 2, q) for q in (0, 1)], kernel[:, 3:5])
    return _gathered([rows[0] + rows[1]], kernel[:, :1]) + _steps(vertical, 1) + _steps(horizontal, 2)


def _shifted(x: Array, axis: int, by: int) -> Array:
    """x made one entry longer along an axis: a zero before it (`by` = 1) or after it (`by` = 0)."""
    zeros = [(0, 0)] * x.ndim
    zeros[axis] = (by, 1 - by)
    return jnp.pad(x, zeros)


def _gathered(parts: Sequence[Array], kernels: Array) -> Array:
    """The transpose of `_products`: k parts [b, h, w, o] and kernels [i, k, o] -> [b, h, w, i]."""
    x = jnp.concatenate(parts, axis=-1)
    return (x.reshape(-1, x.shape[-1]) @ kernels.reshape(len(kernels), -1).T).reshape(*x.shape[:3], -1)


def _steps(d: Array, axis: int) -> Array:
    """The transpose of `_differences`: n + 1 entries along the axis -> n."""
    n = d.shape[axis] - 1
    return lax.slice_in_dim(d, 1, n + 1, axis=axis) - lax.slice_in_dim(d, 0, n, axis=axis)


def _differences(x: Array, axis: int) -> Array:
    """x[y - 1] - x[y] for y = 0 ... n along an axis of n entries, with zeros outside."""
    zeros = [(0, 0)] * x.ndim
    zeros[axis] = (1, 1)
    x, n = jnp.pad(x, zeros), x.shape[axis]
    return lax.slice_in_dim(x, 0, n + 1, axis=axis) - lax.slice_in_dim(x, 1, n + 2, axis=axis)


def _products(x: Array, kernels: Array) -> Array:
    """Multiply x [b, h, w, i] by kernels [i, k, o], as one matrix product: [b, h, w, k, o]."""
    i, k, o = kernels.shape
    return (x.reshape(-1, i) @ kernels.reshape(i, -1)).reshape(*x.shape[:3], k, o)


def _of_frozen(convolve, forward, gradient) -> None:
    """Define the gradient of a convolution: `gradient` in x, and a refusal in the kernel."""

    def keep(x, kernel):
        if kernel.perturbed:
            raise TypeError("a frozen kernel has no gradient: differentiate the network with raw parameters instead")
        return forward(x.value, kernel.value), kernel.value

    def back(kernel, g):
        if isinstance(g, jax.custom_derivatives.SymbolicZero):
            return None, None
        return gradient(kernel, g), None

    convolve.defvjp(keep, back, symbolic_zeros=True)


_of_frozen(tile_convolve, partial(_filter, flipped=False), lambda kernel, g: _filter(g, kernel, flipped=True))
_of_frozen(upsample_convolve, _upsample, _upsample_gradient)
