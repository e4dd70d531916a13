"""Settings of a 3D-GAN's training, and named choices of them. No JAX is imported here."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from jaxprior.protocols import Sizes
from jaxprior.settings import REQUIRED, check_choices, setting
from jaxprior.training.settings import TrainingSettings, check_widths, network_setting, recipe_setting


SIDES = (16, 32, 64, 128)
"""Voxels of a side that volumes may have."""


@dataclass(frozen=True, kw_only=True)
class VolumeInputs:
    """What a 3D-GAN is trained on: volumes in files, which `jaxprior.data.volumes` reads."""

    data: Path = setting(
        REQUIRED,
        "Volumes: a folder, a zip archive, or one file with one or many of them (.npy, .npy.gz, .npz, .tif).",
        metavar="DIR|ZIP|FILE",
    )


@dataclass(frozen=True, kw_only=True)
class Gan3dRecipe(TrainingSettings):
    """What a training depends on, besides its volumes and what all trainings depend on.

    Fields:
        resolution: voxels of a side: `base` times two to the number of widths.
        widths, critic_widths: feature maps, see `Generator` and `Critic` in `jaxprior.models.gan3d.networks`.
        base: voxels of a side of the generator's first map; the critic's last map has as many where it has as many
            widths.
        first_norm: whether the critic's first convolution has a norm, see `Critic`.
        latent_dim: length of a latent code; codes: drawn from "uniform", U(-1, 1), or "normal", N(0, 1).
        loss: adversarial loss. "nonsaturating" and "saturating" are cross-entropy, with -log D(G(z)) or
            log(1 - D(G(z))) for the generator; "squares" is the squared distance of D from 1 and 0, as in the public
            code of xchhuang. D is the sigmoid of the critic's score.
        learning_rate, critic_rate: of the generator and of the critic.
        gate: the critic is updated only while its accuracy is at most this.
        judged: of which batch the accuracy is: "last", the one before as the paper says, or "this", the one at hand as
            in the public code.
        crops: train on random cubes of large volumes.
        pores: with `crops`, which voxels the figures of materials take for pores: those of the "high" values, or of the
            "low" ones.
        held_out: volumes that only judge, no more than a quarter of all; with `crops` as many cubes are cut out of the
            last fifth of every volume.
        steps: how long.
    """

    resolution: int = network_setting(64, "Voxels of a side: 16, 32, 64 or 128.", metavar="R")
    widths: tuple[int, ...] = network_setting(
        (512, 256, 128, 64), "The generator's feature maps, the coarsest first, e.g. 128,64.", metavar="N,N,..."
    )
    critic_widths: tuple[int, ...] = network_setting(
        (64, 128, 256, 512), "The critic's feature maps after every halving.", metavar="N,N,..."
    )
    base: int = network_setting(4, "Voxels of a side of the generator's first map.", metavar="N", least=1, most=8)
    first_norm: bool = network_setting(
        False,
        "Normalise the critic's first convolution too, as the public code does.",
        option="--first-norm/--no-first-norm",
    )
    latent_dim: int = network_setting(200, "Length of a latent code.", metavar="N", least=1)
    codes: Literal["uniform", "normal"] = recipe_setting(
        "uniform", "What latent codes are drawn from: U(-1, 1) or N(0, 1)."
    )
    loss: Literal["nonsaturating", "saturating", "squares"] = recipe_setting("nonsaturating", "Adversarial loss.")
    learning_rate: float = recipe_setting(
        2.5e-3, "Learning rate of the generator.", option="--lr", metavar="X", least=0.0
    )
    critic_rate: float = recipe_setting(1e-5, "Learning rate of the critic.", metavar="X", least=0.0)
    gate: float = recipe_setting(
        0.8, "The critic is updated only while its accuracy is at most this; 1 for always.", metavar="X", least=0.0
    )
    judged: Literal["last", "this"] = recipe_setting(
        "last", "Of which batch that accuracy is: of the last one, or of the one at hand."
    )
    crops: bool = recipe_setting(
        False, "Train on random cubes of large volumes, for example of a scan of a material.", option="--crops/--whole"
    )
    pores: Literal["low", "high"] = recipe_setting(
        "high", "With --crops: which voxels are pores, for the porosity and the other figures of materials.csv."
    )
    held_out: int = recipe_setting(128, "Volumes that only judge, at most a quarter of all.", metavar="N", least=1)
    steps: int = recipe_setting(20_000, "Steps altogether.", metavar="K", least=1)
    batch_size: int = recipe_setting(100, "Volumes a step.", metavar="B", least=1)
    mirror: bool = recipe_setting(
        False, "Flip volumes along their last axis at random.", option="--mirror/--no-mirror"
    )

    def __post_init__(self):
        super().__post_init__()
        check_choices(self)
        check_widths("widths", self.widths)
        check_widths("critic_widths", self.critic_widths)
        for name in ("latent_dim", "held_out", "steps", "batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"`{name}` must be 1 or more, got {getattr(self, name)}")
        if self.resolution not in SIDES:
            raise ValueError(f"`resolution` must be one of {', '.join(map(str, SIDES))}, got {self.resolution}")
        made = self.base << len(self.widths)
        if self.resolution != made:
            raise ValueError(
                f"{len(self.widths)} `widths` and a first map of {self.base} voxels a side make volumes of {made} "
                f"voxels a side, not {self.resolution}"
            )
        if not self.critic_widths or self.resolution >> len(self.critic_widths) < 1:
            count = len(self.critic_widths)
            raise ValueError(f"{count} `critic_widths` do not fit volumes of {self.resolution} voxels a side")
        if not 0 < self.critic_rate < float("inf"):
            raise ValueError(f"`critic_rate` must be a number above 0, got {self.critic_rate}")
        if not 0 < self.gate <= 1:
            raise ValueError(f"`gate` must be above 0 and at most 1, got {self.gate}")


PRESETS = {
    "small": Gan3dRecipe(
        resolution=16, widths=(64, 32), critic_widths=(32, 64), latent_dim=64, critic_rate=2e-4, batch_size=32,
        steps=600,
    ),
    "rock": Gan3dRecipe(
        resolution=32, widths=(64, 32, 16), critic_widths=(16, 32, 64), latent_dim=64, critic_rate=2e-4, batch_size=32,
        steps=900, crops=True,
    ),
    "paper": Gan3dRecipe(),
}  # fmt: skip
"""Named recipes: shapes of 16^3 voxels and cubes of 32^3 of a material, both for two CPU cores; and the paper's."""


def sizes(config: Mapping[str, Any]) -> Sizes:
    """The sizes of a trained generator, from its card's table "config".

    Raises:
        KeyError, TypeError, ValueError: it describes none.

    Example:
        >>> sizes({"latent_dim": 64, "widths": [64, 32], "base": 4}).image_shape
        (16, 16, 16, 1)
    """
    layers = len(config["widths"])
    side = int(config["base"]) << layers
    return Sizes((side, side, side, 1), int(config["latent_dim"]), layers)
