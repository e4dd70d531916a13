"""What a run keeps of the draws of one picture: each of them, the map of their spread, and a sheet of all as PNG files.

    draws/cat-458e0cbb-1.png, ...   the answers
    draws/cat-458e0cbb-spread.png   how far they lie apart at each pixel: black nowhere, white by `WHITE` or more
    draws/cat-458e0cbb.png          the sheet: input, the answer of least error, all draws, their spread, the original
"""

import contextlib
import itertools

import numpy as np
from PIL import Image

from jaxprior.data import images
from jaxprior.data.sheets import captioned_grid
from jaxprior.runs.runfolder import DRAWS, SPREAD, RunFolder
from jaxprior.system.files import make_folder, write_atomically


WHITE = 0.5
"""Standard deviation, in units of [-1, 1], that the map of the spread shows as white; the same in all runs."""
COLUMNS = 4
TILE = 256
"""Photographs are shrunk to so many pixels a side on a sheet."""


def save_draws(
    folder: RunFolder,
    file: str,
    draws: np.ndarray,
    spread: np.ndarray,
    *,
    beside: dict[str, np.ndarray],
    after: dict[str, np.ndarray],
) -> None:
    """Write the files of a picture's draws, each whole and durable when this returns.

    Arguments:
        folder: the run; file: the name of the picture's files.
        draws: [K, h, w, c], floats in [-1, 1] or uint8; spread: from `jaxprior.restoration.drawing.spread_of`, [h, w].
        beside, after: pictures that the sheet shows before and after the draws, by their captions; those of another
            size are left out.
    """
    make_folder(folder.path / DRAWS)
    pictures = [_pixels(draw) for draw in draws]
    of_spread = images.to_rgb(images.to_uint8(np.clip(spread / WHITE, 0, 1)[..., None] * 2 - 1))
    for number, picture in enumerate(pictures, 1):
        images.save_png(folder.draw(file, number), picture)
    images.save_png(folder.draw(file, SPREAD), of_spread)
    numbered = {f"draw {number}": picture for number, picture in enumerate(pictures, 1)}
    shown = {**beside, **numbered, f"spread (white: {WHITE})": of_spread, **after}
    size = pictures[0].shape[:2]
    fitting = {caption: one for caption, one in shown.items() if one.ndim == 3 and one.shape[:2] == size}
    tiles = [(caption, _small(_pixels(picture))) for caption, picture in fitting.items()]
    images.save_png(folder.draw(file), captioned_grid(tiles, columns=COLUMNS))


def copy_draws(folder: RunFolder, file: str, other: str) -> None:
    """Write the draws that a run keeps under one name under another one too; what is not there is left out.

    Arguments:
        folder: the run.
        file: the name under which they are kept; other: the other one.
    """
    for names in ((None, SPREAD), itertools.count(1)):
        with contextlib.suppress(FileNotFoundError):
            for which in names:
                write_atomically(folder.draw(other, which), folder.draw(file, which).read_bytes())


def _pixels(picture: np.ndarray) -> np.ndarray:
    return picture if picture.dtype == np.uint8 else images.to_uint8(images.to_rgb(picture))


def _small(picture: np.ndarray) -> np.ndarray:
    """A picture as a sheet shows it: photographs shrunk."""
    if max(picture.shape[:2]) <= TILE:
        return picture
    shrunk = Image.fromarray(picture)
    shrunk.thumbnail((TILE, TILE))
    return np.asarray(shrunk)
