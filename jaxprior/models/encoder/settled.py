"""What follows for an encoder's settings from the prior that it belongs to; no JAX is imported here.

A command refuses a prior that has no encoder, a layer that does not exist and a task that is none before pictures are
read.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from jaxprior.errors import SettingsError
from jaxprior.models.encoder.config import EncoderRecipe
from jaxprior.models.encoder.continued import continued
from jaxprior.pytrees import shape_text
from jaxprior.training.tasks import check_task
from jaxprior.weights.outlines import outline_prior


def settled(recipe: EncoderRecipe, given: Mapping[str, Any], *, preset_named: bool) -> EncoderRecipe:
    """The recipe with the size of the prior's pictures, and of the encoder that it goes on with.

    Arguments:
        recipe: of the preset.
        given: settings that the command was given.
        preset_named: whether the command named the preset.

    Raises:
        WeightsError, SettingsError: there is no such prior, or it can have no encoder; a task or the layer is none.
    """
    recipe = continued(recipe, given)
    source = given.get("prior", recipe.prior)
    outline = outline_prior(source)
    if outline is None:  # its family tells sizes by its networks only, so that `plan` finds out
        return recipe
    name = outline.card.get("name") or source
    check_shape(outline.image_shape, name)
    layer = given.get("layer", recipe.layer)
    if layer > outline.num_layers:
        raise SettingsError(f"--layer {layer}: {name} has layers 1 to {outline.num_layers}.")
    for words in given.get("tasks", recipe.tasks):
        check_task(words, outline.image_shape)
    return replace(recipe, resolution=outline.image_shape[0], image_channels=outline.image_shape[-1])


def check_shape(shape: tuple[int, ...], name: Any) -> None:
    """Refuse a prior of whose images an encoder cannot be made.

    Arguments:
        shape: of its images.
        name: of the prior, for the sentence.

    Raises:
        SettingsError: they are volumes, not square, or of a side that is no power of 2 from 8 on.
    """
    side = shape[0]
    if len(shape) != 3 or shape[1] != side or side < 8 or side & (side - 1):
        raise SettingsError(
            f"{name} makes images of {shape_text(shape)}: an encoder needs square images of 8, 16, 32, ... pixels a "
            "side, which it halves down to 4."
        )
