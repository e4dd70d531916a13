"""What all trainings of the command line share: their options, and running a plan to its end or to a stop."""

import collections
import dataclasses
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from jaxprior.cli.console import mistakes, say, say_error
from jaxprior.cli.derived import finite, options_of, spelled_option
from jaxprior.cli.foresight import say_forecast
from jaxprior.cli.options import Out, in_bytes
from jaxprior.cli.stops import STOPPED, go_on, this_command
from jaxprior.errors import JaxpriorError
from jaxprior.runs.stopping import StopGuard
from jaxprior.settings import about, with_options
from jaxprior.system.amounts import duration
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
    devices: Annotated[
        int | None,
        typer.Option(
            help="Use the first N devices (GPUs) of this machine, each for a part of every batch; by default all. The "
            "number may change when a training is resumed.",
            metavar="N",
            min=1,
        ),
    ] = None
    licence: Annotated[str, typer.Option(help="Of the pictures, for the card.")] = "not stated"
    minutes: Annotated[
        float | None,
        typer.Option(
            help="Stop after so many minutes of training, compiling not counted; the same command goes on.",
            metavar="M",
            min=0,
            callback=finite,
        ),
    ] = None
    memory: Annotated[
        float | None,
        typer.Option(
            help="Memory that a training step may need on each device; by default all that a GPU has, and on a CPU no "
            "limit. If a part of the training needs more, it is refused before it begins.",
            metavar="GIB",
            min=0,
            callback=finite,
        ),
    ] = None
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Train nothing; print what it will take: steps, memory, time and disk.")
    ] = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ending:
    """How a training ended that was not asked to stop.

    Fields:
        finished: whether it is done; if not, its planned time was over.
        seconds: that it trained.
    """

    finished: bool
    seconds: float


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
        raise JaxpriorError(naming_options(str(error), recipe)) from None


def naming_options(message: str, recipe: Any) -> str:
    """A message that names settings of a recipe, with the options that change them: see `with_options`."""
    return with_options(message, {name: spelled_option(name, one) for name, one in about(type(recipe)).items()})


def train(
    plan: Any, run: TrainingRunOptions, source: str, *, use: str, after: Callable[[Path], None] = lambda run: None
) -> Ending:
    """Run a plan with progress. A signal ends the program with how to go on; a planned end is no mistake.

    Arguments:
        plan: made by a recipe.
        run: what every training is told.
        source: what the pictures are, for the card.
        use: the command in which the trained network serves.
        after: gets the run at its end or stop.
    """
    from jaxprior.system import runtime
    from jaxprior.training import processes, session
    from jaxprior.training.clock import TrainingClock
    from jaxprior.training.data_parallel import first_devices
    from jaxprior.training.loop import Interrupted, PlannedEnd

    runtime.enable_compilation_cache()
    memory = in_bytes(run.memory)
    if run.dry_run:
        with mistakes():
            say_forecast(plan, run.out, memory=memory, devices=run.devices)
        return Ending(finished=True, seconds=0.0)
    clock = TrainingClock(None if run.minutes is None else 60 * run.minutes)
    planned_end: PlannedEnd | None = None
    moments: collections.deque[Any] = collections.deque(maxlen=1)
    try:
        with StopGuard() as guard, clock:
            session.run(
                plan,
                run.out,
                source=source,
                licence=run.licence,
                devices=None if run.devices is None else first_devices(run.devices),
                on_log=moments.append,
                should_stop=lambda: guard.requested,
                clock=clock,
                memory=memory,
            )
    except PlannedEnd as end:
        planned_end = end
    except processes.ProcessLost as lost:
        say_error(f"{str(lost).capitalize()}: start all of them again; {go_on(this_command())}")
        raise typer.Exit(STOPPED) from None
    except Interrupted as stop:
        say_error(f"{str(stop).capitalize()}; {go_on(this_command())}")
        # A training that was stopped before its first step has no page yet.
        if processes.is_first() and plan.models(run.out)[0].is_file():
            after(run.out)
        processes.leave()
        raise typer.Exit(STOPPED) from None
    if moments:
        say(f"trained for {duration(clock.seconds)}, and compiled for {duration(clock.compiling)} besides")
    else:
        say("This training was finished before; nothing was left to do.")
    if planned_end is not None:
        say(f"The planned time is over: {planned_end}; {go_on(this_command())}")
    if processes.is_first():
        say(f"\nweights: {plan.models(run.out)[0]}\nuse them: {use} {shlex.quote(str(run.out))}")
        after(run.out)
    processes.leave()
    return Ending(finished=planned_end is None, seconds=clock.seconds)


def say_report(run: Path) -> None:
    """Write the page of a training, and say where it is."""
    from jaxprior.evaluation import write_training_report

    say(f"report: {write_training_report(run)}")
