"""ConSinGAN (Hinz et al., WACV 2021, section 3): ONE generator that grows by a stage for every scale of a pyramid.

    x_0 = stage0(head(z_0))
    x_n = stage_n(up(x_{n-1}) + a_n z_n) + up(x_{n-1})          features, not images
    image = tanh(tail(x_n))

All layers are 3x3 convolutions, followed by a norm and a LeakyReLU except at the very end; upsampling is bicubic. A new
stage starts as a copy of the one below it. The critic is a `jaxprior.models.singan.networks.Critic` without a norm.
"""

import math
import typing
from collections.abc import Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxprior.models.consingan.config import Edges, Norm
from jaxprior.models.singan.config import KERNEL
from jaxprior.models.singan.networks import Block, Critic
from jaxprior.nn.bicubic import upsample_bicubic
from jaxprior.nn.elementwise import leaky_relu, widen
from jaxprior.nn.padding import zero_pad


Array = jax.Array
NORMS, EDGES = typing.get_args(Norm), typing.get_args(Edges)


class GrowingGenerator(nn.Module):
    """Noises of all scales -> images [b, h, w, c] in [-1, 1] of the finest.

    Fields:
        stages: number of stages, one a scale.
        width: number of channels of all features.
        layers: number of convolutions of a stage.
        norm: one of `NORMS`.
        slope: slope of the LeakyReLU below zero.
        edges: "enlarged": features are resized to a size larger by the margin, and noise covers that too, which makes
            what lies at the edges as diverse as the rest; "zero": they get zeros (the official code for all but
            drawing at random and animating).
        image_channels: number of channels of an image, 1 or 3.
        dtype: number type of the convolutions; features between stages and images stay float32.
        platform: kind of device that computes, "cpu", "gpu" or "tpu"; JAX's default where None.
    """

    stages: int = 6
    width: int = 64
    layers: int = 3
    norm: str = "none"
    slope: float = 0.05
    edges: str = "enlarged"
    image_channels: int = 3
    dtype: jnp.dtype = jnp.float32
    platform: str | None = None

    @property
    def margin(self) -> int:
        """Pixels that a stage's convolutions take away on each side."""
        return self.layers * (KERNEL - 1) // 2

    def noise_shape(self, stage: int, size: tuple[int, int]) -> tuple[int, int, int]:
        """(height, width, channels) of a stage's noise for features of `size` (height, width)."""
        if not stage:
            return (*size, self.image_channels)
        around = 2 * self.margin if self.edges == "enlarged" else 0
        return size[0] + around, size[1] + around, self.width

    def setup(self):
        """Make the parts under the names head, stage0, stage1 and so on, and tail."""
        self.head = Block(self.width, KERNEL, self.norm, self.dtype, self.platform)
        for n in range(self.stages):
            stage = Stage(self.width, self.layers, self.norm, self.slope, self.dtype, self.platform)
            setattr(self, f"stage{n}", stage)
        self.tail = Block(self.image_channels, KERNEL, "none", self.dtype, self.platform)

    def __call__(self, noises: Sequence[Array], amplitudes: Array) -> Array:
        """Images at the scale of the last noise; the arguments are those of `features`."""
        return self.image(self.features(noises, amplitudes))

    def features(
        self, noises: Sequence[Array], amplitudes: Array, *, below: Array | None = None, start: int = 0
    ) -> Array:
        """Features [b, h, w, width] after the stages from `start` on.

        Arguments:
            noises: one [b, *noise_shape(n, size)] a stage from `start` on; sizes are taken from them.
            amplitudes: what the noises of all stages are multiplied by, [stages]; the first is not used, because
                the first noise enters as it is.
            below: features after the stages below `start`; None if that is 0.
            start: the first stage.
        """
        x = self._first(noises[0]) if below is None else self._next(start, below, noises[0], amplitudes[start])
        for n, noise in enumerate(noises[1:], start + 1):
            x = self._next(n, x, noise, amplitudes[n])
        return x

    def image(self, features: Array) -> Array:
        """Turn features into an image, those of a coarser stage too, though the tail learned from the finest."""
        return jnp.tanh(widen(self.tail(zero_pad(features, KERNEL // 2))))

    def _first(self, noise: Array) -> Array:
        x = leaky_relu(widen(self.head(zero_pad(noise, KERNEL // 2))), self.slope)
        if self.edges == "zero":
            return self.stage0(zero_pad(x, self.margin))
        # Features are enlarged by one pixel a side only; zeros make the rest of the margin.
        return self.stage0(zero_pad(upsample_bicubic(x, (x.shape[1] + 2, x.shape[2] + 2)), self.margin - 1))

    def _next(self, n: int, below: Array, noise: Array, amplitude: Array) -> Array:
        stage, (height, width) = getattr(self, f"stage{n}"), noise.shape[1:3]
        if self.edges == "zero":
            skip = upsample_bicubic(below, (height, width))
            return stage(zero_pad(skip + amplitude * noise, self.margin)) + skip
        skip = upsample_bicubic(below, (height - 2 * self.margin, width - 2 * self.margin))
        return stage(upsample_bicubic(below, (height, width)) + amplitude * noise) + skip

    @nn.nowrap
    def init_variables(self, key: Array) -> dict:
        """Random parameters, {"params": ...}."""
        noises = [jnp.zeros((1, *self.noise_shape(n, (1, 1)))) for n in range(self.stages)]
        return dict(self.init(key, noises, jnp.zeros(self.stages)))


class Stage(nn.Module):
    """Convolutions without padding, each with its norm and LeakyReLU: [b, h, w, c] -> [b, h - 2 margin, ...]."""

    width: int
    layers: int
    norm: str
    slope: float
    dtype: jnp.dtype
    platform: str | None = None

    @nn.compact
    def __call__(self, x: Array) -> Array:
        for k in range(self.layers):
            block = Block(self.width, KERNEL, self.norm, self.dtype, self.platform, name=f"layer{k}")
            x = leaky_relu(widen(block(x)), self.slope)
        return x


def critic_of(generator: GrowingGenerator, layers: int) -> Critic:
    """The critic beside a generator: of its width and slope, without a norm, with `layers` convolutions."""
    return Critic(
        generator.width, generator.width, layers, KERNEL, norm="none", slope=generator.slope,
        image_channels=generator.image_channels, dtype=generator.dtype, platform=generator.platform,
    )  # fmt: skip


def draw_biases(key: Array, params: dict) -> dict:
    """Draw biases as PyTorch does, uniform within 1 / sqrt(fan_in), because they matter where there are no norms."""
    if "kernel" not in params:
        keys = jax.random.split(key, len(params))
        return {name: draw_biases(own, params[name]) for own, name in zip(keys, sorted(params), strict=True)}
    if "bias" not in params:
        return params
    bound = 1 / math.sqrt(math.prod(params["kernel"].shape[:-1]))
    return {**params, "bias": jax.random.uniform(key, params["bias"].shape, minval=-bound, maxval=bound)}
