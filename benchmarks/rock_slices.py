"""Grey slices of a segmented volume of rock: pictures to train on, a cube that is held out, and simple rivals."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import median_filter

from jaxprior.data import images
from jaxprior.data.volumes import list_volumes
from jaxprior.errors import VolumeError


SIDE = 64
"""Of the slices in pixels."""
TRAINED, HELD = 300, 320
"""Planes of the first axis below the one are trained on; the held-out cube begins at the other."""
EVERY = 4
"""Planes between two that are trained on, which are almost alike if they are neighbours."""


def read_volume(path: Path) -> np.ndarray:
    """Read a volume from a file, or a zip archive of one: bytes [d, h, w].

    Raises:
        VolumeError: there is another number of volumes, or it is too small.
    """
    sources = list_volumes([path])
    if len(sources) != 1:
        raise VolumeError(f"{path}: expected one volume, found {len(sources)}.")
    volume = sources[0].read()
    if min(volume.shape) < HELD + SIDE:
        raise VolumeError(f"{path}: expected {HELD + SIDE} planes or more in every direction, got {volume.shape}.")
    return volume.astype(np.uint8)


def make_slices(path: Path, folder: Path) -> np.ndarray:
    """Write the slices of a volume as PNG files, unless they are there.

    Arguments:
        path: of the volume.
        folder: gets "train", squares of slices across the second and the third axis, and "cube", the slices of the
            held-out cube across its third axis in order: 00.png to 63.png.

    Returns:
        The held-out cube [64, 64, 64], uint8, whose third axis counts the slices.
    """
    volume = read_volume(path)
    middle = (volume.shape[1] - SIDE) // 2
    cube = volume[HELD : HELD + SIDE, middle : middle + SIDE, middle : middle + SIDE]
    for i in range(SIDE):
        write(folder / "cube" / f"{i:02d}.png", cube[:, :, i])
    trained = volume[:TRAINED]
    for axis in (1, 2):
        for plane in range(0, volume.shape[axis], EVERY):
            cut = trained.take(plane, axis=axis)
            for y in range(0, cut.shape[0] - SIDE + 1, SIDE):
                for x in range(0, cut.shape[1] - SIDE + 1, SIDE):
                    write(folder / "train" / f"{axis}-{plane:03d}-{y:03d}-{x:03d}.png", cut[y : y + SIDE, x : x + SIDE])
    return cube


def write(path: Path, pixels: np.ndarray) -> None:
    """Write a grey picture [h, w], unless it is there."""
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        images.save_png(path, np.repeat(pixels[..., None], 3, axis=2))


def read_slices(paths: list[Path]) -> np.ndarray:
    """Grey pictures in [0, 1] as slices of a volume: [h, w, n]."""
    return np.stack([np.asarray(Image.open(path).convert("L"), np.float32) / 255 for path in paths], axis=2)


def principal_components(train: np.ndarray, slices: np.ndarray, counts: Sequence[int]) -> dict[int, np.ndarray]:
    """Slices as the nearest sums of a mean and some principal components of others.

    Arguments:
        train: [h, w, n]; slices: [h, w, m].
        counts: of components, the numbers that stand for each slice.

    Returns:
        For each count the slices [h, w, m] in [0, 1].
    """
    rows = train.reshape(-1, train.shape[2]).T.astype(np.float64)
    mean = rows.mean(axis=0)
    _, vectors = np.linalg.eigh(np.cov(rows - mean, rowvar=False))
    wanted, found = slices.reshape(-1, slices.shape[2]).T - mean, {}
    for count in counts:
        basis = vectors[:, -count:]
        made = (wanted @ basis) @ basis.T + mean
        found[count] = np.clip(made.T.reshape(slices.shape), 0, 1).astype(np.float32)
    return found


def median_filtered(slices: np.ndarray, side: int = 5) -> np.ndarray:
    """Each slice [h, w, n] after a median filter of so many pixels a side."""
    return median_filter(slices, size=(side, side, 1), mode="nearest")
