"""PyTorch checkpoints (.pth, .pt, .ckpt) read without PyTorch: the zip format (since 1.6) and the older one.

Zip: `NAME/data.pkl` is a pickle in which each tensor is (storage, offset, size, stride), and
`NAME/data/KEY` are the raw bytes of a storage. Older: five pickles one after the other (magic number,
protocol, machine, object, storage keys), then each storage as its length (int64) and bytes. The device a
storage was saved from is ignored: everything is read to the host. Tensors become read-only NumPy views,
checked to stay inside their storage.
"""

import io
import math
import re
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass

import ml_dtypes
import numpy as np

from jaxprior.errors import WeightsError
from weights_convert.numpy_globals import CONTAINERS, NUMPY, check_sizes
from weights_convert.other_formats import describe_archive
from weights_convert.safe_unpickler import Constructor, Machine
from weights_convert.settings_objects import settings_objects
from weights_convert.stand_ins import StandIn


MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
MAGIC_PREFIX = b"\x80\x02\x8a\x0a" + MAGIC_NUMBER.to_bytes(10, "little") + b"."
LEGACY_PROTOCOL = 1001

_STORAGES = {
    "FloatStorage": np.float32,
    "DoubleStorage": np.float64,
    "HalfStorage": np.float16,
    "BFloat16Storage": ml_dtypes.bfloat16,
    "LongStorage": np.int64,
    "IntStorage": np.int32,
    "ShortStorage": np.int16,
    "CharStorage": np.int8,
    "ByteStorage": np.uint8,
    "BoolStorage": np.bool_,
}
_TENSOR_CLASSES = ("torch Tensor", "torch._tensor Tensor", "torch.nn.parameter Parameter", "torch.nn.parameter Buffer")
_OTHER_STORAGE = re.compile(r"torch(\.storage|\.cuda)? \w*Storage")
_KEY = re.compile(r"[0-9A-Za-z_]{1,64}")


@dataclass(frozen=True)
class _StorageType:
    dtype: np.dtype


@dataclass(frozen=True)
class _Storage:
    """A storage as the pickle declares it; `array` is None while only the declarations are collected."""

    dtype: np.dtype
    numel: int
    array: np.ndarray | None


def read_zip(data: bytes) -> object:
    """Read a checkpoint of PyTorch 1.6 or later.

    Arguments:
        data: the whole file.
    Returns:
        What was saved: nested dicts, lists and tuples with NumPy arrays in place of tensors.
    Raises:
        WeightsError: damaged, truncated, compressed or hostile file, a whole module, or TorchScript.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            root = _check_archive(archive, len(data))
            members = {info.filename: info for info in archive.infolist()}

            def read(key: str, byte_count: int) -> bytes:
                name = f"{root}/data/{key}"
                if name not in members or members[name].file_size != byte_count:
                    held = f"{members[name].file_size} bytes" if name in members else "nothing"
                    raise WeightsError(
                        f"the pickle declares {byte_count} bytes for storage {key}, "
                        f"but the archive holds {held} for it"
                    )
                return archive.read(name)

            return _machine(_remember(read)).run(io.BytesIO(archive.read(f"{root}/data.pkl")))
    except WeightsError:
        raise
    except (
        zipfile.BadZipFile,
        NotImplementedError,
        RuntimeError,
        EOFError,
        struct.error,
        OSError,
        ValueError,
    ) as error:
        raise WeightsError(f"damaged or truncated PyTorch archive ({str(error)[:120]!r})") from error


def read_legacy(data: bytes) -> object:
    """Read a checkpoint of PyTorch before 1.6 (or saved with `_use_new_zipfile_serialization=False`).

    Arguments:
        data: the whole file.
    Returns:
        What was saved: nested dicts, lists and tuples with NumPy arrays in place of tensors.
    Raises:
        WeightsError: damaged, truncated or hostile file, or a whole module.
    """
    file = io.BytesIO(data)
    magic, protocol, system = (Machine({}).run(file) for _ in range(3))
    if magic != MAGIC_NUMBER or protocol != LEGACY_PROTOCOL or not isinstance(system, dict):
        raise WeightsError("not a PyTorch checkpoint: its magic number or protocol differs")
    if system.get("little_endian") is not True:
        raise WeightsError("the checkpoint was saved on a big-endian machine, which is not supported")
    # The storages lie behind the pickle and only the pickle knows their types: so it is run once to collect
    # the declarations and, when the bytes are there, a second time to make the tensors.
    start = file.tell()
    declared: dict[str, _Storage] = {}

    def declare(dtype: np.dtype, key: str, numel: int) -> _Storage:
        storage = declared.setdefault(key, _Storage(dtype, numel, None))
        if (storage.dtype, storage.numel) != (dtype, numel):
            raise WeightsError(f"the pickle declares storage {key} twice, differently")
        return storage

    _machine(declare).run(file)
    keys = Machine({}).run(file)
    if not isinstance(keys, list) or sorted(map(repr, keys)) != sorted(map(repr, declared)):
        raise WeightsError("the checkpoint's list of storages is not the one that its tensors use")
    loaded = {}
    for key in keys:
        storage = declared[key]
        byte_count = storage.numel * storage.dtype.itemsize
        head = file.read(8)
        if (
            len(head) != 8
            or struct.unpack("<q", head)[0] != storage.numel
            or len(data) - file.tell() < byte_count
        ):
            raise WeightsError(
                f"truncated PyTorch checkpoint: storage {key} of {byte_count} bytes is not whole"
            )
        loaded[key] = _Storage(
            storage.dtype, storage.numel, np.frombuffer(file.read(byte_count), storage.dtype)
        )
    file.seek(start)
    return _machine(lambda dtype, key, numel: loaded[key]).run(file)


def _check_archive(archive: zipfile.ZipFile, file_bytes: int) -> str:
    """Refuse archives that PyTorch does not write; return the name of the folder in it."""
    infos = archive.infolist()
    names = [info.filename for info in infos]
    if len(set(names)) != len(names):
        raise WeightsError("the archive holds two members of one name")
    if any(name.startswith("/") or "\\" in name or ".." in name.split("/") for name in names):
        raise WeightsError("the archive holds a member whose name leaves the archive")
    if other := describe_archive(names):
        raise WeightsError(other)
    if any(info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1 for info in infos):
        raise WeightsError(
            "the archive is compressed or encrypted, which PyTorch never does; a small file could "
            "unpack to any size"
        )
    if sum(info.file_size for info in infos) > file_bytes:
        raise WeightsError("the archive declares more bytes than the file has")
    roots = [name[: -len("/data.pkl")] for name in names if name.endswith("/data.pkl")]
    if len(roots) != 1 or "/" in roots[0]:
        raise WeightsError("a zip archive, but not a PyTorch checkpoint: expected one NAME/data.pkl in it")
    if f"{roots[0]}/byteorder" in names and archive.read(f"{roots[0]}/byteorder").strip() != b"little":
        raise WeightsError("the checkpoint was saved on a big-endian machine, which is not supported")
    return roots[0]


def _remember(read: Callable[[str, int], bytes]) -> Callable[[np.dtype, str, int], _Storage]:
    """Tensors may share a storage, so each is read once."""
    storages: dict[str, _Storage] = {}

    def load(dtype: np.dtype, key: str, numel: int) -> _Storage:
        if key not in storages:
            storages[key] = _Storage(dtype, numel, np.frombuffer(read(key, numel * dtype.itemsize), dtype))
        if (storages[key].dtype, storages[key].numel) != (dtype, numel):
            raise WeightsError(f"the pickle declares storage {key} twice, differently")
        return storages[key]

    return load


def _machine(load: Callable[[np.dtype, str, int], _Storage]) -> Machine:
    def persistent(identity) -> _Storage | StandIn:
        parts = list(identity) if isinstance(identity, tuple) else []
        if parts[:1] == ["module"]:
            if isinstance(parts[1], StandIn):  # the class of a module, beside the text of its code
                return parts[1]
            raise WeightsError(
                "the checkpoint is a whole pickled module, which needs its code; "
                "save `module.state_dict()` instead"
            )
        kind, storage_type, key, location, numel, *view = parts
        if isinstance(storage_type, StandIn) and _OTHER_STORAGE.fullmatch(storage_type.name):
            return StandIn(storage_type.name, holds_arrays=True)  # complex numbers, 8-bit floats
        if kind != "storage" or not isinstance(storage_type, _StorageType) or not isinstance(location, str):
            raise WeightsError("the pickle has a persistent id that is not a tensor storage")
        if not isinstance(key, str) or not _KEY.fullmatch(key):
            raise WeightsError("the pickle names a storage by something that is not a plain key")
        if type(numel) is not int or not 0 <= numel <= 2**40:
            raise WeightsError(f"the pickle declares storage {key} with an impossible length")
        if view not in ([], [None]):
            raise WeightsError(
                "the pickle has views of storages (PyTorch before 0.4), which are not supported; "
                "load it and save it again with a newer PyTorch"
            )
        return load(storage_type.dtype, key, numel)

    return Machine({**_ALLOWED, **settings_objects()}, persistent)


def _tensor(arguments: tuple) -> np.ndarray | StandIn | None:
    storage, offset, sizes, strides, *further = arguments  # then requires_grad and hooks, which we drop, and metadata
    if isinstance(storage, StandIn) and _OTHER_STORAGE.fullmatch(storage.name):
        return storage
    if not isinstance(storage, _Storage):
        raise WeightsError("the pickle makes a tensor from something that is not a storage")
    check_sizes(sizes)
    check_sizes(strides)
    if type(offset) is not int or offset < 0 or len(sizes) != len(strides):
        raise WeightsError("the pickle holds a tensor with an impossible offset or strides")
    count = math.prod(sizes)
    last = offset + sum((size - 1) * stride for size, stride in zip(sizes, strides, strict=True))
    if count and (last >= storage.numel or count > storage.numel):
        raise WeightsError(
            f"the pickle holds a tensor of shape {sizes} and strides {strides} that reads beyond its "
            f"storage of {storage.numel} values, or repeats them (of an expanded tensor, save a `contiguous()` one)"
        )
    if storage.array is None:
        return None
    if not count:
        return np.zeros(sizes, storage.dtype)
    bytes_apart = tuple(stride * storage.dtype.itemsize for stride in strides)
    tensor = np.lib.stride_tricks.as_strided(storage.array[offset:], sizes, bytes_apart, writeable=False)
    return np.negative(tensor) if _is_negated(further) else tensor


def _is_negated(further: list) -> bool:
    """Whether a tensor's metadata says that its storage holds the opposite numbers, as of a view of complex ones."""
    metadata = further[2] if len(further) > 2 else None
    return isinstance(metadata, dict) and metadata.get("neg") is True


def _parameter(arguments: tuple) -> np.ndarray | StandIn | None:
    tensor, *_ = arguments  # then requires_grad, hooks and further attributes, which we drop
    if tensor is not None and not isinstance(tensor, (np.ndarray, StandIn)):
        raise WeightsError("the pickle makes a parameter from something that is not a tensor")
    return tensor


def _typed(arguments: tuple) -> np.ndarray | StandIn | None:
    """A tensor with attributes of its own, or of a class of its own: only plain tensors are made."""
    make, kind, inner, _ = arguments
    if not isinstance(kind, StandIn) or not isinstance(inner, tuple):
        raise WeightsError("the pickle makes a tensor in a way that PyTorch does not")
    if not isinstance(make, Constructor) or "_rebuild" not in make.name or kind.name not in _TENSOR_CLASSES:
        return StandIn(kind.name, holds_arrays=True)
    tensor = make.call(inner)
    assert tensor is None or isinstance(tensor, (np.ndarray, StandIn))  # None while declarations are collected
    return tensor


def _size(arguments: tuple) -> tuple:
    (sizes,) = arguments
    check_sizes(tuple(sizes))
    return tuple(sizes)


_ALLOWED: dict[str, object] = {
    **CONTAINERS,
    **NUMPY,
    **{f"torch {name}": _StorageType(np.dtype(dtype)) for name, dtype in _STORAGES.items()},
    **{
        name: Constructor(name, _tensor)
        for name in ("torch._utils _rebuild_tensor", "torch._utils _rebuild_tensor_v2")
    },
    **{
        name: Constructor(name, _parameter)
        for name in ("torch._utils _rebuild_parameter", "torch._utils _rebuild_parameter_with_state")
    },
    "torch._tensor _rebuild_from_type_v2": Constructor("torch._tensor _rebuild_from_type_v2", _typed),
    "torch Size": Constructor("torch Size", _size),
}
