"""Pictures beside each other on one sheet, for a notebook or a file."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from jaxprior.checks import described, whole_number
from jaxprior.data.pixels import to_uint8
from jaxprior.data.sheets import FONT_SIZE, LINE, grid
from jaxprior.errors import ImageError


SHOWN = 128
"""Smaller pictures are enlarged by a whole number to at most so many pixels a side, by repeating pixels."""


def show(images: Any, *, columns: int = 8) -> Image.Image:
    """Lay pictures out on one sheet, which a notebook shows by itself where it is the last value of a cell.

    Arguments:
        images: pictures [b, h, w, c] or one [h, w, c], with 1 or 3 channels: floats in [-1, 1], or uint8. Or a
            dictionary of several batches of the same pictures under captions, each of which becomes a row, such as
            `{"damaged": damaged, "restored": result.merged, "original": photos}`; smaller ones, such as observations
            of a super-resolution, are enlarged to the size of the others.
        columns: pictures in a row. A single batch goes on in the next row; of several batches as many are shown.

    Returns:
        an image of Pillow, with a method `save(path)`.

    Raises:
        ImageError: something else than pictures, batches of different lengths, or no picture.

    Example:
        >>> sheet = show(np.zeros((3, 32, 32, 3), np.float32))
        >>> sheet.size  # three pictures, four times as large, with two pixels between them
        (392, 132)
    """
    whole_number("columns", columns, least=1)
    if not isinstance(images, Mapping):
        pictures = _enlarged(_pixels(images, "images"), 0)
        return Image.fromarray(grid(pictures, columns=min(columns, len(pictures))))
    batches = {str(caption): _pixels(batch, str(caption)) for caption, batch in images.items()}
    lengths = {caption: len(batch) for caption, batch in batches.items()}
    if len(set(lengths.values())) != 1:
        said = ", ".join(f"{caption} {length}" for caption, length in lengths.items()) or "no batch"
        raise ImageError(f"show: expected batches with the same number of pictures, got {said}.")
    side = max(max(batch.shape[1:3]) for batch in batches.values())
    rows = []
    for caption, batch in batches.items():
        rows += [_line(caption), grid(_enlarged(batch[:columns], side), columns=min(columns, len(batch)))]
    width = max(row.shape[1] for row in rows)
    filled = [np.pad(row, ((0, 0), (0, width - row.shape[1]), (0, 0)), constant_values=255) for row in rows]
    return Image.fromarray(np.concatenate(filled))


def _pixels(images: Any, name: str) -> np.ndarray:
    """Pictures as uint8 [b, h, w, 3]."""
    found = images if isinstance(images, np.ndarray) else np.asarray(images)
    found = found[None] if found.ndim == 3 else found
    if found.ndim != 4 or found.shape[-1] not in (1, 3) or 0 in found.shape or found.dtype.kind not in "fuV":
        raise ImageError(
            f"show: `{name}`: expected pictures [b, h, w, c] of 1 or 3 channels, floats in [-1, 1] or uint8, got "
            f"{described(images)}."
        )
    pixels = found if found.dtype == np.uint8 else to_uint8(found)
    return np.repeat(pixels, 3, axis=-1) if pixels.shape[-1] == 1 else pixels


def _enlarged(pictures: np.ndarray, side: int) -> np.ndarray:
    """Pictures [b, h, w, 3], larger by a whole number: to `side` pixels if that is more, then on to `SHOWN` at most."""
    own = max(pictures.shape[1:3])
    zoom = max(side // own, 1) * max(SHOWN // max(side, own), 1)
    return pictures.repeat(zoom, axis=1).repeat(zoom, axis=2)


def _line(caption: str) -> np.ndarray:
    """A line of text, uint8 [16, w, 3]."""
    font = ImageFont.load_default(FONT_SIZE)
    page = Image.new("RGB", (int(np.ceil(font.getlength(caption))) + 4, LINE), "white")
    ImageDraw.Draw(page).text((2, 0), caption, fill="black", font=font)
    return np.asarray(page)
