"""Trees of parameters: names of their tensors, and whether they are those that an architecture wants.

A parameter tree is a nested dictionary of arrays, as {"generator": {"layer0": {"kernel": ...}}}. The name of a tensor
is its path, `generator/layer0/kernel`.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np

from jaxprior.errors import WeightsError
from jaxprior.lazy_jax import Array, jax, jnp


Described = TypeVar("Described")


def flatten(tree: Mapping) -> dict[str, Any]:
    """Turn a nested dictionary into one level, with paths as names.

    Arguments:
        tree: nested dictionary whose keys are non-empty strings without "/"; its leaves are anything but dictionaries.

    Returns:
        {"a/b": leaf}, in the order of the tree.

    Raises:
        WeightsError: a key is not such a string, or a branch has no leaves.

    Example:
        >>> flatten({"a": {"b": 1}})
        {'a/b': 1}
    """
    from flax import traverse_util  # imports JAX

    flat = {}
    for path, leaf in traverse_util.flatten_dict(_plain(tree), keep_empty_nodes=True).items():
        for level, key in enumerate(path):
            if not isinstance(key, str) or not key or "/" in key:
                prefix = "".join(f"{name}/" for name in path[:level])
                raise WeightsError(f"parameter name {key!r} under {prefix!r} must be a string without '/'")
        name = "/".join(path)
        if leaf is traverse_util.empty_node:
            raise WeightsError(f"parameter group {name!r} is empty; expected arrays in it")
        flat[name] = leaf
    return flat


def unflatten(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Turn {"a/b": leaf} into {"a": {"b": leaf}}; the inverse of `flatten`.

    Arguments:
        flat: names with "/" between the levels.

    Raises:
        WeightsError: a level is empty ("a//b"), or a name is both a leaf and a branch.

    Example:
        >>> unflatten({"a/b": 1})
        {'a': {'b': 1}}
    """
    from flax import traverse_util  # imports JAX

    for name in flat:
        levels = name.split("/")
        if not all(levels):
            raise WeightsError(
                f"tensor name {name!r} has an empty level; expected names like 'generator/layer0/kernel'"
            )
        if any("/".join(levels[:depth]) in flat for depth in range(1, len(levels))):
            raise WeightsError(f"tensor name {name!r} runs through a name that is itself a tensor")
    return traverse_util.unflatten_dict(dict(flat), sep="/")


def _plain(tree: Mapping) -> dict:
    """The same tree of dictionaries, which is what Flax descends into."""
    return {key: _plain(value) if isinstance(value, Mapping) else value for key, value in tree.items()}


def check_matches(params: Mapping, expected: Mapping) -> None:
    """Check that a parameter tree is exactly the one that an architecture wants.

    Arguments:
        params: nested dictionary of arrays.
        expected: nested dictionary of the same form; its leaves have `.shape` (arrays or `jax.ShapeDtypeStruct`).

    Raises:
        WeightsError: the first five differences (missing, unexpected, of another shape) and how many there are.

    Example:
        check_matches(params, jax.eval_shape(module.init, key, z)["params"])
    """
    have = {name: tuple(leaf.shape) for name, leaf in flatten(params).items()}
    want = {name: tuple(leaf.shape) for name, leaf in flatten(expected).items()}
    lines = [f"  {name}: missing, expected {want[name]}" for name in want if name not in have]
    lines += [
        f"  {name}: expected {want[name]}, got {have[name]}"
        for name in want
        if name in have and have[name] != want[name]
    ]
    lines += [f"  {name}: unexpected, got {have[name]}" for name in have if name not in want]
    if lines:
        rest = [f"  ... and {len(lines) - 5} more"] if len(lines) > 5 else []
        summary = (
            f"the weights do not fit the architecture: {len(lines)} of {len(have | want)} tensors "
            "differ; use the architecture that the file's card names"
        )
        raise WeightsError("\n".join([summary, *lines[:5], *rest]))


def checked(params: Mapping, expected: Mapping, *, where: str) -> dict[str, Any]:
    """Check names and shapes of stored parameters, and widen them to float32.

    Arguments:
        params: nested dictionary of arrays of any float type.
        expected: see `check_matches`.
        where: the file, and the part of it, for the error's sentence.

    Raises:
        WeightsError: see `check_matches`.
    """
    try:
        check_matches(params, expected)
    except WeightsError as error:
        raise WeightsError(f"{where}: {error}") from None
    return jax.tree.map(_float32, dict(params))


def _float32(leaf: Any) -> Array:
    if isinstance(leaf, Array):
        return jnp.asarray(leaf, jnp.float32)
    return jax.device_put(np.asarray(leaf).astype(np.float32))  # `jnp.asarray` compiles a program for every shape


def described(card: Mapping, make: Callable[[Mapping], Described], *, where: str) -> Described:
    """What a card's "config" describes.

    Arguments:
        card: of the file, with "architecture" and "config".
        make: function from the config to untrained networks. It raises KeyError, TypeError or ValueError if something
            is missing, unknown or impossible.
        where: the file, for the error's sentence.

    Raises:
        WeightsError: the config does not describe such networks.
    """
    try:
        return make(card["config"])
    except (KeyError, TypeError, ValueError) as error:
        name = card.get("architecture")
        raise WeightsError(f"{where}: its card's `config` does not describe a {name} network: {error}") from None
