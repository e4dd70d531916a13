"""Masks: what is missing from a picture, written as a short specification or drawn in a file.

A mask is float32 `[h, w]`, 1 = missing (to be repaired), 0 = known. F is a fraction of the AREA, in (0, 1):

- `center:F`: the middle square of side round(sqrt(F) * size); where its margins cannot be equal, the odd
  pixel is at the right and the bottom. `center:0.25` at 64 pixels is the middle 32x32.
- `block:F` (or `random:F`): the same square at a uniformly random place, another for each image.
- `pixels:F`: exactly round(F * size**2) scattered pixels, others for each image.
- a file: a picture, white = repair; fitted like the photos (upright, centre square) but resized to the
  nearest neighbour, averaged over its channels and thresholded at one half.

A side or a count is a whole number of pixels, so the exact missing fraction is `mask.mean()`. Chance comes
from the bits of an explicit JAX key through NumPy's PCG64: the same key gives the same mask on every device.
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
    """A mask before it is drawn at a size. Made by `parse_mask`.

    Arguments:
        kind: "center", "block", "pixels" or "file".
        fraction: missing fraction of the area, None for a file.
        path: the file, None otherwise.
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
        """Whether every image gets another mask; one mask serves all images otherwise."""
        return self.kind in ("block", "pixels")

    def draw(self, size: int, key: jax.Array | None = None) -> np.ndarray:
        """Draw the mask for one image.

        Arguments:
            size: side of the picture in pixels.
            key: JAX random key of this image; only `block` and `pixels` use it, and they need it.

        Returns:
            float32 `[size, size]` of 0 and 1, 1 = missing.

        Raises:
            `MaskError` if nothing would be known, nothing missing (files excepted), the file is unreadable,
            or the key is missing.

        Example:
            >>> float(parse_mask("center:0.25").draw(64).mean())
            0.25
        """
        if self.kind == "file":
            mask = _from_file(self.path, size)
        elif self.kind == "center":
            mask = _square(self.fraction, size, lambda room: (room // 2, room // 2))
        elif self.kind == "block":
            chance = _generator(key, self.name)
            mask = _square(self.fraction, size, lambda room: chance.integers(0, room + 1, size=2))
        else:
            mask = _scattered(self.fraction, size, _generator(key, self.name))
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
        a `MaskSpec`; `draw` makes the array.

    Raises:
        `MaskError` naming the legal forms and the nearest one.

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
    """Say how much of a mask is missing.

    Arguments:
        mask: `[..., h, w]`, 1 = missing.

    Returns:
        a percentage with one decimal, rounded; "<0.1 %" for less than that but some.

    Example:
        >>> missing_percent(parse_mask("center:0.25").draw(64))
        '25.0 %'
    """
    percent = 100 * float(np.mean(mask))
    return "<0.1 %" if 0 < percent < 0.05 else f"{percent:.1f} %"


def _fraction(spec: str, number: str) -> float:
    try:
        fraction = float(number)
    except ValueError:
        fraction = math.nan
    if 0 < fraction < 1:
        return fraction
    hint = f" Did you mean {spec.partition(':')[0]}:{fraction / 100:g}?" if 1 < fraction < 100 else ""
    raise MaskError(f"mask {spec!r}: expected a fraction of the area between 0 and 1, got {number!r}.{hint}")


def _generator(key: jax.Array | None, name: str) -> np.random.Generator:
    if key is None:
        raise MaskError(f"mask {name}: it is random; give the image's JAX random `key`.")
    return np.random.default_rng(np.asarray(jax.random.key_data(key)))


def _square(fraction: float, size: int, place) -> np.ndarray:
    side = round(math.sqrt(fraction) * size)
    top, left = place(size - side)
    mask = np.zeros((size, size), np.float32)
    mask[top : top + side, left : left + side] = 1
    return mask


def _scattered(fraction: float, size: int, chance: np.random.Generator) -> np.ndarray:
    mask = np.zeros(size * size, np.float32)
    mask[chance.choice(size * size, round(fraction * size * size), replace=False, shuffle=False)] = 1
    return mask.reshape(size, size)


def _from_file(path: Path, size: int) -> np.ndarray:
    try:
        picture = load_image(path)
    except ImageError as error:
        raise MaskError(f"mask {error}") from None
    try:
        fitted = fit(picture, size, resample="nearest")
    except ImageError as error:
        raise MaskError(f"mask {path.as_posix()}: {error}") from None
    return (fitted.mean(axis=-1) > 127.5).astype(np.float32)
