"""Reading pictures, fitting them to the size of a prior, and writing them.

Photographs come from files, folders and zip archives (`jaxprior.data.listing`), and results are written as PNG files.
In between they are float32 RGB in [-1, 1], `[b, h, w, c]`; only here they are uint8 `[h, w, 3]`.
`jaxprior.data.decoding` describes which files are refused.

This module is `jaxprior.images` for users, and therefore also has the functions of `jaxprior.data.pixels` and the
grid of `jaxprior.data.sheets`.
"""

import io
import os
import warnings
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from jaxprior.checks import described, file_path, whole_number
from jaxprior.data.decoding import MAX_PIXELS, Picture, decode
from jaxprior.data.listing import Listing, list_images, survey
from jaxprior.data.notes import note_sentences
from jaxprior.data.pixels import content_name, pixels_id, require_pixels, to_float, to_grey, to_rgb, to_uint8
from jaxprior.data.sheets import grid
from jaxprior.data.sources import ImageSource, PathLike, file_source
from jaxprior.errors import ArgumentError, ImageError, JaxpriorWarning
from jaxprior.system.files import write_atomically


__all__ = [
    "ImageSource",
    "Listing",
    "Picture",
    "content_name",
    "fit",
    "grid",
    "list_images",
    "load_image",
    "load_images",
    "load_telling",
    "pixels_id",
    "read_picture",
    "save_png",
    "survey",
    "to_float",
    "to_grey",
    "to_rgb",
    "to_uint8",
]

MIN_SIDE = 8
"""Pixels that the shorter side of a picture must have."""

_RESAMPLING = {
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
    "lanczos": Image.Resampling.LANCZOS,
    "nearest": Image.Resampling.NEAREST,
}


def load_image(source: PathLike | bytes | ImageSource, *, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Decode one picture safely, to upright 8-bit RGB in sRGB.

    Nothing is said of how it was read; see `read_picture` and `load_telling`.

    Arguments:
        source: a path, the bytes of a file, or an `ImageSource`.
        max_pixels: a picture with more pixels is refused before it is decoded.

    Returns:
        uint8 `[h, w, 3]`.

    Raises:
        ImageError: the picture cannot be used; the sentence names it and the reason.

    Example:
        >>> pixels = load_image("cat.png")
    """
    return read_picture(source, max_pixels=max_pixels).pixels


def load_telling(source: PathLike | ImageSource) -> np.ndarray:
    """Decode one picture as `load_image` does, and tell by a `JaxpriorWarning` what a user should know of the reading.

    Arguments:
        source: a path or an `ImageSource`.

    Returns:
        uint8 `[h, w, 3]`.

    Raises:
        ImageError: the picture cannot be used.

    Example:
        >>> pixels = load_telling("cat.png")
    """
    name, picture = source.name if isinstance(source, ImageSource) else str(source), read_picture(source)
    for sentence in note_sentences([(name, picture.notes)]):
        warnings.warn(sentence, JaxpriorWarning, stacklevel=2)
    return picture.pixels


def read_picture(source: PathLike | bytes | ImageSource, *, max_pixels: int = MAX_PIXELS) -> Picture:
    """Decode one picture as `load_image` does, and return what a user should know of how it was read.

    Arguments:
        source: a path, the bytes of a file, or an `ImageSource`.
        max_pixels: a picture with more pixels is refused before it is decoded.

    Returns:
        the pixels, uint8 `[h, w, 3]`, and notes such as "converted from Display P3 to sRGB".

    Raises:
        ImageError: the picture cannot be used; the sentence names it and the reason.

    Example:
        >>> read_picture("cat.png").notes
        ()
    """
    if not isinstance(source, str | bytes | os.PathLike | ImageSource):
        raise ArgumentError(f"`source` must be a path, bytes or an `ImageSource`, got {described(source)}.")
    whole_number("max_pixels", max_pixels, least=1)
    if isinstance(source, bytes):
        return decode(source, max_pixels=max_pixels)
    if not isinstance(source, ImageSource):
        source = file_source(Path(source))
    return decode(source.read(), name=source.name, max_pixels=max_pixels)


def load_images(
    paths: PathLike | Iterable[PathLike], *, size: int, limit: int | None = None, channels: int = 3
) -> np.ndarray:
    """Read pictures into one batch, each cut to its centre square and resized, ready for `restore`.

    A `JaxpriorWarning` tells which files were passed over, and which pictures were read in a special way.

    Arguments:
        paths: files, folders, zip archives or patterns such as "photos/*.png", as for `list_images`.
        size: the side of the resulting pictures in pixels, usually `prior.resolution`.
        limit: read only this many pictures, the first ones.
        channels: 3 for RGB, 1 for the brightness alone, as a grey prior wants it.

    Returns:
        float32 `[b, size, size, channels]` in [-1, 1].

    Raises:
        ImageError: a picture cannot be used; the sentence names the first such picture.
        ArgumentError: no whole number as size or limit, or other channels.

    Example:
        >>> photos = load_images("photos", size=64, limit=16)
    """
    whole_number("size", size, least=1, error=ImageError)
    if channels not in (1, 3):
        raise ArgumentError(f"`channels` must be 3 for RGB or 1 for the brightness, got {described(channels)}.")
    batch, notes = [], []
    for source in list_images(paths, limit=limit):
        picture = read_picture(source)
        notes.append((source.name, picture.notes))
        try:
            fitted = fit(picture.pixels, size)
            batch.append(to_float(to_grey(fitted) if channels == 1 else fitted))
        except ImageError as error:
            raise ImageError(f"{source.name}: {error}") from None
    for sentence in note_sentences(notes):
        warnings.warn(sentence, JaxpriorWarning, stacklevel=2)
    return np.stack(batch)


def fit(image: np.ndarray, size: int, *, resample: str = "bicubic") -> np.ndarray:
    """Cut the centre square out of a picture and resize it with antialiasing.

    Arguments:
        image: uint8 `[h, w, 3]` with at least 8 pixels on each side.
        size: the side of the result in pixels.
        resample: "bicubic", "bilinear", "lanczos" or "nearest", as Pillow computes them: where pictures become
            smaller, the first three average over all pixels that fall into one.

    Returns:
        uint8 `[size, size, 3]`. A square that has this size already is not resampled.

    Raises:
        ImageError: the array is no picture, the picture is too small, or `resample` is unknown.

    Example:
        >>> small = fit(load_image("cat.png"), 64)
    """
    require_pixels(image, "fit")
    if not isinstance(resample, str) or resample not in _RESAMPLING:
        raise ImageError(f"resample: expected one of {', '.join(_RESAMPLING)}, got {described(resample)}.")
    whole_number("size", size, least=1, error=ImageError)
    square = centre_square(image)
    side = len(square)
    if side == size:
        return square
    return np.asarray(Image.fromarray(square).resize((size, size), _RESAMPLING[resample]))


def centre_square(image: np.ndarray) -> np.ndarray:
    """Cut the centre square out of a picture or mask.

    Arguments:
        image: `[h, w, ...]` with at least 8 pixels on each side.

    Returns:
        `[s, s, ...]`, where s is the shorter side. If the margins cannot be equal, the last one is wider by a pixel.

    Raises:
        ImageError: it is too small.

    Example:
        >>> centre_square(np.zeros((64, 96, 3), np.uint8)).shape
        (64, 64, 3)
    """
    height, width = image.shape[:2]
    check_sides((height, width))
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return np.ascontiguousarray(image[top : top + side, left : left + side])


def check_sides(shape: tuple[int, int]) -> None:
    """Refuse a picture or mask that is too small.

    Arguments:
        shape: its height and width.

    Raises:
        ImageError: a side has fewer than 8 pixels.
    """
    height, width = shape
    if min(shape) < MIN_SIDE:
        raise ImageError(
            f"it is {width}x{height}; expected at least {MIN_SIDE}x{MIN_SIDE}, less holds nothing to restore."
        )


def save_png(path: PathLike, image: np.ndarray) -> None:
    """Write a PNG file atomically: a reader finds all of it or nothing, even after a crash.

    Arguments:
        path: the file; its folder must exist.
        image: uint8 `[h, w, 3]`.

    Raises:
        ImageError: the array is no picture. ArgumentError: no path.
        OSError: the disk refuses.

    Example:
        >>> save_png("photos/grey.png", to_uint8(np.zeros((64, 64, 3), np.float32)))
    """
    require_pixels(image, "save_png")
    file_path("path", path)
    data = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(data, format="PNG")
    write_atomically(path, data.getvalue())
