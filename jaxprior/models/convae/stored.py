"""The file of a trained convolutional autoencoder: its encoder is a feature network, the whole of it a refiner."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from jaxprior.errors import WeightsError
from jaxprior.models.convae.networks import CodeMap, ConvAE, from_config
from jaxprior.weights.card import Card
from jaxprior.weights.features import DEEP, Cut, FeatureNetwork
from jaxprior.weights.refiners import Refiner
from jaxprior.weights.tree import checked, described


def build_encoder(
    params: Mapping, card: Mapping, where: str = "these weights", *, cut: Cut | str | None = None
) -> FeatureNetwork:
    """Make a feature network of stored parameters, whose only map is the code: [b, 1, 1, h] of images [b, r, r, c].

    Arguments:
        params: {"encoder": tree, "decoder": tree}, of any float type; kept as float32, the encoder's alone.
        card: of the file; `config` is used.
        where: named in errors' sentences.
        cut: None or `DEEP`; the code is all there is.

    Raises:
        WeightsError: the config describes no autoencoder, names or shapes do not match it, or a cut.
    """
    if cut not in (None, DEEP):
        raise WeightsError(f"{where}: a ConvAE has one feature, its code, and no layers to choose; leave out `cut`.")
    network, weights = _checked(params, card, where)
    return FeatureNetwork(module=CodeMap(network), params={"encoder": weights["encoder"]}, card=Card(card))


def build_autoencoder(params: Mapping, card: Mapping, where: str = "these weights") -> Refiner:
    """Make a refiner of stored parameters: images are encoded and decoded again.

    Arguments:
        params, card, where: see `build_encoder`.

    Raises:
        WeightsError: the config describes no autoencoder, or names or shapes do not match it.
    """
    network, weights = _checked(params, card, where)
    return Refiner(module=network, params=weights, resolution=network.resolution, card=Card(card))


def _checked(params: Mapping, card: Mapping, where: str) -> tuple[ConvAE, dict[str, Any]]:
    """The network that a card describes, and its parameters, whose names and shapes are right."""
    network = described(card, from_config, where=where)
    shape = (1, network.resolution, network.resolution, network.image_channels)
    images = jax.ShapeDtypeStruct(shape, jnp.float32)
    expected = jax.eval_shape(network.init, jax.random.key(0), images)["params"]
    return network, checked(params, expected, where=where)
