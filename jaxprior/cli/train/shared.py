"""What all trainings of the command line share: their options, and running a plan to its end or to a stop."""

import dataclasses
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from jaxprior.cli.console import TrainingProgress, say, say_error
from jaxprior.cli.options import Precision
from jaxprior.cli.stops import STOPPED, go_on, this_command
from jaxprior.errors import JaxpriorError
from jaxprior.runs.stopping import StopGuard


PRIOR = "jaxprior reconstruct IMAGES -o RUN --prior"
"""What a trained generator is good for; its run follows."""

_RECIPE, _NETWORK = "Recipe (default: the preset's)", "Network (default: the preset's)"


def recipe_option(text: str, *names: str, metavar: str | None = None, least: float | None = None) -> Any:
    """An option of how it is trained."""
    return typer.Option(*names, help=text, metavar=metavar, min=least, rich_help_panel=_RECIPE)


def network_option(text: str, *names: str, metavar: str | None = None, least: float | None = None) -> Any:
    """An option of what is trained."""
    return typer.Option(*names, help=text, metavar=metavar, min=least, rich_help_panel=_NETWORK)


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunOptions:
    """What every training is told, on many pictures or on one: its folder, and what all recipes have."""

    out: Annotated[Path, typer.Option("-o", "--out", help="Run folder; the same command goes on in it.", metavar="RUN")]
    licence: Annotated[str, typer.Option(help="Of the pictures, for the card.")] = "not stated"
    minutes: Annotated[
        float | None, typer.Option(help="Stop after so many; the same command goes on.", metavar="M", min=0)
    ] = None
    lr: Annotated[float | None, recipe_option("Learning rate.", metavar="X", least=0.0)] = None
    precision: Annotated[Precision | None, recipe_option("Of the convolutions.")] = None
    seed: Annotated[int | None, recipe_option("Of everything random.", metavar="S", least=0)] = None

    def changes(self) -> dict:
        """Fields of a recipe that were given."""
        return {"learning_rate": self.lr, "precision": self.precision, "seed": self.seed}


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainingOptions(RunOptions):
    """What a training on many pictures, or pairs of them, is told."""

    limit: Annotated[int | None, typer.Option(help="Only the first N pictures.", metavar="N", min=1)] = None
    batch_size: Annotated[int | None, recipe_option("Pictures a step.", metavar="B", least=1)] = None
    mirror: Annotated[bool | None, recipe_option("Flip pictures left to right at random.", "--mirror/--no-mirror")] = (
        None
    )

    def changes(self) -> dict:
        """Fields of a recipe that were given."""
        return {**super().changes(), "batch_size": self.batch_size, "mirror": self.mirror}


@dataclasses.dataclass(frozen=True, kw_only=True)
class PictureOptions(TrainingOptions):
    """What a training on pictures is told."""

    data: Annotated[Path, typer.Option(help="Pictures: a folder or a zip archive.", metavar="DIR|ZIP")]


def changed(recipe: Any, changes: dict) -> Any:
    """A recipe with those fields that were given; not every preset has all that a command offers."""
    given = {name: str(v) if isinstance(v, str) else v for name, v in changes.items() if v is not None}
    known = {field.name for field in dataclasses.fields(recipe)}
    if unknown := [f"--{name.replace('_', '-')}" for name in given if name not in known]:
        raise JaxpriorError(f"{', '.join(unknown)}: this preset has no such choice; leave it out, or change --preset.")
    try:
        return dataclasses.replace(recipe, **given)
    except ValueError as error:
        raise JaxpriorError(str(error)) from None


def train_on_pictures(
    make_plan: Callable, recipe: Any, training: TrainingOptions, data: Path, *, use: str = PRIOR
) -> None:
    """Load the pictures and train on them."""
    from jaxprior.training.pictures import load_pictures

    pictures = load_pictures(data, resolution=recipe.resolution, limit=training.limit)
    say(f"{len(pictures)} pictures of {recipe.resolution}x{recipe.resolution} pixels from {data}")
    for sentence in pictures.skipped[:10]:
        say(f"left out: {sentence}")
    if len(pictures.skipped) > 10:
        say(f"left out: {len(pictures.skipped) - 10} more")
    train(make_plan(recipe, pictures), training, str(data), use=use)


def train(
    plan: Any, training: RunOptions, source: str, *, use: str, after: Callable[[Path], None] = lambda run: None
) -> None:
    """Run a plan with progress; a stop ends the program with how to go on. `after` gets the run at its end or stop."""
    from jaxprior.system import runtime
    from jaxprior.training import session
    from jaxprior.training.loop import Interrupted

    runtime.enable_compilation_cache()
    seconds = None if training.minutes is None else 60 * training.minutes
    try:
        with StopGuard(seconds=seconds) as guard, TrainingProgress() as progress:
            path = session.run(
                plan,
                training.out,
                source=source,
                licence=training.licence,
                on_log=progress.log,
                should_stop=lambda: guard.requested,
            )
    except Interrupted as stop:
        say_error(f"{str(stop).capitalize()}; {go_on(this_command())}")
        after(training.out)
        raise typer.Exit(STOPPED) from None
    say(f"\nweights: {path}\nuse them: {use} {shlex.quote(str(training.out))}")
    after(training.out)


def numbers(option: str, text: str | None) -> tuple[int, ...] | None:
    """Whole numbers with commas, of an option that may be absent."""
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise JaxpriorError(f"{option} {text}: expected whole numbers with commas, for example 96,96,64,32.") from None
