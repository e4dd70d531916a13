"""A folder of everything that may lie among somebody's pictures: damaged, foreign, hostile and odd files.

`fill(folder)` writes them all and says what must become of each. `write_bombs(folder)` writes files that are small, or
cost nothing to send, and want much memory.
"""

import dataclasses
import io
import os
import socket
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from odd_files import RGB, broken, chunk, huge_headers, oriented, png, saved, valid
from PIL import Image

from jaxprior.data.images import MIN_SIDE


SUFFIXES = {"jpeg": ".jpg", "webp": ".webp", "bmp": ".bmp", "tiff": ".tif", "gif": ".gif", "Nx1": ".bmp"}
SUFFIXES |= {name: f".{name}" for name in ("png", "ppm", "pgm", "pbm", "pfm", "avif")}
PIXELS_ALLOWED = 64_000_000


def suffix(name: str) -> str:
    """The usual ending of an encoding's files, from the first word of its name."""
    return SUFFIXES.get(name.split()[0], ".png")


def _flip(data: bytes, start: int, stop: int, chance: np.random.Generator) -> bytes:
    place = int(chance.integers(min(start, len(data) - 1), min(stop, len(data))))
    return data[:place] + bytes([data[place] ^ int(chance.integers(1, 256))]) + data[place + 1 :]


def _scattered(data: bytes, chance: np.random.Generator) -> bytes:
    damaged = np.frombuffer(data, np.uint8).copy()
    damaged[chance.integers(0, len(data), 20)] = chance.integers(0, 256, 20)
    return damaged.tobytes()


DAMAGES: dict[str, Callable[[bytes, np.random.Generator], bytes]] = {
    "empty": lambda data, _: b"",
    "8 bytes": lambda data, _: data[:8],
    "40 bytes": lambda data, _: data[:40],
    "a quarter": lambda data, _: data[: len(data) // 4],
    "a half": lambda data, _: data[: len(data) // 2],
    "nine tenths": lambda data, _: data[: len(data) * 9 // 10],
    "last byte gone": lambda data, _: data[:-1],
    "header byte flipped": lambda data, chance: _flip(data, 0, 32, chance),
    "body byte flipped": lambda data, chance: _flip(data, 32, len(data), chance),
    "20 bytes scattered": _scattered,
    "zeros in the middle": lambda data, _: data[: len(data) // 2] + bytes(64) + data[len(data) // 2 + 64 :],
    "huge sizes": lambda data, _: data[:16] + b"\xff" * 8 + data[24:],
    "bytes put in": lambda data, chance: data[: len(data) // 3] + chance.bytes(7) + data[len(data) // 3 :],
    "halves changed over": lambda data, _: data[len(data) // 2 :] + data[: len(data) // 2],
    "another signature": lambda data, _: b"GIF89a" + data[6:],
}
"""What can happen to a file. Some of it cannot be seen in some encodings, and such a picture decodes."""


def damaged(encodings: list[tuple], *, seed: int = 0) -> Iterator[tuple[str, bytes]]:
    """(file name, bytes) of every encoding with every damage; encodings as in `valid`."""
    chance = np.random.default_rng(seed)
    for name, data, *_ in encodings:
        for damage, do in DAMAGES.items():
            yield f"{name}, {damage}{suffix(name)}", do(data, chance)


def foreign() -> dict[str, bytes]:
    """Whole files of other kinds under a picture's name, and files that are two kinds at once."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("a.txt", "text")
    image = saved(RGB, "PNG")
    script = b"<script>alert(1)</script>"
    return {
        "svg.png": b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><circle r="9"/></svg>',
        "shell.jpg": b"#!/bin/sh\necho owned > owned\n",
        "fits.png": b"SIMPLE  =                    T".ljust(2880),
        "ico.png": saved(RGB, "ICO"),
        "sgi.png": saved(RGB, "SGI"),
        "eps by pillow.png": saved(RGB, "EPS"),
        "pdf by pillow.png": saved(RGB, "PDF"),
        "zip.png": archive.getvalue(),
        "gzip.png": b"\x1f\x8b\x08" + zlib.compress(image)[2:],
        "pickle.png": b"\x80\x04\x8c\x02os\x94\x8c\x06system\x94\x93\x94\x8c\x04true\x94\x85\x94R\x94.",
        "png and zip.png": image + archive.getvalue(),
        "png and script.png": image[:33] + chunk(b"tEXt", b"Comment\0" + script) + image[33:],
        "jpeg and script.jpg": saved(RGB, "JPEG", comment=script),
        "gif and script.gif": saved(RGB, "GIF", comment=script),
        "zip and png.png": archive.getvalue() + image,
    }


ODD_NAMES = (
    b"\xff\xfe.png", b"two\nlines.png", b"\x1b[31mred.png", b"tab\t.png", b"%s {} $HOME.png", b"-o.png",
    "\u202egnp.png".encode(), "猫 ü \U0001f408.png".encode(), b"<b>&amp;\"'.png", b" spaces .png", b"a|b`c`.png",
    b"[x]*?.png", b"CON.png", b"a\\b.png", b"n" * 251 + b".png", "ü".encode() * 125 + b".png",
)  # fmt: skip
"""Legal names of files, all of the same good picture."""


@dataclasses.dataclass(frozen=True)
class Contents:
    """What lies in a folder of `fill`, by path under it.

    Fields:
        good: name -> (expected colours [h, w, 3] in [0, 255], tolerance): rows must be ok.
        small: good pictures below the least side: rows must be failed.
        bad: rows must be there, failed or ok, as some damage cannot be seen.
        hopeless: rows must be failed.
    """

    good: dict[str, tuple[np.ndarray, float]]
    small: list[str]
    bad: list[str]
    hopeless: list[str]

    @property
    def names(self) -> list[str]:
        """All of them; a run over the folder must have a row for each."""
        return [*self.good, *self.small, *self.bad, *self.hopeless]


def fill(folder: Path, *, encodings: int | None = None) -> Contents:
    """Write good, odd, damaged, foreign and impossible files into a new folder.

    Arguments:
        folder: is made.
        encodings: how many encodings are damaged, evenly chosen; all by default.
    """
    (folder / "names").mkdir(parents=True)
    whole = [case for case in valid() if min(np.shape(case[2])[:2]) >= MIN_SIDE]
    chosen = whole if encodings is None else whole[:: -(-len(whole) // encodings)]
    good, small, bad, hopeless = {}, [], [], []
    for name, data, colours, tolerance in [*valid(), *oriented()]:
        file = f"{name}{suffix(name)}"
        (folder / file).write_bytes(data)
        if min(np.shape(colours)[:2]) < MIN_SIDE:
            small.append(file)
        else:
            good[file] = (colours, tolerance)
    for name in ODD_NAMES:
        (folder / "names" / os.fsdecode(name)).write_bytes(saved(RGB, "PNG"))
        good[f"names/{os.fsdecode(name)}"] = (RGB, 0)
    for file, data in (*damaged(chosen), *foreign().items()):
        (folder / file).write_bytes(data)
        bad.append(file)
    for name, (data, _) in broken().items():
        hopeless.append(f"broken {name.replace('/', ' ')}.png")
        (folder / hopeless[-1]).write_bytes(data)
    hopeless += _impossible(folder)
    return Contents(good, small, bad, hopeless)


def _impossible(folder: Path) -> list[str]:
    """Things in a folder that are no files; a folder named as a picture holds nothing and gets no row."""
    (folder / "folder.png").mkdir()
    os.symlink("nowhere", folder / "dangling.png")
    os.symlink("loop.png", folder / "loop.png")
    os.symlink("/dev/zero", folder / "endless.png")
    os.symlink(".", folder / "itself.png")
    os.mkfifo(folder / "pipe.png")
    with socket.socket(socket.AF_UNIX) as listener:
        here = os.open(".", os.O_RDONLY)
        os.chdir(folder)  # the path of a socket may not be long
        listener.bind("socket.png")
        os.fchdir(here)
        os.close(here)
    return ["dangling.png", "loop.png", "endless.png", "pipe.png", "socket.png"]


def write_bombs(folder: Path) -> list[Path]:
    """Write files that want far more memory than they have bytes, or nothing but memory; return what to decode."""
    folder.mkdir(parents=True)
    side = int(PIXELS_ALLOWED**0.5)
    image, zeros = saved(RGB, "PNG"), zlib.compress(bytes(400_000_000), 6)
    text, profile = chunk(b"zTXt", b"Comment\0\0" + zeros), chunk(b"iCCP", b"profile\0\0" + zeros)
    overrun = chunk(b"IDAT", zeros) + chunk(b"IEND", b"")
    exif = Image.Exif()
    exif[274] = 6
    files = {
        **{f"{name.replace(' ', '-')}.png": data for name, data in huge_headers().items()},
        "text-of-400-MB.png": image[:33] + text + image[33:],
        "profile-of-400-MB.png": image[:33] + profile + image[33:],
        "data-beyond-the-picture.png": image[: image.index(b"IDAT") - 4] + overrun,
        "1-bit-just-allowed.png": flat_png(side, side, depth=1, colour=0),
        "1-bit-just-allowed-and-turned.png": flat_png(
            side, side, depth=1, colour=0, before=chunk(b"eXIf", exif.tobytes()[6:])
        ),
        "1-bit-one-row.png": flat_png(PIXELS_ALLOWED, 1, depth=1, colour=0),
        "gif-just-allowed.gif": saved(Image.new("P", (side, side)), "GIF"),
        "gif-of-1000-frames.gif": _frames(1000),
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    for name, start in (("sparse.bmp", b""), ("sparse.png", image[:33] + (100_000_000).to_bytes(4, "big") + b"IDAT")):
        with open(folder / name, "wb") as file:
            file.write(start)
            file.truncate(110_000_000)
    with zipfile.ZipFile(folder / "members.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros.png", bytes(110_000_000))
        archive.writestr("more zeros.png", bytes(130_000_000))
    return sorted(folder.iterdir())


def flat_png(width: int, height: int, *, depth: int, colour: int, channels: int = 1, before: bytes = b"") -> bytes:
    """A black PNG of any size in next to no bytes."""
    return png([bytes(-(-width * depth * channels // 8))] * height, width, height, depth, colour, before)


def _frames(count: int) -> bytes:
    """An animation whose frames are all of another shade."""
    frames = [Image.new("L", (300, 300), i % 256) for i in range(count)]
    return saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
