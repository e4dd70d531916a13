"""Reading the voxels of one file, without trusting the file: .npy, .npz, multi-page TIFF, and raw numbers.

Only arrays of real numbers are read. A file that would need Python's pickle is refused, since reading it could run
code. Shape and type are checked in the header before any voxel is read, so that neither a damaged header nor a small
compressed file can fill the memory.
"""

import contextlib
import gzip
import io
import lzma
import math
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from PIL import Image

from jaxprior.data.decoding import open_safely
from jaxprior.data.sources import error_words
from jaxprior.errors import ImageError, VolumeError


MAX_VOXELS = 512**3
"""The most voxels that one volume may have; as float32 they take half a gigabyte."""

ENDINGS = (".npy", ".npy.gz", ".npz", ".tif", ".tiff", ".raw")
"""The endings of files that are taken for volumes when a folder or an archive is searched."""

_PAGE_MODES = ("1", "L", "I;16", "I;16L", "I;16B", "I;16N", "I", "F")
_INVERTED = re.compile(r"(1|L)(;[24]?I)R?")
"""Pillow's words for grey pages of a file in which 0 is white."""
_DAMAGE = (
    OSError, EOFError, ValueError, KeyError, RuntimeError, zlib.error, lzma.LZMAError, zipfile.BadZipFile,
)  # fmt: skip

Opener = Callable[[], Any]
"""Opens a file for reading bytes: a file of the disk or an entry of a zip archive."""


def ending_of(name: str) -> str:
    """Which of `ENDINGS` a file has, or "".

    Example:
        >>> ending_of("chairs/CHAIR.npy.gz"), ending_of("cat.png")
        ('.npy.gz', '')
    """
    return max((ending for ending in ENDINGS if name.lower().endswith(ending)), key=len, default="")


def arrays_of(open_file: Opener, name: str) -> dict[str, tuple[int, ...]]:
    """The arrays of a file and their shapes, from the headers alone.

    Arguments:
        open_file: opens the file for reading bytes; name: the file, whose ending decides how it is read.

    Returns:
        {name of the array: shape}; the name is "" in files of one array. The shape is empty for TIFF and raw files,
        which are always one volume.

    Raises:
        VolumeError: the file cannot be read as such.
    """
    ending = ending_of(name)
    with _errors(name):
        if ending == ".npz":
            with open_file() as file, _npz(file) as archive:
                shapes = {}
                for member in archive.namelist():
                    with archive.open(member) as opened:
                        shapes[member.removesuffix(".npy")] = _header(opened)[0]
                return shapes
        if ending in (".npy", ".npy.gz"):
            with _npy(open_file, ending) as file:
                return {"": _header(file)[0]}
    return {"": ()}


def read_array(
    open_file: Opener,
    name: str,
    *,
    member: str = "",
    index: int | None = None,
    many: bool = False,
    shape: Sequence[int] | None = None,
    dtype: str = "uint8",
) -> np.ndarray:
    """Read one array of a file.

    Arguments:
        open_file: opens the file for reading bytes; name: the file, whose ending decides how it is read.
        member: which array of an .npz file.
        index: which volume of an array [n, ...] of several; None for the whole array.
        many: whether the whole array is one of many volumes, each of which may be as large as a volume may be.
        shape: (d, h, w) of a raw file; dtype: the type of its numbers, as NumPy writes it, for example "uint8" or
            ">u2".

    Returns:
        the array in its own type; volumes of TIFF and raw files are [d, h, w].

    Raises:
        VolumeError: the file is damaged, or holds something else than real numbers.
    """
    ending = ending_of(name)
    with _errors(name):
        if ending == ".raw":
            return _raw(open_file, shape, dtype)
        if ending in (".tif", ".tiff"):
            with open_file() as file:
                return _pages(file.read(), name)
        if ending == ".npz":
            with open_file() as file, _npz(file) as archive, archive.open(f"{member}.npy") as opened:
                return _npy_array(opened, index, many)
        if ending:
            with _npy(open_file, ending) as file:
                return _npy_array(file, index, many)
        raise VolumeError(f"it is no file of a volume by its ending; expected {', '.join(ENDINGS)}.")


@contextlib.contextmanager
def _errors(name: str) -> Iterator[None]:
    """Whatever a damaged file raises leaves the `with` block as a `VolumeError` that names the file."""
    try:
        yield
    except VolumeError as error:
        said = str(error)
        raise VolumeError(said if said.startswith(f"{name}: ") else f"{name}: {said}") from None
    except ImageError as error:
        raise VolumeError(str(error)) from None
    except FileNotFoundError:
        raise VolumeError(f"{name}: no such file.") from None
    except IsADirectoryError:
        raise VolumeError(f"{name}: it is a folder; expected the file of a volume.") from None
    except _DAMAGE as error:
        words = " ".join(error_words(error).split())[:120]
        raise VolumeError(f"{name}: it is damaged or of another format ({words}).") from error


def _npz(file: Any) -> zipfile.ZipFile:
    archive = zipfile.ZipFile(file)
    others = [member for member in archive.namelist() if not member.endswith(".npy")]
    if others or not archive.namelist():
        what = f"it holds {others[0]!r}, which is no array" if others else "it holds no array"
        raise VolumeError(f"{what}; expected an archive that `numpy.savez` wrote.")
    return archive


def _npy(open_file: Opener, ending: str) -> Any:
    file = open_file()
    return gzip.GzipFile(fileobj=file) if ending == ".npy.gz" else file


def _header(file: Any) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, whether the last axis varies slowest, and type; objects and other than real numbers are refused."""
    version = np.lib.format.read_magic(file)
    read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}.get(version)
    if read is None:
        raise VolumeError("its array has a type of named fields; expected one number a voxel.")
    shape, fortran, dtype = read(file)
    if dtype.hasobject:
        raise VolumeError(
            "its array holds Python objects, which are not read because that could run code; save an array of numbers "
            "with `numpy.save(file, array.astype('float32'))`."
        )
    if dtype.kind not in "biuf":
        raise VolumeError(f"its array has the type {dtype}; expected real numbers, one a voxel.")
    if any(length < 0 for length in shape):
        raise VolumeError(f"its array says that it has the shape {list(shape)}.")
    return shape, fortran, dtype


def _npy_array(file: Any, index: int | None, many: bool) -> np.ndarray:
    """The whole array, or one along its first axis."""
    shape, fortran, dtype = _header(file)
    wanted = shape if index is None else shape[1:]
    count = math.prod(wanted)
    check_count(math.prod(shape[1:]) if many else count, wanted)
    if fortran and index is not None:
        return _npy_body(file, shape, dtype, math.prod(shape)).reshape(shape, order="F")[index]
    if index:
        _skip(file, index * count * dtype.itemsize)
    array = _npy_body(file, wanted, dtype, count)
    return array.reshape(wanted, order="F" if fortran else "C")


def _npy_body(file: Any, shape: Sequence[int], dtype: np.dtype, count: int) -> np.ndarray:
    data = file.read(count * dtype.itemsize)
    if len(data) < count * dtype.itemsize:
        raise VolumeError(
            f"it ends after {len(data)} of the {count * dtype.itemsize} bytes of its array {list(shape)}; it was cut "
            "off, copy it again."
        )
    return np.frombuffer(data, dtype)


def _skip(file: Any, count: int) -> None:
    """Go on by some bytes, in pieces where the file is compressed."""
    if file.seekable():
        file.seek(count, io.SEEK_CUR)
        return
    while count and (piece := file.read(min(count, 1 << 24))):
        count -= len(piece)


def check_count(count: int, shape: Sequence[int]) -> None:
    """Refuse an array of more voxels than a volume may have."""
    if count > MAX_VOXELS:
        raise VolumeError(
            f"it has the shape {list(shape)}, {count} voxels; expected at most {MAX_VOXELS}, cut it into parts."
        )


def _raw(open_file: Opener, shape: Sequence[int] | None, dtype: str) -> np.ndarray:
    """The numbers of a file without a header, whose shape only the user knows."""
    if shape is None:
        raise VolumeError("a raw file does not say its shape; give it, as `shape=(d, h, w)` with the type `dtype=`.")
    try:
        kind = np.dtype(dtype)
    except TypeError:
        raise VolumeError(f"`dtype` is {dtype!r}; expected a type of NumPy such as uint8, uint16 or float32.") from None
    if kind.kind not in "biuf":
        raise VolumeError(f"`dtype` is {dtype!r}; expected real numbers.")
    count = math.prod(shape)
    check_count(count, shape)
    with open_file() as file:
        data = file.read(count * kind.itemsize + 1)
    if len(data) != count * kind.itemsize:
        got = "more" if len(data) > count * kind.itemsize else str(len(data))
        raise VolumeError(
            f"{'x'.join(map(str, shape))} voxels of {kind} are {count * kind.itemsize} bytes, but it has {got}; give "
            "the shape and type that it was written with."
        )
    return np.frombuffer(data, kind).reshape(tuple(shape))


def _pages(data: bytes, name: str) -> np.ndarray:
    """The pages of a TIFF file as slices [d, h, w]."""
    with open_safely(data, name=name, max_pixels=MAX_VOXELS) as image:
        pages = getattr(image, "n_frames", 1)
        if image.format != "TIFF":
            raise VolumeError(f"it is a picture of the format {image.format}; expected TIFF with a page a slice.")
        if pages < 2:
            raise VolumeError("it has one page, which is a picture; expected a TIFF file with a page a slice.")
        width, height = image.size
        check_count(pages * height * width, (pages, height, width))
        slices = None
        for page in range(pages):
            image.seek(page)
            values = _page(image, page, (width, height))
            if slices is None:
                slices = np.empty((pages, height, width), values.dtype)
            slices[page] = values
    assert slices is not None
    return slices


def _page(image: Image.Image, page: int, size: tuple[int, int]) -> np.ndarray:
    if image.size != size:
        got, expected = ("x".join(map(str, sides)) for sides in (image.size, size))
        raise VolumeError(f"its page {page} is {got} and the first {expected}; expected pages of one size.")
    if image.mode not in _PAGE_MODES:
        raise VolumeError(f"its page {page} is a picture in colours ({image.mode}); expected one number a voxel.")
    tiles = getattr(image, "tile", [])  # how the page is decoded; empty afterwards
    inverted = tiles and _INVERTED.fullmatch(str(tiles[0].args[0]))
    values = np.asarray(image)
    if inverted:  # 0 is white there; Pillow returns what is seen, and voxels are the numbers that are stored
        return ~values if values.dtype == bool else 255 - values
    return values
