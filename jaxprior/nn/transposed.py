"""Transposed convolutions of stride 2, in a form that is fast in the forward pass and in both gradients.

A transposed convolution spreads zeros between the pixels and convolves. Three quarters of its products are with zeros,
and XLA's gradient in the kernel is slow on CPUs. Every output pixel, however, meets only those taps of the kernel whose
parity fits its own, so that four plain convolutions of the small map, one for each parity of row and column, give the
same numbers without a zero in them.
"""

import jax
import jax.numpy as jnp

from jaxprior.nn.direct import convolve


Array = jax.Array


def transposed_convolve(x: Array, kernel: Array) -> Array:
    """Double a map: PyTorch's ConvTranspose2d(k, stride=2, padding=(k - 1) // 2, output_padding=k % 2) without a bias.

        y[o] = sum over j, a with o = 2 j + a - (k - 1) // 2 of x[j] kernel[a],   in both directions

    Arguments:
        x: features [b, h, w, i].
        kernel: [k, k, i, o], k from 2 to 7.

    Returns:
        Features [b, 2 h, 2 w, o].
    """
    b, h, w, _ = x.shape
    sides = [_taps(kernel.shape[0], parity) for parity in (0, 1)]
    rows = [
        jnp.stack([convolve(x, kernel[p][:, q], padding=(above, left)) for q, left in sides], axis=3)
        for p, above in sides
    ]  # each [b, h, w, 2, o]
    return jnp.stack(rows, axis=2).reshape(b, 2 * h, 2 * w, -1)


def _taps(size: int, parity: int) -> tuple[slice, tuple[int, int]]:
    """Taps of the kernel that output pixels 2 i + parity meet, and how far they reach below and above input pixel i."""
    first = (parity + (size - 1) // 2) % 2
    reach = (parity + (size - 1) // 2) // 2  # tap a = first + 2 n meets pixel i + reach - n
    count = -(-(size - first) // 2)
    stop = first - 2
    return slice(first + 2 * (count - 1), None if stop < 0 else stop, -2), (count - 1 - reach, reach)
