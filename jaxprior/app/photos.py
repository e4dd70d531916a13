"""A photograph that came from the browser, and the mask that was painted on it.

The photograph stays on this side, in its full size. The browser gets a smaller copy to paint on, and only what was
painted comes back, so that pixels that are known are never decoded and encoded by a browser.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from jaxprior.app.limits import Limits
from jaxprior.data import images
from jaxprior.data.mask_files import read_mask
from jaxprior.errors import ImageError, JaxpriorError, MaskError


SHOWN = 900
"""Pixels of the longer side of what the browser gets to paint on and to compare."""

LEAST = 256
"""A picture whose longer side has half as many pixels or fewer is shown enlarged."""

PAINTED = 12
"""Of 255: a pixel of the browser's layer that is more opaque counts as painted. The rim of a stroke is blended."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Photo:
    """A photograph in its full size.

    Fields:
        name: of the file, for people.
        pixels: uint8 [h, w, 3].
        notes: what a user should know of how it was read.
    """

    name: str
    pixels: np.ndarray
    notes: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        return self.pixels.shape[0], self.pixels.shape[1]

    @property
    def words(self) -> str:
        """What it is, for people: "cat.png, 451x300 pixels"."""
        notes = "".join(f"; {note}" for note in self.notes)
        return f"{self.name}, {self.shape[1]}x{self.shape[0]} pixels{notes}"


def read_photo(path: str | Path, limits: Limits) -> Photo:
    """Read a photograph that was uploaded.

    Arguments:
        path: where it lies.
        limits: what is refused.

    Raises:
        ImageError: it is too large, damaged, or no picture; the sentence says which.
    """
    path = Path(path)
    limits.check_file(path.stat().st_size)
    try:
        found = images.read_picture(path.read_bytes(), max_pixels=limits.pixels)
        images.check_sides(found.pixels.shape[:2])
    except ImageError as error:
        text = str(error).removeprefix("the picture: ")
        raise ImageError(f"The file {path.name} cannot be used: {text}") from None
    return Photo(name=path.name, pixels=found.pixels, notes=tuple(found.notes))


def example_photo() -> Photo:
    """The photograph of a cat that scikit-image brings along."""
    import skimage.data

    return Photo(name="cat.png", pixels=np.asarray(skimage.data.chelsea()))


def shown(pixels: np.ndarray, most: int = SHOWN) -> np.ndarray:
    """A picture [h, w, 3] as the browser gets it: as it is, or smaller with its longer side at `most`.

    Tiny pictures are enlarged by a whole number, by repeating pixels, so that one sees them.

    Example:
        >>> shown(np.zeros((2000, 1000, 3), np.uint8)).shape
        (900, 450, 3)
    """
    height, width = pixels.shape[:2]
    longer = max(height, width)
    if longer <= most:
        zoom = max(LEAST // longer, 1)
        return pixels if zoom == 1 else pixels.repeat(zoom, axis=0).repeat(zoom, axis=1)
    size = (max(round(width * most / longer), 1), max(round(height * most / longer), 1))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))


def strokes_of(editor: Mapping[str, Any] | None) -> list[np.ndarray]:
    """Where something was painted on each layer of the browser's editor, bool [h', w']."""
    return [np.asarray(layer)[..., 3] > PAINTED for layer in (editor or {}).get("layers") or []]


def as_picture(image: Any) -> np.ndarray:
    """An image of a network, floats [h, w, c] about in [-1, 1], as uint8 [h, w, 3]."""
    return images.to_rgb(images.to_uint8(np.clip(np.asarray(image), -1, 1)))


def painted(editor: Mapping[str, Any] | None, shape: tuple[int, int]) -> np.ndarray:
    """What was painted in the browser, as a mask of the photograph.

    Arguments:
        editor: what the browser's editor gives: "layers", a list of RGBA pictures, uint8 [h', w', 4].
        shape: of the photograph, height and width.

    Returns:
        bool [h, w], true where something was painted. Every pixel of the photograph counts as the one of the layer
        that lies over its middle.

    Raises:
        MaskError: nothing was painted, or everything.
    """
    missing = np.zeros(shape, bool)
    for stroke in strokes_of(editor):
        rows, columns = (
            np.minimum(((np.arange(side) + 0.5) * other / side).astype(int), other - 1)
            for side, other in zip(shape, stroke.shape, strict=True)
        )
        missing |= stroke[np.ix_(rows, columns)]
    return _checked(missing)


def uploaded_mask(path: str | Path, shape: tuple[int, int], limits: Limits) -> np.ndarray:
    """A mask from a file, white on black, laid over a photograph of its proportions.

    Arguments:
        path: of the file; shape: of the photograph, height and width; limits: what is refused.

    Raises:
        MaskError, ImageError: it cannot be read, or does not fit.
    """
    path = Path(path)
    limits.check_file(path.stat().st_size)
    try:
        return _checked(read_mask(path).laid_on(shape) > 0)
    except JaxpriorError as error:
        text = str(error).replace(str(path), path.name)
        raise MaskError(text if path.name in text else f"mask {path.name}: {text}") from None


def _checked(missing: np.ndarray) -> np.ndarray:
    if not missing.any():
        raise MaskError("Nothing is painted yet: draw over what should be filled in, then press the button again.")
    if missing.all():
        raise MaskError("Everything is painted over: leave some of the photograph, from which the rest is guessed.")
    return missing
