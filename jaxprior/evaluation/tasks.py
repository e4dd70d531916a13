"""Tasks as plain tables: {"name": "inpaint", "mask": "center:0.25"}, as commands, the demo and recipes say them."""

from collections.abc import Mapping

from jaxprior.data.masks import MaskSpec
from jaxprior.errors import SettingsError
from jaxprior.operators import Operator, load_task, task_names
from jaxprior.settings import PLAIN, Names, check_choice, fields_of


def make_task(
    table: Mapping, shape: int | tuple[int, ...], *, names: Names = PLAIN
) -> tuple[Operator, MaskSpec | None]:
    """Make a task of a plain table.

    Arguments:
        table: its `name` and settings: `inpaint` has `mask`; `superres` has `factor` (4) and `kernel` ("bilinear");
            `denoise` has `sigma` (0.2) and a `mask` of noisy pixels; `deblur` has `blur`, a Gaussian's sigma, or
            `kernel`, a file; `reconstruct` and `colorize` have none. Operators of other packages state their own.
        shape: of the prior's images, (h, w, c); a number is the side of square RGB images.
        names: how settings are spelled in messages.

    Returns:
        the forward operator, and the specification of the mask that every picture gets in place of the operator's own.

    Raises:
        SettingsError: unknown names, values of the wrong type, or what a task needs is missing.
        ValueError: a value that the operator refuses.

    Example:
        >>> make_task({"name": "superres", "factor": 2}, 32)[0].label
        'superres x2 bilinear'
    """
    if "name" not in table:
        raise SettingsError(f"a task needs a name: {', '.join(task_names())}.")
    check_choice(table["name"], task_names(), "task")
    kind = load_task(table["name"])
    given = {setting: value for setting, value in table.items() if setting != "name"}
    values = fields_of(kind.settings, given, names=names, unset=False)
    return kind.from_settings(values, (shape, shape, 3) if isinstance(shape, int) else shape, names=names)
