"""Convolutions of networks in training, whose gradients of every order are fast on CPUs.

A convolution F, its gradient in the input T and its gradient in the kernel W belong together: every derivative of one
of them is another of them, of other arguments.

    F(x, k)    dx: T(g, k)    dk: W(x, g)          x features, k kernel, g gradient of the result
    T(g, k)    dg: F(u, k)    dk: W(u, g)          u, q: gradients of T and W
    W(x, g)    dx: T(g, q)    dg: F(x, q)

So three functions, each in its fastest form, serve derivatives of any order, as a gradient penalty needs them. XLA's
own rules differentiate T as written, which for a stride of 2 ends in a convolution with holes in its window; on CPUs
that one operation took two fifths of a training step with a penalty (docs/performance.md).

Which form is the fastest depends on the number of channels, and for 3x3 kernels on the number of tiles of the whole
batch, since Winograd's filtering transforms the kernel at every step. The figures below were measured there too.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxprior.nn import direct, halving, transposed, winograd
from jaxprior.nn.direct import convolve


Array = jax.Array

FEW_TILES, MANY_TILES = 256, 512
"""Filtering repays the transform of a 3x3 kernel from so many tiles on; its kernel gradient gains up to so many."""

FEW_CHANNELS = 16
"""With fewer channels, halving and doubling are left to XLA."""


class Convolution(NamedTuple):
    """A convolution and its two gradients, all of which can be differentiated again; see the module's head.

    Fields:
        forward: (x, kernel) -> result.
        input_gradient: (gradient of the result, kernel) -> gradient of x.
        kernel_gradient: (x, gradient of the result) -> gradient of the kernel.
    """

    forward: Callable[[Array, Array], Array]
    input_gradient: Callable[[Array, Array], Array]
    kernel_gradient: Callable[[Array, Array], Array]


def closed(
    forward: Callable[[Array, Array], Array],
    input_gradient: Callable[[Array, Array], Array],
    kernel_gradient: Callable[[Array, Array], Array],
) -> Convolution:
    """Give a function that is linear in both arguments, and its two gradients, each other as derivatives.

    Arguments:
        forward, input_gradient, kernel_gradient: as of `Convolution`; they themselves are never differentiated.

    Example:
        >>> product = closed(lambda x, k: x * k, lambda g, k: g * k, lambda x, g: x * g)
        >>> float(jax.grad(jax.grad(lambda x: product.forward(x, x * x)))(2.0))  # of x^3
        12.0
    """
    f, t, w = jax.custom_vjp(forward), jax.custom_vjp(input_gradient), jax.custom_vjp(kernel_gradient)
    f.defvjp(lambda x, k: (f(x, k), (x, k)), lambda kept, g: (t(g, kept[1]), w(kept[0], g)))
    t.defvjp(lambda g, k: (t(g, k), (g, k)), lambda kept, u: (f(u, kept[1]), w(u, kept[0])))
    w.defvjp(lambda x, g: (w(x, g), (x, g)), lambda kept, q: (t(kept[1], q), f(kept[0], q)))
    return Convolution(f, t, w)


@functools.cache
def halved(size: int) -> Convolution:
    """The convolution of stride 2 that halves maps of even sides, with (size - 1) // 2 zeros before them.

    Arguments:
        size: side of the kernels, 2 to 7.
    """

    def forward(x: Array, kernel: Array) -> Array:
        fast = _halves(kernel.shape, (x.shape[1] // 2, x.shape[2] // 2), x)
        return (halving.convolve if fast else direct.strided_convolve)(x, kernel)

    def input_gradient(g: Array, kernel: Array) -> Array:
        if _halves(kernel.shape, g.shape[1:3], g):
            return halving.input_gradient(g, kernel)
        return _doubled(g, kernel.swapaxes(2, 3))

    def kernel_gradient(x: Array, g: Array) -> Array:
        shape = (size, size, x.shape[-1], g.shape[-1])
        if _halves(shape, g.shape[1:3], g):
            return halving.kernel_gradient(x, g)
        return _transposed(functools.partial(direct.strided_convolve, x), shape, g)

    return closed(forward, input_gradient, kernel_gradient)


@functools.cache
def doubled(size: int) -> Convolution:
    """The transposed convolution of stride 2, see `jaxprior.nn.transposed`: kernels [k, k, i, o], of a side `size`."""

    def forward(x: Array, kernel: Array) -> Array:
        fast = _halves(kernel.shape, x.shape[1:3], x)
        return (halving.transposed_convolve if fast else _doubled)(x, kernel)

    def input_gradient(g: Array, kernel: Array) -> Array:
        if _halves(kernel.shape, (g.shape[1] // 2, g.shape[2] // 2), g):
            return halving.transposed_input_gradient(g, kernel)
        return direct.strided_convolve(g, kernel.swapaxes(2, 3))

    def kernel_gradient(x: Array, g: Array) -> Array:
        shape = (size, size, x.shape[-1], g.shape[-1])
        if _halves(shape, x.shape[1:3], x):
            return halving.transposed_kernel_gradient(x, g)
        exchanged = (size, size, g.shape[-1], x.shape[-1])
        return _transposed(functools.partial(direct.strided_convolve, g), exchanged, x).swapaxes(2, 3)

    return closed(forward, input_gradient, kernel_gradient)


def _doubled(x: Array, kernel: Array) -> Array:
    """A transposed convolution in no fewer multiplications; with few channels, XLA's own is the faster form."""
    if kernel.shape[3] >= FEW_CHANNELS:
        return transposed.transposed_convolve(x, kernel)
    b, h, w, _ = x.shape
    exchanged = kernel.swapaxes(2, 3)
    return _transposed(lambda y: direct.strided_convolve(y, exchanged), (b, 2 * h, 2 * w, kernel.shape[3]), x)


def _halves(kernel_shape: tuple[int, ...], sides: tuple[int, ...], x: Array) -> bool:
    """Whether `jaxprior.nn.halving` serves for such a kernel and a halved map of such sides."""
    h, w = sides
    fits = kernel_shape[0] == 4 and h % 2 == w % 2 == 0
    return fits and min(kernel_shape[2:]) >= FEW_CHANNELS and x.dtype != jnp.bfloat16


def _transposed(linear: Callable[[Array], Array], shape: tuple[int, ...], g: Array) -> Array:
    """The gradient of a linear function of an array of a shape, as XLA has it."""
    return jax.linear_transpose(linear, jax.ShapeDtypeStruct(shape, g.dtype))(g)[0]


def _forward(x: Array, kernel: Array) -> Array:
    return (winograd.filtered if _filters(x, kernel.shape, 32) else convolve)(x, kernel)


def _input_gradient(g: Array, kernel: Array) -> Array:
    if _filters(g, kernel.shape, 32):
        return winograd.filtered_gradient(g, kernel)
    return convolve(g, kernel[::-1, ::-1].swapaxes(2, 3))


def _kernel_gradient(x: Array, g: Array) -> Array:
    shape = (3, 3, x.shape[-1], g.shape[-1])
    filters = _filters(x, shape, 64) and _tiles(x) <= MANY_TILES
    return _transposed(functools.partial(winograd.filtered if filters else convolve, x), shape, g)


def _filters(x: Array, kernel_shape: tuple[int, ...], channels: int) -> bool:
    """Whether Winograd's filtering gains for a map of this shape and kernels of at least so many channels."""
    return min(kernel_shape[2:]) >= channels and _tiles(x) >= FEW_TILES and x.dtype != jnp.bfloat16


def _tiles(x: Array) -> int:
    return len(x) * -(-x.shape[1] // winograd.TILE) * -(-x.shape[2] // winograd.TILE)


same = closed(_forward, _input_gradient, _kernel_gradient)
"""The 3x3 convolution that keeps the size."""


def same_convolve(x: Array, kernel: Array) -> Array:
    """Convolve and keep the size: features [b, h, w, i] and a kernel [k, k, i, o] -> [b, h, w, o]."""
    return same.forward(x, kernel) if len(kernel) == 3 else convolve(x, kernel)


def strided_convolve(x: Array, kernel: Array) -> Array:
    """Halve a map, see `jaxprior.nn.direct.strided_convolve`: features [b, h, w, i] -> [b, h / 2, w / 2, o]."""
    odd = x.shape[1] % 2 or x.shape[2] % 2
    return direct.strided_convolve(x, kernel) if odd else halved(len(kernel)).forward(x, kernel)


def transposed_convolve(x: Array, kernel: Array) -> Array:
    """Double a map, see `jaxprior.nn.transposed`: features [b, h, w, i] -> [b, 2 h, 2 w, o]."""
    return doubled(len(kernel)).forward(x, kernel)


def downsample_convolve(x: Array, kernel: Array) -> Array:
    """A 3x3 convolution followed by 2x2 box averaging: features [b, h, w, i] -> [b, h / 2, w / 2, o]."""
    return strided_convolve(x, direct.with_averaging(kernel))


def upsample_convolve(x: Array, kernel: Array) -> Array:
    """Nearest x2 upsampling, then a 3x3 convolution: features [b, h, w, i] -> [b, 2 h, 2 w, o].

    It is the transpose of a convolution that is followed by 2x2 sums.
    """
    return doubled(4).forward(x, 4.0 * direct.with_averaging(kernel[::-1, ::-1]))
