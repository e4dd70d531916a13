"""One scale of a SinGAN: its losses and its compiled step (see `jaxprior.training.singan`).

    critic       E D(fake) - E D(real) + penalty of pixels' gradient norms
    generator    -E D(fake) + weight x mean squared error of the picture, remade from the noise kept for that

Both networks are normalised by the batch, a picture at a time; the frozen scales below by their running statistics.
"""

from collections.abc import Callable
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

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
        noise: of the fakes, [1, h, w, c] or with a margin (see `draw_noise`); the same for all updates.
        below: images from the scales below, [k, h, w, c]: one for every critic update, or one for all.
        fixed, fixed_below: noise (as the other) and image from below of the reconstruction, [1, h, w, c].
        mixes: where the penalty of each critic update is taken, [critic_steps, 1, 1, 1].
    """

    noise: Array
    below: Array
    fixed: Array
    fixed_below: Array
    mixes: Array


def draw_noise(recipe: "SinganRecipe", key: Array, like: Array, scale: int, *, count: int = 1) -> Array:
    """Noises N(0, 1) of one scale for images of the size and type of `like`, [1, h, w, c]: [count, h, w, c], with the
    generator's margin more where the padding is "noise"."""
    _, height, width, channels = like.shape
    around = 2 * recipe.noise_margin
    drawn = channels if scale else recipe.coarse_noise_channels
    noises = jax.random.normal(key, (count, height + around, width + around, drawn), like.dtype)
    return jnp.broadcast_to(noises, (*noises.shape[:3], channels))


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
    """The losses of a scale: (critic's, generator's adversarial one, its reconstruction's).

    Each is (params, statistics, ...) -> (value, (metrics, new running statistics)). `critic_loss` among the metrics is
    without the penalty, which stands beside it.
    """
    generator, critic = recipe.networks(scale)
    penalty_of = losses.pixel_gradient_penalty if recipe.gp == "pixel" else losses.gradient_penalty

    def critic_loss(params, statistics, picture, fake, mix):
        variables = {"params": params, **statistics}
        scores_real, changed = in_training(critic, variables, picture)
        scores_fake, changed = in_training(critic, changed, fake)
        loss = losses.wasserstein_critic(scores_real, scores_fake)
        penalty = recipe.penalty * penalty_of(lambda x: in_training(critic, variables, x)[0], picture, fake, mix)
        return loss + penalty, ({"critic_loss": loss, "penalty": penalty}, parted(changed)[1])

    def adversarial(params, statistics, critic_variables, fake_from):
        fake, changed = in_training(generator, {"params": params, **statistics}, *fake_from)
        loss = losses.wasserstein_generator(in_training(critic, critic_variables, fake)[0])
        return loss, ({"generator_loss": loss}, parted(changed)[1])

    def reconstruction(params, statistics, remade_from, picture):
        remade, changed = in_training(generator, {"params": params, **statistics}, *remade_from)
        error = jnp.mean(jnp.square(remade - picture))
        seen = {"reconstruction_rmse": jnp.sqrt(error)}
        return recipe.reconstruction_weight * error, (seen, parted(changed)[1])

    return critic_loss, adversarial, reconstruction


def generator_loss(recipe: "SinganRecipe", variables: dict, adversarial, reconstruction):
    """What the generator's updates of one step minimise, by the recipe's `g_step`.

    Arguments:
        recipe: the recipe.
        variables: the generator's before the first of them.
        adversarial, reconstruction: of `make_losses`, as functions of (params, statistics) alone.

    Returns:
        A function like them. A gradient that is kept becomes a linear function, which has it everywhere.
    """

    def both(params, statistics):
        value, (seen, statistics) = adversarial(params, statistics)
        error, (made, statistics) = reconstruction(params, statistics)
        return value + error, ({**seen, **made}, statistics)

    if recipe.g_step == "recompute":
        return both
    first = both if recipe.g_step == "once" else adversarial
    kept, (seen, after) = jax.grad(first, has_aux=True)(*parted(variables))

    def once(params, _statistics):
        return optax.tree_utils.tree_vdot(kept, params), (seen, after)

    def frozen(params, statistics):
        value, (made, statistics) = reconstruction(params, statistics)
        return value + optax.tree_utils.tree_vdot(kept, params), ({**seen, **made}, statistics)

    return once if recipe.g_step == "once" else frozen


def updated(update, variables: dict, *args) -> tuple[dict, Any, dict]:
    """One update of `players.player` on whole variables: (variables, Adam's state, metrics)."""
    optimizer, *rest = args
    params, statistics = parted(variables)
    params, optimizer, (seen, statistics) = update(params, optimizer, statistics, *rest)
    return {"params": params, **statistics}, optimizer, seen


@lru_cache(maxsize=32)  # pictures of one size share what is compiled
def make_step(recipe: "SinganRecipe", scale: int, *, prepare: Callable[[Array], Array] = lambda images: images):
    """The compiled step of one scale: (index, own, below, picture, key) -> (own, metrics).

    `own` is {"scale": what the pyramid keeps of it, "adam": both optimisers' states}, and is donated; `below` the
    frozen scales as a `SinGan`, or None; the picture is [1, h, w, c]. A step is `critic_steps` updates of the critic,
    then `generator_steps` of the generator, whose fakes start from what the last critic update's did. Both are loops:
    each update is compiled once. `prepare` changes the images from below that fakes start from, [k, h, w, c].
    """
    generator, _ = recipe.networks(scale)
    critic_loss, adversarial, reconstruction = make_losses(recipe, scale)

    @partial(jax.jit, donate_argnums=1)
    def step(index, own, below, picture, key):
        adam = recipe.adam(recipe.share(index))
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
            d, d_opt, seen = updated(player(critic_loss, adam), d, d_opt, picture, fake, turn[1][None])
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
            g, g_opt, made = updated(player(loss, adam), *networks)
            return (g, g_opt), made

        networks = g, optimizers["generator"]
        (g, g_opt), made = jax.lax.scan(update_generator, networks, length=recipe.generator_steps)
        seen = jax.tree.map(lambda x: x[-1], {**seen, **made})
        part = {**part, "generator": g, "critic": d, "noise": given.fixed[0]}
        return {"scale": part, "adam": {"generator": g_opt, "critic": d_opt}}, seen

    return step
