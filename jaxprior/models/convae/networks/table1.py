"""The convolutional autoencoder of the Generative Encoder's paper (Ong and Yang, 2020, Table 1).

    encoder    image -> [3x3 convolution, ReLU, 2x2 max-pooling] of f, 2 f, 4 f, ... maps, down to 2x2 -> dense -> code
    decoder    code -> dense -> [nearest x2 upsampling, 3x3 convolution, ReLU] in the reverse order -> image, tanh

At 128 pixels these are six levels, of 32 to 1024 maps, and a code of 256 numbers: 7.3 million parameters each way. The
dense layers are linear. The last convolution of the decoder has no ReLU.
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
from jaxprior.nn.blocks import Convolution
from jaxprior.nn.convolution import training_form
from jaxprior.nn.pooling import max_pool


Array = jax.Array


class Encoder(nn.Module):
    """Images [b, r, r, c] in [-1, 1] -> codes of h numbers.

    Fields:
        resolution: pixels of a side, r, a power of 2 from 4 on.
        width: feature maps of the first level, f; each level has twice as many as the one before.
        code: numbers of a code, h.
        variational: whether it says a mean and a variance in place of a code.
        image_channels: 1 or 3.
        dtype: of the convolutions.
        trained_on: kind of the devices that train it; None where it is only applied.
    """

    resolution: int
    width: int = 32
    code: int = 256
    variational: bool = False
    image_channels: int = 3
    dtype: jnp.dtype = jnp.float32
    trained_on: str | None = None

    @nn.compact
    def __call__(self, images: Array, *, train: bool = False) -> Code:
        """Encode images. `train` makes no difference: there are no running statistics."""
        x = checked_images(images, self.resolution, self.image_channels)
        form = training_form("same", platform=self.trained_on)
        for k in range(levels_of(self.resolution)):
            x = nn.relu(Convolution(self.width << k, form, dtype=self.dtype, name=f"conv{k}")(x))
            x = max_pool(x, 2)
        return code_of(flat(x), self.code, variational=self.variational, dtype=self.dtype)


class Decoder(nn.Module):
    """Codes [b, h] -> images [b, r, r, c].

    Fields:
        resolution, width, image_channels, dtype, trained_on: as of `Encoder`.
        tanh: whether images are bounded by the hyperbolic tangent.
    """

    resolution: int
    width: int = 32
    image_channels: int = 3
    tanh: bool = True
    dtype: jnp.dtype = jnp.float32
    trained_on: str | None = None

    @nn.compact
    def __call__(self, code: Array, *, train: bool = False) -> Array:
        """Decode codes. `train` makes no difference."""
        levels = levels_of(self.resolution)
        widths = [self.width << k for k in range(levels)]
        x = smallest_map(code, widths[-1], dtype=self.dtype)
        form = training_form("up", platform=self.trained_on)
        for k in reversed(range(1, levels)):
            x = nn.relu(Convolution(widths[k - 1], form, dtype=self.dtype, name=f"up{k}")(x))
        return finished(Convolution(self.image_channels, form, dtype=self.dtype, name="up0")(x), tanh=self.tanh)
