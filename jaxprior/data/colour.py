"""What the samples of a picture file mean as colours, and their conversion to sRGB.

A file states its colours by an embedded ICC profile or, without one, by a few numbers: the chunks cICP, gAMA and cHRM
of PNG, the box "nclx" of AVIF, the colour space of EXIF data (cameras set to Adobe RGB). A file that states nothing is
taken for sRGB.

- Pictures are converted by LittleCMS, with relative colorimetric intent and black point compensation, as photo editors
  do by default: colours that sRGB has keep their exact values, which a perceptual intent would move; black stays black;
  colours outside of sRGB are clipped.
- Samples of 8 bits are converted to 8 bits, within 2 of 255 of the exact formulas; so is grey of 16 bits or floating
  point. Pillow reduces colours of 16 bits to 8 before the conversion, which the note says: within 3 of 255, but up to
  6 where a saturated colour has a channel near 0, and up to 13 for the darkest colours of linear light.
- A profile that changes no sample by more than 1 of 255 is one of sRGB. Pictures that have it are left as they are.
- A profile that is damaged, or for pictures with other channels, is not used, and the picture has a note that says so.
- High dynamic range (PQ, HLG) has no one conversion to sRGB, and is refused.
"""

import dataclasses
import functools
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageCms

from jaxprior.data.profiles import BT709, CODE_POINTS, D65, SRGB_CURVE, matrix_profile
from jaxprior.errors import ImageError


MAX_PROFILE = 16_000_000
"""The most bytes of a profile that is used; those of printers have two or three millions."""

LEAST_CHANGE = 2
"""A profile is used if it changes any sample by so many levels of 255; less is the rounding of sRGB itself."""

LEAST_CONTRAST = 64
"""A profile is damaged if it leaves less than so many levels between black and white."""

_GREY = ("1", "L", "LA", "La", "I", "I;16", "I;16L", "I;16B", "I;16N", "F")
_SPACES = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK", "LAB": "Lab"}
_SPACE_WORDS = {"GRAY": "grey", "RGB": "RGB", "CMYK": "CMYK", "Lab": "CIE Lab"}
_ADOBE_RGB = (D65, (0.64, 0.33), (0.21, 0.71), (0.15, 0.06))
_ADOBE_GAMMA = 563 / 256
_USUAL_GAMMA = 1 / 2.2  # programs write it for sRGB
_EXIF, _COLOUR_SPACE, _INTEROPERABILITY = 0x8769, 0xA001, 0xA005

_SRGB_CURVES = (1, 2, 6, 13, 14, 15)  # code points of sRGB, of "unknown", and of video curves that screens show alike
_GAMMAS = {4: 2.2, 5: 2.8, 8: 1.0}
_HIGH_RANGE = {16: "PQ", 18: "HLG"}
_HEADER = 1 << 16  # bytes of a file in which its colours are named, which come before its samples


@dataclasses.dataclass(frozen=True)
class Colours:
    """How the samples of a picture become sRGB. Made by `read_colours`.

    Arguments:
        mode: the mode of Pillow that `transform` takes.
        transform: of LittleCMS; None if Pillow's own conversion to RGB gives the right colours, or is all there is.
        note: what a user should know of the colours.
    """

    mode: str = "RGB"
    transform: ImageCms.ImageCmsTransform | None = None
    note: str | None = None

    def to_srgb(self, image: Image.Image) -> Image.Image:
        """Convert a picture, or a tile of one, of any mode of 8 bits to the mode RGB; alpha is dropped."""
        if self.transform is None:
            return image.convert("RGB")
        samples = image if image.mode == self.mode else image.convert(self.mode)
        if self.mode == "L":
            return Image.fromarray(self._ramp()[np.asarray(samples)])
        return self.transform.apply(samples)

    def from_grey(self, levels: np.ndarray) -> np.ndarray:
        """Convert grey of more than 8 bits.

        Arguments:
            levels: floats [h, w] in [0, 255].

        Returns:
            uint8 [h, w, 3].
        """
        channels = [np.interp(levels, np.arange(256), column) for column in self._ramp().T]
        return np.rint(np.stack(channels, axis=-1)).astype(np.uint8)

    def _ramp(self) -> np.ndarray:
        """What the 256 greys become, uint8 [256, 3]."""
        greys = _greys()
        if self.transform is None:
            return np.asarray(greys.convert("RGB"))[0]
        return np.asarray(self.transform.apply(greys if self.mode == "L" else greys.convert(self.mode)))[0]


def code_points_of(kind: str | None, data: bytes) -> tuple[int, int] | None:
    """Find the numbers of ITU-T H.273 for primaries and curve in a file, which Pillow does not tell.

    Arguments:
        kind: the format of the file. PNG has them in the chunk cICP, AVIF in the box nclx.
        data: the whole file.

    Returns:
        the two numbers, or None if there are none.
    """
    mark = {"PNG": b"\0\0\0\4cICP", "AVIF": b"colrnclx"}.get(kind or "")
    place = -1 if mark is None else data.find(mark, 0, _HEADER)
    if place < 0:
        return None
    numbers = data[place + 8 : place + 12]
    return (numbers[0], numbers[1]) if kind == "PNG" else (numbers[1], numbers[3])


def read_colours(image: Image.Image, code_points: tuple[int, int] | None = None) -> Colours:
    """Find out what the samples of a picture mean.

    Arguments:
        image: an opened picture, with the entries of `info` that Pillow found in the file.
        code_points: from `code_points_of`.

    Raises:
        ImageError: the picture has a high dynamic range.
    """
    mode = "L" if image.mode in _GREY else image.mode if image.mode in _SPACES else "RGB"
    grey = mode == "L"
    if mode == "LAB":
        return Colours(mode, _transform(None, mode), "converted from CIE Lab to sRGB")
    if image.format == "PNG" and code_points is not None:  # PNG says that cICP counts more than a profile
        return _named(code_points, grey)
    if "icc_profile" in image.info and image.info["icc_profile"] != b"":
        return _embedded(image.info["icc_profile"], mode)
    if mode == "CMYK":
        return Colours(mode, None, "converted from CMYK by the plain formula, because it has no colour profile")
    if code_points is not None:
        return _named(code_points, grey)
    if image.format == "PNG" and "srgb" not in image.info and {"gamma", "chromaticity"} & image.info.keys():
        return _measured(image.info.get("gamma"), image.info.get("chromaticity"), grey)
    if _is_adobe_rgb(image):
        return _stated("Adobe RGB (1998)", _ADOBE_RGB, (_ADOBE_GAMMA,), grey)
    return Colours()


def _embedded(profile: bytes | None, mode: str) -> Colours:
    """By the ICC profile of a file; None stands for one that Pillow could not put together."""
    if profile is None:
        return _without_profile("is damaged", mode)
    if len(profile) > MAX_PROFILE:
        return _without_profile(f"has {len(profile)} bytes", mode)
    try:
        parsed: Any = ImageCms.ImageCmsProfile(io.BytesIO(profile)).profile
        space, name = parsed.xcolor_space.strip(), _printable(parsed.profile_description)
    except Exception:  # LittleCMS and its wrapper raise errors of several kinds
        return _without_profile("is damaged", mode)
    grey = mode == "L"
    if grey and space == "RGB":
        mode = "RGB"  # a picture that was made grey may keep the profile that it had in colour
    if space != _SPACES[mode]:
        return _without_profile(f"is for {_SPACE_WORDS.get(space, 'other')} pictures", mode)
    try:
        transform = _transform(profile, mode, grey=grey)
    except ImageCms.PyCMSError:
        return _without_profile("is damaged", mode)
    return _converted(name or "its colour profile", mode, transform)


def _without_profile(reason: str, mode: str) -> Colours:
    read = "converted from CMYK by the plain formula" if mode == "CMYK" else "read as sRGB"
    return Colours(mode, None, f"{read}, because its colour profile {reason}")


def _named(code_points: tuple[int, int], grey: bool) -> Colours:
    """By the numbers of ITU-T H.273; 2 stands for "unknown"."""
    primaries, curve = code_points
    if curve in _HIGH_RANGE:
        raise ImageError(
            f"it has a high dynamic range ({_HIGH_RANGE[curve]}), which is not read here; save it in ordinary sRGB."
        )
    name, points = CODE_POINTS.get(1 if primaries == 2 else primaries, (None, None))
    if points is None or (curve not in _SRGB_CURVES and curve not in _GAMMAS):
        numbers = f"primaries {primaries} and curve {curve} of ITU-T H.273"
        return Colours(note=f"read as sRGB, because the colours that it names, {numbers}, are not known here")
    if curve in _GAMMAS:
        return _stated(f"{name} with {_gamma_words(_GAMMAS[curve])}", points, (_GAMMAS[curve],), grey)
    return _stated(str(name), points, SRGB_CURVE, grey)


def _measured(gamma: float | None, chromaticity: Sequence[float] | None, grey: bool) -> Colours:
    """By the chunks gAMA and cHRM of a PNG file.

    A gamma within 5 % of 1/2.2 stands for the curve of sRGB: programs write it so, and decoders take it so.
    """
    points = BT709 if chromaticity is None else tuple(zip(chromaticity[::2], chromaticity[1::2], strict=True))
    names = [] if chromaticity is None else ["primaries of its own"]
    if not gamma or abs(gamma / _USUAL_GAMMA - 1) < 0.05:
        return _stated("".join(names), points, SRGB_CURVE, grey)
    return _stated(" and ".join([*names, _gamma_words(1 / gamma)]), points, (1 / gamma,), grey)


def _gamma_words(gamma: float) -> str:
    return "linear light" if abs(gamma - 1) < 0.01 else f"gamma {gamma:.3g}"


def _stated(name: str, points: Sequence[tuple[float, float]], curve: Sequence[float], grey: bool) -> Colours:
    """By white, primaries and curve. For grey only the curve means something."""
    try:
        return _converted(name, "RGB", _transform(matrix_profile(name, points, curve), "RGB", grey=grey))
    except (ValueError, ImageCms.PyCMSError):
        return Colours(note=f"read as sRGB, because the colours that it names ({name}) are impossible")


def _converted(name: str, mode: str, transform: ImageCms.ImageCmsTransform | None) -> Colours:
    return Colours(mode, transform, None if transform is None else f"converted from {name} to sRGB")


@functools.lru_cache(maxsize=8)
def _transform(profile: bytes | None, mode: str, *, grey: bool = False) -> ImageCms.ImageCmsTransform | None:
    """Make the conversion from a profile to sRGB; None if it would change nothing beyond rounding.

    Arguments:
        profile: the bytes of an ICC profile; None for CIE Lab.
        mode: of the pictures that the profile is for.
        grey: whether the picture is grey, also where the profile is for RGB.
    """
    source = ImageCms.createProfile("LAB") if profile is None else ImageCms.ImageCmsProfile(io.BytesIO(profile))
    flags = ImageCms.Flags.BLACKPOINTCOMPENSATION
    if mode != "RGB" or not _has_matrix_and_curves(source):
        flags |= ImageCms.Flags.NOOPTIMIZE  # the faster form of such a conversion is up to 20 of 255 off
    transform = ImageCms.buildTransform(
        source,
        ImageCms.createProfile("sRGB"),
        mode,
        "RGB",
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        flags,
    )
    if mode in ("L", "RGB"):
        probe = _greys() if grey else _colours()
        probe = probe.convert(mode)
        before = np.asarray(probe.convert("RGB"), np.int16)
        after = np.asarray(ImageCms.applyTransform(probe, transform), np.int16)
        if after[0, -1].mean() - after[0, -256].mean() < LEAST_CONTRAST:
            raise ImageCms.PyCMSError("black and white become the same")
        if np.abs(after - before).max() < LEAST_CHANGE:
            return None
    return transform


def _has_matrix_and_curves(profile: Any) -> bool:
    """Whether a profile of RGB consists of a matrix and curves, without a table that would be used instead."""
    tables = profile.profile.clut or {}
    return profile.profile.is_matrix_shaper and not any(as_input for as_input, *_ in tables.values())


def _greys() -> Image.Image:
    """A picture of all greys, in one row from black to white."""
    return Image.fromarray(np.arange(256, dtype=np.uint8)[None])


def _colours() -> Image.Image:
    """A picture of colours all over the cube, and of all greys at its end, in one row."""
    steps = np.linspace(0, 255, 18).round().astype(np.uint8)
    cube = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(-1, 3)
    return Image.fromarray(np.concatenate([cube, np.asarray(_greys().convert("RGB"))[0]])[None])


def _is_adobe_rgb(image: Image.Image) -> bool:
    """Whether EXIF data say so: cameras write the colour space 2 or, by the DCF standard, the interoperability R03."""
    try:
        exif = image.getexif()
        space = exif.get_ifd(_EXIF).get(_COLOUR_SPACE)
        return space == 2 or (space != 1 and exif.get_ifd(_INTEROPERABILITY).get(1) == "R03")
    except Exception:  # the pixels may be whole although the EXIF data is damaged
        return False


def _printable(name: str | None) -> str:
    """The description of a profile, as short and plain as a message needs it."""
    return " ".join("".join(c if c.isprintable() else " " for c in name or "").split())[:60]
