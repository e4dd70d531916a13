"""A cell whose pictures are restored by a restorer, a network that answers at once, in place of a prior.

Pictures keep their size: what was observed is taken as it is, holes are filled, and super-resolution returns it as many
times larger as the restorer enlarges. Nothing here imports JAX, so that a command can be checked before.
"""

import dataclasses
from typing import Any

from jaxprior.errors import RunError
from jaxprior.evaluation.cells import Cell, describe, has_mask, mask_settings
from jaxprior.operators import Operator
from jaxprior.protocols import RESTORER_TASKS, Restores
from jaxprior.settings import check_seed


NUMERICS_VERSION = 1
"""Changes when restorers give other results of the same weights and pictures; rows of different versions never mix."""

DOES = {"superres": "enlarges pictures", "inpaint": "fills holes"}
"""What a restorer does that was made for a task."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class RestorerCell(Cell):
    """What to do with every picture of a run, by a restorer.

    Arguments:
        task: `SuperResolve` or `Inpaint`. Of originals (`clean`), the first says how they are shrunk.
        mask, clean, reference, seed, measures: see `Cell`.

    Raises:
        RunError: another task; a mask for super-resolution, or none for holes.

    Example:
        >>> RestorerCell(task=SuperResolve(4, kernel="antialiased")).title
        'superres x4 antialiased'
    """

    method: Any = None
    size: Any = "native"

    def __post_init__(self):
        check_seed(self.seed)
        check_restored_task(self.task.name)
        if (self.mask is not None) != has_mask(self.task):
            given = "takes each picture's mask from `mask`, from `parse_mask`" if has_mask(self.task) else "has no mask"
            raise RunError(f"The task {self.task.label} {given}.")

    @property
    def title(self) -> str:
        """Short name for tables: "superres x4", or what the prior's would be called for pictures that are degraded."""
        if is_enlarged(self.task) and not self.clean:
            return f"{self.task.name} x{factor_of(self.task)}"
        return super().title


def is_enlarged(task: Operator) -> bool:
    """Whether the pictures of a task come back larger."""
    return task.name == "superres"


def factor_of(task: Operator) -> int:
    """How many times larger the pictures of a task come back."""
    return getattr(task, "factor", 1)


def check_restored_task(name: str) -> None:
    """Refuse a task that no restorer does.

    Raises:
        RunError: naming those that there are.
    """
    if name not in RESTORER_TASKS:
        raise RunError(f"Restorers do {' and '.join(RESTORER_TASKS)}, and not {name}: take a prior for it.")


def check_restores(task: Operator, restores: Restores, name: str) -> None:
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


def restorer_configuration(cell: RestorerCell, restorer: Any) -> dict:
    """Return the resolved settings of a cell as plain JSON values.

    Arguments:
        cell: what to do.
        restorer: a `jaxprior.Restorer`, or its outline, of which the card is taken.
    """
    operator = describe(cell.task)
    if cell.mask is not None:
        operator.pop("mask")  # a placeholder; `mask` says what every picture gets
    if is_enlarged(cell.task) and not cell.clean:
        operator.pop("kernel")  # nothing is shrunk
    card = restorer.card
    return {
        "task": cell.task.name,
        "operator": operator,
        **mask_settings(cell.mask),
        "restorer": {"name": card.get("name"), "sha256": card.get("sha256"), "config": describe(card.get("config"))},
        "size": "native",
        "seed": cell.seed,
        "clean": cell.clean,
        "reference": cell.reference,
        "numerics_version": NUMERICS_VERSION,
    }
