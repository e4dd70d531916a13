"""What all trainings of the command line share: their options, and running a plan to its end or to a stop."""

import dataclasses
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from jaxprior.cli.console import TrainingProgress, say, say_error
from jaxprior.cli.derived import options_of
from jaxprior.cli.options import Out
from jaxprior.cli.stops import STOPPED, go_on, this_command
from jaxprior.errors import JaxpriorError
from jaxprior.runs.stopping import StopGuard
from jaxprior.training.settings import NETWORK, RECIPE, Essentials


def recipe_option(text: str, *names: str, metavar: str | None = None, least: float | None = None) -> Any:
    """An option of how it is trained."""
    return typer.Option(*names, help=text, metavar=metavar, min=least, rich_help_panel=RECIPE)


def network_option(text: str, *names: str, metavar: str | None = None, least: float | None = None) -> Any:
    """An option of what is trained."""
    return typer.Option(*names, help=text, metavar=metavar, min=least, rich_help_panel=NETWORK)


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainingRunOptions:
    """What every training is told besides its settings, on many pictures or on one."""

    out: Out
    licence: Annotated[str, typer.Option(help="Of the pictures, for the card.")] = "not stated"
    minutes: Annotated[
        float | None, typer.Option(help="Stop after so many; the same command goes on.", metavar="M", min=0)
    ] = None


EssentialOptions: Any = options_of(Essentials)
"""Options of the settings that all trainings have: --lr, --precision, --seed."""


def changed(recipe: Any, changes: dict) -> Any:
    """A recipe with those fields that were given; not every preset has all that a command offers."""
    given = {name: str(v) if isinstance(v, str) else v for name, v in changes.items() if v is not None}
    known = {field.name for field in dataclasses.fields(recipe)}
    if unknown := sorted(f"--{name.replace('_', '-')}" for name in given if name not in known):
        raise JaxpriorError(f"{', '.join(unknown)}: this preset has no such choice; leave it out, or change --preset.")
    try:
        return recipe.changed(given)
    except ValueError as error:
        raise JaxpriorError(str(error)) from None


def train(
    plan: Any, run: TrainingRunOptions, source: str, *, use: str, after: Callable[[Path], None] = lambda run: None
) -> None:
    """Run a plan with progress; a stop ends the program with how to go on. `after` gets the run at its end or stop."""
    from jaxprior.system import runtime
    from jaxprior.training import session
    from jaxprior.training.loop import Interrupted

    runtime.enable_compilation_cache()
    seconds = None if run.minutes is None else 60 * run.minutes
    try:
        with StopGuard(seconds=seconds) as guard, TrainingProgress() as progress:
            path = session.run(
                plan,
                run.out,
                source=source,
                licence=run.licence,
                on_log=progress.log,
                should_stop=lambda: guard.requested,
            )
    except Interrupted as stop:
        say_error(f"{str(stop).capitalize()}; {go_on(this_command())}")
        after(run.out)
        raise typer.Exit(STOPPED) from None
    say(f"\nweights: {path}\nuse them: {use} {shlex.quote(str(run.out))}")
    after(run.out)
