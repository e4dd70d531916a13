"""Sheets of pictures with a line of text over each, for people to compare."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from jaxprior.data.images import grid


LINE, PAD = 16, 4
TILE = 160
"""Smaller pictures are shown enlarged, pixel by pixel, to about so many pixels."""
FONT_SIZE = 12


def captioned_grid(pictures: Sequence[tuple[str, np.ndarray]], *, columns: int) -> np.ndarray:
    """Lay pictures out in rows on white, each under its caption.

    Arguments:
        pictures: (caption, uint8 [h, w, 3]), of one size; a cell is as wide as the widest caption or picture. Small
            pictures are enlarged by a whole number.
        columns: pictures in a row.

    Returns:
        one uint8 picture.

    Raises:
        `ImageError` if there are none, or they differ in size.

    Example:
        >>> sheet = captioned_grid([("before", photo), ("after", restored)], columns=2)     # doctest: +SKIP
    """
    font = ImageFont.load_default(FONT_SIZE)
    widest = max((int(np.ceil(font.getlength(text))) for text, _ in pictures), default=0)
    return grid([_cell(text, picture, font, widest) for text, picture in pictures], columns=columns, pad=PAD)


def _cell(text: str, picture: np.ndarray, font: ImageFont.ImageFont, least: int) -> np.ndarray:
    zoom = max(1, round(TILE / max(picture.shape[:2])))
    picture = picture.repeat(zoom, axis=0).repeat(zoom, axis=1)
    height, width = picture.shape[:2]
    page = Image.new("RGB", (max(width, least), height + LINE), "white")
    ImageDraw.Draw(page).text((0, 0), text, fill="black", font=font)
    page.paste(Image.fromarray(picture), (0, LINE))
    return np.asarray(page)
