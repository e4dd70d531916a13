"""Building blocks of progressively grown networks (Karras et al., ICLR 2018).

Features are NHWC, kernels HWIO. Weights are stored raw, drawn from N(0, 1), and multiplied at run time by
gain / sqrt(fan_in) (equalised learning rate), so that Adam moves every layer at the same relative speed.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax

from jaxprior.models import winograd


Array = jax.Array
SQRT2 = math.sqrt(2.0)


def widen(x: Array) -> Array:
    """x in float32, or as it is if it is wider."""
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))


def pixel_norm(x: Array, *, epsilon: float = 1e-8) -> Array:
    """Scale every pixel's feature vector to unit mean square: x / sqrt(mean_c x^2 + epsilon). Float32 or wider."""
    wide = widen(x)
    return (wide * lax.rsqrt(jnp.mean(jnp.square(wide), axis=-1, keepdims=True) + epsilon)).astype(x.dtype)


def leaky_relu(x: Array, slope: float = 0.2) -> Array:
    """LeakyReLU: x where it is positive, else slope times x."""
    return jnp.where(x >= 0, x, slope * x)


def add_bias(x: Array, bias: Array) -> Array:
    """Add one value a channel: x [..., c] + bias [c], in the type of x."""
    return x + bias.astype(x.dtype).reshape((1,) * (x.ndim - 1) + (-1,))


def upsample(x: Array, factor: int = 2) -> Array:
    """Nearest-neighbour upsampling [..., h, w, c] -> [..., factor h, factor w, c], as broadcast + reshape.

    `jax.image.resize` compiles to gathers, whose gradient is a scatter: forty times slower on a CPU.
    """
    *lead, h, w, c = x.shape
    x = jnp.broadcast_to(x[..., :, None, :, None, :], (*lead, h, factor, w, factor, c))
    return x.reshape(*lead, h * factor, w * factor, c)


def downsample(x: Array, factor: int = 2) -> Array:
    """Mean of factor x factor boxes: [..., h, w, c] -> [..., h / factor, w / factor, c]."""
    *lead, h, w, c = x.shape
    return x.reshape(*lead, h // factor, factor, w // factor, factor, c).mean(axis=(-4, -2))


def convolve(x: Array, kernel: Array, *, stride: int = 1, padding="SAME") -> Array:
    """Plain NHWC x HWIO convolution (cross-correlation, no bias)."""
    return lax.conv_general_dilated(
        x, kernel, (stride, stride), padding, dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


def phase_kernels(kernel: Array) -> Array:
    """Fold nearest x2 upsampling into a 3x3 kernel: [3, 3, i, o] -> [2, 2, 2, 2, i, o].

    After upsampling, the three taps of a row fall on two source pixels. Output row 2y + p needs source rows
    y - 1 + p and y + p, with the taps {k0 | k1 + k2} for p = 0 and {k0 + k1 | k2} for p = 1. The first two axes
    of the result are the phase (row, column), the next two the taps of its 2x2 kernel: 16 multiplications for
    four output pixels instead of 36, exact to rounding.
    """

    def fold(k: Array) -> Array:  # [3, ...] -> [phase, tap, ...]
        even = jnp.stack([k[0], k[1] + k[2]])
        odd = jnp.stack([k[0] + k[1], k[2]])
        return jnp.stack([even, odd])

    rows = fold(kernel)  # [py, ty, 3, i, o]
    both = jax.vmap(jax.vmap(fold))(rows)  # [py, ty, px, tx, i, o]
    return both.transpose(0, 2, 1, 3, 4, 5)


def phase_convolve(x: Array, phases: Array) -> Array:
    """Nearest x2 upsampling followed by a 3x3 convolution, computed as four 2x2 convolutions on the small map.

    Arguments:
        x: features [b, h, w, i].
        phases: the result of `phase_kernels`, [2, 2, 2, 2, i, o].

    Returns:
        Features [b, 2 h, 2 w, o].
    """
    b, h, w, _ = x.shape
    rows = [
        jnp.stack([convolve(x, phases[p, q], padding=((1 - p, p), (1 - q, q))) for q in (0, 1)], axis=3)
        for p in (0, 1)
    ]  # each [b, h, w, 2, o]
    return jnp.stack(rows, axis=2).reshape(b, 2 * h, 2 * w, -1)


def downsample_convolve(x: Array, kernel: Array) -> Array:
    """A 3x3 convolution followed by 2x2 box averaging, as one 4x4 convolution of stride 2 ("fused")."""
    padded = jnp.pad(kernel, ((1, 1), (1, 1), (0, 0), (0, 0)))
    folded = (padded[1:, 1:] + padded[:-1, 1:] + padded[1:, :-1] + padded[:-1, :-1]) * 0.25
    return convolve(x, folded, stride=2, padding=((1, 1), (1, 1)))


def minibatch_stddev(x: Array, group_size: int = 4) -> Array:
    """Append the mean standard deviation over groups of samples as one more channel.

    The groups are strided as in the original: sample i belongs to group i mod (b / group). With a batch that
    `group_size` does not divide, the largest common divisor is used; a batch of one sees sqrt(1e-8).

    Arguments:
        x: features [b, h, w, c].
        group_size: samples in a group.

    Returns:
        Features [b, h, w, c + 1].
    """
    b, h, w, c = x.shape
    group = math.gcd(b, group_size)
    y = x.astype(jnp.float32).reshape(group, b // group, h, w, c)
    deviation = jnp.sqrt(jnp.var(y, axis=0) + 1e-8).mean(axis=(1, 2, 3))  # [b / group]
    plane = jnp.broadcast_to(jnp.tile(deviation, group)[:, None, None, None], (b, h, w, 1))
    return jnp.concatenate([x, plane.astype(x.dtype)], axis=-1)


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


class Form(NamedTuple):
    """A way to convolve: the kernel [k, k, i, o] once prepared, and what is done with it."""

    prepare: Callable[[Array], Array]
    apply: Callable[[Array, Array], Array]


def _as_it_is(kernel: Array) -> Array:
    return kernel


FORMS = {
    "same": Form(_as_it_is, convolve),
    "same_winograd": Form(winograd.tile_kernel, winograd.tile_convolve),
    "up": Form(_as_it_is, lambda x, kernel: convolve(upsample(x), kernel)),
    "up_phases": Form(phase_kernels, phase_convolve),
    "up_winograd": Form(winograd.upsample_kernel, winograd.upsample_convolve),
    "down": Form(_as_it_is, downsample_convolve),
}
"""See `EqualConv`."""


def frozen_kernel(raw: Array, gain: float, form: str) -> Array:
    """The kernel that multiplies the features: raw x gain / sqrt(fan_in), prepared for the form."""
    return FORMS[form].prepare(raw * (gain / math.sqrt(math.prod(raw.shape[:-1]))))
