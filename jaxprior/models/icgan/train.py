"""Recipe: an invertible conditional GAN (Perarnau et al., 2016), in four stages on the same pictures.

    judge          mean square error of y; it sees two thirds of the pictures, chosen for it alone, and teaches nobody
    labels         the encoder of labels: mean square error of y, of real pictures
    cgan           critic     -log D(x, y) - 1/2 log(1 - D(x, y'')) - 1/2 log(1 - D(G(z, y'), y'))
                   generator  -log D(G(z, y'), y'), with the same z and y' and the critic after its update
    codes          the encoder of codes: mean square error of z, of pictures G(z, y') that are made for each step

x is a real picture and y its label. y'' is the label of another picture that differs from y, so that the critic
learns that a good picture with a wrong label counts as false; y' is drawn from the labels of the training pictures.
Batches of each kind are normalised by their own statistics. What is kept of the generator is its moving average.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax

from jaxprior.models.icgan.config import IcganRecipe
from jaxprior.models.icgan.evaluator import ReadLabels, Trained
from jaxprior.models.icgan.networks import Critic, Encoder, Generator, to_config
from jaxprior.nn.norm import fold
from jaxprior.system.devices import default_platform
from jaxprior.training import losses
from jaxprior.training.labelled_pictures import LabelledPictures, trained_and_held
from jaxprior.training.phases import Phase
from jaxprior.training.pictures import to_images
from jaxprior.training.players import adam_start, copied, ema, player
from jaxprior.training.recipe import Stage, adam, average_decay, cut_into_parts, dtype_of
from jaxprior.training.session import Plan, settings_of
from jaxprior.training.statistics import apply_training, parted


Array = jax.Array

READERS = ("judge", "label_encoder", "code_encoder")
"""The networks that read pictures, by their names in the state and in the file."""
SEEN_BY_JUDGE = (2, 3)
"""The judge is trained on two thirds of the training pictures."""


def make_networks(
    recipe: IcganRecipe, labels: int, *, exclusive: bool
) -> tuple[Generator, Critic, dict[str, Encoder]]:
    """Generator, critic, and the networks that read pictures, of a recipe and a number of labels."""
    shared: dict[str, Any] = {"dtype": dtype_of(recipe), "trained_on": default_platform()}
    of_pictures: dict[str, Any] = shared | {"image_channels": recipe.image_channels, "kernel": 4}
    latent_dim = recipe.latent_dim + labels
    generator = Generator(recipe.widths, latent_dim, slope=0.0, labels=labels, exclusive=exclusive, **of_pictures)
    critic = Critic(recipe.critic_widths, recipe.resolution, slope=0.2, **of_pictures)
    reader = partial(Encoder, recipe.encoder_widths, **shared)
    return generator, critic, {
        "judge": reader(labels, recipe.dense),
        "label_encoder": reader(labels, recipe.dense),
        "code_encoder": reader(recipe.latent_dim),
    }


def init_state(recipe: IcganRecipe, key: Array, *, labels: int, exclusive: bool) -> dict:
    """Start state: variables of all networks, the generator's average, Adam's states."""
    generator, critic, readers = make_networks(recipe, labels, exclusive=exclusive)
    images = jax.ShapeDtypeStruct((1, *generator.image_shape), jnp.float32)
    pairs = (images, jax.ShapeDtypeStruct((1, labels), jnp.float32))
    keys = jax.random.split(key, 5)
    state = {
        "generator": generator.init_variables(keys[0]),
        "critic": dict(critic.lazy_init(keys[1], pairs)),
    }
    for name, one in zip(READERS, keys[2:], strict=True):
        state[name] = dict(readers[name].lazy_init(one, images))
    state |= {f"{name}_opt": adam_start(variables["params"]) for name, variables in state.items()}
    return {**state, "average": copied(state["generator"])}


def critic_terms(right: Array, wrong: Array, fake: Array) -> tuple[Array, Array, Array]:
    """The three terms of the critic's loss, of its scores before the sigmoid, means over the pictures.

    Arguments:
        right: real pictures with their own labels; wrong: the same with other labels; fake: generated ones.

    Returns:
        -log D(right), -1/2 log(1 - D(wrong)) and -1/2 log(1 - D(fake)), whose sum is the loss.
    """
    softplus = jax.nn.softplus
    return jnp.mean(softplus(-right)), 0.5 * jnp.mean(softplus(wrong)), 0.5 * jnp.mean(softplus(fake))


def make_losses(generator: Generator, critic: Critic) -> tuple[Callable, Callable]:
    """The losses of critic and generator, as `jaxprior.training.players.player` takes them.

    Returns:
        (critic loss, generator loss): functions of (params, statistics, reals, labels, wrong, fakes, drawn) and of
        (params, statistics, critic's variables, z, drawn). Both return (value, (metrics, statistics)).
    """

    def critic_loss(params, statistics, reals, labels, wrong, fakes, drawn):
        scores = []
        for pair in ((reals, labels), (reals, wrong), (fakes, drawn)):
            score, statistics = apply_training(critic, {"params": params, **statistics}, pair)
            scores.append(score)
        terms = critic_terms(*scores)
        names = ("score_real", "score_wrong", "score_fake")
        seen = {"critic_loss": 0.5 * sum(terms)} | {n: jnp.mean(s) for n, s in zip(names, scores, strict=True)}
        return sum(terms), (seen, statistics)

    def generator_loss(params, statistics, critic_variables, z, drawn):
        variables = {"params": params, **statistics}
        fakes, statistics = apply_training(generator, variables, (z, drawn), method="of_labels")
        scores, _ = apply_training(critic, critic_variables, (fakes, drawn))
        loss = losses.nonsaturating_generator(scores)
        return loss, ({"generator_loss": loss}, statistics)

    return critic_loss, generator_loss


def make_advance(recipe: IcganRecipe, generator: Generator, critic: Critic) -> Callable:
    """What a step of the stage "cgan" does with given pictures and given chance.

    Returns:
        A function of the step's index, the state, images [b, r, r, c] in [-1, 1], their labels, wrong ones, drawn
        ones, all [b, k], and z [b, d]. It returns the next state and the metrics.
    """
    critic_loss, generator_loss = make_losses(generator, critic)
    update = partial(player, optimizer=adam(recipe))

    def advance(index, state, reals, labels, wrong, drawn, z):
        fakes, _ = apply_training(generator, state["generator"], (z, drawn), method="of_labels")
        params, statistics = parted(state["critic"])
        params, critic_opt, (seen, statistics) = update(critic_loss)(
            params, state["critic_opt"], statistics, reals, labels, wrong, fakes, drawn
        )
        judging = {"params": params, **statistics}
        params, statistics = parted(state["generator"])
        params, generator_opt, (made, statistics) = update(generator_loss)(
            params, state["generator_opt"], statistics, judging, z, drawn
        )
        making = {"params": params, **statistics}
        average = ema(state["average"], making, average_decay(recipe, index))
        state = {
            **state, "generator": making, "critic": judging, "average": average,
            "generator_opt": generator_opt, "critic_opt": critic_opt,
        }  # fmt: skip
        return state, {**seen, **made}

    return advance


def reading_loss(network: Encoder) -> Callable:
    """The loss of a network that reads pictures: (params, statistics, images, target [b, n]) -> (value, (metrics,
    statistics)). It is the mean square error."""

    def loss(params, statistics, images, target):
        read, statistics = apply_training(network, {"params": params, **statistics}, images)
        value = jnp.mean(jnp.square(read - target))
        return value, ({"reading_loss": value}, statistics)

    return loss


def make_steps(
    recipe: IcganRecipe, generator: Generator, critic: Critic, readers: dict[str, Encoder]
) -> dict[str, Callable]:
    """The compiled steps by stage: (index since the stage began, state, batch, key) -> (state, metrics)."""
    advance = make_advance(recipe, generator, critic)
    optimizer = optax.adam(recipe.encoder_rate, b1=recipe.encoder_beta1, b2=recipe.beta2)

    def learned(name: str, state: dict, images: Array, target: Array) -> tuple[dict, dict]:
        params, statistics = parted(state[name])
        params, opt, (seen, statistics) = player(reading_loss(readers[name]), optimizer)(
            params, state[f"{name}_opt"], statistics, images, target
        )
        return {**state, name: {"params": params, **statistics}, f"{name}_opt": opt}, seen

    def shown(batch: dict, key: Array) -> Array:
        return to_images(batch["pictures"], key if recipe.mirror else None)

    def of_real(name: str) -> Callable:
        def step(index, state, batch, key):
            return learned(name, state, shown(batch, key), batch["labels"])

        return jax.jit(step, donate_argnums=1)

    @partial(jax.jit, donate_argnums=1)
    def cgan(index, state, batch, key):
        flip_key, z_key = jax.random.split(key)
        z = jax.random.normal(z_key, (len(batch["labels"]), recipe.latent_dim))
        return advance(index, state, shown(batch, flip_key), batch["labels"], batch["wrong"], batch["drawn"], z)

    @partial(jax.jit, donate_argnums=1)
    def codes(index, state, batch, key):
        z = jax.random.normal(key, (len(batch["labels"]), recipe.latent_dim))
        made: Any = generator.apply(state["average"], (z, batch["drawn"]), method="of_labels")
        return learned("code_encoder", state, made, z)

    return {"judge": of_real("judge"), "labels": of_real("label_encoder"), "cgan": cgan, "codes": codes}


def plan(recipe: IcganRecipe, pictures: LabelledPictures) -> Plan:
    """Everything that `session.run` needs to train this recipe on these pictures.

    Raises:
        ImageError: too few pictures.

    Example:
        >>> session.run(  # trains for half an hour # doctest: +SKIP
        ...     plan(PRESETS["small"], pictures), "runs/digits", source="digits"
        ... )
    """
    labels = pictures.labels
    trained, held = trained_and_held(pictures, recipe.held_out, seed=recipe.seed)
    judged, _ = trained.split(max(len(trained) * SEEN_BY_JUDGE[0] // SEEN_BY_JUDGE[1], 1), seed=recipe.seed + 1)
    generator, critic, readers = make_networks(recipe, len(labels.names), exclusive=labels.exclusive)
    steps = make_steps(recipe, generator, critic, readers)
    stages = {
        "judge": (recipe.judge_steps, 1, judged),
        "labels": (recipe.label_steps, 1, trained),
        "cgan": (recipe.steps, 6, trained),
        "codes": (recipe.code_steps, 2, trained),
    }
    phases: list[Phase] = []
    for name, (count, parts, part) in stages.items():
        if count:
            stage = Stage(steps=count, name=f"{name}, ", parts=parts)
            phases += cut_into_parts(steps[name], part.batches, recipe, stage=stage)
    evaluator = ReadLabels(networks=Trained(generator, readers), held=held, codes=recipe.latent_dim, seed=recipe.seed)
    return Plan(
        name="icgan",
        settings=settings_of(recipe),
        phases=phases,
        init=partial(init_state, recipe, labels=len(labels.names), exclusive=labels.exclusive),
        show=lambda state, _moment: evaluator.sheet(state),
        evaluator=evaluator,
        export=lambda state: {
            "generator": fold(state["average"]),
            **{name: fold(state[name]) for name in READERS},
        },
        card=lambda _state: {"architecture": "icgan", "config": to_config(generator, readers, labels.names)},
        pictures=pictures,
        seed=recipe.seed,
    )
