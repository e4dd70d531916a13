"""Where many problems in a few slots stand between two chunks of steps, and its way into plain arrays and back.

What goes on from a saved state equals what was never interrupted to the bit, on one compiled shape and kind of device.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


Array = jax.Array
EMPTY = -1
"""In `BatchState.slots`: no problem."""


@dataclass(kw_only=True)
class BatchState:
    """m problems of which s at a time are in slots.

    Fields:
        slots: the problem in each slot, or EMPTY, int [s].
        evaluated: losses that are known of it, int [s].
        entered: problems that have had a slot.
        ended: bool [m].
        found: of ended problems, by name, arrays [m, ...]; empty before the first has ended.
        state: of the slots, what `engine.advance` takes and gives.
        traces: losses [m, steps + 1]; zero where not yet known.
        errors: mean square errors of iterates to the originals [m, k], see `batching.Truth`; [0, 0] without originals.
        steps, loss: iterations done and newest loss, means over the problems that run, or over those that just ended.
    """

    slots: np.ndarray
    evaluated: np.ndarray
    entered: int
    ended: np.ndarray
    found: dict[str, np.ndarray]
    state: Any = None
    traces: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))
    errors: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))
    steps: int = 0
    loss: float = float("nan")

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The state as named arrays on the host."""
        arrays = {f"state/{name}": np.asarray(_plain(leaf)) for name, leaf in named(self.state).items()}
        arrays |= {f"found/{name}": array for name, array in self.found.items()}
        arrays |= {ERRORS: self.errors} if self.errors.size else {}
        return {**arrays, "entered": np.array(self.entered), **{name: getattr(self, name) for name in HOST}}


ERRORS = "errors"
"""May be missing in what was saved, or be there where nobody asks for it: it decides nothing."""
HOST = ("slots", "evaluated", "traces", "ended")


def from_arrays(arrays: Mapping[str, np.ndarray], like: BatchState) -> BatchState:
    """The state that `to_arrays` wrote.

    Arguments:
        arrays: by name.
        like: a state of the same problems at their start, of which shapes, types and placement on devices are taken.

    Raises:
        ValueError: the arrays belong to other problems, another shape or another method.
    """
    leaves, structure = jax.tree_util.tree_flatten_with_path(like.state)
    names = [f"state/{_name(path)}" for path, _ in leaves]
    found = {name.removeprefix("found/"): array for name, array in arrays.items() if name.startswith("found/")}
    if {name for name in arrays if not name.startswith("found/")} - {ERRORS} != {*names, *HOST, "entered"}:
        raise ValueError("the saved state belongs to another method: its arrays have other names")
    slots, evaluated, traces, ended = (_checked(arrays[name], getattr(like, name)).copy() for name in HOST)
    state = jax.tree.unflatten(
        structure, [_placed(arrays[name], leaf) for name, (_, leaf) in zip(names, leaves, strict=True)]
    )
    found = {name: array.copy() for name, array in found.items()}
    errors = arrays.get(ERRORS, like.errors)
    errors = (errors if errors.shape == like.errors.shape else like.errors).copy()
    return BatchState(
        slots=slots, evaluated=evaluated, entered=int(arrays["entered"]), ended=ended, found=found, state=state,
        traces=traces, errors=errors,
    )  # fmt: skip


def _checked(array: np.ndarray, like: Any) -> np.ndarray:
    if (array.shape, array.dtype) != (like.shape, like.dtype):
        raise ValueError(f"the saved state has {array.dtype}{array.shape} where {like.dtype}{like.shape} belongs")
    return np.asarray(array)


def _placed(array: np.ndarray, like: Array) -> Array:
    value = jnp.asarray(_checked(array, jax.eval_shape(_plain, like)))
    if jnp.issubdtype(like.dtype, jax.dtypes.prng_key):
        value = jax.random.wrap_key_data(value, impl=jax.random.key_impl(like))
    return jax.device_put(value, like.sharding) if like.committed else value


def _plain(leaf: Array) -> Array:
    """Random keys as their numbers; everything else as it is."""
    return jax.random.key_data(leaf) if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) else leaf


def _name(path: tuple) -> str:
    return jax.tree_util.keystr(path, simple=True, separator="/")


def named(tree: Any) -> dict[str, Any]:
    """Leaves of a tree by their paths: {"latents": {"z": x}} becomes {"latents/z": x}."""
    return {_name(path): leaf for path, leaf in jax.tree_util.tree_flatten_with_path(tree)[0]}


def nested(leaves: Mapping[str, Any]) -> dict[str, Any]:
    """The nested dictionary whose leaves `named` gave."""
    tree: dict[str, Any] = {}
    for name, leaf in leaves.items():
        *branches, last = name.split("/")
        place = tree
        for branch in branches:
            place = place.setdefault(branch, {})
        place[last] = leaf
    return tree
