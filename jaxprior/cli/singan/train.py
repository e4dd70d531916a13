"""`jaxprior singan train`."""

import dataclasses
import enum
from pathlib import Path
from typing import Annotated

import typer

from jaxprior.cli.console import mistakes, say
from jaxprior.cli.signature import spelled_out
from jaxprior.cli.singan.growing import GrowingOptions
from jaxprior.cli.train import shared
from jaxprior.cli.train.shared import RunOptions, changed, network_option, recipe_option


SinganPreset = enum.StrEnum("SinganPreset", ["singan", "seed002", "consingan", "superres", "animate"])
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
    layers: Annotated[int | None, network_option("Convolutions of a network.", metavar="N", least=2)] = None
    norm: Annotated[Norm | None, network_option("What follows the generators' convolutions.")] = None
    critic_norm: Annotated[Norm | None, network_option("The same of the critics.")] = None
    coarse_noise_channels: Annotated[
        int | None, network_option("Of the coarsest scale's noise: 1, repeated, or 3.", metavar="N")
    ] = None
    padding: Annotated[Padding | None, network_option("Around the noise: animations want noise.")] = None

    def changes(self) -> dict:
        """Fields of a recipe that were given."""
        return dataclasses.asdict(self)


@spelled_out
def train(
    picture: Annotated[Path, typer.Argument(help="The picture.", metavar="PICTURE")],
    *,
    preset: Annotated[
        SinganPreset,
        typer.Option(help="Recipe to start from: official, a tutorial's, ConSinGAN's, or to enlarge or animate."),
    ] = SinganPreset.singan,
    steps: Annotated[int | None, recipe_option("Steps at every scale.", metavar="K", least=1)] = None,
    critic_steps: Annotated[int | None, recipe_option("Of the critic in one step.", metavar="N", least=1)] = None,
    generator_steps: Annotated[int | None, recipe_option("Of the generator in one.", metavar="N", least=1)] = None,
    inherit: Annotated[
        Inherit | None, recipe_option("Whether a scale starts from the weights of the one below.")
    ] = None,
    resample_prev: Annotated[
        ResamplePrev | None, recipe_option("Images from below for every critic step, or one for all of a step.")
    ] = None,
    g_step: Annotated[
        GeneratorStep | None, recipe_option("What the generator's steps see: all anew, or gradients that are kept.")
    ] = None,
    gp: Annotated[PenaltyOf | None, recipe_option("Gradient penalty of every pixel, or of the image.")] = None,
    z_rec: Annotated[
        ReconstructionNoise | None, recipe_option("Coarsest noise of the reconstruction; officially drawn each step.")
    ] = None,
    milestones: Annotated[
        list[float] | None,
        recipe_option("Share of the steps after which the learning rate falls; may be repeated.", "--milestone"),
    ] = None,
    gamma: Annotated[float | None, recipe_option("What it is multiplied by then.", metavar="X", least=0.0)] = None,
    noise_amplitude: Annotated[
        float | None, recipe_option("As a multiple of what the scales below miss.", metavar="X", least=0.0)
    ] = None,
    reconstruction_weight: Annotated[
        float | None, recipe_option("Of the reconstruction's squared error.", metavar="X", least=0.0)
    ] = None,
    penalty: Annotated[float | None, recipe_option("Weight of the gradient penalty.", metavar="X", least=0.0)] = None,
    pyramid: PyramidOptions,
    growing: GrowingOptions,
    training: RunOptions,
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
    ```
    """
    import numpy as np

    from jaxprior import images
    from jaxprior.training import consingan, singan
    from jaxprior.training.data import Pictures

    changes = {
        **training.changes(), **pyramid.changes(), **growing.changes(),
        "steps": steps, "critic_steps": critic_steps, "generator_steps": generator_steps, "inherit": inherit,
        "resample_prev": resample_prev, "g_step": g_step,
        "gp": gp, "z_rec": z_rec, "milestones": tuple(milestones) if milestones else None, "gamma": gamma,
        "noise_amplitude": noise_amplitude, "reconstruction_weight": reconstruction_weight, "penalty": penalty,
    }  # fmt: skip
    recipes = consingan if preset.value in consingan.PRESETS else singan
    recipe = changed(recipes.PRESETS[preset.value], changes)
    pixels = images.load_image(picture)
    with mistakes():
        plan = recipes.plan(recipe, Pictures(np.asarray(pixels)[None]))
        sizes = recipe.scales(*pixels.shape[:2]).sizes
    say(f"{len(sizes)} scales of {picture}: {', '.join(f'{w}x{h}' for h, w in sizes)}")
    shared.train(plan, training, str(picture), use="jaxprior singan sample -o samples", after=_report)


def _report(run: Path) -> None:
    """Write the run's page, and say where it is."""
    from jaxprior.evaluation import write_training_report

    say(f"report: {write_training_report(run)}")
