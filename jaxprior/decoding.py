"""From the bytes of a picture file to pixels, trusting nothing about the bytes.

A picture set holds damaged, odd and hostile files. Each is decoded to the right pixels or refused with an
`ImageError` that says why; nothing else escapes, and nothing is silently wrong:

- formats: only those of `FORMATS`, whatever the file's name says; of an animation or many pages the first
  frame;
- size: the header's size is checked before any pixel is decoded;
- damage: truncated data is refused, PNG check sums are verified;
- depth: 16-bit samples are scaled by 1/257 (Pillow's own conversion clips grey ones to white); floating point
  grey must lie in [0, 1]; 32-bit integers have no known range and are refused;
- transparency is laid on white; CMYK, palettes, grey and 1-bit become RGB; the EXIF orientation is applied.

Pixels are uint8 RGB `[h, w, 3]`.
"""

import io
import threading
import warnings

import numpy as np
from PIL import Image, UnidentifiedImageError

from jaxprior.errors import ImageError


FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "PPM", "GIF")
MAX_PIXELS = 64_000_000

_TIFF_BITS_PER_SAMPLE, _TIFF_PHOTOMETRIC, _EXIF_ORIENTATION = 258, 262, 274
_WHITE_IS_ZERO = 0
_SIXTEEN_BIT = ("I;16", "I;16L", "I;16B", "I;16N")
_ALPHA = ("LA", "La", "PA", "RGBA", "RGBa")

# What each EXIF orientation does to an array [h, w, 3] so that it stands upright.
_UPRIGHT = {
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a, 1),
}

# Python's warning filters belong to the whole process: two threads that both save and restore them could
# leave the user's wrong for good, so pictures are decoded one at a time.
_lock = threading.Lock()


def decode(data: bytes, *, name: str = "the picture", max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Decode the bytes of a picture file.

    Arguments:
        data: the whole file.
        name: what error messages call it.
        max_pixels: larger pictures are refused before decoding; Pillow's own limit, 178 million, stays.

    Returns:
        uint8 RGB `[h, w, 3]`.

    Raises:
        `ImageError`, one sentence with the name and the reason.

    Example:
        >>> file = io.BytesIO()
        >>> Image.new("L", (20, 10)).save(file, "PNG")
        >>> decode(file.getvalue(), name="black.png").shape
        (10, 20, 3)
    """
    if not data:
        raise ImageError(f"{name}: the file is empty.")
    try:
        with _lock, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _decode(data, max_pixels)
    except ImageError as error:
        raise ImageError(f"{name}: {error}") from None
    except Exception as error:  # damaged bytes make decoders raise anything: OSError, SyntaxError, KeyError
        raise ImageError(f"{name}: {_reason(error)}") from error


def _decode(data: bytes, max_pixels: int) -> np.ndarray:
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        width, height = image.size
        if width * height > max_pixels:
            raise ImageError(f"it is {width}x{height}; expected at most {max_pixels} pixels, shrink it.")
        if width < 1 or height < 1:
            raise ImageError(f"it is {width}x{height} and holds no pixel.")
        if image.format == "PNG":
            with Image.open(io.BytesIO(data), formats=("PNG",)) as again:
                again.verify()  # the check sums, which decoding does not look at
        raw_mode = _raw_mode(image)
        white_is_zero = image.format == "TIFF" and image.tag_v2.get(_TIFF_PHOTOMETRIC) == _WHITE_IS_ZERO
        bits = image.tag_v2.get(_TIFF_BITS_PER_SAMPLE, (16,))[0] if image.format == "TIFF" else 16
        image.load()
        if image.mode in _SIXTEEN_BIT or (image.mode == "I" and image.format == "PPM"):
            pixels = _from_sixteen_bit(image, (1 << bits) - 1, white_is_zero)
        elif image.mode == "F":
            pixels = _from_float(image)
        elif image.mode == "I":
            raise ImageError("it has 32-bit or signed integers of unknown range; save it with 8 or 16 bits.")
        else:
            pixels = _from_eight_bit(image, raw_mode)
        upright = _UPRIGHT.get(_orientation(image), lambda a: a)
    return np.ascontiguousarray(upright(pixels))


def _raw_mode(image: Image.Image) -> str:
    """How the file packs its samples, e.g. "L;4" or "RGB;16B": known only before the pixels are loaded."""
    arguments = image.tile[0].args if image.tile else ""
    return arguments if isinstance(arguments, str) else str(arguments[0]) if arguments else ""


def _from_sixteen_bit(image: Image.Image, maximum: int, white_is_zero: bool) -> np.ndarray:
    samples = np.asarray(image).astype(np.uint32)
    grey = ((samples * 255 + maximum // 2) // maximum).clip(0, 255).astype(np.uint8)
    if white_is_zero:
        grey = 255 - grey
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        grey[samples == transparent] = 255
    return np.repeat(grey[..., None], 3, axis=-1)


def _from_float(image: Image.Image) -> np.ndarray:
    samples = np.asarray(image)
    low, high = float(samples.min()), float(samples.max())
    if not (low >= 0 and high <= 1):  # also true of NaN
        raise ImageError(
            f"it has floating point values from {low:.4g} to {high:.4g} where [0, 1] is expected; rescale it."
        )
    return np.repeat(np.rint(samples * 255).astype(np.uint8)[..., None], 3, axis=-1)


def _from_eight_bit(image: Image.Image, raw_mode: str) -> np.ndarray:
    transparent = image.info.get("transparency")
    if transparent is not None and image.format == "PNG":
        # Pillow widens or narrows the samples to 8 bits, but not the colour that stands for "transparent".
        if raw_mode in ("L;2", "L;4"):
            image.info["transparency"] = transparent * {"L;2": 85, "L;4": 17}[raw_mode]
        elif raw_mode == "RGB;16B":
            image.info["transparency"] = tuple(value >> 8 for value in transparent)
    if image.mode not in _ALPHA and transparent is None:
        return np.asarray(image.convert("RGB"))
    with_alpha = image.convert("RGBA")
    page = Image.new("RGB", image.size, "white")
    page.paste(with_alpha, mask=with_alpha.getchannel("A"))
    return np.asarray(page)


def _orientation(image: Image.Image) -> int:
    try:
        return image.getexif().get(_EXIF_ORIENTATION, 1)
    except Exception:  # damaged EXIF data says nothing about the pixels
        return 1


def _reason(error: Exception) -> str:
    """The reason for a failed decoding in words for people."""
    if isinstance(error, UnidentifiedImageError):
        return f"it is not a readable picture; expected {', '.join(FORMATS)} data with an intact header."
    if isinstance(error, Image.DecompressionBombError):
        return f"it has more than {2 * Image.MAX_IMAGE_PIXELS} pixels; make it smaller."
    if isinstance(error, MemoryError):
        return "there is not enough memory to decode it; make it smaller."
    if "truncated" in str(error).lower() or isinstance(error, EOFError):
        return "the file is truncated; copy it again."
    detail = f" ({error})" if isinstance(error, OSError | SyntaxError) and str(error) else ""
    return f"its data is damaged{detail}; copy it again."
