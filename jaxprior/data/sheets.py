"""Sheets: several pictures side by side on one page, with or without a line of text over each."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from jaxprior.checks import described, whole_number
from jaxprior.data.pixels import require_pixels
from jaxprior.errors import ImageError


TILE = 160
"""Pictures under captions are enlarged to about this many pixels if they are smaller."""

FONT_SIZE = 12
LINE = 16
"""Height of a line of text in pixels."""

PAD = 4
"""White pixels between pictures with captions."""


def grid(images: np.ndarray | Sequence[np.ndarray], *, columns: int, pad: int = 2) -> np.ndarray:
    """Lay pictures out in rows on a white page.

    Arguments:
        images: uint8 pictures of one size, `[b, h, w, 3]` or a list of `[h, w, 3]`.
        columns: the number of pictures in a row; the last row may be shorter.
        pad: the number of white pixels between two pictures, and around all of them.

    Returns:
        the page as one uint8 picture.

    Raises:
        ImageError: there are no pictures, they differ in size, or a number is too small.

    Example:
        >>> save_png("all.png", grid([load_image("cat.png")] * 6, columns=3))
    """
    if not isinstance(images, Sequence | np.ndarray) or isinstance(images, str):
        raise ImageError(f"grid: expected uint8 pictures [b, h, w, 3] or a list of them, got {described(images)}.")
    for name, number in (("columns", columns), ("pad", pad)):
        whole_number(name, number, error=ImageError)
    if len(images) == 0 or columns < 1 or pad < 0:
        raise ImageError(f"grid: expected pictures, columns >= 1 and pad >= 0, got {len(images)}, {columns} and {pad}.")
    for image in images:
        require_pixels(image, "grid")
        if image.shape != images[0].shape:
            raise ImageError(f"grid: pictures of {image.shape} and {images[0].shape}; fit them to one size.")
    height, width, _ = images[0].shape
    rows = -(-len(images) // columns)
    page = np.full((rows * (height + pad) + pad, columns * (width + pad) + pad, 3), 255, np.uint8)
    for index, image in enumerate(images):
        top = pad + index // columns * (height + pad)
        left = pad + index % columns * (width + pad)
        page[top : top + height, left : left + width] = image
    return page


def captioned_grid(pictures: Sequence[tuple[str, np.ndarray]], *, columns: int) -> np.ndarray:
    """Lay pictures out in rows on a white page, each under a line of text.

    Arguments:
        pictures: pairs of a caption and a uint8 picture `[h, w, 3]`; all pictures have one size. Small pictures are
            enlarged by a whole number, and each gets as much room as the widest caption or picture needs.
        columns: the number of pictures in a row.

    Returns:
        the page as one uint8 picture.

    Raises:
        ImageError: there are no pictures, or they differ in size.

    Example:
        >>> sheet = captioned_grid([("a", load_image("cat.png")), ("b", load_image("cat.png"))], columns=2)
    """
    font = ImageFont.load_default(FONT_SIZE)
    widest = max((int(np.ceil(font.getlength(text))) for text, _ in pictures), default=0)
    return grid([_captioned(text, picture, font, widest) for text, picture in pictures], columns=columns, pad=PAD)


def _captioned(
    text: str, picture: np.ndarray, font: ImageFont.ImageFont | ImageFont.FreeTypeFont, least_width: int
) -> np.ndarray:
    """Draw one picture under its caption; small pictures are enlarged by repeating their pixels."""
    zoom = max(1, round(TILE / max(picture.shape[:2])))
    picture = picture.repeat(zoom, axis=0).repeat(zoom, axis=1)
    height, width = picture.shape[:2]
    page = Image.new("RGB", (max(width, least_width), height + LINE), "white")
    ImageDraw.Draw(page).text((0, 0), text, fill="black", font=font)
    page.paste(Image.fromarray(picture), (0, LINE))
    return np.asarray(page)
