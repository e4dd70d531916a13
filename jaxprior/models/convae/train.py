"""Recipe: a convolutional autoencoder the encoder of the Generative Encoder (Ong and Yang, 2020, section 3.2).

    |AE(x) - x|^2 + |AE(P(x)) - x|^2          x: real pictures and samples of a prior, half and half

P is what the tasks do to a picture; without tasks there is the first term alone. A variational autoencoder decodes
codes that are drawn, and its loss has the divergence of their distribution from N(0, I) besides. Errors are means over
pixels and channels, Adam goes down on them, and a moving average of the weights is what is kept.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxprior.models.convae.config import ConvAERecipe
from jaxprior.models.convae.networks import ConvAE, folded, to_config
from jaxprior.models.convae.settled import check_prior
from jaxprior.system.devices import default_platform
from jaxprior.training.damage import Batches, Damage, files_said, make_damages, of_held_out, pictured
from jaxprior.training.evaluators import SHOWN, Reconstructed, rows_of_eight
from jaxprior.training.own_samples import make_samples
from jaxprior.training.pictures import Pictures, count_trained, to_images
from jaxprior.training.players import adam_start, copied, ema, player
from jaxprior.training.recipe import adam, average_decay, cut_into_parts, dtype_of
from jaxprior.training.session import Plan, settings_of
from jaxprior.training.statistics import parted
from jaxprior.weights.priors import Prior, load_prior


Array = jax.Array

AVERAGED = 1024
"""Pictures of which the mean picture is made."""


def make_network(recipe: ConvAERecipe) -> ConvAE:
    """The autoencoder of a recipe."""
    return ConvAE(
        recipe.resolution,
        recipe.width,
        recipe.code,
        recipe.variational,
        recipe.tanh,
        recipe.layout,
        recipe.image_channels,
        recipe.between,
        dtype=dtype_of(recipe),
        trained_on=default_platform(),
    )


def init_state(network: ConvAE, key: Array) -> dict:
    """Start state: variables, their average, and Adam's."""
    shape = (1, network.resolution, network.resolution, network.image_channels)
    variables = jax.jit(network.init)(key, jnp.zeros(shape))
    return {"autoencoder": variables, "average": copied(variables), "optimizer": adam_start(variables["params"])}


def make_loss(recipe: ConvAERecipe, network: ConvAE) -> Callable:
    """The loss, as `jaxprior.training.players.player` takes it.

    Arguments:
        recipe: for the weight of the divergence.
        network: the autoencoder.

    Returns:
        (params, statistics, seen [k b, r, r, c], originals [b, r, r, c], noise [k b, h] or None) -> (value, (metrics,
        new statistics)). `seen` are the originals as they are, and damaged once more if k is 2; each of the k terms is
        a mean over the pictures. With noise, codes are drawn.
    """

    def loss(params, statistics, seen, originals, noise):
        variables, terms = {"params": params, **statistics}, len(seen) // len(originals)
        (images, code), changed = network.apply(
            variables, seen, noise, train=True, mutable=["batch_stats"], method="reconstruct"
        )
        wanted = jnp.concatenate([originals] * terms)
        errors = jnp.mean(jnp.square(images - wanted), axis=(1, 2, 3)).reshape(terms, -1).mean(axis=1)
        told: dict[str, Array] = dict(zip(("whole_loss", "damaged_loss"), errors, strict=False))
        total = jnp.sum(errors)
        if network.variational:
            told["divergence"] = jnp.mean(code.divergence()) / network.code
            total += terms * recipe.divergence_weight * told["divergence"]
        return total, ({"loss": total, **told}, dict(changed))

    return loss


def make_step(recipe: ConvAERecipe, network: ConvAE, damages: Sequence[Damage]) -> Callable:
    """The compiled step: (index since the training began, state, batch, key) -> (state, metrics).

    A batch is as of `jaxprior.training.damage.Batches`.
    """
    loss = make_loss(recipe, network)

    @partial(jax.jit, donate_argnums=1)
    def step(index, state, batch, key):
        flip_key, damage_key, noise_key = jax.random.split(key, 3)
        seen = originals = to_images(batch["pictures"], flip_key if recipe.mirror else None)
        if damages:
            masks = batch["mask"].astype(jnp.float32)
            seen = jnp.concatenate([seen, pictured(damages, originals, batch["task"], masks, damage_key)])
        noise = jax.random.normal(noise_key, (len(seen), network.code)) if network.variational else None
        params, statistics = parted(state["autoencoder"])
        update = player(loss, adam(recipe))
        params, optimizer, (told, statistics) = update(
            params, state["optimizer"], statistics, seen, originals, noise
        )
        variables = {"params": params, **statistics}
        average = ema(state["average"], variables, average_decay(recipe, index))
        return {"autoencoder": variables, "average": average, "optimizer": optimizer}, told

    return step


def plan(recipe: ConvAERecipe, pictures: Pictures) -> Plan:
    """Everything that `session.run` needs to train a convolutional autoencoder.

    Arguments:
        recipe: the settings; its resolution and channels are those of the prior, if there is one.
        pictures: real ones.

    Raises:
        WeightsError, SettingsError: there is no such prior, or it does not fit the settings; or a task is none.
        ImageError: too few pictures.
    """
    count = count_trained(pictures, recipe.held_out)
    prior, network = _prior(recipe), make_network(recipe)
    shape = (recipe.resolution, recipe.resolution, recipe.image_channels)
    damages = make_damages(recipe.tasks, shape, seed=recipe.seed)
    held: Any = np.asarray(pictures.pixels[count:])
    trained = Pictures(pictures.pixels[:count])
    averaged: Any = np.asarray(trained.pixels[:AVERAGED])
    own = 0 if prior is None else recipe.own_samples
    samples = None if prior is None or not own else make_samples(recipe.prior, recipe.samples, prior)
    batches = Batches(trained, samples, damages, own)
    judged = [of_held_out(pictured, damages, k, held, seed=recipe.seed) for k in range(len(damages))]
    draw = jax.jit(network.apply)

    def answer(state, images):
        return draw(state["average"], images)

    def show(state, _moment):
        """Rows of eight pictures, whole or damaged by one of the tasks, their answers, and the originals."""
        some = max(min(SHOWN // 4, len(held)) // 8 * 8, 1)
        originals = np.asarray(to_images(held[:some], None))
        kinds = [originals, *(seen[:some] for seen in judged)]
        seen = np.stack([kinds[row // 8 % len(kinds)][row] for row in range(some)])
        return rows_of_eight(seen, answer(state, seen), originals)

    return Plan(
        name="convae",
        settings={
            **settings_of(recipe), "prior": None if prior is None else prior.sha256, **files_said(recipe.tasks)
        },
        phases=cut_into_parts(make_step(recipe, network, damages), batches.batches, recipe),
        init=partial(init_state, network),
        show=show,
        evaluator=Reconstructed(
            answer=answer,
            originals=held,
            tasks=dict(zip(recipe.tasks, judged, strict=True)),
            mean=np.asarray(to_images(averaged, None)).mean(axis=0),
        ),
        export=lambda state: folded(state["average"]),
        card=lambda _state: {
            "architecture": "convae",
            "config": to_config(network),
            "tasks": list(dict.fromkeys(recipe.tasks)),
            "prior": None if prior is None else {"name": prior.card.get("name"), "sha256": prior.sha256},
            "own_samples": own / recipe.batch_size,
        },
        pictures=pictures,
        seed=recipe.seed,
    )


def _prior(recipe: ConvAERecipe) -> Prior | None:
    """The prior whose samples are trained on, or None.

    Raises:
        WeightsError: there is no such prior. SettingsError: its pictures have another size than the recipe's.
    """
    if recipe.prior is None:
        return None
    prior = load_prior(recipe.prior)
    asked = {"resolution": recipe.resolution, "image_channels": recipe.image_channels}
    check_prior(recipe, prior.image_shape, prior.card.get("name") or recipe.prior, asked)
    return prior
