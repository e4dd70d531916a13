"""Squares of a photograph: cut out and scaled to the size of a prior, and brought back to the photograph's pixels.

A photograph may have any size, and a prior restores squares of one size. So squares are cut out of the photograph,
scaled as `jaxprior.images.fit` scales pictures, restored together, and enlarged again. A square may stick out of the
photograph; what lies outside is then missing.
"""

import dataclasses
from typing import Any

import numpy as np
from PIL import Image
from scipy import ndimage

from jaxprior.data import images
from jaxprior.data.mask_fitting import fit_mask


@dataclasses.dataclass(frozen=True)
class Square:
    """A square of a photograph.

    Fields:
        top, left: its first row and column, negative where it sticks out of the photograph.
        side: in pixels of the photograph.
    """

    top: int
    left: int
    side: int


def place_square(box: tuple[int, int, int, int], side: int, shape: tuple[int, int]) -> Square:
    """Centre a square on a box, and move it inside the photograph as far as it fits.

    Arguments:
        box: first row, first column, and the row and column after the last ones.
        side: of the square; shape: height and width of the photograph.

    Example:
        >>> place_square((0, 40, 10, 50), 20, (100, 100))
        Square(top=0, left=35, side=20)
    """
    starts = []
    for first, end, length in ((box[0], box[2], shape[0]), (box[1], box[3], shape[1])):
        room = length - side
        starts.append(min(max((first + end - side) // 2, min(room, 0)), max(room, 0)))
    return Square(starts[0], starts[1], side)


def cut_square(
    pixels: np.ndarray, square: Square, size: int, *, missing: np.ndarray | None = None
) -> np.ndarray:
    """Cut a square out of a photograph and scale it to the size of a prior.

    What a photograph shows at missing pixels is not looked at: before scaling they get the colour of the nearest known
    pixel, and so does what lies outside of the photograph.

    Arguments:
        pixels: the photograph, uint8 [h, w, 3].
        square: where.
        size: side of the result in pixels.
        missing: bool [h, w]; nothing where None.

    Returns:
        uint8 [size, size, 3].
    """
    window, border = _within(square, (pixels.shape[0], pixels.shape[1]))
    part = pixels[window] if missing is None else _from_nearest(pixels[window], missing[window])
    whole = np.pad(part, [*border, (0, 0)], mode="edge")
    return whole if square.side == size else images.fit(np.ascontiguousarray(whole), size)


def cut_mask(missing: np.ndarray, square: Square, size: int) -> np.ndarray:
    """Cut a square out of the mask of a photograph and scale it to the size of a prior.

    Arguments:
        missing: bool [h, w] of the photograph; what lies outside of the photograph is missing too.
        square, size: as for `cut_square`.

    Returns:
        float32 [size, size] of 1 where something missing lies in a pixel.
    """
    window, border = _within(square, (missing.shape[0], missing.shape[1]))
    return fit_mask(np.pad(missing[window], border, constant_values=True), size).astype(np.float32)


def enlarge_square(
    picture: np.ndarray, square: Square, box: tuple[int, int, int, int], *, resample: str = "bicubic"
) -> np.ndarray:
    """Bring a part of a restored square back to the pixels of the photograph.

    Arguments:
        picture: float [size, size, c], the restored square.
        square: where it was cut out.
        box: the part of the photograph that is wanted: first row, first column, and the row and column after the last
            ones; it lies inside the square.
        resample: "bicubic" or "bilinear".

    Returns:
        float32 [rows, columns, c].
    """
    top, left, bottom, right = box
    scale = len(picture) / square.side
    source = ((left - square.left) * scale, (top - square.top) * scale,
              (right - square.left) * scale, (bottom - square.top) * scale)  # fmt: skip
    kind = Image.Resampling[resample.upper()]
    channels = [
        Image.fromarray(np.ascontiguousarray(picture[..., i], np.float32)).resize(
            (right - left, bottom - top), kind, box=source
        )
        for i in range(picture.shape[-1])
    ]
    return np.stack([np.asarray(channel) for channel in channels], axis=-1)


def _within(square: Square, shape: tuple[int, int]) -> tuple[tuple[slice, slice], list[tuple[int, int]]]:
    """The part of a square that lies in a photograph, and how many pixels stick out before and after it."""
    window, border = [], []
    for start, length in zip((square.top, square.left), shape, strict=True):
        first, end = max(start, 0), min(start + square.side, length)
        window.append(slice(first, end))
        border.append((first - start, start + square.side - end))
    return (window[0], window[1]), border


def _from_nearest(pixels: np.ndarray, missing: np.ndarray) -> np.ndarray:
    """A photograph [h, w, 3] in which every missing pixel has the value of the nearest known one."""
    if not missing.any() or missing.all():
        return pixels
    rows, columns = np.flatnonzero(missing.any(axis=1)), np.flatnonzero(missing.any(axis=0))
    around = tuple(slice(max(some[0] - 1, 0), some[-1] + 2) for some in (rows, columns))
    nearest: Any = ndimage.distance_transform_edt(missing[around], return_distances=False, return_indices=True)
    filled = pixels.copy()
    filled[around] = pixels[around][tuple(nearest)]
    return filled
