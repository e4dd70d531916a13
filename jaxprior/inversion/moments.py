"""A batch between two chunks of steps: all that is needed to go on, and its way into plain arrays and back.

What goes on from a saved moment equals what was never interrupted to the bit, on one compiled shape and kind of device.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np


Array = jax.Array


class Moment(NamedTuple):
    """Where a batch of b images stands.

    Fields:
        done: iterations done.
        state: what `engine.advance` takes and gives.
        trace: the losses before each of these iterations, pieces of [k, b].
    """

    done: int
    state: Any
    trace: tuple[Array, ...]

    @property
    def losses(self) -> Array:
        """Losses [b] before the last iteration."""
        return self.trace[-1][-1]


def to_arrays(moment: Moment) -> dict[str, np.ndarray]:
    """The moment as named arrays on the host."""
    leaves = jax.tree_util.tree_flatten_with_path(moment.state)[0]
    arrays = {_name(path): np.asarray(_plain(leaf)) for path, leaf in leaves}
    return {**arrays, "trace": np.concatenate([np.asarray(piece) for piece in moment.trace])}


def from_arrays(arrays: Mapping[str, np.ndarray], like: Any) -> Moment:
    """The moment that `to_arrays` wrote.

    Arguments:
        arrays: by name.
        like: a state of the same batch, of which structure, types and placement on devices are taken.

    Raises:
        ValueError: the arrays belong to another batch shape or method.
    """
    trace = arrays.get("trace")
    leaves, structure = jax.tree_util.tree_flatten_with_path(like)
    if trace is None or set(arrays) != {"trace", *(_name(path) for path, _ in leaves)}:
        raise ValueError("the saved moment belongs to another method: its arrays have other names")
    state = jax.tree.unflatten(structure, [_placed(arrays[_name(path)], leaf) for path, leaf in leaves])
    return Moment(len(trace), state, (jnp.asarray(trace),) if len(trace) else ())


def _placed(array: np.ndarray, like: Array) -> Array:
    plain = jax.eval_shape(_plain, like)
    if (array.shape, array.dtype) != (plain.shape, plain.dtype):
        raise ValueError(f"the saved moment has {array.dtype}{array.shape} where {plain.dtype}{plain.shape} belongs")
    if jnp.issubdtype(like.dtype, jax.dtypes.prng_key):
        array = jax.random.wrap_key_data(array, impl=jax.random.key_impl(like))
    return jax.device_put(array, like.sharding) if like.committed else jnp.asarray(array)


def _plain(leaf: Array) -> Array:
    """Random keys as their numbers; everything else as it is."""
    return jax.random.key_data(leaf) if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) else leaf


def _name(path: tuple) -> str:
    return "state/" + jax.tree_util.keystr(path, simple=True, separator="/")
