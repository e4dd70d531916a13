"""What a convolution meets beyond the border of a map."""

from typing import Literal, TypeAlias

import jax
import jax.numpy as jnp


Array = jax.Array

Border: TypeAlias = Literal["zeros", "reflect"]
"""Zeros, or the map's own pixels mirrored at the pixel of the border, which itself is not repeated."""


def zero_pad(x: Array, margin: int) -> Array:
    """Zeros around images: [..., h, w, c] -> [..., h + 2 margin, w + 2 margin, c]."""
    return _padded(x, margin, "constant")


def reflect_pad(x: Array, margin: int) -> Array:
    """The mirrored picture around images: [..., h, w, c] -> [..., h + 2 margin, w + 2 margin, c].

    As PyTorch's ReflectionPad2d. A margin that is wider than the picture is mirrored again and again.

    Example:
        >>> reflect_pad(jnp.arange(3.0).reshape(1, 3, 1), 1)[0, :, 0].tolist()
        [1.0, 0.0, 1.0, 2.0, 1.0]
    """
    return _padded(x, margin, "reflect")


def _padded(x: Array, margin: int, mode: str) -> Array:
    return jnp.pad(x, (*((0, 0),) * (x.ndim - 3), (margin, margin), (margin, margin), (0, 0)), mode=mode)


PADS = {"zeros": zero_pad, "reflect": reflect_pad}
"""The function of every `Border`."""
