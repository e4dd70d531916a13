"""The process that reads an HDF5 file for `hdf5`: the file on standard input, its arrays as safetensors on output.

HDF5 is a file system in a file: links may lead to other files, an array's bytes may lie in another file or be made up
from several, and compressed ones may unpack to anything or want plug-ins. None of that is followed: only arrays of
floating-point numbers are read, stored plainly and whole in this file, reached by plain links. So what is read is
never more than the file holds. A refusal is one line on standard error and exit code 1.
"""

import io
import math
import sys
from typing import cast

import h5py
import numpy as np
import safetensors.numpy


MAX_OBJECTS = 10_000
MAX_DEPTH = 16
MAX_DIMENSIONS = 8
MEMORY = 2 << 30  # beside four times the file; what Python and h5py reserve themselves is included
CPU_SECONDS = 60


class Refused(Exception):
    """The file holds what is not read; the text says what."""


class Reader:
    """Walks through a file's groups and keeps its arrays, no more bytes of them than `budget`."""

    def __init__(self, budget: int):
        self.budget, self.objects = budget, 0
        self.arrays: dict[str, np.ndarray] = {}

    def group(self, group: h5py.Group, path: tuple[str, ...] = ()) -> None:
        """Read a group and those in it."""
        if len(path) > MAX_DEPTH:
            raise Refused(f"groups lie more than {MAX_DEPTH} deep in {shown(path)}")
        for name in group:
            self.objects += 1
            if self.objects > MAX_OBJECTS:
                raise Refused(f"the file has more than {MAX_OBJECTS} objects")
            here = (*path, cast(str, name))  # bytes for a name that is no UTF-8, which ends as damaged below
            link = type(group.get(name, getlink=True))  # the link itself, nothing is opened
            if link is not h5py.HardLink:
                kind = "to another file" if link is h5py.ExternalLink else "by name"
                raise Refused(f"{shown(here)} is a link {kind}, which is not followed")
            item = group[name]
            if isinstance(item, h5py.Group):
                self.group(item, here)
            elif isinstance(item, h5py.Dataset):
                self.arrays["/".join(here)] = self.array(item, shown(here))
            else:
                raise Refused(f"{shown(here)} is neither an array nor a group")

    def array(self, dataset: h5py.Dataset, name: str) -> np.ndarray:
        """Read one array, in this machine's byte order."""
        plan = dataset.id.get_create_plist()
        if dataset.is_virtual or plan.get_external_count():
            raise Refused(f"array {name} lies in other files, which are not read")
        if plan.get_nfilters():
            raise Refused(f"array {name} is compressed; expected one that is stored plainly")
        dtype, shape = dataset.dtype, dataset.shape
        if shape is None or dtype.kind != "f" or dtype.itemsize not in (2, 4, 8):
            raise Refused(f"array {name} has data type {dtype}; expected floating point")
        if len(shape) > MAX_DIMENSIONS:
            raise Refused(f"array {name} has {len(shape)} dimensions; at most {MAX_DIMENSIONS} are read")
        declared = dtype.itemsize * math.prod(int(size) for size in shape)
        self.budget -= declared
        if self.budget < 0 or dataset.id.get_storage_size() != declared:
            raise Refused(f"array {name} declares {declared} bytes, which the file does not hold")
        return np.ascontiguousarray(dataset[()], dtype.newbyteorder("=")).reshape(shape)


def shown(path: tuple[str, ...]) -> str:
    """A path as it may stand in a message."""
    return repr("".join(c if c.isprintable() else "?" for c in "/".join(path)[:60]))


def limit(data_bytes: int) -> None:
    """Bound this process's memory and time, where the operating system can."""
    try:
        import resource
    except ImportError:
        return
    for kind, most in (("RLIMIT_AS", MEMORY + 4 * data_bytes), ("RLIMIT_CPU", CPU_SECONDS), ("RLIMIT_CORE", 0)):
        try:
            resource.setrlimit(getattr(resource, kind), (most, most))
        except (AttributeError, ValueError, OSError):
            continue  # a system without this limit, or with a stricter one


def main() -> None:
    """Read standard input, write standard output."""
    data = sys.stdin.buffer.read()
    limit(len(data))
    reader = Reader(len(data))
    try:
        with h5py.File(io.BytesIO(data), "r") as file:
            reader.group(file)
        result = safetensors.numpy.save(reader.arrays)
    except Refused as error:
        sys.exit(str(error))
    except Exception as error:  # whatever h5py raises: there is no list of it, and the file is at fault
        reason = "".join(c if c.isprintable() else "?" for c in " ".join(str(error).split())[:80])
        sys.exit(f"damaged or truncated HDF5 file ({reason})")
    sys.stdout.buffer.write(result)


if __name__ == "__main__":
    main()
