"""Blocks of networks: layers with a bias, and convolutions that halve or double a map with the norm that follows."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxprior.nn.convolution import FORMS
from jaxprior.nn.elementwise import add_bias, leaky_relu
from jaxprior.nn.norm import DEVIATION, normalised


Array = jax.Array
_kernel = nn.initializers.normal(DEVIATION)


class Convolution(nn.Module):
    """A convolution with a bias: features [b, h, w, i] -> [b, h', w', features].

    Fields:
        features: feature maps that come out.
        form: one of "same", "strided" or "up" (3x3), see `jaxprior.nn.convolution`.
        size: side of the kernel.
        dtype: in which it is computed.
    """

    features: int
    form: str
    size: int = 3
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Array) -> Array:
        shape = (self.size, self.size, x.shape[-1], self.features)
        kernel = self.param("kernel", nn.initializers.he_normal(), shape)
        x = FORMS[self.form].apply(x.astype(self.dtype), kernel.astype(self.dtype))
        return add_bias(x, self.param("bias", nn.initializers.zeros_init(), (self.features,)))


class Dense(nn.Module):
    """A matrix product with a bias: [b, i] -> [b, features]."""

    features: int
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Array) -> Array:
        kernel = self.param("kernel", nn.initializers.lecun_normal(), (x.shape[-1], self.features))
        bias = self.param("bias", nn.initializers.zeros_init(), (self.features,))
        return add_bias(x.astype(self.dtype) @ kernel.astype(self.dtype), bias)


class Same(nn.Module):
    """Features [b, h, w, i] -> [b, h, w, features]; `form` is one of "same", see `jaxprior.nn.convolution`.

    Fields:
        features: feature maps that come out.
        size: side of the kernel.
        norm: see `jaxprior.nn.norm.normalised`.
        dtype: in which it is computed.
        form: see above.
        gain: initial kernels have this share of the deviation of He's, sqrt(2 / (k k i)).
    """

    features: int
    size: int
    norm: str
    dtype: jnp.dtype
    form: str = "same"
    gain: float = 1.0

    @nn.compact
    def __call__(self, x: Array, *, train: bool = False) -> Array:
        kernel_init = nn.initializers.variance_scaling(2.0 * self.gain**2, "fan_in", "normal")
        kernel = self.param("kernel", kernel_init, (self.size, self.size, x.shape[-1], self.features))
        x = FORMS[self.form].apply(x.astype(self.dtype), kernel.astype(self.dtype))
        return normalised(self, x, train)


class PReLU(nn.Module):
    """LeakyReLU with one trained slope for all channels (He et al., ICCV 2015; PyTorch's PReLU())."""

    @nn.compact
    def __call__(self, x: Array) -> Array:
        return leaky_relu(x, self.param("slope", nn.initializers.constant(0.25), ()).astype(x.dtype))


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
