"""The settings of a SinGAN training and named choices of them (Shaham et al., ICCV 2019). Nothing here imports JAX.

The fields of a dataclass stand in the order of `run.json`; `rank` puts their options in the order of the help.
"""

from dataclasses import dataclass, replace
from typing import Literal

from jaxprior.settings import check_choices
from jaxprior.training.settings import Essentials, network_setting, recipe_setting


KERNEL = 3
"""Side of the kernels of all networks that are trained here."""

MAX_LAYERS = 32
"""Most convolutions of a network: a file that asks for billions must not keep the reader busy."""

ScaleRule = Literal["singan", "seed002", "consingan", "consingan_geometric"]
"""How the sizes of the scales are found, see `jaxprior.models.singan.pyramid`."""

Resize = Literal["bicubic_u8", "bicubic", "bilinear_aa"]
"""How images are resized between scales: the official way, which goes through 8 bits and clips; the same without these;
antialiased bilinear as Pillow and TensorFlow do it."""

Norm = Literal["batch", "instance", "affine", "none"]
"""What may follow a convolution, see `jaxprior.models.singan.networks.PatchNetwork`."""

Padding = Literal["zero", "noise"]
"""What is put around the noise."""


@dataclass(frozen=True, kw_only=True)
class PyramidRecipe(Essentials):
    """What every training on the scales of one picture depends on, besides the picture and the networks.

    Every scale is a phase of equally many steps. A step is some updates of a Wasserstein critic with a gradient penalty
    and some of a generator, which also learns to reconstruct the picture.

    Fields:
        scale_rule, num_scales, min_size, max_size, scale_factor: of the pyramid, see `singan.plan_scales`.
        resize: how images are resized between the scales.
        noise_amplitude: amplitude of a scale's noise, as a multiple of the error of what is reconstructed without it.
        reconstruction_weight, penalty: weights of the reconstruction's squared error and of the gradient penalty.
        critic_steps, generator_steps: updates of each network in one step.
        steps: number of steps at every scale.
        milestones, gamma: the learning rate is multiplied by gamma after each of these shares of the steps.
    """

    scale_rule: ScaleRule = network_setting("singan", "Which sizes they have.", rank=-10)
    num_scales: int | None = network_setting(
        None, "Scales; by default the rule's choice.", metavar="N", least=2, rank=-11
    )
    min_size: int = network_setting(
        25, "Pixels of the short side at the coarsest scale.", metavar="N", least=1, rank=-12
    )
    max_size: int = network_setting(
        250, "Pixels of the long side; larger pictures are shrunk.", metavar="N", least=1, rank=-13
    )
    scale_factor: float = network_setting(
        0.75, "Wanted ratio of neighbouring scales, below 1.", metavar="X", least=0.0, rank=-10
    )
    resize: Resize = network_setting(
        "bicubic_u8", "Between scales: the official one truncates to 8 bits.", rank=-10, verbatim=True
    )
    noise_amplitude: float = recipe_setting(
        0.1, "As a multiple of what the scales below miss.", metavar="X", least=0.0, rank=-14
    )
    reconstruction_weight: float = recipe_setting(
        10.0, "Of the reconstruction's squared error.", metavar="X", least=0.0, rank=-14
    )
    penalty: float = recipe_setting(0.1, "Weight of the gradient penalty.", metavar="X", least=0.0, rank=-14)
    critic_steps: int = recipe_setting(3, "Of the critic in one step.", metavar="N", least=1, rank=-18)
    generator_steps: int = recipe_setting(3, "Of the generator in one.", metavar="N", least=1, rank=-17)
    steps: int = recipe_setting(2000, "Steps at every scale.", metavar="K", least=1, rank=-19)
    milestones: tuple[float, ...] = recipe_setting(
        (0.8,), "Share of the steps after which the learning rate falls; may be repeated.",
        option="--milestone", rank=-15, repeated=True,
    )  # fmt: skip
    gamma: float = recipe_setting(0.1, "What it is multiplied by then.", metavar="X", least=0.0, rank=-15)
    learning_rate: float = 5e-4

    def __post_init__(self):
        super().__post_init__()
        check_choices(self)
        self.check_counts("steps", "critic_steps", "generator_steps")
        if not all(0 < share < 1 for share in self.milestones):
            raise ValueError(f"`milestones` must be shares of the steps between 0 and 1, got {self.milestones}")

    def check_counts(self, *names: str) -> None:
        """Refuse counts below 1.

        Raises:
            ValueError: it names the field.
        """
        for name in names:
            if getattr(self, name) < 1:
                raise ValueError(f"`{name}` must be at least 1, got {getattr(self, name)}")

    @property
    def patch(self) -> int:
        """Side of the patches that the critic sees, in pixels."""
        raise NotImplementedError

    def share(self, index):
        """By what the learning rate is multiplied at step `index` of a scale. The index may be a traced array."""
        passed = sum((index >= milestone * self.steps) * 1.0 for milestone in self.milestones)
        return self.gamma**passed


@dataclass(frozen=True, kw_only=True)
class SinganRecipe(PyramidRecipe):
    """What a SinGAN training depends on, besides its picture.

    Fields:
        width: channels at the coarsest scale, doubled every `width_growth_every` scales (None or 0: never), up to
            `width_max`.
        layers, norm, critic_norm: of the networks, see `jaxprior.models.singan.networks.PatchNetwork`.
        inherit: a scale starts from the weights below "always", if it has the "same_width", or "never".
        resample_prev: images from below are drawn for every critic update ("step"), or one for all of a step ("epoch").
        g_step: what the generator's updates of one step see. "recompute": everything anew each time; "frozen": the
            gradient of the critic's scores is that of the first, and only the reconstruction's is computed anew, which
            is what the official code's retained graph amounts to, but for the weights within it; "once": the first
            gradient every time (ConSinGAN's code).
        gp: the penalty is of each "pixel"'s gradient norm, or of the whole "image"'s.
        z_rec: the coarsest noise of the reconstruction is "fixed", or drawn again at every step and the last one kept
            ("resample", as the official code does), or it is the "image" itself at that scale (ConSinGAN).
        coarse_noise_channels: 1 (repeated over all channels) or 3.
        padding: what is put around the noise: "zero", or "noise" (official for animations). Around images there are
            always zeros.
    """

    width: int = network_setting(32, "Channels at the coarsest scale.", metavar="N", least=1, rank=-9)
    width_growth_every: int | None = network_setting(
        4, "Double the channels every N scales; 0: never.", metavar="N", least=0, rank=-7
    )
    width_max: int = network_setting(128, "Channels that it grows to.", metavar="N", least=1, rank=-8)
    layers: int = network_setting(5, "Convolutions of a network.", metavar="N", least=1, rank=-7)
    norm: Norm = network_setting("batch", "What follows the generators' convolutions.", rank=-7)
    critic_norm: Norm = network_setting("batch", "The same of the critics.", rank=-7)
    inherit: Literal["always", "same_width", "never"] = recipe_setting(
        "same_width", "Whether a scale starts from the weights of the one below.", rank=-16, verbatim=True
    )
    resample_prev: Literal["step", "epoch"] = recipe_setting(
        "step", "Images from below for every critic step, or one for all of a step.", rank=-16
    )
    g_step: Literal["recompute", "frozen", "once"] = recipe_setting(
        "recompute", "What the generator's steps see: all anew, or gradients that are kept.", rank=-16
    )
    gp: Literal["pixel", "image"] = recipe_setting(
        "pixel", "Gradient penalty of every pixel, or of the image.", rank=-16
    )
    z_rec: Literal["fixed", "resample", "image"] = recipe_setting(
        "resample", "Coarsest noise of the reconstruction; officially drawn each step.", rank=-16
    )
    coarse_noise_channels: Literal[1, 3] = network_setting(
        1, "Of the coarsest scale's noise: 1, repeated, or 3.", metavar="N", rank=-7
    )
    padding: Padding = network_setting("zero", "Around the noise: animations want noise.", rank=-7)

    def __post_init__(self):
        super().__post_init__()
        self.check_counts("width", "width_max")
        if not 2 <= self.layers <= MAX_LAYERS:
            raise ValueError(f"`layers` must be from 2 to {MAX_LAYERS}, got {self.layers}")
        if self.inherit == "always" and self.width_growth_every:
            raise ValueError("`inherit` cannot be always where the width grows: take same_width")
        if self.z_rec == "image" and self.padding == "noise":
            raise ValueError("`z_rec` cannot be image where the padding is noise: an image has none around it")

    def width_at(self, scale: int) -> int:
        """Number of channels at a scale."""
        grown = scale // self.width_growth_every if self.width_growth_every else 0
        return max(min(self.width << grown, self.width_max), self.width)

    @property
    def margin(self) -> int:
        """Pixels that the convolutions of a network take away on each side."""
        return self.layers * (KERNEL - 1) // 2

    @property
    def noise_margin(self) -> int:
        """Pixels of noise around an image's own, on each side."""
        return self.margin if self.padding == "noise" else 0

    @property
    def patch(self) -> int:
        """Side of the patches that the critic sees, in pixels."""
        return 2 * self.margin + 1


_OFFICIAL = SinganRecipe()
PRESETS = {
    "singan": _OFFICIAL,
    "seed002": SinganRecipe(
        scale_rule="seed002", width_growth_every=None, inherit="always", resample_prev="epoch", z_rec="fixed",
        coarse_noise_channels=3, resize="bilinear_aa",
    ),
    "superres": replace(_OFFICIAL, min_size=18, scale_factor=0.5 ** (1 / 3), reconstruction_weight=100.0),
    "animate": replace(_OFFICIAL, min_size=20, padding="noise"),
}  # fmt: skip
"""Named settings: the official code's; those of a tutorial, which is this project's seed 002; and the official code's
for models that enlarge their picture ("superres") or are animated."""

SPECIAL = ("superres", "animate")
"""Presets for one application each; the help lists them after those for drawing images."""
