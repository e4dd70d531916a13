"""Recipe: least-squares GAN (Mao et al., ICCV 2017) on DCGAN's networks (Radford et al., ICLR 2016).

Adam with a small first moment for both players, a critic step, then one or more generator steps, and a moving average
of the generator. Batches of reals and of fakes are normalised apart from each other, each by its own statistics. Seed
001 trains this at 64 pixels; its prose speaks of cross-entropy and its equations of least squares, which are taken.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from jaxprior.models.dcgan import networks as dcgan
from jaxprior.models.dcgan.config import LsganRecipe
from jaxprior.nn.norm import fold
from jaxprior.system.devices import default_platform
from jaxprior.training import losses
from jaxprior.training.evaluators import CODES, SHOWN, SlicedWasserstein
from jaxprior.training.feature_distances import evaluation_network
from jaxprior.training.pictures import Pictures, draw_batch, to_images
from jaxprior.training.players import adam_start, copied, ema, player, repeat
from jaxprior.training.recipe import adam, average_decay, cut_into_parts, dtype_of
from jaxprior.training.session import Plan, settings_of
from jaxprior.training.statistics import apply_training, parted


LOSSES = {
    "lsgan": (losses.least_squares_critic, losses.least_squares_generator),
    "nonsaturating": (losses.logistic_critic, losses.nonsaturating_generator),
    "saturating": (losses.logistic_critic, losses.saturating_generator),
    "hinge": (losses.hinge_critic, losses.wasserstein_generator),
}
"""Name of a loss -> (the critic's function, the generator's)."""

def make_networks(recipe: LsganRecipe) -> tuple[dcgan.Generator, dcgan.Critic]:
    """The two networks of a recipe."""
    shared = {"kernel": recipe.kernel, "norm": recipe.norm, "slope": recipe.slope, "dtype": dtype_of(recipe)}
    shared |= {"image_channels": recipe.image_channels, "trained_on": default_platform()}
    generator = dcgan.Generator(recipe.widths, recipe.latent_dim, dropout=recipe.dropout, **shared)
    return generator, dcgan.Critic(recipe.critic_widths, recipe.resolution, **shared)


def draw_codes(recipe: LsganRecipe, key: jax.Array, count: int) -> jax.Array:
    """Latent codes [count, latent_dim] of the recipe's distribution."""
    shape = (count, recipe.latent_dim)
    return jax.random.normal(key, shape) if recipe.codes == "normal" else jax.random.uniform(key, shape, minval=-1.0)


def init_state(recipe: LsganRecipe, key: jax.Array) -> dict:
    """Start state: variables of both networks (parameters and running statistics), the generator's average, Adam's."""
    found = {}
    for name, network, k in zip(("generator", "critic"), make_networks(recipe), jax.random.split(key), strict=True):
        variables = network.init_variables(k)
        found |= {name: variables, f"{name}_opt": adam_start(variables["params"])}
    return {**found, "average": copied(found["generator"])}


def make_step(recipe: LsganRecipe):
    """The compiled step: (index since the training began, state, uint8 pictures, key) -> (state, metrics)."""
    generator, critic = make_networks(recipe)
    critic_score, generator_score = LOSSES[recipe.loss]
    a, b, c = recipe.labels
    if recipe.loss == "lsgan":
        critic_score, generator_score = partial(critic_score, a=a, b=b), partial(generator_score, c=c)
    update = partial(player, optimizer=adam(recipe))

    def critic_loss(params, statistics, reals, fakes):
        real, statistics = apply_training(critic, {"params": params, **statistics}, reals)
        fake, statistics = apply_training(critic, {"params": params, **statistics}, fakes)
        loss = critic_score(real, fake)
        seen = {"critic_loss": loss, "score_real": jnp.mean(real), "score_fake": jnp.mean(fake)}
        return loss, (seen, statistics)

    def generator_loss(params, key, statistics, critic_variables, count):
        z_key, drop_key = jax.random.split(key)
        fakes, statistics = apply_training(
            generator, {"params": params, **statistics}, draw_codes(recipe, z_key, count), drop_key
        )
        loss = generator_score(apply_training(critic, critic_variables, fakes)[0])
        return loss, ({"generator_loss": loss}, statistics)

    @partial(jax.jit, donate_argnums=1)
    def step(index, state, pictures, key):
        flip_key, z_key, drop_key, *keys = jax.random.split(key, 3 + recipe.generator_steps)
        reals = to_images(pictures, flip_key if recipe.mirror else None)
        g, d = state["generator"], state["critic"]
        fakes, _ = apply_training(generator, g, draw_codes(recipe, z_key, len(reals)), drop_key)
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
        average = ema(state["average"], g, average_decay(recipe, index))
        state = {"generator": g, "critic": d, "average": average, "generator_opt": g_opt, "critic_opt": d_opt}
        return state, {**seen, **made}

    return step


def plan(recipe: LsganRecipe, pictures: Pictures) -> Plan:
    """Everything that `session.run` needs to train this recipe on these pictures."""
    generator, _ = make_networks(recipe)
    draw_images = jax.jit(generator.apply)
    codes = np.asarray(draw_codes(recipe, jax.random.key(recipe.seed + 1), CODES))
    card = {"architecture": "dcgan", "config": dcgan.to_config(*make_networks(recipe)), "codes": recipe.codes}

    def sample(state, _moment, codes):
        return draw_images(state["average"], codes)

    return Plan(
        name="lsgan",
        settings=settings_of(recipe),
        phases=cut_into_parts(make_step(recipe), partial(partial, draw_batch, pictures.pixels), recipe),
        init=partial(init_state, recipe),
        show=lambda state, moment: sample(state, moment, codes[:SHOWN]),
        evaluator=SlicedWasserstein(
            sample=sample, codes=codes, pictures=pictures, seed=recipe.seed, network=evaluation_network(recipe)
        ),
        export=lambda state: {"generator": fold(state["average"]), "critic": fold(state["critic"])},
        card=lambda _state: card,
        pictures=pictures,
        seed=recipe.seed,
    )
