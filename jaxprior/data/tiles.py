"""Converting tiles of a decoded picture to sRGB of 8 bits, with transparent pixels laid on white.

There is a function for each depth of the samples. Tiles keep the memory small; `jaxprior.data.decoding` cuts them.
"""

from collections.abc import Callable

import numpy as np
from PIL import Image

from jaxprior.data.colour import Colours


TRANSPARENT = "transparent pixels were laid on white"
"""The note of a picture that has such pixels."""

_ALPHA = ("LA", "La", "PA", "RGBA", "RGBa")

Convert = Callable[[Image.Image, Colours, set[str]], np.ndarray]
"""Converts a tile to sRGB, uint8 [h, w, 3] or [h, w, 1] for grey, and may add to the notes."""


def from_sixteen_bit(maximum: int, white_is_zero: bool, transparent: object) -> Convert:
    """Return a function that converts a tile of 16-bit grey samples.

    Arguments:
        maximum: the highest value that a sample can have.
        white_is_zero: whether the file stores white as 0.
        transparent: the value that stands for "transparent" if it is a number; such pixels become white.
    """

    def convert(tile: Image.Image, colours: Colours, notes: set[str]) -> np.ndarray:
        samples = np.asarray(tile).astype(np.uint32)
        if colours.transform is None:
            grey = ((samples * 255 + maximum // 2) // maximum).clip(0, 255).astype(np.uint8)[..., None]
            pixels = 255 - grey if white_is_zero else grey
        else:
            levels = np.minimum(samples / maximum, 1) * 255
            pixels = colours.from_grey(255 - levels if white_is_zero else levels)
        hidden = samples == transparent if isinstance(transparent, int) else np.False_
        if hidden.any():
            pixels[hidden] = 255
            notes.add(TRANSPARENT)
        return pixels

    return convert


def from_float(tile: Image.Image, colours: Colours, notes: set[str]) -> np.ndarray:
    """Convert a tile of floating point grey in [0, 1]."""
    levels = np.asarray(tile) * 255
    return np.rint(levels).astype(np.uint8)[..., None] if colours.transform is None else colours.from_grey(levels)


def from_eight_bit(tile: Image.Image, colours: Colours, notes: set[str]) -> np.ndarray:
    """Convert a tile of any 8-bit mode, and lay transparent pixels on white."""
    if tile.mode not in _ALPHA and "transparency" not in tile.info:
        return np.asarray(colours.to_srgb(tile))
    with_alpha = tile.convert("RGBA")
    alpha = with_alpha.getchannel("A")
    if alpha.getextrema()[0] != 255:
        notes.add(TRANSPARENT)
    page = Image.new("RGB", tile.size, "white")
    page.paste(colours.to_srgb(with_alpha.convert("RGB")), mask=alpha)
    return np.asarray(page)
