"""Dense layers of PGGAN's networks: from a code to the first map, from the last map to the score.

All have an equalised learning rate, as `jaxprior.nn.equalised` describes.
"""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxprior.nn.elementwise import add_bias, widen
from jaxprior.nn.equalised import SQRT2, frozen_kernel


Array = jax.Array


class DenseTo4x4(nn.Module):
    """Latent code [b, d] -> features [b, 4, 4, features]; the kernel is [d, 4, 4, features].

    The gain over fan_in is the original's: sqrt(2) / 4 over d for the TensorFlow dense layer, which equals sqrt(2) over
    the 16 d of mGANprior's 4x4 convolution.

    Fields:
        features: channels of the result.
        bias_of: what has a bias of its own, a "channel" (shape [features]) or every "position" of every channel (shape
            [4, 4, features]).
        frozen: expect a kernel that is already multiplied by its constant.
        dtype: in which it is computed.
    """

    features: int
    bias_of: str = "channel"
    frozen: bool = False
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, z: Array) -> Array:
        shape = (z.shape[-1], 4, 4, self.features)
        raw = self.param("kernel", nn.initializers.normal(1.0), shape)
        kernel = raw if self.frozen else dense_kernel(raw)
        per_position = self.bias_of == "position"
        bias = self.param("bias", nn.initializers.zeros_init(), shape[1:] if per_position else shape[-1:])
        y = jnp.einsum("bi,iyxo->byxo", z.astype(self.dtype), kernel.astype(self.dtype))
        return y + bias.astype(y.dtype)[None] if per_position else add_bias(y, bias)


def dense_kernel(raw: Array) -> Array:
    """layer0's kernel with its run-time constant, [d, 4, 4, features]."""
    return raw * (SQRT2 / math.sqrt(16 * raw.shape[0]))


class DenseFrom4x4(nn.Module):
    """Features [b, 4, 4, c] -> [b, features]; the kernel is [4, 4, c, features]. Float32 or wider."""

    features: int | None = None

    @nn.compact
    def __call__(self, x: Array) -> Array:
        shape = (*x.shape[1:], self.features or x.shape[-1])
        raw = self.param("kernel", nn.initializers.normal(1.0), shape)
        bias = self.param("bias", nn.initializers.zeros_init(), shape[-1:])
        kernel = frozen_kernel(raw, SQRT2, "same")
        return add_bias(jnp.einsum("byxi,yxio->bo", widen(x), kernel), bias)


class EqualDense(nn.Module):
    """Dense layer [b, i] -> [b, features] with equalised learning rate. Float32 or wider."""

    features: int
    gain: float = SQRT2

    @nn.compact
    def __call__(self, x: Array) -> Array:
        raw = self.param("kernel", nn.initializers.normal(1.0), (x.shape[-1], self.features))
        bias = self.param("bias", nn.initializers.zeros_init(), (self.features,))
        return add_bias(x @ frozen_kernel(raw, self.gain, "same"), bias)
