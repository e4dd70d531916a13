"""Settings that all trainings have, with their help texts. No JAX is imported here: the command line reads this file.

The settings of one training are a frozen dataclass below one of these, in `jaxprior/models/<family>/config.py`.
`jaxprior.training.recipe` makes optimisers and number types of them.
"""

import math
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from jaxprior.settings import MOST_SEED, REQUIRED, check_seed, setting


RECIPE, NETWORK = "Recipe (default: the preset's)", "Network (default: the preset's)"
"""Headings in the help: of how it is trained, and of what is trained."""

_SHARED, _NETWORK = 1, 2
"""Ranks: what all trainings have is listed after a training's own settings, and the network after both."""

recipe_setting = partial(setting, panel=RECIPE)
network_setting = partial(setting, panel=NETWORK, rank=_NETWORK)
"""`jaxprior.settings.setting` under these headings."""


def check_widths(name: str, widths: tuple[int, ...] | None) -> None:
    """Refuse feature maps of which a layer has none.

    Raises:
        ValueError: it names the field.
    """
    if widths is not None and not all(width >= 1 for width in widths):
        raise ValueError(f"`{name}` must be 1 or more each, got {widths}")


@dataclass(frozen=True, kw_only=True)
class Essentials:
    """What every training depends on, on many pictures or on one.

    Fields:
        learning_rate, beta1, beta2: of Adam.
        precision: of the convolutions; parameters, losses and norms stay float32.
        seed: of everything random.
    """

    learning_rate: float = recipe_setting(2e-4, "Learning rate.", option="--lr", metavar="X", least=0.0, rank=_SHARED)
    beta1: float = 0.5
    beta2: float = 0.999
    precision: Literal["fp32", "tf32", "bf16"] = recipe_setting("fp32", "Of the convolutions.", rank=_SHARED)
    seed: int = recipe_setting(0, "Of everything random.", metavar="S", least=0, most=MOST_SEED, rank=_SHARED)

    def __post_init__(self):
        check_seed(self.seed)
        if not 0 < self.learning_rate < math.inf:
            raise ValueError(f"`learning_rate` must be a number above 0, got {self.learning_rate}")

    def changed(self, changes: dict[str, Any]) -> Self:
        """Return the settings with other values for some fields.

        Arguments:
            changes: field name -> value.

        Raises:
            ValueError: values that the settings do not allow.
        """
        return replace(self, **changes)


@dataclass(frozen=True, kw_only=True)
class TrainingSettings(Essentials):
    """What every training on many pictures depends on, besides its networks.

    Fields:
        batch_size: pictures a step.
        ema_decay, ema_ramp: of the moving average of the weights; see `jaxprior.training.players.warm_decay`.
        mirror: flip every picture left to right with probability 1/2.

    Some trainings have `features` or `evaluate_features` besides, which name feature networks. `NO_NETWORKS` are the
    words that such a setting takes in place of a network.
    """

    NO_NETWORKS: ClassVar[tuple[str, ...]] = ()
    batch_size: int = recipe_setting(32, "Pictures a step.", metavar="B", least=1, rank=_SHARED)
    ema_decay: float = 0.999
    ema_ramp: float = 10.0
    mirror: bool = recipe_setting(
        True, "Flip pictures left to right at random.", option="--mirror/--no-mirror", rank=_SHARED
    )


@dataclass(frozen=True, kw_only=True)
class GeneratorSettings(TrainingSettings):
    """What every training of a generator of pictures can have besides.

    Fields:
        evaluate_features: name or file of a feature network in which samples are compared with real pictures at the end
            of every phase, see `jaxprior.training.evaluators.SlicedWasserstein`. It decides no weight.
    """

    evaluate_features: str | None = recipe_setting(
        None,
        "Feature network in which samples are compared with real pictures at the end of every phase: Frechet distance "
        "(FID with inception), KID, precision and recall.",
        metavar="NAME|FILE",
        rank=_SHARED,
    )


@dataclass(frozen=True, kw_only=True)
class PictureInputs:
    """What most networks are trained on: a folder or a zip archive of pictures, read by `pictures.read`."""

    data: Path = setting(REQUIRED, "Pictures: a folder or a zip archive.", metavar="DIR|ZIP")


@dataclass(frozen=True, kw_only=True)
class LabelledInputs:
    """What a conditional network is trained on: pictures with labels, read by `labelled_pictures.read`.

    Fields:
        data: a folder or archive with a folder for each class; pictures of any order, with `labels`; or an IDX file.
        labels: a CSV file with a row for each picture, or the IDX file of the labels.
        class_names: names of the classes of an IDX file, in the order of its numbers; the numbers themselves if None.
    """

    data: Path = setting(
        REQUIRED,
        "Pictures in a folder (or zip archive) with a sub-folder for each class; or any pictures, with --labels; or an "
        "IDX file of pictures, as MNIST's.",
        metavar="DIR|ZIP|IDX",
    )
    labels: Path | None = setting(
        None,
        "CSV file: a header (name,smiling,glasses), then a row for each picture with 0 or 1; or the IDX file of the "
        "labels, which is found by itself where it lies beside the pictures.",
        metavar="CSV|IDX",
    )
    class_names: tuple[str, ...] | None = setting(
        None, "Names of an IDX file's classes, in the order of its numbers, e.g. zero,one,two.", metavar="NAME,NAME,..."
    )
