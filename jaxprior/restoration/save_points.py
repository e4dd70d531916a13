"""Where a group of pictures in flight is saved, so that an interrupted one can be gone on with to the same bits.

    pass             which pass, or phase, is in flight
    found/...        what the passes before it found
    moment/...       where it stands, as the engine says it
"""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import numpy as np

from jaxprior.inversion.state import BatchState, named, nested


@runtime_checkable
class SavePoint(Protocol):
    """Where a group in flight is saved, so that an interrupted one can be gone on with."""

    def due(self) -> bool:
        """Whether it should be saved now; asked between chunks."""
        ...

    def save(self, arrays: dict[str, np.ndarray]) -> None:
        """Keep these arrays and forget earlier ones."""

    def load(self) -> Mapping[str, np.ndarray] | None:
        """What was saved last, or None."""
        ...


def packed(turn: int, found: dict | None, batch: BatchState) -> dict[str, np.ndarray]:
    """A group in flight as named arrays.

    Arguments:
        turn: number of the pass that is in flight; found: by those before it, or None; batch: where this one stands.
    """
    arrays = {"pass": np.array(turn), **{f"moment/{name}": array for name, array in batch.to_arrays().items()}}
    if found is not None:
        arrays |= {f"found/{name}": np.asarray(array) for name, array in named(found).items()}
    return arrays


def unpacked(arrays: Mapping[str, np.ndarray] | None) -> tuple[int, dict | None, dict | None]:
    """What `packed` has packed: the pass, what was found before it, and where it stands; (0, None, None) of nothing."""
    if arrays is None:
        return 0, None, None
    parts = {"found": {}, "moment": {}}
    for name, array in arrays.items():
        kind, _, rest = name.partition("/")
        if kind in parts:
            parts[kind][rest] = array
    return int(arrays["pass"]), nested(parts["found"]) or None, parts["moment"]
