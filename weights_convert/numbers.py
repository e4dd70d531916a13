"""Single numbers in a file, wherever they stand: what a training says of its networks beside them and around them.

A network is found by the names of its tensors, and the numbers in its own dict are read with it. Others lie where
nobody looks for tensors: in a dict of buffers, in settings, or before another part of the same prefix.
"""

from collections.abc import Iterator, Mapping

from jaxprior.errors import WeightsError
from weights_convert.stand_ins import Described
from weights_convert.states import MAX_DEPTH, MAX_ITEMS, join
from weights_convert.tensors import as_number


def numbers_in(saved: object) -> dict[str, float]:
    """All single numbers in nested dicts and lists, by the names on the way to them.

    Arguments:
        saved: what a file holds. Truth values and texts are no numbers; arrays and lists of one number are.
    Raises:
        WeightsError: dicts without end.

    Example:
        >>> import numpy as np
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


def _leaves(value: object, path: str, depth: int) -> Iterator[tuple[str, object]]:
    """Every entry of nested dicts and lists; what lies deeper than a state dict can is not looked at."""
    value = value.attributes if isinstance(value, Described) else value
    yield path, value
    if depth < 1:
        return
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, join(path, str(key)), depth - 1)
    elif isinstance(value, (list, tuple)):
        for position, item in enumerate(value):
            if isinstance(item, (Mapping, list, tuple)):
                yield from _leaves(item, join(path, str(position)), depth - 1)
