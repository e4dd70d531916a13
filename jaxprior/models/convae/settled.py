"""What follows for a convolutional autoencoder's settings from its prior; no JAX is imported here.

A command refuses a prior that does not fit, and a task that is none, before pictures are read.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from jaxprior.errors import SettingsError
from jaxprior.models.convae.config import SMALLEST, ConvAERecipe
from jaxprior.pytrees import shape_text
from jaxprior.training.tasks import check_task
from jaxprior.weights.outlines import outline_prior


def settled(recipe: ConvAERecipe, given: Mapping[str, Any], *, preset_named: bool) -> ConvAERecipe:
    """The recipe with the size of the prior's pictures, if there is a prior.

    Arguments:
        recipe: of the preset.
        given: settings that the command was given.
        preset_named: whether the command named the preset.

    Raises:
        WeightsError, SettingsError: there is no such prior, or it does not fit; or a task is none.
    """
    source = given.get("prior", recipe.prior)
    outline = None if source is None else outline_prior(source)
    if outline is not None:  # else there is no prior, or its family tells sizes by its networks, and `plan` finds out
        check_prior(recipe, outline.image_shape, outline.card.get("name") or source, given)
        recipe = replace(recipe, resolution=outline.image_shape[0], image_channels=outline.image_shape[-1])
    side = given.get("resolution", recipe.resolution)
    for words in given.get("tasks", recipe.tasks):
        check_task(words, (side, side, given.get("image_channels", recipe.image_channels)))
    return recipe


def check_prior(recipe: ConvAERecipe, shape: tuple[int, ...], name: Any, asked: Mapping[str, Any]) -> None:
    """Refuse a prior whose samples cannot be trained on.

    Arguments:
        recipe: of the training.
        shape: of the prior's images; name: of the prior, for the sentence.
        asked: "resolution" and "image_channels", which the prior's images must have, if they are there.

    Raises:
        SettingsError: it makes volumes, pictures that the networks cannot halve, or others than were asked for.
    """
    side = shape[0]
    if len(shape) != 3 or shape[1] != side or side < SMALLEST[recipe.layout] or side & (side - 1):
        raise SettingsError(
            f"{name} makes images of {shape_text(shape)}: a convolutional autoencoder of this kind needs square images "
            f"of a power of 2 from {SMALLEST[recipe.layout]} pixels a side."
        )
    for option, field, have, unit in (
        ("--resolution", "resolution", side, "pixels a side"), ("--channels", "image_channels", shape[-1], "channels")
    ):  # fmt: skip
        if asked.get(field, have) != have:
            raise SettingsError(
                f"{option} {asked[field]}: {name} makes pictures of {have} {unit}; leave out {option}, or name another "
                "prior."
            )
