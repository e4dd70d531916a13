"""Masks say which pixels of a picture are missing. They are written as a short specification, or drawn in a file.

A mask is float32 `[h, w]`, where 1 means missing (to be repaired) and 0 means known. In a specification, F is a
fraction of the AREA of the picture between 0 and 1:

- `center:F` is the middle part of the picture's own shape, of round(sqrt(F) * height) x round(sqrt(F) * width) pixels.
  Where its margins cannot be equal, the wider ones are at the right and at the bottom. `center:0.25` at 64x64 pixels
  is the middle 32x32.
- `block:F` (or `random:F`) is a part of the same size at a uniformly random place, another place for each image.
- `pixels:F` is exactly round(F * height * width) scattered pixels, others for each image.
- `strokes:F` is as many pixels under random strokes of a brush, others for each image, see `jaxprior.data.strokes`.
- The path of a file is a picture in which white means missing, unless `means` says otherwise. It is read by
  `jaxprior.data.mask_files` and fitted like the photographs by `jaxprior.data.mask_fitting`: turned upright, cut to
  the centre square, and resized so that every pixel that holds something of the hole is missing.
- The path of a folder or zip archive gives each picture of a run the mask file of its name.

Sides and counts are whole numbers of pixels; the exact fraction that is missing is `mask.mean()`. Random masks come
from an explicit JAX key, whose bits seed NumPy's PCG64 generator, so that a key gives the same mask on every device.
"""

import dataclasses
import difflib
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np

from jaxprior.data.mask_files import MaskReading, read_mask
from jaxprior.data.mask_words import check_meaning, missing_percent
from jaxprior.data.sources import ImageSource, PathLike, is_archive
from jaxprior.data.strokes import draw_strokes
from jaxprior.errors import MaskError
from jaxprior.lazy_jax import Array, jax


__all__ = ["MaskReading", "MaskSpec", "missing_percent", "parse_mask", "read_mask"]

LEGAL = (
    "center:F, block:F, pixels:F or strokes:F (F between 0 and 1, a fraction of the area), or the path of a picture"
)

MASK_STREAM = 0x6D61736B
"""Keeps the chance of masks apart from that of latent codes under the same key."""

_LEAST_PERCENT = 4  # above which a number is taken for a percentage

_KINDS = {"center": "center", "block": "block", "pixels": "pixels", "strokes": "strokes", "random": "block"}


@dataclasses.dataclass(frozen=True)
class MaskSpec:
    """The specification of a mask, from which masks of any size are drawn. `parse_mask` makes it.

    Arguments:
        kind: "center", "block", "pixels", "strokes", "file" or "folder".
        fraction: the fraction of the area that is missing; None for files and folders.
        path: the file, or the folder or archive of files; None for other kinds.
        means: which word says what a file marks, see `jaxprior.data.mask_files`; None where its colours say it.
        invert: whether what a file would leave known is missing, and the other way round.
    """

    kind: str
    fraction: float | None = None
    path: Path | None = None
    means: str | None = None
    invert: bool = False

    @property
    def name(self) -> str:
        """The specification in its canonical spelling, e.g. "block:0.25" or "masks/scratch.png"."""
        return self.path.as_posix() if self.path is not None else f"{self.kind}:{self.fraction:g}"

    @property
    def label(self) -> str:
        """The name, and how its file is read if not as white on black, for titles: "scratch.png (black, inverted)"."""
        said = ", ".join(filter(None, (self.means, "inverted" if self.invert else None)))
        return f"{self.name} ({said})" if said else self.name

    @property
    def per_image(self) -> bool:
        """Whether every image gets a mask of its own. Otherwise one mask serves all images."""
        return self.kind in ("block", "pixels", "strokes", "folder")

    def read(self, source: ImageSource | None = None) -> MaskReading:
        """Read the mask's file at its own size.

        Arguments:
            source: the file of a folder or archive that belongs to the image.

        Raises:
            MaskError: it cannot be read, or it is not clear what it marks, or the specification has no such file.

        Example:
            >>> parse_mask("scratch.png").read().words()  # needs the file of a mask # doctest: +SKIP
            '3.1 % missing, white counts'
        """
        if self.path is None or (self.kind == "folder" and source is None):
            raise MaskError(
                f"mask {self.name}: it is no picture file; name one of the files of a folder to read its mask."
            )
        return read_mask(self.path if source is None else source, means=self.means, invert=self.invert)

    def statement(self, size: int | None) -> str | None:
        """Say in one line how the mask's file is read and how much is missing; None if one file does not serve all.

        Arguments:
            size: the side of the picture in pixels; None where pictures keep their size, for the file's own.

        Raises:
            MaskError: see `draw`.
        """
        if self.kind != "file":
            return None
        return self.read().statement(None if size is None else self.draw(size))

    def draw(self, size: int | tuple[int, int], key: Array | None = None) -> np.ndarray:
        """Draw the mask for one image.

        Arguments:
            size: (height, width) of the picture in pixels, or the side of a square one. For a square one, a file is cut
                to its centre square; otherwise it is laid on the whole picture, whose shape it must have (or be square,
                which is laid on the centre square).
            key: the JAX random key of this image, which `block`, `pixels` and `strokes` need and other kinds ignore.

        Returns:
            float32 `[height, width]`; 1 means missing, 0 means known.

        Raises:
            MaskError: no pixel would be known, no pixel would be missing (which is allowed for files whose meaning is
                given), the file cannot be read or has another shape, a key is needed, or the specification is a folder.

        Example:
            >>> float(parse_mask("center:0.25").draw(64).mean()), parse_mask("center:0.25").draw((60, 80)).shape
            (0.25, (60, 80))
        """
        fraction = self.fraction or 0.0
        if self.path is not None:
            return self.read().fitted(size) if isinstance(size, int) else self.read().laid_on(size)
        self.check_share(size)
        shape = (size, size) if isinstance(size, int) else size
        if self.kind == "center":
            mask = _part(fraction, shape, lambda room: room // 2)
        elif self.kind == "block":
            chance = key_generator(key, self.name)
            mask = _part(fraction, shape, lambda room: int(chance.integers(0, room + 1)))
        else:
            cover = draw_strokes if self.kind == "strokes" else _scattered
            mask = cover(fraction, shape, key_generator(key, self.name))
        return mask

    def check_share(self, size: int | tuple[int, int]) -> None:
        """Refuse a fraction of which no pixel, or every pixel, would be missing, wherever chance puts it.

        Arguments:
            size: see `draw`. Masks in files are not looked at.

        Raises:
            MaskError: no pixel would be known, or none missing.

        Example:
            >>> parse_mask("pixels:0.5").check_share(64)
        """
        if self.fraction is None:
            return
        height, width = (size, size) if isinstance(size, int) else size
        if self.kind in ("pixels", "strokes"):
            missing = round(self.fraction * (height * width))
        else:
            missing = math.prod(_sides(self.fraction, (height, width)))
        at = f"{size}" if isinstance(size, int) else f"{width}x{height}"
        if missing == height * width:
            raise MaskError(f"mask {self.name}: at {at} pixels nothing is known; leave some pixels known.")
        if not missing:
            raise MaskError(f"mask {self.name}: at {at} pixels nothing is missing; take a larger fraction.")


def parse_mask(spec: PathLike, *, means: str | None = None, invert: bool = False) -> MaskSpec:
    """Read a mask specification.

    Arguments:
        spec: "center:F", "block:F", "random:F", "pixels:F", "strokes:F", or the path of a picture, or of a folder or
            zip archive of pictures that are named like the images of a run.
        means: what a file marks as missing, "white", "black", "painted" or "transparent"; None where a black and white
            picture says it, in which white is missing.
        invert: whether a file marks what is known instead.

    Returns:
        the specification, whose method `draw` makes arrays.

    Raises:
        MaskError: the text has no legal form; the sentence names the legal ones and the most similar one. Or `means` or
            `invert` is given where there is no file.

    Example:
        >>> parse_mask("random:0.25").name
        'block:0.25'
    """
    text = str(spec)
    check_meaning(means)
    kind, colon, number = text.partition(":")
    if colon and kind.strip().lower() in _KINDS:
        if means is not None or invert:
            raise MaskError(
                f"mask {text}: what white or black means, and inverting, are for masks in files; this one is drawn."
            )
        return MaskSpec(_KINDS[kind.strip().lower()], _fraction(kind.strip().lower(), number))
    if text and Path(spec).exists():
        kind = "folder" if Path(spec).is_dir() or is_archive(Path(spec)) else "file"
        return MaskSpec(kind, path=Path(spec), means=means, invert=invert)
    nearest = difflib.get_close_matches(kind.lower(), _KINDS, n=1)
    number = number if 0 < _number(number) < 1 else "0.25"
    hint = f" Did you mean {nearest[0]}:{number}?" if nearest else ""
    raise MaskError(f"mask {text!r}: no such form and no such file; expected {LEGAL}.{hint}")


def _fraction(kind: str, number: str) -> float:
    """Read the fraction of a specification."""
    fraction = _number(number)
    if 0 < fraction < 1:
        return fraction
    percent = _percent(number)
    hint = f"Take {kind}:0.25 for a quarter of it." if percent is None else f"Did you mean {kind}:{percent / 100:g}?"
    raise MaskError(
        f"mask {f'{kind}:{number}'!r}: expected a fraction of the area between 0 and 1, got {number!r}. {hint}"
    )


def _percent(number: str) -> float | None:
    """The percentage that was given in place of a fraction; None if it is none.

    A small number without a percent sign is as likely a side, a factor or a slip, so nothing is made of it.
    """
    text = number.strip()
    value = _number(text.removesuffix("%"))
    least = 0 if text.endswith("%") else _LEAST_PERCENT
    return value if least < value < 100 else None


def _number(text: str) -> float:
    """A number, or NaN if the text is none."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def key_generator(key: Array | None, name: str) -> np.random.Generator:
    """Return NumPy's generator, seeded with the bits of a JAX key.

    Raises:
        MaskError: there is no key; the sentence says so of the mask of this name.
    """
    if key is None:
        raise MaskError(f"mask {name}: it is random; give the image's JAX random `key`.")
    return np.random.default_rng(np.asarray(jax.random.key_data(key)))


def _part(fraction: float, shape: tuple[int, int], place: Callable[[int], int]) -> np.ndarray:
    """Draw a part of a picture's own shape; `place` maps the number of free pixels along an axis to where it begins."""
    mask, sides = np.zeros(shape, np.float32), _sides(fraction, shape)
    top, left = (place(room - side) for room, side in zip(shape, sides, strict=True))
    mask[top : top + sides[0], left : left + sides[1]] = 1
    return mask


def _sides(fraction: float, shape: tuple[int, int]) -> list[int]:
    """Height and width of such a part."""
    return [round(math.sqrt(fraction) * side) for side in shape]


def _scattered(fraction: float, shape: tuple[int, int], chance: np.random.Generator) -> np.ndarray:
    """Draw scattered pixels."""
    count = shape[0] * shape[1]
    mask = np.zeros(count, np.float32)
    mask[chance.choice(count, round(fraction * count), replace=False, shuffle=False)] = 1
    return mask.reshape(shape)
