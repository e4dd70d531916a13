"""Sets of shapes as occupied voxels: how near generated ones are to real ones, and whether they hang together.

A volume is [d, h, w] or [d, h, w, 1] with values in [-1, 1]; voxels above 0 are occupied. Arrays of bool say it
themselves. All functions compute with NumPy, since volumes are counted and not differentiated.
"""

from typing import Any

import numpy as np

from jaxprior.errors import ArgumentError


SLACK = 1e-3
"""So far beyond [-1, 1] values may lie, because of rounding."""

VOXELS_AT_ONCE = 1 << 26
"""About so many voxels of the first set are compared at a time."""


def occupied(volumes: Any) -> np.ndarray:
    """Say which voxels are occupied.

    Arguments:
        volumes: [n, d, h, w] or [n, d, h, w, 1], of bool, or numbers in [-1, 1] that are occupied above 0.

    Returns:
        bool [n, d, h, w].

    Raises:
        ArgumentError: another number of axes, no voxels, values beyond [-1, 1], such as levels from 0 to 255, or values
            that are not finite.

    Example:
        >>> occupied(np.array([-1.0, 1.0]).reshape(1, 1, 1, 2))[0, 0, 0].tolist()
        [False, True]
    """
    found = np.asarray(volumes)
    if found.ndim == 5 and found.shape[-1] == 1:
        found = found[..., 0]
    if found.ndim != 4 or not found.size:
        shape = list(found.shape)
        raise ArgumentError(f"`volumes` must be [n, d, h, w] or [n, d, h, w, 1] and not empty, got {shape}.")
    if found.dtype == bool:
        return found
    low, high = found.min(), found.max()
    if not (low >= -1 - SLACK and high <= 1 + SLACK):  # which NaN is not either
        raise ArgumentError(
            f"`volumes` must have values in [-1, 1], occupied above 0, or be of bool; got values from {low} to {high}. "
            "`jaxprior.load_volumes` scales those of a file."
        )
    return found > 0


def nearest_iou(volumes: Any, others: Any) -> np.ndarray:
    """Compare each volume with the most similar one of another set, by intersection over union.

    The mean over generated volumes says how much they look like real ones. The mean over real volumes of their nearest
    generated one is the coverage: it is low where many real shapes have no generated one like them (mode collapse).

    Arguments:
        volumes: [n, d, h, w], see `occupied`.
        others: [m, d, h, w].

    Returns:
        The largest intersection over union of each of the n volumes with any of the m others, float64 [n], from 0 to 1.
        Two empty volumes have 1.

    Raises:
        ArgumentError: no such arrays, or volumes of different sizes.

    Example:
        >>> a, b = np.zeros((2, 1, 1, 1, 4), bool)
        >>> a[..., :2], b[..., :3] = True, True
        >>> nearest_iou(a, b).round(3).tolist()
        [0.667]
    """
    first, second = occupied(volumes), occupied(others)
    if first.shape[1:] != second.shape[1:]:
        raise ArgumentError(
            f"`volumes` and `others` must have one size, got {list(first.shape[1:])} and {list(second.shape[1:])}."
        )
    b = second.reshape(len(second), -1).astype(np.float32)
    parts = np.array_split(first.reshape(len(first), -1), max(first.size // VOXELS_AT_ONCE, 1))
    return np.concatenate([_largest(part.astype(np.float32), b) for part in parts])


def _largest(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    both = (a @ b.T).astype(np.float64)  # whole numbers below 2^24, which float32 has exactly
    either = a.sum(axis=1, dtype=np.float64)[:, None] + b.sum(axis=1, dtype=np.float64)[None] - both
    return np.where(either > 0, both / np.maximum(either, 1), 1.0).max(axis=1)


def occupancy(volumes: Any) -> np.ndarray:
    """The share of occupied voxels of each volume, float64 [n]; see `occupied`.

    Example:
        >>> occupancy(np.ones((1, 2, 2, 2))).tolist()
        [1.0]
    """
    return occupied(volumes).mean(axis=(1, 2, 3))


def largest_component(volumes: Any) -> np.ndarray:
    """The share of the occupied voxels of each volume that the largest connected piece holds: 1 for one piece.

    Voxels are connected where they share a face, an edge or a corner. An empty volume has 0.

    Arguments:
        volumes: [n, d, h, w], see `occupied`.

    Returns:
        float64 [n], from 0 to 1.

    Example:
        >>> two = np.array([1, 1, 1, 0, 1], bool).reshape(1, 1, 1, 5)
        >>> largest_component(two).tolist()
        [0.75]
    """
    from scipy import ndimage  # slow to import

    structure = np.ones((3, 3, 3))

    def share(volume: np.ndarray) -> float:
        labels = np.zeros(volume.shape, np.int32)
        if not ndimage.label(volume, structure, output=labels):
            return 0.0
        sizes = np.bincount(labels.reshape(-1))[1:]
        return float(sizes.max() / sizes.sum())

    return np.array([share(volume) for volume in occupied(volumes)])


def independent_voxels(volumes: Any, count: int, *, seed: int = 0) -> np.ndarray:
    """Draw volumes whose voxels are independent of each other, each occupied as often as in a set.

    They are the control for everything that is said of generated volumes: what they reach needs no generator.

    Arguments:
        volumes: [n, d, h, w], see `occupied`.
        count: how many to draw.
        seed: of the draw.

    Returns:
        bool [count, d, h, w].

    Example:
        >>> independent_voxels(np.ones((3, 2, 2, 2)), 1).all()
        np.True_
    """
    rates = occupied(volumes).mean(axis=0)
    return np.random.default_rng(seed).random((count, *rates.shape)) < rates
