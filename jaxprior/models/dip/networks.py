"""The network of the deep image prior (Ulyanov et al., CVPR 2018): noise goes down and up an hourglass to a picture.

    noise z [h, w, i] -> level 0 -> 1x1 convolution -> picture
    level k(x) = mix(up(norm(skip(x), double(level k+1(inner(down(x)))))))

Every layer is a convolution (of a mirrored border), a norm and a LeakyReLU of slope 0.2: down is 3x3 of stride 2, inner
and up are 3x3, skip and mix 1x1. The public code normalises by the statistics of its batch of one picture, which is
each picture's own here. Its pictures go through a sigmoid to [0, 1]; here they go to [-1, 1] by tanh of half of it.

Under `vmap` each picture has its own kernels, so that convolutions are matrix products: a grouped convolution, which
they would become otherwise, is slow on every device.
"""

import functools
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxprior.errors import ArgumentError
from jaxprior.models.dip.config import HourglassSettings
from jaxprior.nn.elementwise import add_bias, leaky_relu, widen
from jaxprior.nn.norm import instance_norm
from jaxprior.nn.padding import reflect_pad
from jaxprior.nn.pooling import upsample
from jaxprior.nn.resampling import LINEAR, axis_weights, resample, scaled_centres
from jaxprior.nn.valid import convolve_by_patches, convolve_by_products


Array = jax.Array

SLOPE = 0.2
"""Of the LeakyReLU."""


class Norm(nn.Module):
    """Each channel by its own mean and variance over the picture, then a scale and a bias: [b, h, w, c]."""

    @nn.compact
    def __call__(self, x: Array) -> Array:
        shape = x.shape[-1:]
        scale = self.param("scale", nn.initializers.ones_init(), shape)
        bias = self.param("bias", nn.initializers.zeros_init(), shape)
        return add_bias(instance_norm(x) * scale.astype(x.dtype).reshape(1, 1, 1, -1), bias)


class Convolution(nn.Module):
    """A convolution of a mirrored border with a bias: [b, h, w, i] -> [b, h / stride, w / stride, features]."""

    features: int
    size: int
    stride: int = 1
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Array) -> Array:
        shape = (self.size, self.size, x.shape[-1], self.features)
        kernel = self.param("kernel", nn.initializers.zeros_init(), shape).astype(self.dtype)
        x = reflect_pad(x.astype(self.dtype), (self.size - 1) // 2)
        convolve = convolve_by_products if self.stride == 1 else functools.partial(convolve_by_patches, stride=2)
        return add_bias(convolve(x, kernel), self.param("bias", nn.initializers.zeros_init(), shape[-1:]))


class Block(nn.Module):
    """A convolution, a norm and a LeakyReLU; fields as of `Convolution`."""

    features: int
    size: int
    stride: int = 1
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Array) -> Array:
        x = Convolution(self.features, self.size, self.stride, self.dtype, name="convolution")(x)
        return leaky_relu(Norm(name="norm")(x), SLOPE)


class Hourglass(nn.Module):
    """Noise [b, h, w, i] -> pictures [b, h, w, c] in (-1, 1). Its weights come from `Generator.draw`.

    Fields:
        settings: see `HourglassSettings`.
        dtype: of the convolutions; norms and pictures stay float32.
    """

    settings: HourglassSettings
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, noise: Array) -> Array:
        block = functools.partial(Block, dtype=self.dtype)
        levels = list(zip(self.settings.widths, self.settings.skips, strict=True))

        def level(k: int, x: Array) -> Array:
            wide, skip = levels[k]
            y = block(wide, 3, 2, name=f"down{k}")(x)
            y = block(wide, 3, name=f"inner{k}")(y)
            y = level(k + 1, y) if k + 1 < len(levels) else y
            y = _doubled(y, self.settings.upsample)
            if skip:
                y = jnp.concatenate([block(skip, 1, name=f"skip{k}")(x), y], axis=-1)
            y = block(wide, 3, name=f"up{k}")(Norm(name=f"join{k}")(y))
            return block(wide, 1, name=f"mix{k}")(y)

        channels = self.settings.image_channels
        picture = Convolution(channels, 1, dtype=self.dtype, name="output")(level(0, noise))
        return jnp.tanh(0.5 * widen(picture))


def _doubled(x: Array, how: str) -> Array:
    """A map of twice the height and the width; bilinear as PyTorch's `Upsample`, whose outer edges stay."""
    if how == "nearest":
        return upsample(x)
    rows, columns = (axis_weights(scaled_centres(2 * n, 2.0), n, kernel=LINEAR) for n in x.shape[1:3])
    return resample(x, rows, columns)


class Generator(nn.Module):
    """A deep image prior in the form of a generator: a code is the weights of an `Hourglass`, one after the other.

    Fields:
        settings, dtype: see `Hourglass`.
    """

    settings: HourglassSettings
    dtype: jnp.dtype = jnp.float32

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Shape of one image, (h, w, c)."""
        return self.settings.image_shape

    @property
    def latent_dim(self) -> int:
        """The number of weights."""
        return sum(layer.weights for layer in self.settings.layers())

    @property
    def num_layers(self) -> int:
        """One: a code is not composed with others."""
        return 1

    def channels(self, layer: int) -> int:
        """The number of weights. Raises ArgumentError for another layer than the first."""
        if layer != 1:
            raise ArgumentError(f"`layer` must be 1: an untrained network is not cut, got {layer}.")
        return self.latent_dim

    def setup(self):
        """The amplitude of the input's noise is all that is stored of such a prior."""
        self.amplitude = self.param("amplitude", nn.initializers.constant(0.1), (1,))

    def draw(self, key: Array) -> dict[str, Array]:
        """What one image begins with: {"z": random weights [latent_dim], "input": noise [h, w, i], U(0, amplitude)}."""
        of_weights, of_input = jax.random.split(key)
        # One draw for all weights: a program that draws for each layer takes minutes to compile.
        drawn = jax.random.uniform(of_weights, (self.latent_dim,), minval=-1.0)
        weights = _begun(weight_tree(self.settings, drawn))
        found = jax.random.uniform(of_input, self.settings.input_shape) * self.amplitude[None, None]
        return {"z": jnp.concatenate([leaf.ravel() for leaf in jax.tree.leaves(weights)]), "input": found}

    def made_by(self, weights: Array, noise: Array) -> Array:
        """The image [h, w, c] that a network of these weights [latent_dim] makes of noise [h, w, i]."""
        return self._network().apply({"params": weight_tree(self.settings, weights)}, noise[None])[0]

    def head(self, z: Array, layer: int) -> Array:
        """Codes [b, latent_dim] -> the same as maps of one pixel, [b, 1, 1, latent_dim]."""
        self.channels(layer)
        return z[:, None, None]

    def tail(self, features: Array, layer: int) -> Array:
        """Codes as `head` gives them -> images [b, h, w, c] of one and the same noise."""
        noise = self.draw(jax.random.key(0))["input"]
        return jax.vmap(self.made_by, (0, None))(features[:, 0, 0], noise)

    def __call__(self, z: Array) -> Array:
        """Codes [b, latent_dim] -> images [b, h, w, c] of one and the same noise."""
        return self.tail(self.head(z, 1), 1)

    def init_params(self, key: Array) -> dict[str, Array]:
        """The parameters of a prior: the amplitude alone. Nothing is drawn."""
        return {"amplitude": jnp.full((1,), 0.1)}

    def freeze(self, params: Any, *, platform: str, precision: str) -> tuple["Generator", Any]:
        """The same network, whose convolutions are computed in bfloat16 if that is the precision."""
        return self.clone(dtype=jnp.bfloat16 if precision == "bf16" else self.dtype), params

    def _network(self) -> Hourglass:
        return Hourglass(self.settings, self.dtype, parent=None)


@functools.cache
def _shapes(settings: HourglassSettings) -> Any:
    """The tree of a network's weights, with their shapes."""
    noise = jax.ShapeDtypeStruct((1, *settings.input_shape), jnp.float32)
    key = jax.eval_shape(lambda: jax.random.key(0))
    return jax.eval_shape(Hourglass(settings, parent=None).init, key, noise)["params"]


def weight_tree(settings: HourglassSettings, weights: Array) -> dict[str, Any]:
    """The weights of an `Hourglass` by their layers.

    Arguments:
        settings: of the network.
        weights: all of them, [latent_dim], in the order of the layers' names.
    """
    leaves, structure = jax.tree.flatten(_shapes(settings))
    found, first = [], 0
    for leaf in leaves:
        found.append(weights[first : first + leaf.size].reshape(leaf.shape))
        first += leaf.size
    return jax.tree.unflatten(structure, found)


def _begun(drawn: dict[str, Any]) -> dict[str, Any]:
    """Weights to begin with, as PyTorch's layers have them, of numbers from U(-1, 1).

    Kernels and biases are drawn from U(-1, 1) / sqrt(inputs of a value); norms do not scale and add nothing.
    """
    if "kernel" in drawn:
        reach = drawn["kernel"][..., 0].size ** -0.5
        return {name: leaf * reach for name, leaf in drawn.items()}
    if "scale" in drawn:
        return {"scale": jnp.ones_like(drawn["scale"]), "bias": jnp.zeros_like(drawn["bias"])}
    return {name: _begun(part) for name, part in drawn.items()}
