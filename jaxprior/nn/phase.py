"""Nearest x2 upsampling and a 3x3 convolution as four 2x2 convolutions of the small map, exact to rounding."""

import jax
import jax.numpy as jnp

from jaxprior.nn.direct import convolve


Array = jax.Array


def phase_kernels(kernel: Array) -> Array:
    """Fold nearest x2 upsampling into a 3x3 kernel: [3, 3, i, o] -> [2, 2, 2, 2, i, o].

    After upsampling, the three taps of a row fall on two source pixels. Output row 2y + p needs source rows
    y - 1 + p and y + p, with the taps {k0 | k1 + k2} for p = 0 and {k0 + k1 | k2} for p = 1. The first two axes
    of the result are the phase (row, column), the next two the taps of its 2x2 kernel: 16 multiplications for
    four output pixels instead of 36.
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
