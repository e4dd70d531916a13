"""One scale of a SinGAN: its losses and its compiled step (see `jaxprior.training.singan`).

    critic       E D(fake) - E D(real) + penalty of pixels' gradient norms
    generator    -E D(fake) + weight x mean squared error of the picture, remade from the noise kept for that

Both networks are normalised by the batch, a picture at a time; the frozen scales below by their running statistics.
"""

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxprior.models.dcgan import parted
from jaxprior.models.singan import zero_pad
from jaxprior.singan import SinGan, synthesize
from jaxprior.singan.drawing import draw_noises, enlarge
from jaxprior.training import losses
from jaxprior.training.players import player


if TYPE_CHECKING:
    from jaxprior.training.singan import SinganRecipe

Array = jax.Array


class Inputs(NamedTuple):
    """What the updates of one step are given, besides the picture.

    Fields:
        noise: of the fakes, [1, h, w, c]; the same for all updates.
        below: images from the scales below, [k, h, w, c]: one for every critic update, or one for all.
        fixed, fixed_below: noise and image from below of the reconstruction, [1, h, w, c].
        mixes: where the penalty of each critic update is taken, [critic_steps, 1, 1, 1].
    """

    noise: Array
    below: Array
    fixed: Array
    fixed_below: Array
    mixes: Array


def draw_noise(recipe: "SinganRecipe", key: Array, like: Array, scale: int, *, count: int = 1) -> Array:
    """Noises N(0, 1) of one scale, [count, h, w, c], of the size and type of `like`, [1, h, w, c]."""
    _, height, width, channels = like.shape
    drawn = channels if scale else recipe.coarse_noise_channels
    noises = jax.random.normal(key, (count, height, width, drawn), like.dtype)
    return jnp.broadcast_to(noises, (count, height, width, channels))


def draw_inputs(
    recipe: "SinganRecipe", scale: int, below: SinGan | None, fixed: Array, picture: Array, key: Array
) -> Inputs:
    """All that chance decides in one step.

    Arguments:
        recipe: the recipe.
        scale: number of the scale.
        below: the frozen scales below; None at the coarsest.
        fixed: noise of the reconstruction, [h, w, c]; at the coarsest scale another is drawn if the recipe says so.
        picture: at this scale, [1, h, w, c].
        key: of the step.
    """
    noise_key, below_key, mix_key = jax.random.split(key, 3)
    again = below is None and recipe.z_rec == "resample"
    noises = draw_noise(recipe, noise_key, picture, scale, count=2 if again else 1)
    noise, fixed = noises[:1], noises[1:] if again else fixed[None]
    mixes = jax.random.uniform(mix_key, (recipe.critic_steps, 1, 1, 1), picture.dtype)
    if below is None:
        black = jnp.zeros_like(picture)
        return Inputs(noise, black, fixed, black, mixes)
    count = recipe.critic_steps if recipe.resample_prev == "step" else 1
    drawn = draw_noises(below, below_key, below.sizes, count=count)
    kept = [one.noise[None] for one in below.scales]
    noises = [jnp.concatenate(pair) for pair in zip(kept, drawn, strict=True)]
    images = enlarge(below, synthesize(below, noises)[-1], picture.shape[1:3])
    return Inputs(noise, images[1:], fixed, images[:1], mixes)


def in_training(network: Any, variables: dict, *inputs: Array) -> tuple[Array, dict]:
    """(output, variables with new running statistics) of a network that normalises by the batch."""
    output, changed = network.apply(variables, *inputs, train=True, mutable=["batch_stats"])
    return output, {**variables, **changed}


def make_losses(recipe: "SinganRecipe", scale: int):
    """The two losses of a scale: (critic loss, generator loss), each (params, statistics, ...) -> (value, aux).

    Their aux is (metrics, new running statistics). `critic_loss` among the metrics is without the penalty and
    `generator_loss` without the reconstruction, which stand beside them.
    """
    generator, critic = recipe.networks(scale)

    def critic_loss(params, statistics, picture, fake, mix):
        variables = {"params": params, **statistics}
        scores_real, changed = in_training(critic, variables, picture)
        scores_fake, changed = in_training(critic, changed, fake)
        loss = losses.wasserstein_critic(scores_real, scores_fake)
        penalty = recipe.penalty * losses.pixel_gradient_penalty(
            lambda x: in_training(critic, variables, x)[0], picture, fake, mix
        )
        return loss + penalty, ({"critic_loss": loss, "penalty": penalty}, parted(changed)[1])

    def generator_loss(params, statistics, critic_variables, fake_from, remade_from, picture):
        fake, changed = in_training(generator, {"params": params, **statistics}, *fake_from)
        loss = losses.wasserstein_generator(in_training(critic, critic_variables, fake)[0])
        remade, changed = in_training(generator, changed, *remade_from)
        error = jnp.mean(jnp.square(remade - picture))
        seen = {"generator_loss": loss, "reconstruction_rmse": jnp.sqrt(error)}
        return loss + recipe.reconstruction_weight * error, (seen, parted(changed)[1])

    return critic_loss, generator_loss


def updated(update, variables: dict, *args) -> tuple[dict, Any, dict]:
    """One update of `players.player` on whole variables: (variables, Adam's state, metrics)."""
    optimizer, *rest = args
    params, statistics = parted(variables)
    params, optimizer, (seen, statistics) = update(params, optimizer, statistics, *rest)
    return {"params": params, **statistics}, optimizer, seen


def make_step(recipe: "SinganRecipe", scale: int):
    """The compiled step of one scale: (index, own, below, picture, key) -> (own, metrics).

    `own` is {"scale": what the pyramid keeps of it, "adam": both optimisers' states}, and is donated; `below` the
    frozen scales as a `SinGan`, or None; the picture is [1, h, w, c]. A step is `critic_steps` updates of the critic,
    then `generator_steps` of the generator, whose fakes start from what the last critic update's did.
    """
    generator, _ = recipe.networks(scale)
    critic_loss, generator_loss = make_losses(recipe, scale)

    @partial(jax.jit, donate_argnums=1)
    def step(index, own, below, picture, key):
        adam = recipe.adam(jnp.where(index >= recipe.milestone * recipe.steps, recipe.gamma, 1.0))
        part, optimizers = own["scale"], own["adam"]
        given = draw_inputs(recipe, scale, below, part["noise"], picture, key)

        def start(noise, image):
            padded = zero_pad(noise, generator.margin), zero_pad(image, generator.margin)
            return part["amplitude"] * padded[0] + padded[1], image

        g, d, g_opt, d_opt = part["generator"], part["critic"], optimizers["generator"], optimizers["critic"]
        update = partial(updated, player(critic_loss, adam))
        for k in range(recipe.critic_steps):
            j = min(k, len(given.below) - 1)
            fake_from = start(given.noise, given.below[j : j + 1])
            fake, g = in_training(generator, g, *fake_from)
            d, d_opt, seen = update(d, d_opt, picture, fake, given.mixes[k : k + 1])
        update = partial(updated, player(generator_loss, adam))
        remade_from = start(given.fixed, given.fixed_below)
        for _ in range(recipe.generator_steps):
            g, g_opt, made = update(g, g_opt, d, fake_from, remade_from, picture)
        part = {**part, "generator": g, "critic": d, "noise": given.fixed[0]}
        return {"scale": part, "adam": {"generator": g_opt, "critic": d_opt}}, {**seen, **made}

    return step
