"""Masks that say which voxels of a volume are missing: a short specification, or an array in a file.

A mask is float32 `[d, h, w]`, where 1 means missing. In a specification, F is a share of the VOLUME between 0 and 1:

- `center:F` is the middle box of the volume's own shape, each side being the cube root of F as long as the volume's:
  `center:0.125` of 32x32x32 voxels is the middle 16x16x16.
- `block:F` is a box of the same size at a random place, another place for each volume.
- `pixels:F` is exactly round(F * d * h * w) scattered voxels, others for each volume.
- The path of a file is a volume of 0 and 1 of the volume's own shape, where 1 means missing (`half.npy`).
- The path of a folder or zip archive gives each volume of a run the mask file of its name.

Random masks are seeded as those of pictures are, see `jaxprior.data.masks`.
"""

import dataclasses
import math
from pathlib import Path

import numpy as np

from jaxprior.data.mask_words import missing_percent
from jaxprior.data.masks import MaskSpec, key_generator, parse_mask
from jaxprior.data.sources import is_archive
from jaxprior.data.volume_files import ending_of
from jaxprior.data.volumes import VolumeSource, list_volumes
from jaxprior.errors import MaskError, VolumeError
from jaxprior.lazy_jax import Array


@dataclasses.dataclass(frozen=True)
class VolumeMask:
    """The specification of a mask of volumes, used like a `MaskSpec`. `parse_volume_mask` makes it.

    Fields:
        kind: "center", "block", "pixels", "file" or "folder".
        fraction: the share of the volume that is missing; None for files and folders.
        path: the file, or the folder or archive of files.
        invert: what a file would leave known is missing, and the other way round.
    """

    kind: str
    fraction: float | None = None
    path: Path | None = None
    invert: bool = False

    means: str | None = dataclasses.field(default=None, init=False)

    @property
    def name(self) -> str:
        """The specification in its canonical spelling."""
        return self.path.as_posix() if self.path is not None else f"{self.kind}:{self.fraction:g}"

    @property
    def label(self) -> str:
        """The name for titles."""
        return f"{self.name} (inverted)" if self.invert else self.name

    @property
    def per_image(self) -> bool:
        """Whether every volume gets a mask of its own."""
        return self.kind in ("block", "pixels", "folder")

    def read(self, source: VolumeSource | None = None, *, shape: tuple[int, ...] | None = None) -> np.ndarray:
        """Read the mask's file.

        Arguments:
            source: the file of a folder or archive that belongs to the volume.
            shape: (d, h, w) that it must have.

        Returns:
            float32 [d, h, w]; 1 means missing.

        Raises:
            MaskError: it cannot be read, has another shape or other values than 0 and 1 (or 0 and 255), or marks
                nothing or everything.
        """
        if source is None:
            assert self.path is not None
            found = list_volumes(self.path, limit=2)
            if len(found) > 1:
                raise MaskError(
                    f"mask {self.name}: it holds several volumes; give a file of one, or a folder or zip archive with "
                    "a mask for each volume."
                )
            source = found[0]
        try:
            values = source.read()
        except VolumeError as error:
            raise MaskError(f"mask {error}") from None
        called = f"mask {source.name}"
        if shape is not None and values.shape != tuple(shape):
            raise MaskError(
                f"{called}: it has the shape {_sides(values.shape)}, and the volumes are {_sides(shape)}; expected a "
                "mask of their shape."
            )
        top = float(values.max())
        if not ((values == 0) | (values == top)).all() or top not in (0, 1, 255):
            raise MaskError(
                f"{called}: expected 0 (known) and 1 (missing), got values from {values.min():g} to {top:g}; save "
                "where it is missing as 1."
            )
        mask = values > 0
        if mask.all() or not mask.any():
            what = "everything" if mask.all() else "nothing"
            raise MaskError(f"{called}: it marks {what} as missing; expected 1 where voxels are missing, 0 elsewhere.")
        return (~mask if self.invert else mask).astype(np.float32)

    def statement(self, shape: tuple[int, ...] | None) -> str | None:
        """Say in one line how much the one mask of all volumes marks; None if there is no such file."""
        if self.kind != "file":
            return None
        counts = "0 counts" if self.invert else "1 counts"
        return f"mask {self.name.rpartition('/')[2]}: {missing_percent(self.read(shape=shape))} missing, {counts}"

    def draw(self, shape: tuple[int, ...], key: Array | None = None) -> np.ndarray:
        """Draw the mask of one volume.

        Arguments:
            shape: (d, h, w) of the volume.
            key: the JAX random key of this volume, which `block` and `pixels` need.

        Returns:
            float32 [d, h, w]; 1 means missing.

        Raises:
            MaskError: nothing would be known or missing, a key is needed, or see `read`.

        Example:
            >>> float(parse_volume_mask("center:0.125").draw((16, 16, 16)).mean())
            0.125
        """
        if self.path is not None:
            return self.read(shape=shape)
        self.check_share(shape)
        mask, fraction = np.zeros(shape, np.float32), self.fraction or 0.0
        if self.kind == "pixels":
            chosen = key_generator(key, self.name).choice(mask.size, round(fraction * mask.size), replace=False)
            mask.reshape(-1)[chosen] = 1
        else:
            sides = self._box(shape)
            rooms = [length - side for length, side in zip(shape, sides, strict=True)]
            if self.kind == "center":
                starts = [room // 2 for room in rooms]
            else:
                chance = key_generator(key, self.name)
                starts = [int(chance.integers(0, room + 1)) for room in rooms]
            mask[tuple(slice(start, start + side) for start, side in zip(starts, sides, strict=True))] = 1
        return mask

    def check_share(self, shape: tuple[int, ...]) -> None:
        """Refuse a share of which no voxel, or every voxel, would be missing, wherever chance puts it.

        Arguments:
            shape: (d, h, w) of the volumes. Masks in files are not looked at.

        Raises:
            MaskError: nothing would be known or missing.

        Example:
            >>> parse_volume_mask("pixels:0.5").check_share((16, 16, 16))
        """
        if self.fraction is None:
            return
        voxels = math.prod(shape)
        missing = round(self.fraction * voxels) if self.kind == "pixels" else math.prod(self._box(shape))
        if missing == voxels:
            raise MaskError(f"mask {self.name}: at {_sides(shape)} voxels nothing is known; leave some voxels known.")
        if not missing:
            raise MaskError(f"mask {self.name}: at {_sides(shape)} voxels nothing is missing; take a larger share.")

    def _box(self, shape: tuple[int, ...]) -> list[int]:
        """Sides of the box that `center` and `block` leave out."""
        return [round((self.fraction or 0.0) ** (1 / 3) * side) for side in shape]


AnyMask = MaskSpec | VolumeMask
"""The specification of a mask of pictures or of volumes."""


def parse_volume_mask(spec: str | Path, *, means: str | None = None, invert: bool = False) -> VolumeMask:
    """Read the specification of a mask of volumes.

    Arguments:
        spec: "center:F", "block:F" or "pixels:F", F being a share of the volume; or the path of a volume of 0 and 1, or
            of a folder or zip archive of such volumes.
        means: must be None: what white or black means is said of pictures.
        invert: a file marks what is known.

    Raises:
        MaskError: no such form or file, or strokes, which are drawn on pictures.

    Example:
        >>> parse_volume_mask("block:0.5").label
        'block:0.5'
    """
    path = Path(spec)
    if means is not None:
        raise MaskError(f"mask {spec}: --mask-means is for pictures; a mask of volumes has 1 where voxels are missing.")
    if str(spec) and (path.exists() or ".npz:" in str(spec)):
        if path.is_dir() or (path.is_file() and ending_of(path.name) != ".npz" and is_archive(path)):
            return VolumeMask("folder", path=path, invert=invert)
        if path.is_file() and not ending_of(path.name):
            raise MaskError(
                f"mask {spec}: this prior makes volumes, and this is no file of a volume; expected an array [d, h, w] "
                "of 0 and 1, as .npy, .npz or TIFF."
            )
        return VolumeMask("file", path=path, invert=invert)
    found: MaskSpec = parse_mask(spec, invert=invert)
    if found.kind == "strokes":
        raise MaskError(f"mask {spec}: strokes are drawn on pictures; take center:F, block:F or pixels:F for volumes.")
    return VolumeMask(found.kind, found.fraction)


def _sides(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
