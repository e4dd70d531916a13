"""Tasks as plain tables, {"name": "inpaint", "mask": "center:0.25"}, as commands, the demo and recipes say them; and as
the words of a command, "inpaint center:0.25", of which such a table is read."""

import shlex
import typing
from collections.abc import Mapping
from typing import Any

from jaxprior.data.volume_masks import AnyMask
from jaxprior.errors import SettingsError
from jaxprior.operators._base import Operator
from jaxprior.operators._finding import load_task, task_names
from jaxprior.settings import PLAIN, Names, about, check_choice, fields_of, listed, without_none


def make_task(
    table: Mapping, shape: int | tuple[int, ...], *, names: Names = PLAIN
) -> tuple[Operator, AnyMask | None]:
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


def task_table(words: str) -> dict[str, Any]:
    """Read a task that is said in the words of its command.

    Arguments:
        words: the task's name, then its settings: as options ("superres --factor 4", "inpaint --mask center:0.25"), or
            by their values alone in the order of the command's help ("superres 4", "inpaint center:0.25").

    Returns:
        the table that `make_task` takes.

    Raises:
        SettingsError: there is no such task or setting, or a value that is missing or of another type.

    Example:
        >>> task_table("superres 2 --kernel box")
        {'name': 'superres', 'factor': 2, 'kernel': 'box'}
    """
    try:
        parts = shlex.split(words)
    except ValueError as error:
        raise SettingsError(f"task {words!r}: {str(error).lower()}.") from None
    if not parts:
        raise SettingsError(f"task {words!r}: it needs a name: {', '.join(task_names())}.")
    name, *rest = parts
    check_choice(name, task_names(), "task")
    kind = load_task(name).settings
    options = {one.option or f"--{field.replace('_', '-')}": field for field, one in about(kind).items()}
    unnamed, table = list(options.values()), {"name": name}
    waiting = iter(rest)
    for part in waiting:
        option, equals, value = part.partition("=")
        if not part.startswith("--"):
            field, value = next((one for one in unnamed if one not in table), None), part
        else:
            field = options.get(option)
        if field is None:
            takes = f"it takes {listed(options)}" if options else "it has no settings"
            raise SettingsError(f"task {words!r}: {part} means nothing to {name}; {takes}.")
        hint = without_none(typing.get_type_hints(kind)[field])
        if part.startswith("--") and not equals:
            value = "true" if hint is bool else next(waiting, None)
        if value is None:
            raise SettingsError(f"task {words!r}: {part} needs a value after it.")
        table[field] = _read(value, hint, f"task {words!r}: {field}")
    return table


def task_options(table: Mapping) -> str:
    """The options of a task's command: what `task_table` reads after the task's name.

    Arguments:
        table: see `make_task`.

    Example:
        >>> task_options(task_table("superres 2 --kernel box"))
        '--factor 2 --kernel box'
    """
    described, words = about(load_task(table["name"]).settings), []
    for field, value in table.items():
        if field != "name" and value is not False:
            words += [described[field].option or f"--{field.replace('_', '-')}"]
            words += [] if value is True else [shlex.quote(str(value))]
    return " ".join(words)


def _read(text: str, hint: Any, what: str) -> Any:
    """A setting's value out of text."""
    if hint is bool:
        return text == "true"
    if hint not in (int, float):
        return text
    try:
        return hint(text)
    except ValueError:
        kind = "a whole number" if hint is int else "a number"
        raise SettingsError(f"{what}: expected {kind}, got {text!r}.") from None
