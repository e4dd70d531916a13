"""Recipe: progressive growing of GANs (Karras et al., ICLR 2018).

Numerics of the official code: a critic step with the generator's moving average beside it, then a generator step;
Adam(0, 0.99) whose state is zeroed whenever the network changes; images faded in over `fade_kimg`, then trained for
`train_kimg`. Two losses: WGAN-GP with drift as published, and the non-saturating one with lazy R1, which costs half.
"""

from dataclasses import dataclass, replace
from functools import partial

import jax
import jax.numpy as jnp

from jaxprior.models.pggan.networks import Critic, Generator, feature_widths, to_config
from jaxprior.models.pggan.stage import grow, make_step, reset
from jaxprior.training.evaluators import CODES, SHOWN, SlicedWasserstein
from jaxprior.training.loop import Phase
from jaxprior.training.pictures import Pictures, draw_batch
from jaxprior.training.players import copied
from jaxprior.training.recipe import Recipe
from jaxprior.training.session import Plan, settings_of


LOSSES = ("wgan-gp", "nonsaturating")


@dataclass(frozen=True, kw_only=True)
class PgganRecipe(Recipe):
    """What a PGGAN training run depends on, besides its pictures and what all depend on.

    Fields:
        resolution: final size in pixels; start_resolution: first size, 4 in the paper.
        widths: channels of the stages 4x4, 8x8, ...; None takes min(fmap_base / r, fmap_max).
        latent_dim: length of a latent code; None takes the widest layer.
        fused: fused up- and down-convolutions.
        loss: "wgan-gp" or "nonsaturating" (with lazy R1).
        train_kimg, fade_kimg: thousands of pictures a stage; final_kimg: of the last stage (None: train_kimg).
        batch_limit: (resolution, batch) pairs that cap the batch from that resolution on.
        epsilon: of Adam. final_learning_rate: reached linearly over the last stage's training (None: constant).
        penalty, drift: weights of WGAN-GP; r1_gamma (at 4 px, growing with resolution / 4 to the power r1_growth),
            r1_every: of lazy R1.
    """

    resolution: int = 64
    start_resolution: int = 4
    widths: tuple[int, ...] | None = None
    fmap_base: int = 16384
    fmap_max: int = 512
    latent_dim: int | None = None
    fused: bool = False
    loss: str = "wgan-gp"
    train_kimg: float = 600.0
    fade_kimg: float = 600.0
    final_kimg: float | None = None
    batch_size: int = 128
    batch_limit: tuple[tuple[int, int], ...] = ((32, 64), (64, 32), (128, 16), (256, 8), (512, 4))
    learning_rate: float = 1e-3
    final_learning_rate: float | None = None
    beta1: float = 0.0
    beta2: float = 0.99
    epsilon: float = 1e-8
    penalty: float = 10.0
    drift: float = 1e-3
    r1_gamma: float = 0.1
    r1_growth: float = 0.5
    r1_every: int = 16
    ema_ramp: float = 0.0

    def __post_init__(self):
        stages = len(feature_widths(self.resolution))
        if self.widths is not None and len(self.widths) != stages:
            raise ValueError(f"`widths` needs {stages} numbers for {self.resolution} pixels, got {self.widths}")
        if self.loss not in LOSSES:
            raise ValueError(f"`loss` must be one of {LOSSES}, got {self.loss!r}")
        starts = [4 << b for b in range(stages)]
        if self.start_resolution not in starts:
            raise ValueError(f"`start_resolution` must be one of {starts}, got {self.start_resolution}")

    def networks(self) -> tuple[Generator, Critic]:
        """The two networks."""
        sizes = {"fmap_base": self.fmap_base, "fmap_max": self.fmap_max}
        widths = self.widths or feature_widths(self.resolution, **sizes)
        latent = self.latent_dim or max(widths)
        shared = {"fused": self.fused, "dtype": self.dtype}
        return Generator(widths, latent, **shared), Critic(widths, **shared)

    def batch_at(self, resolution: int) -> int:
        """Pictures a step at a resolution."""
        return min([self.batch_size] + [limit for above, limit in self.batch_limit if resolution >= above])


_FAST = PgganRecipe(
    start_resolution=8, fused=True, loss="nonsaturating", batch_size=64, batch_limit=(), train_kimg=60.0,
    fade_kimg=60.0, final_kimg=240.0, learning_rate=2e-3, final_learning_rate=4e-4, ema_ramp=10.0,
)  # fmt: skip

PRESETS = {
    "paper": PgganRecipe(),
    "fast": _FAST,
    "cats32": replace(
        _FAST, resolution=32, widths=(96, 96, 64, 32), latent_dim=128, batch_size=32, train_kimg=40.0, fade_kimg=25.0,
        final_kimg=250.0, seed=1,
    ),
    "cats64": replace(
        _FAST, resolution=64, start_resolution=16, widths=(192, 256, 256, 128, 64), latent_dim=256, train_kimg=100.0,
        fade_kimg=80.0, final_kimg=2000.0, precision="bf16", seed=1,
    ),
}  # fmt: skip
"""Named recipes: "paper" is the published schedule, "fast" a short one for small data on one device, "cats32" made the
bundled prior of that name on two CPU cores, and "cats64" that one in nine minutes of a data-centre GPU, stopped after a
third of its 2.4 million pictures."""


def init_state(recipe: PgganRecipe, key: jax.Array) -> dict:
    """Start state: parameters of both networks at every stage, the generator's average, both Adam states."""
    generator, critic = recipe.networks()
    g_key, c_key = jax.random.split(key)
    g, c = generator.init_params(g_key), critic.init_params(c_key)
    return reset(recipe, {"generator": g, "critic": c, "average": copied(g)})


def phases(recipe: PgganRecipe, pictures: Pictures) -> list[Phase]:
    """The phases of a recipe: "4x4", then "8x8 fade", "8x8", and so on to the full resolution.

    Arguments:
        recipe: the recipe.
        pictures: training pictures at the recipe's resolution.
    """
    last = len(feature_widths(recipe.resolution)) - 1
    first = recipe.start_resolution.bit_length() - 3
    plan, position = [], 0
    for stage in range(first, last + 1):
        size = 4 << stage
        batch = recipe.batch_at(size)
        pixels = pictures.halved(last - stage).pixels
        train_kimg = recipe.train_kimg if stage < last or recipe.final_kimg is None else recipe.final_kimg
        fade_steps = 0 if stage == first else round(recipe.fade_kimg * 1000 / batch)
        train_steps = round(train_kimg * 1000 / batch)
        step = make_step(recipe, stage, fade_steps, train_steps if stage == last else 0)
        parts = [(f"{size}x{size} fade", fade_steps, 0, partial(grow, recipe, stage))] if fade_steps else []
        parts.append((f"{size}x{size}", train_steps, fade_steps, partial(reset, recipe)))
        for name, steps, offset, begin in parts:
            plan.append(
                Phase(
                    name=name,
                    steps=steps,
                    begin=begin,
                    step=lambda index, *args, offset=offset, step=step: step(index + offset, *args),
                    batch=partial(draw_batch, pixels, position, batch, recipe.seed),
                    images_per_step=batch,
                )
            )
            position += steps * batch
    return plan


def plan(recipe: PgganRecipe, pictures: Pictures) -> Plan:
    """Everything that `session.run` needs to train this recipe on these pictures.

    Example:
        >>> session.run(plan(PRESETS["fast"], pictures), "runs/cats", source="cats.zip")
    """
    generator, _ = recipe.networks()
    plan_phases = phases(recipe, pictures)
    stages = [_stage_of(phase) for phase in plan_phases]

    @partial(jax.jit, static_argnames="stage")
    def draw_images(params, codes, fade, *, stage: int):
        return generator.apply({"params": params}, codes, stage=stage, fade=fade)

    def sample(state, moment, codes):
        steps = plan_phases[moment.phase_number].steps
        fading = moment.phase.endswith("fade")
        fade = jnp.float32(1.0 - moment.index / steps) if fading else None
        return draw_images(state["average"], codes, fade, stage=stages[moment.phase_number])

    codes = jax.random.normal(jax.random.key(recipe.seed + 1), (CODES, generator.latent_dim))
    return Plan(
        name="pggan",
        settings=settings_of(recipe),
        phases=plan_phases,
        init=partial(init_state, recipe),
        show=lambda state, moment: sample(state, moment, codes[:SHOWN]),
        evaluator=SlicedWasserstein(sample=sample, codes=codes, pictures=pictures, seed=recipe.seed),
        export=lambda state: {"generator": state["average"], "critic": state["critic"]},
        card=lambda _state: {"architecture": "pggan", "config": to_config(generator)},
        pictures=pictures,
        seed=recipe.seed,
    )


def _stage_of(phase: Phase) -> int:
    return int(phase.name.split("x")[0]).bit_length() - 3
