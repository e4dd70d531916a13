"""Settings of a BEGAN's training, and named choices of them. No JAX is imported here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from jaxprior.protocols import Sizes
from jaxprior.settings import check_choices
from jaxprior.training.settings import GeneratorSettings, network_setting, recipe_setting


SMALLEST, LEAST_RESOLUTION = 8, 16
"""Side of the generator's first map, and the least side of its images."""


def stages_of(resolution: int) -> int:
    """The number of sizes of a generator's maps, from 8 pixels to the images' own.

    Raises:
        ValueError: no power of two from 16 on.

    Example:
        >>> stages_of(32)
        3
    """
    if resolution < LEAST_RESOLUTION or resolution & (resolution - 1):
        raise ValueError(f"`resolution` must be a power of two from {LEAST_RESOLUTION} on, got {resolution}")
    return (resolution // SMALLEST).bit_length()


@dataclass(frozen=True, kw_only=True)
class BeganRecipe(GeneratorSettings):
    """What a training depends on, besides its pictures and what all trainings depend on.

    Fields:
        resolution: pixels of a side, a power of two from 16 on.
        width: feature maps of the generator, n; the critic's encoder has n, 2 n, 3 n, ... of them.
        latent_dim: length of a latent code, drawn from U(-1, 1), and of the critic's code.
        image_channels: 3, or 1 for grey pictures, which are the luma of those that are given.
        skips: the networks of the Generative Encoder's authors in place of the paper's, see `networks`.
        gamma: the wanted ratio of the error of generated pictures to that of real ones. A lower one makes sharper
            pictures that differ less from each other.
        balance_rate: of the weight k of generated pictures in the critic's loss; the paper's lambda_k.
        steps: how long.
        halve_every: steps after which the learning rate is halved, again and again, down to `least_rate`.
        beta1, beta2: of Adam.
    """

    resolution: int = network_setting(64, "Pixels of a side: a power of two from 16 on.", metavar="R")
    width: int = network_setting(128, "Feature maps of the generator.", metavar="N", least=1)
    latent_dim: int = network_setting(64, "Length of a latent code.", metavar="N", least=1)
    image_channels: Literal[1, 3] = network_setting(
        3, "Channels of the pictures: 3, or 1 for their brightness alone.", option="--channels"
    )
    skips: bool = network_setting(
        False,
        "Deeper networks whose first map is joined to every later one, as the Generative Encoder's authors have them.",
        option="--skips/--no-skips",
    )
    gamma: float = recipe_setting(
        0.5, "Error of generated pictures over that of real ones that is aimed at.", metavar="X", least=0.0
    )
    balance_rate: float = recipe_setting(
        0.001, "Rate at which the weight k of generated pictures is corrected.", metavar="X", least=0.0
    )
    steps: int = recipe_setting(500_000, "Steps altogether.", metavar="K", least=1)
    halve_every: int = recipe_setting(100_000, "Steps after which the rate is halved.", metavar="K", least=1)
    least_rate: float = 2e-5
    beta1: float = recipe_setting(0.9, "Of Adam, below 1.", metavar="X", least=0.0)
    beta2: float = recipe_setting(0.999, "Of Adam, below 1.", metavar="X", least=0.0)
    batch_size: int = 16
    learning_rate: float = 8e-5

    def __post_init__(self):
        super().__post_init__()
        check_choices(self)
        stages_of(self.resolution)
        for name in ("width", "latent_dim", "halve_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"`{name}` must be 1 or more, got {getattr(self, name)}")
        for name in ("beta1", "beta2"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"`{name}` must be from 0 to below 1, got {getattr(self, name)}")
        for name in ("gamma", "balance_rate"):
            if not 0 < getattr(self, name) < float("inf"):
                raise ValueError(f"`{name}` must be a number above 0, got {getattr(self, name)}")


PRESETS = {
    "small": BeganRecipe(
        resolution=32, width=32, steps=6_000, learning_rate=4e-4, halve_every=3_000, balance_rate=0.01
    ),
    "began": BeganRecipe(ema_decay=0.0),
}
"""Named recipes: one for half an hour of two CPU cores, and the paper's, without a moving average, for a GPU."""


def layers_of(resolution: int, skips: bool) -> int:
    """The number of blocks of a generator, see `jaxprior.models.began.networks`.

    Raises:
        ValueError: no power of two from 16 on.

    Example:
        >>> layers_of(32, False), layers_of(64, True)
        (7, 18)
    """
    return 2 + 4 * stages_of(resolution) if skips else 1 + 2 * stages_of(resolution)


def sizes(config: Mapping[str, Any]) -> Sizes:
    """The sizes of a trained generator, from its card's table "config".

    Raises:
        KeyError, TypeError, ValueError: it describes none.

    Example:
        >>> sizes({"resolution": 32, "latent_dim": 64}).image_shape
        (32, 32, 3)
    """
    side = int(config["resolution"])
    layers = layers_of(side, bool(config.get("skips", False)))
    return Sizes((side, side, int(config.get("image_channels", 3))), int(config["latent_dim"]), layers)
