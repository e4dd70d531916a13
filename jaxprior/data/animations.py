"""Animations as files: GIF, which everything shows, and WebP, which has all colors.

GIF frames have 256 colors each and a length in hundredths of a second; shorter ones than two of them are shown slowly
by most programs. WebP frames have whole milliseconds.
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
MAX_FPS = 50


def save_animation(path: str | PathLike, frames: Sequence[np.ndarray], *, fps: float = 10) -> None:
    """Write an animation that repeats for ever; its file exists whole or not at all.

    Arguments:
        path: a .gif or .webp file; its folder must exist.
        frames: uint8 [n, h, w, 3], or a list of [h, w, 3] of one size. Equal neighbours may become one longer frame.
        fps: frames a second, up to 50.

    Raises:
        ImageError: another ending, no frames, other arrays, or an fps that no file can have; OSError from the disk.

    Example:
        >>> save_animation("waves.webp", np.zeros((10, 64, 64, 3), np.uint8), fps=25)     # doctest: +SKIP
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
    """Refuse an fps that no file can have.

    Raises:
        ImageError: not above 0 and up to 50.
    """
    if not 0 < fps <= MAX_FPS:
        raise ImageError(f"fps: expected a number above 0 and up to {MAX_FPS}, got {fps:g}.")
