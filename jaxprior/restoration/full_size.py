"""Holes of a photograph at its own size: what a prior restored of them is joined to the photograph without a seam.

    restored square, enlarged: U        photograph: y
    in the hole:  U + H(y - U)          H = the membrane (`jaxprior.restoration.smooth_fill`)

At the border of the hole the sum is y, so that no seam is left; inside, it has the detail of U. The membrane in a hole
depends on nothing but the pixels around it, so only the box of the hole is computed, padded to a power of two:
photographs of all sizes share few programs. Thin holes are filled from around, without a prior, in windows.
"""

from collections.abc import Callable, Iterator

import jax
import numpy as np

from jaxprior.data.pixels import to_float, to_uint8
from jaxprior.restoration.holes import HoleGroup, ThinParts
from jaxprior.restoration.merge_rule import MergeRule
from jaxprior.restoration.merging import smooth
from jaxprior.restoration.smooth_fill import harmonic_fill
from jaxprior.restoration.squares import enlarge_square
from jaxprior.system.activity import doing
from jaxprior.system.quick_programs import QUICKLY_COMPILED


LEAST_SIDE = 128
"""Of what is padded, and of the windows in which thin holes are filled, in pixels."""

WINDOW = 8
"""How many times as large a window is, at least, as the distance of a pixel in a thin hole to a known one."""

MARGIN = 4
"""How many such distances a window reaches over what is filled in it, but no more than a quarter of its side: what a
thin hole is filled with depends on nothing farther away."""

_harmonic = jax.jit(harmonic_fill, compiler_options=QUICKLY_COMPILED)
_smooth = jax.jit(smooth, compiler_options=QUICKLY_COMPILED)


def join(
    photo: np.ndarray, missing: np.ndarray, group: HoleGroup, restored: np.ndarray, *, seamless: bool = True
) -> None:
    """Put what was restored of some holes into a photograph, in place.

    Arguments:
        photo: uint8, or floats in [-1, 1], [h, w, c].
        missing: bool [h, w], what is missing of it; other holes are looked at as little as this one.
        group: which pixels are restored, and in which square.
        restored: float [size, size, c], the restored square.
        seamless: add the membrane; otherwise the enlarged square stands as it is.
    """
    top, left, bottom, right = group.box
    first = (max(top - 1, 0), max(left - 1, 0))
    around = (*first, min(bottom + 1, missing.shape[0]), min(right + 1, missing.shape[1]))
    window = (slice(around[0], around[2]), slice(around[1], around[3]))
    found = enlarge_square(restored, group.square, (around[0], around[1], around[2], around[3]))
    if seamless:
        difference = np.where(missing[window][..., None], 0, as_float(photo[window]) - found)
        found = found + _on_square(_harmonic, difference, missing[window])
    inner = found[top - first[0] : bottom - first[0], left - first[1] : right - first[1]]
    photo[top:bottom, left:right][group.pixels] = as_type(inner[group.pixels], photo.dtype)


def fill_thin(photo: np.ndarray, missing: np.ndarray, thin: ThinParts, *, rule: MergeRule, thinnest: float) -> None:
    """Fill thin holes of a photograph from around, in place: see `jaxprior.restoration.merging.smooth`.

    Arguments:
        photo: uint8, or floats in [-1, 1], [h, w, c].
        missing: bool [h, w], what is missing of it.
        thin: which holes are filled.
        rule: how the two fills are weighed, by the thickness in pixels of the prior; thinnest: the largest one.
    """
    plates, _ = rule.weights(np.minimum(thin.depths, thinnest))
    with doing("filling thin holes from around", unit="windows") as work:
        for window, chosen in _windows(thin):
            known = np.where(missing[window][..., None], 0, as_float(photo[window]))
            filled = _on_square(_smooth, known, missing[window], plates[thin.labels[window]])
            photo[window][chosen] = as_type(filled[chosen], photo.dtype)
            work.moved(work.done + 1)


def as_float(photo: np.ndarray) -> np.ndarray:
    """A photograph, or a part of one, as float32 in [-1, 1]."""
    return to_float(photo) if photo.dtype == np.uint8 else np.asarray(photo, np.float32)


def as_type(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Floats in [-1, 1], or a little outside, as a photograph of a type has them: uint8, or floats in [-1, 1]."""
    return to_uint8(values) if dtype == np.uint8 else np.clip(values, -1, 1).astype(dtype)


Window = tuple[slice, slice]


def _windows(thin: ThinParts) -> Iterator[tuple[Window, np.ndarray]]:
    """Windows of a photograph, each with the pixels that are filled in it, bool of its size.

    Every pixel of the thin parts is filled in one window. Thicker parts have larger windows.
    """
    wanted = np.exp2(np.ceil(np.log2(np.maximum(WINDOW * thin.depths, LEAST_SIDE)))).astype(int)
    for side in np.unique(wanted[1:]):
        chosen = (wanted == side) & (np.arange(len(wanted)) > 0)
        margin = min(side // 4, int(np.ceil(MARGIN * thin.depths[chosen].max())))
        step = side - 2 * margin
        of_size = chosen[thin.labels]
        for top in range(0, of_size.shape[0], step):
            for left in range(0, of_size.shape[1], step):
                cell = of_size[top : top + step, left : left + step]
                if not cell.any():
                    continue
                first = max(top - margin, 0), max(left - margin, 0)
                rows, columns = slice(first[0], top + step + margin), slice(first[1], left + step + margin)
                pixels = np.zeros(of_size[rows, columns].shape, bool)
                inside = pixels[top - first[0] :, left - first[1] :]
                inside[: cell.shape[0], : cell.shape[1]] = cell
                yield (rows, columns), pixels


def _on_square(fill: Callable[..., jax.Array], known: np.ndarray, *maps: np.ndarray) -> np.ndarray:
    """Fill a part of a photograph [h, w, c] on a square whose side is a power of two.

    Arguments:
        fill: of the part, of maps of it, and of where there is a picture.
        known: the part.
        maps: [h, w], what is missing and further ones.
    """
    height, width = known.shape[:2]
    side = max(1 << (max(height, width) - 1).bit_length(), LEAST_SIDE)
    border = ((0, side - height), (0, side - width))
    inside = np.ones((height, width), np.float32)
    padded = [np.pad(np.asarray(one, np.float32), border) for one in (*maps, inside)]
    return np.asarray(fill(np.pad(np.asarray(known, np.float32), (*border, (0, 0))), *padded))[:height, :width]
