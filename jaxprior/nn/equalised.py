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

    `form` says what the kernel does beside convolving, and how; parameters are the same `kernel` [k, k, in, out] and
    `bias` [out] for all of them:
        "same"           a plain convolution,
        "same_winograd"  the same function in fewer multiplications (see `winograd`),
        "up"             after nearest x2 upsampling, computed literally,
        "up_phases"      the same function from four 2x2 kernels (see `phase_kernels`),
        "up_winograd"    the same function in fewer multiplications still,
        "down"           followed by 2x2 averaging, folded into one strided convolution ("fused").
    `frozen` expects what `frozen_kernel` prepared instead of the raw kernel.
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
    """The kernel that multiplies the features: raw x gain / sqrt(fan_in), prepared for the form."""
    return FORMS[form].prepare(raw * (gain / math.sqrt(math.prod(raw.shape[:-1]))))
