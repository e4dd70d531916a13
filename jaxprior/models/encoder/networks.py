"""Encoder of a generator: a damaged picture in, a latent code and the feature map of a composing layer out.

    picture * known, missing --convolutions, halved down to 4x4--> maps of every size
    4x4 map --dense--> bottleneck --dense--> added to the 4x4 map;   bottleneck --dense--> code z
    4x4 map --doubled, joined with the map of that size on the way down, ...--> features of the layer

Every map of the way down that the features need is joined again on the way up (Ronneberger et al., MICCAI 2015), so
that the features keep what is known where it is known. The dense bottleneck lets every pixel know of every other. Group
norms treat each picture by itself, so that an answer does not depend on the batch.
"""

import math
from collections.abc import Mapping

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxprior.nn.blocks import Convolution, Dense
from jaxprior.nn.convolution import Operation, training_form
from jaxprior.nn.elementwise import leaky_relu, widen
from jaxprior.nn.norm import group_norm, pixel_norm
from jaxprior.nn.pooling import upsample


Array = jax.Array

SMALLEST = 4
"""Side of the smallest map."""
RESIDUAL_UP_TO = 16
"""Maps of more pixels a side have no residual blocks, which would cost most there."""
GROUPS = 8
"""Of a group norm, or as many as the number of channels can be divided into."""


class GroupNorm(nn.Module):
    """Group norm with a scale and a bias for each channel, see `jaxprior.nn.norm.group_norm`."""

    @nn.compact
    def __call__(self, x: Array) -> Array:
        shape = (x.shape[-1],)
        scale = self.param("scale", nn.initializers.ones_init(), shape)
        bias = self.param("bias", nn.initializers.zeros_init(), shape)
        return group_norm(x, scale, bias, groups=math.gcd(GROUPS, x.shape[-1]))


class Residual(nn.Module):
    """Features [b, h, w, c] -> the same shape: twice norm, activation and convolution, added to what came in."""

    form: str
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Array) -> Array:
        y = x
        for k in range(2):
            y = leaky_relu(GroupNorm(name=f"norm{k}")(y))
            y = Convolution(x.shape[-1], self.form, dtype=self.dtype, name=f"conv{k}")(y)
        return x + 0.5 * y


class Encoder(nn.Module):
    """Pictures [b, r, r, c] and what is known of them [b, r, r, 1] -> codes [b, d] and features [b, s, s, channels].

    Fields:
        resolution: pixels of a side of the pictures, r.
        widths: feature maps at the pictures' own size, then after every halving, the last at 4x4 pixels.
        latent_dim: length of a code, d.
        side, channels: of the features, s being 4 times a power of 2 and at most r.
        scale: the features' root mean square in the generator, with which they come out of the last convolution.
        unit_codes: whether codes come out with the mean square 1, for generators to which their length means nothing.
        bottleneck: numbers between the two dense layers.
        image_channels: 1 or 3.
        dtype: of the convolutions.
        trained_on: kind of the devices that train it; None where it is only applied.
    """

    resolution: int
    widths: tuple[int, ...]
    latent_dim: int
    side: int
    channels: int
    scale: float = 1.0
    unit_codes: bool = True
    bottleneck: int = 128
    image_channels: int = 3
    dtype: jnp.dtype = jnp.float32
    trained_on: str | None = None

    @nn.compact
    def __call__(self, pictures: Array, known: Array) -> dict[str, Array]:
        """Answer what the generator should have made there: {"z": [b, d], "features": [b, s, s, channels]}."""
        x = jnp.concatenate([pictures * known, 1.0 - known], axis=-1)
        x = self._convolve(x, self.widths[0], "stem")
        maps = {self.resolution: x}
        for width in self.widths[1:]:
            side = x.shape[1] // 2
            x = self._convolve(leaky_relu(x), width, f"down{side}", operation="strided")
            x = self._residual(x, f"down_residual{side}")
            maps[side] = x
        code = leaky_relu(self._dense(leaky_relu(x).reshape(len(x), -1), self.bottleneck, "bottleneck"))
        x = x + self._dense(code, math.prod(x.shape[1:]), "spread").reshape(x.shape)
        x = self._residual(x, f"up_residual{SMALLEST}")
        while x.shape[1] < self.side:
            x = jnp.concatenate([upsample(x), maps[2 * x.shape[1]]], axis=-1)
            side = x.shape[1]
            x = self._convolve(leaky_relu(x), maps[side].shape[-1], f"up{side}")
            x = self._residual(x, f"up_residual{side}")
        features = self.scale * widen(self._convolve(leaky_relu(x), self.channels, "features", size=1))
        z = widen(self._dense(code, self.latent_dim, "code"))
        return {"z": pixel_norm(z) if self.unit_codes else z, "features": features}

    def _convolve(self, x: Array, width: int, name: str, *, operation: Operation = "same", size: int = 3) -> Array:
        form = training_form(operation, platform=self.trained_on)
        return Convolution(width, form, size, self.dtype, name=name)(x)

    def _residual(self, x: Array, name: str) -> Array:
        """A residual block, on maps that are small enough for it."""
        if x.shape[1] > RESIDUAL_UP_TO:
            return x
        return Residual(training_form("same", platform=self.trained_on), self.dtype, name=name)(x)

    def _dense(self, x: Array, features: int, name: str) -> Array:
        return Dense(features, self.dtype, name=name)(x)


_STATED = (
    "resolution", "widths", "latent_dim", "side", "channels", "scale", "unit_codes", "bottleneck", "image_channels",
)  # fmt: skip
"""The fields that a card states."""


def to_config(network: Encoder) -> dict:
    """What a card says of a trained network."""
    values = {name: getattr(network, name) for name in _STATED}
    return {**values, "widths": list(network.widths)}


def from_config(config: Mapping) -> Encoder:
    """The network that a card's `config` describes.

    Raises:
        KeyError, TypeError, ValueError: something is missing, unknown or impossible.
    """
    network = Encoder(**{**config, "widths": tuple(config["widths"])})
    check_sizes(network.resolution, network.widths, network.side)
    return network


def check_sizes(resolution: int, widths: tuple[int, ...], side: int) -> None:
    """Refuse sizes of which no network can be made.

    Raises:
        ValueError: naming what does not fit.
    """
    if resolution != SMALLEST << (len(widths) - 1):
        raise ValueError(
            f"{len(widths)} widths belong to pictures of {SMALLEST << max(len(widths) - 1, 0)} pixels a side, one for "
            f"each halving down to {SMALLEST} and one before; these have {resolution}"
        )
    if side not in [SMALLEST << k for k in range(len(widths))]:
        raise ValueError(f"features of {side} pixels a side cannot be doubled up to from {SMALLEST}")
