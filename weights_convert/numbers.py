"""Single numbers in a file, wherever they stand: what a training says of its networks beside them and around them.

A network is found by the names of its tensors, and the numbers in its own dict are read with it. Others lie where
nobody looks for tensors: in a dict of buffers, in settings, or before another part of the same prefix.
"""

from collections.abc import Iterator, Mapping

import ml_dtypes
import numpy as np

from jaxprior.errors import WeightsError
from weights_convert.states import MAX_DEPTH, MAX_ITEMS, join


def numbers_in(saved: object) -> dict[str, float]:
    """All single numbers in nested dicts and lists, by the names on the way to them.

    Arguments:
        saved: what a file holds. Truth values and texts are no numbers; arrays and lists of one number are.
    Raises:
        WeightsError: dicts without end.

    Example:
        >>> numbers_in({"G": {"w": np.zeros((2, 2))}, "buffers": {"G.lod": np.array(1.0)}, "cfg": [{"lr": 0.1}]})
        {'buffers.G.lod': 1.0, 'cfg.0.lr': 0.1}
    """
    found: dict[str, float] = {}
    for count, (name, value) in enumerate(_leaves(saved, "", MAX_DEPTH)):
        if count > MAX_ITEMS:
            raise WeightsError(f"the file holds more than {MAX_ITEMS} names in nested dicts; no checkpoint has so many")
        number = as_number(value)
        if number is not None:
            found[name] = number
    return found


def as_number(value: object) -> float | None:
    """The number that a value is, be it an array of one; None if it is none."""
    if isinstance(value, np.ndarray) and value.size == 1:
        is_number = value.dtype.kind in "iuf" or value.dtype == ml_dtypes.bfloat16
        return float(value.reshape(()).astype(np.float64)) if is_number else None
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _leaves(value: object, path: str, depth: int) -> Iterator[tuple[str, object]]:
    """Every entry of nested dicts and lists; what lies deeper than a state dict can is not looked at."""
    yield path, value[0] if isinstance(value, (list, tuple)) and len(value) == 1 else value
    if depth < 1:
        return
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, join(path, str(key)), depth - 1)
    elif isinstance(value, (list, tuple)):
        for position, item in enumerate(value):
            if isinstance(item, (Mapping, list, tuple)):
                yield from _leaves(item, join(path, str(position)), depth - 1)
