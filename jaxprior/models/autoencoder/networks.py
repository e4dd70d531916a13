"""Convolutional autoencoder with a flat code: completions in, better completions out; and a context encoder.

    encoder    image -> stride-2 convolutions -> 4x4 features, flattened to a code (64 px: 64x64x3 -> 8192)
    decoder    the code -> stride-2 transposed convolutions -> image, tanh

Refines what a GAN completed (seed 001). With the hole filled by the mean at the input and nothing else, the same
network is a context encoder (Pathak et al., CVPR 2016) without its narrow code, for holes of any shape.
`ContextEncoder` is the public one, which answers with the middle of the picture alone, of a code of 4000 numbers.
"""

from collections.abc import Mapping

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxprior.models.dcgan.networks import Project
from jaxprior.nn.blocks import Padded, Strided, Transposed
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


class ContextEncoder(nn.Module):
    """Picture [b, r, r, 3] whose middle is missing -> the same with its middle filled, in [-1, 1].

    As in the public code (pathak22/context-encoder) for 128 pixels: the encoder halves the picture down to 4x4, a
    convolution makes a code of it, and the decoder makes of the code the middle of r/2 x r/2 pixels. Of that middle a
    band of `overlap` pixels along its edges is known. The hole has the public code's mean colour of ImageNet.

    Fields:
        widths: channels after every halving; the decoder has those from the second on, backwards.
        code: numbers of the code.
        overlap: pixels.
        image_channels, kernel, norm, slope, dtype, trained_on: as of `Autoencoder`; the decoder has ReLU.
    """

    widths: tuple[int, ...] = (64, 64, 128, 256, 512)
    code: int = 4000
    overlap: int = 4
    image_channels: int = 3
    kernel: int = 4
    norm: str = "batch"
    slope: float = 0.2
    dtype: jnp.dtype = jnp.float32
    trained_on: str | None = None

    @property
    def resolution(self) -> int:
        """Pixels of a side of the picture."""
        return 4 << len(self.widths)

    def setup(self):
        """Blocks under hand-given names: down0 ..., code_layer, project, up0 ..., output."""
        down, up = (training_form(operation, platform=self.trained_on) for operation in ("strided", "transposed"))
        for k, width in enumerate(self.widths):
            setattr(self, f"down{k}", Strided(width, self.kernel, self.norm if k else "none", self.dtype, down))
        self.code_layer = Padded(self.code, 4, self.norm, self.dtype, platform=self.trained_on)
        self.project = Project(self.widths[-1], self.norm, self.dtype)
        for k, width in enumerate(reversed(self.widths[1:-1])):
            setattr(self, f"up{k}", Transposed(width, self.kernel, self.norm, self.dtype, up))
        self.output = Transposed(self.image_channels, self.kernel, "none", self.dtype, up)

    def middle(self, pictures: Array) -> Array:
        """The middle of pictures, whose missing part has a band of known pixels: [b, r/2, r/2, c]."""
        return _cut(pictures, self.resolution // 4)

    def weights(self) -> Array:
        """How much each pixel of the middle counts in the error: `OVERLAP_WEIGHT` in the band, else 1.

        Returns:
            [1, r/2, r/2, 1].

        Example:
            >>> ContextEncoder((4, 4), overlap=1).weights()[0, :, 1, 0].tolist()
            [10.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 10.0]
        """
        side, band = self.resolution // 2 - 2 * self.overlap, (self.overlap, self.overlap)
        inside, band = jnp.ones((1, side, side, 1)), ((0, 0), band, band, (0, 0))
        return jnp.pad(inside, band, constant_values=OVERLAP_WEIGHT)

    def predicted(self, x: Array, *, train: bool = False) -> Array:
        """The middle of pictures, whatever they show in their hole: [b, r, r, c] -> [b, r/2, r/2, c]."""
        margin = self.resolution // 4 + self.overlap
        hole = slice(margin, self.resolution - margin)
        x = jnp.asarray(x).at[:, hole, hole].set(jnp.asarray(MEAN_COLOUR) / 127.5 - 1.0)
        for k in range(len(self.widths)):
            x = leaky_relu(getattr(self, f"down{k}")(x, train=train), self.slope)
        code = leaky_relu(self.code_layer(x, train=train), self.slope)[:, 0, 0]
        x = nn.relu(self.project(code, train=train))
        for k in range(len(self.widths) - 2):
            x = nn.relu(getattr(self, f"up{k}")(x, train=train))
        return jnp.tanh(widen(self.output(x, train=train)))

    def __call__(self, x: Array, *, train: bool = False) -> Array:
        """Pictures -> pictures, of which only what is missing changes."""
        margin = self.resolution // 4 + self.overlap
        hole = slice(margin, self.resolution - margin)
        return jnp.asarray(x).at[:, hole, hole].set(_cut(self.predicted(x, train=train), self.overlap))


MEAN_COLOUR = (117.0, 104.0, 123.0)
"""What the public code of context encoders lays into the hole, of 255."""

OVERLAP_WEIGHT = 10.0
"""How much more the error counts in the band that is known."""


def _cut(pictures: Array, margin: int) -> Array:
    """Pictures without so many pixels on every side."""
    return pictures[:, margin : pictures.shape[1] - margin, margin : pictures.shape[2] - margin]


def to_config(network: Autoencoder | ContextEncoder, resolution: int) -> dict:
    """What a card says of a trained network, whose statistics are folded."""
    context = {"code": network.code, "overlap": network.overlap} if isinstance(network, ContextEncoder) else {}
    return {
        **context,
        "resolution": resolution,
        "widths": list(network.widths),
        "image_channels": network.image_channels,
        "kernel": network.kernel,
        "norm": folded_norm(network.norm),
        "slope": network.slope,
    }


def from_config(config: Mapping) -> tuple[Autoencoder | ContextEncoder, int]:
    """The network that a card's `config` describes, and the side of its images.

    Raises:
        KeyError, TypeError: something is missing, or unknown.
    """
    config = dict(config)
    resolution, widths = config.pop("resolution"), tuple(config.pop("widths"))
    if "code" not in config:
        return Autoencoder(widths, **config), resolution
    network = ContextEncoder(widths, **config)
    if network.resolution != resolution:
        raise TypeError(f"{len(widths)} widths take pictures of {network.resolution} pixels, not {resolution}")
    return network, resolution
