"""One scale of a SinGAN in training: what is drawn at random, and the compiled step (see `models.singan.train`).

Networks in training are normalised by the batch, a picture at a time; the frozen scales below by running statistics.
"""

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxprior.models.singan.config import SinganRecipe
from jaxprior.models.singan.losses import generator_loss, in_training, make_losses, networks_at
from jaxprior.models.singan.model import SinGan
from jaxprior.nn.padding import zero_pad
from jaxprior.training.players import player
from jaxprior.training.recipe import adam
from jaxprior.training.statistics import parted


Array = jax.Array


class Inputs(NamedTuple):
    """What the updates of one step are given besides the picture.

    Fields:
        noise: the noise of the fakes, [1, h, w, c] or with a margin (see `draw_noise`); the same for all updates.
        below: images from the scales below, [k, h, w, c]: one for every critic update, or one for all.
        fixed, fixed_below: the noise and the image from below from which the picture is reconstructed, [1, h, w, c].
        mixes: how far between real and fake each critic update takes its penalty, [critic_steps, 1, 1, 1].
    """

    noise: Array
    below: Array
    fixed: Array
    fixed_below: Array
    mixes: Array


def draw_noise(recipe: SinganRecipe, key: Array, like: Array, scale: int, *, count: int = 1) -> Array:
    """Noises N(0, 1) of one scale for images of the size and type of `like`, [1, h, w, c]: [count, h, w, c], with the
    generator's margin more where the padding is "noise"."""
    _, height, width, channels = like.shape
    around = 2 * recipe.noise_margin
    drawn = channels if scale else recipe.coarse_noise_channels
    noises = jax.random.normal(key, (count, height + around, width + around, drawn), like.dtype)
    return jnp.broadcast_to(noises, (*noises.shape[:3], channels))


def draw_inputs(
    recipe: SinganRecipe, scale: int, below: SinGan | None, fixed: Array, picture: Array, key: Array
) -> Inputs:
    """Draw all that chance decides in one step.

    Arguments:
        recipe: the settings.
        scale: number of the scale.
        below: the frozen scales below; None at the coarsest.
        fixed: the noise of the reconstruction, [h, w, c]; at the coarsest scale another is drawn if `z_rec` says so.
        picture: the picture at this scale, [1, h, w, c].
        key: the random key of the step.
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
    drawn = below.draw_noises(below_key, below.sizes, count=count)
    kept = [one.noise[None] for one in below.scales]
    noises = [jnp.concatenate(pair) for pair in zip(kept, drawn, strict=True)]
    images = below.enlarge(below.synthesize(noises)[-1], (picture.shape[1], picture.shape[2]))
    return Inputs(noise, images[1:], fixed, images[:1], mixes)


def updated(update, variables: dict, *args) -> tuple[dict, Any, dict]:
    """Apply one update of `players.player` to whole variables: (variables, Adam's state, metrics)."""
    optimizer, *rest = args
    params, statistics = parted(variables)
    params, optimizer, (seen, statistics) = update(params, optimizer, statistics, *rest)
    return {"params": params, **statistics}, optimizer, seen


@lru_cache(maxsize=32)  # Pictures of one size share the compiled program.
def make_step(recipe: SinganRecipe, scale: int, *, prepare: Callable[[Array], Array] = lambda images: images):
    """The compiled step of one scale: (index, own, below, picture, key) -> (own, metrics).

    `own` is {"scale": what the pyramid keeps of it, "adam": both optimisers' states}, and is donated; `below` the
    frozen scales as a `SinGan`, or None; the picture is [1, h, w, c]. A step is `critic_steps` updates of the critic,
    then `generator_steps` of the generator, whose fakes start from what the last critic update's did. Both are loops:
    each update is compiled once. `prepare` changes the images from below that fakes start from, [k, h, w, c].
    """
    generator, _ = networks_at(recipe, scale)
    critic_loss, adversarial, reconstruction = make_losses(recipe, scale)

    @partial(jax.jit, donate_argnums=1)
    def step(index, own, below, picture, key):
        optimizer = adam(recipe, recipe.share(index))
        part, optimizers = own["scale"], own["adam"]
        given = draw_inputs(recipe, scale, below, part["noise"], picture, key)
        if below is not None:
            given = given._replace(below=prepare(given.below))

        def start(noise, image):
            padded = noise if recipe.noise_margin else zero_pad(noise, generator.margin)
            return part["amplitude"] * padded + zero_pad(image, generator.margin), image

        def update_critic(networks, turn):
            g, d, d_opt = networks
            fake, g = in_training(generator, g, *start(given.noise, turn[0][None]))
            d, d_opt, seen = updated(player(critic_loss, optimizer), d, d_opt, picture, fake, turn[1][None])
            return (g, d, d_opt), seen

        belows = jnp.broadcast_to(given.below, (recipe.critic_steps, *given.below.shape[1:]))
        networks = part["generator"], part["critic"], optimizers["critic"]
        (g, d, d_opt), seen = jax.lax.scan(update_critic, networks, (belows, given.mixes))
        fake_from, remade_from = start(given.noise, belows[-1:]), start(given.fixed, given.fixed_below)
        loss = generator_loss(
            recipe,
            g,
            lambda params, statistics: adversarial(params, statistics, d, fake_from),
            lambda params, statistics: reconstruction(params, statistics, remade_from, picture),
        )

        def update_generator(networks, _):
            g, g_opt, made = updated(player(loss, optimizer), *networks)
            return (g, g_opt), made

        networks = g, optimizers["generator"]
        (g, g_opt), made = jax.lax.scan(update_generator, networks, length=recipe.generator_steps)
        seen = jax.tree.map(lambda x: x[-1], {**seen, **made})
        part = {**part, "generator": g, "critic": d, "noise": given.fixed[0]}
        return {"scale": part, "adam": {"generator": g_opt, "critic": d_opt}}, seen

    return step
