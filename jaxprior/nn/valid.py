"""Convolutions without padding in a form whose gradients, and gradients of gradients, are fast on CPUs.

A gradient penalty is differentiated twice. XLA's CPU backend computes gradients of convolutions slowly: twice slower
than what follows, and twenty times slower within a loop (docs/singan.md). Here

    y[i, j] = sum_a row[i + a, j] K_a,        row[i, j] = (x[i, j], x[i, j + 1], ..., x[i, j + k - 1]),

is one matrix product of all rows with all K_a at once, and a sum of shifted maps. It consists of products and shifts
only, and so do all its derivatives. It moves 2 k times the memory of the map instead of the k^2 times of whole patches.

With a stride, whole patches are the better form: there are fewer of them than pixels. Under `vmap` over kernels both
forms become batched matrix products, where a convolution would become a grouped one.
"""

import functools
import operator

import jax
import jax.numpy as jnp


Array = jax.Array


def convolve_by_products(x: Array, kernel: Array, *, dilation: int = 1) -> Array:
    """Cross-correlation of stride 1 without padding, from one matrix product.

    Arguments:
        x: features [b, h, w, i].
        kernel: [k, k, i, o].
        dilation: how far the kernel's taps lie from each other, in pixels.

    Returns:
        Features [b, h - r, w - r, o], with r = dilation (k - 1).
    """
    b, h, w, i = x.shape
    k, _, _, o = kernel.shape
    starts = range(0, dilation * k, dilation)
    high, wide = h - starts[-1], w - starts[-1]
    row = jnp.concatenate([x[:, :, a : a + wide] for a in starts], axis=-1)
    taps = kernel.reshape(k, k * i, o).transpose(1, 0, 2).reshape(k * i, k * o)
    y = (row.reshape(b * h * wide, k * i) @ taps).reshape(b, h, wide, k, o)
    return functools.reduce(operator.add, (y[:, a : a + high, :, n] for n, a in enumerate(starts)))


def convolve_by_patches(x: Array, kernel: Array, *, stride: int) -> Array:
    """Cross-correlation without padding, from one matrix product of all patches.

    Arguments:
        x: features [b, h, w, i].
        kernel: [k, k, i, o].
        stride: pixels from one patch to the next.

    Returns:
        Features [b, (h - k) // stride + 1, (w - k) // stride + 1, o].
    """
    b, h, w, i = x.shape
    k, _, _, o = kernel.shape
    high, wide = ((n - k) // stride + 1 for n in (h, w))
    ends = [(n - 1) * stride + 1 for n in (high, wide)]
    taps = [x[:, a : a + ends[0] : stride, c : c + ends[1] : stride] for a in range(k) for c in range(k)]
    patches = jnp.concatenate(taps, axis=-1).reshape(b * high * wide, k * k * i)
    return (patches @ kernel.reshape(k * k * i, o)).reshape(b, high, wide, o)
