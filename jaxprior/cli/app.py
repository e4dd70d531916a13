"""The `jaxprior` program: its commands, and how errors and interruptions end it.

Exit codes: 0 all well, 1 some pictures failed or a check did not pass, 2 a mistake in the command or its
input, 75 stopped (the same command goes on, or begins anew, as is said then). A user's mistake is one sentence on
standard error, never a traceback. JAX is imported by the commands that need it and not before, so that help comes at
once.
"""

import errno
import os
import re
import sys
from functools import partial
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from jaxprior.cli import attributes, bench, demo, edit, evaluate, page, priors, rank, tools, train, volume
from jaxprior.cli.console import say_error, warnings_as_notes
from jaxprior.cli.found import FoundCommand, family_commands, task_commands
from jaxprior.cli.stops import STOPPED, disk_is_full, end_now, stopped
from jaxprior.errors import JaxpriorError
from jaxprior.runs.display import Display
from jaxprior.runs.stopping import ProgramGuard
from jaxprior.system import ahead
from jaxprior.system.allocation import keep_freed_memory


MISTAKE = 2
RESTORE, TRAIN = "Restore", "Train"
PANELS = {
    RESTORE: ("demo", "app", "evaluate"),
    "Look at results and change them": ("report", "volume", "edit", "interpolate", "directions", "attributes"),
    TRAIN: ("train",),
    "Weights and priors": ("priors", "convert"),
    "This machine": ("bench", "doctor"),
}
"""Headings of the help, and the commands of this file below each of them. The commands of the operators stand below the
first one, those of families of networks below "Train", and what is named nowhere below the first."""
_SEVERAL = re.compile(r"(Did you mean '[^']*'), .*\?$")
_ROOM, _RIGHTS = (errno.ENOSPC, errno.EDQUOT), (errno.EACCES, errno.EPERM, errno.EROFS)


COMPLETING = "_JAXPRIOR_COMPLETE"
"""The variable of the environment by which a shell asks for words that go on with a command line."""

WORDS = "jaxprior.words"
"""Where a context keeps the command line after the program's name."""


class Commands(TyperGroup):
    """The commands, with one place where expected failures become a sentence and an exit code."""

    def invoke(self, ctx):
        """Run the command that was named."""
        try:
            return super().invoke(ctx)
        except JaxpriorError as error:
            say_error(str(error))
            raise typer.Exit(MISTAKE) from None
        except KeyboardInterrupt:
            say_error(stopped(ctx.meta.get(WORDS, ())))
            raise typer.Exit(STOPPED) from None
        except OSError as error:
            if error.errno in _ROOM:
                say_error(disk_is_full(error.filename or "while writing", ctx.meta.get(WORDS, ())))
                raise typer.Exit(STOPPED) from None
            if error.errno in _RIGHTS:
                say_error(f"{error.filename or 'A file'} cannot be written or read: {error.strerror}.")
                raise typer.Exit(MISTAKE) from None
            raise
        except Exception as error:
            _name_the_nearest(error)
            raise


def _name_the_nearest(error: Any) -> None:
    """Let the parser's exception about a mistyped word name the nearest one only, not several."""
    if getattr(error, "possibilities", None):  # a mistyped option
        error.message = f"{error.message}. Did you mean {error.possibilities[0]}?"
        error.possibilities = None
    elif isinstance(message := getattr(error, "message", None), str):  # a mistyped command
        error.message = _SEVERAL.sub(r"\1?", message)


def _name_all(error: Any, alone: str, names: list[str]) -> None:
    """Let the parser's exception about a word that is near to no command say what the commands are."""
    message = getattr(error, "message", None)
    if isinstance(message, str) and "Did you mean" not in message:
        error.message = f"{message} {alone}; its commands are {', '.join(names)}."


class TrainCommands(train.TrainerCommands, Commands):
    """The commands of `jaxprior train`."""


class PriorCommands(Commands):
    """The commands of `jaxprior priors`, which lists the networks where none of them is named."""

    def resolve_command(self, ctx, args):
        """Find the command that was named; who named none, as `list`, is told what there is."""
        try:
            return super().resolve_command(ctx, args)
        except Exception as error:
            _name_all(error, f"`{ctx.command_path}` alone lists the networks", self.list_commands(ctx))
            raise


class Program(Commands):
    """The commands of `jaxprior`: those of this file, one for every operator, and those of families of networks."""

    def __init__(self, **settings):
        super().__init__(**settings)
        own = dict(self.commands)
        found = {name: command for name, command in task_commands().items() if name not in own}
        families = {name: command for name, command in family_commands().items() if name not in own}
        panels = dict.fromkeys([*own, *found], RESTORE) | dict.fromkeys(families, TRAIN)
        panels |= {name: panel for panel, names in PANELS.items() for name in names if name in own}
        commands = own | found | families
        listed = [*PANELS[RESTORE][:1], *found, *(name for names in PANELS.values() for name in names), *commands]
        self.commands = {}
        for panel in PANELS:
            for name in dict.fromkeys(listed):
                if panels.get(name) == panel:
                    commands[name].rich_help_panel = panel
                    self.commands[name] = commands[name]

    def parse_args(self, ctx, args):
        """Parse the command line, and keep it for the sentence about a stop."""
        ctx.meta[WORDS] = tuple(args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx):
        """Run the command that was named, and show how far it is."""
        with Display("jaxprior"):
            return super().invoke(ctx)

    def resolve_command(self, ctx, args):
        """Find the command that was named, and make it if it is not made yet."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command.made() if isinstance(command, FoundCommand) else command, rest


app = typer.Typer(
    cls=Program,
    name="jaxprior",
    help="Restore images with a trained GAN as the prior: batched, compiled GAN inversion.\n\n"
    "Start with `jaxprior demo`; every command's `--help` shows examples. After `jaxprior --install-completion` the "
    "shell (bash, zsh or fish) completes commands, options and names of priors.\n\nRead more in docs/quickstart.md.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
train_commands = typer.Typer(
    cls=TrainCommands,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Train a prior, or another network, on your own pictures.\n\nRead more in docs/own-prior.md.",
)
prior_commands = typer.Typer(cls=PriorCommands, invoke_without_command=True, rich_markup_mode="markdown")

app.command()(demo.demo)
app.command()(evaluate.evaluate)
app.command()(edit.directions)
app.command()(edit.edit)
app.command()(edit.interpolate)
app.command()(attributes.attributes)
app.command()(volume.volume)
app.command("app")(page.page)
app.command()(tools.report)
app.command()(tools.convert)
app.add_typer(prior_commands, name="priors")
prior_commands.callback()(priors.priors)
prior_commands.command("get")(priors.get)
prior_commands.command("show")(priors.show)
prior_commands.command("remove")(priors.remove)
prior_commands.command("rank")(rank.rank)
app.command()(bench.bench)
app.command()(tools.doctor)
app.add_typer(train_commands, name="train")


def _print_version(wanted: bool) -> None:
    if wanted:
        import jaxprior

        print(f"jaxprior {jaxprior.__version__}")
        raise typer.Exit()


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    pass


def _is_awaited() -> bool:
    """Whether other processes still count on this one, because it fails before their common end."""
    return "jax" in sys.modules and sys.modules["jax"].distributed.is_initialized()


def main(arguments: list[str] | None = None) -> None:
    """Run the program and end the process with its exit code.

    Arguments:
        arguments: without the program's name; those of the process by default.
    """
    if COMPLETING in os.environ:  # a shell waits for words, and for nothing beside them
        app(args=arguments, prog_name="jaxprior")
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # XLA's start-up notes are not for users
    keep_freed_memory()
    display = Display("jaxprior")
    words = sys.argv[1:] if arguments is None else arguments
    try:
        with ProgramGuard(end=partial(end_now, display, words)), display, warnings_as_notes():
            app(args=arguments, prog_name="jaxprior")
    except SystemExit as end:
        # XLA may still be computing what was stopped, or compiling what is not needed any more: Python's own end would
        # crash in the one and wait for the other. JAX's end would wait for processes that wait for this one.
        if end.code == STOPPED or ahead.is_busy() or _is_awaited():
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(end.code if isinstance(end.code, int) else int(end.code is not None))
        raise
    except KeyboardInterrupt:  # before the command had begun
        say_error(stopped(words))
        sys.exit(STOPPED)
