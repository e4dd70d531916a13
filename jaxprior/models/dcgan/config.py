"""Settings of a least-squares GAN's training, and named choices of them. No JAX is imported here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from jaxprior.protocols import Sizes
from jaxprior.settings import check_choices
from jaxprior.training.settings import GeneratorSettings, check_widths, network_setting, recipe_setting


@dataclass(frozen=True, kw_only=True)
class LsganRecipe(GeneratorSettings):
    """What a training depends on, besides its pictures and what all trainings depend on.

    Fields:
        resolution: pixels of a side, 4 times two to the number of widths.
        widths, critic_widths: channels, see `Generator` and `Critic` in `jaxprior.models.dcgan.networks`.
        latent_dim: length of a latent code; codes: drawn from "uniform", U(-1, 1), or "normal", N(0, 1).
        image_channels: 3, or 1 for grey pictures, which are the luma of those that are given.
        kernel, norm, slope: of both networks; dropout: of the generator alone.
        loss: adversarial loss. labels: (a, b, c) of the least-squares loss: of fakes, of reals, and aimed at.
        steps: how long. generator_steps: updates of the generator for every one of the critic.
    """

    resolution: int = network_setting(64, "Pixels of a side: 4 times two to the number of widths.", metavar="R")
    widths: tuple[int, ...] = network_setting(
        (1024, 512, 256, 128),
        "The generator's feature maps at 4x4, 8x8, ..., e.g. 128,96,64,32.",
        metavar="N,N,...",
    )
    critic_widths: tuple[int, ...] = network_setting(
        (64, 128, 256, 512), "The critic's feature maps after every halving.", metavar="N,N,..."
    )
    latent_dim: int = network_setting(100, "Length of a latent code.", metavar="N", least=1)
    image_channels: Literal[1, 3] = network_setting(
        3, "Channels of the pictures: 3, or 1 for their brightness alone.", option="--channels"
    )
    codes: Literal["uniform", "normal"] = "uniform"
    kernel: int = network_setting(4, "Side of the kernels, 2 to 7.", metavar="N", least=2, most=7)
    norm: str = "batch"
    slope: float = 0.2
    dropout: float = network_setting(
        0.0,
        "Share of the features that are dropped after every activation of the generator while it is trained; a trained "
        "one drops none. Seed 001's table has dropout there and states no rate.",
        metavar="X",
        least=0.0,
    )
    loss: Literal["lsgan", "nonsaturating", "saturating", "hinge"] = recipe_setting("lsgan", "Adversarial loss.")
    labels: tuple[float, float, float] = (0.0, 1.0, 1.0)
    steps: int = recipe_setting(100_000, "Steps altogether.", metavar="K", least=1)
    generator_steps: int = recipe_setting(1, "Of the generator for one of the critic.", metavar="N", least=1)

    def __post_init__(self):
        super().__post_init__()
        check_choices(self)
        check_widths("widths", self.widths)
        check_widths("critic_widths", self.critic_widths)
        if not 2 <= self.kernel <= 7:
            raise ValueError(f"`kernel` must be from 2 to 7, got {self.kernel}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"`dropout` must be from 0 to below 1, got {self.dropout}")
        if self.resolution != 4 << len(self.widths):
            raise ValueError(f"{len(self.widths)} `widths` make {4 << len(self.widths)} pixels, not {self.resolution}")


PRESETS = {
    "narrow": LsganRecipe(widths=(128, 96, 64, 32), critic_widths=(32, 64, 96, 128), steps=12_000),
    "seed001": LsganRecipe(),
    "seed001-dropout": LsganRecipe(dropout=0.3),
}
"""Named recipes: one for an hour of two CPU cores, and the seed's widths and length, for a GPU, with and without the
dropout of its table, whose rate is ours: the seed states none."""


def sizes(config: Mapping[str, Any]) -> Sizes:
    """The sizes of a trained generator, from its card's table "config".

    Raises:
        KeyError, TypeError, ValueError: it describes none.

    Example:
        >>> sizes({"latent_dim": 128, "widths": [96, 96, 64, 32], "image_channels": 3}).image_shape
        (64, 64, 3)
    """
    stages = len(config["widths"])
    side = 4 << stages
    return Sizes((side, side, int(config.get("image_channels", 3))), int(config["latent_dim"]), stages)
