"""The size of what a task answers: a photograph's own, or that of the prior's images. This module imports no JAX."""

from typing import Any, Literal, get_args


Size = Literal["native", "fit"]
SIZES = get_args(Size)
"""native: photographs keep their size (see `jaxprior.restoration.cut_photos`). fit: their centre square at the prior's
size."""


def keeps_size(task: Any) -> bool:
    """Whether a task can answer in a photograph's own size: it fills holes, or gives colours.

    Arguments:
        task: a forward operator, or its class; see `jaxprior.operators.Operator`.
    """
    return bool(getattr(task, "fills_holes", False) or getattr(task, "gives_colours", False))
