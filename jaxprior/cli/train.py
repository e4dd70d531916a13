"""`jaxprior train pggan`."""

import dataclasses
import enum
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from jaxprior.cli.console import TrainingProgress, say, say_error
from jaxprior.cli.options import Precision
from jaxprior.errors import JaxpriorError


STOPPED = 75


class TrainingPreset(enum.StrEnum):
    """Named recipes."""

    fast = "fast"
    paper = "paper"
    cats32 = "cats32"
    cats64 = "cats64"


class Loss(enum.StrEnum):
    """Adversarial losses."""

    wgan_gp = "wgan-gp"
    nonsaturating = "nonsaturating"


_RECIPE, _NETWORK = "Recipe (default: the preset's)", "Network (default: the preset's)"


def pggan(
    data: Annotated[Path, typer.Option(help="Pictures: a folder or a zip archive.", metavar="DIR|ZIP")],
    out: Annotated[
        Path, typer.Option("-o", "--out", help="Run folder; the same command goes on in it.", metavar="RUN")
    ],
    resolution: Annotated[
        int | None,
        typer.Option(help="Pixels of a side, a power of two from 8 to 1024; by default the preset's.", metavar="R"),
    ] = None,
    preset: Annotated[
        TrainingPreset,
        typer.Option(
            help="Recipe to start from: the paper's schedule, a fast one for small data on one device, the one of the "
            "bundled cats32 (two CPU cores), or one for half an hour of a data-centre GPU (cats64)."
        ),
    ] = TrainingPreset.fast,
    loss: Annotated[Loss | None, typer.Option(help="Adversarial loss.", rich_help_panel=_RECIPE)] = None,
    train_kimg: Annotated[
        float | None,
        typer.Option(help="Thousand pictures shown at each resolution.", metavar="K", min=0, rich_help_panel=_RECIPE),
    ] = None,
    fade_kimg: Annotated[
        float | None,
        typer.Option(
            help="Thousand pictures while each resolution fades in.", metavar="K", min=0, rich_help_panel=_RECIPE
        ),
    ] = None,
    final_kimg: Annotated[
        float | None,
        typer.Option(help="Thousand pictures at the last resolution.", metavar="K", min=0, rich_help_panel=_RECIPE),
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option(help="Pictures a step, at every resolution.", metavar="B", min=1, rich_help_panel=_RECIPE),
    ] = None,
    lr: Annotated[
        float | None, typer.Option(help="Learning rate.", metavar="X", min=0.0, rich_help_panel=_RECIPE)
    ] = None,
    final_lr: Annotated[
        float | None,
        typer.Option(help="Learning rate reached at the end.", metavar="X", min=0.0, rich_help_panel=_RECIPE),
    ] = None,
    mirror: Annotated[
        bool | None,
        typer.Option("--mirror/--no-mirror", help="Flip pictures left to right at random.", rich_help_panel=_RECIPE),
    ] = None,
    precision: Annotated[Precision | None, typer.Option(help="Of the convolutions.", rich_help_panel=_RECIPE)] = None,
    seed: Annotated[
        int | None, typer.Option(help="Of everything random.", metavar="S", min=0, rich_help_panel=_RECIPE)
    ] = None,
    start_resolution: Annotated[
        int | None, typer.Option(help="First resolution, 4 in the paper.", metavar="R", rich_help_panel=_NETWORK)
    ] = None,
    widths: Annotated[
        str | None,
        typer.Option(
            help="Feature maps at 4x4, 8x8, ..., for example 96,96,64,32.", metavar="N,N,...", rich_help_panel=_NETWORK
        ),
    ] = None,
    fmap_max: Annotated[
        int | None, typer.Option(help="Upper limit of the feature maps.", metavar="N", min=1, rich_help_panel=_NETWORK)
    ] = None,
    latent_dim: Annotated[
        int | None,
        typer.Option(
            help="Length of a latent code; by default the widest layer.", metavar="N", min=1, rich_help_panel=_NETWORK
        ),
    ] = None,
    fused: Annotated[
        bool | None, typer.Option("--fused/--plain", help="Fused up- and down-convolutions.", rich_help_panel=_NETWORK)
    ] = None,
    limit: Annotated[int | None, typer.Option(help="Only the first N pictures.", metavar="N", min=1)] = None,
    licence: Annotated[str, typer.Option(help="Of the pictures, for the prior's card.")] = "not stated",
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
    from jaxprior import runtime
    from jaxprior.training import pggan as recipes

    changes = {
        "resolution": resolution, "loss": loss, "train_kimg": train_kimg, "fade_kimg": fade_kimg,
        "final_kimg": final_kimg, "batch_size": batch_size, "learning_rate": lr, "final_learning_rate": final_lr,
        "mirror": mirror, "precision": precision, "seed": seed, "start_resolution": start_resolution,
        "widths": _numbers(widths), "fmap_max": fmap_max, "latent_dim": latent_dim, "fused": fused,
        "batch_limit": None if batch_size is None else (),
    }  # fmt: skip
    given = {name: str(v) if isinstance(v, str) else v for name, v in changes.items() if v is not None}
    try:
        recipe = dataclasses.replace(recipes.PRESETS[preset.value], **given)
    except ValueError as error:
        raise JaxpriorError(str(error)) from None
    runtime.enable_compilation_cache()
    _train(recipes.plan, recipe, data, out, limit=limit, licence=licence)


def _train(make_plan, recipe, data: Path, out: Path, *, limit: int | None, licence: str) -> None:
    """Load the pictures and run a recipe's plan with progress; a stop ends the program with how to go on."""
    from jaxprior.evaluation.stopping import StopGuard
    from jaxprior.training import session
    from jaxprior.training.data import load_pictures
    from jaxprior.training.loop import Interrupted

    pictures = load_pictures(data, resolution=recipe.resolution, limit=limit)
    say(f"{len(pictures)} pictures of {recipe.resolution}x{recipe.resolution} pixels from {data}")
    for sentence in pictures.skipped[:10]:
        say(f"left out: {sentence}")
    if len(pictures.skipped) > 10:
        say(f"left out: {len(pictures.skipped) - 10} more")
    try:
        with StopGuard() as guard, TrainingProgress() as progress:
            path = session.run(
                make_plan(recipe, pictures),
                out,
                source=str(data),
                licence=licence,
                on_log=progress.log,
                should_stop=lambda: guard.requested,
            )
    except Interrupted as stop:
        say_error(f"{str(stop).capitalize()}; the same command goes on: {shlex.join(['jaxprior', *sys.argv[1:]])}")
        raise typer.Exit(STOPPED) from None
    say(f"\nprior: {path}\nuse it: jaxprior reconstruct IMAGES -o RUN --prior {shlex.quote(str(out))}")


def _numbers(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise JaxpriorError(f"--widths {text}: expected whole numbers with commas, for example 96,96,64,32.") from None
