"""Settings of an IcGAN's training, and named choices of them. No JAX is imported here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from jaxprior.protocols import Sizes
from jaxprior.settings import check_choices
from jaxprior.training.settings import TrainingSettings, check_widths, network_setting, recipe_setting


@dataclass(frozen=True, kw_only=True)
class IcganRecipe(TrainingSettings):
    """What a training depends on, besides its pictures and what all trainings depend on.

    Fields:
        resolution: pixels of a side, 4 times two to the number of widths.
        image_channels: 3, or 1 for grey pictures, which are the luma of those that are given.
        widths, critic_widths: channels, see `Generator` and `Critic` in `jaxprior.models.dcgan.networks`.
        latent_dim: length of the code z, without the label.
        encoder_widths: channels after every halving of the encoders and of the judge.
        dense: width of the dense layer of the label encoder and of the judge; that of the code encoder is as wide as
            its last map.
        steps: of generator and critic.
        code_steps, label_steps, judge_steps: of the encoder of codes, that of labels, and the judge.
        encoder_rate, encoder_beta1: of Adam, for the encoders and the judge.
        held_out: pictures, chosen at random, that no network is trained on; no more than a quarter of all.
    """

    resolution: int = network_setting(64, "Pixels of a side: 4 times two to the number of widths.", metavar="R")
    image_channels: Literal[1, 3] = network_setting(
        3, "Channels of the pictures: 3, or 1 for their brightness alone.", option="--channels"
    )
    widths: tuple[int, ...] = network_setting(
        (512, 256, 128, 64), "The generator's feature maps at 4x4, 8x8, ..., e.g. 128,64,32.", metavar="N,N,..."
    )
    critic_widths: tuple[int, ...] = network_setting(
        (64, 128, 256, 512), "The critic's feature maps after every halving.", metavar="N,N,..."
    )
    latent_dim: int = network_setting(100, "Length of a code, without the label.", metavar="N", least=1)
    encoder_widths: tuple[int, ...] = network_setting(
        (32, 64, 128, 256), "Feature maps of the encoders after every halving.", metavar="N,N,..."
    )
    dense: int = network_setting(512, "Width of the dense layer that reads labels.", metavar="N", least=1)
    steps: int = recipe_setting(71_000, "Steps of generator and critic.", metavar="K", least=0, rank=-1)
    code_steps: int = recipe_setting(43_000, "Steps of the encoder of codes.", metavar="K", least=0, rank=-1)
    label_steps: int = recipe_setting(43_000, "Steps of the encoder of labels.", metavar="K", least=0, rank=-1)
    judge_steps: int = recipe_setting(
        28_000, "Steps of the judge, which only tells how well the others do.", metavar="K", least=0, rank=-1
    )
    encoder_rate: float = recipe_setting(1e-4, "Learning rate of encoders and judge.", metavar="X", least=0.0)
    encoder_beta1: float = 0.1
    batch_size: int = 64
    beta1: float = 0.5
    mirror: bool = False
    held_out: int = recipe_setting(1000, "Pictures, chosen at random, that only tell how good it is.", metavar="N")

    def __post_init__(self):
        super().__post_init__()
        check_choices(self)
        for name in ("widths", "critic_widths", "encoder_widths"):
            check_widths(name, getattr(self, name))
        for name in ("latent_dim", "dense", "held_out", "batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"`{name}` must be 1 or more, got {getattr(self, name)}")
        for name in ("steps", "code_steps", "label_steps", "judge_steps"):
            if getattr(self, name) < 0:
                raise ValueError(f"`{name}` must be 0 or more, got {getattr(self, name)}")
        if self.resolution != 4 << len(self.widths):
            raise ValueError(f"{len(self.widths)} `widths` make {4 << len(self.widths)} pixels, not {self.resolution}")
        for name in ("critic_widths", "encoder_widths"):
            halvings = len(getattr(self, name))
            if not halvings or self.resolution % (1 << halvings):
                raise ValueError(f"{self.resolution} pixels cannot be halved {halvings} times, as `{name}` says")
        if not 0 < self.encoder_rate < float("inf"):
            raise ValueError(f"`encoder_rate` must be a number above 0, got {self.encoder_rate}")


PRESETS = {
    "small": IcganRecipe(
        resolution=32, image_channels=1, widths=(128, 64, 32), critic_widths=(32, 64, 128), steps=3500,
        code_steps=2100, label_steps=1400, judge_steps=1400, encoder_rate=5e-4,
    ),
    "paper": IcganRecipe(),
}  # fmt: skip
"""Named recipes: "small" shows 25 times nine thousand grey pictures of 32 pixels, for CPU cores; "paper" has the
paper's networks, at 64 pixels, and as many steps as its public code makes on CelebA, for a GPU."""


def sizes(config: Mapping[str, Any]) -> Sizes:
    """The sizes of a trained generator, from its card's table "config".

    Raises:
        KeyError, TypeError, ValueError: it describes none.

    Example:
        >>> config = {"latent_dim": 100, "labels": ["0", "1"], "widths": [96, 64, 32], "image_channels": 1}
        >>> sizes(config).image_shape, sizes(config).latent_dim
        ((32, 32, 1), 102)
    """
    stages = len(config["widths"])
    side = 4 << stages
    latent_dim = int(config["latent_dim"]) + len(config["labels"])
    return Sizes((side, side, int(config.get("image_channels", 3))), latent_dim, stages)
