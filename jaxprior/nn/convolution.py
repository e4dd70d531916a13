"""Convolutions of NHWC maps with HWIO kernels, and every form in which a 3x3 one can be computed.

`FORMS` holds them by name: how a kernel is prepared, and what is done with it.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from jaxprior.nn import winograd
from jaxprior.nn.pooling import upsample


Array = jax.Array


def convolve(x: Array, kernel: Array, *, stride: int = 1, padding: str | Sequence[tuple[int, int]] = "SAME") -> Array:
    """Plain NHWC x HWIO convolution (cross-correlation, no bias)."""
    return lax.conv_general_dilated(x, kernel, (stride, stride), padding, dimension_numbers=("NHWC", "HWIO", "NHWC"))


def phase_kernels(kernel: Array) -> Array:
    """Fold nearest x2 upsampling into a 3x3 kernel: [3, 3, i, o] -> [2, 2, 2, 2, i, o].

    After upsampling, the three taps of a row fall on two source pixels. Output row 2y + p needs source rows
    y - 1 + p and y + p, with the taps {k0 | k1 + k2} for p = 0 and {k0 + k1 | k2} for p = 1. The first two axes
    of the result are the phase (row, column), the next two the taps of its 2x2 kernel: 16 multiplications for
    four output pixels instead of 36, exact to rounding.
    """

    def fold(k: Array) -> Array:  # [3, ...] -> [phase, tap, ...]
        even = jnp.stack([k[0], k[1] + k[2]])
        odd = jnp.stack([k[0] + k[1], k[2]])
        return jnp.stack([even, odd])

    rows = fold(kernel)  # [py, ty, 3, i, o]
    both = jax.vmap(jax.vmap(fold))(rows)  # [py, ty, px, tx, i, o]
    return both.transpose(0, 2, 1, 3, 4, 5)


def phase_convolve(x: Array, phases: Array) -> Array:
    """Nearest x2 upsampling followed by a 3x3 convolution, computed as four 2x2 convolutions on the small map.

    Arguments:
        x: features [b, h, w, i].
        phases: the result of `phase_kernels`, [2, 2, 2, 2, i, o].

    Returns:
        Features [b, 2 h, 2 w, o].
    """
    b, h, w, _ = x.shape
    rows = [
        jnp.stack([convolve(x, phases[p, q], padding=((1 - p, p), (1 - q, q))) for q in (0, 1)], axis=3) for p in (0, 1)
    ]  # each [b, h, w, 2, o]
    return jnp.stack(rows, axis=2).reshape(b, 2 * h, 2 * w, -1)


def downsample_convolve(x: Array, kernel: Array) -> Array:
    """A 3x3 convolution followed by 2x2 box averaging, as one 4x4 convolution of stride 2 ("fused")."""
    padded = jnp.pad(kernel, ((1, 1), (1, 1), (0, 0), (0, 0)))
    folded = (padded[1:, 1:] + padded[:-1, 1:] + padded[1:, :-1] + padded[:-1, :-1]) * 0.25
    return convolve(x, folded, stride=2, padding=((1, 1), (1, 1)))


class Form(NamedTuple):
    """A way to convolve: the kernel [k, k, i, o] once prepared, and what is done with it."""

    prepare: Callable[[Array], Array]
    apply: Callable[[Array, Array], Array]


def _as_it_is(kernel: Array) -> Array:
    return kernel


FORMS = {
    "same": Form(_as_it_is, convolve),
    "same_winograd": Form(winograd.tile_kernel, winograd.tile_convolve),
    "up": Form(_as_it_is, lambda x, kernel: convolve(upsample(x), kernel)),
    "up_phases": Form(phase_kernels, phase_convolve),
    "up_winograd": Form(winograd.upsample_kernel, winograd.upsample_convolve),
    "down": Form(_as_it_is, downsample_convolve),
}
"""See `EqualConv`."""
