"""Equalised learning rate (Karras et al., ICLR 2018).

Weights are stored raw, drawn from N(0, 1), and multiplied at run time by gain / sqrt(fan_in), so that Adam moves every
layer at the same relative speed.
"""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxprior.nn.convolution import FORMS
from jaxprior.nn.elementwise import add_bias


Array = jax.Array

SQRT2 = math.sqrt(2.0)


class EqualConv(nn.Module):
    """Convolution with equalised learning rate and a bias.

    The parameters are the same `kernel` [k, k, in, out] and `bias` [out] for every form.

    Fields:
        features: channels of the result.
        kernel_size: side of the kernel.
        gain: see the module's head.
        form: what is computed and how, one of `jaxprior.nn.convolution.FORMS`.
        frozen: expect what `frozen_kernel` prepared instead of the raw kernel.
        dtype: in which it is computed.
    """

    features: int
    kernel_size: int = 3
    gain: float = SQRT2
    form: str = "same"
    frozen: bool = False
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Array) -> Array:
        shape = (self.kernel_size, self.kernel_size, x.shape[-1], self.features)
        form = FORMS[self.form]
        if self.frozen:
            prepared = jax.eval_shape(form.prepare, jax.ShapeDtypeStruct(shape, jnp.float32)).shape
            kernel = self.param("kernel", nn.initializers.zeros_init(), prepared)
        else:
            kernel = frozen_kernel(self.param("kernel", nn.initializers.normal(1.0), shape), self.gain, self.form)
        bias = self.param("bias", nn.initializers.zeros_init(), (self.features,))
        return add_bias(form.apply(x.astype(self.dtype), kernel.astype(self.dtype)), bias)


def frozen_kernel(raw: Array, gain: float, form: str) -> Array:
    """The kernel that multiplies the features: raw x gain / sqrt(fan_in), prepared for a form of `FORMS`."""
    return FORMS[form].prepare(raw * (gain / math.sqrt(math.prod(raw.shape[:-1]))))
