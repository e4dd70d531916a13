"""The file of a trained generator, which fills holes of pictures of any size."""

from collections.abc import Mapping
from typing import Any

import jax

from jaxprior.errors import WeightsError
from jaxprior.models.patchgan.networks import Generator, from_config
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
        WeightsError: the config describes no generator, or one whose pixels depend on the whole picture; or names or
            shapes do not match it.
    """
    module = described(card, from_config, where=where)
    if module.norm == "instance":
        raise WeightsError(
            f"{where}: its norm is taken over the whole picture, so that a tile of a photograph would be restored in "
            "another way than the photograph; expected a network of norm affine or none."
        )
    expected = jax.eval_shape(module.init_variables, jax.random.key(0))["params"]
    return as_restorer(module, checked(params.get("generator", {}), expected, where=where), Card(card))


def as_restorer(generator: Generator, params: Any, card: Card | None = None) -> Restorer:
    """A generator as a restorer, which knows what the generator is shown of a picture with holes.

    Arguments:
        generator: the network; params: its parameters; card: where they come from.
    """
    return Restorer(
        module=generator,
        params=params,
        task="inpaint",
        reach=generator.reach,
        multiple=generator.multiple,
        squares=generator.squares,
        takes_mask=True,
        channels=generator.image_channels,
        card=Card({}) if card is None else card,
    )
