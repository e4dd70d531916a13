"""`jaxprior train NAME`: one command for every trainer of the families of networks found (`jaxprior.discovery`).

A command's options are derived from the dataclass of the training's settings. They are made when the command is named
or listed, and nothing imports JAX before the command runs.
"""

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from jaxprior import discovery
from jaxprior.cli.console import say
from jaxprior.cli.derived import choice_of, options_of
from jaxprior.cli.found import usable_families
from jaxprior.cli.options import MeetingOptions, NoOptions, check_apart
from jaxprior.cli.shares import join_others
from jaxprior.cli.signature import is_given, spelled_out
from jaxprior.cli.training import TrainingRunOptions, changed, say_report, train
from jaxprior.protocols import Trainer
from jaxprior.reporting.uses import command_of_use
from jaxprior.runs.trainings import check_training_folder
from jaxprior.settings import about


FIRST = ("pggan", "lsgan", "autoencoder")
"""These stand first in the help, in this order; all others follow."""
MOST_NAMED = 10
"""Pictures left out that are named one by one."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainingOptions(MeetingOptions, TrainingRunOptions):
    """What a training on many pictures is told besides its settings."""

    limit: Annotated[
        int | None,
        typer.Option(
            help="Use only N of the pictures: the first ones or, where they have labels, some spread evenly over all.",
            metavar="N",
            min=1,
        ),
    ] = None


class TrainerCommands(TyperGroup):
    """A group of commands, one for each trainer that is found."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names of all trainers."""
        return [name for name, _ in trainers()]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of a trainer, or None if there is none of that name."""
        for name, trainer in trainers():
            if name == cmd_name:
                return _typer_command(name, trainer)
        return None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command that was named; a mistyped one is answered with the nearest name."""
        self.commands = dict.fromkeys(self.list_commands(ctx))  # typer looks there for the nearest
        return super().resolve_command(ctx, args)


def trainers() -> list[tuple[str, Trainer]]:
    """Trainers of all families, with their names, in the order of the help."""
    order = {name: place for place, name in enumerate(FIRST)}
    return sorted(_found(), key=lambda item: order.get(item[0], len(FIRST)))


def _found() -> Iterator[tuple[str, Trainer]]:
    """Trainers of all families, by family."""
    for family in usable_families().values():
        yield from family.trainers.items()


def command_of(trainer: Trainer) -> Callable[..., None]:
    """Make the function of a trainer's command, whose parameters are its options.

    Raises:
        SettingsError: the trainer's settings, presets or inputs cannot be imported.
    """
    config, presets = discovery.imported(trainer.config), discovery.imported(trainer.presets)
    inputs_kind = discovery.imported(trainer.inputs)
    described = about(config)
    in_panels = tuple(name for name, one in described.items() if one.panel)
    in_none = tuple(name for name in described if name not in in_panels)
    inputs = options_of(inputs_kind, unset=False)
    has_own_inputs = trainer.inputs != Trainer.inputs
    Preset = choice_of("Preset", presets)
    default = Preset(trainer.default)
    kinds = {
        "before": inputs if has_own_inputs else NoOptions,
        "first": options_of(config, without=in_panels),
        "preset": Annotated[Preset, typer.Option(help=trainer.preset_text)],
        "rest": options_of(config, without=in_none),
        "after": NoOptions if has_own_inputs else inputs,
    }

    def command(
        *,
        context: typer.Context,
        before: Any,
        first: Any,
        preset: Any = default,
        rest: Any,
        run: TrainingOptions,
        after: Any,
    ) -> None:
        settings, changes = presets[preset.value], {**first.changes(), **rest.changes()}
        if trainer.settled is not None:
            named = is_given(context, "preset")
            settings = discovery.imported(trainer.settled)(settings, changes, preset_named=named)
        settings = changed(settings, changes)
        _check_networks(settings)
        given = before if has_own_inputs else after
        check_apart(run.out, [value for value in given.changes().values() if isinstance(value, Path)])
        check_training_folder(run.out)
        join_others(run)
        data = discovery.imported(trainer.read)(inputs_kind(**given.changes()), settings, limit=run.limit)
        size = data.size or f"{settings.resolution}x{settings.resolution} pixels"
        say(f"{len(data.pictures)} {data.kind} of {size} from {data.source}")
        for sentence in (*data.pictures.fitted, *data.notes):
            say(sentence)
        if data.pictures.folder is not None:
            say(f"decoded pictures: {data.pictures.folder}")
        skipped = data.pictures.skipped
        for sentence in skipped[:MOST_NAMED]:
            say(f"left out: {sentence}")
        if len(skipped) > MOST_NAMED:
            say(f"left out: {len(skipped) - MOST_NAMED} more")
        plan = discovery.imported(trainer.plan)(settings, data.pictures)
        train(plan, run, data.source, use=data.use or command_of_use(trainer, plan.settings), after=say_report)

    command.__doc__ = trainer.text
    return spelled_out(command, kinds)


def _check_networks(settings: Any) -> None:
    """Refuse feature networks that are not there, before pictures are read."""
    from jaxprior.weights.outlines import outline_network

    for name in ("features", "evaluate_features"):
        network = getattr(settings, name, None)
        if network is not None and network not in getattr(settings, "NO_NETWORKS", ()):
            outline_network(network, role="features")


def _typer_command(name: str, trainer: Trainer) -> Any:
    alone = typer.Typer(rich_markup_mode="markdown", add_completion=False)
    alone.command(name)(command_of(trainer))
    made = get_command(alone)
    made.name = name
    return made
