"""`jaxprior train pggan` and `jaxprior train lsgan`."""

import dataclasses
import enum
import math
import shlex
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from jaxprior.cli.console import TrainingProgress, say, say_error
from jaxprior.cli.options import Precision
from jaxprior.cli.signature import spelled_out
from jaxprior.errors import JaxpriorError


STOPPED = 75


class PgganPreset(enum.StrEnum):
    """Named recipes of `jaxprior.training.pggan`."""

    fast = "fast"
    paper = "paper"
    cats32 = "cats32"
    cats64 = "cats64"


class PgganLoss(enum.StrEnum):
    """Adversarial losses of PGGAN."""

    wgan_gp = "wgan-gp"
    nonsaturating = "nonsaturating"


class LsganPreset(enum.StrEnum):
    """Named recipes of `jaxprior.training.lsgan`."""

    narrow = "narrow"
    seed001 = "seed001"


class LsganLoss(enum.StrEnum):
    """Adversarial losses on DCGAN's networks."""

    lsgan = "lsgan"
    nonsaturating = "nonsaturating"
    saturating = "saturating"
    hinge = "hinge"


_RECIPE, _NETWORK = "Recipe (default: the preset's)", "Network (default: the preset's)"


def _recipe(text: str, *names: str, metavar: str | None = None, least: float | None = None):
    return typer.Option(*names, help=text, metavar=metavar, min=least, rich_help_panel=_RECIPE)


def _network(text: str, *names: str, metavar: str | None = None, least: float | None = None):
    return typer.Option(*names, help=text, metavar=metavar, min=least, rich_help_panel=_NETWORK)


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """What every training is told: its pictures, its folder, and what all recipes have."""

    data: Annotated[Path, typer.Option(help="Pictures: a folder or a zip archive.", metavar="DIR|ZIP")]
    out: Annotated[Path, typer.Option("-o", "--out", help="Run folder; the same command goes on in it.", metavar="RUN")]
    limit: Annotated[int | None, typer.Option(help="Only the first N pictures.", metavar="N", min=1)] = None
    licence: Annotated[str, typer.Option(help="Of the pictures, for the card.")] = "not stated"
    minutes: Annotated[
        float | None, typer.Option(help="Stop after so many; the same command goes on.", metavar="M", min=0)
    ] = None
    batch_size: Annotated[int | None, _recipe("Pictures a step.", metavar="B", least=1)] = None
    lr: Annotated[float | None, _recipe("Learning rate.", metavar="X", least=0.0)] = None
    mirror: Annotated[bool | None, _recipe("Flip pictures left to right at random.", "--mirror/--no-mirror")] = None
    precision: Annotated[Precision | None, _recipe("Of the convolutions.")] = None
    seed: Annotated[int | None, _recipe("Of everything random.", metavar="S", least=0)] = None

    def changes(self) -> dict:
        """Fields of a recipe that were given."""
        return {
            "batch_size": self.batch_size, "learning_rate": self.lr, "mirror": self.mirror,
            "precision": self.precision, "seed": self.seed,
        }  # fmt: skip


@spelled_out
def pggan(
    *,
    resolution: Annotated[
        int | None,
        typer.Option(help="Pixels of a side, a power of two from 8 to 1024; by default the preset's.", metavar="R"),
    ] = None,
    preset: Annotated[
        PgganPreset,
        typer.Option(
            help="Recipe to start from: the paper's schedule, a fast one for small data on one device, the one of the "
            "bundled cats32 (two CPU cores), or one for half an hour of a data-centre GPU (cats64)."
        ),
    ] = PgganPreset.fast,
    loss: Annotated[PgganLoss | None, _recipe("Adversarial loss.")] = None,
    train_kimg: Annotated[
        float | None, _recipe("Thousand pictures shown at each resolution.", metavar="K", least=0)
    ] = None,
    fade_kimg: Annotated[
        float | None, _recipe("Thousand pictures while each resolution fades in.", metavar="K", least=0)
    ] = None,
    final_kimg: Annotated[
        float | None, _recipe("Thousand pictures at the last resolution.", metavar="K", least=0)
    ] = None,
    final_lr: Annotated[float | None, _recipe("Learning rate reached at the end.", metavar="X", least=0.0)] = None,
    start_resolution: Annotated[int | None, _network("First resolution, 4 in the paper.", metavar="R")] = None,
    widths: Annotated[
        str | None, _network("Feature maps at 4x4, 8x8, ..., for example 96,96,64,32.", metavar="N,N,...")
    ] = None,
    fmap_max: Annotated[int | None, _network("Upper limit of the feature maps.", metavar="N", least=1)] = None,
    latent_dim: Annotated[
        int | None, _network("Length of a latent code; by default the widest layer.", metavar="N", least=1)
    ] = None,
    fused: Annotated[bool | None, _network("Fused up- and down-convolutions.", "--fused/--plain")] = None,
    training: TrainingOptions,
) -> None:
    """Train a progressively grown GAN, whose RUN then serves as `--prior RUN`.

    The same command resumes: killed and resumed equals never killed. RUN holds samples, curves, distances and an
    always current `model.safetensors`.

    ```
    jaxprior train pggan --data cats.zip --resolution 64 -o runs/cats64
    jaxprior train pggan --data faces/ --resolution 32 --train-kimg 40 --final-kimg 200 -o runs/faces
    jaxprior train pggan --data cats.zip --resolution 64 --preset paper --precision bf16 -o runs/paper
    ```
    """
    from jaxprior.training import pggan as recipes

    changes = {
        **training.changes(), "resolution": resolution, "loss": loss, "train_kimg": train_kimg,
        "fade_kimg": fade_kimg, "final_kimg": final_kimg, "final_learning_rate": final_lr,
        "start_resolution": start_resolution, "widths": _numbers("--widths", widths), "fmap_max": fmap_max,
        "latent_dim": latent_dim, "fused": fused, "batch_limit": None if training.batch_size is None else (),
    }  # fmt: skip
    _train(recipes.plan, _changed(recipes.PRESETS[preset.value], changes), training)


@spelled_out
def lsgan(
    *,
    preset: Annotated[
        LsganPreset,
        typer.Option(help="Recipe to start from: narrow, for an hour of two CPU cores; or the seed's own widths."),
    ] = LsganPreset.narrow,
    loss: Annotated[LsganLoss | None, _recipe("Adversarial loss.")] = None,
    steps: Annotated[int | None, _recipe("Steps altogether.", metavar="K", least=1)] = None,
    generator_steps: Annotated[int | None, _recipe("Of the generator for one of the critic.", metavar="N", least=1)] = (
        None
    ),
    resolution: Annotated[
        int | None, _network("Pixels of a side: 4 times two to the number of widths.", metavar="R")
    ] = None,
    widths: Annotated[
        str | None, _network("The generator's feature maps at 4x4, 8x8, ..., e.g. 128,96,64,32.", metavar="N,N,...")
    ] = None,
    critic_widths: Annotated[
        str | None, _network("The critic's feature maps after every halving.", metavar="N,N,...")
    ] = None,
    latent_dim: Annotated[int | None, _network("Length of a latent code.", metavar="N", least=1)] = None,
    kernel: Annotated[int | None, _network("Side of the kernels, 2 to 7.", metavar="N", least=2)] = None,
    dropout: Annotated[float | None, _network("Share dropped in the generator.", metavar="X", least=0.0)] = None,
    training: TrainingOptions,
) -> None:
    """Train a least-squares GAN on DCGAN's networks, whose RUN then serves as `--prior RUN`.

    The same command resumes: killed and resumed equals never killed. RUN holds samples, curves, distances and an
    always current `model.safetensors`.

    ```
    jaxprior train lsgan --data cats.zip -o runs/lsgan
    jaxprior train lsgan --data cats.zip --preset seed001 --precision bf16 -o runs/lsgan-wide
    jaxprior train lsgan --data faces/ --resolution 32 --widths 96,64,32 --critic-widths 32,64,96 -o runs/faces
    ```
    """
    from jaxprior.training import lsgan as recipes

    changes = {
        **training.changes(), "loss": loss, "steps": steps, "generator_steps": generator_steps,
        "resolution": resolution, "widths": _numbers("--widths", widths),
        "critic_widths": _numbers("--critic-widths", critic_widths), "latent_dim": latent_dim, "kernel": kernel,
        "dropout": dropout,
    }  # fmt: skip
    _train(recipes.plan, _changed(recipes.PRESETS[preset.value], changes), training)


def _changed(recipe, changes: dict):
    """A recipe with those fields that were given."""
    given = {name: str(v) if isinstance(v, str) else v for name, v in changes.items() if v is not None}
    try:
        return dataclasses.replace(recipe, **given)
    except ValueError as error:
        raise JaxpriorError(str(error)) from None


def _train(make_plan, recipe, training: TrainingOptions) -> None:
    """Load the pictures and run a recipe's plan with progress; a stop ends the program with how to go on."""
    from jaxprior import runtime
    from jaxprior.evaluation.stopping import StopGuard
    from jaxprior.training import session
    from jaxprior.training.data import load_pictures
    from jaxprior.training.loop import Interrupted

    runtime.enable_compilation_cache()
    pictures = load_pictures(training.data, resolution=recipe.resolution, limit=training.limit)
    say(f"{len(pictures)} pictures of {recipe.resolution}x{recipe.resolution} pixels from {training.data}")
    for sentence in pictures.skipped[:10]:
        say(f"left out: {sentence}")
    if len(pictures.skipped) > 10:
        say(f"left out: {len(pictures.skipped) - 10} more")
    end = math.inf if training.minutes is None else time.monotonic() + 60 * training.minutes
    try:
        with StopGuard() as guard, TrainingProgress() as progress:
            path = session.run(
                make_plan(recipe, pictures),
                training.out,
                source=str(training.data),
                licence=training.licence,
                on_log=progress.log,
                should_stop=lambda: guard.requested or time.monotonic() > end,
            )
    except Interrupted as stop:
        say_error(f"{str(stop).capitalize()}; the same command goes on: {shlex.join(['jaxprior', *sys.argv[1:]])}")
        raise typer.Exit(STOPPED) from None
    say(f"\nprior: {path}\nuse it: jaxprior reconstruct IMAGES -o RUN --prior {shlex.quote(str(training.out))}")


def _numbers(option: str, text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise JaxpriorError(f"{option} {text}: expected whole numbers with commas, for example 96,96,64,32.") from None
