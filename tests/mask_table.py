"""The table of docs/masks.md: mask files of all kinds, what they are read as, and what is said.

`python tests/mask_table.py` writes the table anew; a test compares it with what the reader does.
"""

import dataclasses
import struct
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw
from scipy.ndimage import binary_dilation

from jaxprior.data.mask_files import read_mask
from jaxprior.errors import MaskError


PAGE = Path(__file__).parents[1] / "docs/masks.md"
BEGIN, END = "<!-- table: python tests/mask_table.py -->\n", "<!-- end of the table -->\n"

SIDE = 64
HOLE = np.zeros((SIDE, SIDE), bool)
HOLE[16:32, 16:48] = True  # 12.5 %
GREY = np.where(HOLE, 255, 0).astype(np.uint8)
NEAR = 9  # pixels beside the hole up to which lossy files may mark more


@dataclasses.dataclass(frozen=True)
class Case:
    """A mask file, how it is to be read, and what it should be read as.

    Fields:
        name: of the file; given: what is in it, for people.
        write: makes the file.
        expected: "hole", "edge" (the hole and pixels beside it), "rest" (all but the hole), "nothing", "refused", or
            the mask itself.
        options: of `read_mask`.
    """

    name: str
    given: str
    write: Callable[[Path], None]
    expected: Any = "hole"
    options: dict[str, Any] = dataclasses.field(default_factory=dict)

    def read(self, folder: Path) -> tuple[np.ndarray | None, str]:
        """Write the file and read it: the mask, None if it was refused, and what was said."""
        path = folder / self.name
        self.write(path)
        try:
            reading = read_mask(path, **self.options)
        except MaskError as error:
            return None, str(error).removeprefix(f"mask {path.as_posix()}: ")
        return reading.missing, reading.words()


def save(picture: np.ndarray | Image.Image, mode: str | None = None, **options: Any) -> Callable[[Path], None]:
    """Write a picture with Pillow, in a mode."""
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    return lambda path: (image if mode is None else image.convert(mode)).save(path, **options)


def coloured(background: tuple[int, ...], hole: tuple[int, ...]) -> np.ndarray:
    """A picture of two colours, or colours with transparency."""
    return np.where(HOLE[..., None], np.uint8(hole), np.uint8(background)).astype(np.uint8)


def palette(colours: dict[int, tuple[int, int, int]], border: int | None = None) -> Image.Image:
    """A picture with a palette, whose hole has the number 1, and perhaps a border with another number."""
    numbers = HOLE.astype(np.uint8)
    if border is not None:
        numbers[binary_dilation(HOLE, iterations=2) & ~HOLE] = border
    image = Image.fromarray(numbers, "P")
    table = np.zeros((256, 3), np.uint8)
    for number, colour in colours.items():
        table[number] = colour
    image.putpalette(table.tobytes())
    return image


def soft(blur: float) -> np.ndarray:
    """The hole with a blurred edge."""
    from scipy.ndimage import gaussian_filter

    return gaussian_filter(GREY.astype(np.float32), blur).round().astype(np.uint8)


def antialiased() -> Image.Image:
    """Thin lines drawn at eight times the size."""
    large = Image.new("L", (8 * SIDE, 8 * SIDE))
    ImageDraw.Draw(large).line((0, 100, 511, 400), fill=255, width=12)
    return large.resize((SIDE, SIDE), Image.Resampling.BOX)


def labels() -> np.ndarray:
    """A label map: squares of 1, 2 and 3 on 0."""
    numbers = np.zeros((SIDE, SIDE), np.uint8)
    for i in (1, 2, 3):
        numbers[16 * i - 8 : 16 * i, 8:24] = i
    return numbers


def with_small_numbers() -> np.ndarray:
    """A label map: squares of 1 and 10 on 0, and the hole in white."""
    numbers = np.where(HOLE, 255, 0).astype(np.uint8)
    numbers[40:56, 8:24], numbers[40:56, 32:48] = 1, 10
    return numbers


def grid_of_labels() -> np.ndarray:
    """A label map in which everything has a label: squares of 1 to 16."""
    rows, columns = np.mgrid[0:SIDE, 0:SIDE] // 16
    return (1 + 4 * rows + columns).astype(np.uint8)


def marked_photograph() -> np.ndarray:
    """A photograph on which the hole has been painted red."""
    return np.where(HOLE[..., None], np.uint8([255, 0, 0]), photograph()[..., None])


def two_whites() -> np.ndarray:
    """A hole of white, and another one of a yellowish white."""
    picture = np.where(HOLE[..., None], np.uint8([255, 255, 255]), np.uint8([0, 0, 0]))
    picture[40:56, 8:24] = (255, 255, 215)
    return picture


def colour_key(path: Path) -> None:
    """A grey PNG file whose black is called transparent."""
    Image.fromarray(GREY).save(path, transparency=0)


def turned(path: Path) -> None:
    """A JPEG file that lies on its side, with the EXIF entry that says so."""
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(np.rot90(GREY)).save(path, quality=95, exif=exif.tobytes())


def views(path: Path) -> None:
    """A JPEG file with two views, as some cameras write it."""
    red = Image.fromarray(coloured((255, 255, 255), (255, 0, 0)))
    red.save(path, format="MPO", save_all=True, append_images=[red], quality=50)


def sixteen_bit_colour(path: Path) -> None:
    """A PNG file with 16 bits a channel, which Pillow cannot write."""
    rows = np.repeat(np.where(HOLE, 65535, 0).astype(">u2")[..., None], 3, axis=-1)
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 16, 2, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    chunks = [(b"IHDR", header), (b"IDAT", body), (b"IEND", b"")]
    packed = [struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in chunks]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(packed))


def photograph() -> np.ndarray:
    """Something with all kinds of greys."""
    rows, columns = np.mgrid[0:SIDE, 0:SIDE]
    return ((np.sin(rows / 9) + np.cos(columns / 7) + 2) * 63).astype(np.uint8)


CHECKERBOARD = np.indices((SIDE, SIDE)).sum(axis=0) % 2 == 1
ONE_PIXEL = np.zeros((SIDE, SIDE), bool)
ONE_PIXEL[20, 30] = True
WIDE = np.pad(HOLE, ((0, 0), (32, 32)))
PAINTED = coloured((0, 0, 0, 0), (255, 0, 0, 255))
MARKER = coloured((0, 0, 0, 0), (255, 0, 0, 128))
ERASED = coloured((90, 90, 90, 255), (0, 0, 0, 0))
WHITE_PAINT = coloured((255, 255, 255, 0), (255, 255, 255, 255))
VOC = palette({1: (128, 0, 0), 255: (224, 224, 192)}, border=255)
TRIMAP = np.where(binary_dilation(HOLE, iterations=8) & ~HOLE, 128, GREY).astype(np.uint8)
BLACK, WHITE, MIDDLE = (Image.new("L", (SIDE, SIDE), value) for value in (0, 255, 128))

painted, transparent, black, white = ({"means": word} for word in ("painted", "transparent", "black", "white"))

CASES = [
    Case("grey.png", "white on black", save(GREY)),
    Case("rgb.png", "white on black, RGB", save(GREY, "RGB")),
    Case("bits.png", "white on black, 1 bit", save(GREY, "1")),
    Case("deep.png", "white on black, 16 bits", save(GREY.astype(np.uint16) * 257)),
    Case("deep_rgb.png", "white on black, 16 bits a channel", sixteen_bit_colour),
    Case("palette.png", "white on black, a palette", save(palette({1: (255, 255, 255)}))),
    Case("grey.gif", "white on black", save(GREY)),
    Case("grey.bmp", "white on black", save(GREY)),
    Case("grey.pgm", "white on black", save(GREY)),
    Case("grey.tif", "white on black", save(GREY)),
    Case("fax.tif", "white on black, 1 bit, as a fax", save(GREY, "1", compression="group4")),
    Case("float.tif", "1.0 on 0.0, floating point", save((GREY / 255).astype(np.float32))),
    Case("pages.tif", "white on black, two pages", save(GREY, save_all=True, append_images=[Image.new("L", (8, 8))])),
    Case("cmyk.tif", "white on black, CMYK", save(GREY, "CMYK")),
    Case("lossless.webp", "white on black", save(GREY, "RGB", lossless=True)),
    Case("lossy.webp", "white on black, quality 30", save(GREY, "RGB", quality=30), "edge"),
    Case("poor.jpg", "white on black, quality 30", save(GREY, quality=30), "edge"),
    Case("good.jpg", "white on black, quality 95", save(GREY, "RGB", quality=95), "edge"),
    Case("turned.jpg", "white on black, lying on its side by EXIF", turned, "edge"),
    Case("video.png", "235 on 16", save(np.where(HOLE, 235, 16).astype(np.uint8))),
    Case("rgba.png", "white on black, opaque", save(GREY, "RGBA")),
    Case("half.png", "white on black, half transparent everywhere",
         save(coloured((0, 0, 0, 128), (255, 255, 255, 128)))),
    Case("la.png", "white on black, grey with constant alpha", save(GREY, "LA")),
    Case("brush.png", "a soft brush, blurred by 2 pixels", save(soft(2)), "edge"),
    Case("lines.png", "thin antialiased lines", save(antialiased()), np.asarray(antialiased()) > 8),
    Case("wide.png", "white on black, 128x64", save(np.where(WIDE, 255, 0).astype(np.uint8)), WIDE),
    Case("checker.png", "a checkerboard", save(np.where(CHECKERBOARD, 255, 0).astype(np.uint8)), CHECKERBOARD),
    Case("pixel.png", "one white pixel", save(np.where(ONE_PIXEL, 255, 0).astype(np.uint8)), ONE_PIXEL),
    Case("inverse.png", "black on white", save(255 - GREY), "rest"),
    Case("inverse.png", "black on white", save(255 - GREY), options=black),
    Case("inverse.png", "black on white", save(255 - GREY), options={"invert": True}),
    Case("inverse.jpg", "black on white, quality 30", save(255 - GREY, quality=30), "edge", black),
    Case("strokes.png", "red paint on a transparent layer", save(PAINTED), "refused"),
    Case("strokes.png", "red paint on a transparent layer", save(PAINTED), options=painted),
    Case("strokes.png", "red paint on a transparent layer", save(PAINTED), "rest", transparent),
    Case("strokes.png", "red paint on a transparent layer", save(PAINTED), "refused", white),
    Case("marker.png", "red paint of half the opacity on a transparent layer", save(MARKER), options=painted),
    Case("marker.png", "red paint of half the opacity on a transparent layer", save(MARKER), "rest",
         {**painted, "invert": True}),
    Case("paint.png", "white paint on a transparent layer", save(WHITE_PAINT), "refused"),
    Case("paint.png", "white paint on a transparent layer", save(WHITE_PAINT), options=white),
    Case("erased.png", "grey, the hole erased", save(ERASED), "refused"),
    Case("erased.png", "grey, the hole erased", save(ERASED), options=transparent),
    Case("erased.png", "grey, the hole erased", save(ERASED), options={**painted, "invert": True}),
    Case("key.png", "white on black, black is called transparent", colour_key, "refused"),
    Case("key.png", "white on black, black is called transparent", colour_key, options=painted),
    Case("opaque.png", "white on black, no transparency", save(GREY), "refused", transparent),
    Case("label.png", "a label map, 1 on 0", save(HOLE.astype(np.uint8)), "refused"),
    Case("label.png", "a label map, 1 on 0", save(HOLE.astype(np.uint8)), options=painted),
    Case("label.png", "a label map, 1 on 0", save(HOLE.astype(np.uint8)), "refused", white),
    Case("label16.png", "255 on 0 of 65535", save(GREY.astype(np.uint16)), "refused"),
    Case("label16.png", "255 on 0 of 65535", save(GREY.astype(np.uint16)), options=painted),
    Case("labels.png", "a label map, 1, 2 and 3 on 0", save(labels()), "refused"),
    Case("labels.png", "a label map, 1, 2 and 3 on 0", save(labels()), labels() > 0, painted),
    Case("void.png", "a label map, 1 and 10 on 0, and 255", save(with_small_numbers()), "refused"),
    Case("void.png", "a label map, 1 and 10 on 0, and 255", save(with_small_numbers()), options=white),
    Case("void.png", "a label map, 1 and 10 on 0, and 255", save(with_small_numbers()),
         with_small_numbers() > 0, painted),
    Case("grid.png", "a label map, 1 to 16, without a background", save(grid_of_labels()), "refused", painted),
    Case("label32.tif", "a label map, 32 bits", save(HOLE.astype(np.int32)), "refused"),
    Case("voc.png", "a palette as in PASCAL VOC", save(VOC), "refused"),
    Case("voc.png", "a palette as in PASCAL VOC", save(VOC), binary_dilation(HOLE, iterations=2), painted),
    Case("dark.png", "a palette that shows all numbers black", save(palette({})), "refused"),
    Case("dark.png", "a palette that shows all numbers black", save(palette({})), options=painted),
    Case("red.png", "red on black", save(coloured((0, 0, 0), (255, 0, 0))), "refused"),
    Case("red.png", "red on black", save(coloured((0, 0, 0), (255, 0, 0))), options=painted),
    Case("red.jpg", "red on white, quality 50",
         save(coloured((255, 255, 255), (255, 0, 0)), quality=50), "edge", painted),
    Case("views.jpg", "red on white, quality 50, of several views", views, "edge", painted),
    Case("red_jpeg.tif", "red on white, JPEG in TIFF",
         save(coloured((255, 255, 255), (255, 0, 0)), compression="jpeg", quality=50), "edge", painted),
    Case("cream.png", "a yellowish white on black", save(coloured((0, 0, 0), (255, 255, 220))), "refused"),
    Case("cream.png", "a yellowish white on black", save(coloured((0, 0, 0), (255, 255, 220))), options=painted),
    Case("whites.png", "white and a yellowish white on black", save(two_whites()), "refused"),
    Case("whites.png", "white and a yellowish white on black", save(two_whites()),
         two_whites().any(axis=-1), painted),
    Case("half_grey.png", "128 on 0", save(GREY // 2 + GREY % 2), "refused"),
    Case("pale.png", "255 on 128", save(np.maximum(GREY, 128)), "refused"),
    Case("trimap.png", "white, a grey band, black", save(TRIMAP), "refused"),
    Case("trimap.png", "white, a grey band, black", save(TRIMAP), options=white),
    Case("photo.png", "a photograph", save(photograph()), "refused"),
    Case("marked.png", "a photograph with a red hole", save(marked_photograph()), "refused"),
    Case("marked.png", "a photograph with a red hole", save(marked_photograph()), "refused", painted),
    Case("faint.jpg", "a label map, 1 on 0, quality 95", save(HOLE.astype(np.uint8), quality=95), "refused", painted),
    Case("faint.png", "254 of 255 opaque, else opaque", save(coloured((90, 90, 90, 255), (90, 90, 90, 254))),
         "refused", transparent),
    Case("black.png", "all black", save(BLACK), "refused"),
    Case("black.png", "all black", save(BLACK), "nothing", white),
    Case("white.png", "all white", save(WHITE), "refused"),
    Case("middle.png", "all grey", save(MIDDLE), "refused"),
    Case("point.png", "a single pixel", save(Image.new("L", (1, 1), 255)), "refused"),
]  # fmt: skip

TITLES = {
    "hole": "the hole",
    "edge": "the hole and a little beside it",
    "rest": "all but the hole",
    "nothing": "nothing missing",
    "refused": "refused",
}


def is_right(mask: np.ndarray | None, expected: Any) -> bool:
    """Whether a mask that was read is the expected one."""
    if mask is None or isinstance(expected, str) and expected == "refused":
        return mask is None and isinstance(expected, str) and expected == "refused"
    if isinstance(expected, np.ndarray):
        return np.array_equal(mask, expected)
    if expected == "edge":
        return bool(mask[HOLE].all() and not mask[~binary_dilation(HOLE, iterations=NEAR)].any())
    return np.array_equal(mask, {"hole": HOLE, "rest": ~HOLE, "nothing": HOLE & False}[expected])


def table() -> str:
    """The table in Markdown."""
    lines = ["| given | with | read as | said |", "|---|---|---|---|"]
    with tempfile.TemporaryDirectory() as folder:
        for case in CASES:
            said = case.read(Path(folder))[1]
            lossy = case.name.endswith((".jpg", "lossy.webp", "_jpeg.tif"))
            said = "(depends on the encoder)" if lossy else said
            means = f"`--mask-means {case.options['means']}`" if "means" in case.options else ""
            options = " ".join(filter(None, (means, "`--invert-mask`" if "invert" in case.options else "")))
            read = "what is marked" if isinstance(case.expected, np.ndarray) else TITLES[case.expected]
            lines.append(f"| `{case.name}`: {case.given} | {options} | {read} | {said} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    before, rest = PAGE.read_text().split(BEGIN)
    PAGE.write_text(before + BEGIN + table() + END + rest.split(END)[1])
