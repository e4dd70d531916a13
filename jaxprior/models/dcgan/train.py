"""Recipe: least-squares GAN (Mao et al., ICCV 2017) on DCGAN's networks (Radford et al., ICLR 2016).

Adam with a small first moment for both players, a critic step, then one or more generator steps, and a moving average
of the generator. Batches of reals and of fakes are normalised apart from each other, each by its own statistics. Seed
001 trains this at 64 pixels; its prose speaks of cross-entropy and its equations of least squares, which are taken.
"""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp

from jaxprior.models.dcgan import networks as dcgan
from jaxprior.nn.norm import fold
from jaxprior.training import losses
from jaxprior.training.evaluators import CODES, SHOWN, SlicedWasserstein
from jaxprior.training.pictures import Pictures, draw_batch, to_images
from jaxprior.training.players import copied, ema, player, repeat
from jaxprior.training.recipe import Recipe, cut_into_parts
from jaxprior.training.session import Plan, settings_of
from jaxprior.training.statistics import apply_training, parted


LOSSES = {
    "lsgan": (losses.least_squares_critic, losses.least_squares_generator),
    "nonsaturating": (losses.logistic_critic, losses.nonsaturating_generator),
    "saturating": (losses.logistic_critic, losses.saturating_generator),
    "hinge": (losses.hinge_critic, losses.wasserstein_generator),
}
"""Name -> (critic's, generator's)."""

CODE_STARTS = ("uniform", "normal")


@dataclass(frozen=True, kw_only=True)
class LsganRecipe(Recipe):
    """What a training depends on, besides its pictures and what all depend on.

    Fields:
        resolution: pixels of a side, 4 times two to the number of widths.
        widths, critic_widths: channels, see `dcgan.Generator` and `dcgan.Critic`.
        latent_dim: length of a latent code; codes: drawn from "uniform", U(-1, 1), or "normal", N(0, 1).
        kernel, norm, slope, dropout: of both networks; dropout of the generator alone.
        loss: one of `LOSSES`. labels: (a, b, c) of the least-squares loss: of fakes, of reals, and aimed at.
        steps: how long. generator_steps: for every critic step.
    """

    resolution: int = 64
    widths: tuple[int, ...] = (1024, 512, 256, 128)
    critic_widths: tuple[int, ...] = (64, 128, 256, 512)
    latent_dim: int = 100
    codes: str = "uniform"
    kernel: int = 4
    norm: str = "batch"
    slope: float = 0.2
    dropout: float = 0.0
    loss: str = "lsgan"
    labels: tuple[float, float, float] = (0.0, 1.0, 1.0)
    steps: int = 100_000
    generator_steps: int = 1

    def __post_init__(self):
        if self.loss not in LOSSES:
            raise ValueError(f"`loss` must be one of {tuple(LOSSES)}, got {self.loss!r}")
        if self.codes not in CODE_STARTS:
            raise ValueError(f"`codes` must be one of {CODE_STARTS}, got {self.codes!r}")
        if self.resolution != 4 << len(self.widths):
            raise ValueError(f"{len(self.widths)} `widths` make {4 << len(self.widths)} pixels, not {self.resolution}")

    def networks(self) -> tuple[dcgan.Generator, dcgan.Critic]:
        """The two networks."""
        shared = {"kernel": self.kernel, "norm": self.norm, "slope": self.slope, "dtype": self.dtype}
        generator = dcgan.Generator(self.widths, self.latent_dim, dropout=self.dropout, **shared)
        return generator, dcgan.Critic(self.critic_widths, self.resolution, **shared)

    def draw_codes(self, key: jax.Array, count: int) -> jax.Array:
        """Latent codes [count, latent_dim]."""
        shape = (count, self.latent_dim)
        return jax.random.normal(key, shape) if self.codes == "normal" else jax.random.uniform(key, shape, minval=-1.0)


PRESETS = {
    "seed001": LsganRecipe(),
    "narrow": LsganRecipe(widths=(128, 96, 64, 32), critic_widths=(32, 64, 96, 128), steps=12_000),
}
"""Named recipes: the seed's widths and length, for a GPU, and one for an hour of two CPU cores."""


def init_state(recipe: LsganRecipe, key: jax.Array) -> dict:
    """Start state: variables of both networks (parameters and running statistics), the generator's average, Adam's."""
    adam, found = recipe.adam(), {}
    for name, network, k in zip(("generator", "critic"), recipe.networks(), jax.random.split(key), strict=True):
        variables = network.init_variables(k)
        found |= {name: variables, f"{name}_opt": adam.init(variables["params"])}
    return {**found, "average": copied(found["generator"])}


def make_step(recipe: LsganRecipe):
    """The compiled step: (index since the training began, state, uint8 pictures, key) -> (state, metrics)."""
    generator, critic = recipe.networks()
    critic_score, generator_score = LOSSES[recipe.loss]
    a, b, c = recipe.labels
    if recipe.loss == "lsgan":
        critic_score, generator_score = partial(critic_score, a=a, b=b), partial(generator_score, c=c)
    update = partial(player, optimizer=recipe.adam())

    def critic_loss(params, statistics, reals, fakes):
        real, statistics = apply_training(critic, {"params": params, **statistics}, reals)
        fake, statistics = apply_training(critic, {"params": params, **statistics}, fakes)
        loss = critic_score(real, fake)
        seen = {"critic_loss": loss, "score_real": jnp.mean(real), "score_fake": jnp.mean(fake)}
        return loss, (seen, statistics)

    def generator_loss(params, key, statistics, critic_variables, count):
        z_key, drop_key = jax.random.split(key)
        fakes, statistics = apply_training(
            generator, {"params": params, **statistics}, recipe.draw_codes(z_key, count), drop_key
        )
        loss = generator_score(apply_training(critic, critic_variables, fakes)[0])
        return loss, ({"generator_loss": loss}, statistics)

    @partial(jax.jit, donate_argnums=1)
    def step(index, state, pictures, key):
        flip_key, z_key, drop_key, *keys = jax.random.split(key, 3 + recipe.generator_steps)
        reals = to_images(pictures, flip_key if recipe.mirror else None)
        g, d = state["generator"], state["critic"]
        fakes, _ = apply_training(generator, g, recipe.draw_codes(z_key, len(reals)), drop_key)
        params, statistics = parted(d)
        params, d_opt, (seen, statistics) = update(critic_loss)(
            params, state["critic_opt"], statistics, reals, fakes
        )
        d = {"params": params, **statistics}
        params, statistics = parted(g)
        params, g_opt, (made, statistics) = repeat(
            update(generator_loss), keys, params, state["generator_opt"], statistics, d, len(reals)
        )
        g = {"params": params, **statistics}
        average = ema(state["average"], g, recipe.decay(index))
        state = {"generator": g, "critic": d, "average": average, "generator_opt": g_opt, "critic_opt": d_opt}
        return state, {**seen, **made}

    return step


def plan(recipe: LsganRecipe, pictures: Pictures) -> Plan:
    """Everything that `session.run` needs to train this recipe on these pictures."""
    generator, _ = recipe.networks()
    draw_images = jax.jit(generator.apply)
    codes = recipe.draw_codes(jax.random.key(recipe.seed + 1), CODES)
    card = {"architecture": "dcgan", "config": dcgan.to_config(*recipe.networks()), "codes": recipe.codes}

    def sample(state, _moment, codes):
        return draw_images(state["average"], codes)

    return Plan(
        name="lsgan",
        settings=settings_of(recipe),
        phases=cut_into_parts(make_step(recipe), partial(partial, draw_batch, pictures.pixels), recipe),
        init=partial(init_state, recipe),
        show=lambda state, moment: sample(state, moment, codes[:SHOWN]),
        evaluator=SlicedWasserstein(sample=sample, codes=codes, pictures=pictures, seed=recipe.seed),
        export=lambda state: {"generator": fold(state["average"]), "critic": fold(state["critic"])},
        card=lambda _state: card,
        pictures=pictures,
        seed=recipe.seed,
    )
