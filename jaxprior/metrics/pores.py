"""Which pores of a porous medium a reconstruction keeps, loses and adds."""

from typing import Any, NamedTuple

import numpy as np

from jaxprior.errors import ArgumentError


class PoresFound(NamedTuple):
    """Pores of an original and of a reconstruction, counted.

    Fields:
        pores: of the original.
        lost: of them, those of which no voxel is a pore in the reconstruction.
        added: pores of the reconstruction of which no voxel is a pore in the original.
    """

    pores: int
    lost: int
    added: int


def compare_pores(original: Any, found: Any) -> PoresFound:
    """Count the pores of an original that a reconstruction loses, and those that it adds.

    A pore is a set of neighbouring pore voxels; in a cut, pixels that share a side or a corner are neighbours, in a
    volume voxels that share a face, an edge or a corner. Ong and Yang (2020, section 4.1) look for such pores in cuts
    through a stack of reconstructed slices.

    Arguments:
        original: bool [h, w] or [d, h, w], True where there is a pore.
        found: of the reconstruction, alike.

    Raises:
        ArgumentError: arrays of different shapes, of another number of axes, or not of bool.

    Example:
        >>> original = np.array([[1, 0, 1, 0, 0]], bool)
        >>> compare_pores(original, np.array([[1, 0, 0, 0, 1]], bool))
        PoresFound(pores=2, lost=1, added=1)
    """
    original, found = np.asarray(original), np.asarray(found)
    if original.shape != found.shape or original.ndim not in (2, 3):
        raise ArgumentError(
            "`compare_pores`: expected two cuts [h, w] or two volumes [d, h, w] of one shape, got "
            f"{original.shape} and {found.shape}."
        )
    if original.dtype != bool or found.dtype != bool:
        raise ArgumentError(
            f"`compare_pores`: expected bool, True where there is a pore, got {original.dtype} and {found.dtype}; "
            "compare with a threshold before."
        )
    (pores, lost), (_, added) = _unmatched(original, found), _unmatched(found, original)
    return PoresFound(pores, lost, added)


def _unmatched(these: np.ndarray, others: np.ndarray) -> tuple[int, int]:
    """The number of pores, and of those that no pore voxel of the other array lies in."""
    from skimage import measure  # slow to import

    labels = np.asarray(measure.label(these, connectivity=these.ndim))
    count = int(labels.max(initial=0))
    return count, count - len(np.unique(labels[others & these]))
