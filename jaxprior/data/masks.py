"""Masks say which pixels of a picture are missing. They are written as a short specification, or drawn in a file.

A mask is float32 `[h, w]`, where 1 means missing (to be repaired) and 0 means known. In a specification, F is a
fraction of the AREA of the picture between 0 and 1:

- `center:F` is the square of side round(sqrt(F) * size) in the middle. Where its margins cannot be equal, the wider
  ones are at the right and at the bottom. `center:0.25` at 64 pixels is the middle 32x32.
- `block:F` (or `random:F`) is a square of the same size at a uniformly random place, another place for each image.
- `pixels:F` is exactly round(F * size**2) scattered pixels, others for each image.
- The path of a file is a picture in which white means missing. It is fitted like the photographs (turned upright, cut
  to the centre square), but resized to the nearest neighbour. Then its channels are averaged, and what is brighter
  than one half is missing.

Sides and counts are whole numbers of pixels; the exact fraction that is missing is `mask.mean()`. Random masks come
from an explicit JAX key, whose bits seed NumPy's PCG64 generator, so that a key gives the same mask on every device.
"""

import dataclasses
import difflib
import math
from pathlib import Path

import jax
import numpy as np

from jaxprior.data.images import fit, load_image
from jaxprior.errors import ImageError, MaskError


LEGAL = "center:F, block:F or pixels:F (F between 0 and 1, a fraction of the area), or the path of a picture"

_KINDS = {"center": "center", "block": "block", "pixels": "pixels", "random": "block"}


@dataclasses.dataclass(frozen=True)
class MaskSpec:
    """The specification of a mask, from which masks of any size are drawn. `parse_mask` makes it.

    Arguments:
        kind: "center", "block", "pixels" or "file".
        fraction: the fraction of the area that is missing; None for a file.
        path: the file; None for other kinds.
    """

    kind: str
    fraction: float | None = None
    path: Path | None = None

    @property
    def name(self) -> str:
        """The specification in its canonical spelling, e.g. "block:0.25"."""
        return self.path.as_posix() if self.path is not None else f"{self.kind}:{self.fraction:g}"

    @property
    def per_image(self) -> bool:
        """Whether every image gets a mask of its own. Otherwise one mask serves all images."""
        return self.kind in ("block", "pixels")

    def draw(self, size: int, key: jax.Array | None = None) -> np.ndarray:
        """Draw the mask for one image.

        Arguments:
            size: the side of the picture in pixels.
            key: the JAX random key of this image, which `block` and `pixels` need and other kinds ignore.

        Returns:
            float32 `[size, size]`; 1 means missing, 0 means known.

        Raises:
            MaskError: no pixel would be known, no pixel would be missing (which is allowed for files), the file
                cannot be read, or a key is needed.

        Example:
            >>> float(parse_mask("center:0.25").draw(64).mean())
            0.25
        """
        fraction = self.fraction or 0.0
        if self.path is not None:
            mask = _from_file(self.path, size)
        elif self.kind == "center":
            mask = _square(fraction, size, lambda room: (room // 2, room // 2))
        elif self.kind == "block":
            chance = _generator(key, self.name)
            mask = _square(fraction, size, lambda room: chance.integers(0, room + 1, size=2))
        else:
            mask = _scattered(fraction, size, _generator(key, self.name))
        if mask.all():
            raise MaskError(f"mask {self.name}: at {size} pixels nothing is known; leave some pixels known.")
        if self.kind != "file" and not mask.any():
            raise MaskError(f"mask {self.name}: at {size} pixels nothing is missing; take a larger fraction.")
        return mask


def parse_mask(spec: str) -> MaskSpec:
    """Read a mask specification.

    Arguments:
        spec: "center:F", "block:F", "random:F", "pixels:F", or the path of a picture.

    Returns:
        the specification, whose method `draw` makes arrays.

    Raises:
        MaskError: the text has no legal form; the sentence names the legal ones and the most similar one.

    Example:
        >>> parse_mask("random:0.25").name
        'block:0.25'
    """
    kind, colon, number = str(spec).partition(":")
    if colon and kind in _KINDS:
        return MaskSpec(_KINDS[kind], _fraction(spec, number))
    if Path(spec).is_file():
        return MaskSpec("file", path=Path(spec))
    nearest = difflib.get_close_matches(kind.lower(), _KINDS, n=1)
    hint = f" Did you mean {nearest[0]}:{number or '0.25'}?" if nearest else ""
    raise MaskError(f"mask {str(spec)!r}: no such form and no such file; expected {LEGAL}.{hint}")


def missing_percent(mask: np.ndarray) -> str:
    """Say how much of a picture a mask marks as missing.

    Arguments:
        mask: `[..., h, w]`, where 1 means missing.

    Returns:
        the percentage with one decimal; "<0.1 %" if it is smaller than that, but not zero.

    Example:
        >>> missing_percent(parse_mask("center:0.25").draw(64))
        '25.0 %'
    """
    percent = 100 * float(np.mean(mask))
    return "<0.1 %" if 0 < percent < 0.05 else f"{percent:.1f} %"


def _fraction(spec: str, number: str) -> float:
    """Read the fraction of a specification."""
    try:
        fraction = float(number)
    except ValueError:
        fraction = math.nan
    if 0 < fraction < 1:
        return fraction
    hint = f" Did you mean {spec.partition(':')[0]}:{fraction / 100:g}?" if 1 < fraction < 100 else ""
    raise MaskError(f"mask {spec!r}: expected a fraction of the area between 0 and 1, got {number!r}.{hint}")


def _generator(key: jax.Array | None, name: str) -> np.random.Generator:
    """Return NumPy's generator, seeded with the bits of a JAX key."""
    if key is None:
        raise MaskError(f"mask {name}: it is random; give the image's JAX random `key`.")
    return np.random.default_rng(np.asarray(jax.random.key_data(key)))


def _square(fraction: float, size: int, place) -> np.ndarray:
    """Draw a square; `place` maps the number of free pixels along a side to its (top, left)."""
    side = round(math.sqrt(fraction) * size)
    top, left = place(size - side)
    mask = np.zeros((size, size), np.float32)
    mask[top : top + side, left : left + side] = 1
    return mask


def _scattered(fraction: float, size: int, chance: np.random.Generator) -> np.ndarray:
    """Draw scattered pixels."""
    mask = np.zeros(size * size, np.float32)
    mask[chance.choice(size * size, round(fraction * size * size), replace=False, shuffle=False)] = 1
    return mask.reshape(size, size)


def _from_file(path: Path, size: int) -> np.ndarray:
    """Read a mask from a picture in which white means missing."""
    try:
        picture = load_image(path)
    except ImageError as error:
        raise MaskError(f"mask {error}") from None
    try:
        fitted = fit(picture, size, resample="nearest")
    except ImageError as error:
        raise MaskError(f"mask {path.as_posix()}: {error}") from None
    return (fitted.mean(axis=-1) > 127.5).astype(np.float32)
