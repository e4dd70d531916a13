"""Settings as plain tables, out of TOML, JSON or options: what may stand in them, and one sentence if it may not.

A setting is called by its dotted name ("solve.steps") unless `names` spells it another way ("--steps"), so that one
check serves recipes, programs and the command line.

What people can set is a frozen dataclass. A field that is made by `setting` carries its help text with it, so that the
command line derives its options from the dataclass (`jaxprior.cli.derived`). This module imports no JAX, and neither do
modules of such dataclasses, so that help appears at once.
"""

import contextlib
import dataclasses
import difflib
import re
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from jaxprior.errors import SettingsError


Names = Mapping[str, str]
PLAIN: Names = types.MappingProxyType({})
"""Spells every setting by its dotted name."""

REQUIRED = dataclasses.MISSING
"""As the default of a setting: there is none, the setting must be given."""

MOST_SEED = 2**32 - 1
"""The largest seed: JAX takes the last 32 bits of a larger one, so that 4294967296 would be the same as 0."""

_KINDS = {int: "a whole number", float: "a number", str: "a text", bool: "true or false", type(None): '"none"'}


@dataclasses.dataclass(frozen=True, kw_only=True)
class About:
    """What is known of one setting besides its name, type and default.

    Fields: see the arguments of `setting` of the same names.
    """

    text: str
    metavar: str | None = None
    least: float | None = None
    most: float | None = None
    option: str | None = None
    panel: str | None = None
    rank: int = 0
    repeated: bool = False
    words: Sequence[str] | Callable[[], Sequence[str]] = ()
    verbatim: bool = False

    def legal(self, hint: Any) -> tuple[Any, ...]:
        """The legal values of the setting, whose type is `hint`; () where they are not stated one by one."""
        return tuple(self.words() if callable(self.words) else self.words) or choices(hint)


def setting(
    default: Any,
    text: str,
    *,
    metavar: str | None = None,
    least: float | None = None,
    most: float | None = None,
    option: str | None = None,
    panel: str | None = None,
    rank: int = 0,
    repeated: bool = False,
    words: Sequence[str] | Callable[[], Sequence[str]] = (),
    verbatim: bool = False,
    static: bool = False,
    added_later: bool = False,
) -> Any:
    """Declare a field of a dataclass of settings that the command line offers as an option.

    A field without this has no option. A subclass that gives the field another default keeps all the rest: see `about`.

    Arguments:
        default: the field's default value, or `REQUIRED`.
        text: help text of the option, one line.
        metavar: what stands for the value in the help, for example "N". A choice (`Literal[...]`) shows its words.
        least, most: smallest and largest number allowed.
        option: how the option is spelled if not as the field is named, for example "--lr" or "--fused/--plain".
        panel: heading of the help under which the option stands; None for the first one.
        rank: options are listed by this number, and those of the same number in the order of the fields.
        repeated: a tuple is given by repeating the option; otherwise it is given as values with commas between them.
        words: legal words where the type does not say them, or a function that finds them when an option is made.
        verbatim: whether the command line spells underscores in the words as such; they become hyphens otherwise.
        static: whether the field is part of the structure of a pytree (see `jax.tree_util.register_dataclass`).
        added_later: whether there are stored results from before this field was there. The settings of a run, and with
            them the keys of its results, then name it only where it is not its default.

    Example:
        >>> @dataclasses.dataclass(frozen=True, kw_only=True)
        ... class Solve:
        ...     steps: int = setting(200, "Gradient steps.", metavar="K", least=1)
        >>> Solve().steps, about(Solve)["steps"].text
        (200, 'Gradient steps.')
    """
    described = About(
        text=text,
        metavar=metavar,
        least=least,
        most=most,
        option=option,
        panel=panel,
        rank=rank,
        repeated=repeated,
        words=words,
        verbatim=verbatim,
    )
    marks = {name: True for name, there in (("static", static), ("added_later", added_later)) if there}
    return dataclasses.field(default=default, metadata={"about": described, **marks})


def about(kind: type) -> dict[str, About]:
    """Return what is known of the settings of a dataclass that have options, in the order in which they are listed.

    Arguments:
        kind: a dataclass. Where a field is declared anew without `setting`, what the nearest base class says holds.
    """
    found = {}
    for field in dataclasses.fields(kind):
        for base in kind.__mro__:
            own = vars(base).get("__dataclass_fields__", {}).get(field.name)
            if own is not None and "about" in own.metadata:
                found[field.name] = own.metadata["about"]
                break
    return dict(sorted(found.items(), key=lambda item: item[1].rank))


def choices(hint: Any) -> tuple[Any, ...]:
    """Return the legal values of a type that is a `Literal`, or a union of one with None; () for other types.

    Example:
        >>> choices(typing.Literal["fp32", "bf16"] | None)
        ('fp32', 'bf16')
    """
    for part in (hint, *typing.get_args(hint)):
        if typing.get_origin(part) is typing.Literal:
            return typing.get_args(part)
    return ()


def check_choices(config: Any) -> None:
    """Refuse fields of a dataclass whose type is a `Literal` and whose value is none of its words.

    Raises:
        ValueError: naming the field, the legal values and the value given.
    """
    for name, hint in typing.get_type_hints(type(config)).items():
        legal, value = choices(hint), getattr(config, name)
        if legal and value not in legal and not (value is None and type(None) in typing.get_args(hint)):
            raise ValueError(f"`{name}` must be one of {legal}, got {value!r}")


def check_seed(seed: int) -> None:
    """Refuse a seed that is none, or that would be the same as a smaller one.

    Raises:
        SettingsError: naming the range.

    Example:
        >>> check_seed(7)
    """
    if not 0 <= seed <= MOST_SEED:
        raise SettingsError(f"seed: expected a whole number from 0 to {MOST_SEED}, got {seed}.")


def with_options(message: str, options: Names) -> str:
    """A message of the library with the options of the settings that it names: "`steps` must be 1 or more (--steps)".

    Arguments:
        message: names settings in backticks.
        options: how the option of each setting is spelled.

    Example:
        >>> with_options("`learning_rate` must be positive", {"learning_rate": "--lr"})
        '`learning_rate` must be positive (--lr)'
    """
    named = dict.fromkeys(options[name] for name in re.findall("`([a-z_0-9]+)`", message) if name in options)
    return f"{message} ({', '.join(named)})" if named else message


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
    if isinstance(value, str) and value in legal:
        return
    nearest = difflib.get_close_matches(str(value), legal, n=1)
    hint = f" Did you mean {nearest[0]}?" if nearest else ""
    raise SettingsError(f"unknown {what} {value!r}: expected {listed(legal)}.{hint}")


def typed(value: Any, kind: Any, setting: str) -> Any:
    """Return a value of a kind: whole numbers serve as numbers, and "none" is None where None is allowed.

    Arguments:
        value: what was given.
        kind: int, float, str, bool, a `Literal`, or a union of them with None. Words of a `Literal` are only checked to
            be of the right type: which are legal is the dataclass' own affair.
        setting: how it is spelled.

    Raises:
        SettingsError: it is of another kind.

    Example:
        >>> typed(30, float | None, "solve.target_psnr")
        30.0
    """
    kinds = {type(word): None for word in choices(kind)}
    kinds = (*kinds, *(k for k in _parts(kind) if typing.get_origin(k) is not typing.Literal))
    if value == "none" and type(None) in kinds:
        return None
    if type(value) is int and float in kinds and int not in kinds:
        return float(value)
    if type(value) in kinds:
        return value
    expected = " or ".join(_KINDS.get(kind, kind.__name__) for kind in kinds)
    raise SettingsError(f"{setting}: expected {expected}, got {value!r}.")


def is_none(value: Any) -> bool:
    """Whether a setting that may hold any object, such as a network, says that there is none.

    Example:
        >>> is_none("none"), is_none(None), is_none("critic")
        (True, True, False)
    """
    return value is None or isinstance(value, str) and value == "none"


def _parts(kind: Any) -> tuple[Any, ...]:
    """The members of a union, or the type alone."""
    is_union = isinstance(kind, types.UnionType) or typing.get_origin(kind) is typing.Union
    return typing.get_args(kind) if is_union else (kind,)


def without_none(hint: Any) -> Any:
    """The type of a setting without the None that a union allows besides."""
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        others = [part for part in typing.get_args(hint) if part is not type(None)]
        return others[0] if len(others) == 1 else typing.Union[tuple(others)]  # noqa: UP007
    return hint


def fields_of(
    kind: type, table: Mapping, *, prefix: str = "", names: Names = PLAIN, unset: bool = True
) -> dict[str, Any]:
    """Return what a table sets of a dataclass, names and types checked; values are the dataclass' own affair.

    Arguments:
        kind: the dataclass.
        table: field name -> value.
        prefix, names: see `check_names`.
        unset: whether the word "none" may be given where the type allows None; if false, a value has to be given.

    Raises:
        SettingsError: an unknown name, or a value of another type.

    Example:
        >>> fields_of(Solve, {"steps": 50}, prefix="solve.")
        {'steps': 50}
    """
    check_names(table, [field.name for field in dataclasses.fields(kind)], prefix=prefix, names=names)
    hints = typing.get_type_hints(kind)
    hints = hints if unset else {name: without_none(hint) for name, hint in hints.items()}
    return {name: typed(value, hints[name], spelled(prefix + name, names)) for name, value in table.items()}


def spelled(setting: str, names: Names) -> str:
    """How a setting is called where it was given."""
    return names.get(setting, setting)


def listed(words: Iterable[str]) -> str:
    """Join words as a sentence does: "a, b or c"."""
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last


def flat(settings: dict, prefix: str = "") -> list[tuple[str, str]]:
    """Return nested settings as (dotted name, text) pairs without those that are not set.

    Example:
        >>> flat({"solve": {"steps": 50, "target_psnr": None}})
        [('solve.steps', '50')]
    """
    pairs = []
    for name, value in settings.items():
        if isinstance(value, dict):
            pairs += flat(value, f"{prefix}{name}.")
        elif value is not None:
            pairs.append((prefix + name, str(value)))
    return pairs
