"""Generator and critic of progressive growing of GANs (Karras et al., ICLR 2018), and what a card says of them."""

import dataclasses
from collections.abc import Mapping

from jaxprior.models.pggan.config import OPTIONS
from jaxprior.models.pggan.networks.critic import Critic as Critic
from jaxprior.models.pggan.networks.generator import Generator as Generator


def to_config(generator: Generator, critic: Critic | None = None) -> dict:
    """What a card says of a trained generator, and of the critic of the same widths beside it.

    Options are written only where they differ from the original network's.

    Arguments:
        generator: the untrained architecture.
        critic: the critic's, if its groups are not the original's.

    Example:
        >>> to_config(Generator((16, 8), 24, output="tanh"))["output"]
        'tanh'
    """
    config = {
        "resolution": generator.resolution,
        "latent_dim": generator.latent_dim,
        "widths": list(generator.widths),
        "image_channels": generator.image_channels,
        "upsample": "fused" if generator.fused else "nearest",
        **_differing(generator, OPTIONS),
    }
    of_critic = _differing(critic, ("group_size", "groups")) if critic is not None else {}
    return {**config, "critic": of_critic} if of_critic else config


def from_config(config: Mapping) -> tuple[Generator, Critic]:
    """The two networks that a card's `config` describes.

    Arguments:
        config: see `to_config`. The table "critic" holds what is said of the critic alone: `group_size`, `groups`, and
            `fused` where it is not the generator's.

    Raises:
        KeyError, TypeError, ValueError: something is missing, unknown, or has a value that it cannot have.
    """
    config = dict(config)
    config.pop("resolution", None)
    latent_dim, widths = config.pop("latent_dim"), tuple(config.pop("widths"))
    config["fused"] = {"nearest": False, "fused": True}[config.pop("upsample")]
    options = {name: config.pop(name) for name in OPTIONS if name in config}
    if "label" in options:
        options["label"] = tuple(map(float, options["label"]))
    of_critic = config.pop("critic", {})
    return Generator(widths, latent_dim, **config, **options), Critic(widths, **{**config, **of_critic})


def _differing(network: Generator | Critic, names: tuple[str, ...]) -> dict:
    """The fields that are not as by default, as a card writes them."""
    defaults = {field.name: field.default for field in dataclasses.fields(network)}
    values = {name: getattr(network, name) for name in names if getattr(network, name) != defaults[name]}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
