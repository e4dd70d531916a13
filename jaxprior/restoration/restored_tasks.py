"""Which tasks restorers do, and whether one suits a task. No JAX is imported here."""

from typing import Any

from jaxprior.errors import RunError
from jaxprior.protocols import RESTORER_TASKS, Restores


DOES = {"superres": "enlarges pictures", "inpaint": "fills holes"}
"""What a restorer does that was made for a task."""


def is_enlarged(task: Any) -> bool:
    """Whether the pictures of a task come back larger."""
    return task.name == "superres"


def factor_of(task: Any) -> int:
    """How many times larger the pictures of a task come back."""
    return getattr(task, "factor", 1)


def check_restored_task(name: str) -> None:
    """Refuse a task that no restorer does.

    Raises:
        RunError: naming those that there are.
    """
    if name not in RESTORER_TASKS:
        raise RunError(f"Restorers do {' and '.join(RESTORER_TASKS)}, and not {name}: take a prior for it.")


def check_restores(task: Any, restores: Restores, name: str) -> None:
    """Refuse a restorer that was made for another task, or enlarges by another factor.

    Arguments:
        task: what is to be done; restores: what the restorer does; name: of the restorer.

    Raises:
        RunError: it does something else.
    """
    check_restored_task(task.name)
    if restores.task != task.name:
        does, other = DOES[restores.task], f"take another one for {task.name}"
        raise RunError(f"{name} {does}: give it to `jaxprior {restores.task}`, or {other}.")
    factor = factor_of(task)
    if restores.factor != factor:
        raise RunError(
            f"{name} enlarges by {restores.factor}, and the factor here is {factor}: leave the factor out, or take "
            "another restorer."
        )
