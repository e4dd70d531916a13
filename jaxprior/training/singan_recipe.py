"""What a SinGAN training depends on, and named choices of it (Shaham et al., ICCV 2019)."""

from dataclasses import dataclass, replace

from jaxprior import singan as pyramids
from jaxprior.models.singan import NORMS, Critic, Generator
from jaxprior.singan.stored import PADDINGS
from jaxprior.training.recipe import Essentials


CHOICES = {
    "scale_rule": ("singan", "seed002", "consingan"),
    "norm": NORMS,
    "critic_norm": NORMS,
    "inherit": ("always", "same_width", "never"),
    "resample_prev": ("epoch", "step"),
    "g_step": ("recompute", "frozen", "once"),
    "gp": ("pixel", "image"),
    "z_rec": ("fixed", "resample", "image"),
    "coarse_noise_channels": (1, 3),
    "padding": PADDINGS,
    "resize": pyramids.RESIZES,
}
"""Legal values of a recipe's fields."""

@dataclass(frozen=True, kw_only=True)
class SinganRecipe(Essentials):
    """What a SinGAN training depends on, besides its picture and what all depend on.

    Fields:
        scale_rule, num_scales, min_size, max_size, scale_factor: of the pyramid, see `jaxprior.singan.plan_scales`.
        resize: between scales, one of `jaxprior.singan.RESIZES`.
        width: channels at the coarsest scale, doubled every `width_growth_every` scales (None or 0: never), up to
            `width_max`.
        layers, norm, critic_norm: of the networks, see `jaxprior.models.singan.PatchNetwork`.
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
        padding: around the noise, "zero" or "noise" (official for animations). Images get zeros always.
        noise_amplitude: of a scale, as a multiple of the error of the enlarged reconstruction.
        reconstruction_weight, penalty: of the losses.
        critic_steps, generator_steps: updates a step. steps: at every scale.
        milestones, gamma: the learning rate is multiplied by gamma after each of these shares of the steps.
    """

    scale_rule: str = "singan"
    num_scales: int | None = None
    min_size: int = 25
    max_size: int = 250
    scale_factor: float = 0.75
    resize: str = "bicubic_u8"
    width: int = 32
    width_growth_every: int | None = 4
    width_max: int = 128
    layers: int = 5
    norm: str = "batch"
    critic_norm: str = "batch"
    inherit: str = "same_width"
    resample_prev: str = "step"
    g_step: str = "recompute"
    gp: str = "pixel"
    z_rec: str = "resample"
    coarse_noise_channels: int = 1
    padding: str = "zero"
    noise_amplitude: float = 0.1
    reconstruction_weight: float = 10.0
    penalty: float = 0.1
    critic_steps: int = 3
    generator_steps: int = 3
    steps: int = 2000
    milestones: tuple[float, ...] = (0.8,)
    gamma: float = 0.1
    learning_rate: float = 5e-4

    def __post_init__(self):
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                raise ValueError(f"`{name}` must be one of {known}, got {getattr(self, name)!r}")
        for name in ("steps", "critic_steps", "generator_steps", "width", "width_max"):
            if getattr(self, name) < 1:
                raise ValueError(f"`{name}` must be at least 1, got {getattr(self, name)}")
        if not 2 <= self.layers <= 32:
            raise ValueError(f"`layers` must be from 2 to 32, got {self.layers}")
        if self.inherit == "always" and self.width_growth_every:
            raise ValueError("`inherit` cannot be always where the width grows: take same_width")
        if not all(0 < share < 1 for share in self.milestones):
            raise ValueError(f"`milestones` must be shares of the steps between 0 and 1, got {self.milestones}")
        if self.z_rec == "image" and self.padding == "noise":
            raise ValueError("`z_rec` cannot be image where the padding is noise: an image has none around it")

    def width_at(self, scale: int) -> int:
        """Channels at a scale."""
        grown = scale // self.width_growth_every if self.width_growth_every else 0
        return max(min(self.width << grown, self.width_max), self.width)

    def networks(self, scale: int) -> tuple[Generator, Critic]:
        """The two networks of a scale."""
        width = self.width_at(scale)
        shared = {"width": width, "least_width": width, "layers": self.layers, "dtype": self.dtype}
        return Generator(norm=self.norm, **shared), Critic(norm=self.critic_norm, **shared)

    @property
    def noise_margin(self) -> int:
        """Pixels of noise around an image's own, on each side."""
        return self.networks(0)[0].margin if self.padding == "noise" else 0

    def share(self, index):
        """Of the learning rate at a step, which may be traced."""
        passed = sum((index >= milestone * self.steps) * 1.0 for milestone in self.milestones)
        return self.gamma**passed

    def scales(self, height: int, width: int) -> pyramids.Plan:
        """The pyramid of a picture; see `jaxprior.singan.plan_scales` for its errors."""
        found = pyramids.plan_scales(
            height, width, rule=self.scale_rule, num_scales=self.num_scales, min_size=self.min_size,
            max_size=self.max_size, scale_factor=self.scale_factor,
        )  # fmt: skip
        patch = 2 * self.networks(0)[0].margin + 1
        if min(found.sizes[0]) < patch:
            h, w = found.sizes[0]
            raise ValueError(f"the coarsest scale of {h}x{w} is smaller than a patch of {patch}: raise `min_size`")
        return found


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
"""Named recipes: the official code's; that of a tutorial, which is this project's seed 002; and the official code's for
models that enlarge their picture ("superres") or are animated."""
