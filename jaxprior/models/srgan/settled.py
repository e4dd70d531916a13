"""What is refused of an SRGAN's settings before photographs are read; no JAX is imported here."""

from collections.abc import Mapping
from typing import Any

from jaxprior.errors import SettingsError
from jaxprior.models.srgan.config import PIXELS, SrganRecipe
from jaxprior.weights.outlines import outline_network


def settled(recipe: SrganRecipe, given: Mapping[str, Any], *, preset_named: bool) -> SrganRecipe:
    """The recipe of the preset, if its second stage has a content loss that can be computed.

    Arguments:
        recipe: of the preset.
        given: settings that the command was given.
        preset_named: whether the command named the preset.

    Raises:
        SettingsError: there are adversarial steps, and nothing says what they compare; or the reverse.
        WeightsError: there is no such feature network.
    """
    features = given.get("features", recipe.features)
    check_content(features, given.get("adversarial_steps", recipe.adversarial_steps))
    if features not in (None, PIXELS):
        outline_network(features, role="features")
    return recipe


def check_content(features: str | None, adversarial_steps: int) -> None:
    """Refuse adversarial steps without a content loss, and a content loss without such steps.

    Raises:
        SettingsError: see above.
    """
    if adversarial_steps and features is None:
        raise SettingsError(
            "--adversarial-steps: the content loss compares maps of a feature network: name an installed one with "
            "--features (`jaxprior priors` lists them), or give --features pixels, which compares pixels only."
        )
    if features is not None and not adversarial_steps:
        raise SettingsError(
            "--features is for the steps with a critic, and there are none: give --adversarial-steps too, or leave it "
            "out. --evaluate-features compares held-out pictures."
        )
