"""The convolutional autoencoder of the Generative Encoder's public code of 2019, which is not that of its paper.

    encoder    three 3x3 convolutions, then in each level two more, the last of which widens: 2 f, 3 f, 4 f maps, each
               level followed by 2x2 max-pooling, down to 8x8 -> two convolutions -> dense -> dense -> code
    decoder    the mirror of it: dense -> dense, then in each level two convolutions, bilinear x2 upsampling and a
               convolution that narrows

At 64 pixels f is 64: 64, 128, 192, 256 maps, 4096 numbers between the dense layers, and a code of 128. There is a ReLU
after every convolution but the last one, and nothing after the dense layers; images come out as they are. What PyTorch
stores as transposed convolutions of stride 1 are convolutions with flipped kernels.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxprior.models.convae.networks.code import Code, checked_images, code_of, finished, flat
from jaxprior.nn.blocks import Convolution, Dense
from jaxprior.nn.convolution import training_form
from jaxprior.nn.pooling import max_pool
from jaxprior.nn.resampling import LINEAR, axis_weights, corner_centres, resample


Array = jax.Array

SMALLEST = 8
"""Side of the smallest feature map."""


def halvings_of(resolution: int) -> int:
    """How often images are halved down to 8x8 pixels.

    Raises:
        ValueError: they cannot be.
    """
    if resolution < 2 * SMALLEST or resolution & (resolution - 1):
        raise ValueError(f"pictures of {resolution} pixels a side cannot be halved to 8; a power of 2 from 16 on can")
    return (resolution // SMALLEST).bit_length() - 1


class Encoder(nn.Module):
    """Images [b, r, r, c] in [-1, 1] -> codes of h numbers.

    Fields:
        resolution, width, code, variational, image_channels, dtype, trained_on: as of `table1.Encoder`.
        between: numbers between the dense layers.
    """

    resolution: int
    width: int = 64
    code: int = 128
    variational: bool = False
    image_channels: int = 3
    between: int = 4096
    dtype: jnp.dtype = jnp.float32
    trained_on: str | None = None

    @nn.compact
    def __call__(self, images: Array, *, train: bool = False) -> Code:
        """Encode images. `train` makes no difference: there are no running statistics."""
        x = checked_images(images, self.resolution, self.image_channels)
        form, halvings = training_form("same", platform=self.trained_on), halvings_of(self.resolution)
        for level in range(halvings + 1):
            maps = self.width * (level + 1)
            wanted = [maps, maps] if level else [maps, maps, maps]
            wanted += [maps + self.width] if level < halvings else []
            for k, features in enumerate(wanted):
                x = nn.relu(Convolution(features, form, dtype=self.dtype, name=f"conv{level}_{k}")(x))
            if level < halvings:
                x = max_pool(x, 2)
        x = Dense(self.between, self.dtype, name="dense")(flat(x))
        return code_of(x, self.code, variational=self.variational, dtype=self.dtype)


class Decoder(nn.Module):
    """Codes [b, h] -> images [b, r, r, c].

    Fields:
        resolution, width, image_channels, tanh, dtype, trained_on: as of `table1.Decoder`; between: as of `Encoder`.
    """

    resolution: int
    width: int = 64
    image_channels: int = 3
    tanh: bool = False
    between: int = 4096
    dtype: jnp.dtype = jnp.float32
    trained_on: str | None = None

    @nn.compact
    def __call__(self, code: Array, *, train: bool = False) -> Array:
        """Decode codes. `train` makes no difference."""
        form, halvings = training_form("same", platform=self.trained_on), halvings_of(self.resolution)
        maps = self.width * (halvings + 1)
        x = Dense(self.between, self.dtype, name="dense0")(code)
        x = Dense(SMALLEST * SMALLEST * maps, self.dtype, name="dense1")(x).reshape(-1, SMALLEST, SMALLEST, maps)

        def convolve(x: Array, features: int, name: str) -> Array:
            return Convolution(features, form, dtype=self.dtype, name=name)(x)

        for level in reversed(range(1, halvings + 1)):
            maps = self.width * (level + 1)
            for k in range(2):
                x = nn.relu(convolve(x, maps, f"up{level}_{k}"))
            x = nn.relu(convolve(doubled(x), maps - self.width, f"up{level}_2"))
        x = nn.relu(convolve(x, self.width, "up0_0"))
        return finished(convolve(x, self.image_channels, "up0_1"), tanh=self.tanh)


def doubled(x: Array) -> Array:
    """Bilinear x2 upsampling that leaves the corners where they are: features [b, s, s, c] -> [b, 2 s, 2 s, c]."""
    side = x.shape[1]
    weights = axis_weights(corner_centres(side, 2 * side), side, kernel=LINEAR)
    return resample(x, weights, weights)
