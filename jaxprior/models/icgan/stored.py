"""The file of a trained IcGAN: a generator, the encoders of codes and labels, and a judge, which a card describes."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp

from jaxprior.models.icgan.networks import CodeAndLabel, Conditioned, Generator, from_config, settled
from jaxprior.weights.attributes import AttributeModel, Reader
from jaxprior.weights.card import Card, card_of_own_encoder
from jaxprior.weights.encoders import Encoder
from jaxprior.weights.priors import Prior, assemble
from jaxprior.weights.tree import checked, described


def build_model(params: Mapping, card: Mapping, where: str = "these weights") -> AttributeModel:
    """Make everything that a file holds of stored parameters.

    Arguments:
        params: {"generator", "code_encoder", "label_encoder", "judge": trees}, of any float type; kept as float32.
        card, where: see `jaxprior.weights.priors.assemble`.

    Raises:
        WeightsError: the config describes no IcGAN, or names or shapes do not match it.
    """
    prior = assemble(params, card, where, networks=lambda config: (from_config(config)[0], None))
    _, networks = described(card, from_config, where=where)
    images = jax.ShapeDtypeStruct((1, *prior.image_shape), jnp.float32)
    readers = {}
    for name, network in networks.items():
        expected = jax.eval_shape(network.init, jax.random.key(0), images)["params"]
        readers[name] = Reader(module=network, params=checked(params.get(name, {}), expected, where=f"{where}: {name}"))
    encoder = Encoder(
        module=CodeAndLabel(networks["code_encoder"], networks["label_encoder"], prior.module.exclusive),
        params={name: readers[name].params for name in ("code_encoder", "label_encoder")},
        layer=None,
        image_shape=prior.image_shape,
        prior_sha256=prior.sha256,
        card=card_of_own_encoder(prior.card),
    )
    config = card["config"]
    return AttributeModel(
        prior=replace(prior, encoder=encoder),
        code_encoder=readers["code_encoder"],
        label_encoder=readers["label_encoder"],
        judge=readers["judge"],
        names=tuple(map(str, config["labels"])),
        exclusive=bool(config["exclusive"]),
        settle=settled,
        condition=conditioned,
    )


def build_prior(params: Mapping, card: Mapping, where: str = "these weights") -> Prior:
    """Make a prior, whose `encoder` answers z and the label that it reads; see `build_model`."""
    return build_model(params, card, where).prior


def build_encoder(params: Mapping, card: Mapping, where: str = "these weights") -> Encoder:
    """Make the encoder alone, for `load_encoder`; see `build_model`."""
    encoder = build_model(params, card, where).prior.encoder
    assert encoder is not None  # `build_model` has made it
    return encoder


def conditioned(prior: Prior, label: Any) -> Prior:
    """A prior of one label, whose codes are z alone.

    Arguments:
        prior: an IcGAN's.
        label: [k], of -1 and 1.

    Returns:
        A `Prior` without critic and encoder; the label stands among its parameters.
    """
    whole: Generator = prior.module
    fields = {name: getattr(whole, name) for name in ("widths", "image_channels", "kernel", "norm", "slope", "dtype")}
    module = Conditioned(latent_dim=whole.latent_dim - whole.labels, labels=whole.labels, **fields)
    card = {name: value for name, value in prior.card.items() if name != "sha256"}
    params = {**prior.params, "label": jnp.asarray(label, jnp.float32)}
    return Prior(module=module, params=params, card=Card({**card, "architecture": "icgan of one label", "config": {}}))
