"""Colours for a photograph of any size: its own brightness at full size, and the colours that a prior restored.

    squares along the photograph --restored--> chroma --enlarged, blended where squares overlap--> + luma

Squares have the photograph's shorter side, and neighbours overlap by a quarter at least. Colours change slowly in
photographs, so that they can be enlarged, while the brightness (luma, BT.601) is kept at every pixel.
"""

import math
from collections.abc import Sequence

import numpy as np

from jaxprior.data.pixels import luma
from jaxprior.restoration.squares import Square, enlarge_square


OVERLAP = 0.25
"""Share of a square that its neighbour covers too, at least."""

ROWS = 512
"""Of a photograph that are coloured at once, so that a large one takes little memory."""


def covering_squares(shape: tuple[int, int]) -> tuple[Square, ...]:
    """Squares that cover a photograph, evenly spaced along its longer side.

    Arguments:
        shape: height and width of the photograph.

    Example:
        >>> covering_squares((100, 150))
        (Square(top=0, left=0, side=100), Square(top=0, left=50, side=100))
    """
    side, length = min(shape), max(shape)
    count = math.ceil((length - side) / ((1 - OVERLAP) * side)) + 1
    starts = [round(i * (length - side) / max(count - 1, 1)) for i in range(count)]
    return tuple(Square(0, start, side) if shape[1] >= shape[0] else Square(start, 0, side) for start in starts)


def recolour(picture: np.ndarray, squares: Sequence[Square], restored: np.ndarray) -> np.ndarray:
    """Give a photograph the colours of restored squares.

    Where a colour does not exist at a pixel's brightness, it is made paler, so that the brightness stays.

    Arguments:
        picture: float32 [h, w, c] in [-1, 1], of which only the luma is used.
        squares: what `covering_squares` returned; restored: float [n, size, size, c], what was restored of them.

    Returns:
        float32 [h, w, 3].
    """
    height, width = picture.shape[:2]
    coloured = np.empty((height, width, 3), np.float32)
    chromas = [np.broadcast_to(one - luma(one), (*one.shape[:2], 3)) for one in restored]
    for first in range(0, height, ROWS):
        end = min(first + ROWS, height)
        total, weights = np.zeros((end - first, width, 3), np.float32), np.zeros((end - first, width, 1), np.float32)
        for square, chroma in zip(squares, chromas, strict=True):
            top, bottom = max(first, square.top), min(end, square.top + square.side)
            if top >= bottom:
                continue
            columns = slice(square.left, square.left + square.side)
            part = enlarge_square(chroma, square, (top, columns.start, bottom, columns.stop))
            weight = _tent(square)
            weight = weight[top - square.top : bottom - square.top, None, None] if height > width else weight[:, None]
            total[top - first : bottom - first, columns] += weight * part
            weights[top - first : bottom - first, columns] += weight
        coloured[first:end] = _with_luma(total / weights, luma(picture[first:end]))
    return coloured


def _tent(square: Square) -> np.ndarray:
    """Weights of a square's pixels along the photograph's longer side, largest in the middle."""
    place = np.arange(square.side, dtype=np.float32) + 0.5
    return np.minimum(place, square.side - place)


def _with_luma(chroma: np.ndarray, brightness: np.ndarray) -> np.ndarray:
    """Colours [h, w, 3] in [-1, 1] with this luma [h, w, 1], paler where they would leave that range."""
    room = np.where(chroma > 0, 1 - brightness, -1 - brightness)
    with np.errstate(divide="ignore", invalid="ignore"):
        most = np.where(chroma == 0, 1, room / chroma).min(axis=-1, keepdims=True)
    return brightness + np.clip(most, 0, 1) * chroma
