"""The file of a trained autoencoder, which serves as a refiner."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp

from jaxprior.models.autoencoder.networks import from_config
from jaxprior.weights.card import Card
from jaxprior.weights.refiners import Refiner
from jaxprior.weights.tree import checked, described


def build_autoencoder(params: Mapping, card: Mapping, where: str = "these weights") -> Refiner:
    """Make a refiner of stored parameters.

    Arguments:
        params: {"autoencoder": tree}, of any float type; kept as float32.
        card: of the file; `config` is used.
        where: named in errors' sentences.

    Raises:
        WeightsError: the config describes no autoencoder, or names or shapes do not match it.
    """
    module, resolution = described(card, from_config, where=where)
    images = jax.ShapeDtypeStruct((1, resolution, resolution, module.image_channels), jnp.float32)
    expected = jax.eval_shape(module.init, jax.random.key(0), images)["params"]
    weights = checked(params.get("autoencoder", {}), expected, where=where)
    return Refiner(module=module, params=weights, resolution=resolution, card=Card(card))
