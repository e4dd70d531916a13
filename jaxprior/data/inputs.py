"""What a command is given to restore: pictures for a prior of pictures, volumes for a prior of volumes."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jaxprior.data.kinds import EXTENSIONS
from jaxprior.data.listing import list_images
from jaxprior.data.sources import PathLike
from jaxprior.data.volume_files import ending_of
from jaxprior.data.volumes import list_volumes
from jaxprior.errors import ImageError, VolumeError


OF_STACKS = (".tif", ".tiff")
"""Endings that pictures and volumes have in common."""


def makes_volumes(image_shape: tuple[int, ...]) -> bool:
    """Whether images of a shape are volumes, (d, h, w, c), and no pictures, (h, w, c)."""
    return len(image_shape) == 4


def noun_of(image_shape: tuple[int, ...]) -> str:
    """What one image of a shape is called, "picture" or "volume".

    Example:
        >>> noun_of((64, 64, 3)), noun_of((32, 32, 32, 1))
        ('picture', 'volume')
    """
    return "volume" if makes_volumes(image_shape) else "picture"


def list_inputs(paths: PathLike | Iterable[PathLike], image_shape: tuple[int, ...]) -> list[Any]:
    """Find the pictures, or the volumes, that a prior can restore.

    Arguments:
        paths: files, folders and archives, as for `list_images` and `list_volumes`.
        image_shape: of the prior's images.

    Returns:
        sources with `name`, `stem`, `inside` and `location`, at least one.

    Raises:
        ImageError: nothing is found; or a file of a volume is given to a prior of pictures, or a picture to one of
            volumes.

    Example:
        >>> len(list_inputs("photos", (64, 64, 3)))
        1
    """
    given = [Path(path) for path in ([paths] if isinstance(paths, str | Path) else paths)]  # type: ignore[arg-type]
    if makes_volumes(image_shape):
        sides = "x".join(map(str, image_shape[:3]))
        for path in given:
            if path.suffix.lower() in EXTENSIONS - {*OF_STACKS} and path.is_file():
                raise VolumeError(
                    f"{path}: it is a picture, and this prior makes volumes of {sides} voxels; give volumes of that "
                    "size (.npy, .npz, TIFF), or another prior with --prior."
                )
        return list(list_volumes(given, shape=image_shape[:3]))
    for path in given:
        if ending_of(path.name) in (".npy", ".npz", ".npy.gz") and path.is_file():
            raise ImageError(
                f"{path}: it is a file of arrays, and this prior makes pictures; give pictures, or a prior of volumes "
                "with --prior."
            )
    return list(list_images(given))
