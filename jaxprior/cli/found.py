"""Commands that are found: one for every operator, and those of families of networks. No list names them.

Listing them imports no JAX. The command that is called is made when it is called, because its options are the
settings of an operator, and the module of one of another package may import JAX.
"""

import functools
from collections.abc import Callable, Iterator
from typing import Any

import typer
from typer.core import TyperCommand
from typer.main import get_command, get_group

from jaxprior import discovery
from jaxprior.cli.console import say_error
from jaxprior.errors import SettingsError
from jaxprior.operators import task_names, task_summary
from jaxprior.protocols import Family


MARKUP = "markdown"


class FoundCommand(TyperCommand):
    """Stands in lists for a command that is not made yet.

    Arguments:
        name: of the command.
        summary: its help in lists.
        function: makes the function whose parameters are its options.
    """

    def __init__(self, name: str, summary: str, function: Callable[[], Callable[..., None]]):
        super().__init__(name=name, help=summary, rich_markup_mode=MARKUP)
        self.function = function

    def made(self) -> Any:
        """The command itself."""
        alone = typer.Typer(add_completion=False, rich_markup_mode=MARKUP, pretty_exceptions_enable=False)
        alone.command(self.name)(self.function())
        return get_command(alone)


def task_commands() -> dict[str, Any]:
    """A command for every operator, by its name."""

    def function_of(name: str) -> Callable[[], Callable[..., None]]:
        def function() -> Callable[..., None]:
            from jaxprior.cli.restore import task_command

            return task_command(name)

        return function

    return {name: FoundCommand(name, task_summary(name), function_of(name)) for name in task_names()}


def usable_families() -> dict[str, Family]:
    """All families of networks by their names; one of another package that cannot be imported is told of."""
    return discovery.families(left_out=lambda _name, error: _tell(str(error)))


def family_commands() -> dict[str, Any]:
    """The groups of commands of families of networks, by the families' names."""
    found = {}
    for name, application in _applications():
        group = get_group(application)
        group.name = name
        found[name] = group
    return found


def _applications() -> Iterator[tuple[str, typer.Typer]]:
    """The typer application of every family that has one. A family that cannot be imported is told of."""
    for name, family in usable_families().items():
        try:
            if family.commands is not None:
                yield name, discovery.imported(family.commands)
        except SettingsError as error:
            _tell(str(error))


@functools.cache
def _tell(sentence: str) -> None:
    """Say what is left out, each thing once a process."""
    say_error(f"left out: {sentence}")
