"""Pictures of volumes: what one sees of a volume along each of its axes, and a cut through its middle."""

from typing import Any

import numpy as np

from jaxprior.errors import ArgumentError


FARTHEST = 0.4
"""Brightness of an occupied voxel at the far end, where the nearest has 1."""


def projected(volumes: Any) -> np.ndarray:
    """Show each volume as one square picture of four: along its three axes, and the slice in the middle.

        along d | along h
        along w | middle slice [h, w]

    In a projection each pixel is the brightest voxel behind it, and voxels are the darker the farther away they are.

    Arguments:
        volumes: [n, s, s, s, 1] or [n, s, s, s] in [-1, 1], -1 being empty.

    Returns:
        float32 [n, 2 s, 2 s, 1] in [-1, 1].

    Raises:
        ArgumentError: no cubes.

    Example:
        >>> projected(np.ones((1, 4, 4, 4, 1)))[0, :, 0, 0].round(1).tolist()
        [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    """
    found = np.asarray(volumes, np.float32)
    cubes = found[..., 0] if found.ndim == 5 and found.shape[-1] == 1 else found
    if cubes.ndim != 4 or len(set(cubes.shape[1:])) != 1:
        raise ArgumentError(f"`volumes` must be cubes [n, s, s, s, 1], got {list(found.shape)}.")
    shares = np.clip((cubes + 1) / 2, 0, 1)
    side = cubes.shape[1]
    near = np.linspace(1, FARTHEST, side, dtype=np.float32)
    along = [(shares * near.reshape([-1 if a == axis else 1 for a in range(4)])).max(axis=axis) for axis in (1, 2, 3)]
    top = np.concatenate(along[:2], axis=2)
    bottom = np.concatenate([along[2], shares[:, side // 2]], axis=2)
    return (2 * np.concatenate([top, bottom], axis=1) - 1)[..., None]
