"""Recipe: an encoder that sees a damaged picture and answers with the code and the features of the whole one.

    real pictures    features --frozen tail--> image; absolute error in the hole, and with a small weight of what is
                     known; besides, with weights, a perceptual distance and the critic's doubt
    samples of G     the code and the features are known: square error of the code, absolute error of the features

Adam with a warm-up and a cosine, gradients clipped to norm 1, a moving average. Without real pictures, the prior's own
samples go through the tail as well.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxprior.errors import SettingsError
from jaxprior.metrics import perceptual
from jaxprior.models.encoder.config import EncoderRecipe, default_widths
from jaxprior.models.encoder.continued import start_encoder
from jaxprior.models.encoder.networks import Encoder, check_sizes, to_config
from jaxprior.models.encoder.settled import check_shape
from jaxprior.nn.latent import draw_codes
from jaxprior.nn.norm import pixel_norm
from jaxprior.operators import Inpaint, task_table
from jaxprior.system.devices import default_platform
from jaxprior.training import losses
from jaxprior.training.damage import Batches, Damage, damaged, files_said, make_damages, of_held_out
from jaxprior.training.evaluators import SHOWN, Filled, rows_of_eight
from jaxprior.training.own_samples import Samples, make_samples
from jaxprior.training.pictures import Pictures, count_trained, to_images
from jaxprior.training.players import copied, ema, player
from jaxprior.training.recipe import adam, average_decay, cut_into_parts, dtype_of
from jaxprior.training.session import Plan, settings_of
from jaxprior.weights.features import load_features
from jaxprior.weights.priors import Prior, load_prior


Array = jax.Array

MEASURED = 64
"""Codes whose features tell how large features are."""


class Networks(NamedTuple):
    """Frozen networks that look at answers, where weights ask for them.

    Fields:
        features: whose maps are compared, a `FeatureNetwork` or the critic.
        critic: which doubts.
    """

    features: Any
    critic: Any

    def said(self) -> dict[str, str]:
        """What the settings of a run say of a feature network: its name, wherever its file lies, and its weights."""
        card = getattr(self.features, "card", None)
        return {} if card is None else {"features": card.get("name"), "features_sha256": card["sha256"]}


def make_network(recipe: EncoderRecipe, prior: Prior) -> Encoder:
    """The encoder of a recipe.

    Raises:
        SettingsError: widths or a layer that do not fit the prior's sizes.
    """
    check_shape(prior.image_shape, prior.card.get("name"))
    z = draw_codes(jax.random.key(0), (MEASURED, prior.latent_dim), distribution=prior.code_distribution)
    features = jax.jit(lambda prior, z: prior.head(z, recipe.layer))(prior, z)
    widths = recipe.widths or default_widths(prior.resolution)
    try:
        check_sizes(prior.resolution, widths, features.shape[1])
    except ValueError as error:
        raise SettingsError(f"{error}.") from None
    return Encoder(
        resolution=prior.resolution,
        widths=widths,
        latent_dim=prior.latent_dim,
        side=features.shape[1],
        channels=features.shape[-1],
        scale=float(f"{jnp.sqrt(jnp.mean(jnp.square(features))):.3g}"),
        unit_codes=_ignores_length(prior),
        bottleneck=recipe.bottleneck,
        image_channels=prior.image_shape[-1],
        dtype=dtype_of(recipe),
        trained_on=default_platform(),
    )


def _ignores_length(prior: Prior) -> bool:
    """Whether the length of a code means nothing to a generator, which normalises it."""
    return bool(getattr(prior.module, "normalize_latents", False)) or prior.code_distribution == "sphere"


def optimizer(recipe: EncoderRecipe, share: Any = 1.0) -> optax.GradientTransformation:
    """Adam at a share of the learning rate, after clipping gradients to norm 1."""
    return optax.chain(optax.clip_by_global_norm(1.0), adam(recipe, share))


def init_state(recipe: EncoderRecipe, network: Encoder, start: Any, key: Array) -> dict:
    """Start state: parameters, their average, and Adam's.

    Arguments:
        recipe, network: of the training.
        start: parameters that it goes on with; None for random ones.
        key: of random ones.
    """
    picture = jnp.zeros((1, network.resolution, network.resolution, network.image_channels))
    params = jax.jit(network.init)(key, picture, picture[..., :1])["params"] if start is None else copied(start)
    return {"encoder": params, "average": copied(params), "optimizer": jax.jit(optimizer(recipe).init)(params)}


def errors(images: Array, originals: Array, known: Array) -> tuple[Array, Array]:
    """Mean absolute errors of the missing and of the known pixels, each of every picture by itself: [b], [b]."""
    error = jnp.mean(jnp.abs(images - originals), axis=-1, keepdims=True)

    def mean(weight: Array) -> Array:
        return jnp.sum(error * weight, axis=(1, 2, 3)) / jnp.maximum(jnp.sum(weight, axis=(1, 2, 3)), 1.0)

    return mean(1 - known), mean(known)


def picture_loss(recipe: EncoderRecipe, images: Array, originals: Array, known: Array) -> tuple[Array, dict]:
    """The loss of images that should be the originals; where nothing is missing, all pixels count fully."""
    hole, rest = errors(images, originals, known)
    has_hole = jnp.any(known < 0.5, axis=(1, 2, 3))
    each = jnp.where(has_hole, hole + recipe.known_weight * rest, rest)
    share = jnp.maximum(jnp.sum(has_hole), 1)
    return jnp.mean(each), {"hole_loss": jnp.sum(hole) / share, "known_loss": jnp.mean(rest)}


def look_loss(
    recipe: EncoderRecipe, networks: Networks, images: Array, originals: Array, known: Array
) -> tuple[Array, dict]:
    """How the answers look with the known pixels put back: their perceptual distance, and the critic's doubt."""
    merged = jnp.where(answered(known), images, originals)
    total, told = jnp.zeros(()), {}
    if networks.features is not None:
        told["feature_loss"] = jnp.mean(perceptual(networks.features, merged, originals))
        total += recipe.feature_weight * told["feature_loss"]
    if networks.critic is not None:
        told["doubt"] = losses.nonsaturating_generator(networks.critic(merged))
        total += recipe.realism * told["doubt"]
    return total, told


def make_step(recipe: EncoderRecipe, network: Encoder, damages: Sequence[Damage], *, real: int) -> Callable:
    """The compiled step: (index since the training began, state, batch, key, cut generator, networks) ->
    (state, metrics); see `Batches`.

    Arguments:
        recipe, network, damages: of the training.
        real: pictures in front of a batch that are real; the others are samples of the prior.
    """
    shown = real or recipe.batch_size

    def error(params, seen, known, originals, z, cut, networks):
        answer: Any = network.apply({"params": params}, seen, known)
        images = cut.tail(answer["features"][:shown])
        loss, told = picture_loss(recipe, images, originals[:shown], known[:shown])
        look, of_look = look_loss(recipe, networks, images, originals[:shown], known[:shown])
        loss, told = loss + look, told | of_look
        wanted = pixel_norm(z[real:]) if network.unit_codes else z[real:]
        told["code_loss"] = jnp.mean(jnp.square(answer["z"][real:] - wanted))
        features = jax.lax.stop_gradient(cut.head(z[real:]))
        told["map_loss"] = jnp.mean(jnp.abs(answer["features"][real:] - features)) / network.scale
        loss += recipe.code_weight * told["code_loss"] + recipe.map_weight * told["map_loss"]
        return loss, {"loss": loss, **told}

    @partial(jax.jit, donate_argnums=1)
    def step(index, state, batch, key, cut, networks):
        flip_key, noise_key = jax.random.split(key)
        flipped = to_images(batch["pictures"][:real], flip_key if recipe.mirror else None)
        originals = jnp.concatenate([flipped, to_images(batch["pictures"][real:], None)])
        masks = batch["mask"].astype(jnp.float32)
        seen, known = damaged(damages, originals, batch["task"], masks, noise_key)
        update = player(error, optimizer(recipe, rate_share(recipe, index)))
        params, moments, told = update(
            state["encoder"], state["optimizer"], seen, known, originals, batch["z"], cut, networks
        )
        average = ema(state["average"], params, average_decay(recipe, index))
        return {"encoder": params, "average": average, "optimizer": moments}, told

    return step


def rate_share(recipe: EncoderRecipe, index: Any) -> Array:
    """The share of the learning rate at step `index`, counted from 0: it rises, then falls along a cosine."""
    warm = max(round(recipe.warmup * recipe.steps), 1)
    left = jnp.clip((index - warm) / max(recipe.steps - warm, 1), 0.0, 1.0)
    return jnp.minimum((index + 1) / warm, 0.5 * (1 + jnp.cos(jnp.pi * left)))


def plan(recipe: EncoderRecipe, pictures: Pictures) -> Plan:
    """Everything that `session.run` needs to train an encoder.

    Arguments:
        recipe: the settings.
        pictures: real ones, or `Samples` of the prior, which then are all there is.

    Raises:
        WeightsError, SettingsError: there is no such prior, or it does not fit the settings.
        ImageError: too few pictures.
    """
    count = count_trained(pictures, recipe.held_out)
    prior = load_prior(recipe.prior)
    start = start_encoder(recipe, prior)
    network, cut = make_network(recipe, prior), prior.split(recipe.layer, precision=recipe.precision)
    network = network if start is None else network.clone(scale=start.module.scale)
    networks = _networks(recipe, prior)
    damages = make_damages(recipe.tasks, network_shape(network), seed=recipe.seed)
    held: Any = np.asarray(pictures.pixels[count:])
    trained = Pictures(pictures.pixels[:count])
    if isinstance(pictures, Samples):
        own, real = recipe.batch_size, 0
        assert pictures.z is not None  # samples have codes
        batches = Batches(None, Samples(trained.pixels, z=pictures.z[:count]), damages, own)
    else:
        own, real = min(recipe.own, recipe.batch_size), recipe.batch_size - min(recipe.own, recipe.batch_size)
        batches = Batches(trained, make_samples(recipe.prior, recipe.samples, prior), damages, own)

    @jax.jit
    def draw(params, seen, known, cut):
        answer: Any = network.apply({"params": params}, seen, known)
        return cut.tail(answer["features"])

    judged = [of_held_out(damaged, damages, k, held, seed=recipe.seed) for k in range(len(damages))]

    def answer(state, seen, known):
        return draw(state["average"], seen, known, cut)

    def show(state, _moment):
        """Rows of eight damaged pictures, their answers with the known pixels put back, and the originals."""
        some = max(min(SHOWN // 4, len(held)) // 8 * 8, 1)
        rows = np.arange(some)
        kind = rows // 8 % len(damages) if some > 1 else rows
        seen, known = (np.stack([judged[k][part][row] for row, k in zip(rows, kind, strict=True)]) for part in (0, 1))
        originals = to_images(held[:some], None)
        merged = np.where(answered(known), answer(state, seen, known), originals)
        return rows_of_eight(seen, merged, originals)

    return Plan(
        name="encoder",
        settings={
            **settings_of(recipe), "prior": prior.sha256, **networks.said(), **_began(start),
            **files_said(recipe.tasks),
        },  # fmt: skip
        phases=cut_into_parts(
            make_step(recipe, network, damages, real=real), batches.batches, recipe, frozen=(cut, networks)
        ),
        init=partial(init_state, recipe, network, None if start is None else start.params),
        show=show,
        evaluator=Filled(answer=answer, originals=held, tasks=dict(zip(recipe.tasks, judged, strict=True))),
        export=lambda state: {"encoder": state["average"]},
        card=lambda _state: {
            "architecture": "encoder",
            "config": to_config(network),
            "prior": {"name": prior.card.get("name"), "sha256": prior.sha256, "layer": recipe.layer},
            "tasks": list(dict.fromkeys(recipe.tasks)),
            "defaults": defaults(recipe),
        },
        pictures=pictures,
        seed=recipe.seed,
    )


def defaults(recipe: EncoderRecipe) -> dict[str, Any]:
    """The settings that a card states: holes are filled by the answer as it is, if the encoder was trained to fill any.

    Steps that explain the known pixels better make holes no better (docs/encoders.md). Other tasks put nothing back of
    what is known, so that they keep the settings of the prior.
    """
    if all(task_table(words)["name"] != Inpaint.name for words in recipe.tasks):
        return {}
    codes = {"kind": "feature", "layer": recipe.layer}
    solve = {"init": "encoder", "optimizer": "lbfgs", "steps": 0}
    return {Inpaint.name: {"codes": codes, "objective": {"pixel": "l2"}, "solve": solve}}


def network_shape(network: Encoder) -> tuple[int, int, int]:
    """Shape of the pictures that a network sees."""
    return network.resolution, network.resolution, network.image_channels


def answered(known: Any) -> Any:
    """Where an answer stands in a merged picture: what is missing, or everything if nothing is; [b, h, w, 1]."""
    missing = known < 0.5
    return missing | ~missing.any(axis=(1, 2, 3), keepdims=True)


def _began(start: Any) -> dict[str, str]:
    """What the settings of a run say of the encoder that it goes on with."""
    return {} if start is None else {"start_from": start.sha256}


def _networks(recipe: EncoderRecipe, prior: Prior) -> Networks:
    """The networks that weights ask for.

    Raises:
        SettingsError: the critic of a prior that has none. WeightsError: a feature network that is not there.
    """
    by_critic = recipe.feature_weight and recipe.features == "critic"
    if (by_critic or recipe.realism) and prior.critic is None:
        raise SettingsError(
            "--realism, and --feature-weight without --features, ask for the prior's critic, and this prior has none: "
            "leave them out, or name a feature network."
        )
    features = None
    if recipe.feature_weight:
        features = prior.critic if by_critic else load_features(recipe.features).prepared(default_platform())
    return Networks(features, prior.critic if recipe.realism else None)
