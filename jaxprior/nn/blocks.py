"""Blocks of networks: layers with a bias, and convolutions that halve or double a map with the norm that follows."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxprior.nn.convolution import FORMS, valid_convolution
from jaxprior.nn.elementwise import add_bias, leaky_relu
from jaxprior.nn.norm import DEVIATION, normalised
from jaxprior.nn.padding import PADS, Border
from jaxprior.system.devices import default_platform


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


class Normed(nn.Module):
    """A convolution and what follows it: features [b, h, w, i] -> [b, h', w', features].

    Fields:
        features: feature maps that come out.
        size: side of the kernel.
        norm: see `jaxprior.nn.norm.normalised`.
        dtype: in which the convolution is computed.
        form: one of `jaxprior.nn.convolution.FORMS`.
    """

    features: int
    size: int
    norm: str
    dtype: jnp.dtype
    form: str

    @nn.compact
    def __call__(self, x: Array, *, train: bool = False) -> Array:
        kernel = self.param("kernel", self.initial(), (self.size, self.size, x.shape[-1], self.features))
        x = FORMS[self.form].apply(x.astype(self.dtype), kernel.astype(self.dtype))
        return normalised(self, x, train)

    @nn.nowrap
    def initial(self) -> nn.initializers.Initializer:
        """The distribution that kernels are drawn from at the start."""
        return _kernel


class Same(Normed):
    """Features [b, h, w, i] -> [b, h, w, features]; `form` is one of "same", see `jaxprior.nn.convolution`.

    Fields:
        gain: initial kernels have this share of the deviation of He's, sqrt(2 / (k k i)).
    """

    form: str = "same"
    gain: float = 1.0

    @nn.nowrap
    def initial(self) -> nn.initializers.Initializer:
        """He's distribution, times `gain`."""
        return nn.initializers.variance_scaling(2.0 * self.gain**2, "fan_in", "normal")


class PReLU(nn.Module):
    """LeakyReLU with one trained slope for all channels (He et al., ICCV 2015; PyTorch's PReLU())."""

    @nn.compact
    def __call__(self, x: Array) -> Array:
        return leaky_relu(x, self.param("slope", nn.initializers.constant(0.25), ()).astype(x.dtype))


class Transposed(Normed):
    """Features [b, h, w, i] -> [b, 2 h, 2 w, features]; `form` is one of "transposed", see `jaxprior.nn.transposed`."""

    form: str = "transposed"


class Strided(Normed):
    """Features [b, h, w, i] -> [b, h / 2, w / 2, features]; `form` is one of "strided", see `jaxprior.nn.direct`."""

    form: str = "strided"


class Upsampled(Normed):
    """Nearest x2 upsampling and a convolution: [b, h, w, i] -> [b, 2 h, 2 w, features]; `form` is one of "up"."""

    form: str = "up"


class Padded(nn.Module):
    """A convolution of stride 1 of a padded map, and what follows it.

        [b, h, w, i] -> [b, h + r, w + r, features],   r = 2 margin - dilation (size - 1)

    Fields:
        features, size, norm, dtype: as of `Normed`.
        margin: pixels that are added on each side.
        border: what they are, see `jaxprior.nn.padding`.
        dilation: how far the kernel's taps lie from each other, in pixels.
        platform: kind of device that computes, "cpu", "gpu" or "tpu"; JAX's default where None.
    """

    features: int
    size: int
    norm: str
    dtype: jnp.dtype
    margin: int = 0
    border: Border = "zeros"
    dilation: int = 1
    platform: str | None = None

    @nn.compact
    def __call__(self, x: Array, *, train: bool = False) -> Array:
        kernel = self.param("kernel", _kernel, (self.size, self.size, x.shape[-1], self.features))
        convolve = valid_convolution(platform=self.platform or default_platform(), dilation=self.dilation)
        padded = PADS[self.border](x.astype(self.dtype), self.margin)
        return normalised(self, convolve(padded, kernel.astype(self.dtype)), train)
