"""The file of a trained AEGAN: a generator, its critic, the encoder of its codes, and a card that describes them."""

from collections.abc import Mapping
from dataclasses import replace

import jax
import jax.numpy as jnp

from jaxprior.models.aegan.networks import MeanCode, from_config
from jaxprior.weights.card import card_of_own_encoder
from jaxprior.weights.encoders import Encoder
from jaxprior.weights.priors import Prior, assemble
from jaxprior.weights.tree import checked, described


def build_prior(params: Mapping, card: Mapping, where: str = "these weights") -> Prior:
    """Make a prior of stored parameters, whose `encoder` is the one that was trained with it.

    Arguments:
        params: {"generator": tree, "encoder": tree, "critic": tree (optional)}, of any float type; kept as float32.
        card, where: see `jaxprior.weights.priors.assemble`.

    Raises:
        WeightsError: the config describes no AEGAN, or names or shapes do not match it.
    """
    prior = assemble(params, card, where, networks=lambda config: from_config(config)[1:])
    module, _, _ = described(card, from_config, where=where)
    images = jax.ShapeDtypeStruct((1, *prior.image_shape), jnp.float32)
    expected = jax.eval_shape(module.init, jax.random.key(0), images)["params"]
    weights = checked(params.get("encoder", {}), expected, where=f"{where}: encoder")
    encoder = Encoder(
        module=MeanCode(module),
        params={"encoder": weights},
        layer=None,
        image_shape=prior.image_shape,
        prior_sha256=prior.sha256,
        card=card_of_own_encoder(prior.card),
    )
    return replace(prior, encoder=encoder)


def build_encoder(params: Mapping, card: Mapping, where: str = "these weights") -> Encoder:
    """Make the encoder alone, for `load_encoder`; see `build_prior`."""
    encoder = build_prior(params, card, where).encoder
    assert encoder is not None  # `build_prior` has made it
    return encoder
