"""The tasks there are: operators of this folder, and those of other packages (see `jaxprior.discovery`).

Listing imports no operators. Loading one imports no JAX if its module takes JAX from `jaxprior.lazy_jax`, as ours do.
"""

from typing import TYPE_CHECKING

from jaxprior import discovery
from jaxprior.errors import SettingsError


if TYPE_CHECKING:
    from jaxprior.operators._base import Operator

GROUP = "jaxprior.operators"
"""The folder, and the group of entry points that other packages use."""

FIRST = ("reconstruct", "inpaint", "colorize", "superres", "denoise", "deblur")
"""These stand first in lists and in the help, in this order; all others follow."""


def task_names() -> list[str]:
    """Names of all tasks, without importing their operators."""
    names = discovery.names(GROUP)
    return [*(name for name in FIRST if name in names), *(name for name in names if name not in FIRST)]


def task_summary(name: str) -> str:
    """What a task does, in one line, without importing its operator."""
    return discovery.summary(GROUP, name)


def load_task(name: str) -> "type[Operator]":
    """Import the operator of a task.

    Arguments:
        name: one of `task_names`.

    Returns:
        the class: what the module's `OPERATOR` says, or what the entry point refers to.

    Raises:
        SettingsError: it cannot be imported, is no `Operator`, or has another name than the task.
    """
    from jaxprior.operators._base import Operator

    if not isinstance(name, str):
        raise SettingsError(f"`name` must be the name of a task, one of {', '.join(task_names())}, got {name!r}.")
    found = discovery.load(GROUP, name)
    kind = getattr(found, "OPERATOR", found)
    if not (isinstance(kind, type) and issubclass(kind, Operator)):
        raise SettingsError(f"{name}: expected a subclass of jaxprior.Operator in {GROUP}, got {kind!r}.")
    own = getattr(kind, "name", None)
    if own != name:
        raise SettingsError(f"{name}: the operator {kind.__name__} has the name {own!r}; the two must be the same.")
    return kind
