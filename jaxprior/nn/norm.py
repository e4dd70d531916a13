"""Norms over pixels, batches and groups of samples.

A trained network's batch norms can be folded: what they do with their running statistics is one scale and one bias a
channel.
"""

import math
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxprior.nn.elementwise import add_bias, widen


Array = jax.Array


NORMS = ("batch", "affine", "instance", "none")
MOMENTUM, EPSILON = 0.9, 1e-5
"""Batch normalisation, as in DCGAN: the share of a running average that a step keeps, and what variances get added."""
DEVIATION = 0.02
"""Standard deviation of the normal distributions that kernels (around 0) and scales (around 1) are drawn from."""


def pixel_norm(x: Array, *, epsilon: float = 1e-8) -> Array:
    """Scale every pixel's feature vector to unit mean square: x / sqrt(mean_c x^2 + epsilon). Float32 or wider."""
    wide = widen(x)
    return (wide * lax.rsqrt(jnp.mean(jnp.square(wide), axis=-1, keepdims=True) + epsilon)).astype(x.dtype)


FEW_CHANNELS = (64, 128)
"""The numbers of channels for which `pixel_norm_of_few` is faster on CPUs (docs/performance.md)."""


def pixel_norm_of_few(x: Array, *, epsilon: float = 1e-8) -> Array:
    """`pixel_norm` of a map with few channels, in a form that is fast on CPUs and has no forward-mode derivative.

    XLA's sums over the last axis are slow on CPUs where that axis is short, above all in the gradient. Here one half of
    the channels is added to the other until one is left, and the gradient is written out.

    Arguments:
        x: features [..., c]; c is a power of 2.
        epsilon: is added to the mean square.
    """
    return lax.convert_element_type(_normalised_by_halves(widen(x), epsilon), x.dtype)


@partial(jax.custom_vjp, nondiff_argnums=(1,))
def _normalised_by_halves(x: Array, epsilon: float) -> Array:
    return x * _reciprocal_root(x, epsilon)


def _reciprocal_root(x: Array, epsilon: float) -> Array:
    """1 / sqrt(mean_c x^2 + epsilon), [..., 1]."""
    return lax.rsqrt(_sum_by_halves(x * x) / x.shape[-1] + epsilon)


def _sum_by_halves(x: Array) -> Array:
    """Sums over the last axis, [..., c] -> [..., 1]."""
    while x.shape[-1] > 1:
        half = x.shape[-1] // 2
        x = x[..., :half] + x[..., half:]
    return x


def _keep(x: Array, epsilon: float) -> tuple[Array, tuple[Array, Array]]:
    root = _reciprocal_root(x, epsilon)
    return x * root, (x, root)


def _gradient(epsilon: float, kept: tuple[Array, Array], g: Array) -> tuple[Array]:
    x, root = kept
    return (root * g - x * (root**3 * _sum_by_halves(g * x) / x.shape[-1]),)


_normalised_by_halves.defvjp(_keep, _gradient)


def rms_norm(x: Array, *, epsilon: float) -> Array:
    """Pixel norm with the epsilon outside of the root: x / (sqrt(mean_c x^2) + epsilon). Float32 or wider."""
    wide = widen(x)
    square = jnp.mean(jnp.square(wide), axis=-1, keepdims=True)
    root = jnp.sqrt(jnp.maximum(square, 1e-30))  # at 0 the root has no finite gradient
    return (wide / (root + epsilon)).astype(x.dtype)


def group_norm(x: Array, scale: Array, bias: Array, *, groups: int) -> Array:
    """Group normalisation (Wu and He, ECCV 2018): each group of channels of each image to mean 0 and variance 1.

    Sums over the pixels come first, for every channel: they are fast on CPUs, unlike sums over a few channels.

    Arguments:
        x: features [b, h, w, c].
        scale, bias: of the result, [c].
        groups: a divisor of c.

    Returns:
        Features [b, h, w, c] in the type of x.
    """
    wide = widen(x)
    b, c = wide.shape[0], wide.shape[-1]

    def of_groups(values: Array) -> Array:
        """Means over the pixels and the channels of a group, [b, c] with one value for all channels of a group."""
        means = jnp.mean(jnp.mean(values, axis=(1, 2)).reshape(b, groups, c // groups), axis=-1)
        return jnp.repeat(means, c // groups, axis=-1)

    mean = of_groups(wide)
    variance = jnp.maximum(of_groups(jnp.square(wide)) - jnp.square(mean), 0.0)
    gain = scale[None] * lax.rsqrt(variance + EPSILON)
    shift = bias[None] - mean * gain
    return (wide * gain[:, None, None] + shift[:, None, None]).astype(x.dtype)


def instance_norm(x: Array) -> Array:
    """Each channel of each image to mean 0 and variance 1 over its pixels (Ulyanov et al., 2016), without parameters.

    As PyTorch's InstanceNorm2d in its default form. Every pixel of the result depends on all of the image, so a network
    with it gives a part of an image other values than the whole.

    Arguments:
        x: features [b, h, w, c].
    """
    wide = widen(x)
    centred = wide - jnp.mean(wide, axis=(1, 2), keepdims=True)
    variance = jnp.mean(jnp.square(centred), axis=(1, 2), keepdims=True)
    return (centred * lax.rsqrt(variance + EPSILON)).astype(x.dtype)


def minibatch_stddev(x: Array, group_size: int = 4) -> Array:
    """Append the mean standard deviation over groups of samples as one more channel.

    The groups are strided as in the original: sample i belongs to group i mod (b / group). A batch of less than
    `group_size` samples is one group. Of a larger batch that `group_size` does not divide, which the original refuses,
    a group is the largest common divisor; a batch of one sees sqrt(1e-8).

    Arguments:
        x: features [b, h, w, c].
        group_size: samples in a group.

    Returns:
        Features [b, h, w, c + 1].
    """
    b, h, w, c = x.shape
    group = b if b < group_size else math.gcd(b, group_size)
    y = widen(x).reshape(group, b // group, h, w, c)
    deviation = jnp.sqrt(jnp.var(y, axis=0) + 1e-8).mean(axis=(1, 2, 3))  # [b / group]
    return _with_plane(x, jnp.tile(deviation, group))


def consecutive_stddev(x: Array, group_size: int = 4) -> Array:
    """Append the minibatch standard deviation as Facebook's pytorch_GAN_zoo computes it.

    Unlike `minibatch_stddev`, consecutive samples are a group; the variance is divided by n - 1; a batch that
    `group_size` does not divide is one group; and a batch of one sees 0.

    Arguments:
        x: features [b, h, w, c].
        group_size: samples in a group.

    Returns:
        Features [b, h, w, c + 1].
    """
    b, h, w, c = x.shape
    if b == 1 or group_size == 1:
        return _with_plane(x, jnp.zeros(b))
    group = b if b % group_size else group_size
    y = widen(x).reshape(b // group, group, h, w, c)
    deviation = jnp.sqrt(jnp.var(y, axis=1, ddof=1) + 1e-8).mean(axis=(1, 2, 3))  # [b / group]
    return _with_plane(x, jnp.repeat(deviation, group))


def _with_plane(x: Array, values: Array) -> Array:
    """Features [b, h, w, c] with one value a sample, [b], as one more channel."""
    plane = jnp.broadcast_to(values[:, None, None, None], (*x.shape[:-1], 1))
    return jnp.concatenate([x, plane.astype(x.dtype)], axis=-1)


def scale_init(key: Array, shape: tuple[int, ...], dtype=jnp.float32) -> Array:
    """Initial scales of a norm, normal around 1."""
    return 1.0 + DEVIATION * jax.random.normal(key, shape, dtype)


def normalised(module: nn.Module, x: Array, train: bool) -> Array:
    """Do what follows the convolution inside a block, by the block's field `norm`.

    "batch" normalises by the batch's own statistics where `train`, else by their running averages (collection
    "batch_stats"); "affine" multiplies by a scale and adds a bias; "instance" adds a bias and normalises by each
    image's own statistics; "none" adds a bias; "bare" does nothing. Parameters become the block's.

    Arguments:
        module: the block, with a field `norm` and inside a compact method.
        x: the convolution's result [b, h, w, c].
        train: see above.
    """
    if module.norm == "batch":
        normalise = nn.BatchNorm(
            use_running_average=not train, momentum=MOMENTUM, epsilon=EPSILON, scale_init=scale_init, name="norm"
        )
        return normalise(widen(x)).astype(x.dtype)
    if module.norm == "bare":
        return x
    shape = x.shape[-1:]
    if module.norm == "affine":
        scale = module.param("scale", nn.initializers.ones_init(), shape)
        x = x * scale.astype(x.dtype).reshape((1,) * (x.ndim - 1) + (-1,))
    x = add_bias(x, module.param("bias", nn.initializers.zeros_init(), shape))
    return instance_norm(x) if module.norm == "instance" else x


def fold(variables: dict) -> dict:
    """Turn trained parameters of norm "batch" into those of norm "affine" that do what the running statistics did.

    It computes with NumPy, because every JAX operation would be a program to compile for each number of channels.

    Arguments:
        variables: {"params": ..., "batch_stats": ...}.

    Returns:
        Parameters alone. Blocks without statistics stay as they are.
    """
    statistics = variables.get("batch_stats", {})

    def of_block(name: str, block: dict) -> dict:
        if name not in statistics:
            return block
        mean, variance = (np.asarray(statistics[name]["norm"][part]) for part in ("mean", "var"))
        scale, bias = (np.asarray(block["norm"][part]) for part in ("scale", "bias"))
        scale = scale / np.sqrt(variance + EPSILON)
        rest = {part: value for part, value in block.items() if part != "norm"}
        return {**rest, "scale": scale, "bias": bias - mean * scale}

    return {name: of_block(name, block) for name, block in variables["params"].items()}


def folded_norm(norm: str) -> str:
    """The norm of a network after `fold`: "affine" in place of "batch"."""
    return "affine" if norm == "batch" else norm
