"""Dataclasses as pytrees: fields that are static, and one line that says what a network is.

    @jax.tree_util.register_dataclass
    @dataclass(frozen=True, kw_only=True, repr=False)
    class Network:
        module: Any = static()
        params: Any
"""

import dataclasses
import math
from typing import Any


def static(**options: Any) -> Any:
    """A field of a dataclass that is part of a compiled program instead of one of its arguments.

    Arguments:
        options: those of `dataclasses.field`, as `default=`.
    """
    return dataclasses.field(metadata={"static": True}, **options)


def count(params: Any) -> int:
    """Number of values in a tree of arrays, or of what has only their shapes.

    Example:
        >>> count({"kernel": np.zeros((3, 3, 2, 4)), "bias": np.zeros(4)})
        76
    """
    import jax

    return sum(math.prod(getattr(leaf, "shape", ())) for leaf in jax.tree.leaves(params))


def shape_text(shape: tuple[int, ...]) -> str:
    """A shape for people.

    Example:
        >>> shape_text((64, 64, 3))
        '64x64x3'
    """
    return "x".join(str(side) for side in shape)


def summary(kind: object, what: str, params: Any) -> str:
    """One line that says what a network is: for `__repr__`, which would print every weight otherwise.

    Arguments:
        kind: the object, of which the class is named; what: what it is; params: its parameters.
    """
    return f"{type(kind).__name__}({what}, {count(params):,} parameters)"
