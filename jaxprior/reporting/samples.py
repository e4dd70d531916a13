"""What a training made over time: the same few pictures of its sheets, from the oldest to the newest.

A training keeps a sheet of pictures, eight in a row, whenever it saves its weights. A place on the sheets belongs to
one latent code, or to one picture to be repaired, so that a column shows how its result changed.
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from jaxprior.data import images
from jaxprior.errors import ImageError
from jaxprior.system.evenly import evenly


COLUMNS, PAD = 8, 2
"""Pictures in a row of a sheet, and pixels between two of them (see `jaxprior.training.session`)."""
SHOWN = 10
"""So many sheets are shown, spread evenly over the training."""


@dataclasses.dataclass(frozen=True)
class Samples:
    """A row of a sheet.

    Fields:
        images: how many pictures the training had been shown.
        row: uint8 [h, w, 3].
    """

    images: int
    row: np.ndarray


def samples_over_time(folder: Path) -> list[Samples]:
    """Return one row of the sheets of a training, oldest first: the first row that has changed since the oldest.

    Arguments:
        folder: with files NUMBER.png, where the number says how many pictures had been shown.

    Returns:
        rows of at most `SHOWN` sheets; none where there are fewer than two that can be read.
    """
    files = sorted((int(path.stem), path) for path in folder.glob("*.png") if path.stem.isdecimal())
    if len(files) < 2:
        return []
    places = evenly(len(files), SHOWN)
    sheets = [(number, rows) for number, path in (files[place] for place in places) if (rows := _rows(path))]
    if len(sheets) < 2:
        return []
    (_, oldest), (_, newest) = sheets[0], sheets[-1]
    number = next((place for place, pair in enumerate(zip(oldest, newest, strict=False)) if _differ(*pair)), 0)
    return [Samples(shown, rows[number]) for shown, rows in sheets if number < len(rows)]


def _rows(path: Path) -> Sequence[np.ndarray]:
    """The rows of a sheet of square pictures; none if it is damaged or another kind of picture."""
    try:
        sheet = images.load_image(path)
    except ImageError:
        return []
    side, rest = divmod(sheet.shape[1] - PAD, COLUMNS)
    if side <= PAD or rest or (sheet.shape[0] - PAD) % side:
        return []
    return [sheet[top : top + side - PAD] for top in range(PAD, sheet.shape[0] - PAD, side)]


def _differ(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two rows show different pictures; those of other sizes do."""
    return a.shape != b.shape or bool((a != b).any())
