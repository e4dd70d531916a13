"""Blocks that halve or double a map: a convolution and the norm that follows it."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxprior.nn.convolution import FORMS
from jaxprior.nn.direct import convolve
from jaxprior.nn.norm import DEVIATION, normalised


Array = jax.Array
_kernel = nn.initializers.normal(DEVIATION)


class Transposed(nn.Module):
    """Features [b, h, w, i] -> [b, 2 h, 2 w, features]; see `jaxprior.nn.transposed`."""

    features: int
    size: int
    norm: str
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: Array, *, train: bool = False) -> Array:
        kernel = self.param("kernel", _kernel, (self.size, self.size, x.shape[-1], self.features))
        x = FORMS["transposed"].apply(x.astype(self.dtype), kernel.astype(self.dtype))
        return normalised(self, x, train)


class Strided(nn.Module):
    """Features [b, h, w, i] -> [b, h / 2, w / 2, features]; PyTorch's Conv2d(k, stride=2, padding=(k - 1) // 2)."""

    features: int
    size: int
    norm: str
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: Array, *, train: bool = False) -> Array:
        kernel = self.param("kernel", _kernel, (self.size, self.size, x.shape[-1], self.features))
        below = (self.size - 1) // 2
        padding = ((below, self.size - 2 - below),) * 2
        x = convolve(x.astype(self.dtype), kernel.astype(self.dtype), stride=2, padding=padding)
        return normalised(self, x, train)
