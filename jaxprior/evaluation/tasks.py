"""Tasks as plain tables: {"name": "inpaint", "mask": "center:0.25"}, as commands, the demo and recipes say them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxprior import operators
from jaxprior.data.arrays import load_kernel
from jaxprior.data.masks import MaskSpec, parse_mask
from jaxprior.errors import SettingsError
from jaxprior.settings import PLAIN, Names, check_choice, check_names, spelled, typed


SETTINGS = {
    "reconstruct": {},
    "inpaint": {"mask": str},
    "colorize": {},
    "superres": {"factor": int, "kernel": str},
    "denoise": {"sigma": float, "mask": str},
    "deblur": {"blur": float, "kernel": str},
}
"""What can be set of every task, and its type."""


def make_task(table: Mapping, size: int, *, names: Names = PLAIN) -> tuple[operators.Operator, MaskSpec | None]:
    """Make a task of a plain table.

    Arguments:
        table: its `name` and settings: `inpaint` has `mask`; `superres` has `factor` (4) and `kernel` ("bilinear");
            `denoise` has `sigma` (0.2) and a `mask` of noisy pixels; `deblur` has `blur`, a Gaussian's sigma, or
            `kernel`, a file; `reconstruct` and `colorize` have none.
        size: the prior's resolution.
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
        raise SettingsError(f"a task needs a name: {', '.join(SETTINGS)}.")
    name = table["name"]
    check_choice(name, SETTINGS, "task")
    given = {setting: value for setting, value in table.items() if setting != "name"}
    kinds = SETTINGS[name]
    check_names(given, kinds, names=names)
    values = {setting: typed(value, kinds[setting], spelled(setting, names)) for setting, value in given.items()}
    mask = parse_mask(values.pop("mask")) if "mask" in values else None
    if name == "inpaint" and mask is None:
        raise SettingsError('inpaint needs a mask, e.g. mask = "center:0.25".')
    if name == "deblur" and len(values) != 1:
        either = f"{spelled('blur', names)} or {spelled('kernel', names)}"
        raise SettingsError(f"The blur must be known: give {either}, one of the two.")
    return _operator(name, values, size), mask


def _operator(name: str, values: dict[str, Any], size: int) -> operators.Operator:
    match name:
        case "inpaint":
            return operators.Inpaint(np.zeros((size, size), np.float32))  # every picture's mask takes its place
        case "superres":
            return operators.SuperResolve(**values)
        case "denoise":
            return operators.Denoise(**values)
        case "deblur" if "blur" in values:
            return operators.Deblur.gaussian(values["blur"])
        case "deblur":
            return operators.Deblur(load_kernel(values["kernel"]))
        case "colorize":
            return operators.Colorize()
        case _:
            return operators.Identity()
