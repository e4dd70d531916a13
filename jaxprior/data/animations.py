"""Writing animations as GIF files, which every program shows, and as WebP files, which have all colours.

A frame of a GIF file has at most 256 colours, and its length is a whole number of hundredths of a second. Most programs
show frames that are shorter than two hundredths slowly. The length of a WebP frame is a whole number of milliseconds.
"""

import io
from collections.abc import Sequence
from os import PathLike
from pathlib import Path

import numpy as np
from PIL import Image

from jaxprior.errors import ImageError
from jaxprior.system.files import write_atomically


SUFFIXES = (".gif", ".webp")
"""The endings of files that can be written."""

MAX_FPS = 50
"""Frames a second, at which a frame lasts two hundredths of a second."""


def save_animation(path: str | PathLike, frames: Sequence[np.ndarray] | np.ndarray, *, fps: float = 10) -> None:
    """Write an animation that repeats for ever. The file is written atomically.

    Arguments:
        path: a .gif or .webp file; its folder must exist.
        frames: uint8 [n, h, w, 3], or a list of [h, w, 3] of one size. Equal frames that follow each other may become
            one longer frame in the file.
        fps: frames a second, up to 50.

    Raises:
        ImageError: the ending is another one, there are no frames, the arrays are no frames of one size, or `fps` is
            out of range.
        OSError: the disk refuses.

    Example:
        >>> save_animation("waves.webp", np.zeros((10, 64, 64, 3), np.uint8), fps=25)
    """
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise ImageError(f"{path}: an animation is a file ending in {' or '.join(SUFFIXES)}, got {suffix or 'none'!r}.")
    check_fps(fps)
    shapes = {(frame.dtype, frame.shape) for frame in frames}
    if len(shapes) != 1 or any(t != np.uint8 or len(shape) != 3 or shape[-1] != 3 for t, shape in shapes):
        raise ImageError(f"{path}: expected frames uint8 [h, w, 3] of one size, got {sorted(map(str, shapes))}.")
    pictures = [Image.fromarray(np.ascontiguousarray(frame)) for frame in frames]
    own = {"optimize": False} if suffix == ".gif" else {"quality": 90, "method": 4}
    data = io.BytesIO()
    pictures[0].save(
        data, format=suffix[1:].upper(), save_all=True, append_images=pictures[1:], duration=round(1000 / fps), loop=0,
        **own,
    )  # fmt: skip
    write_atomically(path, data.getvalue())


def check_fps(fps: float) -> None:
    """Check a number of frames a second.

    Raises:
        ImageError: the number is not above 0, or it is above 50.
    """
    if not 0 < fps <= MAX_FPS:
        raise ImageError(f"fps: expected a number above 0 and up to {MAX_FPS}, got {fps:g}.")
