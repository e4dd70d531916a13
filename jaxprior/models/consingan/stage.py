"""One stage of a ConSinGAN: its networks, its losses and its compiled step (see `jaxprior.models.consingan.train`).

    critic       E D(fake) - E D(real) + penalty of pixels' gradient norms
    generator    -E D(fake) + weight x mean squared error of the picture, remade from the noises kept for that

The fake is made of noise, or of the picture changed at random (`augmenting`). It and the remade picture are computed
together, as two images of a batch: no norm here mixes images.
"""

from functools import lru_cache, partial
from typing import NamedTuple, cast

import jax
import jax.numpy as jnp
import optax

from jaxprior.models.consingan.config import ConsinganRecipe
from jaxprior.models.consingan.networks import GrowingGenerator, critic_of
from jaxprior.models.singan import ScalePlan
from jaxprior.models.singan.networks import Critic
from jaxprior.models.singan.noise import draw_normals
from jaxprior.training import losses
from jaxprior.training.players import player
from jaxprior.training.recipe import adam, dtype_of


Array = jax.Array


class Inputs(NamedTuple):
    """What chance decides in one step.

    Fields:
        noises: the noises of the fake, one [1, h, w, c] a stage; the same for all updates.
        mixes: how far between real and fake each critic update takes its penalty, [critic_steps, 1, 1, 1].
    """

    noises: list[Array]
    mixes: Array


def networks_of(recipe: ConsinganRecipe, stages: int) -> tuple[GrowingGenerator, Critic]:
    """A generator of so many stages and the critic, as the settings describe them."""
    generator = GrowingGenerator(
        stages, recipe.width, recipe.layers, norm=recipe.norm, slope=recipe.slope, edges=recipe.edges,
        dtype=dtype_of(recipe),
    )  # fmt: skip
    return generator, critic_of(generator, recipe.critic_layers)


def draw_inputs(recipe: ConsinganRecipe, scales: ScalePlan, stage: int, key: Array, *, dtype=jnp.float32) -> Inputs:
    """Draw the `Inputs` of one step of a stage, in the given number type."""
    noise_key, mix_key = jax.random.split(key)
    generator, _ = networks_of(recipe, stage + 1)
    shapes = [generator.noise_shape(n, size) for n, size in enumerate(scales.sizes[: stage + 1])]
    noises = draw_normals(noise_key, shapes, count=1, dtype=dtype)
    return Inputs(noises, jax.random.uniform(mix_key, (recipe.critic_steps, 1, 1, 1), dtype))


def make_losses(recipe: ConsinganRecipe):
    """The two losses: (critic loss, generator loss), each -> (value, metrics).

    `critic_loss` among the metrics is without the penalty and `generator_loss` without the reconstruction, which stand
    beside them. The generator's is a function of what was made: [2, h, w, c], the fake and the remade picture.
    """
    _, critic = networks_of(recipe, 1)

    def rate(params, images) -> Array:
        return cast(Array, critic.apply({"params": params}, images))

    def critic_loss(params, picture, fake, mix):
        scores = rate(params, jnp.concatenate([picture, fake]))
        loss = losses.wasserstein_critic(scores[:1], scores[1:])
        penalty = recipe.penalty * losses.pixel_gradient_penalty(partial(rate, params), picture, fake, mix)
        return loss + penalty, {"critic_loss": loss, "penalty": penalty}

    def generator_loss(made, critic_params, picture):
        loss = losses.wasserstein_generator(rate(critic_params, made[:1]))
        error = jnp.mean(jnp.square(made[1:] - picture))
        seen = {"generator_loss": loss, "reconstruction_rmse": jnp.sqrt(error)}
        return loss + recipe.reconstruction_weight * error, seen

    return critic_loss, generator_loss


@lru_cache(maxsize=32)  # Pictures of one size share the compiled program.
def make_step(recipe: ConsinganRecipe, scales: ScalePlan, stage: int):
    """The compiled step of one stage: (index, state, batch, key) -> (state, metrics).

    The state is donated. The batch is the picture [1, h, w, c]; or, where `recipe.starts_from` is not noise, that and
    what the coarsest stage gets in this step, [1, h_0, w_0, c]. A step is `critic_steps` updates of the critic, then
    `generator_steps` of the trained parts of the generator, each part at its own learning rate. Both are loops: each
    update is compiled once.
    """
    generator, _ = networks_of(recipe, stage + 1)
    critic_loss, generator_loss = make_losses(recipe)
    rates = recipe.trained(stage)
    first, from_picture = max(stage - recipe.train_depth + 1, 0), recipe.starts_from != "noise"

    @partial(jax.jit, donate_argnums=1)
    def step(index, state, batch, key):
        picture, *starts = batch if from_picture else (batch,)
        falling = recipe.share(index)
        given = draw_inputs(recipe, scales, stage, key, dtype=picture.dtype)
        drawn = [*starts, *given.noises[len(starts) :]]
        kept = [state["noise"][f"stage{n}"][None] for n in range(stage + 1)]
        noises = [jnp.concatenate(pair) for pair in zip(drawn, kept, strict=True)]
        frozen = {"params": {name: part for name, part in state["generator"].items() if name not in rates}}
        below = None
        if first:
            below = generator.apply(frozen, noises[:first], state["amplitudes"], method="features")

        def make(parts):
            whole = {"params": {**frozen["params"], **parts}}
            x = generator.apply(whole, noises[first:], state["amplitudes"], below=below, start=first, method="features")
            return generator.apply(whole, x, method="image")

        parts = {name: state["generator"][name] for name in rates}
        made, pull_back = jax.vjp(make, parts)
        update = player(critic_loss, adam(recipe, falling))

        def update_critic(networks, mix):
            *networks, seen = update(*networks, picture, made[:1], mix[None])
            return tuple(networks), seen

        networks = state["critic"], state["adam"]["critic"]
        (critic, critic_opt), seen = jax.lax.scan(update_critic, networks, given.mixes)

        def gradient(made, pull_back):
            slopes, metrics = jax.grad(generator_loss, has_aux=True)(made, critic, picture)
            return pull_back(slopes)[0], metrics

        first_gradient = gradient(made, pull_back) if recipe.g_step == "once" else None

        def update_generator(networks, _):
            parts, optimizers = networks
            gradients, metrics = first_gradient or gradient(*jax.vjp(make, parts))
            moves = {}
            for name, rate in rates.items():
                moves[name], optimizers[name] = adam(recipe, rate * falling).update(gradients[name], optimizers[name])
            return (cast(dict, optax.apply_updates(parts, moves)), optimizers), metrics

        networks = parts, {name: state["adam"]["generator"][name] for name in rates}
        (parts, optimizers), metrics = jax.lax.scan(update_generator, networks, length=recipe.generator_steps)
        seen = jax.tree.map(lambda x: x[-1], seen | metrics)
        optimizers = {"generator": {**state["adam"]["generator"], **optimizers}, "critic": critic_opt}
        state = {**state, "generator": {**state["generator"], **parts}, "critic": critic, "adam": optimizers}
        return state, seen

    return step
