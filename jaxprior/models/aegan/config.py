"""Settings of an AEGAN's training, and named choices of them. No JAX is imported here."""

from dataclasses import dataclass
from typing import Literal

from jaxprior.models.pggan.config import feature_widths
from jaxprior.settings import check_choices, setting
from jaxprior.training.settings import GeneratorSettings, check_widths, network_setting, recipe_setting


@dataclass(frozen=True, kw_only=True)
class AeganRecipe(GeneratorSettings):
    """What a training depends on, besides its pictures and what all trainings depend on.

    Fields:
        resolution: pixels of a side, a power of two from 8 to 1024. Nothing grows: it is trained at this size alone.
        widths: feature maps of generator and critic at 4x4, 8x8, ...; None takes min(16384 / r, 512).
        latent_dim: length of a latent code, which is also what the encoder says; None takes the widest layer.
        image_channels: 3, or 1 for grey pictures, which are the luma of those that are given.
        fused: compute up- and down-sampling and the convolution beside it as one convolution.
        encoder_width: feature maps of the encoder's first level, f of the paper's Table 1.
        reconstruction: weight of the mean squared error of pictures that are made again of their codes.
        divergence: weight of the divergence of the encoder's codes from N(0, I), in nats for each number of a code.
        adversarial: weight of the adversarial loss of generated pictures. The paper states none of these three.
        r1_gamma: weight of R1 at 4x4 pixels; it grows with the root of the resolution, as that of a PGGAN.
        r1_every: steps from one R1 penalty to the next, which counts for all of them.
        steps: how long.
        learning_rate: of all three networks; it changes linearly to final_learning_rate over all steps.
        held_out: pictures at the end that are not trained on but reconstructed; no more than a quarter of all.
        beta1, beta2, epsilon: of Adam.
    """

    resolution: int = setting(
        32, "Pixels of a side, a power of two from 8 to 1024; by default the preset's.", metavar="R"
    )
    reconstruction: float = recipe_setting(
        40.0, "Weight of the mean squared error of pictures that are made again of their codes.", metavar="X", least=0.0
    )
    divergence: float = recipe_setting(
        1.0,
        "Weight of the divergence of the encoder's codes from N(0, I), in nats for each number of a code.",
        metavar="X",
        least=0.0,
    )
    adversarial: float = recipe_setting(
        1.0, "Weight of the adversarial loss of generated pictures.", metavar="X", least=0.0
    )
    r1_gamma: float = recipe_setting(
        0.1, "Weight of the gradient penalty R1 at 4x4 pixels; it grows with the root of the resolution.",
        option="--r1", metavar="X", least=0.0,
    )  # fmt: skip
    r1_every: int = 16
    widths: tuple[int, ...] | None = network_setting(
        None, "Feature maps of generator and critic at 4x4, 8x8, ..., for example 96,64,48,32.", metavar="N,N,..."
    )
    latent_dim: int | None = network_setting(
        None, "Length of a latent code; by default the widest layer.", metavar="N", least=1
    )
    encoder_width: int = network_setting(32, "Feature maps of the encoder's first level.", metavar="N", least=1)
    image_channels: Literal[1, 3] = network_setting(
        3, "Channels of the pictures: 3, or 1 for their brightness alone.", option="--channels"
    )
    fused: bool = network_setting(False, "Fused up- and down-convolutions.", option="--fused/--plain")
    held_out: int = recipe_setting(
        64, "The last N pictures are not trained on; their reconstructions are measured.", metavar="N", least=1
    )
    steps: int = recipe_setting(200_000, "Length of the training in steps.", metavar="K", least=1, rank=-1)
    learning_rate: float = 1e-3
    final_learning_rate: float = recipe_setting(
        1e-4, "Learning rate reached at the end.", option="--final-lr", metavar="X", least=0.0
    )
    beta1: float = 0.0
    beta2: float = 0.99
    epsilon: float = 1e-8

    def __post_init__(self):
        super().__post_init__()
        check_widths("widths", self.widths)
        check_choices(self)
        stages = len(feature_widths(self.resolution))
        if self.widths is not None and len(self.widths) != stages:
            raise ValueError(f"`widths` needs {stages} numbers for {self.resolution} pixels, got {self.widths}")
        for name in ("latent_dim", "encoder_width", "r1_every", "held_out", "steps"):
            if getattr(self, name) is not None and getattr(self, name) < 1:
                raise ValueError(f"`{name}` must be 1 or more, got {getattr(self, name)}")
        for name in ("reconstruction", "divergence", "adversarial", "r1_gamma", "final_learning_rate"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise ValueError(f"`{name}` must be a number of 0 or more, got {getattr(self, name)}")

    @property
    def gamma(self) -> float:
        """The weight of R1 at the resolution."""
        return self.r1_gamma * (self.resolution / 4) ** 0.5


PRESETS = {
    "small": AeganRecipe(widths=(96, 64, 48, 32), latent_dim=128, fused=True, steps=4_700),
    "paper": AeganRecipe(resolution=128, latent_dim=512, batch_size=16),
}
"""Named recipes: "small" shows 150 thousand pictures of 32 pixels, for CPU cores; "paper" has networks of the paper's
size, for a GPU. The paper states neither the weights of the losses nor the length."""
