"""Convolutional autoencoder with a flat code: completions in, better completions out; also a context encoder.

    encoder    image -> stride-2 convolutions -> 4x4 features, flattened to a code (64 px: 64x64x3 -> 8192)
    decoder    the code -> stride-2 transposed convolutions -> image, tanh

Refines what a GAN completed (seed 001). With the hole filled by the mean at the input and nothing else, the same
network is a context encoder (Pathak et al., CVPR 2016) without its channel-wise layer.
"""

from collections.abc import Mapping

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxprior.nn.blocks import Strided, Transposed
from jaxprior.nn.convolution import training_form
from jaxprior.nn.elementwise import leaky_relu, widen
from jaxprior.nn.norm import folded_norm


Array = jax.Array


class Autoencoder(nn.Module):
    """Image [b, r, r, c] -> image [b, r, r, c] in [-1, 1].

    Fields:
        widths: channels after every halving.
        image_channels, kernel, norm, slope, dtype, trained_on: as of `dcgan.Generator`.
    """

    widths: tuple[int, ...] = (64, 128, 256, 512)
    image_channels: int = 3
    kernel: int = 4
    norm: str = "batch"
    slope: float = 0.2
    dtype: jnp.dtype = jnp.float32
    trained_on: str | None = None

    def setup(self):
        """Blocks under hand-given names: down0 ..., up0 ..., output."""
        down, up = (training_form(operation, platform=self.trained_on) for operation in ("strided", "transposed"))
        for k, width in enumerate(self.widths):
            setattr(self, f"down{k}", Strided(width, self.kernel, self.norm if k else "none", self.dtype, down))
        for k, width in enumerate(reversed(self.widths[:-1])):
            setattr(self, f"up{k}", Transposed(width, self.kernel, self.norm, self.dtype, up))
        self.output = Transposed(self.image_channels, self.kernel, "none", self.dtype, up)

    def encode(self, x: Array, *, train: bool = False) -> Array:
        """Images -> last feature map [b, s, s, widths[-1]], which is the code in another shape."""
        for k in range(len(self.widths)):
            x = leaky_relu(getattr(self, f"down{k}")(x, train=train), self.slope)
        return x

    def decode(self, features: Array, *, train: bool = False) -> Array:
        """A feature map as of `encode` -> images [b, r, r, c]."""
        x = features
        for k in range(len(self.widths) - 1):
            x = leaky_relu(getattr(self, f"up{k}")(x, train=train), self.slope)
        return jnp.tanh(widen(self.output(x, train=train)))

    def __call__(self, x: Array, *, train: bool = False) -> Array:
        """Images -> images."""
        return self.decode(self.encode(x, train=train), train=train)


def to_config(network: Autoencoder, resolution: int) -> dict:
    """What a card says of a trained network, whose statistics are folded."""
    return {
        "resolution": resolution,
        "widths": list(network.widths),
        "image_channels": network.image_channels,
        "kernel": network.kernel,
        "norm": folded_norm(network.norm),
        "slope": network.slope,
    }


def from_config(config: Mapping) -> tuple[Autoencoder, int]:
    """The network that a card's `config` describes, and the side of its images.

    Raises:
        KeyError, TypeError: something is missing, or unknown.
    """
    config = dict(config)
    resolution, widths = config.pop("resolution"), tuple(config.pop("widths"))
    return Autoencoder(widths, **config), resolution
