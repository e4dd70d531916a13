"""Statistics of porous media: porosity, two-point correlation and Euler number of volumes.

They say whether generated pieces of a material have the structure of real ones, where no piece is like another voxel by
voxel. Here the occupied voxels are one phase of the material, mostly the pores; which voxels these are says
`jaxprior.metrics.shapes.occupied`. The porosity is their share, `jaxprior.metrics.shapes.occupancy`.
"""

from typing import Any

import numpy as np

from jaxprior.errors import ArgumentError
from jaxprior.metrics.shapes import occupied


def two_point_correlation(volumes: Any, *, axis: int, longest: int | None = None) -> np.ndarray:
    """The probability that two voxels at a distance along an axis are both occupied, S2(r) (Torquato, 2002, ch. 2).

    Pairs that lie within the volume are counted, nothing is continued beyond its border. At the distance 0 it is the
    porosity; for independent voxels it falls to the square of that at once, for a material within the size of a pore.

    Arguments:
        volumes: [n, d, h, w], see `jaxprior.metrics.shapes.occupied`.
        axis: 0, 1 or 2, along d, h or w.
        longest: the largest distance in voxels; half of the side by default.

    Returns:
        float64 [n, longest + 1].

    Raises:
        ArgumentError: another axis, or a distance that does not fit in.

    Example:
        >>> stripes = np.array([1, 1, 0, 0], bool).reshape(1, 1, 1, 4)
        >>> two_point_correlation(stripes, axis=2, longest=1)[0].round(3).tolist()
        [0.5, 0.333]
    """
    found = occupied(volumes)
    if axis not in (0, 1, 2):
        raise ArgumentError(f"`axis` must be 0, 1 or 2, got {axis!r}.")
    side = found.shape[1 + axis]
    most = side // 2 if longest is None else longest
    if not 0 <= most < side:
        raise ArgumentError(f"`longest` must be from 0 to {side - 1} along an axis of {side} voxels, got {most}.")
    lines = np.moveaxis(found, 1 + axis, -1).astype(np.float64)
    # Zeros behind each line keep its end apart from its beginning, so that the product is no circular one.
    spectrum = np.fft.rfft(lines, n=side + most, axis=-1)
    products = np.fft.irfft(np.abs(spectrum) ** 2, n=side + most, axis=-1)[..., : most + 1]
    pairs = lines.shape[1] * lines.shape[2] * (side - np.arange(most + 1))
    return np.rint(products.sum(axis=(1, 2))) / pairs


def euler_number(volumes: Any) -> np.ndarray:
    """The Euler number of each volume's occupied voxels: pieces, minus tunnels through them, plus closed holes.

    It is strongly negative for a pore space that hangs together by many ways, and positive for separate bubbles. Voxels
    are connected where they share a face, an edge or a corner.

    Arguments:
        volumes: [n, d, h, w], see `jaxprior.metrics.shapes.occupied`.

    Returns:
        int64 [n].

    Example:
        >>> ring = np.ones((1, 1, 3, 3), bool)
        >>> ring[0, 0, 1, 1] = False
        >>> euler_number(ring).tolist()
        [0]
    """
    from skimage import measure  # slow to import

    return np.array([measure.euler_number(volume, connectivity=3) for volume in occupied(volumes)], np.int64)
