"""HDF5 files, as Keras saves weights: the arrays in them by path, "conv1/kernel:0".

HDF5 is a file system in a file: links may lead to other files, an array's bytes may lie in another file or be
made up from several, and compressed ones may unpack to anything or want plug-ins. None of that is followed: only
arrays of floating-point numbers are read, stored plainly and whole in this file, reached by plain links. So
what is read is never more than the file holds. h5py does the parsing; it is imported only for such a file.
"""

import io

import numpy as np

from jaxprior.errors import WeightsError
from weights_convert.report import printable


MAGIC = b"\x89HDF\r\n\x1a\n"
MAX_OBJECTS = 10_000
MAX_DEPTH = 16
MAX_DIMENSIONS = 8

# What h5py raises for files that are damaged in one way or another.
_DAMAGE = (OSError, RuntimeError, KeyError, ValueError, TypeError, AttributeError, OverflowError, MemoryError)


def require_h5py():
    """Import h5py.

    Raises:
        WeightsError: it is not installed.
    """
    try:
        import h5py
    except ImportError as error:
        raise WeightsError("HDF5 files need h5py: `pip install 'jaxprior[convert]'`") from error
    return h5py


def read(data: bytes) -> dict[str, np.ndarray]:
    """Read every array of an HDF5 file.

    Arguments:
        data: the whole file.
    Returns:
        Arrays by path, in the file's order, as stored (float16, float32 or float64).
    Raises:
        WeightsError: damaged or hostile file, something else than plain floating-point arrays, or no h5py.
    """
    h5py = require_h5py()
    arrays: dict[str, np.ndarray] = {}
    try:
        with h5py.File(io.BytesIO(data), "r") as file:
            _Reader(h5py, len(data), arrays).group(file, ())
    except WeightsError:
        raise
    except _DAMAGE as error:
        raise WeightsError(f"damaged or truncated HDF5 file ({printable(' '.join(str(error).split()))})") from error
    if not arrays:
        raise WeightsError("an HDF5 file without arrays; expected the weights of a network")
    return arrays


class _Reader:
    def __init__(self, h5py, budget: int, arrays: dict[str, np.ndarray]):
        self.h5py, self.budget, self.arrays, self.objects = h5py, budget, arrays, 0

    def group(self, group, path: tuple[str, ...]) -> None:
        if len(path) > MAX_DEPTH:
            raise WeightsError(f"groups lie more than {MAX_DEPTH} deep in {printable('/'.join(path))!r}")
        for name in group:
            self.objects += 1
            if self.objects > MAX_OBJECTS:
                raise WeightsError(f"the file has more than {MAX_OBJECTS} objects")
            here = (*path, name)
            shown = printable("/".join(here))
            link = type(group.get(name, getlink=True))
            if link is not self.h5py.HardLink:
                kind = "to another file" if link is self.h5py.ExternalLink else "by name"
                raise WeightsError(f"{shown!r} is a link {kind}, which is not followed")
            item = group[name]
            if isinstance(item, self.h5py.Group):
                self.group(item, here)
            elif isinstance(item, self.h5py.Dataset):
                self.arrays["/".join(here)] = self.array(item, shown)
            else:
                raise WeightsError(f"{shown!r} is neither an array nor a group")

    def array(self, dataset, shown: str) -> np.ndarray:
        plan = dataset.id.get_create_plist()
        if dataset.is_virtual or plan.get_external_count():
            raise WeightsError(f"array {shown!r} lies in other files, which are not read")
        if plan.get_nfilters():
            raise WeightsError(f"array {shown!r} is compressed; expected one that is stored plainly")
        dtype, shape = dataset.dtype, dataset.shape
        if shape is None or dtype.kind != "f" or dtype.itemsize not in (2, 4, 8):
            raise WeightsError(f"array {shown!r} has data type {printable(str(dtype))}; expected floating point")
        if len(shape) > MAX_DIMENSIONS:
            raise WeightsError(f"array {shown!r} has {len(shape)} dimensions; at most {MAX_DIMENSIONS} are read")
        declared = dtype.itemsize
        for size in shape:
            declared *= int(size)
        self.budget -= declared
        if self.budget < 0 or dataset.id.get_storage_size() != declared:
            raise WeightsError(f"array {shown!r} declares {declared} bytes, which the file does not hold")
        array = dataset[()]
        return np.asarray(array, dtype.newbyteorder("="))
