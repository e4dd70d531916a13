"""Recipe: boundary equilibrium GAN (Berthelot et al., 2017).

The critic is an autoencoder, and L(v) = mean |v - D(v)| is the error with which it reconstructs pictures v:

    critic       L(x) - k L(G(z))               reconstructs real pictures x well, and generated ones badly
    generator    L(G(z))
    balance      k <- k + lambda_k (gamma L(x) - L(G(z))), kept in [0, 1]
    measure      M = L(x) + |gamma L(x) - L(G(z))|: how far the training has converged, lower is better

As in the public implementation (carpedm20), both networks make their step from the same weights, with the same codes,
and k follows from the same two errors. All gradients come out of one pass: the error of generated pictures counts with
-k for the critic and with 1 for the generator, so the gradient of each error in the critic's weights is kept apart.
"""

from functools import partial
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np

from jaxprior.models.began.config import BeganRecipe
from jaxprior.models.began.networks import FIELDS, Critic, Generator, to_config
from jaxprior.nn.latent import draw_codes
from jaxprior.system.devices import default_platform
from jaxprior.training.evaluators import CODES, SHOWN, SlicedWasserstein
from jaxprior.training.feature_distances import evaluation_network
from jaxprior.training.pictures import Pictures, draw_batch, to_images
from jaxprior.training.players import adam_start, copied, ema, updated
from jaxprior.training.recipe import adam, average_decay, cut_into_parts, dtype_of
from jaxprior.training.session import Plan, settings_of


Array = jax.Array

DISTRIBUTION = "uniform"
"""Of the codes: U(-1, 1)."""


def make_networks(recipe: BeganRecipe) -> tuple[Generator, Critic]:
    """The two networks of a recipe."""
    shared = {name: getattr(recipe, name) for name in FIELDS}
    shared |= {"dtype": dtype_of(recipe), "trained_on": default_platform()}
    return Generator(**shared), Critic(**shared)


@partial(jax.jit, static_argnums=0)  # one program; operation by operation the networks' shapes need many
def init_state(recipe: BeganRecipe, key: Array) -> dict:
    """Start state: parameters of both networks, the generator's average, Adam's states, and k, which is 0."""
    found = {}
    for name, network, k in zip(("generator", "critic"), make_networks(recipe), jax.random.split(key), strict=True):
        params = network.init_params(k)
        found |= {name: params, f"{name}_opt": adam_start(params)}
    return {**found, "average": copied(found["generator"]), "k": jnp.zeros(())}


def balanced(k: Array, real: Array, fake: Array, *, gamma: float, rate: float) -> Array:
    """The next weight k of the generated pictures' error in the critic's loss, from 0 to 1.

    Arguments:
        k: of this step.
        real, fake: errors of real and of generated pictures.
        gamma: the ratio fake / real that is aimed at.
        rate: lambda_k.

    Example:
        >>> float(balanced(jnp.float32(0.0), jnp.float32(2.0), jnp.float32(0.5), gamma=0.5, rate=0.5))
        0.25
    """
    return jnp.clip(k + rate * (gamma * real - fake), 0.0, 1.0)


def convergence(real: Array, fake: Array, *, gamma: float) -> Array:
    """M of two errors: the error of real pictures, and how far that of generated ones is from its aim.

    Arguments:
        real, fake, gamma: see `balanced`.

    Example:
        >>> float(convergence(jnp.float32(2.0), jnp.float32(0.5), gamma=0.5))
        2.5
    """
    return real + jnp.abs(gamma * real - fake)


def rate_share(recipe: BeganRecipe, index: Any) -> Any:
    """The share of the learning rate that counts at a step: halved again and again, down to `least_rate`."""
    least = min(recipe.least_rate / recipe.learning_rate, 1.0)
    return jnp.maximum(0.5 ** jnp.floor_divide(index, recipe.halve_every), least)


def make_gradients(generator: Generator, critic: Critic):
    """What both networks' gradients are made of.

    Returns:
        A function of the parameters of the generator and of the critic, images [b, r, r, c] in [-1, 1] and codes
        [b, latent]. It returns the generator's gradient, those of the error of real pictures and of the error of
        generated ones in the critic's parameters, and both errors.
    """

    def error(params, images):
        return -jnp.mean(cast(Array, critic.apply({"params": params}, images)))

    def errors(generator_params, of_real, of_fake, reals, codes):
        """The sum of both errors; the critic's weights come twice, so that each error has its own gradient in them."""
        real, fake = error(of_real, reals), error(of_fake, generator.apply({"params": generator_params}, codes))
        return real + fake, (real, fake)

    def gradients(of_generator, of_critic, reals, codes):
        found, seen = jax.grad(errors, (0, 1, 2), has_aux=True)(of_generator, of_critic, of_critic, reals, codes)
        return *found, *seen

    return gradients


def make_advance(recipe: BeganRecipe, generator: Generator, critic: Critic):
    """What a step of the two networks does with given pictures and codes.

    Returns:
        A function of the step's index, the state, images [b, r, r, c] in [-1, 1] and codes [b, latent], which returns
        the next state and the metrics: the losses, the error of real pictures, k of this step, and M.
    """
    gradients = make_gradients(generator, critic)

    def advance(index, state, reals, codes):
        g, d, k = state["generator"], state["critic"], state["k"]
        by_g, by_real, by_fake, real, fake = gradients(g, d, reals, codes)
        optimizer = adam(recipe, rate_share(recipe, index))
        by_d = jax.tree.map(lambda a, b: a - k * b, by_real, by_fake)
        d, d_opt = updated(d, state["critic_opt"], by_d, optimizer)
        g, g_opt = updated(g, state["generator_opt"], by_g, optimizer)
        new = {
            "generator": g,
            "critic": d,
            "average": ema(state["average"], g, average_decay(recipe, index)),
            "generator_opt": g_opt,
            "critic_opt": d_opt,
            "k": balanced(k, real, fake, gamma=recipe.gamma, rate=recipe.balance_rate),
        }
        seen = {"critic_loss": real - k * fake, "generator_loss": fake, "real_loss": real}
        return new, {**seen, "k": k, "M": convergence(real, fake, gamma=recipe.gamma)}

    return advance


def make_step(recipe: BeganRecipe):
    """The compiled step: (index since the training began, state, uint8 pictures, key) -> (state, metrics)."""
    advance = make_advance(recipe, *make_networks(recipe))

    @partial(jax.jit, donate_argnums=1)
    def step(index, state, pictures, key):
        flip_key, z_key = jax.random.split(key)
        reals = to_images(pictures, flip_key if recipe.mirror else None)
        codes = draw_codes(z_key, (len(reals), recipe.latent_dim), distribution=DISTRIBUTION)
        return advance(index, state, reals, codes)

    return step


def plan(recipe: BeganRecipe, pictures: Pictures) -> Plan:
    """Everything that `session.run` needs to train this recipe on these pictures.

    Example:
        >>> session.run(  # trains for half an hour # doctest: +SKIP
        ...     plan(PRESETS["small"], pictures), "runs/began", source="cats.zip"
        ... )
    """
    generator, _ = make_networks(recipe)
    draw_images = jax.jit(lambda params, codes: generator.apply({"params": params}, codes))
    shape = (CODES, recipe.latent_dim)
    codes = np.asarray(draw_codes(jax.random.key(recipe.seed + 1), shape, distribution=DISTRIBUTION))
    card = {"architecture": "began", "config": to_config(generator), "codes": DISTRIBUTION}

    def sample(state, _moment, codes):
        return draw_images(state["average"], codes)

    return Plan(
        name="began",
        settings=settings_of(recipe),
        phases=cut_into_parts(make_step(recipe), partial(partial, draw_batch, pictures.pixels), recipe),
        init=partial(init_state, recipe),
        show=lambda state, moment: sample(state, moment, codes[:SHOWN]),
        evaluator=SlicedWasserstein(
            sample=sample, codes=codes, pictures=pictures, seed=recipe.seed, network=evaluation_network(recipe)
        ),
        export=lambda state: {"generator": state["average"], "critic": state["critic"]},
        card=lambda _state: card,
        pictures=pictures,
        seed=recipe.seed,
        curves=("M", "k"),
    )
