"""One stage of a growing GAN: networks, losses and compiled step (see `jaxprior.models.pggan.train`)."""

from functools import partial
from typing import cast

import jax
import jax.numpy as jnp
import optax

from jaxprior.models.pggan.config import PgganRecipe, feature_widths
from jaxprior.models.pggan.networks import Critic, Generator
from jaxprior.nn.pooling import downsample, upsample
from jaxprior.system.devices import default_platform
from jaxprior.training import losses
from jaxprior.training.pictures import to_images
from jaxprior.training.players import When, adam_start, copied, ema, player
from jaxprior.training.recipe import average_decay, dtype_of


def make_networks(recipe: PgganRecipe) -> tuple[Generator, Critic]:
    """The two networks of a recipe, at all resolutions."""
    widths = recipe.widths or feature_widths(recipe.resolution, fmap_base=recipe.fmap_base, fmap_max=recipe.fmap_max)
    latent = recipe.latent_dim or max(widths)
    shared = {"image_channels": recipe.image_channels, "fused": recipe.fused, "dtype": dtype_of(recipe)}
    shared["trained_on"] = default_platform()
    return Generator(widths, latent, **shared), Critic(widths, **shared)


def make_losses(recipe: PgganRecipe, stage: int):
    """The two losses of a stage: (critic loss, generator loss), each (params, ...) -> (value, metrics).

    `critic_loss` among the metrics is without the penalty, which stands beside it.

    The official code differentiates the critic at the final resolution, where a pixel of an earlier stage is a block of
    `scale` x `scale` equal ones: its gradient norm is the stage's own divided by `scale`, which the penalty reproduces.
    """
    generator, critic = make_networks(recipe)
    scale = recipe.resolution // (4 << stage)
    gamma = recipe.r1_gamma * (1 << stage) ** recipe.r1_growth

    def critic_loss(params, fakes, reals, mix, fade, *, regularise: bool):
        def scores(x) -> jax.Array:
            return cast(jax.Array, critic.apply({"params": params}, x, stage=stage, fade=fade))

        real, fake = scores(reals), scores(fakes)
        if recipe.loss == "wgan-gp":
            loss = losses.wasserstein_critic(real, fake)
            penalty = losses.gradient_penalty(scores, reals, fakes, mix, target=scale) / scale**2
            penalty = recipe.penalty * penalty + recipe.drift * losses.drift(real)
        else:
            loss = losses.logistic_critic(real, fake)
            penalty = gamma * losses.r1_penalty(scores, reals) if regularise else None
        seen = {"critic_loss": loss, "score_real": jnp.mean(real), "score_fake": jnp.mean(fake)}
        if penalty is None:
            return loss, seen
        every = 1 if recipe.loss == "wgan-gp" else recipe.r1_every  # a rare penalty counts for the steps without it
        return loss + every * penalty, {**seen, "penalty": penalty}

    def generator_loss(params, critic_params, z, fade):
        fakes = generator.apply({"params": params}, z, stage=stage, fade=fade)
        scores = cast(jax.Array, critic.apply({"params": critic_params}, fakes, stage=stage, fade=fade))
        wasserstein = recipe.loss == "wgan-gp"
        loss = (losses.wasserstein_generator if wasserstein else losses.nonsaturating_generator)(scores)
        return loss, {"generator_loss": loss}

    return critic_loss, generator_loss


def make_step(recipe: PgganRecipe, stage: int, fade_steps: int, decay_steps: int):
    """The compiled step of one stage: (index since the stage began, state, uint8 pictures, key) -> (state, metrics).

    The fade weight, the learning rate and the average's decay are traced, so that a stage compiles once (twice with
    lazy R1: with and without the penalty).
    """
    generator, _ = make_networks(recipe)
    critic_loss, generator_loss = make_losses(recipe, stage)

    def step(index, state, pictures, key, *, regularise: bool):
        fade = jnp.clip(1.0 - index / fade_steps, 0.0, 1.0) if fade_steps else None
        rate = _learning_rate(recipe, index - fade_steps, decay_steps)
        if recipe.warmup_steps:
            rate *= _warm_up(recipe.warmup_steps, index, fade_steps)
        flip_key, critic_key, mix_key, generator_key = jax.random.split(key, 4)
        reals = faded(to_images(pictures, flip_key if recipe.mirror else None), fade)
        shape = (len(pictures), generator.latent_dim)
        mix = jax.random.uniform(mix_key, (len(pictures), 1, 1, 1))

        fakes = generator.apply(
            {"params": state["generator"]}, jax.random.normal(critic_key, shape), stage=stage, fade=fade
        )
        update = player(partial(critic_loss, regularise=regularise), adam(recipe, rate))
        c, c_opt, seen = update(state["critic"], state["critic_opt"], fakes, reals, mix, fade)
        average = ema(state["average"], state["generator"], average_decay(recipe, index))
        update = player(generator_loss, adam(recipe, rate))
        z = jax.random.normal(generator_key, shape)
        g, g_opt, made = update(state["generator"], state["generator_opt"], c, z, fade)
        state = {"generator": g, "critic": c, "average": average, "generator_opt": g_opt, "critic_opt": c_opt}
        return state, {**seen, **made}

    compiled = {r: jax.jit(partial(step, regularise=r), donate_argnums=1) for r in (True, False)}
    if recipe.loss == "wgan-gp":
        return compiled[True]
    return When(recipe.r1_every, compiled[True], compiled[False])


def faded(reals: jax.Array, fade) -> jax.Array:
    """Reals as the generator shows them while a stage fades in: lerp(x, upsampled halved x, fade)."""
    return reals if fade is None else reals + (upsample(downsample(reals)) - reals) * fade


def adam(recipe: PgganRecipe, rate: float | jax.Array = 0.0) -> optax.GradientTransformation:
    """The optimiser of both networks at a rate, which may be traced."""
    return optax.adam(rate, b1=recipe.beta1, b2=recipe.beta2, eps=recipe.epsilon)


def _learning_rate(recipe: PgganRecipe, index, decay_steps: int):
    if recipe.final_learning_rate is None or not decay_steps:
        return recipe.learning_rate
    progress = jnp.clip(index / decay_steps, 0.0, 1.0)
    return recipe.learning_rate + (recipe.final_learning_rate - recipe.learning_rate) * progress


def _warm_up(steps: int, index, fade_steps: int):
    """The share of the learning rate at a step of a stage: it rises to 1 after the start, and again after the fade."""
    since_reset = jnp.where(index < fade_steps, index, index - fade_steps)
    return jnp.minimum((since_reset + 1.0) / steps, 1.0)


def highest_rate(recipe: PgganRecipe, steps: int, decay_steps: int) -> float:
    """The highest learning rate of so many steps after Adam has begun anew, for a recipe with a warm-up."""
    index = jnp.arange(steps)
    return float(jnp.max(_learning_rate(recipe, index, decay_steps) * _warm_up(recipe.warmup_steps or 1, index, 0)))


def reset(state: dict) -> dict:
    """Adam's states of both networks, zeroed, as whenever the network changes."""
    return {**state, **{f"{name}_opt": adam_start(state[name]) for name in ("generator", "critic")}}


def grow(stage: int, state: dict) -> dict:
    """Begin a stage: its layers enter the generator's average as they are."""
    new = {f"layer{2 * stage}", f"layer{2 * stage + 1}", f"output{stage}"}
    entering = copied({name: layer for name, layer in state["generator"].items() if name in new})
    average = {name: entering.get(name, old) for name, old in state["average"].items()}
    return reset({**state, "average": average})
