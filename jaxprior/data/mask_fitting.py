"""Fitting masks to the pixels of a fitted photograph, so that no pixel called known holds anything of the hole.

A photograph is resized by a bicubic filter that averages over all pixels that fall into one (`images.fit`). A pixel of
the result therefore also holds something of its neighbourhood. A mask that took over only the nearest of the original
pixels would lose thin scratches, and call pixels known that show them. Here a pixel is missing if any missing pixel
lies in it, or if more than `TOLERANCE` of its value can come from missing pixels by the weights of that filter.
"""

import math

import numpy as np

from jaxprior.data.images import centre_square, check_sides
from jaxprior.nn.resampling import axis_weights, cubic, scaled_centres


TOLERANCE = 8 / 255
"""How much of a known pixel's value may come from missing ones: 8 of 255 levels in the worst case."""

ASPECT = 0.02
"""The share by which the shapes of a picture and its mask, or its original, may differ."""

_ROWS = 1024  # of a mask that are converted to floating point at once


def fit_mask(missing: np.ndarray, size: int, *, picture: int | None = None) -> np.ndarray:
    """Fit a mask as `images.fit` fits a photograph: the centre square, resized.

    Arguments:
        missing: bool `[h, w]`, at least 8 pixels on each side.
        size: the side of the result in pixels.
        picture: the shorter side of a photograph that was damaged before it is fitted; by default that of the mask.

    Returns:
        bool `[size, size]`. A square that has this size already stays as it is, unless the photograph is resized.

    Raises:
        ImageError: the mask is too small.

    Example:
        >>> scratch = np.zeros((512, 512), bool)
        >>> scratch[:, 100] = True
        >>> int(fit_mask(scratch, 64).any(axis=0).sum())
        1
    """
    square = centre_square(missing)
    side = len(square)
    if picture is not None and picture != side and (side == size or picture < min(side, size)):
        # The photograph is resized by a wider filter than the mask, so the mask is brought to its pixels first.
        return touched(square, (size, size)) | fit_mask(touched(square, (picture, picture)), size)
    if side == size:
        return square
    weights = np.abs(bicubic_weights(side, size))
    return touched(square, (size, size)) | (_products(weights, square, weights) > TOLERANCE)


def lay_mask(missing: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Lay a mask on a whole picture at the picture's own size.

    Arguments:
        missing: bool `[h, w]`, at least 8 pixels on each side. A square one that is laid on a picture of another shape
            is laid on its centre square, and nothing is missing beside it.
        shape: height and width of the picture.

    Returns:
        bool `[*shape]`. A mask that has this size already stays as it is; every other pixel is missing if any missing
        pixel of the mask overlaps it.

    Raises:
        ImageError: the mask is too small.

    Example:
        >>> lay_mask(np.ones((8, 8), bool), (10, 20)).sum(axis=1).tolist()
        [10, 10, 10, 10, 10, 10, 10, 10, 10, 10]
    """
    check_sides((missing.shape[0], missing.shape[1]))
    if missing.shape == shape:
        return missing
    if missing.shape[0] != missing.shape[1] or shape[0] == shape[1]:
        return touched(missing, shape)
    side = min(shape)
    top, left = (shape[0] - side) // 2, (shape[1] - side) // 2
    laid = np.zeros(shape, bool)
    laid[top : top + side, left : left + side] = touched(missing, (side, side))
    return laid


def same_shape(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether two pictures have the same ratio of height and width, but for 2 %: sides are whole pixels.

    Arguments:
        one, other: heights and widths.

    Example:
        >>> same_shape((200, 300), (67, 100)), same_shape((200, 300), (100, 300))
        (True, False)
    """
    across, along = one[0] * other[1], one[1] * other[0]
    return abs(across - along) <= ASPECT * across


def touched(missing: np.ndarray, size: tuple[int, int], *, step: float | None = None) -> np.ndarray:
    """Shrink or enlarge a mask by maximum: a pixel is missing if any missing pixel overlaps it.

    Arguments:
        missing: bool `[h, w]`.
        size: (height, width) of the result.
        step: how many original pixels one pixel of the result spans; by default the ratio of the sizes, for each axis.

    Returns:
        bool `[*size]`.

    Example:
        >>> touched(np.eye(4, dtype=bool), (2, 2)).tolist()
        [[True, False], [False, True]]
    """
    rows, columns = (_overlaps(side, new, step) for side, new in zip(missing.shape, size, strict=True))
    return _products(rows, missing, columns) > 0


def bicubic_weights(side: int, size: int) -> np.ndarray:
    """Return the weights with which Pillow's bicubic filter resizes a line of pixels.

    Arguments:
        side: pixels of the line.
        size: pixels of the resized line.

    Returns:
        float32 `[size, side]`; each row has the sum 1.

    Example:
        >>> bicubic_weights(16, 8).sum(axis=1).round(5).min()
        np.float32(1.0)
    """
    scale = size / side
    centres = scaled_centres(size, scale)
    return axis_weights(centres, side, kernel=cubic(-0.5), stretch=min(scale, 1.0), border="omit").astype(np.float32)


def _overlaps(side: int, size: int, step: float | None) -> np.ndarray:
    """Which pixels of a line lie, even in part, in each pixel of the resized line: float32 [size, side] of 0 and 1."""
    step = side / size if step is None else step
    pixels = np.arange(side)
    matrix = np.zeros((size, side), np.float32)
    for i in range(size):
        first = math.floor(i * step + 1e-6)
        last = max(math.ceil((i + 1) * step - 1e-6), first + 1)
        matrix[i] = (pixels >= min(first, side - 1)) & (pixels < last)
    return matrix


def _products(rows: np.ndarray, missing: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """rows @ missing @ columns.T, without a copy of the whole mask in floating point."""
    total = np.zeros((len(rows), len(columns)), np.float32)
    for first in range(0, len(missing), _ROWS):
        some = slice(first, first + _ROWS)
        total += rows[:, some] @ (missing[some].astype(np.float32) @ columns.T)
    return total
