"""Trainings on one picture, and on every picture of a folder: each in a run of its own, or several in one program."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

from jaxprior import discovery
from jaxprior.cli import training as trainings
from jaxprior.cli.console import mistakes, say, say_error
from jaxprior.cli.stops import go_on, this_command
from jaxprior.cli.training import Ending, TrainingRunOptions
from jaxprior.errors import ImageError, JaxpriorError
from jaxprior.models.singan.config import PyramidRecipe, SinganRecipe
from jaxprior.protocols import Trainer
from jaxprior.reporting.uses import command_of_use


@dataclasses.dataclass(frozen=True)
class Named:
    """A picture to train on: the name of its file, the name of its run folder, and its pixels, uint8 [h, w, 3]."""

    source: str
    folder: str
    pixels: Any


def train_one(picture: Path, recipe: PyramidRecipe, trainer: Trainer, training: TrainingRunOptions) -> None:
    """Train one picture in the run folder itself."""
    from jaxprior.data import images

    _run(Named(str(picture), "", images.load_telling(picture)), recipe, trainer, training, training.out)


def train_all(
    source: Path, recipe: PyramidRecipe, trainer: Trainer, training: TrainingRunOptions, *, together: int
) -> None:
    """Train every picture of a folder or zip archive, each in `training.out` / its name.

    Pictures that cannot be used are named and left out, and the program ends with exit code 1 then. All of them share
    the minutes of training.
    """
    from jaxprior.system import runtime

    found, failed = _usable(source, recipe)
    minutes = training.minutes
    groups = _groups(found, together)
    shape = groups[0][0].pixels.shape
    for number, group in enumerate(groups, 1):
        if group[0].pixels.shape != shape:
            runtime.forget_programs()  # Pictures of other sizes need other programs.
            shape = group[0].pixels.shape
        say(f"\n{number} of {len(groups)}: {', '.join(one.source for one in group)}")
        now = dataclasses.replace(training, minutes=minutes)
        if together == 1:
            ending = _run(group[0], recipe, trainer, now, training.out / group[0].folder)
        else:
            ending = _run_together(group, recipe, trainer, now)
        if minutes is None:
            continue
        minutes = max(minutes - ending.seconds / 60, 0.0)
        if minutes == 0 or not ending.finished:
            if number < len(groups):
                say(f"\nThe planned time is over: {number} of {len(groups)} were begun; {go_on(this_command())}")
            break
    if failed:
        raise typer.Exit(1)


def _usable(source: Path, recipe: PyramidRecipe) -> tuple[list[Named], int]:
    """The pictures that can be trained on, each once, and the number of the others, each of which is reported."""
    from jaxprior.data import images
    from jaxprior.models.singan.planning import scales_of

    sources, found, failed = images.list_images([source]), {}, 0
    for item in sources:
        try:
            pixels = images.load_telling(item)
            try:
                scales_of(recipe, *pixels.shape[:2])
            except ValueError as error:
                raise ImageError(f"{item.name}: {trainings.naming_options(str(error), recipe)}") from None
        except ImageError as error:
            say_error(f"left out: {error}")
            failed += 1
            continue
        name = images.content_name(item.stem, pixels)
        first = found.setdefault(name, Named(item.name, name, pixels))
        if first.source != item.name:
            say(f"{item.name} has the name and the pixels of {first.source}, and is trained with it")
    if not found:
        raise ImageError(f"{source}: none of its {len(sources)} pictures can be trained on")
    return list(found.values()), failed


def _groups(found: Sequence[Named], together: int) -> list[list[Named]]:
    """Divide pictures into groups of at most `together`, all of one size."""
    by_size: dict[tuple, list[Named]] = {}
    for one in found:
        by_size.setdefault(one.pixels.shape, []).append(one)
    return [same[i : i + together] for same in by_size.values() for i in range(0, len(same), together)]


def _run(one: Named, recipe: PyramidRecipe, trainer: Trainer, training: TrainingRunOptions, out: Path) -> Ending:
    from jaxprior.models.singan.planning import scales_of
    from jaxprior.training.pictures import Pictures

    try:
        plan = discovery.imported(trainer.plan)(recipe, Pictures(one.pixels[None]))
        sizes = scales_of(recipe, *one.pixels.shape[:2]).sizes
    except ValueError as error:
        raise JaxpriorError(f"{one.source}: {trainings.naming_options(str(error), recipe)}") from None
    (height, width), finest = one.pixels.shape[:2], tuple(sizes[-1])
    resized = "" if finest == (height, width) else f" (resized from {width}x{height})"
    say(f"{len(sizes)} scales of {one.source}: {', '.join(f'{w}x{h}' for h, w in sizes)}{resized}")
    if not training.dry_run:
        out.parent.mkdir(parents=True, exist_ok=True)
    return trainings.train(
        plan, dataclasses.replace(training, out=out), one.source, use=command_of_use(trainer, plan.settings),
        after=trainings.say_report,
    )  # fmt: skip


def _run_together(
    group: Sequence[Named], recipe: PyramidRecipe, trainer: Trainer, training: TrainingRunOptions
) -> Ending:
    """Train pictures of one size in one run, whose folder is named after their size and the first of them."""
    import numpy as np

    from jaxprior.models.singan import group as singan_group
    from jaxprior.training.pictures import Pictures

    if not isinstance(recipe, SinganRecipe):
        raise JaxpriorError("--together is for SinGANs; other models are trained one by one: leave it out.")
    height, width = group[0].pixels.shape[:2]
    out = training.out / f"{width}x{height}-{group[0].folder}"
    with mistakes():
        names = [one.folder for one in group]
        plan = singan_group.plan(recipe, Pictures(np.stack([one.pixels for one in group])), names=names)
    if not training.dry_run:
        out.parent.mkdir(parents=True, exist_ok=True)
    sources = ", ".join(one.source for one in group)
    use = f"{trainer.use} RUN/NAME, RUN being"
    return trainings.train(plan, dataclasses.replace(training, out=out), sources, use=use)
