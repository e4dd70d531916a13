"""Recipe: 3D-GAN (Wu et al., NeurIPS 2016), whose critic rests while it is too good.

A critic of volumes soon tells all real ones from generated ones, and then teaches the generator nothing. So it is
updated only while its accuracy on a batch, the share of real and generated volumes that it tells apart, is at most
`gate`. Every step, the critic scores real volumes and generated ones, makes its step if the gate is open, and then the
generator makes one with new codes. The running statistics of the norms move in the same way whether the gate is open or
shut: the critic's three times a step, of real volumes and of both generated batches, as in the public code of xchhuang.

The accuracy of the newest batch, and how often the critic was updated, are a part of the state and so of checkpoints.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxprior.data.volume_pictures import square_views
from jaxprior.models.gan3d.config import Gan3dRecipe
from jaxprior.models.gan3d.evaluator import SAMPLES, evaluator_of
from jaxprior.models.gan3d.networks import Critic, Generator, to_config
from jaxprior.models.gan3d.volumes import TrainingVolumes
from jaxprior.nn.latent import draw_codes
from jaxprior.nn.norm import fold
from jaxprior.system.devices import default_platform
from jaxprior.training import losses
from jaxprior.training.pictures import to_images
from jaxprior.training.players import adam_start, copied, ema, updated
from jaxprior.training.recipe import adam, average_decay, cut_into_parts, dtype_of
from jaxprior.training.session import Plan, settings_of
from jaxprior.training.statistics import apply_training, parted


Array = jax.Array

SHOWN = 16
"""Volumes on a sheet."""


def squares_critic(real: Array, fake: Array) -> Array:
    """E (1 - D(x))^2 + E D(G(z))^2, D being the sigmoid of the score."""
    return jnp.mean(jnp.square(jax.nn.sigmoid(-real))) + jnp.mean(jnp.square(jax.nn.sigmoid(fake)))


def squares_generator(fake: Array) -> Array:
    """E (1 - D(G(z)))^2."""
    return jnp.mean(jnp.square(jax.nn.sigmoid(-fake)))


LOSSES = {
    "nonsaturating": (losses.logistic_critic, losses.nonsaturating_generator),
    "saturating": (losses.logistic_critic, losses.saturating_generator),
    "squares": (squares_critic, squares_generator),
}
"""Name of a loss -> (the critic's function, the generator's)."""


def make_networks(recipe: Gan3dRecipe) -> tuple[Generator, Critic]:
    """The two networks of a recipe."""
    shared: dict[str, Any] = {"dtype": dtype_of(recipe), "platform": default_platform()}
    generator = Generator(recipe.widths, recipe.latent_dim, base=recipe.base, **shared)
    return generator, Critic(
        recipe.critic_widths, recipe.resolution, first_norm=recipe.first_norm, **shared
    )


@partial(jax.jit, static_argnums=0)  # one program; operation by operation the networks' shapes need many
def init_state(recipe: Gan3dRecipe, key: Array) -> dict:
    """Start state: variables of both networks, the generator's average, Adam's, and the gate's two numbers."""
    found = {}
    for name, network, k in zip(("generator", "critic"), make_networks(recipe), jax.random.split(key), strict=True):
        variables = network.init_variables(k)
        found |= {name: variables, f"{name}_opt": adam_start(variables["params"])}
    gate = {"accuracy": jnp.zeros(()), "critic_steps": jnp.zeros((), jnp.int32)}
    return {**found, "average": copied(found["generator"]), **gate}


def accuracy_of(real: Array, fake: Array) -> Array:
    """The share of real volumes with a score of 0 or more, and of generated ones with 0 or less.

    Example:
        >>> float(accuracy_of(jnp.array([1.0, -1.0]), jnp.array([-2.0, -0.5])))
        0.75
    """
    return 0.5 * (jnp.mean(real >= 0) + jnp.mean(fake <= 0))


def make_advance(recipe: Gan3dRecipe, generator: Generator, critic: Critic):
    """What a step of the two networks does with given volumes and codes.

    Returns:
        A function of the step's index, the state, volumes [b, r, r, r, 1] in [-1, 1], and codes [b, latent] for the
        critic's step and for the generator's, which returns the next state and the metrics.
    """
    critic_score, generator_score = LOSSES[recipe.loss]
    share = recipe.critic_rate / recipe.learning_rate

    def critic_loss(params, statistics, reals, fakes):
        real, statistics = apply_training(critic, {"params": params, **statistics}, reals)
        fake, statistics = apply_training(critic, {"params": params, **statistics}, fakes)
        return critic_score(real, fake), (real, fake, statistics)

    def generator_loss(params, statistics, critic_variables, codes):
        fakes, statistics = apply_training(generator, {"params": params, **statistics}, codes)
        scores, of_critic = apply_training(critic, critic_variables, fakes)
        return generator_score(scores), (statistics, of_critic)

    def advance(index, state, reals, codes_d, codes_g):
        fakes, statistics = apply_training(generator, state["generator"], codes_d)
        g_params, _ = parted(state["generator"])
        params, rest = parted(state["critic"])
        (d_loss, (real, fake, rest)), by_d = jax.value_and_grad(critic_loss, has_aux=True)(params, rest, reals, fakes)
        accuracy = accuracy_of(real, fake)
        is_open = (accuracy if recipe.judged == "this" else state["accuracy"]) <= recipe.gate
        stepped = updated(params, state["critic_opt"], by_d, adam(recipe, share))
        params, d_opt = jax.tree.map(partial(jnp.where, is_open), stepped, (params, state["critic_opt"]))
        (g_loss, (statistics, rest)), by_g = jax.value_and_grad(generator_loss, has_aux=True)(
            g_params, statistics, {"params": params, **rest}, codes_g
        )
        g_params, g_opt = updated(g_params, state["generator_opt"], by_g, adam(recipe))
        g = {"params": g_params, **statistics}
        steps = state["critic_steps"] + is_open.astype(jnp.int32)
        new = {
            "generator": g,
            "critic": {"params": params, **rest},
            "average": ema(state["average"], g, average_decay(recipe, index)),
            "generator_opt": g_opt,
            "critic_opt": d_opt,
            "accuracy": accuracy,
            "critic_steps": steps,
        }
        seen = {"critic_loss": d_loss, "generator_loss": g_loss}
        scores = {"score_real": jnp.mean(real), "score_fake": jnp.mean(fake)}
        return new, {**seen, **scores, "accuracy": accuracy, "gate_open": steps / (index + 1)}

    return advance


def make_step(recipe: Gan3dRecipe):
    """The compiled step: (index since the training began, state, uint8 volumes, key) -> (state, metrics)."""
    advance = make_advance(recipe, *make_networks(recipe))

    @partial(jax.jit, donate_argnums=1)
    def step(index, state, volumes, key):
        flip_key, *keys = jax.random.split(key, 3)
        reals = to_images(volumes, flip_key if recipe.mirror else None)
        shape = (len(reals), recipe.latent_dim)
        codes = (draw_codes(k, shape, distribution=recipe.codes) for k in keys)
        return advance(index, state, reals, *codes)

    return step


def plan(recipe: Gan3dRecipe, pictures: TrainingVolumes) -> Plan:
    """Everything that `session.run` needs to train this recipe.

    Arguments:
        recipe: the settings.
        pictures: volumes of the side `recipe.resolution`, or with `recipe.crops` larger ones.

    Raises:
        ImageError: too few volumes. VolumeError: volumes too small for cubes to be trained on and to be held out.
    """
    generator, critic = make_networks(recipe)
    draw_volumes = jax.jit(lambda variables, codes: generator.apply(variables, codes))
    shape = (SAMPLES, recipe.latent_dim)
    codes = np.asarray(draw_codes(jax.random.key(recipe.seed + 1), shape, distribution=recipe.codes))
    batches, some, held = pictures.parted(recipe)
    card = {"architecture": "gan3d", "config": to_config(generator, critic), "codes": recipe.codes}

    def sample(state: Any, count: int) -> np.ndarray:
        parts = np.split(codes[:count], max(count // SHOWN, 1))
        return np.concatenate([np.asarray(draw_volumes(state["average"], part)) for part in parts])

    return Plan(
        name="gan3d",
        settings=settings_of(recipe),
        phases=cut_into_parts(make_step(recipe), batches, recipe, unit="volumes"),
        init=partial(init_state, recipe),
        show=lambda state, _moment: square_views(sample(state, SHOWN)),
        evaluator=evaluator_of(recipe, sample=sample, trained=some, held=held),
        export=lambda state: {"generator": fold(state["average"]), "critic": fold(state["critic"])},
        card=lambda _state: card,
        pictures=pictures,
        seed=recipe.seed,
        curves=("accuracy", "gate_open"),
    )
