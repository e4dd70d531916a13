"""Options of `jaxprior singan train`, named as the fields of its recipes."""

import dataclasses
import enum
from typing import Annotated

from jaxprior.cli.training import network_option, recipe_option


ScaleRule = enum.StrEnum("ScaleRule", ["singan", "seed002", "consingan"])
Norm = enum.StrEnum("Norm", ["batch", "instance", "affine", "none"])
Inherit = enum.StrEnum("Inherit", ["always", "same_width", "never"])
ResamplePrev = enum.StrEnum("ResamplePrev", ["step", "epoch"])
GeneratorStep = enum.StrEnum("GeneratorStep", ["recompute", "frozen", "once"])
PenaltyOf = enum.StrEnum("PenaltyOf", ["pixel", "image"])
ReconstructionNoise = enum.StrEnum("ReconstructionNoise", ["fixed", "resample", "image"])
Padding = enum.StrEnum("Padding", ["zero", "noise"])
Resize = enum.StrEnum("Resize", ["bicubic_u8", "bicubic", "bilinear_aa"])


@dataclasses.dataclass(frozen=True, kw_only=True)
class PyramidOptions:
    """Options of the pyramid and its networks, named as the recipe's fields."""

    max_size: Annotated[
        int | None, network_option("Pixels of the long side; larger pictures are shrunk.", metavar="N", least=1)
    ] = None
    min_size: Annotated[
        int | None, network_option("Pixels of the short side at the coarsest scale.", metavar="N", least=1)
    ] = None
    num_scales: Annotated[
        int | None, network_option("Scales; by default the rule's choice.", metavar="N", least=2)
    ] = None
    scale_rule: Annotated[ScaleRule | None, network_option("Which sizes they have.")] = None
    scale_factor: Annotated[
        float | None, network_option("Wanted ratio of neighbouring scales, below 1.", metavar="X", least=0.0)
    ] = None
    resize: Annotated[Resize | None, network_option("Between scales: the official one truncates to 8 bits.")] = None
    width: Annotated[int | None, network_option("Channels at the coarsest scale.", metavar="N", least=1)] = None
    width_max: Annotated[int | None, network_option("Channels that it grows to.", metavar="N", least=1)] = None
    width_growth_every: Annotated[
        int | None, network_option("Double the channels every N scales; 0: never.", metavar="N", least=0)
    ] = None
    layers: Annotated[int | None, network_option("Convolutions of a network.", metavar="N", least=1)] = None
    norm: Annotated[Norm | None, network_option("What follows the generators' convolutions.")] = None
    critic_norm: Annotated[Norm | None, network_option("The same of the critics.")] = None
    coarse_noise_channels: Annotated[
        int | None, network_option("Of the coarsest scale's noise: 1, repeated, or 3.", metavar="N")
    ] = None
    padding: Annotated[Padding | None, network_option("Around the noise: animations want noise.")] = None

    def changes(self) -> dict:
        """Fields of a recipe that were given."""
        return dataclasses.asdict(self)


@dataclasses.dataclass(frozen=True, kw_only=True)
class StepOptions:
    """Options of how a scale is trained, named as the recipe's fields."""

    steps: Annotated[int | None, recipe_option("Steps at every scale.", metavar="K", least=1)] = None
    critic_steps: Annotated[int | None, recipe_option("Of the critic in one step.", metavar="N", least=1)] = None
    generator_steps: Annotated[int | None, recipe_option("Of the generator in one.", metavar="N", least=1)] = None
    inherit: Annotated[
        Inherit | None, recipe_option("Whether a scale starts from the weights of the one below.")
    ] = None
    resample_prev: Annotated[
        ResamplePrev | None, recipe_option("Images from below for every critic step, or one for all of a step.")
    ] = None
    g_step: Annotated[
        GeneratorStep | None, recipe_option("What the generator's steps see: all anew, or gradients that are kept.")
    ] = None
    gp: Annotated[PenaltyOf | None, recipe_option("Gradient penalty of every pixel, or of the image.")] = None
    z_rec: Annotated[
        ReconstructionNoise | None, recipe_option("Coarsest noise of the reconstruction; officially drawn each step.")
    ] = None
    milestones: Annotated[
        list[float] | None,
        recipe_option("Share of the steps after which the learning rate falls; may be repeated.", "--milestone"),
    ] = None
    gamma: Annotated[float | None, recipe_option("What it is multiplied by then.", metavar="X", least=0.0)] = None
    noise_amplitude: Annotated[
        float | None, recipe_option("As a multiple of what the scales below miss.", metavar="X", least=0.0)
    ] = None
    reconstruction_weight: Annotated[
        float | None, recipe_option("Of the reconstruction's squared error.", metavar="X", least=0.0)
    ] = None
    penalty: Annotated[float | None, recipe_option("Weight of the gradient penalty.", metavar="X", least=0.0)] = None

    def changes(self) -> dict:
        """Fields of a recipe that were given."""
        given = dataclasses.asdict(self)
        return {**given, "milestones": tuple(self.milestones) if self.milestones else None}
