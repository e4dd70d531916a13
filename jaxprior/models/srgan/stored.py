"""The file of a trained SRGAN: the generator, which serves as a restorer."""

from collections.abc import Mapping

import jax

from jaxprior.models.srgan.networks import from_config
from jaxprior.system.devices import default_platform
from jaxprior.weights.card import Card
from jaxprior.weights.restorers import Restorer
from jaxprior.weights.tree import checked, described


def build_restorer(params: Mapping, card: Mapping, where: str = "these weights") -> Restorer:
    """Make a restorer of stored parameters.

    Arguments:
        params: {"generator": tree}, of any float type; kept as float32.
        card: of the file; `config` is used.
        where: named in errors' sentences.

    Raises:
        WeightsError: the config describes no such network, or names or shapes do not match it.
    """
    module = described(card, from_config, where=where)
    expected = jax.eval_shape(module.init_variables, jax.random.key(0))["params"]
    weights = checked(params.get("generator", {}), expected, where=where)
    return Restorer(
        module=module.clone(trained_on=default_platform()),
        params=weights,
        task="superres",
        factor=module.factor,
        reach=module.reach,
        channels=module.image_channels,
        card=Card(card),
    )
