"""Trained networks at rest: one safetensors file that holds the parameter tree and a JSON card.

The names of the tensors are paths in the tree (see `jaxprior.weights.tree`). The metadata of the file hold two strings:
`jaxprior`, the card as JSON (architecture, config, source, licence, `sha256` of the tensors), and `jaxprior_sha256`,
the digest of that JSON text. So every byte that means something is covered: a file that was cut, flipped or edited is
refused, never half used. Nothing here can run code from a file, and arrays come back in the data type in which they
were stored.
"""

import hashlib
import itertools
import json
import os
import struct
from collections.abc import Mapping
from pathlib import Path

import ml_dtypes
import numpy as np
import safetensors

from jaxprior.errors import WeightsError
from jaxprior.lazy_jax import jax
from jaxprior.system.files import write_atomically
from jaxprior.weights.tree import flatten, unflatten


MAX_HEADER_BYTES = 100_000_000  # the safetensors format's own limit
CARD_KEY = "jaxprior"
CARD_DIGEST_KEY = "jaxprior_sha256"

DTYPES = {
    "F16": np.dtype(np.float16),
    "BF16": np.dtype(ml_dtypes.bfloat16),
    "F32": np.dtype(np.float32),
    "F64": np.dtype(np.float64),
    "I8": np.dtype(np.int8),
    "I16": np.dtype(np.int16),
    "I32": np.dtype(np.int32),
    "I64": np.dtype(np.int64),
    "U8": np.dtype(np.uint8),
    "U16": np.dtype(np.uint16),
    "U32": np.dtype(np.uint32),
    "U64": np.dtype(np.uint64),
    "BOOL": np.dtype(np.bool_),
}
_CODES = {dtype: code for code, dtype in DTYPES.items()}
_CONVERT = "convert foreign checkpoints with `jaxprior convert`"
_FLOATS = {DTYPES[code] for code in ("F16", "BF16", "F32", "F64")}


def weights_digest(params: Mapping) -> str:
    """Digest of a parameter tree: the identity of a network, whatever file it lies in.

    Arguments:
        params: nested dict of arrays.

    Returns:
        sha256 in hex over sorted names, data types, shapes and little-endian bytes.

    Raises:
        WeightsError: an array of a data type that cannot be stored.

    Example:
        >>> len(weights_digest({"a": np.zeros(3, np.float32)}))
        64
    """
    return _digest(_arrays(params))


def save_weights(path: str | os.PathLike, params: Mapping, card: Mapping) -> None:
    """Write a network atomically: after a crash there is the old file or the new one, never half of one.

    Arguments:
        path: file to write, `*.safetensors` by custom; its folder exists.
        params: nested dict of finite arrays (NumPy or JAX), top level e.g. "generator", "critic".
        card: JSON object that describes them; "sha256" is filled in with `weights_digest(params)`.

    Raises:
        WeightsError: no tensors, a NaN or infinity, a card that is not JSON, a place that cannot be written.

    Example:
        >>> card = {"name": "cats", "architecture": "pggan"}
        >>> save_weights("prior.safetensors", {"generator": params}, card)  # needs parameters # doctest: +SKIP
    """
    path = Path(path)
    arrays = _arrays(params)
    if not arrays:
        raise WeightsError(f"{path}: there are no tensors to write")
    _check_finite(arrays, path)
    try:
        text = json.dumps({**card, "sha256": _digest(arrays)}, allow_nan=False, sort_keys=True)
    except (TypeError, ValueError) as error:
        raise WeightsError(f"{path}: the card cannot be written as JSON ({error})") from error
    # Not `safetensors.serialize`: it writes the metadata in another order at every call, and orders tensors by their
    # data type first. The same network shall always be the same bytes.
    header: dict = {"__metadata__": {CARD_KEY: text, CARD_DIGEST_KEY: _text_digest(text)}}
    position = 0
    for name, array in arrays.items():
        header[name] = {
            "dtype": _CODES[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [position, position + array.nbytes],
        }
        position += array.nbytes
    head = json.dumps(header, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 8)  # the format wants the data aligned to 8 bytes
    data = (array.tobytes() for array in arrays.values())
    try:
        write_atomically(path, itertools.chain([struct.pack("<Q", len(head)), head], data))
    except OSError as error:
        raise WeightsError(f"{path}: the weight file cannot be written ({error.strerror or error})") from error


def load_weights(path: str | os.PathLike) -> tuple[dict, dict]:
    """Read a network and its card, strictly: whole, unchanged and finite, or an error.

    Arguments:
        path: a file of `save_weights`.

    Returns:
        (params, card): nested dict of NumPy arrays as stored (float16, bfloat16 or float32), and the card.

    Raises:
        WeightsError: missing, truncated or damaged file, no card, another digest, NaN or infinity.

    Example:
        >>> params, card = load_weights("prior.safetensors")  # needs a file of weights # doctest: +SKIP
    """
    path = Path(path)
    tensors, metadata = read_tensors(path)
    card = _card(metadata, path)
    digest = _digest(tensors)
    if card["sha256"] != digest:
        raise WeightsError(
            f"{path}: the tensors are not those of the card (sha256 {digest[:12]}..., "
            f"expected {card['sha256'][:12]}...); the file is damaged, fetch or convert it again"
        )
    _check_finite(tensors, path)
    return unflatten(tensors), card


def read_card(path: str | os.PathLike) -> dict:
    """Read only the card of a weight file; of the tensors nothing is checked but their length.

    Arguments:
        path: a file of `save_weights`.

    Returns:
        The card (JSON object), "sha256" included.

    Raises:
        WeightsError: not a safetensors file, damaged header, a file that was cut, or no card.

    Example:
        >>> read_card("prior.safetensors")["config"]["resolution"]  # needs a file of weights # doctest: +SKIP
        64
    """
    path = Path(path)
    return _card(_read_header(path).get("__metadata__", {}), path)


def card_of_ours(path: str | os.PathLike) -> dict | None:
    """The card of a file that this package has written; None of any other file, and where there is none.

    Arguments:
        path: the file, which need not exist.
    """
    path = Path(path)
    if path.suffix != ".safetensors" or not path.is_file():
        return None
    try:
        return read_card(path)
    except WeightsError:
        return None


def read_names(path: str | os.PathLike) -> list[str]:
    """Read the names of the tensors of a weight file, in the order of the file.

    Arguments:
        path: a file of `save_weights`.

    Raises:
        WeightsError: not a safetensors file, or damaged header.
    """
    return [name for name in _read_header(Path(path)) if name != "__metadata__"]


def read_shapes(path: str | os.PathLike) -> tuple[dict, dict]:
    """Read what a network is, without its weights: only the head of the file is read.

    Arguments:
        path: a file of `save_weights`.

    Returns:
        (nested dict of `jax.ShapeDtypeStruct`, the card).

    Raises:
        WeightsError: not a safetensors file, damaged header, or no card.
    """
    path = Path(path)
    header = _read_header(path)
    card = _card(header.pop("__metadata__", {}), path)
    try:
        shapes = {
            name: jax.ShapeDtypeStruct(tuple(entry["shape"]), DTYPES[entry["dtype"]]) for name, entry in header.items()
        }
    except (KeyError, TypeError) as error:
        raise WeightsError(f"{path}: the safetensors header is damaged ({error!r})") from error
    return unflatten(shapes), card


def read_tensors(path: str | os.PathLike) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Read any safetensors file, with or without a card.

    Arguments:
        path: the file.

    Returns:
        (tensors by name, sorted; the metadata strings).

    Raises:
        WeightsError: a file that cannot be read, is damaged, or has a data type that NumPy cannot hold.

    Example:
        >>> tensors, metadata = read_tensors("model.safetensors")  # needs a file of weights # doctest: +SKIP
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error
    header = _header(data[:8], lambda count: data[8 : 8 + count], len(data), path)
    try:
        entries = safetensors.deserialize(data)  # checks offsets, holes, overlaps and sizes
    except safetensors.SafetensorError as error:
        reason = "".join(c for c in str(error)[:120] if c.isprintable())
        raise WeightsError(f"{path}: damaged or truncated safetensors file ({reason})") from error
    tensors = {}
    for name, entry in sorted(entries, key=lambda item: item[0]):
        if entry["dtype"] not in DTYPES:
            raise WeightsError(
                f"{path}: tensor {name!r} has data type {entry['dtype']}; expected one of {', '.join(DTYPES)}"
            )
        tensors[name] = np.frombuffer(entry["data"], DTYPES[entry["dtype"]]).reshape(entry["shape"])
    return tensors, header.get("__metadata__", {})


def _arrays(params: Mapping) -> dict[str, np.ndarray]:
    """Flat, sorted by name, little-endian and contiguous."""
    arrays = {}
    for name, leaf in sorted(flatten(params).items()):
        array = np.asarray(leaf)
        little = array.dtype.newbyteorder("<") if array.dtype.byteorder == ">" else array.dtype
        if little not in _CODES:
            raise WeightsError(
                f"tensor {name!r} has data type {array.dtype}; "
                f"expected one of {', '.join(str(dtype) for dtype in _CODES)}"
            )
        arrays[name] = np.asarray(array, little, order="C")
    return arrays


def _digest(arrays: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{name}\0{array.dtype.name}\0{list(array.shape)}\0".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _text_digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _check_finite(arrays: Mapping[str, np.ndarray], path: Path) -> None:
    for name, array in arrays.items():
        if array.dtype in _FLOATS and not np.isfinite(array).all():
            bad = np.count_nonzero(~np.isfinite(array))
            raise WeightsError(
                f"{path}: tensor {name!r} holds {bad} values that are NaN or infinite; "
                "expected finite weights (a diverged training?)"
            )


def _read_header(path: Path) -> dict:
    """The JSON header of a file, of which nothing else is read."""
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            head = file.read(8)
            header = _header(head, file.read, size, path)
    except OSError as error:
        raise _unreadable(path, error) from error
    _check_length(header, size - 8 - struct.unpack("<Q", head)[0], path)
    return header


def _check_length(header: Mapping, data_bytes: int, path: Path) -> None:
    """Refuse a file that was cut, or to which something was added, of which only the header is read."""
    try:
        ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
        expected = max([0, *ends])
    except (KeyError, IndexError, TypeError):
        raise WeightsError(f"{path}: the safetensors header is damaged (where its tensors lie)") from None
    if data_bytes != expected:
        raise WeightsError(
            f"{path}: the file is damaged: its tensors have {data_bytes} bytes, expected {expected}; "
            "fetch or convert it again"
        )


def _header(prefix: bytes, read, file_bytes: int, path: Path) -> dict:
    """The JSON header of a safetensors file; `read(count)` gives the bytes after the first eight."""
    length = struct.unpack("<Q", prefix)[0] if len(prefix) == 8 else 0
    if not 2 <= length <= min(MAX_HEADER_BYTES, file_bytes - 8):
        raise WeightsError(
            f"{path}: not a safetensors file, or a truncated one ({file_bytes} bytes); {_CONVERT}"
        )
    try:
        header = json.loads(read(length).decode(), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise WeightsError(f"{path}: not a safetensors file, or its header is damaged; {_CONVERT}") from error
    metadata = header.get("__metadata__", {}) if isinstance(header, dict) else None
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise WeightsError(f"{path}: the safetensors header is damaged (its metadata are not strings)")
    return header


def _unique(pairs: list[tuple[str, object]]) -> dict:
    """`json` keeps the last of two equal keys; two readers could then see two files."""
    if len(dict(pairs)) != len(pairs):
        raise ValueError("duplicate key")
    return dict(pairs)


def _card(metadata: Mapping[str, str], path: Path) -> dict:
    if CARD_KEY not in metadata:
        raise WeightsError(f"{path}: a safetensors file without a jaxprior card; {_CONVERT}")
    text = metadata[CARD_KEY]
    if metadata.get(CARD_DIGEST_KEY) != _text_digest(text):
        raise WeightsError(
            f"{path}: the card is not the one that was written (its sha256 differs); "
            "the file is damaged or edited, fetch or convert it again"
        )
    try:
        card = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise WeightsError(f"{path}: the card is not JSON ({error})") from error
    if not isinstance(card, dict) or not isinstance(card.get("sha256"), str):
        raise WeightsError(f"{path}: the card must be a JSON object with the tensors' sha256")
    return card


def _unreadable(path: Path, error: OSError) -> WeightsError:
    return WeightsError(f"{path}: the weight file cannot be read ({error.strerror or error})")
