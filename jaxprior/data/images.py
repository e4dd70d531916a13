"""Pictures: finding them, reading them, fitting them to a prior, and writing them.

Photos enter as files, folders or zip archives (`jaxprior.data.sources`) and leave as PNG files; in between they
are float32 RGB in [-1, 1], `[b, h, w, c]`. uint8 `[h, w, 3]` stands only at this border. `jaxprior.data.decoding`
says which files are refused.
"""

import hashlib
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image

from jaxprior.data.decoding import MAX_PIXELS, decode
from jaxprior.data.sources import ImageSource, PathLike, file_source, list_images
from jaxprior.errors import ImageError
from jaxprior.system.files import write_atomically


__all__ = [
    "ImageSource",
    "content_name",
    "fit",
    "grid",
    "list_images",
    "load_image",
    "load_images",
    "pixels_id",
    "save_png",
    "to_float",
    "to_uint8",
]

MIN_SIDE = 8

_RESAMPLING = {
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
    "lanczos": Image.Resampling.LANCZOS,
    "nearest": Image.Resampling.NEAREST,
}


def load_image(source: PathLike | bytes | ImageSource, *, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Decode one picture safely, upright and in 8-bit RGB.

    Arguments:
        source: a path, the bytes of a file, or an `ImageSource`.
        max_pixels: larger pictures are refused before they are decoded.

    Returns:
        uint8 `[h, w, 3]`.

    Raises:
        `ImageError`, one sentence that names the picture and the reason.

    Example:
        >>> pixels = load_image("cat.png")
    """
    if isinstance(source, bytes):
        return decode(source, max_pixels=max_pixels)
    if not isinstance(source, ImageSource):
        source = file_source(Path(source))
    return decode(source.read(), name=source.name, max_pixels=max_pixels)


def load_images(paths: PathLike | Iterable[PathLike], *, size: int, limit: int | None = None) -> np.ndarray:
    """Read pictures as one batch, ready for `restore`: centre square, resized to `size`.

    Arguments:
        paths: files, folders or zip archives, as for `list_images`.
        size: side of the result in pixels, usually `prior.resolution`.
        limit: only the first so many.

    Returns:
        float32 `[b, size, size, 3]` in [-1, 1].

    Raises:
        `ImageError` naming the first picture that cannot be used.

    Example:
        >>> photos = load_images("photos", size=64, limit=16)
    """
    batch = []
    for source in list_images(paths, limit=limit):
        pixels = load_image(source)
        try:
            batch.append(to_float(fit(pixels, size)))
        except ImageError as error:
            raise ImageError(f"{source.name}: {error}") from None
    return np.stack(batch)


def fit(image: np.ndarray, size: int, *, resample: str = "bicubic") -> np.ndarray:
    """Cut the centre square and resize it, antialiased.

    Arguments:
        image: uint8 `[h, w, 3]`, at least 8 pixels on each side.
        size: side of the result in pixels.
        resample: "bicubic" (Pillow's, its support grows with the reduction), "bilinear", "lanczos",
            "nearest".

    Returns:
        uint8 `[size, size, 3]`; the crop itself where it has this size already.

    Raises:
        `ImageError` for another layout, a picture that is too small, or an unknown `resample`.

    Example:
        >>> small = fit(load_image("cat.png"), 64)
    """
    _require_pixels(image, "fit")
    if resample not in _RESAMPLING:
        raise ImageError(f"resample: expected one of {', '.join(_RESAMPLING)}, got {resample!r}.")
    if size < 1:
        raise ImageError(f"size: expected at least 1 pixel, got {size}.")
    height, width, _ = image.shape
    side = min(height, width)
    if side < MIN_SIDE:
        raise ImageError(
            f"it is {width}x{height}; expected at least {MIN_SIDE}x{MIN_SIDE}, less holds nothing to restore."
        )
    top, left = (height - side) // 2, (width - side) // 2
    square = np.ascontiguousarray(image[top : top + side, left : left + side])
    if side == size:
        return square
    return np.asarray(Image.fromarray(square).resize((size, size), _RESAMPLING[resample]))


def to_float(image: ArrayLike) -> np.ndarray:
    """Map uint8 [0, 255] of any shape to float32 [-1, 1]: x / 127.5 - 1.

    Example:
        >>> to_float(np.array([0, 255], np.uint8))
        array([-1.,  1.], dtype=float32)
    """
    if np.asarray(image).dtype != np.uint8:
        raise ImageError(f"to_float: expected uint8, got {np.asarray(image).dtype}.")
    return np.asarray(image, np.float32) / np.float32(127.5) - np.float32(1)


def to_uint8(image: ArrayLike) -> np.ndarray:
    """Map float [-1, 1] to uint8 [0, 255], clipped and rounded; NaN (it diverged) becomes black.

    Arguments:
        image: float array of any shape.

    Returns:
        uint8 array of the same shape.

    Example:
        >>> pixels = to_uint8(np.zeros((4, 64, 64, 3), np.float32))  # all 128
    """
    scaled = (np.asarray(image, np.float32) + np.float32(1)) * np.float32(127.5)
    return np.rint(np.clip(np.nan_to_num(scaled, nan=0.0), 0, 255)).astype(np.uint8)


def pixels_id(image: np.ndarray) -> int:
    """Identify a picture by its pixels: the first 32 bits of the sha256 of its shape and samples.

    Equal pixels give equal ids whatever the file's name, format or place in a batch; `fold_in(key, id)` seeds
    all of an image's randomness.

    Arguments:
        image: uint8 `[h, w, 3]`.

    Returns:
        an integer in [0, 2**32).

    Example:
        >>> key = jax.random.fold_in(jax.random.key(0), pixels_id(load_image("cat.png")))
    """
    _require_pixels(image, "pixels_id")
    digest = hashlib.sha256("x".join(map(str, image.shape)).encode())
    digest.update(np.ascontiguousarray(image).tobytes())
    return int.from_bytes(digest.digest()[:4], "big")


def content_name(stem: str, image: np.ndarray) -> str:
    """Name a result file after its picture and content: "<stem>-<8 hex digits>".

    Characters that a file system may refuse become "_"; the stem is cut to 150 bytes.

    Example:
        >>> content_name("cat", np.zeros((8, 8, 3), np.uint8))
        'cat-458e0cbb'
    """
    safe = "".join(char if char.isalnum() or char in " ._-+()" else "_" for char in stem)
    safe = safe.encode()[:150].decode(errors="ignore").strip(" .") or "image"
    return f"{safe}-{pixels_id(image):08x}"


def save_png(path: PathLike, image: np.ndarray) -> None:
    """Write a PNG file so that a reader finds it whole or not at all, even after a crash.

    Arguments:
        path: the file; its folder must exist.
        image: uint8 `[h, w, 3]`.

    Raises:
        `ImageError` for another layout; `OSError` if the disk refuses.

    Example:
        >>> save_png("grey.png", to_uint8(np.zeros((64, 64, 3), np.float32)))
    """
    _require_pixels(image, "save_png")
    data = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(data, format="PNG")
    write_atomically(path, data.getvalue())


def grid(images: np.ndarray | Sequence[np.ndarray], *, columns: int, pad: int = 2) -> np.ndarray:
    """Lay pictures out in rows on white.

    Arguments:
        images: uint8 pictures of one size, `[b, h, w, 3]` or a list of `[h, w, 3]`.
        columns: pictures in a row; the last row may be shorter.
        pad: white pixels between two pictures and around all.

    Returns:
        one uint8 picture.

    Raises:
        `ImageError` if there are none, or they differ in size.

    Example:
        >>> save_png("all.png", grid([load_image("cat.png")] * 6, columns=3))
    """
    if len(images) == 0 or columns < 1 or pad < 0:
        raise ImageError(
            f"grid: expected pictures, columns >= 1 and pad >= 0, got {len(images)}, {columns} and {pad}."
        )
    for image in images:
        _require_pixels(image, "grid")
        if image.shape != images[0].shape:
            raise ImageError(f"grid: pictures of {image.shape} and {images[0].shape}; fit them to one size.")
    height, width, _ = images[0].shape
    rows = -(-len(images) // columns)
    page = np.full((rows * (height + pad) + pad, columns * (width + pad) + pad, 3), 255, np.uint8)
    for index, image in enumerate(images):
        top = pad + index // columns * (height + pad)
        left = pad + index % columns * (width + pad)
        page[top : top + height, left : left + width] = image
    return page


def _require_pixels(image: np.ndarray, where: str) -> None:
    array = isinstance(image, np.ndarray)
    if not array or image.dtype != np.uint8 or image.ndim != 3 or image.shape[-1] != 3:
        got = f"{image.dtype} {image.shape}" if array else type(image).__name__
        raise ImageError(f"{where}: expected a uint8 array [h, w, 3], got {got}; `to_uint8` converts floats.")
