"""Settings as plain tables, out of TOML, JSON or options: what may stand in them, and one sentence if it may not.

A setting is called by its dotted name ("solve.steps") unless `names` spells it another way ("--steps"), so that one
check serves recipes, programs and the command line.
"""

import contextlib
import dataclasses
import difflib
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from jaxprior.errors import SettingsError


Names = Mapping[str, str]
PLAIN: Names = types.MappingProxyType({})
"""Spells every setting by its dotted name."""

_KINDS = {int: "a whole number", float: "a number", str: "a text", bool: "true or false", type(None): '"none"'}


@contextlib.contextmanager
def at(place: str) -> Iterator[None]:
    """Around what settings are used for: a refusal says where they stand, e.g. "quick.toml: [[method]] 2"."""
    try:
        yield
    except ValueError as error:
        raise SettingsError(f"{place}: {error}") from error


def as_table(value: Any, setting: str) -> dict[str, Any]:
    """Return a copy of a table.

    Raises:
        SettingsError: it is something else.
    """
    if not isinstance(value, Mapping):
        raise SettingsError(f"{setting}: expected a table, got {value!r}.")
    return dict(value)


def check_names(table: Mapping, legal: Iterable[str], *, prefix: str = "", names: Names = PLAIN) -> None:
    """Refuse names that may not stand in a table.

    Arguments:
        table: of settings.
        legal: names that may stand in it.
        prefix: dotted name of the table with its dot, e.g. "solve.".
        names: how settings are spelled.

    Raises:
        SettingsError: naming the nearest right one.

    Example:
        >>> check_names({"layr": 3}, ["layer"], prefix="codes.")    # doctest: +IGNORE_EXCEPTION_DETAIL
        Traceback (most recent call last):
        SettingsError: codes.layr: no such setting; did you mean codes.layer?
    """
    legal = list(legal)
    for name in table:
        if name in legal:
            continue
        wrong = spelled(prefix + name, names)
        nearest = difflib.get_close_matches(name, legal, n=1)
        if nearest:
            raise SettingsError(f"{wrong}: no such setting; did you mean {spelled(prefix + nearest[0], names)}?")
        expected = f"expected {listed(legal)}" if legal else "nothing can be set here"
        raise SettingsError(f"{wrong}: no such setting; {expected}.")


def check_choice(value: Any, legal: Iterable[str], what: str) -> None:
    """Refuse a word that is not among the legal ones, with the nearest.

    Arguments:
        value: what was given.
        legal: words.
        what: they choose, e.g. "preset".

    Raises:
        SettingsError: naming all of them.
    """
    legal = list(legal)
    if value in legal:
        return
    nearest = difflib.get_close_matches(str(value), legal, n=1)
    hint = f" Did you mean {nearest[0]}?" if nearest else ""
    raise SettingsError(f"unknown {what} {value!r}: expected {listed(legal)}.{hint}")


def typed(value: Any, kind: Any, setting: str) -> Any:
    """Return a value of a kind: whole numbers serve as numbers, and "none" is None where None is allowed.

    Arguments:
        value: what was given.
        kind: int, float, str, bool, or a union of them with None.
        setting: how it is spelled.

    Raises:
        SettingsError: it is of another kind.

    Example:
        >>> typed(30, float | None, "solve.target_psnr")
        30.0
    """
    kinds = typing.get_args(kind) or (kind,)
    if value == "none" and type(None) in kinds:
        return None
    if type(value) is int and float in kinds and int not in kinds:
        return float(value)
    if type(value) in kinds:
        return value
    expected = " or ".join(_KINDS.get(kind, kind.__name__) for kind in kinds)
    raise SettingsError(f"{setting}: expected {expected}, got {value!r}.")


def fields_of(kind: type, table: Mapping, *, prefix: str = "", names: Names = PLAIN) -> dict[str, Any]:
    """Return what a table sets of a dataclass, names and types checked; values are the dataclass' own affair.

    Arguments:
        kind: the dataclass.
        table: field name -> value.
        prefix, names: see `check_names`.

    Raises:
        SettingsError: an unknown name, or a value of another type.

    Example:
        >>> dataclasses.replace(Solve(), **fields_of(Solve, {"steps": 50}, prefix="solve."))
    """
    check_names(table, [field.name for field in dataclasses.fields(kind)], prefix=prefix, names=names)
    hints = typing.get_type_hints(kind)
    return {name: typed(value, hints[name], spelled(prefix + name, names)) for name, value in table.items()}


def spelled(setting: str, names: Names) -> str:
    """How a setting is called where it was given."""
    return names.get(setting, setting)


def listed(words: Iterable[str]) -> str:
    """Join words as a sentence does: "a, b or c"."""
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last
