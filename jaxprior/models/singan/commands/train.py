"""The command `jaxprior singan train`: every training on one picture that a family of networks offers.

Its options are derived from the dataclasses of the trainings' settings. JAX is imported when the command runs.
"""

import dataclasses
import enum
import typing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jaxprior import discovery
from jaxprior.cli.derived import options_of
from jaxprior.cli.signature import spelled_out
from jaxprior.cli.training import EssentialOptions, TrainingRunOptions, changed
from jaxprior.models.singan.commands import folder
from jaxprior.models.singan.config import SPECIAL
from jaxprior.protocols import Trainer
from jaxprior.settings import about
from jaxprior.training.settings import Essentials


def _trainers() -> list[Trainer]:
    """The trainings on one picture of all families; SinGAN's own is the first."""
    families = discovery.families()
    first = sorted(families, key=lambda name: name != "singan")
    return [trainer for name in first if (trainer := families[name].single_image) is not None]


def _option_kinds() -> list[Any]:
    """Dataclasses of options: those of each training that no training before it has, then those that all have."""
    kinds, seen = [], list(about(Essentials))
    for trainer in TRAINERS:
        config = discovery.imported(trainer.config)
        kinds.append(options_of(config, without=tuple(seen)))
        seen += about(config)
    return [*kinds, EssentialOptions]


def _joined(kinds: list[Any]) -> Any:
    """One dataclass with the fields of several."""
    fields = []
    for kind in kinds:
        hints = typing.get_type_hints(kind, include_extras=True)
        fields += [(f.name, hints[f.name], dataclasses.field(default=f.default)) for f in dataclasses.fields(kind)]
    return dataclasses.make_dataclass("SettingsOptions", fields, frozen=True, kw_only=True)


def _changes(options: Any) -> dict[str, Any]:
    """The settings that were given, as values of the settings' own types."""
    given: dict[str, Any] = {}
    for kind in KINDS:
        given |= kind(**{field.name: getattr(options, field.name) for field in dataclasses.fields(kind)}).changes()
    return given


TRAINERS = _trainers()
KINDS = _option_kinds()
PRESETS = {name: trainer for trainer in TRAINERS for name in discovery.imported(trainer.presets)}
"""The training that has a preset of this name."""

_LISTED = sorted(PRESETS, key=lambda name: name in SPECIAL)
if TYPE_CHECKING:  # Both classes are made of what families offer; a type checker cannot know their fields and members.
    SettingsOptions = Any

    class SinganPreset(enum.StrEnum):
        """The names of all presets."""
else:
    SettingsOptions = _joined(KINDS)
    SinganPreset = enum.StrEnum("SinganPreset", [(f"choice{number}", name) for number, name in enumerate(_LISTED)])
OFFICIAL = SinganPreset("singan")


@spelled_out
def train(
    picture: Annotated[
        Path, typer.Argument(help="The picture; or a folder or zip archive of them.", metavar="PICTURE|DIR|ZIP")
    ],
    *,
    preset: Annotated[
        SinganPreset,
        typer.Option(help="Recipe to start from: official, a tutorial's, ConSinGAN's, or for one use."),
    ] = OFFICIAL,
    together: Annotated[
        int, typer.Option(help="Of a folder's pictures, train so many of one size as one program.", metavar="N", min=1)
    ] = 1,
    settings: SettingsOptions,
    training: TrainingRunOptions,
) -> None:
    """Train a SinGAN on one picture: a pyramid of generators that `jaxprior singan sample` draws from.

    The same command resumes: killed and resumed equals never killed. RUN holds samples, curves, the error of the
    reconstruction, the diversity of samples, and an always current `model.safetensors`, with the scales begun so far;
    at its end or stop also `report.html`, all of it on one page (`jaxprior report RUN` makes it at any moment).

    ```
    jaxprior singan train balloons.png -o runs/balloons
    jaxprior singan train balloons.png --max-size 120 --steps 500 --minutes 30 -o runs/small
    jaxprior singan train balloons.png --preset seed002 --width 48 -o runs/wide
    jaxprior singan train small.png --preset superres -o runs/large    # then: jaxprior singan superres runs/large
    jaxprior singan train balloons.png --preset animate -o runs/moving   # then: jaxprior singan animate runs/moving
    jaxprior singan train balloons.png --preset consingan -o runs/growing
    jaxprior singan train scream.png --preset consingan-harmonize -o runs/scream  # then: jaxprior singan harmonize
    jaxprior singan train pictures -o runs --max-size 120
    ```

    Of a folder, every picture gets a run of its own, RUN/NAME.

    Read more in docs/singan.md.
    """
    trainer = PRESETS[preset.value]
    recipe = changed(discovery.imported(trainer.presets)[preset.value], _changes(settings))
    if picture.is_dir() or picture.suffix.lower() == ".zip":
        folder.train_all(picture, recipe, trainer, training, together=together)
    else:
        folder.train_one(picture, recipe, trainer, training)
