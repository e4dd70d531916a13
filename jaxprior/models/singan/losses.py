"""The networks of one scale of a SinGAN and their losses (Shaham et al., ICCV 2019, equation 3).

    critic       E D(fake) - E D(real) + penalty of pixels' gradient norms
    generator    -E D(fake) + weight x mean squared error of the picture, remade from the noise kept for that

Both networks are normalised by the batch, a picture at a time.
"""

from typing import Any

import jax
import jax.numpy as jnp
import optax

from jaxprior.models.singan.config import SinganRecipe
from jaxprior.models.singan.networks import Critic, Generator
from jaxprior.training import losses
from jaxprior.training.recipe import dtype_of
from jaxprior.training.statistics import parted


Array = jax.Array


def in_training(network: Any, variables: dict, *inputs: Array) -> tuple[Array, dict]:
    """Apply a network that normalises by the batch: (its output, its variables with new running statistics)."""
    output, changed = network.apply(variables, *inputs, train=True, mutable=["batch_stats"])
    return output, {**variables, **changed}


def networks_at(recipe: SinganRecipe, scale: int) -> tuple[Generator, Critic]:
    """The two networks of a scale, as the settings describe them."""
    width = recipe.width_at(scale)
    shared = {"width": width, "least_width": width, "layers": recipe.layers, "dtype": dtype_of(recipe)}
    return Generator(norm=recipe.norm, **shared), Critic(norm=recipe.critic_norm, **shared)


def make_losses(recipe: SinganRecipe, scale: int):
    """The three losses of a scale: the critic's, the generator's adversarial one and that of its reconstruction.

    Each is (params, statistics, ...) -> (value, (metrics, new running statistics)). `critic_loss` among the metrics is
    without the penalty, which stands beside it.
    """
    generator, critic = networks_at(recipe, scale)
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


def generator_loss(recipe: SinganRecipe, variables: dict, adversarial, reconstruction):
    """What the generator's updates of one step minimise, as the setting `g_step` says.

    Arguments:
        recipe: the settings.
        variables: those of the generator before the first of its updates.
        adversarial, reconstruction: the losses of `make_losses`, as functions of (params, statistics) alone.

    Returns:
        A function of the same kind. Where a gradient is kept, it is a linear function with this gradient everywhere.
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
