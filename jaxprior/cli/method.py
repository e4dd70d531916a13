"""From options to a method: a plain table of what was given, of which the library makes the method.

The options are the settings of the dataclasses that make up a method (`PARTS`), in the order that their ranks say. They
are put together when a command is called that has them.
"""

import dataclasses
import functools
import typing
from collections.abc import Callable
from typing import Any

from jaxprior import discovery
from jaxprior.cli.derived import Derived, options_of
from jaxprior.errors import JaxpriorError
from jaxprior.settings import About, about, with_options


PANEL = "Method (default: the prior's card)"
PARTS = (
    ("", "jaxprior.restoration.presets:Outline"),
    ("codes.", "jaxprior.inversion.codes.multi:MultiCode"),
    ("codes.", "jaxprior.inversion.codes.network:NetworkCode"),
    ("codes.attention.", "jaxprior.inversion.codes.attention:SelfAttention"),
    ("solve.", "jaxprior.inversion.solvers:Solve"),
    ("tune.", "jaxprior.inversion.codes.tuned:TunedCode"),
    ("objective.", "jaxprior.inversion.objective:Objective"),
    ("draws.", "jaxprior.restoration.draws:Draws"),
)
"""Where a method's table has the settings of a dataclass, and the dataclass."""
NESTED = {"codes.attention": "codes.attention.type", "codes_kind": "codes.kind"}
"""A setting that stands elsewhere in the table than its dataclass has it, and where: attention has settings of its own,
and the kind of the codes decides what settings the codes have."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class MethodSetting:
    """One setting of a method that has an option.

    Fields:
        path: where it stands in a method's table, with dots.
        hint: its type.
        about: what is known of it.
        default: what the option shows as the default; None where the preset decides.
    """

    path: str
    hint: Any
    about: About
    default: Any = None

    @property
    def option(self) -> str:
        """How the command line spells it, for example "--attention-where"."""
        return self.about.option or f"--{self.path.rpartition('.')[2].replace('_', '-')}"


@functools.cache
def method_settings() -> dict[str, MethodSetting]:
    """All settings of a method that have options, by the options' names, in the order of the help."""
    found: list[tuple[int, MethodSetting]] = []
    for prefix, where in PARTS:
        kind = discovery.imported(where)
        hints = typing.get_type_hints(kind)
        for name, one in about(kind).items():
            hint = str if hints[name] is Any else hints[name]  # a network is given by its name
            default = getattr(kind, name) if prefix == "" else None
            found.append((one.rank, MethodSetting(path=prefix + name, hint=hint, about=one, default=default)))
    ordered = [one for _, one in sorted(found, key=lambda item: item[0])]
    return {one.option.removeprefix("--").replace("-", "_"): one for one in ordered}


@functools.cache
def method_options(*, without: tuple[str, ...] = ()) -> type[Derived]:
    """The dataclass of a method's options, for `signature.spelled_out`; its `changes` are what was given.

    Arguments:
        without: names of options that the task has no use for.
    """
    fields = []
    for name, one in method_settings().items():
        in_order = dataclasses.replace(one.about, rank=0)
        fields.append((name, one.hint, dataclasses.field(default=one.default, metadata={"about": in_order})))
    together = dataclasses.make_dataclass("Method", fields, frozen=True, kw_only=True)
    return options_of(together, unset=False, without=without, panel=PANEL)


def method_table(given: Derived) -> dict[str, Any]:
    """What was given of `method_options`, as the table that `jaxprior.restoration.presets.make_method` takes."""
    table: dict[str, Any] = {}
    for name, value in given.changes().items():
        *path, last = _path(name).split(".")
        part = table
        for step in path:
            part = part.setdefault(step, {})
        part[last] = value
    return table


def resolve(table: dict[str, Any], task: Any, prior: Any) -> Any:
    """Return the `jaxprior.Method` that a table means.

    Arguments:
        table: see `method_table`.
        task: forward operator.
        prior: a `jaxprior.Prior`.

    Raises:
        JaxpriorError: a layer that the prior does not have, options that exclude each other, a feature network that
            is missing, or what the library refuses. Settings are called by their options.
    """
    from jaxprior.restoration.presets import make_method

    return _resolved(make_method, table, task, prior)


def check(table: dict[str, Any], task: Any, prior: Any) -> Any:
    """Refuse a table that means no method, as far as that can be told without JAX.

    Arguments:
        table, task: see `resolve`.
        prior: a `jaxprior.weights.outlines.PriorOutline`.

    Returns:
        the method, in which other things stand for networks.

    Raises:
        JaxpriorError: see `resolve`.
    """
    from jaxprior.restoration.presets import check_method

    return _resolved(check_method, table, task, prior)


def _resolved(make: Callable[..., Any], table: dict[str, Any], task: Any, prior: Any) -> Any:
    """What a function of `jaxprior.restoration.presets` makes of a table; settings are called by their options."""
    spelling = {_path(name): one.option for name, one in method_settings().items()}
    options = {path.rpartition(".")[2]: option for path, option in spelling.items()}
    try:
        return make(table, task, prior=prior, names=spelling)
    except ValueError as error:
        raise JaxpriorError(with_options(str(error), options)) from None


def _path(name: str) -> str:
    """Where a method's table has what an option gives."""
    path = method_settings()[name].path
    return NESTED.get(path, path)
