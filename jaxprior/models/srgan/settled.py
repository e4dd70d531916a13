"""What follows for an SRGAN's settings from the network that it goes on with, and what is refused; without JAX.

A command refuses what cannot be trained before photographs are read.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from jaxprior.errors import SettingsError, WeightsError
from jaxprior.models.srgan.config import SrganRecipe
from jaxprior.weights import loader, storage


KEPT = ("factor", "blocks", "width", "skip", "output", "ending", "kernel")
"""Settings that a network to go on with decides."""


def settled(recipe: SrganRecipe, given: Mapping[str, Any], *, preset_named: bool) -> SrganRecipe:
    """The recipe of the preset with the sizes of the network that it goes on with, if it goes on with one.

    Arguments:
        recipe: of the preset.
        given: settings that the command was given.
        preset_named: whether the command named the preset.

    Raises:
        SettingsError: there are adversarial steps, and nothing says what they compare; or the reverse; or a setting
            was given that says otherwise than the network to go on with.
        WeightsError: there is no such network to go on with.
    """
    check_content(
        given.get("features", recipe.features), given.get("adversarial_steps", recipe.adversarial_steps)
    )
    source = given.get("start_from", recipe.start_from)
    return recipe if source is None else _continued(recipe, given, source)


def _continued(recipe: SrganRecipe, given: Mapping[str, Any], source: str) -> SrganRecipe:
    """The recipe with the sizes of the network of a file. Its norms are folded, so that it has none."""
    card = storage.read_card(loader.find(source, role="restorer"))
    config = card.get("config")
    if card.get("architecture") != "srgan" or not isinstance(config, Mapping) or not set(KEPT) <= set(config):
        raise WeightsError(f"--from {source}: expected the run or the file of a `jaxprior train srgan`.")
    if config.get("before_sum") != "norm":
        raise WeightsError(f"--from {source}: a network of an early version of the public code cannot be trained on.")
    for name, value in {**{name: config[name] for name in KEPT}, "norm": "none"}.items():
        if given.get(name) not in (None, value):
            raise SettingsError(
                f"`{name}` cannot be changed with --from: the network of {source} has {value}; leave it out."
            )
    return replace(recipe, norm="none", **{name: config[name] for name in KEPT})


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
