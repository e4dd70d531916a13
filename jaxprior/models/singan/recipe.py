"""What a SinGAN training depends on, and named choices of it (Shaham et al., ICCV 2019)."""

from dataclasses import dataclass, replace

from jaxprior.models.singan.networks import MAX_LAYERS, NORMS, Critic, Generator
from jaxprior.models.singan.pyramid_recipe import PyramidRecipe
from jaxprior.models.singan.stored import PADDINGS
from jaxprior.training.recipe import dtype_of


CHOICES = {
    "norm": NORMS,
    "critic_norm": NORMS,
    "inherit": ("always", "same_width", "never"),
    "resample_prev": ("epoch", "step"),
    "g_step": ("recompute", "frozen", "once"),
    "gp": ("pixel", "image"),
    "z_rec": ("fixed", "resample", "image"),
    "coarse_noise_channels": (1, 3),
    "padding": PADDINGS,
}
"""Legal values of a recipe's fields."""


@dataclass(frozen=True, kw_only=True)
class SinganRecipe(PyramidRecipe):
    """What a SinGAN training depends on, besides its picture and what all on a picture's scales depend on.

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
        padding: around the noise, "zero" or "noise" (official for animations). Images get zeros always.
    """

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

    def __post_init__(self):
        super().__post_init__()
        self.check_choices(CHOICES)
        self.check_counts("width", "width_max")
        if not 2 <= self.layers <= MAX_LAYERS:
            raise ValueError(f"`layers` must be from 2 to {MAX_LAYERS}, got {self.layers}")
        if self.inherit == "always" and self.width_growth_every:
            raise ValueError("`inherit` cannot be always where the width grows: take same_width")
        if self.z_rec == "image" and self.padding == "noise":
            raise ValueError("`z_rec` cannot be image where the padding is noise: an image has none around it")

    def width_at(self, scale: int) -> int:
        """Channels at a scale."""
        grown = scale // self.width_growth_every if self.width_growth_every else 0
        return max(min(self.width << grown, self.width_max), self.width)

    def networks(self, scale: int) -> tuple[Generator, Critic]:
        """The two networks of a scale."""
        width = self.width_at(scale)
        shared = {"width": width, "least_width": width, "layers": self.layers, "dtype": dtype_of(self)}
        return Generator(norm=self.norm, **shared), Critic(norm=self.critic_norm, **shared)

    @property
    def noise_margin(self) -> int:
        """Pixels of noise around an image's own, on each side."""
        return self.networks(0)[0].margin if self.padding == "noise" else 0

    @property
    def patch(self) -> int:
        """Side of the patches that the critic sees, in pixels."""
        return 2 * self.networks(0)[1].margin + 1


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
