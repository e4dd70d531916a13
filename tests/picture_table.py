"""The table of docs/pictures.md: what is given, as what it is read, and what is said about it.

Each file is made here, read, and compared with the colours that it shows by definition, which are computed without the
package. `python tests/picture_table.py` writes the table into the documentation again; a test compares the two.
"""

import contextlib
import dataclasses
import io
import os
import struct
import tarfile
import tempfile
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import icc_files as icc
import numpy as np
from icc_files import with_profile
from odd_files import (
    ALPHA,
    AVIF,
    DEEP,
    GREY,
    RGB,
    animation,
    chunk,
    deep_png,
    ink,
    on_white,
    palette,
    picture,
    saved,
    three,
    tiff,
)  # fmt: skip
from PIL import Image

from jaxprior.data.images import read_picture, survey
from jaxprior.errors import ImageError


PAGE = Path(__file__).parents[1] / "docs" / "pictures.md"
BEGIN, END = "<!-- begin of the tables -->\n", "<!-- end of the tables -->\n"

STORED, WHITE, FIRST = "the colours stored", "laid on white", "the first frame"
SOFT = (RGB // 2 + 64).astype(np.uint8)
LINEAR = icc.rgb_profile("linear sRGB", icc.SRGB, 1.0)
P3 = icc.rgb_profile("Display P3", icc.DISPLAY_P3, icc.to_light)
SRGB = icc.rgb_profile("sRGB IEC61966-2.1", icc.SRGB, icc.to_light)
GREY_22 = icc.grey_profile("Gray Gamma 2.2", 2.2)
GREY_LINEAR = icc.grey_profile("linear grey", 1.0)
PRINTER = icc.cmyk_profile("a printer", [[[[[100 - 25 * (c + m + y) - 20 * k, 20 * (m - c), 25 * y - 10 * (c + m)]
    for k in (0, 1)] for y in (0, 1)] for m in (0, 1)] for c in (0, 1)])  # fmt: skip
LAB = np.stack(np.meshgrid(np.linspace(60, 200, 8).round(), (-20, 0, 25), (-25, 0, 20), indexing="ij"), -1)


@dataclasses.dataclass(frozen=True)
class Given:
    """A file: its name in the table, its bytes, the colours that it shows, and how far its pixels may be off."""

    name: str
    data: bytes
    read_as: str = "nothing"
    colours: np.ndarray | None = None
    tolerance: float = 1

    def row(self) -> tuple[str, str, str]:
        """Read the file, check what it was read as, and return a line of the table."""
        try:
            found = read_picture(self.data)
        except ImageError as error:
            assert self.colours is None, f"{self.name}: {error}"
            return self.name, "nothing", str(error).removeprefix("the picture: ")
        assert self.colours is not None, f"{self.name}: it was read"
        off = np.abs(found.pixels - np.asarray(self.colours, np.float64)).max()
        assert off <= self.tolerance, f"{self.name}: {off} of 255 off"
        return self.name, self.read_as, "; ".join(found.notes)


def files() -> list[Given]:
    """The files of the first table."""
    wide, floats = DEEP[..., 0], (DEEP[..., 0] / 65535).astype(np.float32)
    p3, linear = icc.shown(SOFT, icc.DISPLAY_P3, icc.to_light), icc.to_samples(SOFT / 255)
    plain = saved(SOFT, "PNG")
    p_trans, p_colours, p_indices = palette(kind="PNG", transparency=bytes(range(64)))
    cmyk, cmyk_colours = ink(200, 30, 100, 40)
    cyan = Image.new("CMYK", (32, 24), (255, 0, 0, 0))
    jpeg = np.asarray(Image.open(io.BytesIO(saved(SOFT, "JPEG", quality=100))))
    turned, adobe = Image.Exif(), Image.Exif()
    turned[274], adobe[0x8769] = 6, {0xA001: 65535, 0xA005: {1: "R03"}}
    lab = LAB.reshape(8, 9, 3)
    frames = saved(Image.fromarray(picture(0)).quantize(256), "GIF")
    movie = struct.pack(">I", 24) + b"ftypisom\0\0\2\0isommp42"
    return [
        Given("PNG, RGB of 8 bits", saved(RGB, "PNG"), STORED, RGB, 0),
        Given("PNG, RGB of 16 bits", deep_png(DEEP[..., :3], 2), "divided by 257", DEEP[..., :3] / 257),
        Given("PNG, grey", saved(GREY, "PNG"), STORED, three(GREY), 0),
        Given("PNG, grey of 16 bits", deep_png(wide, 0), "divided by 257", three(wide / 257)),
        Given("PNG, grey of 12 bits in 16", deep_png(wide // 16, 0), "divided by 257", three(wide // 16 / 257)),
        Given("PNG, grey with alpha", saved(np.dstack([GREY, ALPHA]), "PNG"), WHITE, on_white(three(GREY), ALPHA)),
        Given("PNG, RGB with alpha", saved(np.dstack([RGB, ALPHA]), "PNG"), WHITE, on_white(RGB, ALPHA)),
        Given("PNG, palette with transparent colours", p_trans, WHITE, on_white(p_colours, p_indices)),
        Given("PNG, 1 bit", saved(GREY > 127, "PNG"), "black and white", three(255 * (GREY > 127)), 0),
        Given("PNG with a profile of sRGB", with_profile(RGB, "PNG", SRGB), STORED, RGB, 0),
        Given("PNG with a profile of Display P3", with_profile(SOFT, "PNG", P3), "its colours in sRGB", p3, 1.5),
        Given("PNG with a profile of linear light", with_profile(SOFT, "PNG", LINEAR), "its colours in sRGB", linear),
        Given(
            "PNG of 16 bits with a profile of linear light",
            _chunks(deep_png(DEEP[..., :3], 2), chunk(b"iCCP", b"x\0\0" + zlib.compress(LINEAR))),
            "its colours in sRGB, the darkest up to 13 of 255 off",
            icc.to_samples(DEEP[..., :3] / 65535),
            13,
        ),
        Given("PNG with gamma 1.0", _chunks(plain, _gamma(100000)), "its colours in sRGB", linear),
        Given("PNG with gamma 1/2.2", _chunks(plain, _gamma(45455)), STORED, SOFT, 0),
        Given("PNG with cICP, Display P3", _chunks(plain, _cicp(12, 13)), "its colours in sRGB", p3, 1.5),
        Given("PNG with cICP, PQ", _chunks(plain, _cicp(9, 16))),
        Given("PNG with a broken profile", with_profile(RGB, "PNG", P3[:200]), STORED, RGB, 0),
        Given("PNG with a profile for CMYK", with_profile(RGB, "PNG", PRINTER), STORED, RGB, 0),
        Given(
            "PNG, grey with a profile of gamma 2.2",
            with_profile(GREY, "PNG", GREY_22),
            "its greys in sRGB",
            three(icc.to_samples((GREY / 255) ** 2.2)),
        ),
        Given(
            "PNG, grey with a profile for colours",
            with_profile(GREY, "PNG", LINEAR),
            "its greys in sRGB",
            three(icc.to_samples(GREY / 255)),
        ),
        Given("PNG, animated", animation("PNG"), FIRST, picture(0), 0),
        Given("JPEG, progressive", saved(RGB, "JPEG", quality=95, progressive=True), STORED, RGB, 40),
        Given("JPEG, grey", saved(GREY, "JPEG", quality=95), STORED, three(GREY), 20),
        Given(
            "JPEG that EXIF data turn by 90 degrees",
            saved(RGB, "JPEG", quality=100, subsampling=0, exif=turned.tobytes()),
            "upright",
            RGB[::-1].transpose(1, 0, 2),
            8,
        ),
        Given("JPEG of several views (MPO)", animation("MPO", quality=95), "the first view", picture(0), 40),
        Given(
            "JPEG with a profile of Display P3",
            with_profile(SOFT, "JPEG", P3, quality=100),
            "its colours in sRGB",
            icc.shown(jpeg, icc.DISPLAY_P3, icc.to_light),
            1.5,
        ),
        Given(
            "JPEG, Adobe RGB by EXIF data",
            saved(SOFT, "JPEG", quality=100, exif=adobe.tobytes()),
            "its colours in sRGB",
            icc.shown(jpeg, icc.ADOBE_RGB, lambda x: x**2.19921875),
            1.5,
        ),
        Given("JPEG, CMYK (inverted, as by Adobe)", saved(cmyk, "JPEG", quality=95), "by a formula", cmyk_colours, 4),
        Given(
            "JPEG, CMYK with a printer's profile",
            with_profile(cyan, "JPEG", PRINTER, quality=100),
            "its colours in sRGB",
            np.broadcast_to(icc.lab_to_srgb((75, -20, -10)), (24, 32, 3)),
            12,
        ),
        Given("WebP, lossless", saved(RGB, "WEBP", lossless=True), STORED, RGB, 0),
        Given("WebP, animated", animation("WEBP", lossless=True), FIRST, picture(0), 0),
        Given("GIF", frames, STORED, Image.open(io.BytesIO(frames)).convert("RGB"), 0),
        Given("GIF, animated", animation("GIF"), FIRST, Image.open(io.BytesIO(frames)).convert("RGB"), 60),
        Given("BMP", saved(RGB, "BMP"), STORED, RGB, 0),
        Given("PPM of 16 bits", b"P6 32 24 65535\n" + DEEP[..., :3].astype(">u2").tobytes(), "divided by 257",
              DEEP[..., :3] / 257),
        Given("TIFF of several pages", animation("TIFF"), "the first page", picture(0), 0),
        Given("TIFF, grey of 16 bits, white is 0", tiff(wide, photometric="miniswhite"), "divided by 257, inverted",
              three(255 - wide / 257)),
        Given("TIFF, grey of 16 bits with a linear profile", tiff(wide, iccprofile=GREY_LINEAR), "its greys in sRGB",
              three(icc.to_samples(wide / 65535)), 2),
        Given("TIFF, floating point in [0, 1]", tiff(floats), "times 255", three(floats * 255)),
        Given("TIFF, floating point beyond [0, 1]", tiff(floats * 2)),
        Given("TIFF, integers of 32 bits", tiff(wide.astype(np.int32))),
        Given("TIFF, CIE Lab", tiff(lab.astype(np.int16).astype(np.uint8), photometric="cielab"), "its colours in sRGB",
              icc.lab_to_srgb(lab / (2.55, 1, 1)), 1.5),
        Given("TIFF, CMYK", saved(cmyk, "TIFF"), "by a formula", cmyk_colours, 2),
        Given("TIFF that begins with a preview", tiff(RGB, photometric="rgb", subfiletype=1)),
        *([Given("AVIF", saved(SOFT, "AVIF", quality=100, subsampling="4:4:4"), STORED, SOFT, 8)] if AVIF else []),
        Given("HEIC, also under the name x.jpg", struct.pack(">I", 24) + b"ftypheic\0\0\0\0mif1heic"),
        Given("JPEG 2000", saved(RGB, "JPEG2000")),
        Given("TGA", saved(RGB, "TGA")),
        Given("Photoshop document", b"8BPS\0\1" + bytes(100)),
        Given("SVG", b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>'),
        Given("PDF", b"%PDF-1.7\n1 0 obj"),
        Given("raw file of a camera", b"FUJIFILMCCD-RAW 0201" + bytes(100)),
        Given("video", movie),
        Given("web page under the name x.jpg", b"<!DOCTYPE html><html><body>404</body></html>"),
        Given("text under the name x.png", b"some words, and no picture at all"),
        Given("empty file", b""),
        Given("PNG that was cut", saved(RGB, "PNG")[:600]),
        Given("JPEG that was cut", saved(RGB, "JPEG")[:-200]),
    ]  # fmt: skip


def _chunks(data: bytes, *chunks: bytes) -> bytes:
    return data[:33] + b"".join(chunks) + data[33:]


def _gamma(value: int) -> bytes:
    return chunk(b"gAMA", struct.pack(">I", value))


def _cicp(primaries: int, curve: int) -> bytes:
    return chunk(b"cICP", bytes((primaries, curve, 0, 1)))


def _folder(*names: str, links: dict[str, str] | None = None) -> Callable[[], str]:
    def make() -> str:
        for name in names:
            path = Path("photos", name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(saved(RGB, "PNG"))
        Path("photos").mkdir(exist_ok=True)
        for name, target in (links or {}).items():
            os.symlink(target, Path("photos", name))
        return "photos"

    return make


def _archive(*names: str, encrypted: bool = False) -> Callable[[], str]:
    def make() -> str:
        with zipfile.ZipFile("photos.zip", "w") as archive, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for i, name in enumerate(names):
                archive.writestr(name, saved(picture(i), "PNG"))
        if encrypted:
            data = bytearray(Path("photos.zip").read_bytes())
            data[data.index(b"PK\x01\x02") + 8] |= 1
            Path("photos.zip").write_bytes(bytes(data))
        return "photos.zip"

    return make


def _tar() -> str:
    with tarfile.open("photos.tar.gz", "w:gz") as archive:
        archive.add(_folder("a.png")())
    return "photos.tar.gz"


PLACES: list[tuple[str, Callable[[], str]]] = [
    ("folder of a.png, B.JPG, c.heic, d.jp2, labels.csv", _folder("a.png", "B.JPG", "c.heic", "d.jp2", "labels.csv")),
    ("folder of a.png and a file IMG_1 without an ending", _folder("a.png", "IMG_1")),
    ("folder of a.png and more.zip", _folder("a.png", "more.zip")),
    ("folder of a.png and a link to a folder of b.png", _folder("a.png", "../other/b.png", links={"more": "../other"})),
    ("folder of a.png and a link to itself", _folder("a.png", links={"again": "."})),
    ("folder of a.png and a link b.png to it", _folder("a.png", links={"b.png": "a.png"})),
    ("folder of a.png and a broken link to a folder", _folder("a.png", links={"gone": "nowhere"})),
    ("folder of a.heic alone", _folder("a.heic")),
    ("zip archive of a.png and inner.zip", _archive("a.png", "inner.zip")),
    ("zip archive with two unlike entries a.png", _archive("a.png", "a.png")),
    ("zip archive with entries ../a.png and /b.png", _archive("../a.png", "/b.png")),
    ("zip archive with an encrypted a.png", _archive("a.png", encrypted=True)),
    ("archive photos.tar.gz", _tar),
]


@contextlib.contextmanager
def _working_folder() -> Iterator[None]:
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)


def place_row(name: str, make: Callable[[], str]) -> tuple[str, str, str]:
    """Make a folder or an archive, list it, and return a line of the second table."""
    with _working_folder():
        try:
            listing = survey(make())
        except ImageError as error:
            return name, "nothing", str(error)
        said = listing.sentences()
        for source in listing.sources:
            try:
                source.read()
            except ImageError as error:
                said.append(f"a failed row: {error}")
        return name, ", ".join(source.name for source in listing.sources), " ".join(said)


def tables() -> str:
    """Both tables, in Markdown."""
    first = _markdown("given", [given.row() for given in files()])
    return f"{first}\n{_markdown('folder or archive', [place_row(*place) for place in PLACES])}"


def _markdown(title: str, rows: list[tuple[str, str, str]]) -> str:
    lines = [(title, "read as", "said"), ("---", "---", "---"), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |\n" for line in lines)


def in_page() -> str:
    """The tables as they stand in the documentation."""
    return PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]


if __name__ == "__main__":
    head, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    PAGE.write_text(head + BEGIN + tables() + END + rest.partition(END)[2], encoding="utf-8")
