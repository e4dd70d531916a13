"""Pictures as they stand inside a page: small files byte by byte, photographs smaller and compressed.

A restored face of 64 pixels has to be judged pixel by pixel, so its PNG file goes into the page as it is. A photograph
would make the page heavy, so at most `LARGEST` pixels a side of it are put in, compressed as WebP.
"""

import base64
import dataclasses
import io
import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from jaxprior.data import images
from jaxprior.errors import ImageError


PNG_START, SIZE_AT = b"\x89PNG\r\n\x1a\n", 16
AS_IS = 320
"""A PNG file of at most this many pixels a side is put into a page as it is."""
LARGEST = 1280
"""So many pixels a side a larger picture has in a page."""
PART_AS_IS, PART_LARGEST = 96, 384
"""The same of a part of a photograph."""
GAP = 2.0
"""How much of a reduction is done by resampling; the rest is averaged before, which is faster."""
QUALITY, METHOD = 90, 2
"""How WebP compresses photographs; a higher method takes longer and hardly makes them smaller."""


Box = tuple[int, int, int, int]
"""A part of a picture: first row, first column, and the row and column after the last ones."""


@dataclasses.dataclass(frozen=True)
class PagePicture:
    """A picture to be put into a page.

    Fields:
        content: the bytes of an image file.
        width, height: of the picture in pixels; `content` has fewer where a photograph was made smaller.
        kind: of the image file, "png" or "webp".
    """

    content: bytes
    width: int
    height: int
    kind: str = "png"

    @property
    def address(self) -> str:
        """The picture as a `data:` address for an HTML page."""
        return f"data:image/{self.kind};base64," + base64.b64encode(self.content).decode()

    def white(self) -> float | None:
        """Return the share of white pixels, which in a mask are missing; None if the file is damaged."""
        try:
            return float((images.load_image(self.content) > 127).mean())
        except ImageError:
            return None


def read_png(path: Path) -> PagePicture | None:
    """Read a PNG file as it is, without decoding it; None if it is not there or no PNG file."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    if not content.startswith(PNG_START) or len(content) < SIZE_AT + 8:
        return None
    return PagePicture(content, *struct.unpack_from(">II", content, SIZE_AT))


def read_crops(path: Path, boxes: Sequence[Box]) -> list[PagePicture]:
    """Read parts of a picture of a run for a page, each a picture of its own; none if the file cannot be decoded.

    Arguments:
        path: of a PNG file; boxes: of the parts.
    """
    found = read_png(path) if boxes else None
    try:
        pixels = None if found is None else images.load_image(found.content)
    except ImageError:
        pixels = None
    if pixels is None:
        return []
    parts = [pixels[top:bottom, left:right] for top, left, bottom, right in boxes]
    return [compressed(part, as_is=PART_AS_IS, largest=PART_LARGEST) for part in parts]


def read_picture(path: Path) -> PagePicture | None:
    """Read a picture of a run for a page: a small one as it is, a photograph smaller and compressed.

    Arguments:
        path: of a PNG file.

    Returns:
        the picture; None if the file is not there, is no PNG file, or is a photograph that cannot be decoded.
    """
    found = read_png(path)
    if found is None or max(found.width, found.height) <= AS_IS:
        return found
    try:
        return compressed(images.load_image(found.content))
    except ImageError:
        return None


def compressed(pixels: np.ndarray, *, as_is: int = AS_IS, largest: int = LARGEST) -> PagePicture:
    """Return a picture for a page; what has few colours, such as a mask, stays free of losses.

    Arguments:
        pixels: uint8 [h, w, 3].
        as_is: at most so many pixels a side stay free of losses, too.
        largest: so many pixels a side it has at most.
    """
    height, width = pixels.shape[:2]
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    plain = picture.getcolors(maxcolors=4) is not None
    how = Image.Resampling.NEAREST if plain else Image.Resampling.LANCZOS
    picture.thumbnail((largest, largest), how, reducing_gap=GAP)
    if plain or max(width, height) <= as_is:
        return PagePicture(_png(picture), width, height)
    data = io.BytesIO()
    picture.save(data, format="WEBP", quality=QUALITY, method=METHOD)
    return PagePicture(data.getvalue(), width, height, kind="webp")


def as_png(image: np.ndarray) -> PagePicture:
    """Return a picture [h, w, c] with values about in [-1, 1], or uint8, as a PNG file in memory; grey ones become
    RGB."""
    pixels = image if image.dtype == np.uint8 else images.to_uint8(image)
    pixels = np.ascontiguousarray(images.to_rgb(pixels))
    return PagePicture(_png(Image.fromarray(pixels)), pixels.shape[1], pixels.shape[0])


def _png(picture: Image.Image) -> bytes:
    """The bytes of a PNG file."""
    data = io.BytesIO()
    picture.save(data, format="PNG", optimize=True)
    return data.getvalue()
