"""Options of the command line, derived from a dataclass of settings (see `jaxprior.settings.setting`).

    Options = options_of(PgganRecipe)          # a dataclass for `signature.spelled_out`: --loss, --train-kimg, ...
    recipe = dataclasses.replace(recipe, **options.changes())

The settings' types decide how an option is read: a `Literal` offers its words (with hyphens for underscores), a tuple
is written with commas or by repeating the option, everything else is read by typer.
"""

import dataclasses
import enum
import math
import typing
from collections.abc import Iterable
from typing import Annotated, Any, ClassVar

import typer

from jaxprior.cli.completing import OF_SETTINGS
from jaxprior.errors import JaxpriorError
from jaxprior.settings import About, about, without_none


class Derived:
    """Base of the dataclasses that `options_of` makes.

    Class attributes:
        config: the dataclass of settings.
    """

    config: ClassVar[type]

    @classmethod
    def spelled(cls) -> dict[str, str]:
        """How the option of each setting is spelled on the command line: {"learning_rate": "--lr"}."""
        return {name: spelled_option(name, one) for name, one in about(cls.config).items() if name in _names(cls)}

    def changes(self) -> dict[str, Any]:
        """Return the settings that were given, as values of the settings' own types.

        Raises:
            JaxpriorError: a list with commas holds something that is no number.
        """
        hints, described = typing.get_type_hints(self.config), about(self.config)
        given = {name: getattr(self, name) for name in _names(type(self))}
        return {
            name: _value(value, hints[name], described[name], spelled_option(name, described[name]))
            for name, value in given.items()
            if value is not None and value != []
        }


def options_of(
    config: type, *, unset: bool = True, without: tuple[str, ...] = (), panel: str | None = None
) -> type:
    """Make a dataclass whose fields are annotated as typer's options are, one for each setting of a dataclass.

    Arguments:
        config: a dataclass of settings; those made by `jaxprior.settings.setting` become options.
        unset: every option may be left out and is then None, because something else (a preset) decides. If false,
            an option left out has the default of its field, and a field without default is required.
        without: names of settings that get no option.
        panel: heading of the help under which those options stand whose settings name no panel.

    Returns:
        A frozen dataclass with keyword-only fields named as the settings, and a method `changes`: what was given.
    """
    hints, defaults = typing.get_type_hints(config), {f.name: f.default for f in dataclasses.fields(config)}
    fields = []
    for name, one in about(config).items():
        if name in without:
            continue
        kind = _read_as(name, hints[name], one)
        default = None if unset else _shown_default(defaults[name], kind, one)
        kind = kind | None if unset else kind
        names = [one.option] if one.option else []
        option = typer.Option(
            *names,
            help=one.text,
            metavar=one.metavar,
            min=one.least,
            max=one.most,
            callback=finite if without_none(hints[name]) is float else None,
            rich_help_panel=one.panel or panel,
            autocompletion=OF_SETTINGS.get(name),
        )
        field = dataclasses.field() if default is dataclasses.MISSING else dataclasses.field(default=default)
        fields.append((name, Annotated[kind, option], field))
    namespace = {"config": config, "__doc__": f"Options of {config.__name__}."}
    return dataclasses.make_dataclass(
        f"{config.__name__}Options", fields, bases=(Derived,), namespace=namespace, frozen=True, kw_only=True
    )


def finite(value: float | None) -> float | None:
    """Refuse "nan" and "inf", which are read as numbers and lie in no range; for `typer.Option`."""
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter(f"expected a finite number, got {value}.")
    return value


def _names(kind: type) -> list[str]:
    return [field.name for field in dataclasses.fields(kind)]


def choice_of(name: str, words: Iterable[str]) -> Any:
    """Make the enumeration (a subclass of `enum.StrEnum`) as which typer reads one of several words."""
    return enum.StrEnum(name, [(f"choice{number}", word) for number, word in enumerate(words)])


def spelled_option(name: str, one: About) -> str:
    """The option's first spelling: "--fused" of "--fused/--plain"."""
    return one.option.partition("/")[0] if one.option else f"--{name.replace('_', '-')}"


def _read_as(name: str, hint: Any, one: About) -> Any:
    """Return the type as which typer reads an option."""
    hint = without_none(hint)
    words = one.legal(hint)
    if words and all(isinstance(word, str) for word in words):
        return choice_of(name, [_shown(word, one) for word in words])
    if words:
        return type(words[0])
    if typing.get_origin(hint) is tuple:
        return list[typing.get_args(hint)[0]] if one.repeated else str
    return hint


def _shown(word: str, one: About) -> str:
    """How the command line spells a word of the library: with hyphens for underscores, unless it is verbatim."""
    return word if one.verbatim else word.replace("_", "-")


def _shown_default(default: Any, kind: Any, one: About) -> Any:
    if isinstance(default, tuple) and kind is str:
        return ",".join(map(str, default))
    if isinstance(kind, type) and issubclass(kind, enum.StrEnum) and isinstance(default, str):
        return kind(_shown(default, one))
    return default


def _value(value: Any, hint: Any, one: About, option: str) -> Any:
    """What typer read as a value of the setting's own type."""
    if isinstance(value, enum.StrEnum):
        return next(word for word in one.legal(without_none(hint)) if _shown(word, one) == value.value)
    hint = without_none(hint)
    if typing.get_origin(hint) is not tuple:
        return value
    if isinstance(value, list):
        return tuple(value)
    kind = typing.get_args(hint)[0]
    words = "whole numbers" if kind is int else "numbers"
    try:
        return tuple(kind(part) for part in value.split(","))
    except ValueError:
        raise JaxpriorError(f"{option} {value}: expected {words} with commas, for example 96,96,64,32.") from None
