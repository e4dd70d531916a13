"""Going on with the training of an encoder that is there: its network is kept, its optimiser begins anew.

No JAX is imported until the encoder is loaded.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxprior.errors import SettingsError, WeightsError
from jaxprior.models.encoder.config import EncoderRecipe
from jaxprior.weights import loader, storage


if TYPE_CHECKING:
    from jaxprior.weights.encoders import Encoder
    from jaxprior.weights.priors import Prior


def encoder_file(source: str) -> Path:
    """The file of the encoder to go on with.

    Arguments:
        source: the name of a bundled or installed prior that has an encoder, a .safetensors file, or the folder of a
            training.

    Raises:
        WeightsError: there is none.
    """
    if source in loader.named_priors():
        beside = loader.encoder_beside(loader.find(source, role="prior"))
        if beside is None:
            raise WeightsError(f"--from {source}: this prior has no encoder to go on with.")
        return beside
    return loader.find(source, role="encoder")


def continued(recipe: EncoderRecipe, given: Mapping[str, Any]) -> EncoderRecipe:
    """The recipe with the layer and the sizes of the encoder that it goes on with, if it goes on with one.

    Arguments:
        recipe: the settings.
        given: those that a command was given.

    Raises:
        WeightsError: there is no such encoder. SettingsError: a setting was given that says otherwise than the encoder.
    """
    source = given.get("start_from", recipe.start_from)
    if source is None:
        return recipe
    card = storage.read_card(encoder_file(source))
    config, belongs = card.get("config"), card.get("prior")
    if card.get("architecture") != "encoder" or not isinstance(config, Mapping) or not isinstance(belongs, Mapping):
        raise WeightsError(
            f"--from {source}: this is no encoder of a prior. Give the run or the file of a `jaxprior train encoder`, "
            "or the name of a prior that has an encoder."
        )
    kept = {"layer": belongs["layer"], "widths": tuple(config["widths"]), "bottleneck": config["bottleneck"]}
    for name, value in kept.items():
        if given.get(name) not in (None, value):
            raise SettingsError(
                f"--{name} cannot be changed with --from: the encoder of {source} has {_said(value)}. "
                "Leave it out."
            )
    return replace(recipe, **kept)


def start_encoder(recipe: EncoderRecipe, prior: "Prior") -> "Encoder | None":
    """The encoder that a recipe goes on with, if any.

    Raises:
        WeightsError: there is none. ArgumentError: it belongs to another prior.
    """
    if recipe.start_from is None:
        return None
    encoder = loader.load(encoder_file(recipe.start_from), role="encoder")
    encoder.check_fits(prior)
    return encoder


def _said(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
