"""The variational autoencoder of the Generative Encoder's public code of 2021, which is not that of its paper.

    encoder    image -> [4x4 convolution of stride 2, batch norm, LeakyReLU 0.2] of f, 2 f, 4 f, ... maps, down to 2x2
               -> dense -> mean and log-variance
    decoder    code -> dense -> [4x4 transposed convolution of stride 2, batch norm, LeakyReLU 0.2] in the reverse order
               -> transposed convolution -> image

The convolutions have no biases. Its norms have their running statistics while they are trained; stored networks have
them folded into a scale and a bias.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxprior.models.convae.networks.code import (
    Code,
    checked_images,
    code_of,
    finished,
    flat,
    levels_of,
    smallest_map,
)
from jaxprior.nn.blocks import Strided, Transposed
from jaxprior.nn.convolution import training_form
from jaxprior.nn.elementwise import leaky_relu


Array = jax.Array

KERNEL = 4
"""Side of the kernels."""


class Encoder(nn.Module):
    """Images [b, r, r, c] in [-1, 1] -> codes of h numbers.

    Fields:
        resolution, width, code, variational, image_channels, dtype, trained_on: as of `table1.Encoder`.
        norm: "batch" while it is trained, "affine" after `jaxprior.nn.norm.fold`.
    """

    resolution: int
    width: int = 32
    code: int = 256
    variational: bool = True
    image_channels: int = 3
    norm: str = "batch"
    dtype: jnp.dtype = jnp.float32
    trained_on: str | None = None

    @nn.compact
    def __call__(self, images: Array, *, train: bool = False) -> Code:
        """Encode images; with `train` norms take the batch's own statistics."""
        x = checked_images(images, self.resolution, self.image_channels)
        form = training_form("strided", platform=self.trained_on)
        for k in range(levels_of(self.resolution)):
            block = Strided(self.width << k, KERNEL, self.norm, self.dtype, form, name=f"conv{k}")
            x = leaky_relu(block(x, train=train))
        return code_of(flat(x), self.code, variational=self.variational, dtype=self.dtype)


class Decoder(nn.Module):
    """Codes [b, h] -> images [b, r, r, c].

    Fields:
        resolution, width, image_channels, tanh, dtype, trained_on: as of `table1.Decoder`; norm: as of `Encoder`.
    """

    resolution: int
    width: int = 32
    image_channels: int = 3
    tanh: bool = False
    norm: str = "batch"
    dtype: jnp.dtype = jnp.float32
    trained_on: str | None = None

    @nn.compact
    def __call__(self, code: Array, *, train: bool = False) -> Array:
        """Decode codes; with `train` norms take the batch's own statistics."""
        levels = levels_of(self.resolution)
        widths = [self.width << k for k in range(levels)]
        x = smallest_map(code, widths[-1], dtype=self.dtype)
        form = training_form("transposed", platform=self.trained_on)
        for k in reversed(range(1, levels)):
            block = Transposed(widths[k - 1], KERNEL, self.norm, self.dtype, form, name=f"up{k}")
            x = leaky_relu(block(x, train=train))
        x = Transposed(self.image_channels, KERNEL, "bare", self.dtype, form, name="up0")(x)
        return finished(x, tanh=self.tanh)
