"""The sheet of a run: many of its pictures in one file."""

import itertools
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from jaxprior.data import images
from jaxprior.errors import ImageError
from jaxprior.reporting.snapshot import Snapshot


TILE = 128  # smaller pictures are shown enlarged to about this many pixels
LARGEST, BOX = 1024, 256  # pixels a side: larger pictures, and those of any shape, are shown in a box


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

    Rows that lack a picture that others have are left out, and nothing comes of a run without pictures. Photographs of
    any shape are shown whole, in boxes of one size.
    """
    rows = run.rows if run.has_pictures else ()
    strips = list(itertools.islice(filter(None, map(run.pictures, rows)), 4 * limit))
    kinds = max((list(pictures) for pictures in strips), key=len, default=[])
    whole = (tiles for pictures in strips if list(pictures) == kinds and (tiles := _decoded(pictures.values())))
    shown = [tile for tiles in itertools.islice(whole, limit) for tile in tiles]
    if not shown:
        return None
    if all(tile.shape[0] == tile.shape[1] for tile in shown):
        side = tile_side(max(tile.shape[0] for tile in shown))
        return images.grid([enlarge(tile, side) for tile in shown], columns=len(kinds), pad=4)
    if "volume" in run.record["configuration"]:  # what shows volumes has one shape
        return images.grid(shown, columns=len(kinds), pad=8)
    return images.grid([_boxed(tile) for tile in shown], columns=len(kinds), pad=4)


def _decoded(paths: Iterable[Path]) -> list[np.ndarray]:
    """The pictures, large ones made smaller; none of them if one cannot be read."""
    try:
        found = [images.load_image(path) for path in paths]
    except ImageError:
        return []
    return [_boxed(picture) if max(picture.shape) > LARGEST else picture for picture in found]


def _boxed(picture: np.ndarray) -> np.ndarray:
    """A uint8 picture [h, w, 3] as large as a box allows, in the middle of it, on white."""
    if max(picture.shape[:2]) < BOX:
        shown = ImageOps.contain(Image.fromarray(picture), (BOX, BOX), Image.Resampling.NEAREST)
    else:
        shown = Image.fromarray(picture)
        shown.thumbnail((BOX, BOX), Image.Resampling.LANCZOS, reducing_gap=2.0)
    return np.asarray(ImageOps.pad(shown, (BOX, BOX), color="white"))
