"""What a picture file holds beside its colours: transparency, and samples of 16 bits in full depth.

Photographs are read by `jaxprior.data.decoding`, which lays transparency on white and rounds to 8 bits. Neither may
happen to a mask, because its transparency can be what marks the hole, and its values can be 0 and 1 of 65535. This
reader keeps both. What is refused, and how a picture is turned upright, is the same for both readers.
"""

import dataclasses
from pathlib import Path

import numpy as np
from PIL import Image, ImageFile

from jaxprior.data.decoding import Samples, is_animated, load_samples, open_safely, upright
from jaxprior.data.sources import ImageSource, PathLike, file_source


_GREY_OF_8_BITS = ("1", "L")
_SIXTEEN_BITS = 65535
_LOSSY, _LOSSY_TIFF = ("JPEG", "MPO", "AVIF"), ("jpeg", "tiff_jpeg", "webp")


@dataclasses.dataclass(frozen=True)
class Layers:
    """The colours of a picture as they are stored, and its transparency, upright.

    Arguments:
        colours: `[h, w, 3]`, or `[h, w, 1]` for grey; uint8 or uint16. Pixels that are transparent have whatever colour
            the file gives them.
        maximum: the value of full brightness, 255 or more.
        alpha: uint8 `[h, w]`, 255 is opaque; None if the file has no transparency.
        lossy: whether the format does not keep colours exactly, as JPEG.
        several: whether other frames or pages follow, which are not read.
    """

    colours: np.ndarray
    maximum: int = 255
    alpha: np.ndarray | None = None
    lossy: bool = False
    several: bool = False


def read_layers(source: PathLike | ImageSource) -> Layers:
    """Read a file's colours and transparency separately and in full depth.

    Arguments:
        source: a path, or an `ImageSource`.

    Returns:
        the layers. A palette becomes the colours that it shows; one that shows all pixels alike is left aside, and
        the palette's numbers are taken for grey values.

    Raises:
        ImageError: the file cannot be read; the sentence names it and the reason.

    Example:
        >>> read_layers("cat.png").colours.shape
        (64, 64, 3)
    """
    if not isinstance(source, ImageSource):
        source = file_source(Path(source))
    data = source.read()
    with open_safely(data, name=source.name) as image:
        several, lossy = is_animated(image), _is_lossy(image, data)
        return dataclasses.replace(_layers(image, load_samples(image)), lossy=lossy, several=several)


def _layers(image: ImageFile.ImageFile, samples: Samples) -> Layers:
    """The colours and the transparency of a loaded picture."""
    if samples.maximum == 1:
        return Layers(upright(image, _from_float, channels=1, dtype=np.uint16), _SIXTEEN_BITS)
    if samples.maximum != 255:
        grey = upright(image, _as_they_are, channels=1, dtype=np.uint16)
        transparent = image.info.get("transparency")
        alpha = np.where(grey[..., 0] == transparent, 0, 255).astype(np.uint8) if transparent is not None else None
        return Layers(samples.maximum - grey if samples.white_is_zero else grey, samples.maximum, alpha)
    if image.mode in _GREY_OF_8_BITS and "transparency" not in image.info:
        return Layers(upright(image, lambda tile: _as_they_are(tile.convert("L")), channels=1))
    if not image.has_transparency_data:
        colours, alpha = upright(image, lambda tile: np.asarray(tile.convert("RGB")), channels=3), None
    else:
        everything = upright(image, lambda tile: np.asarray(tile.convert("RGBA")), channels=4)
        colours, alpha = everything[..., :3], everything[..., 3]
    if image.mode == "P" and (colours == colours[:1, :1]).all():
        numbers = upright(image, _as_they_are, channels=1)
        colours = colours if (numbers == numbers[:1, :1]).all() else numbers
    return Layers(colours, alpha=alpha)


def _as_they_are(tile: Image.Image) -> np.ndarray:
    """A tile's stored values, [h, w, 1]."""
    return np.asarray(tile)[..., None]


def _from_float(tile: Image.Image) -> np.ndarray:
    """Convert a tile of floating point grey in [0, 1] to 16 bits, [h, w, 1]."""
    return np.rint(np.asarray(tile) * float(_SIXTEEN_BITS)).astype(np.uint16)[..., None]


def _is_lossy(image: Image.Image, data: bytes) -> bool:
    """Whether a file is compressed with loss: JPEG, also of several views or in TIFF, AVIF, and WebP.

    The pixels of lossless WebP lie in a chunk "VP8L". AVIF that is lossless cannot be told from other AVIF.
    """
    if image.format == "TIFF":
        return image.info.get("compression") in _LOSSY_TIFF
    return image.format in _LOSSY or (image.format == "WEBP" and b"VP8L" not in data)
