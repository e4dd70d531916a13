"""Recipe: a GAN and an autoencoder trained together (Ong and Yang, 2020, equation 6 and section 4.5).

    encoder and generator    w_r |x - G(mean + sd eps)|^2 + w_k KL(N(mean, sd^2) | N(0, I)) - w_a log sigmoid D(G(z0))
    critic                   -log sigmoid D(x) - log(1 - sigmoid D(G(z0))), and R1 at every sixteenth step

x are real pictures, (mean, sd) is what the encoder says of them, eps and z0 are drawn from N(0, I). The squared error
is a mean over pixels and channels, the divergence a mean over the numbers of a code, and all are means over pictures.
The critic sees pictures of drawn codes and no reconstructions, as equation 6 has it. The paper's log(1 - D) is replaced
by the non-saturating loss, which does not vanish where the critic is sure. The paper states no weights: all are ours.
"""

from functools import partial
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxprior.models.aegan.config import AeganRecipe
from jaxprior.models.aegan.evaluator import SamplesAndReconstructions
from jaxprior.models.aegan.networks import Critic, Encoder, Generator, to_config
from jaxprior.models.pggan.config import feature_widths
from jaxprior.system.devices import default_platform
from jaxprior.training import losses
from jaxprior.training.evaluators import CODES, SHOWN, rows_of_eight
from jaxprior.training.feature_distances import evaluation_network
from jaxprior.training.pictures import Pictures, count_trained, draw_batch, to_images
from jaxprior.training.players import When, adam_start, copied, ema, player
from jaxprior.training.recipe import average_decay, cut_into_parts, dtype_of
from jaxprior.training.session import Plan, settings_of


Array = jax.Array

ANSWER = {"codes": {"kind": "single"}, "objective": {"pixel": "l2"}, "solve": {"init": "encoder", "steps": 0}}
"""The settings that a card states for reconstructions: the picture of the encoder's code, without any step."""


def make_networks(recipe: AeganRecipe) -> tuple[Encoder, Generator, Critic]:
    """The three networks of a recipe."""
    widths = recipe.widths or feature_widths(recipe.resolution)
    latent = recipe.latent_dim or max(widths)
    shared = {"image_channels": recipe.image_channels, "dtype": dtype_of(recipe), "trained_on": default_platform()}
    encoder = Encoder(recipe.resolution, recipe.encoder_width, latent, variational=True, **shared)
    shared["fused"] = recipe.fused
    return encoder, Generator(widths, latent, **shared), Critic(widths, **shared)


@partial(jax.jit, static_argnums=0)  # one program; operation by operation the networks' shapes need many
def init_state(recipe: AeganRecipe, key: Array) -> dict:
    """Start state: encoder and generator as one "autoencoder", its average, the critic, and Adam's states."""
    encoder, generator, critic = make_networks(recipe)
    e_key, g_key, c_key = jax.random.split(key, 3)
    images = jnp.zeros((1, *generator.image_shape))
    both = {"encoder": encoder.init(e_key, images)["params"], "generator": generator.init_params(g_key)}
    c = critic.init_params(c_key)
    state = {"autoencoder": both, "critic": c, "average": copied(both)}
    return {**state, "autoencoder_opt": adam_start(both), "critic_opt": adam_start(c)}


def make_losses(recipe: AeganRecipe, encoder: Encoder, generator: Generator, critic: Critic):
    """The two losses, as `jaxprior.training.players.player` takes them.

    Returns:
        (critic loss, loss of encoder and generator). The first is a function of (params, fakes, reals, regularise=),
        images being [b, r, r, c] in [-1, 1]. The second is one of ({"encoder": params, "generator": params}, critic's
        params, reals, noise [b, d], codes [b, d]): with the noise the encoder's codes are drawn, and of `codes` the
        pictures are made that the critic scores. Both give (value, metrics).
    """

    def scores_of(params, images) -> Array:
        return cast(Array, critic.apply({"params": params}, images))

    def critic_loss(params, fakes, reals, *, regularise: bool):
        scores = partial(scores_of, params)
        real, fake = scores(reals), scores(fakes)
        loss = losses.logistic_critic(real, fake)
        seen = {"critic_loss": loss, "score_real": jnp.mean(real), "score_fake": jnp.mean(fake)}
        if not regularise:
            return loss, seen
        penalty = recipe.gamma * losses.r1_penalty(scores, reals)
        return loss + recipe.r1_every * penalty, {**seen, "penalty": penalty}  # it counts for the steps without it

    def autoencoder_loss(params, critic_params, reals, noise, codes):
        code: Any = encoder.apply({"params": params["encoder"]}, reals)
        remade: Any = generator.apply({"params": params["generator"]}, code.sampled(noise))
        fakes = generator.apply({"params": params["generator"]}, codes)
        error = jnp.mean(jnp.square(remade - reals))
        divergence = jnp.mean(code.divergence()) / code.mean.shape[-1]
        doubt = losses.nonsaturating_generator(scores_of(critic_params, fakes))
        loss = recipe.reconstruction * error + recipe.divergence * divergence + recipe.adversarial * doubt
        return loss, {"reconstruction_loss": error, "divergence": divergence, "generator_loss": doubt}

    return critic_loss, autoencoder_loss


def make_advance(recipe: AeganRecipe, encoder: Encoder, generator: Generator, critic: Critic):
    """What a step does with given pictures and given chance: the critic learns, then encoder and generator.

    Returns:
        A function of the step's index, the state, images [b, r, r, c] in [-1, 1], the codes of the pictures that the
        critic sees, those of the pictures that the generator learns from, the noise of the encoder's codes, all
        [b, d], and `regularise`. It returns the next state and the metrics.
    """
    critic_loss, autoencoder_loss = make_losses(recipe, encoder, generator, critic)

    def advance(index, state, reals, critic_codes, codes, noise, *, regularise: bool):
        optimizer = adam(recipe, learning_rate(recipe, index))
        both = state["autoencoder"]
        fakes = generator.apply({"params": both["generator"]}, critic_codes)
        update = player(partial(critic_loss, regularise=regularise), optimizer)
        c, c_opt, seen = update(state["critic"], state["critic_opt"], fakes, reals)
        update = player(autoencoder_loss, optimizer)
        both, opt, made = update(both, state["autoencoder_opt"], c, reals, noise, codes)
        average = ema(state["average"], both, average_decay(recipe, index))
        state = {"autoencoder": both, "critic": c, "average": average, "autoencoder_opt": opt, "critic_opt": c_opt}
        return state, {**seen, **made}

    return advance


def make_step(recipe: AeganRecipe, encoder: Encoder, generator: Generator, critic: Critic) -> When:
    """The compiled step: (index since the training began, state, uint8 pictures, key) -> (state, metrics)."""
    advance = make_advance(recipe, encoder, generator, critic)

    def step(index, state, pictures, key, *, regularise: bool):
        flip_key, *keys = jax.random.split(key, 4)
        reals = to_images(pictures, flip_key if recipe.mirror else None)
        drawn = [jax.random.normal(one, (len(reals), generator.latent_dim)) for one in keys]
        return advance(index, state, reals, *drawn, regularise=regularise)

    compiled = [jax.jit(partial(step, regularise=r), donate_argnums=1) for r in (True, False)]
    return When(recipe.r1_every, *compiled)


def learning_rate(recipe: AeganRecipe, index: Array | int) -> Array:
    """The learning rate of a step: it changes linearly over all steps, and stays at its last value from then on."""
    share = jnp.clip(index / recipe.steps, 0.0, 1.0)
    return recipe.learning_rate + (recipe.final_learning_rate - recipe.learning_rate) * share


def adam(recipe: AeganRecipe, rate: float | Array) -> optax.GradientTransformation:
    """The optimiser at a rate, which may be traced."""
    return optax.adam(rate, b1=recipe.beta1, b2=recipe.beta2, eps=recipe.epsilon)


def plan(recipe: AeganRecipe, pictures: Pictures) -> Plan:
    """Everything that `session.run` needs to train this recipe on these pictures.

    Raises:
        ImageError: too few pictures.

    Example:
        >>> session.run(  # trains for half an hour # doctest: +SKIP
        ...     plan(PRESETS["small"], pictures), "runs/aegan", source="cats.zip"
        ... )
    """
    count = count_trained(pictures, recipe.held_out)
    encoder, generator, critic = make_networks(recipe)
    held: Any = np.asarray(pictures.pixels[count:])
    trained = Pictures(pictures.pixels[:count])

    @jax.jit
    def draw(params, codes):
        return generator.apply({"params": params["generator"]}, codes)

    @jax.jit
    def remake(params, images):
        code: Any = encoder.apply({"params": params["encoder"]}, images)
        return draw(params, code.mean)

    def show(state, _moment):
        """Rows of eight samples, then pairs of rows: held-out pictures, and what is made of their codes."""
        some = max(min(SHOWN // 4, len(held)) // 8 * 8, 1)
        originals = np.asarray(to_images(held[:some], None))
        remade = np.asarray(remake(state["average"], originals))
        samples = np.asarray(draw(state["average"], codes[: SHOWN // 2]))
        return np.concatenate([samples, rows_of_eight(originals, remade)])

    codes = np.asarray(jax.random.normal(jax.random.key(recipe.seed + 1), (CODES, generator.latent_dim)))
    return Plan(
        name="aegan",
        settings=settings_of(recipe),
        phases=cut_into_parts(
            make_step(recipe, encoder, generator, critic), partial(partial, draw_batch, trained.pixels), recipe
        ),
        init=partial(init_state, recipe),
        show=show,
        evaluator=SamplesAndReconstructions(
            sample=lambda state, _moment, some: draw(state["average"], some),
            codes=codes,
            pictures=trained,
            seed=recipe.seed,
            network=evaluation_network(recipe),
            answer=lambda state, images: remake(state["average"], images),
            held=held,
        ),
        export=lambda state: {**state["average"], "critic": state["critic"]},
        card=lambda _state: {
            "architecture": "aegan",
            "config": to_config(encoder, generator),
            "encoder": {"defaults": {"reconstruct": ANSWER}},
        },
        pictures=pictures,
        seed=recipe.seed,
        curves=("divergence",),
    )
