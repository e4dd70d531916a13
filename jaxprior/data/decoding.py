"""Decoding the bytes of a picture file to pixels, without trusting the bytes.

Collections of pictures contain damaged, unusual and hostile files. Each file is either decoded to the right pixels or
refused with an `ImageError` that says why. No other error is raised, and no picture is silently wrong.

- Formats: only those of `jaxprior.data.kinds.FORMATS` are decoded, and the name of the file does not matter. Of an
  animation or a file of many pages, the first frame is used. A raw file of a camera is a TIFF file whose first picture
  is a small preview; it is refused.
- Size: the size in the header is checked before any pixel is decoded. Pixels are converted in tiles, so that decoding
  takes at most 7 bytes for each pixel, 4 in Pillow and 3 in the result; the decoders of WebP and AVIF take up to 13
  more.
- Damage: incomplete data is refused, and the checksums of PNG files are verified.
- Depth: samples of 16 bits are divided by 257, because Pillow's own conversion of grey ones clips them to white.
  Floating point grey must lie in [0, 1]. Integers of 32 bits have no known range and are refused.
- Colour: what the file states of its colours is converted to sRGB, see `jaxprior.data.colour`. Transparent pixels are
  laid on white. CMYK, palettes, grey and black-and-white become RGB.
- Orientation: the picture is turned as its EXIF data says.

Pixels are uint8 RGB `[h, w, 3]`. What was converted, laid on white or left out is said in notes.
"""

import contextlib
import dataclasses
import io
import itertools
import threading
import warnings
import zlib
from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image, ImageFile, TiffImagePlugin, UnidentifiedImageError

from jaxprior.data.colour import code_points_of, read_colours
from jaxprior.data.kinds import FORMATS, what_is
from jaxprior.data.tiles import from_eight_bit, from_float, from_sixteen_bit
from jaxprior.errors import ImageError


MAX_PIXELS = 64_000_000
"""The most pixels that a picture may have by default."""

REDUCED = ", after reduction to 8 bits"
FIRST_FRAME = "the first of several frames or pages was used"
TWELVE_BITS = "very dark: no value is above 1/16 of white, as in a picture of 12 bits that was saved with 16"

_TIFF_BITS_PER_SAMPLE, _TIFF_PHOTOMETRIC, _EXIF_ORIENTATION = 258, 262, 274
_TIFF_SUBFILE, _TIFF_REDUCED, _TIFF_RAW = 254, 1, 50706
_WHITE_IS_ZERO = 0
_PNG = b"\x89PNG\r\n\x1a\n"
_SIXTEEN_BIT = ("I;16", "I;16L", "I;16B", "I;16N")
_TILE_PIXELS = 1 << 18
_WHITE_OF_12_BITS = round(4095 / 257)  # what white of 12 bits becomes if it is read as 16 bits

# For each EXIF orientation, a function from the upright array to a view of it, whose rows are in the order of the file.
# What is read from the file and written to the view is upright in the array.
_STORED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a, -1),
}
_ON_ITS_SIDE = (5, 6, 7, 8)


class _Silence:
    """Warnings are ignored while any thread is inside.

    Python's warning filters belong to the whole process. Two threads that both save and restore them could leave the
    user's filters changed for good. Therefore the first thread that enters saves them, and the last one that leaves
    restores them.
    """

    def __init__(self):
        self._lock, self._inside, self._saved = threading.Lock(), 0, contextlib.ExitStack()

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._saved.enter_context(warnings.catch_warnings())
                warnings.simplefilter("ignore")
            self._inside += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._saved.close()


_silence = _Silence()


@dataclasses.dataclass(frozen=True)
class Picture:
    """A decoded picture, and what a user should know of how it was read.

    Arguments:
        pixels: uint8 RGB `[h, w, 3]`.
        notes: short phrases, for example "converted from Display P3 to sRGB"; none for an ordinary picture.
    """

    pixels: np.ndarray
    notes: tuple[str, ...] = ()


def decode(data: bytes, *, name: str = "the picture", max_pixels: int = MAX_PIXELS) -> Picture:
    """Decode the bytes of a picture file.

    Arguments:
        data: the whole file.
        name: what error messages call the picture.
        max_pixels: a picture with more pixels is refused before it is decoded. Pillow's own limit of 178 million
            pixels holds as well.

    Returns:
        its pixels, and notes on how they were read.

    Raises:
        ImageError: the picture cannot be used; the sentence has its name and the reason.

    Example:
        >>> file = io.BytesIO()
        >>> Image.new("L", (20, 10)).save(file, "PNG")
        >>> decode(file.getvalue(), name="black.png").pixels.shape
        (10, 20, 3)
    """
    with open_safely(data, name=name, max_pixels=max_pixels) as image:
        return _decode(image, code_points_of(image.format, data))


def upright_size(data: bytes, *, name: str = "the picture") -> tuple[int, int]:
    """Height and width that `decode` will give a picture, as its header tells them; no pixel is decoded.

    Arguments:
        data: the whole file.
        name: what error messages call the picture.

    Raises:
        ImageError: the picture cannot be used, as far as its header tells.

    Example:
        >>> file = io.BytesIO()
        >>> Image.new("L", (20, 10)).save(file, "PNG")
        >>> upright_size(file.getvalue())
        (10, 20)
    """
    with open_safely(data, name=name) as image:
        return _upright_sides(image, _orientation(image))


@contextlib.contextmanager
def open_safely(data: bytes, *, name: str, max_pixels: int = MAX_PIXELS) -> Iterator[ImageFile.ImageFile]:
    """Open the bytes of a picture file whose header is sound, for what reads more of it than its colours.

    Pixels are decoded when Pillow first needs them. Whatever error the file causes inside the `with` block leaves it as
    an `ImageError` with the picture's name.

    Arguments:
        data: the whole file.
        name: what error messages call the picture.
        max_pixels: a picture with more pixels is refused.

    Returns:
        Pillow's picture as it lies in the file, not turned; see `load_samples` and `upright`.

    Raises:
        ImageError: the picture cannot be used.

    Example:
        >>> file = io.BytesIO()
        >>> Image.new("LA", (20, 10)).save(file, "PNG")
        >>> with open_safely(file.getvalue(), name="clear.png") as image:
        ...     image.mode
        'LA'
    """
    if not data:
        raise ImageError(f"{name}: the file is empty.")
    try:
        with _silence, Image.open(io.BytesIO(data), formats=FORMATS) as image:
            width, height = image.size
            if width * height > max_pixels:
                raise ImageError(f"it is {width}x{height}; expected at most {max_pixels} pixels, shrink it.")
            if width < 1 or height < 1:
                raise ImageError(f"it is {width}x{height} and holds no pixel.")
            if image.format == "PNG":
                _verify_png(data)
            elif isinstance(image, TiffImagePlugin.TiffImageFile):
                _refuse_preview(image, data)
            yield image
    except ImageError as error:
        raise ImageError(f"{name}: {error}") from None
    except Exception as error:  # damaged bytes make decoders raise errors of any kind, e.g. SyntaxError or KeyError
        raise ImageError(f"{name}: {_reason(error, data, name)}") from error


def _decode(image: ImageFile.ImageFile, code_points: tuple[int, int] | None) -> Picture:
    """Decode a picture; errors of any kind may leave this function, and they do not name the picture."""
    animated, deep = is_animated(image), ";16" in _raw_mode(image)
    samples = load_samples(image)
    colours = read_colours(image, code_points)
    reduced = REDUCED if deep and samples.maximum == 255 and colours.transform is not None else ""
    notes = {f"{colours.note}{reduced}"} if colours.note else set()
    notes |= {FIRST_FRAME} if animated else set()
    if samples.maximum == 255:
        convert = from_eight_bit
    elif samples.maximum == 1:
        convert = from_float
    else:
        convert = from_sixteen_bit(samples.maximum, samples.white_is_zero, image.info.get("transparency"))
    pixels = upright(image, lambda tile: convert(tile, colours, notes), channels=3)
    notes |= {TWELVE_BITS} if samples.maximum == 65535 and 0 < pixels.max() <= _WHITE_OF_12_BITS else set()
    return Picture(pixels, tuple(sorted(notes)))


@dataclasses.dataclass(frozen=True)
class Samples:
    """How the samples of a loaded picture are to be understood.

    Arguments:
        maximum: the value of full brightness: 255; 65535 or another number for grey of 16 bits; 1 for floating point.
        white_is_zero: whether the samples of 16 bits are stored with white as 0. Pillow turns the others itself.
    """

    maximum: int
    white_is_zero: bool = False


def load_samples(image: ImageFile.ImageFile) -> Samples:
    """Load the pixels of a picture from `open_safely`, and refuse samples of unknown range."""
    raw_mode = _raw_mode(image)
    white_is_zero, bits = False, 16
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        white_is_zero = image.tag_v2.get(_TIFF_PHOTOMETRIC) == _WHITE_IS_ZERO
        bits = image.tag_v2.get(_TIFF_BITS_PER_SAMPLE, (16,))[0]
    image.load()
    if image.mode in _SIXTEEN_BIT or (image.mode == "I" and image.format == "PPM"):
        return Samples((1 << bits) - 1, white_is_zero)
    if image.mode == "F":
        _require_unit_range(image)
        return Samples(1)
    if image.mode == "I":
        raise ImageError("it has 32-bit or signed integers of unknown range; save it with 8 or 16 bits.")
    _match_transparency(image, raw_mode)
    return Samples(255)


def upright(
    image: Image.Image, convert: Callable[[Image.Image], np.ndarray], *, channels: int, dtype: type = np.uint8
) -> np.ndarray:
    """Convert a loaded picture tile by tile, and turn it as its EXIF data says.

    Arguments:
        image: the picture, as it lies in the file.
        convert: a function that turns a tile into an array `[h, w, channels]`, or `[h, w, 1]` for all channels alike.
        channels, dtype: of the result.

    Returns:
        `[h, w, channels]`.
    """
    orientation = _orientation(image)
    pixels = np.empty((*_upright_sides(image, orientation), channels), dtype)
    stored = _STORED[orientation](pixels)
    for place, tile in _tiles(image):
        stored[place] = convert(tile)
    return pixels


def _verify_png(data: bytes) -> None:
    """Verify the checksums of all chunks of a PNG file.

    Pillow's decoder does not verify all of them, and its method `verify` copies the file twice.
    """
    view, position = memoryview(data), 8
    while position < len(data):
        end = position + 12 + int.from_bytes(view[position : position + 4], "big")
        if end > len(data):
            raise ImageError("the file is truncated; copy it again.")
        if zlib.crc32(view[position + 4 : end - 4]) != int.from_bytes(view[end - 4 : end], "big"):
            raise ImageError("its data is damaged (a PNG check sum is wrong); copy it again.")
        if view[position + 4 : position + 8] == b"IEND":
            return
        position = end
    raise ImageError("the file is truncated; copy it again.")


def _refuse_preview(image: TiffImagePlugin.TiffImageFile, data: bytes) -> None:
    """Refuse a TIFF file whose first page is not the picture: a raw file of a camera, or what begins with a preview."""
    if _TIFF_RAW in image.tag_v2 or data[8:10] == b"CR":
        raise ImageError("it is a raw file of a camera, which is not read here; convert it to PNG or JPEG first.")
    if int(image.tag_v2.get(_TIFF_SUBFILE) or 0) & _TIFF_REDUCED:
        raise ImageError("its first page is only a preview, as in a raw file of a camera; convert it to PNG first.")


def is_animated(image: ImageFile.ImageFile) -> bool:
    """Whether there is a frame or page after the first. The other pictures of a JPEG file are views of the same."""
    try:
        return image.format != "MPO" and bool(getattr(image, "is_animated", False))
    except Exception:  # the first frame may be whole although the second is damaged
        return False


def _raw_mode(image: ImageFile.ImageFile) -> str:
    """Return how the file packs its samples, e.g. "L;4" or "RGB;16B". Pillow forgets it when it loads the pixels."""
    arguments = image.tile[0].args if image.tile else ""
    return arguments if isinstance(arguments, str) else str(arguments[0]) if arguments else ""


def _tiles(image: Image.Image) -> Iterator[tuple[tuple[slice, slice], Image.Image]]:
    """Cut a picture into tiles, and yield each with its place.

    Converting a large picture as a whole would take several times its memory.
    """
    width, height = image.size
    columns = min(width, _TILE_PIXELS)
    rows = _TILE_PIXELS // columns
    for top, left in itertools.product(range(0, height, rows), range(0, width, columns)):
        bottom, right = min(top + rows, height), min(left + columns, width)
        yield (slice(top, bottom), slice(left, right)), image.crop((left, top, right, bottom))


def _require_unit_range(image: Image.Image) -> None:
    """Refuse floating point samples outside of [0, 1]."""
    low, high = np.inf, -np.inf
    for _, tile in _tiles(image):
        samples = np.asarray(tile)
        low, high = np.minimum(low, samples.min()), np.maximum(high, samples.max())
    if not (low >= 0 and high <= 1):  # this is also true if there is a NaN
        raise ImageError(
            f"it has floating point values from {low:.4g} to {high:.4g} where [0, 1] is expected; rescale it."
        )


def _match_transparency(image: Image.Image, raw_mode: str) -> None:
    """Convert the colour of a PNG file that stands for "transparent" to 8 bits.

    Pillow converts the samples to 8 bits, but not this colour.
    """
    transparent = image.info.get("transparency")
    if transparent is None or image.format != "PNG":
        return
    if raw_mode in ("L;2", "L;4"):
        image.info["transparency"] = transparent * {"L;2": 85, "L;4": 17}[raw_mode]
    elif raw_mode == "RGB;16B":
        image.info["transparency"] = tuple(value >> 8 for value in transparent)


def _upright_sides(image: Image.Image, orientation: int) -> tuple[int, int]:
    """Height and width of a picture after it is turned."""
    width, height = image.size
    return (width, height) if orientation in _ON_ITS_SIDE else (height, width)


def _orientation(image: Image.Image) -> int:
    """Return the EXIF orientation of a picture, or 1, which is upright, if there is no valid one."""
    try:
        orientation = image.getexif().get(_EXIF_ORIENTATION)
        return orientation if orientation in _STORED else 1
    except Exception:  # the pixels may be whole although the EXIF data is damaged
        return 1


def _reason(error: Exception, data: bytes, name: str) -> str:
    """Say in words for the user why decoding failed."""
    if isinstance(error, UnidentifiedImageError):
        if data.startswith(_PNG):
            try:
                _verify_png(data)
            except ImageError as damage:
                return str(damage)
        if (what := what_is(data, name)) is not None:
            return f"it is {what}."
        return f"it is not a readable picture; expected {', '.join(FORMATS)} data with an intact header."
    if isinstance(error, Image.DecompressionBombError):
        return f"it has more than {2 * (Image.MAX_IMAGE_PIXELS or 0)} pixels; make it smaller."
    if isinstance(error, MemoryError):
        return "there is not enough memory to decode it; make it smaller."
    if "truncated" in str(error).lower() or isinstance(error, EOFError):
        return "the file is truncated; copy it again."
    if "MAX_TEXT_CHUNK" in str(error):
        return "a text or colour profile in it is larger than 1 MB; save it without that."
    detail = f" ({error})" if isinstance(error, OSError | SyntaxError) and str(error) else ""
    return f"its data is damaged{detail}; copy it again."
