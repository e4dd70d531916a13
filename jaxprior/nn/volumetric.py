"""Convolutions of volumes that halve or double them, with kernels of 4^3 taps, in forms that are fast on a device.

A kernel of 4 taps and a stride of 2 is one of 2 taps over pairs of neighbours. With the large volume's voxels taken
together in blocks of 2^3, every operation here is about the same product of blocks with neighbourhoods,

    halving     small[j] = sum over n of block[j + n] K[n]           n in {0, 1}^3, block [8 c], K [8][8 c, s]
    doubling    block[j] = sum over n of small[j - n] K[n]'

and so are their gradients in both arguments. Forms of it:

    products    one matrix product, and slices that are laid side by side before it or added after it; also its
                derivatives of every order consist of these. For CPUs, where XLA computes the gradients of convolutions
                of volumes, and transposed convolutions, up to hundreds of times slower (docs/gan3d.md).
    phases      one plain convolution of the small volume for each of the 8 parities of an output voxel; see
                `jaxprior.nn.transposed`. For accelerators.
    direct      XLA's own operation.

Features are [b, d, h, w, c], kernels [4, 4, 4, i, o].
"""

import functools
import operator
from collections.abc import Callable
from itertools import product
from typing import TypeAlias

import jax
import jax.numpy as jnp
from jax import lax

from jaxprior.system.devices import CPU


Array = jax.Array

Convolve: TypeAlias = Callable[[Array, Array], Array]
"""(features, kernel) -> features."""

KERNEL = 4
"""Taps of a kernel along each axis."""

LAYOUT = ("NDHWC", "DHWIO", "NDHWC")
_CORNERS = tuple(product((0, 1), repeat=3))


def strided_form(*, platform: str) -> Convolve:
    """The fastest form of the convolution that halves, on a kind of device, "cpu", "gpu" or "tpu"."""
    return strided_products if platform == CPU else strided_direct


def transposed_form(*, platform: str) -> Convolve:
    """The fastest form of the transposed convolution that doubles, on a kind of device, "cpu", "gpu" or "tpu"."""
    return transposed_products if platform == CPU else transposed_phases


def strided_direct(x: Array, kernel: Array) -> Array:
    """Halve: PyTorch's Conv3d(4, stride=2, padding=1) without a bias, by XLA's own convolution.

    Arguments:
        x: features [b, 2 d, 2 h, 2 w, i].
        kernel: [4, 4, 4, i, o].

    Returns:
        Features [b, d, h, w, o].
    """
    return lax.conv_general_dilated(x, kernel, (2, 2, 2), ((1, 1),) * 3, dimension_numbers=LAYOUT)


def transposed_direct(x: Array, kernel: Array) -> Array:
    """Double: PyTorch's ConvTranspose3d(4, stride=2, padding=1) without a bias, by XLA's own convolution.

        y[o] = sum over j, a with o = 2 j + a - 1 of x[j] kernel[a],   along all three axes

    Arguments:
        x: features [b, d, h, w, i].
        kernel: [4, 4, 4, i, o].

    Returns:
        Features [b, 2 d, 2 h, 2 w, o].
    """
    flipped = kernel[::-1, ::-1, ::-1]
    return lax.conv_general_dilated(
        x, flipped, (1, 1, 1), ((2, 2),) * 3, lhs_dilation=(2, 2, 2), dimension_numbers=LAYOUT
    )


def transposed_phases(x: Array, kernel: Array) -> Array:
    """`transposed_direct` as eight convolutions of the small volume, without a zero in them."""
    b, d, h, w, _ = x.shape
    # Output voxel 2 i + 0 meets taps 3 and 1 at voxels i - 1 and i, output voxel 2 i + 1 taps 2 and 0 at i and i + 1.
    taps = ((slice(3, None, -2), (1, 0)), (slice(2, None, -2), (0, 1)))
    phases = [
        lax.conv_general_dilated(
            x, kernel[p, :, :][:, q, :][:, :, r], (1, 1, 1), (of_p, of_q, of_r), dimension_numbers=LAYOUT
        )
        for (p, of_p), (q, of_q), (r, of_r) in product(taps, repeat=3)
    ]
    y = jnp.stack(phases, axis=4).reshape(b, d, h, w, 2, 2, 2, -1)
    return y.transpose(0, 1, 4, 2, 5, 3, 6, 7).reshape(b, 2 * d, 2 * h, 2 * w, -1)


def strided_products(x: Array, kernel: Array) -> Array:
    """`strided_direct` by a matrix product."""
    i, o = kernel.shape[3:]
    blocks, taps = _blocks_of(x), _by_blocks(kernel)  # [b, d + 1, h + 1, w + 1, 8 i], [8, 8 i, o]
    if _few(i, o):
        return _windows(blocks) @ taps.reshape(64 * i, o)
    parts = blocks @ taps.transpose(1, 0, 2).reshape(8 * i, 8 * o)
    return functools.reduce(operator.add, (part for part in _parts(parts)))


def transposed_products(x: Array, kernel: Array) -> Array:
    """`transposed_direct` by a matrix product."""
    i, o = kernel.shape[3:]
    taps = _by_blocks(kernel.swapaxes(3, 4))  # [8, 8 o, i]
    if _few(o, i):
        b, d, h, w, _ = x.shape
        parts = (x @ taps.reshape(64 * o, i).T).reshape(b, d, h, w, 8, 8 * o)
        padded = (
            jnp.pad(parts[..., n, :], ((0, 0), *((a, 1 - a) for a in corner), (0, 0)))
            for n, corner in enumerate(_CORNERS)
        )
        return _of_blocks(functools.reduce(operator.add, padded))
    around = _windows(jnp.pad(x, ((0, 0), (1, 1), (1, 1), (1, 1), (0, 0))))
    return _of_blocks(around @ taps[::-1].transpose(0, 2, 1).reshape(8 * i, 8 * o))


def _few(large: int, small: int) -> bool:
    """Whether the large volume has so few channels that it moves less memory to lay its 64 neighbours side by side."""
    return 8 * large < small


def _blocks_of(x: Array) -> Array:
    """Features with a border of zeros, in blocks of 2^3: [b, 2 d, 2 h, 2 w, c] -> [b, d + 1, h + 1, w + 1, 8 c]."""
    b, d, h, w, c = x.shape
    x = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (1, 1), (0, 0)))
    x = x.reshape(b, d // 2 + 1, 2, h // 2 + 1, 2, w // 2 + 1, 2, c)
    return x.transpose(0, 1, 3, 5, 2, 4, 6, 7).reshape(b, d // 2 + 1, h // 2 + 1, w // 2 + 1, 8 * c)


def _of_blocks(blocks: Array) -> Array:
    """The features of such blocks, without their border."""
    b, d, h, w, c = blocks.shape
    x = blocks.reshape(b, d, h, w, 2, 2, 2, c // 8).transpose(0, 1, 4, 2, 5, 3, 6, 7)
    return x.reshape(b, 2 * d, 2 * h, 2 * w, c // 8)[:, 1:-1, 1:-1, 1:-1]


def _by_blocks(kernel: Array) -> Array:
    """A kernel as the matrices of the 8 blocks that it meets: [4, 4, 4, i, o] -> [8, 8 i, o]."""
    i, o = kernel.shape[3:]
    return kernel.reshape(2, 2, 2, 2, 2, 2, i, o).transpose(0, 2, 4, 1, 3, 5, 6, 7).reshape(8, 8 * i, o)


def _windows(x: Array) -> Array:
    """Each voxel and its 7 neighbours ahead side by side: [b, d + 1, h + 1, w + 1, c] -> [b, d, h, w, 8 c]."""
    b, d, h, w, _ = x.shape
    ahead = [x[:, p : p + d - 1, q : q + h - 1, r : r + w - 1] for p, q, r in _CORNERS]
    return jnp.concatenate(ahead, axis=-1)


def _parts(x: Array) -> list[Array]:
    """Eight parts of the channels, each from the neighbour that it belongs to: the transpose of `_windows`, unadded."""
    b, d, h, w, c = x.shape
    x = x.reshape(b, d, h, w, 8, c // 8)
    return [x[:, p : p + d - 1, q : q + h - 1, r : r + w - 1, n] for n, (p, q, r) in enumerate(_CORNERS)]
