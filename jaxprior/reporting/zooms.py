"""Where to look closer in a photograph: the squares around its holes."""

from pathlib import Path
from typing import Any

from skimage import measure

from jaxprior.data import images
from jaxprior.errors import ImageError
from jaxprior.reporting.page_pictures import Box
from jaxprior.restoration.holes import find_holes


SHOWN = 6
"""So many squares of a photograph are shown, those of the largest holes."""
MOST_PARTS = 2000
"""In a mask of more parts, such as scattered pixels, there is nothing to look closer at."""
THIN = 2.5
"""Holes in which no pixel lies farther from a known one, in pixels of the prior, are not looked at: about these are
filled from around them, without the prior."""
WORTH = 0.6
"""A square is not shown if it is a larger share of the photograph's longer side."""


def zooms_of(mask: Path, resolution: int) -> list[Box]:
    """Return the parts of a photograph that show its holes with what is around them, from the top to the bottom.

    Arguments:
        mask: the file of its mask, white where something was missing.
        resolution: side of the prior's pictures.

    Returns:
        at most `SHOWN` boxes inside the photograph; none if the mask cannot be read, or nothing would be enlarged.
    """
    try:
        missing = images.load_image(mask)[..., 0] > 127
    except (ImageError, OSError):
        return []
    parts: Any = measure.label(missing)  # an array, of which the stubs do not know
    if missing.all() or parts.max() > MOST_PARTS:
        return []
    height, width = missing.shape
    groups = sorted(find_holes(missing, resolution, thin=THIN).groups, key=lambda one: -one.pixels.sum())[:SHOWN]
    squares = [group.square for group in groups if group.square.side <= WORTH * max(height, width)]
    return sorted(
        (max(s.top, 0), max(s.left, 0), min(s.top + s.side, height), min(s.left + s.side, width)) for s in squares
    )
