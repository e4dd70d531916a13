"""IDX files, in which MNIST and its relatives come: pictures and labels as plain bytes, mostly compressed by gzip.

    magic    00 00 08 n: bytes, n axes          sizes    n numbers of four bytes, the first byte first        values

Everything is checked before an array is made: the kind of values, the sizes, and the length of the file.
"""

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from jaxprior.errors import ImageError


BYTES, MOST_BYTES = 8, 4 << 30
"""The code of unsigned bytes, and the most of them that are read."""
START = (b"\x00\x00\x08\x03", b"\x1f\x8b")
"""How files of pictures begin: as they are, or compressed."""


def is_idx(path: str | Path) -> bool:
    """Whether a file is an IDX file of pictures by its name and its first bytes."""
    try:
        with open(path, "rb") as file:
            start = file.read(4)
    except OSError:
        return False
    return start == START[0] or (start[:2] == START[1] and "idx" in Path(path).name)


def read_idx(path: str | Path, *, axes: int) -> np.ndarray:
    """Read an IDX file of bytes.

    Arguments:
        path: the file, compressed by gzip or not.
        axes: 3 of pictures, 1 of labels.

    Returns:
        uint8 [n, h, w] or [n].

    Raises:
        ImageError: it cannot be read, or is no such file, or its length is not that of its sizes.

    Example:
        >>> read_idx("t10k-labels-idx1-ubyte.gz", axes=1).shape  # a file of MNIST # doctest: +SKIP
        (10000,)
    """
    kind = "pictures" if axes == 3 else "labels"
    data = _unpacked(path)
    if data[:2] != b"\x00\x00" or len(data) < 4 + 4 * axes:
        raise ImageError(f"{path}: it is no IDX file of {kind}: its first bytes are {data[:4].hex(' ') or 'missing'}.")
    if data[2] != BYTES or data[3] != axes:
        raise ImageError(
            f"{path}: expected an IDX file of {kind}, bytes with {axes} {'axis' if axes == 1 else 'axes'}; got values "
            f"of the kind {data[2]} with {data[3]}."
        )
    sizes = tuple(int(n) for n in np.frombuffer(data, ">u4", axes, offset=4))
    there = len(data) - 4 - 4 * axes
    if 0 in sizes or math.prod(sizes) != there:
        text = "x".join(map(str, sizes))
        raise ImageError(
            f"{path}: its header says {text} bytes of {kind}, and {there} follow; it is cut off or damaged."
        )
    return np.frombuffer(data, np.uint8, offset=4 + 4 * axes).reshape(sizes)


def labels_beside(path: str | Path) -> Path | None:
    """The file of the labels that lies beside a file of pictures with MNIST's names; None where there is none.

    Example:
        >>> labels_beside("t10k-images-idx3-ubyte") is None
        True
    """
    path = Path(path)
    name = path.name.replace("images", "labels").replace("idx3", "idx1")
    plain = name.removesuffix(".gz")
    found = [path.with_name(one) for one in (name, plain, f"{plain}.gz") if one != path.name]
    return next((one for one in found if one.is_file()), None)


def _unpacked(path: str | Path) -> bytes:
    try:
        with open(path, "rb") as file:
            packed = file.read(2) == START[1]
        with (gzip.open if packed else open)(path, "rb") as file:
            data = file.read(MOST_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ImageError(f"{path}: it cannot be read ({reason}).") from error
    if len(data) > MOST_BYTES:
        raise ImageError(f"{path}: it holds more than {MOST_BYTES >> 30} GiB; expected less.")
    return data
