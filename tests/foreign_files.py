"""Builders of foreign checkpoint files for the converter's tests: PyTorch containers without PyTorch, TensorFlow
pickles without TensorFlow, and the weights of the golden arrays, by the recipes in their notes.
"""

import contextlib
import io
import pickle
import re
import struct
import sys
import types
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from jaxprior.errors import WeightsError
from weights_convert import convert


MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
PGGAN_RECIPE_SEED = 2020
TENSORFLOW_RECIPE_SEED = 20261120


def pggan_state(
    resolution: int,
    *,
    fused: bool = False,
    latent: int = 32,
    fmaps_base: int = 256,
    fmaps_max: int = 32,
    channels: int = 3,
) -> dict[str, np.ndarray]:
    """State dict of genforce/mganprior's PGGAN generator, golden recipe and sizes (`pggan_tiny`)."""
    stages = resolution.bit_length() - 2
    widths = [min(fmaps_base // (4 << b), fmaps_max) for b in range(stages)]
    state = {"lod": np.zeros((), np.float32)}

    def add(key: str, shape: tuple[int, ...], scale: float) -> None:
        random = np.random.default_rng([PGGAN_RECIPE_SEED, zlib.crc32(key.encode("ascii"))])
        state[key] = (random.standard_normal(shape) * scale).astype(np.float32)

    for b, width in enumerate(widths):
        before = widths[b - 1] if b else latent
        if b and fused:
            add(f"layer{2 * b}.weight", (3, 3, before, width), 1.0)
        else:
            add(f"layer{2 * b}.conv.weight", (width, before, 3, 3) if b else (width, before, 4, 4), 1.0)
        add(f"layer{2 * b}.wscale.bias", (width,), 0.1)
        add(f"layer{2 * b + 1}.conv.weight", (width, width, 3, 3), 1.0)
        add(f"layer{2 * b + 1}.wscale.bias", (width,), 0.1)
        add(f"output{b}.conv.weight", (channels, width, 1, 1), 0.3)
        add(f"output{b}.wscale.bias", (channels,), 0.1)
    return state


def in_genforce_names(state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The same generator under the names of the newer genforce library (fused kernels in, out, h, w)."""
    renamed = {}
    for key, array in state.items():
        if key.endswith(".weight") and ".conv." not in key:
            array = array.transpose(2, 3, 0, 1)
        renamed[key.replace(".conv", "").replace(".wscale", "")] = array
    return renamed


def pggan_tree(state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What the generator must become, written out index by index from the definitions, under flat names."""
    tree = {}
    for key, array in state.items():
        layer = key.split(".")[0]
        if key.endswith("bias"):
            tree[f"{layer}/bias"] = array
        elif layer == "layer0":
            kernel = np.empty((array.shape[1], 4, 4, array.shape[0]), np.float32)
            for y in range(4):
                for x in range(4):
                    kernel[:, y, x, :] = array[:, :, 3 - y, 3 - x].T
            tree["layer0/kernel"] = kernel
        elif ".conv." in key:
            tree[f"{layer}/kernel"] = np.moveaxis(array, (2, 3, 1, 0), (0, 1, 2, 3))
        elif key.endswith("weight"):
            tree[f"{layer}/kernel"] = array[::-1, ::-1]
    return tree


# PyTorch's two containers, from a pickle and the bytes of its storages.


def torch_zip(
    program: bytes, storages: dict[str, bytes] | None = None, *, root: str = "model", **members
) -> bytes:
    """The zip format; `members` (name -> bytes, "/" written as "__") are added as they are."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(f"{root}/data.pkl", program)
        archive.writestr(f"{root}/byteorder", b"little")
        for key, data in (storages or {}).items():
            archive.writestr(f"{root}/data/{key}", data)
        for name, data in members.items():
            archive.writestr(f"{root}/{name.replace('__', '/')}", data)
    return buffer.getvalue()


def torch_legacy(program: bytes, storages: dict[str, tuple[int, bytes]] | None = None) -> bytes:
    """The format before 1.6; `storages`: key -> (number of values, bytes)."""
    storages = storages or {}
    head = [MAGIC_NUMBER, 1001, {"protocol_version": 1001, "little_endian": True, "type_sizes": {"int": 4}}]
    parts = [pickle.dumps(value, 2) for value in head]
    parts += [program, pickle.dumps(list(storages), 2)]
    for count, data in storages.values():
        parts += [struct.pack("<q", count), data]
    return b"".join(parts)


def text(value: str) -> bytes:
    """Instruction that pushes a string."""
    data = value.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def integer(value: int) -> bytes:
    """Instruction that pushes an integer of any size or sign."""
    return b"I" + str(value).encode() + b"\n"


def ints(values: tuple[int, ...]) -> bytes:
    """Instructions that push a tuple of integers."""
    return b"(" + b"".join(integer(value) for value in values) + b"t"


def tensor_program(
    *,
    offset: int = 0,
    sizes: tuple[int, ...] = (2, 3),
    strides: tuple[int, ...] = (3, 1),
    numel: int = 6,
    key: str = "0",
    storage: bytes = b"ctorch\nFloatStorage\n",
    location: str = "cpu",
    legacy: bool = False,
) -> bytes:
    """Pickle of {"w": one tensor}, every number of which a test may choose."""
    identity = b"(" + text("storage") + storage + text(key) + text(location) + integer(numel)
    identity += (b"N" if legacy else b"") + b"tQ"
    rebuilt = (
        b"ctorch._utils\n_rebuild_tensor_v2\n(" + identity + integer(offset) + ints(sizes) + ints(strides)
    )
    rebuilt += b"\x89ccollections\nOrderedDict\n)RtR"
    return b"\x80\x02}" + text("w") + rebuilt + b"s."


def torch_saved(value) -> bytes:
    """What `torch.save` makes of nested dicts and lists of numbers and float32 or int64 arrays (zip format)."""
    storages: dict[str, bytes] = {}

    def program(item) -> bytes:
        if isinstance(item, dict):
            return b"}" + b"".join(text(key) + program(inner) + b"s" for key, inner in item.items())
        if isinstance(item, list):
            return b"]" + b"".join(program(inner) + b"a" for inner in item)
        if isinstance(item, np.ndarray):
            key = str(len(storages))
            storages[key] = np.ascontiguousarray(item).tobytes()
            kind = {"float32": b"FloatStorage", "int64": b"LongStorage"}[item.dtype.name]
            identity = b"(" + text("storage") + b"ctorch\n" + kind + b"\n" + text(key) + text("cpu")
            identity += integer(item.size) + b"tQ"
            strides = tuple(stride // item.itemsize for stride in np.ascontiguousarray(item).strides)
            rebuilt = b"ctorch._utils\n_rebuild_tensor_v2\n(" + identity + integer(0) + ints(item.shape)
            return rebuilt + ints(strides[: item.ndim]) + b"\x89ccollections\nOrderedDict\n)RtR"
        return b"G" + struct.pack(">d", item) if isinstance(item, float) else integer(item)

    return torch_zip(b"\x80\x02" + program(value) + b".", storages)


def write_folder(folder: Path, files: dict) -> Path:
    """A folder with files of such values by their names ("0/netG.pth"); bytes are written as they are."""
    for name, value in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(value if isinstance(value, bytes) else torch_saved(value))
    return folder


_KINDS = {"float32": "Float", "float64": "Double", "float16": "Half", "bfloat16": "BFloat16", "int64": "Long",
          "uint8": "Byte"}  # fmt: skip


class _Storage:
    """An array's storage, which a checkpoint refers to by a persistent id."""

    def __init__(self, array: np.ndarray):
        self.array = array


class Negated(np.ndarray):
    """An array that is written as PyTorch writes the imaginary part of a conjugate: its opposite, with a mark."""


class _Pickler(pickle.Pickler):
    """Writes arrays as PyTorch writes tensors, and everything else as Python does."""

    def __init__(self, file, protocol: int, torch: types.ModuleType):
        super().__init__(file, protocol)
        self.torch, self.storages = torch, {}

    def reducer_override(self, item):
        if not isinstance(item, np.ndarray) or item.dtype.name not in _KINDS:
            return NotImplemented
        array = np.ascontiguousarray(item).reshape(item.shape)
        strides = tuple(stride // array.itemsize for stride in array.strides)
        arguments = (_Storage(array), 0, array.shape, strides, False, {})
        if isinstance(item, Negated):
            arguments = (_Storage(np.negative(array)), *arguments[1:], {"neg": True})
        return self.torch._utils._rebuild_tensor_v2, arguments

    def persistent_id(self, item):
        if not isinstance(item, _Storage):
            return None
        key = str(len(self.storages))
        self.storages[key] = item.array.tobytes()
        storage = getattr(self.torch, f"{_KINDS[item.array.dtype.name]}Storage")
        return "storage", storage, key, "cpu", item.array.size


@contextlib.contextmanager
def _imported(modules: dict[str, types.ModuleType]) -> Iterator[None]:
    """Let modules pass as imported, because pickle looks for what it names there; afterwards all is as before."""
    before = {name: sys.modules.get(name) for name in modules}
    sys.modules.update(modules)
    try:
        yield
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


def torch_pickled(value, *, protocol: int = 2, classes: tuple[type, ...] = ()) -> bytes:
    """What `torch.save` makes of any value that Python pickles, with tensors in place of its arrays (zip format).

    `classes` are found by pickle in the modules that their `__module__` names, which need not exist.
    """
    torch = types.ModuleType("torch")
    torch._utils = types.ModuleType("torch._utils")
    torch._utils._rebuild_tensor_v2 = _named_like("torch._utils", "_rebuild_tensor_v2")
    for kind in _KINDS.values():
        setattr(torch, f"{kind}Storage", _named_like("torch", f"{kind}Storage"))
    modules = {"torch": torch, "torch._utils": torch._utils}
    for one in classes:
        parts = one.__module__.split(".")
        names = [".".join(parts[: n + 1]) for n in range(len(parts))]
        modules |= {name: modules.get(name, types.ModuleType(name)) for name in names}
        setattr(modules[one.__module__], one.__qualname__, one)
    file = io.BytesIO()
    with _imported(modules):
        pickler = _Pickler(file, protocol, torch)
        pickler.dump(value)
    return torch_zip(file.getvalue(), pickler.storages)


def _named_like(module: str, name: str) -> type:
    """A class that pickles as that name, whatever it is there."""
    return type(name, (), {"__module__": module, "__qualname__": name})


# TensorFlow GAN pickles.


def tensorflow_variables(keys: list[str], network: str) -> list[tuple[str, np.ndarray]]:
    """Variables of one network of `pggan_train`; `keys` are its lines "G/4x4/Dense/weight (32, 512)"."""
    variables = [("lod", np.float32(0.0))]
    for line in keys:
        name, _, shape = str(line).partition(" ")
        if name.startswith(f"{network}/"):
            array = tensorflow_fill(name, tuple(int(size) for size in shape.strip("(),").split(",")))
            variables.append((name.removeprefix(f"{network}/"), array))
    return variables


def tensorflow_fill(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """The golden recipe: raw N(0, 1) weights, biases 0.1 of that."""
    crc = zlib.crc32(name.replace("/", ".").encode())
    array = np.random.default_rng([TENSORFLOW_RECIPE_SEED, crc]).normal(size=shape)
    return (array * (0.1 if name.endswith("bias") else 1.0)).astype(np.float32)


class _Network:
    """What the TensorFlow code pickles: an object of a class that does not exist here, with a state dict."""

    def __init__(self, state: dict):
        self.__dict__.update(state)

    def __getstate__(self) -> dict:
        return self.__dict__


def tensorflow_pickle(
    states: list[dict], *, module: str = "tfutil", protocol: int = 4, numpy1: bool = False
) -> bytes:
    """A tuple of networks, pickled as the TensorFlow code does it, by NumPy 2 or (`numpy1`) NumPy 1."""
    names = module.split(".")
    modules = {
        ".".join(names[: n + 1]): types.ModuleType(".".join(names[: n + 1])) for n in range(len(names))
    }
    network = type("Network", (_Network,), {"__module__": module})
    modules[module].Network = network
    with _imported(modules):
        data = pickle.dumps(tuple(network(state) for state in states), protocol)
    if numpy1:  # the length byte of protocol 4 counts the underscore, the older protocols have no length
        data = data.replace(b"\x8c\x16numpy._core.multiarray", b"\x8c\x15numpy.core.multiarray")
        data = data.replace(b"cnumpy._core.multiarray", b"cnumpy.core.multiarray")
    return data


def tensorflow_state(name: str, variables: list[tuple[str, np.ndarray]], **static_kwargs) -> dict:
    """A network's state as `tfutil.Network.__getstate__` gives it."""
    return {
        "version": 2,
        "name": name,
        "static_kwargs": {"num_channels": 3, "label_size": 0, **static_kwargs},
        "build_module_src": "raise RuntimeError('code from a checkpoint was run')",
        "build_func_name": "G_paper",
        "variables": variables,
    }


def refused(src: Path, *, words: str, **options) -> str:
    """Converting `src` fails with one sentence that names it and contains `words`, and leaves no file."""
    out = src.parent / "refused.safetensors"
    with pytest.raises(WeightsError, match=re.escape(words)) as caught:
        convert(src, out, **options)
    assert not out.exists() and str(caught.value).startswith(str(src))
    return str(caught.value)
