"""Convolutions without padding, in a form whose gradients, and gradients of gradients, are fast on CPUs.

A gradient penalty is differentiated twice. XLA's CPU backend computes gradients of convolutions slowly: twice slower
than what follows, and twenty times slower within a loop. With every tap of the kernel split into a sum of two offsets,

    y[p] = sum_v sum_u x[p + u + v] K[u + v],

the inner sum is one matrix product of the gathered features (x[q + u])_u with (K[u + v])_u,v, all v at once, and the
outer one adds shifted maps: products and shifts only, and so are all derivatives. u runs through the taps of a row and
v through the rows, which moves 2 k times the memory of the map instead of the k^2 times of patches. Where one side has
few channels (an image, a score), all taps are taken on that side.
"""

import jax
import jax.numpy as jnp

from jaxprior.models.blocks import convolve


Array = jax.Array

FEW = 4
"""Channels of an image at most: so many that all taps together are fewer than those of a row on the other side."""


def valid_convolve(x: Array, kernel: Array) -> Array:
    """Cross-correlation of stride 1 without padding; on CPUs as `by_products`, elsewhere the backend's own.

    Arguments:
        x: features [b, h, w, i].
        kernel: [k, k, i, o].

    Returns:
        Features [b, h - k + 1, w - k + 1, o].
    """
    if jax.default_backend() == "cpu":
        return by_products(x, kernel)
    return convolve(x, kernel, padding="VALID")


def by_products(x: Array, kernel: Array) -> Array:
    """The same as `valid_convolve`, from one matrix product on every backend."""
    b, h, w, i = x.shape
    k, _, _, o = kernel.shape
    high, wide = h - k + 1, w - k + 1
    every, none = [(r, c) for r in range(k) for c in range(k)], [(0, 0)]
    if i <= FEW:
        inner, outer = every, none
    elif o <= FEW:
        inner, outer = none, every
    else:
        inner, outer = [(0, c) for c in range(k)], [(r, 0) for r in range(k)]
    tall, broad = high + outer[-1][0], wide + outer[-1][1]
    gathered = jnp.concatenate([x[:, r : r + tall, c : c + broad] for r, c in inner], axis=-1)
    taps = jnp.stack([jnp.concatenate([kernel[r + u, c + v] for r, c in inner]) for u, v in outer], axis=1)
    y = gathered.reshape(-1, len(inner) * i) @ taps.reshape(len(inner) * i, -1)
    y = y.reshape(b, tall, broad, len(outer), o)
    return sum(y[:, r : r + high, c : c + wide, n] for n, (r, c) in enumerate(outer))
