"""The NumPy part of the allow-list: arrays and numbers as NumPy 1 and 2, Python 2 and 3 pickle them.

Only plain numeric data types are built; an array of objects could hold anything, and like one of texts or dates it
becomes a `StandIn`. A shape must account for exactly the bytes that are there, so that a few bytes cannot ask for
gigabytes.
"""

import math
import re
from typing import Any

import numpy as np

from jaxprior.errors import WeightsError
from weights_convert.safe_unpickler import Constructor, Unfinished, named
from weights_convert.stand_ins import StandIn


MAX_DIMENSIONS = 16
_DTYPE = re.compile(r"[<>|=]?(f2|f4|f8|i1|i2|i4|i8|u1|u2|u4|u8|b1)")
_OTHER_DTYPE = re.compile(r"[<>|=]?[OSUVMmcaf]\d{0,6}(\[\w{1,6}\])?")  # objects, texts, records, dates, complex
_NDARRAY = "<the class numpy.ndarray>"  # stands for it as an argument; nothing is ever made from it


class _Dtype(Unfinished):
    def __init__(self, code: str):
        self.code = code

    def finish(self, state: Any) -> np.dtype:
        _, order, subarray, names, fields, *_ = state
        if order not in ("<", ">", "|", "=") or (subarray, names, fields) != (None, None, None):
            raise WeightsError(
                "the pickle holds an array with a structured data type; expected plain numbers"
            )
        return np.dtype(self.code).newbyteorder(order)


class _Array(Unfinished):
    def finish(self, state: Any) -> np.ndarray | StandIn:
        _, shape, dtype, fortran, data = state
        if isinstance(dtype, StandIn):
            return StandIn("numpy ndarray")
        return make_array(data, dtype, shape, "F" if fortran else "C")


def make_array(data: object, dtype: object, shape: object, order: str) -> np.ndarray:
    """Build an array from what a pickle holds.

    Arguments:
        data: bytes, or the latin-1 text by which Python 2 wrote bytes.
        dtype: a plain numeric `np.dtype`.
        shape: tuple of sizes that accounts for all of `data`.
        order: "C" or "F".
    Returns:
        The array, in the machine's byte order.
    Raises:
        WeightsError: anything else.
    """
    if isinstance(data, str):
        data = data.encode("latin-1")
    if not isinstance(data, (bytes, bytearray)) or not isinstance(dtype, np.dtype):
        raise WeightsError("the pickle holds an array whose content is not bytes; expected plain numbers")
    sizes = check_sizes(shape)
    if order not in ("C", "F") or math.prod(sizes) * dtype.itemsize != len(data):
        raise WeightsError(
            f"the pickle declares an array of shape {shape} and {dtype}, but holds {len(data)} bytes for it"
        )
    array = np.frombuffer(data, dtype).reshape(sizes, order=order)
    return array.astype(dtype.newbyteorder("="), copy=False)


def check_sizes(sizes: object) -> tuple[int, ...]:
    """Refuse what is not a tuple of sizes: integers from 0 to 2^40, at most 16 of them. Return the tuple."""
    if (
        not isinstance(sizes, tuple)
        or len(sizes) > MAX_DIMENSIONS
        or not all(type(size) is int and 0 <= size <= 2**40 for size in sizes)
    ):
        raise WeightsError("the pickle declares an array whose shape is not a tuple of sensible sizes")
    return sizes


def _dtype(arguments: tuple) -> _Dtype | StandIn:
    code, *flags = arguments
    if isinstance(code, str) and not _DTYPE.fullmatch(code) and _OTHER_DTYPE.fullmatch(code):
        return StandIn("numpy dtype")
    if not isinstance(code, str) or not _DTYPE.fullmatch(code) or len(flags) > 2:
        raise WeightsError("the pickle holds an array whose data type is not plain numbers")
    return _Dtype(code)


def _reconstruct(arguments: tuple) -> _Array | StandIn:
    cls, shape, code = arguments
    if isinstance(cls, StandIn):  # a subclass of arrays
        return StandIn(cls.name)
    if cls is not _NDARRAY or shape != (0,) or code not in (b"b", "b"):
        raise WeightsError("the pickle builds an array in a way that NumPy does not write")
    return _Array()


def _scalar(arguments: tuple) -> int | float | bool | StandIn:
    dtype, data = arguments
    if isinstance(dtype, StandIn):
        return StandIn("numpy scalar")
    return make_array(data, dtype, (), "C").item()


def _frombuffer(arguments: tuple) -> np.ndarray | StandIn:
    data, dtype, shape, order = arguments
    if isinstance(dtype, StandIn):
        return StandIn("numpy ndarray")
    return make_array(data, dtype, shape, order)


def _encode(arguments: tuple) -> bytes:
    text, encoding = arguments  # how protocol 2 writes bytes
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise WeightsError("the pickle encodes text in a way that NumPy does not write")
    return text.encode("latin-1")


def _empty_bytes(arguments: tuple) -> bytes:
    if arguments:
        raise WeightsError("the pickle makes bytes in a way that NumPy does not write")
    return b""


def _ordered_dict(arguments: tuple) -> dict:
    pairs = arguments[0] if arguments else []  # Python 2 gives the items here, Python 3 sets them later
    if len(arguments) > 1 or not isinstance(pairs, list):
        raise WeightsError("the pickle makes an OrderedDict in a way that checkpoints do not need")
    return named((key, value) for key, value in pairs)


def _default_dict(arguments: tuple) -> dict:
    if len(arguments) > 1 or (arguments and not isinstance(arguments[0], (StandIn, Constructor, type(None)))):
        raise WeightsError("the pickle makes a defaultdict in a way that checkpoints do not need")
    return {}


def _constructors(names: str, call) -> dict[str, Constructor]:
    return {name: Constructor(name, call) for name in names.split(", ")}


CONTAINERS = {
    **_constructors("collections OrderedDict", _ordered_dict),
    **_constructors("collections defaultdict", _default_dict),
}

NUMPY = {
    "numpy ndarray": _NDARRAY,
    **_constructors("numpy dtype", _dtype),
    **_constructors("numpy.core.multiarray _reconstruct, numpy._core.multiarray _reconstruct", _reconstruct),
    **_constructors("numpy.core.multiarray scalar, numpy._core.multiarray scalar", _scalar),
    **_constructors("numpy.core.numeric _frombuffer, numpy._core.numeric _frombuffer", _frombuffer),
    **_constructors("_codecs encode", _encode),
    **_constructors("__builtin__ bytes, builtins bytes", _empty_bytes),
}
