"""The code of a convolutional autoencoder, which is a number vector or a normal distribution of such vectors."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxprior.nn.blocks import Dense
from jaxprior.nn.elementwise import widen


Array = jax.Array

SMALLEST = 2
"""Side of the smallest feature map of Table 1 and of the code of 2021."""


class Code(NamedTuple):
    """What an encoder says of images.

    Fields:
        mean: the code, or the mean of a variational encoder's codes, float32 [b, h].
        log_variance: the logarithm of their variance [b, h]; None where the encoder is not variational.
    """

    mean: Array
    log_variance: Array | None = None

    def sampled(self, noise: Array) -> Array:
        """Draw a code, mean + exp(log_variance / 2) * noise (Kingma and Welling, 2013, section 2.4).

        Arguments:
            noise: from N(0, 1), [b, h]. An encoder that is not variational ignores it.

        Returns:
            codes [b, h].
        """
        return self.mean if self.log_variance is None else self.mean + jnp.exp(0.5 * self.log_variance) * noise

    def divergence(self) -> Array:
        """The Kullback-Leibler divergence of each image's distribution of codes from N(0, I), [b], in nats.

        It is 0 for an encoder that is not variational (Kingma and Welling, 2013, appendix B).

        Example:
            >>> Code(jnp.ones((1, 3)), jnp.zeros((1, 3))).divergence().tolist()
            [1.5]
        """
        if self.log_variance is None:
            return jnp.zeros(len(self.mean))
        variance = jnp.exp(self.log_variance)
        return 0.5 * jnp.sum(jnp.square(self.mean) + variance - 1.0 - self.log_variance, axis=-1)


def levels_of(resolution: int) -> int:
    """How often images are halved down to 2x2 pixels.

    Arguments:
        resolution: pixels of a side, a power of 2 from 4 on.

    Raises:
        ValueError: it is no such number.

    Example:
        >>> levels_of(128)
        6
    """
    if resolution < 2 * SMALLEST or resolution & (resolution - 1):
        raise ValueError(f"pictures of {resolution} pixels a side cannot be halved to 2; a power of 2 from 4 on can")
    return resolution.bit_length() - 2


def checked_images(images: Array, resolution: int, channels: int) -> Array:
    """The images, if they have the size that an encoder was made for.

    Arguments:
        images: [b, r, r, c].
        resolution, channels: r and c that the encoder takes.

    Raises:
        ValueError: they have another shape.
    """
    if images.shape[1:] != (resolution, resolution, channels):
        theirs = "x".join(map(str, images.shape[1:]))
        raise ValueError(
            f"this convolutional autoencoder takes images of {resolution}x{resolution}x{channels}, got {theirs}"
        )
    return images


def flat(x: Array) -> Array:
    """A feature map [b, h, w, c] as vectors [b, h w c]."""
    return x.reshape(len(x), -1)


def code_of(x: Array, numbers: int, *, variational: bool, dtype: jnp.dtype) -> Code:
    """The code of what the last hidden layer says of images; inside a compact method, whose layers it makes.

    Arguments:
        x: vectors [b, n].
        numbers: of a code, h.
        variational: whether there is a variance, too.
        dtype: of the dense layers; the code is float32 or wider.
    """
    mean = widen(Dense(numbers, dtype, name="mean")(x))
    return Code(mean, widen(Dense(numbers, dtype, name="log_variance")(x)) if variational else None)


def smallest_map(code: Array, channels: int, *, dtype: jnp.dtype) -> Array:
    """The map [b, 2, 2, channels] that a decoder begins with; inside a compact method, whose layer it makes."""
    x = Dense(SMALLEST * SMALLEST * channels, dtype, name="dense")(code)
    return x.reshape(len(code), SMALLEST, SMALLEST, channels)


def finished(x: Array, *, tanh: bool) -> Array:
    """What the last convolution gives as images: bounded by the hyperbolic tangent, or as it is; float32 or wider."""
    return jnp.tanh(widen(x)) if tanh else widen(x)
