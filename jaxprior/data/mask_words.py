"""The words about masks: those that say what a file marks, help texts of settings, and how a share is told.

Settings of commands, recipes and trainings use them, so this module imports nothing that takes long.
"""

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from jaxprior.settings import check_choice


MaskMeans = Literal["white", "black", "painted", "transparent"]
"""What a file marks: see `jaxprior.data.mask_files`."""

MEANINGS: tuple[str, ...] = get_args(MaskMeans)

MASK_TEXT = (
    "center:F, block:F (random place), pixels:F (scattered) or strokes:F (of a brush), F a fraction of the area; or a "
    "picture, white = {white}; or a folder or zip archive of them, which gives each picture the mask of its name. "
    "With a prior of volumes F is a share of the volume, and a file an array of 0 and 1, 1 = {white}."
)
"""Help of a setting that is the specification of a mask."""

MEANS_TEXT = "What marks it in the mask's file; only for files, by default white on black."
INVERT_TEXT = "The mask's file marks the opposite."


def check_meaning(means: str | None) -> None:
    """Refuse a word that is not one of `MEANINGS`, nor None.

    Raises:
        SettingsError: naming all of them.
    """
    if means is not None:
        check_choice(means, MEANINGS, "meaning of a mask")


def missing_percent(mask: ArrayLike) -> str:
    """Say how much of a picture a mask marks as missing.

    Arguments:
        mask: `[..., h, w]`, where 1 means missing; or the share that is missing.

    Returns:
        the percentage with one decimal; "<0.1 %" if it is smaller than that, but not zero.

    Example:
        >>> missing_percent(np.eye(4))
        '25.0 %'
    """
    percent = 100 * float(np.mean(np.asarray(mask)))
    return "<0.1 %" if 0 < percent < 0.05 else f"{percent:.1f} %"
