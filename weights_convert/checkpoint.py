"""What every reader delivers, and which reader a file gets: decided by its first bytes, never by its name."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jaxprior.errors import WeightsError
from jaxprior.weights.storage import DTYPES, read_tensors
from jaxprior.weights.tree import check_matches, unflatten
from weights_convert import hdf5, pytorch, tf_pickle


MAX_FILE_BYTES = 16 * 2**30
_FLOATS = tuple(DTYPES[code] for code in ("F16", "BF16", "F32"))
_ENVELOPE_DEPTH = 3  # {"models": {"generator": {"layer0.weight": ...}}}
_MOVING_AVERAGE = re.compile(r"smooth|averag|(^|[._])(ema|Gs)($|[._])")


@dataclass(frozen=True)
class Checkpoint:
    """The tensors of a foreign file.

    `states` are its networks, by the name the file gives them ("" if it gives none), each as tensors by
    name; `settings` are the settings of those networks for which the file has any; `left_out` says what was
    not read.
    """

    format: str
    states: dict[str, dict[str, np.ndarray]]
    settings: dict[str, dict]
    left_out: tuple[str, ...]

    def choose(self, candidates: list[str]) -> str:
        """Of several states of one network, the moving average if there is one, else the last."""
        return next((name for name in candidates if is_moving_average(name)), candidates[-1])


def is_moving_average(name: str) -> bool:
    """Whether a state is called an average over the training: "generator_smooth", "g_ema", "Gs"."""
    return _MOVING_AVERAGE.search(name) is not None


def as_weight(name: str, array: np.ndarray) -> np.ndarray:
    """An array as it is stored: float16, bfloat16 and float32 as they are, float64 as float32.

    Raises:
        WeightsError: another data type; the sentence calls the tensor `name`.
    """
    array = array.astype(np.float32) if array.dtype == np.float64 else array
    if array.dtype not in _FLOATS:
        raise WeightsError(f"tensor {name} has data type {array.dtype}; expected floating point")
    return array


@dataclass(frozen=True)
class _Shape:
    shape: tuple[int, ...]


def check_layers(tree: dict, kernels: dict[str, tuple[int, ...]]) -> None:
    """Check that a tree has these layers and no others, each with a kernel and a bias.

    Arguments:
        tree: in our form.
        kernels: path of a layer, "fire2/squeeze1x1", to the shape of its kernel; the bias has its last axis.
    Raises:
        WeightsError: missing, unexpected or misshapen arrays.
    """
    shapes = [(f"{layer}/kernel", shape) for layer, shape in kernels.items()]
    shapes += [(f"{layer}/bias", shape[-1:]) for layer, shape in kernels.items()]
    check_matches(tree, unflatten({name: _Shape(shape) for name, shape in shapes}))


def read_file(path: Path) -> bytes:
    """The bytes of a file.

    Raises:
        WeightsError: it cannot be read, or is larger than any checkpoint.
    """
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise WeightsError(f"{path}: the file has {size} bytes; at most {MAX_FILE_BYTES} are read")
        return path.read_bytes()
    except OSError as error:
        raise WeightsError(f"{path}: the file cannot be read ({error.strerror or error})") from error


def read_checkpoint(path: Path, data: bytes) -> Checkpoint:
    """Read the tensors of a foreign file.

    Arguments:
        path: where it lies, for messages.
        data: the whole file.
    Returns:
        The checkpoint.
    Raises:
        WeightsError: unknown, damaged or hostile file; the sentence starts with the path.
    """
    try:
        return _read(path, data)
    except WeightsError as error:
        text = str(error)
        raise WeightsError(text if text.startswith(str(path)) else f"{path}: {text}") from error


def _read(path: Path, data: bytes) -> Checkpoint:
    if data[:4] == b"PK\x03\x04":
        return _from_state_dicts("PyTorch (zip format)", pytorch.read_zip(data))
    if data.startswith(pytorch.MAGIC_PREFIX):
        return _from_state_dicts("PyTorch (format before 1.6)", pytorch.read_legacy(data))
    # A header's length may begin with the byte that begins a pickle, so this comes before it.
    if data[8:9] == b"{" and int.from_bytes(data[:8], "little") <= len(data) - 8:
        tensors, _ = read_tensors(path)
        return Checkpoint("safetensors", {"": tensors}, {}, ())
    if data.startswith(hdf5.MAGIC):
        return Checkpoint("HDF5", {"": hdf5.read(data)}, {}, ())
    if data[:1] == b"\x80":
        return _from_networks(tf_pickle.read(data))
    raise WeightsError(
        "not a checkpoint of a known format; expected PyTorch, a TensorFlow GAN pickle, HDF5 or safetensors"
    )


def _from_networks(networks: list[tf_pickle.Network]) -> Checkpoint:
    states: dict[str, dict[str, np.ndarray]] = {}
    settings = {}
    for index, network in enumerate(networks):
        name = network.name if network.name and network.name not in states else f"{network.name}#{index}"
        states[name] = network.variables
        settings[name] = network.settings
    return Checkpoint("TensorFlow GAN pickle", states, settings, ("embedded source code",))


def _from_state_dicts(form: str, saved: object) -> Checkpoint:
    states: dict[str, dict[str, np.ndarray]] = {}
    left_out: list[str] = []
    for path, tensors, others in _state_dicts(saved, (), _ENVELOPE_DEPTH):
        if tensors:
            states[".".join(path)] = tensors
        left_out += [".".join((*path, name)) for name in others]
    if not states:
        raise WeightsError(
            "a PyTorch checkpoint without a state dict (named tensors) in it; save `module.state_dict()`"
        )
    return Checkpoint(form, states, {}, tuple(left_out))


def _state_dicts(
    value: object, path: tuple[str, ...], depth: int
) -> Iterator[tuple[tuple[str, ...], dict, list]]:
    """Every level of nested dicts: its path, its own tensors by name, and the names of what is neither."""
    if not isinstance(value, dict) or not depth:
        return
    named = {key: item for key, item in value.items() if isinstance(key, str)}
    tensors = {key: item for key, item in named.items() if isinstance(item, np.ndarray)}
    if tensors and all(key.startswith("module.") for key in tensors):  # torch.nn.DataParallel's prefix
        tensors = {key.removeprefix("module."): item for key, item in tensors.items()}
    inner = {key: item for key, item in named.items() if isinstance(item, dict) and item and depth > 1}
    yield path, tensors, [key for key in named if key not in inner and not isinstance(value[key], np.ndarray)]
    for key, item in inner.items():
        yield from _state_dicts(item, (*path, key), depth - 1)
