"""The holes of a photograph, gathered into squares that a prior restores.

    missing pixels --> thin parts, filled from around
                   --> thick parts --> groups --> a square with context around each group

Where a hole is so thin that the prior has nothing to say of it, it is filled from around, also where it is connected
with a thick hole, as a scratch that runs into a blot. What is left falls into connected parts, and parts near each
other go together. Every missing pixel belongs to exactly one group or to the thin parts. A square is twice as large as
what it restores, as far as the photograph allows it, and at least as large as the prior's pictures (or as the
photograph, if that is smaller), so that nothing is restored at a lower resolution than necessary.
"""

import dataclasses
import math
from typing import Any

import numpy as np
from scipy import ndimage

from jaxprior.errors import MaskError
from jaxprior.restoration.squares import Square, place_square


CONTEXT = 2.0
"""How many times as large as the longer side of a group its square is."""

LEAST_CONTEXT = 1.25
"""The same where a larger square would stick out of the photograph."""

LEAST_KNOWN = 0.25
"""Share of a square that is known; where it is less, the square grows as far as the photograph."""

GROWTH = 1.25
"""Factor by which it grows."""

AROUND_CORE = 2.0
"""How far a thick hole reaches around its core, the pixels that are deeper than in a thin one: past all its corners."""

COARSER = 4.0
"""Factor from the squares for which thin parts are looked for to the next larger ones."""

TOUCHING = np.ones((3, 3))
"""Neighbours of a pixel that belong to the same part."""


@dataclasses.dataclass(frozen=True)
class HoleGroup:
    """Missing pixels that one square restores.

    Fields:
        square: where the prior looks.
        box: around the pixels: first row, first column, and the row and column after the last ones.
        pixels: bool [rows, columns] of the box, which of them the square restores.
    """

    square: Square
    box: tuple[int, int, int, int]
    pixels: np.ndarray


@dataclasses.dataclass(frozen=True)
class ThinParts:
    """Parts so thin that they are filled from around.

    Fields:
        labels: int [h, w], the number of the part that a pixel belongs to, 0 for all other pixels.
        depths: for each number the largest distance of a pixel of that part to a known one, in pixels.
    """

    labels: np.ndarray
    depths: np.ndarray

    @property
    def count(self) -> int:
        """Number of parts."""
        return len(self.depths) - 1


@dataclasses.dataclass(frozen=True)
class Holes:
    """All missing pixels of a photograph.

    Fields:
        groups: those that a prior restores.
        thin: those that are filled from around, or None.
    """

    groups: tuple[HoleGroup, ...]
    thin: ThinParts | None


def find_holes(missing: np.ndarray, size: int, *, thin: float = 0.0) -> Holes:
    """Gather the missing pixels of a photograph.

    Two groups go together if the square of both is no larger than the larger one of theirs, or if each one's square
    shows a part of the other one.

    Arguments:
        missing: bool [h, w].
        size: side of the prior's images in pixels.
        thin: how far from a known pixel a pixel of a thin part lies at most, in pixels of the prior; 0 leaves
            everything to the prior.

    Raises:
        MaskError: nothing of the photograph is known.

    Example:
        >>> missing = np.zeros((300, 400), bool)
        >>> missing[100:150, 200:240] = True
        >>> find_holes(missing, 64).groups[0].square
        Square(top=75, left=170, side=100)
    """
    if missing.all():
        raise MaskError("nothing of the photograph is known: all of it is missing.")
    depths = _depths_of(missing)
    thick = missing if thin == 0 else _thick_pixels(missing, depths, size, thin)
    rest = missing & ~thick
    return Holes(_groups_of(thick, size), _thin_parts(rest, depths) if rest.any() else None)


def _thick_pixels(missing: np.ndarray, depths: np.ndarray, size: int, thin: float) -> np.ndarray:
    """What the prior restores of some missing pixels.

    What is thin depends on the size of the squares, and this on what is left when the thin parts are gone. So thin
    parts are taken away for small squares first, and then for larger ones, where squares are larger: a scratch is
    gone before it can join what lies along it to one hole.
    """
    scale = min(1.0, min(missing.shape) / size)
    thick = _near_core(depths, missing, thin * scale)
    while True:
        groups, thick = _groups_of(thick, size), np.zeros_like(missing)
        for group in groups:
            top, left, bottom, right = group.box
            thinnest = thin * min(scale, group.square.side / size)
            thick[top:bottom, left:right] |= _near_core(depths[top:bottom, left:right], group.pixels, thinnest)
        if all(group.square.side / size <= scale for group in groups):
            return thick
        scale *= COARSER


def _thin_parts(pixels: np.ndarray, depths: np.ndarray) -> ThinParts:
    labels, count = _parts(pixels)
    return ThinParts(labels, _deepest(labels, count, depths))


def _near_core(depths: np.ndarray, pixels: np.ndarray, thinnest: float) -> np.ndarray:
    """What is thick of some missing pixels: those that lie deeper than in a thin part, and those around them."""
    core = pixels & (depths > thinnest)
    if not core.any():
        return core
    distances: Any = ndimage.distance_transform_edt(~core)
    return pixels & (distances <= AROUND_CORE * thinnest)


def _groups_of(missing: np.ndarray, size: int) -> tuple[HoleGroup, ...]:
    """Gather the connected parts into groups."""
    shape = (missing.shape[0], missing.shape[1])
    labels, count = _parts(missing)
    groups = []
    if count:
        boxes = _boxes_of(labels, count)
        for parts in _grouped(boxes, shape, size):
            box = _around(boxes[parts])
            top, left, bottom, right = box
            chosen = np.zeros(count + 1, bool)
            chosen[parts + 1] = True
            groups.append(HoleGroup(_square_around(box, missing, size), box, chosen[labels[top:bottom, left:right]]))
    return tuple(groups)


def _parts(missing: np.ndarray) -> tuple[np.ndarray, int]:
    """The number of the connected part of every pixel, 0 for known ones, and how many parts there are."""
    found: Any = ndimage.label(missing, TOUCHING)  # a tuple, of which the stubs do not know
    return found


def _boxes_of(labels: np.ndarray, count: int) -> np.ndarray:
    """Boxes around the parts, [count, 4]: first row and column, and those after the last ones."""
    found: Any = ndimage.find_objects(labels)
    boxes = np.empty((count, 4), np.int64)
    for i, (rows, columns) in enumerate(found):
        boxes[i] = rows.start, columns.start, rows.stop, columns.stop
    return boxes


def _depths_of(missing: np.ndarray) -> np.ndarray:
    """Of every missing pixel the distance to the nearest known one, float32 [h, w]; 0 at known pixels."""
    depths = np.zeros(missing.shape, np.float32)
    rows, columns = np.flatnonzero(missing.any(axis=1)), np.flatnonzero(missing.any(axis=0))
    if len(rows):
        around = tuple(slice(max(some[0] - 1, 0), some[-1] + 2) for some in (rows, columns))
        depths[around] = ndimage.distance_transform_edt(missing[around])
    return depths


def _deepest(labels: np.ndarray, count: int, depths: np.ndarray) -> np.ndarray:
    """The largest depth of every part, [count + 1]; 0 for what is no part."""
    deepest = np.zeros(count + 1, np.float32)
    pixels = labels > 0
    np.maximum.at(deepest, labels[pixels], depths[pixels])
    return deepest


def _sides(boxes: np.ndarray, shape: tuple[int, int], size: int) -> np.ndarray:
    """Sides of the squares around boxes [..., 4]."""
    longer = np.maximum(boxes[..., 2] - boxes[..., 0], boxes[..., 3] - boxes[..., 1])
    shorter_side, longer_side = min(shape), max(shape)
    wanted = np.minimum(CONTEXT * longer, np.maximum(shorter_side, np.ceil(LEAST_CONTEXT * longer)))
    return np.minimum(np.maximum(wanted, min(size, shorter_side)), longer_side).astype(np.int64)


def _squares(boxes: np.ndarray, shape: tuple[int, int], size: int) -> np.ndarray:
    """Boxes [n, 4] of the squares around boxes."""
    sides = _sides(boxes, shape, size)
    starts = []
    for axis, length in enumerate(shape):
        room = length - sides
        centred = (boxes[:, axis] + boxes[:, axis + 2] - sides) // 2
        starts.append(np.clip(centred, np.minimum(room, 0), np.maximum(room, 0)))
    return np.stack([*starts, starts[0] + sides, starts[1] + sides], axis=1)


def _grouped(boxes: np.ndarray, shape: tuple[int, int], size: int) -> list[np.ndarray]:
    """Which parts go together: for every group the numbers of its parts. A greedy union, smallest squares first."""
    members = _near_ones_together(boxes, shape, size)
    boxes = np.array([_around(boxes[some]) for some in members]).reshape(-1, 4)
    changed = True
    while changed:
        changed, i = False, 0
        while i < len(members):
            squares, sides = _squares(boxes, shape, size), _sides(boxes, shape, size)
            first, end = np.minimum(boxes[:, :2], boxes[i, :2]), np.maximum(boxes[:, 2:], boxes[i, 2:])
            both = np.concatenate([first, end], axis=1)
            together = _sides(both, shape, size)
            joined = together <= np.maximum(sides, sides[i])
            joined |= _overlap(boxes, squares[i]) & _overlap(squares, boxes[i])
            joined[i] = False
            if not joined.any():
                i += 1
                continue
            other = int(np.argmin(np.where(joined, together, np.iinfo(np.int64).max)))
            boxes[i] = both[other]
            members[i] = np.concatenate([members[i], members[other]])
            boxes = np.delete(boxes, other, axis=0)
            del members[other]
            changed, i = True, i - (other < i)
    return members


def _around(boxes: np.ndarray) -> tuple[int, int, int, int]:
    """The box around some boxes [n, 4]."""
    top, left, bottom, right = (*boxes[:, :2].min(axis=0), *boxes[:, 2:].max(axis=0))
    return int(top), int(left), int(bottom), int(right)


def _near_ones_together(boxes: np.ndarray, shape: tuple[int, int], size: int) -> list[np.ndarray]:
    """Parts that lie in one cell of half the least square, which go together in any case: so thousands become few."""
    cell = max(min(size, *shape) // 2, 1)
    first, last = boxes[:, :2] // cell, (boxes[:, 2:] - 1) // cell
    alone = (first != last).any(axis=1)
    number = first[:, 0] * (shape[1] // cell + 1) + first[:, 1]
    number = np.where(alone, -1 - np.arange(len(boxes)), number)
    order = np.argsort(number, kind="stable")
    cuts = np.flatnonzero(np.diff(number[order])) + 1
    return [some for some in np.split(order, cuts) if len(some)]


def _overlap(boxes: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Which of some boxes [n, 4] share pixels with one box [4]."""
    return np.all(boxes[:, :2] < box[2:], axis=1) & np.all(boxes[:, 2:] > box[:2], axis=1)


def _square_around(box: tuple[int, int, int, int], missing: np.ndarray, size: int) -> Square:
    """The square around a box, which grows until enough of it is known."""
    shape = (missing.shape[0], missing.shape[1])
    side, longest = int(_sides(np.array(box), shape, size)), max(shape)
    square = place_square(box, side, shape)
    while _known_share(missing, square) < LEAST_KNOWN and square.side < longest:
        square = place_square(box, min(math.ceil(GROWTH * square.side), longest), shape)
    return square


def _known_share(missing: np.ndarray, square: Square) -> float:
    rows = slice(max(square.top, 0), square.top + square.side)
    columns = slice(max(square.left, 0), square.left + square.side)
    return float((~missing[rows, columns]).sum() / square.side**2)
