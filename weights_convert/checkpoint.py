"""Which reader a file gets: decided by its first bytes, never by its name."""

import stat
from pathlib import Path

from jaxprior.errors import WeightsError
from jaxprior.weights.storage import CARD_KEY, read_tensors
from weights_convert import hdf5, pytorch, tf_pickle
from weights_convert.choosing import Checkpoint
from weights_convert.numbers import numbers_in
from weights_convert.other_formats import describe, describe_missing
from weights_convert.stand_ins import StandIn, unknown
from weights_convert.states import State, find_states


MAX_FILE_BYTES = 16 * 2**30


def read_file(path: Path) -> bytes:
    """The bytes of a file.

    Raises:
        WeightsError: it is no regular file and no link to one, it cannot be read, or it is larger than any checkpoint.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            kind = "a folder" if stat.S_ISDIR(status.st_mode) else "a pipe or a device"
            raise WeightsError(f"{path}: it is {kind}; expected a file, or a link to one")
        if status.st_size > MAX_FILE_BYTES:
            raise WeightsError(f"{path}: the file has {status.st_size} bytes; at most {MAX_FILE_BYTES} are read")
        return path.read_bytes()
    except OSError as error:
        reason = describe_missing(path) or f"the file cannot be read ({error.strerror or error})"
        raise WeightsError(f"{path}: {reason}") from error


def read_checkpoint(path: Path, data: bytes, *, state: str | None = None) -> Checkpoint:
    """Read the tensors of a foreign file.

    Arguments:
        path: where it lies, for messages.
        data: the whole file.
        state: name of the network in it that is wanted, or None.
    Returns:
        The checkpoint.
    Raises:
        WeightsError: unknown, damaged or hostile file; the sentence starts with the path.
    """
    try:
        return _read(path, data, state)
    except WeightsError as error:
        text = str(error)
        raise WeightsError(text if text.startswith(str(path)) else f"{path}: {text}") from error


def _read(path: Path, data: bytes, wanted: str | None) -> Checkpoint:
    if data[:4] == b"PK\x03\x04":
        return _from_state_dicts("PyTorch (zip format)", pytorch.read_zip(data), wanted)
    if data.startswith(pytorch.MAGIC_PREFIX):
        return _from_state_dicts("PyTorch (format before 1.6)", pytorch.read_legacy(data), wanted)
    # A header's length may begin with the byte that begins a pickle, so this comes before it.
    if data[8:9] == b"{" and int.from_bytes(data[:8], "little") <= len(data) - 8:
        tensors, metadata = read_tensors(path)
        if CARD_KEY in metadata:
            raise WeightsError("it is a file of jaxprior already; use it as it is, for example with `--prior`")
        states = find_states(tensors).states or {"": State({})}
        return Checkpoint("safetensors", states, {}, (), wanted=wanted, numbers=numbers_in(tensors))
    if data.startswith(hdf5.MAGIC):
        return Checkpoint("HDF5", {"": State(hdf5.read(data))}, {}, (), wanted=wanted)
    if data[:1] == b"\x80":
        return _from_networks(tf_pickle.read(data), wanted)
    raise WeightsError(
        describe(path, data)
        or "not a checkpoint of a known format; expected PyTorch, a TensorFlow GAN pickle, HDF5 or safetensors"
    )


def _from_networks(networks: list[tf_pickle.Network], wanted: str | None) -> Checkpoint:
    states: dict[str, State] = {}
    settings = {}
    for index, network in enumerate(networks):
        name = network.name if network.name and network.name not in states else f"{network.name}#{index}"
        states[name] = State(network.variables)
        settings[name] = network.settings
    return Checkpoint("TensorFlow GAN pickle", states, settings, ("embedded source code",), wanted=wanted)


def _from_state_dicts(form: str, saved: object, wanted: str | None) -> Checkpoint:
    found = find_states(saved)
    if found.states:
        return Checkpoint(form, found.states, {}, found.left_out, found.unread, wanted, numbers_in(saved))
    strange = saved.values() if isinstance(saved, dict) else saved if isinstance(saved, (list, tuple)) else [saved]
    for inner in (saved, *strange):
        if isinstance(inner, dict):
            State({}, others={key: item for key, item in inner.items() if isinstance(key, str)}).check_tensors()
    for item in strange:
        if isinstance(item, StandIn):
            raise WeightsError(unknown(item.name))
    raise WeightsError(
        "a PyTorch checkpoint without a state dict (named tensors) in it; save `module.state_dict()`"
    )
