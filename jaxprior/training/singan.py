"""Recipe: SinGAN, a pyramid of patch GANs on one picture (Shaham et al., ICCV 2019).

Every scale is a phase: the scales below are frozen, the new one inherits their weights, its noise gets as strong as
what the scales below cannot reconstruct, and Adam starts afresh. The official code reuses the last critic step's fake
in all generator steps although the weights change in between, which no current PyTorch allows; here it is made anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from jaxprior import singan as pyramids
from jaxprior.errors import ImageError
from jaxprior.models.singan import NORMS, Critic, Generator
from jaxprior.singan import SinGan, stored
from jaxprior.training.data import Pictures
from jaxprior.training.judges import SinglePicture
from jaxprior.training.loop import Moment, Phase
from jaxprior.training.recipe import Essentials
from jaxprior.training.session import Plan, settings_of
from jaxprior.training.singan_scale import make_step
from jaxprior.training.singan_state import assemble, begin_scale, init_state


CHOICES = {
    "scale_rule": ("singan", "seed002", "consingan"),
    "norm": NORMS,
    "critic_norm": NORMS,
    "inherit": ("always", "same_width", "never"),
    "resample_prev": ("epoch", "step"),
    "z_rec": ("fixed", "resample"),
    "coarse_noise_channels": (1, 3),
    "resize": pyramids.RESIZES,
}
"""Legal values of a recipe's fields."""

SAMPLES = 16


@dataclass(frozen=True, kw_only=True)
class SinganRecipe(Essentials):
    """What a SinGAN training depends on, besides its picture and what all depend on.

    Fields:
        scale_rule, num_scales, min_size, max_size: of the pyramid, see `jaxprior.singan.plan_scales`.
        resize: between scales, one of `jaxprior.singan.RESIZES`.
        width: channels at the coarsest scale, doubled every `width_growth_every` scales (None or 0: never), up to
            `width_max`.
        layers, norm, critic_norm: of the networks, see `jaxprior.models.singan.PatchNetwork`.
        inherit: a scale starts from the weights below "always", if it has the "same_width", or "never".
        resample_prev: images from below are drawn for every critic update ("step"), or one for all of a step ("epoch").
        z_rec: the coarsest noise of the reconstruction is "fixed", or drawn again at every step and the last one kept
            ("resample", as the official code does).
        coarse_noise_channels: 1 (repeated over all channels) or 3.
        noise_amplitude: of a scale, as a multiple of the error of the enlarged reconstruction.
        reconstruction_weight, penalty: of the losses.
        critic_steps, generator_steps: updates a step. steps: at every scale.
        milestone, gamma: the learning rate is multiplied by gamma after this share of the steps.
    """

    scale_rule: str = "singan"
    num_scales: int | None = None
    min_size: int = 25
    max_size: int = 250
    resize: str = "bicubic_u8"
    width: int = 32
    width_growth_every: int | None = 4
    width_max: int = 128
    layers: int = 5
    norm: str = "batch"
    critic_norm: str = "batch"
    inherit: str = "same_width"
    resample_prev: str = "step"
    z_rec: str = "resample"
    coarse_noise_channels: int = 1
    noise_amplitude: float = 0.1
    reconstruction_weight: float = 10.0
    penalty: float = 0.1
    critic_steps: int = 3
    generator_steps: int = 3
    steps: int = 2000
    milestone: float = 0.8
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

    def width_at(self, scale: int) -> int:
        """Channels at a scale."""
        grown = scale // self.width_growth_every if self.width_growth_every else 0
        return max(min(self.width << grown, self.width_max), self.width)

    def networks(self, scale: int) -> tuple[Generator, Critic]:
        """The two networks of a scale."""
        width = self.width_at(scale)
        shared = {"width": width, "least_width": width, "layers": self.layers, "dtype": self.dtype}
        return Generator(norm=self.norm, **shared), Critic(norm=self.critic_norm, **shared)

    def scales(self, height: int, width: int) -> pyramids.Plan:
        """The pyramid of a picture; see `jaxprior.singan.plan_scales` for its errors."""
        found = pyramids.plan_scales(
            height, width, rule=self.scale_rule, num_scales=self.num_scales, min_size=self.min_size,
            max_size=self.max_size,
        )  # fmt: skip
        patch = 2 * self.networks(0)[0].margin + 1
        if min(found.sizes[0]) < patch:
            h, w = found.sizes[0]
            raise ValueError(f"the coarsest scale of {h}x{w} is smaller than a patch of {patch}: raise `min_size`")
        return found


PRESETS = {
    "singan": SinganRecipe(),
    "seed002": SinganRecipe(
        scale_rule="seed002", width_growth_every=None, inherit="always", resample_prev="epoch", z_rec="fixed",
        coarse_noise_channels=3, resize="bilinear_aa",
    ),
}  # fmt: skip
"""Named recipes: the official code's options, and those of the tutorial that is this project's seed 002."""


def plan(recipe: SinganRecipe, pictures: Pictures) -> Plan:
    """Everything that `session.run` needs to train this recipe on one picture.

    Raises:
        ValueError: the picture has no such pyramid; or there are several pictures.

    Example:
        >>> session.run(plan(PRESETS["singan"], Pictures(pixels[None])), "runs/balloons", source="balloons.png")
    """
    if len(pictures) != 1:
        raise ImageError(f"a SinGAN is trained on one picture, got {len(pictures)}")
    pixels = pictures.pixels[0]
    scales = recipe.scales(*pixels.shape[:2])
    reals = pyramids.build_pyramid(pixels, scales, method=recipe.resize)
    trained = partial(_trained, recipe, scales, reals)

    def sample(state: dict, _moment: Moment) -> jax.Array:
        return pyramids.draw(trained(state), jax.random.key(recipe.seed + 1), count=SAMPLES)

    return Plan(
        name="singan",
        settings=settings_of(recipe),
        phases=[_phase(recipe, scales, reals, n) for n in range(len(reals))],
        init=partial(init_state, recipe, scales),
        show=sample,
        judge=SinglePicture(
            sample=sample,
            remake=lambda state, _moment: pyramids.reconstruct(trained(state))[-1][0],
            picture=lambda moment: reals[moment.phase_number],
        ),
        export=lambda state: stored.to_params(trained(state)),
        card=lambda state: {"architecture": stored.ARCHITECTURE, "config": stored.to_config(trained(state))},
        at_rest=np.float32,  # small networks; the resize truncates, which tells a rounding error from a whole level
        pictures=pictures,
        seed=recipe.seed,
    )


def _phase(recipe: SinganRecipe, scales: pyramids.Plan, reals: Sequence[np.ndarray], scale: int) -> Phase:
    """Training of one scale."""
    name, compiled = f"scale{scale}", make_step(recipe, scale)
    picture = jnp.asarray(reals[scale][None])

    def below(state: dict) -> SinGan | None:
        return assemble(recipe, scales, state, scale, reals[scale - 1]) if scale else None

    def step(index, state, picture, key):
        own = {"scale": state[name], "adam": state["adam"][name]}
        own, seen = compiled(index, own, below(state), picture, key)
        return {**state, name: own["scale"], "adam": {**state["adam"], name: own["adam"]}}, seen

    return Phase(
        name=f"scale {scale} of 0 to {len(reals) - 1}",
        steps=recipe.steps,
        begin=lambda state: begin_scale(recipe, below(state), scale, picture, state),
        step=step,
        batch=lambda _index: picture,
        images_per_step=1,
    )


def _trained(recipe: SinganRecipe, scales: pyramids.Plan, reals: Sequence[np.ndarray], state: dict) -> SinGan:
    """The scales that are trained or in training."""
    newest = int(state["scale"])
    return assemble(recipe, scales, state, newest + 1, reals[newest])
