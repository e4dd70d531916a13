"""Blocks that halve or double a map: a convolution and the norm that follows it."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxprior.nn.convolution import FORMS
from jaxprior.nn.norm import DEVIATION, normalised


Array = jax.Array
_kernel = nn.initializers.normal(DEVIATION)


class Transposed(nn.Module):
    """Features [b, h, w, i] -> [b, 2 h, 2 w, features]; `form` is one of "transposed", see `jaxprior.nn.transposed`."""

    features: int
    size: int
    norm: str
    dtype: jnp.dtype
    form: str = "transposed"

    @nn.compact
    def __call__(self, x: Array, *, train: bool = False) -> Array:
        kernel = self.param("kernel", _kernel, (self.size, self.size, x.shape[-1], self.features))
        x = FORMS[self.form].apply(x.astype(self.dtype), kernel.astype(self.dtype))
        return normalised(self, x, train)


class Strided(nn.Module):
    """Features [b, h, w, i] -> [b, h / 2, w / 2, features]; `form` is one of "strided", see `jaxprior.nn.direct`."""

    features: int
    size: int
    norm: str
    dtype: jnp.dtype
    form: str = "strided"

    @nn.compact
    def __call__(self, x: Array, *, train: bool = False) -> Array:
        kernel = self.param("kernel", _kernel, (self.size, self.size, x.shape[-1], self.features))
        x = FORMS[self.form].apply(x.astype(self.dtype), kernel.astype(self.dtype))
        return normalised(self, x, train)
