"""Volumes as pictures: seen along each axis, cut through the middle, and the surface between empty and occupied.

    surface | seen along d | along h | along w
            | middle [h, w] | [d, w] | [d, h]

The surface is found by marching cubes (Lorensen and Cline 1987; scikit-image) and drawn by matplotlib.
"""

from typing import Any

import numpy as np
from PIL import Image

from jaxprior.errors import VolumeError


FARTHEST = 0.4
"""Brightness of an occupied voxel at the far end of a projection, where the nearest has 1."""

PANEL, GAP = 96, 4
"""Pixels that the longest side of a panel has at least, and pixels between panels."""

FINEST = 48
"""The surface of a volume with longer sides is drawn of means of neighbouring voxels."""


def projections(volume: np.ndarray) -> list[np.ndarray]:
    """What one sees along each axis, d, h and w: the brightest voxel, the darker the farther away it is.

    Arguments:
        volume: [d, h, w] in [-1, 1], -1 being empty.

    Returns:
        three float32 arrays in [0, 1]: [h, w], [d, w] and [d, h].

    Example:
        >>> [view.shape for view in projections(np.ones((2, 3, 4)))]
        [(3, 4), (2, 4), (2, 3)]
    """
    shares = _shares(volume)
    views = []
    for axis, side in enumerate(shares.shape):
        near = np.linspace(1, FARTHEST, side, dtype=np.float32)
        views.append((shares * near.reshape([-1 if one == axis else 1 for one in range(3)])).max(axis=axis))
    return views


def middle_slices(volume: np.ndarray) -> list[np.ndarray]:
    """The slices in the middle across d, h and w, float32 in [0, 1]: [h, w], [d, w] and [d, h].

    Arguments:
        volume: [d, h, w] in [-1, 1].
    """
    shares = _shares(volume)
    return [np.take(shares, side // 2, axis=axis) for axis, side in enumerate(shares.shape)]


def square_views(volumes: np.ndarray) -> np.ndarray:
    """Show each cube as one square picture, for a sheet: along d and h, and below along w and the middle slice [h, w].

    Arguments:
        volumes: [n, s, s, s, 1] in [-1, 1].

    Returns:
        float32 [n, 2 s, 2 s, 1] in [-1, 1].

    Raises:
        VolumeError: one of them is no volume.

    Example:
        >>> square_views(np.ones((3, 4, 4, 4, 1))).shape
        (3, 8, 8, 1)
    """

    def view(volume: np.ndarray) -> np.ndarray:
        along_d, along_h, along_w = projections(volume)
        return np.block([[along_d, along_h], [along_w, middle_slices(volume)[0]]])

    return np.stack([2 * view(volume) - 1 for volume in volumes])[..., None]


def volume_picture(volume: np.ndarray, *, surface: bool = True) -> np.ndarray:
    """Show a volume as one picture: three projections above three middle slices, and the surface beside them.

    Arguments:
        volume: [d, h, w] or [d, h, w, 1] in [-1, 1].
        surface: whether the surface is drawn, which takes some tenths of a second.

    Returns:
        uint8 [height, width, 3]; voxels are enlarged to squares.

    Raises:
        VolumeError: it is no volume.

    Example:
        >>> volume_picture(np.ones((8, 8, 8)), surface=False).shape
        (196, 296, 3)
    """
    shares = _shares(volume)
    factor = max(PANEL // max(shares.shape), 1)
    rows = [_row([_enlarged(panel, factor) for panel in panels(volume)]) for panels in (projections, middle_slices)]
    flat = _stack(rows)
    if not surface:
        return flat
    drawn = isosurface(volume, side=len(flat))
    return np.concatenate([drawn, np.full((len(flat), GAP, 3), 255, np.uint8), flat], axis=1)


def isosurface(volume: np.ndarray, *, side: int = 196) -> np.ndarray:
    """Draw the surface between empty and occupied voxels, at the middle of the range.

    Arguments:
        volume: [d, h, w] or [d, h, w, 1] in [-1, 1].
        side: of the picture in pixels.

    Returns:
        uint8 [side, side, 3]; white where there is no surface.

    Raises:
        VolumeError: it is no volume.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.colors import LightSource
    from matplotlib.figure import Figure
    from mpl_toolkits.mplot3d.art3d import Poly3DCollection
    from skimage.measure import marching_cubes

    values = _coarse(2 * _shares(volume) - 1)
    padded = np.pad(values, 1, constant_values=-1.0)  # so that what touches the border has a surface there too
    if not padded.max() > 0:
        return np.full((side, side, 3), 255, np.uint8)
    vertices, faces, _, _ = marching_cubes(padded, 0.0)
    figure = Figure(figsize=(side / 100, side / 100), dpi=100)
    canvas = FigureCanvasAgg(figure)
    axes: Any = figure.add_axes((-0.2, -0.2, 1.4, 1.4), projection="3d")
    light = LightSource(azdeg=225, altdeg=45)
    triangles = vertices[faces][..., [2, 1, 0]]
    triangles[..., 2] = padded.shape[0] - 1 - triangles[..., 2]  # the first slice is on top
    axes.add_collection3d(Poly3DCollection(triangles, facecolors="#6f8fb5", shade=True, lightsource=light))
    depth, height, width = padded.shape
    axes.set(xlim=(0, width - 1), ylim=(0, height - 1), zlim=(0, depth - 1))
    axes.set_box_aspect((width, height, depth))
    axes.set_axis_off()
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def _shares(volume: np.ndarray) -> np.ndarray:
    """A volume as float32 [d, h, w] in [0, 1]."""
    found = np.asarray(volume, np.float32)
    found = found[..., 0] if found.ndim == 4 and found.shape[-1] == 1 else found
    if found.ndim != 3 or 0 in found.shape:
        raise VolumeError(f"expected a volume [d, h, w] or [d, h, w, 1] in [-1, 1], got {list(found.shape)}.")
    return np.clip((found + 1) / 2, 0, 1)


def _coarse(values: np.ndarray) -> np.ndarray:
    """Means of blocks, so that no side is longer than `FINEST`."""
    factor = -(-max(values.shape) // FINEST)
    if factor == 1:
        return values
    rests = [(0, -side % factor) for side in values.shape]
    whole = np.pad(values, rests, mode="edge")
    blocks = [part for side in whole.shape for part in (side // factor, factor)]
    return whole.reshape(blocks).mean(axis=(1, 3, 5))


def _enlarged(panel: np.ndarray, factor: int) -> np.ndarray:
    grey = np.rint(255 * panel).astype(np.uint8)
    height, width = grey.shape
    return np.asarray(Image.fromarray(grey).resize((factor * width, factor * height), Image.Resampling.NEAREST))


def _row(panels: list[np.ndarray]) -> np.ndarray:
    """Panels [h, w] beside each other on white, uint8 [h, w, 3]."""
    height = max(len(panel) for panel in panels)
    parts = []
    for panel in panels:
        whole = np.full((height, panel.shape[1] + GAP), 255, np.uint8)
        whole[: len(panel), : panel.shape[1]] = panel
        parts.append(whole)
    return np.repeat(np.concatenate(parts, axis=1)[:, :-GAP, None], 3, axis=2)


def _stack(rows: list[np.ndarray]) -> np.ndarray:
    gap = np.full((GAP, rows[0].shape[1], 3), 255, np.uint8)
    return np.concatenate([rows[0], gap, *rows[1:]])
