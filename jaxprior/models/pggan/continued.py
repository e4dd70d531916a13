"""Going on with the training of a PGGAN from its exported weights: which weights can be gone on with, and how.

The generator and its critic come from a file, and only the last stage is trained. Adam begins anew, so the learning
rate rises over the first steps: Adam's first estimates of the gradients' sizes are poor, and a full rate could spoil
what was learned. The moving average begins as the generator, with its full decay.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from jaxprior.errors import SettingsError
from jaxprior.models.pggan.config import PgganRecipe, feature_widths
from jaxprior.protocols import Sizes
from jaxprior.weights import loader, storage
from jaxprior.weights.identity import sizes_of


WARM_UP = 300
"""Steps over which the learning rate rises, if the recipe does not say how many."""

NETWORKS = {
    "resolution": "pixels a side", "widths": "feature maps", "latent_dim": "numbers a latent code",
    "image_channels": "channels", "fused": "fused sampling",
}  # fmt: skip
"""Settings of the networks, which those of the file must equal, with what a sentence calls them."""


def networks_of(recipe: PgganRecipe) -> dict[str, Any]:
    """The settings in `NETWORKS` of a recipe, those that it leaves open filled in."""
    widths = recipe.widths or feature_widths(recipe.resolution, fmap_base=recipe.fmap_base, fmap_max=recipe.fmap_max)
    own = {"widths": tuple(widths), "latent_dim": recipe.latent_dim or max(widths)}
    return {name: own.get(name, getattr(recipe, name)) for name in NETWORKS}


def settled(recipe: PgganRecipe, given: Mapping[str, Any], *, preset_named: bool) -> PgganRecipe:
    """The recipe that is changed by what a command was given, if the command says `--from`.

    Arguments:
        recipe: of the preset.
        given: settings that the command was given.
        preset_named: whether the command named the preset. Otherwise the settings of the networks, and the loss by
            which the critic was trained, are taken from the card of the weights.

    Raises:
        WeightsError, SettingsError: these weights cannot be gone on with; see `check_card`.
    """
    source = given.get("start_from")
    if source is None:
        return recipe
    path = loader.find(source, role="prior")
    card = storage.read_card(path)
    found = check_card(source, card, storage.read_names(path))
    try:
        wanted = networks_of(recipe.changed(dict(given))) if preset_named else {**found, **_known(given)}
    except ValueError:
        return recipe  # the command itself says what is wrong with its settings
    check_equal(source, found, wanted)
    if preset_named:
        return recipe
    return replace(recipe, **found, start_resolution=8, **_loss_of(card))


def check_card(source: str | Path, card: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
    """Refuse weights that no training of this family can go on with.

    Arguments:
        source: as the user named it, for the sentence.
        card: of the weights.
        names: of the tensors.

    Returns:
        the settings in `NETWORKS` that the card describes.

    Raises:
        SettingsError: another family, no critic, networks of another form than a training makes, or a card that
            describes none.
    """
    if card.get("architecture") != "pggan":
        raise SettingsError(
            f"{source} is a network of the kind {card.get('architecture')!r}: `train pggan` goes on with a PGGAN only."
        )
    if not any(name.startswith("critic/") for name in names):
        raise SettingsError(
            f"{source} has a generator but no critic: `train pggan` needs both; the weights of a training RUN, and the "
            "bundled priors, have them."
        )
    sizes, config = sizes_of(card), card.get("config", {})
    found = None if sizes is None else _described(sizes, config)
    if sizes is None or found is None:
        raise SettingsError(f"{source}: its card does not describe a PGGAN; `train pggan` cannot go on with it.")
    others = [f"{name} = {value}" for name, value in sizes.options]
    others += [f"critic.{name} = {value}" for name, value in config.get("critic", {}).items()]
    if others:
        raise SettingsError(
            f"{source} has networks with {', '.join(others)}: `train pggan` trains the original networks, without that."
        )
    return found


def _described(sizes: Sizes, config: Mapping[str, Any]) -> dict[str, Any] | None:
    """The settings in `NETWORKS` of a card's networks; None if a training makes no such networks."""
    widths, upsample = config["widths"], config.get("upsample")
    if upsample not in ("nearest", "fused") or not isinstance(config.get("critic", {}), Mapping):
        return None
    if not isinstance(widths, list | tuple) or not all(type(width) is int for width in widths) or sizes.latent_dim < 1:
        return None
    found = {
        "resolution": sizes.image_shape[0],
        "widths": tuple(widths),
        "latent_dim": sizes.latent_dim,
        "image_channels": sizes.image_shape[2],
        "fused": upsample == "fused",
    }
    try:
        PgganRecipe(**found)
    except ValueError:
        return None
    return found


def check_equal(source: str | Path, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Refuse weights of other networks than a recipe's.

    Raises:
        SettingsError: naming the first setting that differs, with both values.
    """
    for name, what in NETWORKS.items():
        if found[name] != wanted[name]:
            raise SettingsError(
                f"{source} has {what} = {_shown(found[name])}, this training has {what} = {_shown(wanted[name])}: give "
                "neither a preset nor settings of the networks to take those of the weights."
            )


def resolved(recipe: PgganRecipe) -> PgganRecipe:
    """A recipe that goes on from weights, with the settings that follow from that: a warm-up, no growing average."""
    if recipe.start_from is None:
        return recipe
    warm_up = WARM_UP if recipe.warmup_steps is None else recipe.warmup_steps
    return replace(recipe, warmup_steps=warm_up, ema_ramp=0.0)


def _loss_of(card: Mapping[str, Any]) -> dict[str, Any]:
    """The loss by which the critic was trained, where the card says it."""
    training = card.get("training")
    recipe = training.get("recipe") if isinstance(training, Mapping) else None
    loss = recipe.get("loss") if isinstance(recipe, Mapping) else None
    return {"loss": loss} if loss in ("wgan-gp", "nonsaturating") else {}


def _known(given: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the given settings that are in `NETWORKS`."""
    return {name: value for name, value in given.items() if name in NETWORKS}


def _shown(value: Any) -> str:
    """A value as the command line spells it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
