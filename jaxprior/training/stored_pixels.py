"""Pixels of many pictures in a file, of which only those are read into memory that are asked for.

The file holds nothing but the pixels, uint8, picture after picture: its sha256 is that of the pixels. It is read with
`pread` and not mapped into memory, for two reasons: the pages of a map count as memory of the process, and a disk that
fails while a mapped page is read ends the process without a word.
"""

import functools
import hashlib
import os
import weakref
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np

from jaxprior.errors import ImageError


BLOCK_BYTES = 16 << 20
"""About so many bytes of pixels are taken at a time where all pictures are gone through."""


class PixelFile:
    """A file of pixels that is open for reading. It is closed with the last object that refers to it.

    Arguments:
        path: of the file.

    Raises:
        OSError: it cannot be opened.
    """

    def __init__(self, path: Path):
        self.path = path
        self.handle = os.open(path, os.O_RDONLY)
        weakref.finalize(self, os.close, self.handle)

    def read_into(self, pixels: np.ndarray, offset: int) -> None:
        """Fill a contiguous uint8 array with the bytes from `offset` on.

        Raises:
            ImageError: the file ends before, or the disk fails.
        """
        left = pixels.reshape(-1).data  # of one axis, so that bytes are counted
        while len(left):
            try:
                count = os.preadv(self.handle, [left], offset)
            except OSError as error:
                raise ImageError(f"{self.path}: the decoded pictures cannot be read ({error.strerror}).") from error
            if count == 0:
                raise ImageError(
                    f"{self.path} has lost a part of the decoded pictures: remove its folder and start the same "
                    "command again, which decodes them anew."
                )
            left, offset = left[count:], offset + count


class StoredPixels:
    """uint8 pixels [n, h, w, c] that lie in a file, to be used like a NumPy array that is only read.

    `pixels[3]` and `pixels[[3, 1, 4]]` read these pictures. `pixels[10:20]` reads nothing: it is a smaller
    `StoredPixels`. `numpy.asarray(pixels)` reads all of them.

    Arguments:
        shape: (n, h, w, c).
        opened: opens the file when the first picture is asked for, and makes it before if need be.
        first: number of the first picture in the file.
        sha256: of all these pixels, if that is known.
    """

    dtype = np.dtype(np.uint8)

    def __init__(
        self, shape: tuple[int, int, int, int], opened: Callable[[], PixelFile], *, first: int = 0, sha256: str = ""
    ):
        self.shape, self.first = shape, first
        self._opened, self._sha256 = opened, sha256

    @property
    def ndim(self) -> int:
        """Four."""
        return len(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of all pixels."""
        return len(self) * self.picture_bytes

    @property
    def picture_bytes(self) -> int:
        """Bytes of one picture."""
        return int(np.prod(self.shape[1:]))

    @functools.cached_property
    def file(self) -> PixelFile:
        """The file, open."""
        return self._opened()

    @functools.cached_property
    def sha256(self) -> str:
        """The sha256 of all pixels, hexadecimal; they are read for it if it is not known."""
        if self._sha256:
            return self._sha256
        digest = hashlib.sha256()
        for block in self.blocks():
            digest.update(block.data)
        return digest.hexdigest()

    def __len__(self) -> int:
        return self.shape[0]

    @overload
    def __getitem__(self, chosen: slice) -> "StoredPixels": ...

    @overload
    def __getitem__(self, chosen: int | Sequence[int] | np.ndarray) -> np.ndarray: ...

    def __getitem__(self, chosen: Any) -> Any:
        if isinstance(chosen, slice):
            numbers = range(len(self))[chosen]
            if numbers.step != 1:
                raise IndexError("pictures in a file are sliced with step 1 only; give a list of their numbers")
            shape = (len(numbers), *self.shape[1:])
            return StoredPixels(shape, lambda: self.file, first=self.first + numbers.start)
        wanted, all_numbers = np.asarray(chosen), range(len(self))
        if wanted.size and wanted.dtype.kind not in "iu":
            raise IndexError(f"pictures in a file are chosen by their numbers, got {wanted.dtype}")
        numbers = [all_numbers[int(number)] for number in wanted.reshape(-1)]
        return self._read(numbers).reshape(*wanted.shape, *self.shape[1:])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        pixels = np.empty(self.shape, np.uint8)
        self.file.read_into(pixels, self.first * self.picture_bytes)
        return pixels if dtype is None else pixels.astype(dtype, copy=False)

    def blocks(self) -> Iterator[np.ndarray]:
        """All pictures in their order, a few megabytes at a time."""
        size = max(BLOCK_BYTES // self.picture_bytes, 1)
        for start in range(0, len(self), size):
            yield np.asarray(self[start : start + size])

    def _read(self, numbers: list[int]) -> np.ndarray:
        pixels = np.empty((len(numbers), *self.shape[1:]), np.uint8)
        for picture, number in zip(pixels, numbers, strict=True):
            self.file.read_into(picture, (self.first + number) * self.picture_bytes)
        return pixels


def box_averaged(pixels: np.ndarray, factor: int) -> np.ndarray:
    """Pictures uint8 [n, h, w, c] averaged over squares of `factor` pixels, a power of two, rounded to uint8.

    The sums are whole numbers and therefore exact; halves are rounded to even.

    Example:
        >>> box_averaged(np.uint8([[[[0], [1]], [[2], [7]]]]), 2)[0, 0, 0, 0]
        np.uint8(2)
    """
    sums = pixels[:, ::factor].astype(np.uint16 if factor <= 16 else np.uint32)  # 256 times 255 fits into 16 bits
    for row in range(1, factor):
        sums += pixels[:, row::factor]
    squares = sums[:, :, ::factor].copy()
    for column in range(1, factor):
        squares += sums[:, :, column::factor]
    return np.round(squares.astype(np.float32) / np.float32(factor**2)).astype(np.uint8)
