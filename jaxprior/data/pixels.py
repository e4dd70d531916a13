"""Arrays of pixels: their two ranges of values, and how a picture is identified by its content.

Outside of files and pages, pictures are float32 RGB in [-1, 1]. What is read from a file or written to one is uint8
RGB `[h, w, 3]` in [0, 255].
"""

import hashlib
import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from jaxprior.checks import described, is_array
from jaxprior.errors import ImageError, RangeWarning


BRIGHTEST = 16.0
"""No picture in [-1, 1] has such a value, however noisy it is."""


def to_float(image: ArrayLike) -> np.ndarray:
    """Map uint8 [0, 255] to float32 [-1, 1], which is x / 127.5 - 1.

    Arguments:
        image: uint8 array of any shape.

    Returns:
        float32 array of the same shape.

    Raises:
        ImageError: the array has another type.

    Example:
        >>> to_float(np.array([0, 255], np.uint8))
        array([-1.,  1.], dtype=float32)
    """
    if np.asarray(image).dtype != np.uint8:
        raise ImageError(f"to_float: expected uint8, got {np.asarray(image).dtype}.")
    return np.asarray(image, np.float32) / np.float32(127.5) - np.float32(1)


def to_uint8(image: ArrayLike) -> np.ndarray:
    """Map float [-1, 1] to uint8 [0, 255], clipped and rounded. NaN, which a diverged picture has, becomes black.

    Arguments:
        image: float array of any shape.

    Returns:
        uint8 array of the same shape.

    Raises:
        ImageError: an array of whole numbers. Floats of 0 to 255 give a `RangeWarning`.

    Example:
        >>> pixels = to_uint8(np.zeros((4, 64, 64, 3), np.float32))  # every value is 128
    """
    given = np.asarray(image)
    if given.dtype.kind in "iubcSUO":  # not floats, of which those of 16 bits are of a kind of their own
        raise ImageError(f"to_uint8: expected floats in [-1, 1], got {given.dtype}.")
    if given.size and 0 <= given.min() and BRIGHTEST < given.max() <= 256:
        warnings.warn(
            "`image` has values of 0 to 255, which all become white; divide by 127.5 and subtract 1 first.",
            RangeWarning,
            stacklevel=2,
        )
    scaled = (np.asarray(image, np.float32) + np.float32(1)) * np.float32(127.5)
    return np.rint(np.clip(np.nan_to_num(scaled, nan=0.0), 0, 255)).astype(np.uint8)


LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in the luma of BT.601, as in mGANprior's public code and in JPEG files."""


def luma(picture: Any) -> Any:
    """The brightness `[..., h, w, 1]` of a picture `[..., h, w, c]` of floats, of NumPy or JAX: its luma (BT.601).

    Arguments:
        picture: c is 3, or 1 for a grey one, which is its own luma.

    Example:
        >>> luma(np.array([[[1.0, 0.0, 0.0]]])).item()
        0.299
    """
    if picture.shape[-1] == 1:
        return picture
    # A sum, and not a product of matrices, whose precision is a setting of JAX.
    return sum(weight * picture[..., i : i + 1] for i, weight in enumerate(LUMA))


def with_channels(pictures: Any, channels: int) -> Any:
    """Pictures `[..., h, w, c]` of floats with one or three channels, as many as wanted: repeated, or their luma."""
    if pictures.shape[-1] == channels:
        return pictures
    return np.repeat(pictures, 3, axis=-1) if channels == 3 else luma(pictures)


def is_grey(pixels: np.ndarray) -> bool:
    """Whether all channels of pixels `[..., c]` are equal, so that a network of colours should not tint them.

    Example:
        >>> is_grey(np.zeros((4, 3), np.uint8)), is_grey(np.arange(6).reshape(2, 3))
        (True, False)
    """
    return bool((pixels == pixels[..., :1]).all())


def to_grey(image: np.ndarray) -> np.ndarray:
    """The brightness of a picture: its luma (BT.601), rounded.

    Arguments:
        image: uint8 `[h, w, 3]`.

    Returns:
        uint8 `[h, w, 1]`. A grey picture keeps its values.

    Raises:
        ImageError: the array has another type or shape.
    """
    require_pixels(image, "to_grey")
    return np.rint(image @ np.array(LUMA)).astype(np.uint8)[..., None]


def to_rgb(image: np.ndarray) -> np.ndarray:
    """A picture `[..., h, w, c]` of any type as one of three channels: a grey one, c = 1, is repeated."""
    if not is_array(image) or np.ndim(image) < 3:
        raise ImageError(f"to_rgb: expected pictures [..., h, w, c], got {described(image)}.")
    return np.repeat(image, 3, axis=-1) if image.shape[-1] == 1 else image


def pixels_id(image: np.ndarray) -> int:
    """Return a number that identifies a picture by its pixels: 32 bits of the sha256 of its shape and values.

    Equal pixels have equal numbers, whatever the name and the format of the file and the place in a batch. All
    randomness of an image is seeded with `fold_in(key, id)`.

    Arguments:
        image: uint8 `[h, w, 3]`.

    Returns:
        an integer in [0, 2**32).

    Raises:
        ImageError: the array has another type or shape.

    Example:
        >>> key = jax.random.fold_in(jax.random.key(0), pixels_id(load_image("cat.png")))
    """
    require_pixels(image, "pixels_id")
    return array_id(image)


def array_id(array: np.ndarray) -> int:
    """Return 32 bits of the sha256 of an array's shape and values: of a picture what `pixels_id` returns.

    Arguments:
        array: of any shape, for example a volume [d, h, w].
    """
    digest = hashlib.sha256("x".join(map(str, array.shape)).encode())
    digest.update(np.ascontiguousarray(array).tobytes())
    return int.from_bytes(digest.digest()[:4], "big")


def content_name(stem: str, image: np.ndarray) -> str:
    """Return a name for the result files of a picture, made of its own name and its content.

    The name is "<stem>-<8 hex digits>". Characters that a file system may refuse become "_", and the stem is cut to
    150 bytes.

    Arguments:
        stem: the name of the picture's file, without folder and extension.
        image: uint8 `[h, w, 3]`.

    Example:
        >>> content_name("cat", np.zeros((8, 8, 3), np.uint8))
        'cat-458e0cbb'
    """
    if not isinstance(stem, str):
        raise ImageError(f"content_name: expected the name of a file as `stem`, got {described(stem)}.")
    return named_by_id(stem, pixels_id(image))


def named_by_id(stem: str, number: int) -> str:
    """Return a name for result files, as `content_name` does, of a number from `pixels_id` or `array_id`."""
    safe = "".join(char if char.isalnum() or char in " ._-+()" else "_" for char in stem)
    safe = safe.encode()[:150].decode(errors="ignore").strip(" .") or "image"
    return f"{safe}-{number:08x}"


def require_pixels(image: np.ndarray, where: str) -> None:
    """Check that an array has the type and the layout of a picture from a file.

    Arguments:
        image: what should be uint8 `[h, w, 3]`.
        where: the name of the function that the user called, for the error message.

    Raises:
        ImageError: the array has another type or shape.
    """
    array = isinstance(image, np.ndarray)
    if not array or image.dtype != np.uint8 or image.ndim != 3 or image.shape[-1] != 3:
        got = f"{image.dtype} {image.shape}" if array else type(image).__name__
        raise ImageError(f"{where}: expected a uint8 array [h, w, 3], got {got}; `to_uint8` converts floats.")
