"""Pictures for reports: PNG files as they are put into a page, and one sheet of many."""

import base64
import dataclasses
import io
import itertools
import struct
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from jaxprior.data import images
from jaxprior.errors import ImageError
from jaxprior.reporting.snapshot import Snapshot


PNG_START, SIZE_AT = b"\x89PNG\r\n\x1a\n", 16
TILE = 128  # smaller pictures are shown enlarged to about this many pixels


@dataclasses.dataclass(frozen=True)
class PngFile:
    """A PNG file's bytes, and the picture's size in pixels."""

    content: bytes
    width: int
    height: int

    @property
    def address(self) -> str:
        """The picture as a `data:` address for an HTML page."""
        return "data:image/png;base64," + base64.b64encode(self.content).decode()

    def white(self) -> float | None:
        """Share of white pixels, which in a mask are missing; None if the file is damaged."""
        try:
            return float((images.load_image(self.content) > 127).mean())
        except ImageError:
            return None


def read_png(path: Path) -> PngFile | None:
    """Read a PNG file once, without decoding it; None if it is not there or no PNG file."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    if not content.startswith(PNG_START) or len(content) < SIZE_AT + 8:
        return None
    return PngFile(content, *struct.unpack_from(">II", content, SIZE_AT))


def as_png(image: np.ndarray) -> PngFile:
    """A picture [h, w, c] with values about in [-1, 1], or uint8, as a PNG file in memory; grey ones are repeated."""
    pixels = image if image.dtype == np.uint8 else images.to_uint8(image)
    pixels = images.to_rgb(pixels)
    data = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(data, format="PNG", optimize=True)
    return PngFile(data.getvalue(), pixels.shape[1], pixels.shape[0])


def enlarge(picture: np.ndarray, side: int) -> np.ndarray:
    """Scale a uint8 picture [h, h, 3] to `side` pixels, pixel by pixel (nearest neighbour)."""
    if picture.shape[:2] == (side, side):
        return picture
    return np.asarray(Image.fromarray(picture).resize((side, side), Image.Resampling.NEAREST))


def tile_side(side: int) -> int:
    """Return the pixels to show a picture of `side` pixels with: a whole multiple, up to about 128."""
    return side * max(1, TILE // side)


def sheet(run: Snapshot, *, limit: int = 32) -> np.ndarray | None:
    """Return the first pictures of a run as one uint8 picture: a row each, columns as in the folder's layout.

    Rows that lack a picture that others have are left out, and nothing comes of a run without pictures.
    """
    strips = list(itertools.islice(filter(None, map(run.pictures, run.rows)), 4 * limit))
    kinds = max((list(pictures) for pictures in strips), key=len, default=[])
    whole = (tiles for pictures in strips if list(pictures) == kinds and (tiles := _decoded(pictures.values())))
    shown = list(itertools.islice(whole, limit))
    if not shown:
        return None
    side = tile_side(max(tile.shape[0] for tiles in shown for tile in tiles))
    return images.grid([enlarge(tile, side) for tiles in shown for tile in tiles], columns=len(kinds), pad=4)


def _decoded(paths: Iterable[Path]) -> list[np.ndarray]:
    """The pictures, or none of them if one cannot be read."""
    try:
        return [images.load_image(path) for path in paths]
    except ImageError:
        return []
