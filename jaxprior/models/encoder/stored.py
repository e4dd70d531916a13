"""The file of a trained encoder."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp

from jaxprior.errors import WeightsError
from jaxprior.models.encoder.networks import from_config
from jaxprior.weights.card import Card
from jaxprior.weights.encoders import Encoder
from jaxprior.weights.tree import checked, described


def build_encoder(params: Mapping, card: Mapping, where: str = "these weights") -> Encoder:
    """Make an encoder of stored parameters.

    Arguments:
        params: {"encoder": tree}, of any float type; kept as float32.
        card: of the file; `config` is used, and `prior`, a table with the "sha256" of the prior that it belongs to and
            the "layer" of whose features it answers.
        where: named in errors' sentences.

    Raises:
        WeightsError: the card describes no encoder, or names or shapes do not match it.
    """
    module = described(card, from_config, where=where)
    belongs = card.get("prior")
    if not isinstance(belongs, Mapping) or not isinstance(belongs.get("sha256"), str):
        raise WeightsError(f"{where}: its card does not say which prior this encoder belongs to.")
    if type(belongs.get("layer")) is not int:
        raise WeightsError(f"{where}: its card does not say of which layer's features this encoder answers.")
    shape = (module.resolution, module.resolution, module.image_channels)
    pictures = jax.ShapeDtypeStruct((1, *shape), jnp.float32)
    known = jax.ShapeDtypeStruct((1, *shape[:2], 1), jnp.float32)
    expected = jax.eval_shape(module.init, jax.random.key(0), pictures, known)["params"]
    weights = checked(params.get("encoder", {}), expected, where=where)
    return Encoder(
        module=module,
        params=weights,
        layer=belongs["layer"],
        image_shape=shape,
        prior_sha256=belongs["sha256"],
        card=Card(card),
    )
