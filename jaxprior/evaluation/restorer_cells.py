"""A cell whose pictures are restored by a restorer, a network that answers at once, in place of a prior.

Pictures keep their size: what was observed is taken as it is, holes are filled, and super-resolution returns it as many
times larger as the restorer enlarges. Nothing here imports JAX, so that a command can be checked before.
"""

import dataclasses
from typing import Any

from jaxprior.errors import RunError, SettingsError
from jaxprior.evaluation.cells import Cell, describe, has_mask, mask_settings
from jaxprior.evaluation.recipes import FILES, Recipe, files_beside
from jaxprior.operators._tables import make_task
from jaxprior.protocols import Restores
from jaxprior.restoration.restored_tasks import DOES, check_restored_task, factor_of, is_enlarged
from jaxprior.settings import at, check_seed


NUMERICS_VERSION = 2
"""Changes when restorers give other results of the same weights and pictures; rows of different versions never mix."""
SHRINKING = "antialiased"
"""How originals are shrunk for a super-resolution by a restorer, unless somebody says otherwise."""

AT_ONCE = "at once"
"""What a grid of cells calls the method of a restorer."""


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
    def is_answered(self) -> bool:
        """A restorer answers."""
        return True

    @property
    def title(self) -> str:
        """Short name for tables: "superres x4", or what the prior's would be called for pictures that are degraded."""
        if is_enlarged(self.task) and not self.clean:
            return f"{self.task.name} x{factor_of(self.task)}"
        return super().title


def restorer_cells(recipe: Recipe, restores: Restores) -> list[RestorerCell]:
    """The cells of a recipe that a restorer does, on originals of their own size.

    Arguments:
        recipe: of whose tasks those are taken that suit; for super-resolution, the factor and the kernel that a task
            does not say are the restorer's, and antialiased.
        restores: what the restorer does.

    Raises:
        SettingsError: none of the tasks suits, or a task is wrong.
    """
    cells = []
    for i, table in enumerate(recipe.tasks, 1):
        if table.get("name") != restores.task:
            continue
        own = {"factor": restores.factor, "kernel": SHRINKING} if restores.task == "superres" else {}
        with at(f"[[task]] {i}"):
            task, mask = make_task({**own, **files_beside(table, recipe.folder, *FILES)}, (1, 1, 3))
        if factor_of(task) == restores.factor:
            cells.append(RestorerCell(task=task, mask=mask, seed=recipe.seed, measures=recipe.measures))
    if not cells:
        by = f" by {restores.factor}" if restores.task == "superres" else ""
        raise SettingsError(f"it {DOES[restores.task]}{by}, and no [[task]] here asks for that; leave it out.")
    return cells


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
