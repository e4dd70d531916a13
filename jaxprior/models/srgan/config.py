"""Settings of an SRGAN's training, and named choices of them. No JAX is imported here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from jaxprior.protocols import Restores
from jaxprior.settings import check_choices, setting
from jaxprior.training.settings import TrainingSettings, check_widths, network_setting, recipe_setting


FACTORS = (2, 4)

HALVED = 16
"""Sides of crops are multiples of it: the critic halves them four times."""

PIXELS = "pixels"
"""In place of a feature network: the content loss is the square error of pixels, the paper's "SRGAN-MSE"."""


@dataclass(frozen=True, kw_only=True)
class SrganRecipe(TrainingSettings):
    """What a training depends on, besides its photographs and what all trainings depend on.

    Fields:
        factor: how many times larger the network's pictures are.
        crop: pixels of a side of the large crops, a multiple of 16 and at least 4 times the factor.
        blocks, width, norm, skip, output, ending, kernel: see `Generator` in `jaxprior.models.srgan.networks`.
        critic_widths, critic_dense: see `Critic` there.
        steps: of the first stage, "mse", which minimises the mean square error.
        adversarial_steps: of the second stage, "adversarial", with a critic and a content loss.
        learning_rate, adversarial_rate: of the two stages.
        schedule: "paper": the rate of the first stage is constant, that of the second falls to a tenth after half its
            steps. "cosine": that of each stage falls along half a cosine to a hundredth.
        features: name or file of the feature network whose maps the content loss compares, or "pixels".
        features_cut: depth of its map, see `jaxprior.weights.features.load_features`.
        content_weight, pixel_weight, adversarial_weight, tv_weight: of the terms of the second stage's loss, of images
            in [-1, 1]: mean square difference of feature maps, and of pixels, the critic's term, total variation.
        loss: adversarial loss. "logistic": cross-entropy, -log D for the generator, as in the paper. "linear": 1 - D
            for the generator and 1 - D(x) + D(G) for the critic, D being the sigmoid of its score, as in the public
            code of leftthomas.
        turn: turn crops by quarters at random.
        start_from: name, file or run of a trained network that the training goes on with, see `.settled`; None begins
            with random weights.
        held_out: photographs, the last ones, that are not trained on but measured; no more than a quarter of all.
        evaluate_features: name or file of a feature network in which held-out pictures are compared, by default that of
            `features`. It decides no weight.
    """

    NO_NETWORKS: ClassVar[tuple[str, ...]] = (PIXELS,)
    start_from: str | None = setting(
        None,
        "Go on with the weights of this run or file, and with its sizes, for example with critic and content loss.",
        metavar="RUN|FILE|NAME",
        option="--from",
    )
    factor: Literal[2, 4] = network_setting(4, "How many times larger.")
    blocks: int = network_setting(16, "Residual blocks.", metavar="N", least=1)
    width: int = network_setting(64, "Feature maps.", metavar="N", least=1)
    norm: Literal["batch", "none"] = network_setting("batch", "What follows the convolutions of the blocks.")
    skip: bool = network_setting(
        False, "Add the network's answer to the bicubic enlargement.", option="--skip/--no-skip"
    )
    output: Literal["linear", "tanh"] = network_setting("linear", "Last function.")
    ending: Literal["shuffles", "direct"] = network_setting(
        "shuffles",
        "How the map becomes large: by a convolution and a pixel shuffle for each doubling, then a convolution; or by "
        "one convolution and one pixel shuffle, which is cheap.",
    )
    kernel: int = network_setting(9, "Side of the first and last kernels, odd.", metavar="N", least=1, most=15)
    critic_widths: tuple[int, ...] = network_setting(
        (64, 128, 256, 512), "The critic's feature maps before every halving, four numbers.", metavar="N,N,N,N"
    )
    critic_dense: int = 1024
    crop: int = recipe_setting(
        96, "Pixels of a side of the large crops, a multiple of 16. Photographs must have twice as many.", metavar="N"
    )
    steps: int = recipe_setting(1_000_000, "Steps with the square error.", metavar="K", least=0, rank=-1)
    adversarial_steps: int = recipe_setting(
        0, "Steps with critic and content loss after that; they want --features.", metavar="K", least=0, rank=-1
    )
    learning_rate: float = 1e-4
    adversarial_rate: float = recipe_setting(1e-4, "Learning rate of the steps with a critic.", metavar="X", least=0.0)
    beta1: float = 0.9
    schedule: Literal["paper", "cosine"] = recipe_setting("paper", "How the learning rates fall.")
    features: str | None = recipe_setting(
        None, "Feature network of the content loss (`jaxprior priors` lists them), or pixels.", metavar="NAME|FILE"
    )
    features_cut: int | None = recipe_setting(
        None, "Depth of its map: the output of features[:N]; by default its family's.", metavar="N", least=1
    )
    content_weight: float = recipe_setting(0.006, "Of the content loss.", metavar="X", least=0.0)
    pixel_weight: float = recipe_setting(0.0, "Of the square error beside it.", metavar="X", least=0.0)
    adversarial_weight: float = recipe_setting(1e-3, "Of the critic's term.", metavar="X", least=0.0)
    tv_weight: float = recipe_setting(0.0, "Of the total variation.", option="--tv-weight", metavar="X", least=0.0)
    loss: Literal["logistic", "linear"] = recipe_setting("logistic", "Adversarial loss.")
    turn: bool = recipe_setting(True, "Turn crops by quarters at random.", option="--turn/--no-turn")
    held_out: int = recipe_setting(4, "Photographs, chosen at random, that only judge.", metavar="N", least=1)
    batch_size: int = 16
    evaluate_features: str | None = recipe_setting(
        None,
        "Feature network in which held-out pictures are compared with the originals at the end of every part; by "
        "default that of --features.",
        metavar="NAME|FILE",
    )

    def __post_init__(self):
        super().__post_init__()
        check_choices(self)
        check_widths("critic_widths", self.critic_widths)
        for name in ("blocks", "width", "critic_dense", "held_out", "batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"`{name}` must be 1 or more, got {getattr(self, name)}")
        if len(self.critic_widths) != 4:
            raise ValueError(f"`critic_widths` must be four numbers, got {len(self.critic_widths)}")
        if self.kernel < 1 or self.kernel % 2 == 0:
            raise ValueError(f"`kernel` must be an odd number from 1 on, got {self.kernel}")
        if self.crop < 4 * self.factor or self.crop % HALVED:
            raise ValueError(
                f"`crop` must be a multiple of {HALVED} and at least {4 * self.factor}, 4 times the factor, got "
                f"{self.crop}"
            )
        if min(self.steps, self.adversarial_steps) < 0 or self.steps + self.adversarial_steps < 1:
            raise ValueError(
                f"`steps` and `adversarial_steps` must be 0 or more, and one of them 1, got {self.steps} and "
                f"{self.adversarial_steps}"
            )
        if not self.adversarial_rate > 0:
            raise ValueError(f"`adversarial_rate` must be a number above 0, got {self.adversarial_rate}")
        for name in ("content_weight", "pixel_weight", "adversarial_weight", "tv_weight"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"`{name}` must be a number of 0 or more, got {getattr(self, name)}")
        if self.features_cut is not None and self.features in (None, PIXELS):
            raise ValueError("`features_cut` is a depth of the network that `features` names: name one")

    @property
    def resolution(self) -> int:
        """Pixels of a side of the pieces into which photographs are cut; crops are taken out of them."""
        return 2 * self.crop

    @property
    def window(self) -> int:
        """Pixels of a side of what is cut out of a piece: a crop, and around it what its small picture depends on."""
        return self.crop + 4 * self.factor


PRESETS = {
    "narrow": SrganRecipe(
        blocks=8, width=64, norm="none", skip=True, ending="direct", kernel=3, critic_widths=(32, 64, 96, 128),
        critic_dense=256, steps=10_000, learning_rate=5e-4, schedule="cosine",
    ),
    "paper": SrganRecipe(),
}  # fmt: skip
"""Named recipes: a light network for an hour of two CPU cores, and the paper's, for a GPU."""


def restores(config: Mapping[str, Any]) -> Restores:
    """What a trained network does, from its card's table "config".

    Raises:
        KeyError, TypeError, ValueError: it describes none.

    Example:
        >>> restores({"factor": 4}).factor
        4
    """
    if (factor := config["factor"]) not in FACTORS:
        raise ValueError(f"`factor` must be 2 or 4, got {factor!r}")
    return Restores("superres", int(factor))
