"""Recipe: SRResNet, then SRGAN (Ledig et al., CVPR 2017), on random crops of photographs of any size.

    small      = 8 bits of the antialiased bicubic shrinking of a crop
    mse          mean square error of the enlarged small crop
    adversarial  content + 1e-3 critic's term (+ pixels, + total variation); then the critic, on the same enlarged crops

The content loss is the mean square difference of the maps of a named feature network. Both networks go down their
gradients at the same weights of the other one. A moving average of the generator is what is kept.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from jaxprior.metrics import perceptual
from jaxprior.models.srgan.config import PIXELS, SrganRecipe
from jaxprior.models.srgan.evaluator import Enlarged, rows_of_examples
from jaxprior.models.srgan.networks import Critic, Generator, at_rest, to_config
from jaxprior.models.srgan.settled import check_content
from jaxprior.nn.rescaling import REACH, shrink_bicubic
from jaxprior.system.devices import default_platform
from jaxprior.system.evenly import evenly
from jaxprior.training import losses
from jaxprior.training.content import content_said, load_content
from jaxprior.training.photo_crops import Crops, PhotoPieces
from jaxprior.training.pictures import to_images
from jaxprior.training.players import adam_start, copied, ema, player
from jaxprior.training.recipe import PARTS, Stage, adam, average_decay, cut_into_parts, dtype_of
from jaxprior.training.session import Plan, settings_of
from jaxprior.training.statistics import apply_training, parted
from jaxprior.weights.features import load_features
from jaxprior.weights.restorers import Restorer, load_restorer


Array = jax.Array

LEAST_SHARE = 0.01
"""Of the learning rate, at the end of a stage whose rate falls along a cosine."""

MEASURED = 32
"""Held-out pieces that are measured at most."""


def linear_critic(real: Array, fake: Array) -> Array:
    """1 - E D(x) + E D(G), D being the sigmoid of a score (the public code of leftthomas)."""
    return 1.0 - jnp.mean(jax.nn.sigmoid(real)) + jnp.mean(jax.nn.sigmoid(fake))


def linear_generator(fake: Array) -> Array:
    """E (1 - D(G)), D being the sigmoid of a score."""
    return jnp.mean(1.0 - jax.nn.sigmoid(fake))


LOSSES = {
    "logistic": (losses.logistic_critic, losses.nonsaturating_generator),
    "linear": (linear_critic, linear_generator),
}
"""Name of a loss -> (the critic's function, the generator's)."""


def make_networks(recipe: SrganRecipe) -> tuple[Generator, Critic]:
    """The two networks of a recipe."""
    shared = {"dtype": dtype_of(recipe), "trained_on": default_platform()}
    generator = Generator(
        blocks=recipe.blocks, width=recipe.width, factor=recipe.factor, norm=recipe.norm, skip=recipe.skip,
        output=recipe.output, ending=recipe.ending, kernel=recipe.kernel, **shared,
    )  # fmt: skip
    return generator, Critic(recipe.critic_widths, recipe.critic_dense, **shared)


def init_state(recipe: SrganRecipe, key: Array, *, start: Restorer | None = None) -> dict:
    """Start state: variables of the generator, their average, Adam's; the critic's too, where it will have a say.

    Arguments:
        recipe: the settings; key: of random weights.
        start: a network that the training goes on with; None for a random one.
    """
    generator, critic = make_networks(recipe)
    keys = jax.random.split(key)
    variables = generator.init_variables(keys[0]) if start is None else {"params": copied(start.params)}
    state = {"generator": variables, "average": copied(variables), "generator_opt": adam_start(variables["params"])}
    if recipe.adversarial_steps:
        state["critic"] = critic.init_variables(keys[1])
        state["critic_opt"] = adam_start(state["critic"]["params"])
    return state


def rate_share(recipe: SrganRecipe, index: Any, steps: int, *, falls: bool) -> Any:
    """The share of the learning rate at step `index` of a stage of so many steps.

    Arguments:
        recipe: for the schedule.
        index: counted from 0; steps: of the stage.
        falls: whether the paper's rate falls in this stage, to a tenth after half of it.
    """
    if recipe.schedule == "cosine":
        wave = 0.5 * (1 + jnp.cos(jnp.pi * jnp.minimum(index / steps, 1.0)))
        return LEAST_SHARE + (1 - LEAST_SHARE) * wave
    return jnp.where(index >= steps // 2, 0.1, 1.0) if falls else 1.0


def make_pairs(recipe: SrganRecipe) -> Callable[[Array, Array], tuple[Array, Array]]:
    """A function from windows, uint8 [b, w, w, 3], and a key to small and large crops in [-1, 1].

    Windows are mirrored and turned at random. They are wider than the crops, so that a small crop is what it would be
    in the whole photograph.
    """
    factor = recipe.factor

    def pairs(windows: Array, key: Array) -> tuple[Array, Array]:
        mirror, turn, upset = jax.random.split(key, 3)
        x = to_images(windows, mirror if recipe.mirror else None)
        if recipe.turn:
            x = jnp.where(_half(upset, len(x)), x[:, ::-1], x)
            x = jnp.where(_half(turn, len(x)), x.swapaxes(1, 2), x)  # last: then all eight positions come about
        small = in_levels(shrink_bicubic(x, factor))
        return _without_border(small, REACH), _without_border(x, REACH * factor)

    return pairs


def _half(key: Array, count: int) -> Array:
    """True for about half of so many pictures, [count, 1, 1, 1]."""
    return jax.random.bernoulli(key, 0.5, (count, 1, 1, 1))


def _without_border(x: Array, width: int) -> Array:
    return x[:, width:-width, width:-width]


def in_levels(x: Array) -> Array:
    """Pictures in [-1, 1] as a file of 8 bits holds them."""
    return jnp.round((jnp.clip(x, -1.0, 1.0) + 1.0) * 127.5) / 127.5 - 1.0


def make_mse(recipe: SrganRecipe, generator: Generator) -> Callable:
    """One update with the square error: (index since the stage began, state, small, large) -> (state, metrics)."""

    def error(params, statistics, small, large):
        made, statistics = apply_training(generator, {"params": params, **statistics}, small)
        loss = jnp.mean(jnp.square(made - large))
        return loss, ({"mse_loss": loss}, statistics)

    def advance(index, state, small, large):
        params, statistics = parted(state["generator"])
        share = rate_share(recipe, index, recipe.steps, falls=False)
        params, optimizer, (told, statistics) = player(error, adam(recipe, share))(
            params, state["generator_opt"], statistics, small, large
        )
        variables = {"params": params, **statistics}
        average = ema(state["average"], variables, average_decay(recipe, index))
        return {**state, "generator": variables, "average": average, "generator_opt": optimizer}, told

    return advance


def make_adversarial(recipe: SrganRecipe, generator: Generator, critic: Critic) -> Callable:
    """One update of both networks: (index since the stage began, state, small, large, features) -> (state, metrics).

    `features` is the network of the content loss; None compares pixels.
    """
    critic_score, generator_score = LOSSES[recipe.loss]

    def error(params, statistics, small, large, critic_variables, features):
        made, statistics = apply_training(generator, {"params": params, **statistics}, small)
        pixels = jnp.mean(jnp.square(made - large))
        content = pixels if features is None else jnp.mean(perceptual(features, made, large))
        doubt = generator_score(apply_training(critic, critic_variables, made)[0])
        roughness = losses.total_variation(made)
        loss = (
            recipe.content_weight * content
            + recipe.pixel_weight * pixels
            + recipe.adversarial_weight * doubt
            + recipe.tv_weight * roughness
        )
        told = {"loss": loss, "mse_loss": pixels, "content_loss": content, "generator_loss": doubt, "tv": roughness}
        return loss, (told, statistics, made)

    def judge(params, statistics, large, made):
        real, statistics = apply_training(critic, {"params": params, **statistics}, large)
        fake, statistics = apply_training(critic, {"params": params, **statistics}, made)
        loss = critic_score(real, fake)
        told = {"critic_loss": loss, "score_real": jnp.mean(real), "score_fake": jnp.mean(fake)}
        return loss, (told, statistics)

    def advance(index, state, small, large, features):
        share = rate_share(recipe, index, recipe.adversarial_steps, falls=True)
        optimizer = adam(recipe, share * (recipe.adversarial_rate / recipe.learning_rate))
        params, statistics = parted(state["generator"])
        params, generator_opt, (told, statistics, made) = player(error, optimizer)(
            params, state["generator_opt"], statistics, small, large, state["critic"], features
        )
        variables = {"params": params, **statistics}
        params, statistics = parted(state["critic"])
        params, critic_opt, (seen, statistics) = player(judge, optimizer)(
            params, state["critic_opt"], statistics, large, made
        )
        state = {
            "generator": variables,
            "average": ema(state["average"], variables, average_decay(recipe, index)),
            "generator_opt": generator_opt,
            "critic": {"params": params, **statistics},
            "critic_opt": critic_opt,
        }
        return state, {**told, **seen}

    return advance


def make_steps(recipe: SrganRecipe) -> tuple[Callable, Callable]:
    """The compiled steps of both stages: (index, state, uint8 windows, key[, features]) -> (state, metrics)."""
    generator, critic = make_networks(recipe)
    pairs, mse = make_pairs(recipe), make_mse(recipe, generator)
    adversarial = make_adversarial(recipe, generator, critic)

    @partial(jax.jit, donate_argnums=1)
    def first(index, state, windows, key):
        return mse(index, state, *pairs(windows, key))

    @partial(jax.jit, donate_argnums=1)
    def second(index, state, windows, key, features):
        return adversarial(index, state, *pairs(windows, key), features)

    return first, second


def begin_adversarial(state: dict) -> dict:
    """The state with which the second stage begins: the generator's average goes on, with a new optimiser."""
    start = state["average"]
    return {
        **state, "generator": copied(start), "average": start, "generator_opt": adam_start(start["params"])
    }  # fmt: skip


def plan(recipe: SrganRecipe, pictures: PhotoPieces) -> Plan:
    """Everything that `session.run` needs to train an SRGAN.

    Arguments:
        recipe: the settings.
        pictures: pieces of photographs of the side `recipe.resolution`.

    Raises:
        SettingsError: a stage without what it needs. WeightsError: there is no such feature network.
        ImageError: too few photographs.
    """
    check_content(recipe.features, recipe.adversarial_steps)
    trained, held = pictures.parted(recipe.held_out)
    generator, _ = make_networks(recipe)
    features = load_content(None if recipe.features == PIXELS else recipe.features, recipe.features_cut)
    start = None if recipe.start_from is None else load_restorer(recipe.start_from)
    judge = features if recipe.evaluate_features is None else load_features(recipe.evaluate_features)
    going_on = {} if start is None else {"start_from": start.sha256}
    chosen = evenly(len(held), MEASURED)
    draw = jax.jit(generator.apply)

    def enlarge(state, small):
        return draw(state["average"], small)

    evaluator = Enlarged(enlarge=enlarge, originals=held[chosen], factor=recipe.factor, network=judge)
    first, second = make_steps(recipe)
    batches = Crops(trained, recipe.window).batches
    phases, parts = [], PARTS // 2 if recipe.steps and recipe.adversarial_steps else PARTS
    if recipe.steps:
        phases += cut_into_parts(first, batches, recipe, stage=Stage(steps=recipe.steps, name="mse, ", parts=parts))
    if recipe.adversarial_steps:
        stage = Stage(
            steps=recipe.adversarial_steps, name="adversarial, ", before=recipe.steps, begin=begin_adversarial,
            parts=parts,
        )  # fmt: skip
        phases += cut_into_parts(second, batches, recipe, frozen=(features,), stage=stage)
    return Plan(
        name="srgan",
        settings={**settings_of(recipe), **content_said(features), **going_on},
        phases=phases,
        init=partial(init_state, recipe, start=start),
        show=lambda state, _moment: rows_of_examples(evaluator, state),
        evaluator=evaluator,
        export=lambda state: {"generator": at_rest(state["average"])},
        card=lambda _state: {"architecture": "srgan", "config": to_config(generator)},
        pictures=pictures,
        seed=recipe.seed,
    )
