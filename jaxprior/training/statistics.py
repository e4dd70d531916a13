"""Networks with running statistics: applied as in training, and their variables in two parts."""

from typing import Any

import flax.linen as nn
import jax


Array = jax.Array


def apply_training(
    network: nn.Module, variables: dict, x: Any, drop_key: Array | None = None, *, method: str = "__call__"
) -> tuple[Any, dict]:
    """Apply a network as in training.

    Arguments:
        network: one whose method takes `train`.
        variables: {"params": ...} and, if the norm has any, "batch_stats".
        x: its input, an array or a tuple of them.
        drop_key: of the dropout, where there is any.
        method: of the network, which takes `x` and `train`.

    Returns:
        (output, {"batch_stats": new running statistics} or {}).
    """
    rngs = None if drop_key is None else {"dropout": drop_key}
    y, changed = network.apply(variables, x, train=True, mutable=["batch_stats"], rngs=rngs, method=method)
    return y, dict(changed)


def parted(variables: dict) -> tuple[dict, dict]:
    """Variables of a network -> (its parameters, the rest: running statistics)."""
    return variables["params"], {name: value for name, value in variables.items() if name != "params"}
