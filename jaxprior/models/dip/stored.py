"""The file of a deep image prior, which holds a card and hardly any numbers, and priors of other sizes."""

from collections.abc import Mapping, Sequence

import jax

from jaxprior.checks import one_of, whole_number
from jaxprior.models.dip import config
from jaxprior.models.dip.networks import Generator
from jaxprior.nn.latent import WEIGHTS
from jaxprior.weights.card import Card
from jaxprior.weights.priors import Prior, assemble
from jaxprior.weights.storage import weights_digest


def build_dip(params: Mapping, card: Mapping, where: str = "these weights") -> Prior:
    """Make a prior of what is stored; see `jaxprior.weights.priors.assemble`."""
    return assemble(params, card, where, networks=lambda given: (Generator(config.from_config(given)), None))


def deep_image_prior(
    height: int,
    width: int,
    *,
    preset: str = "small",
    name: str = "",
    widths: Sequence[int] | None = None,
    skips: Sequence[int] | None = None,
    upsample: str | None = None,
    input_channels: int = 32,
    image_channels: int = 3,
) -> Prior:
    """Make a deep image prior for pictures of any size.

    Its weights are found for each picture by `restore` and `invert`, as `NetworkCode` says; nothing was trained.

    Arguments:
        height, width: pixels of the pictures, multiples of 2 to the number of levels (16 for "small", 32 for "paper").
        preset: "small", ours for two CPU cores, or "paper", the sizes of the paper.
        name: of the prior; made of its size where it is empty.
        widths, skips, upsample: see `HourglassSettings`; the preset's where they are None.
        input_channels, image_channels: see there.

    Returns:
        A `Prior` whose card states settings for every task.

    Raises:
        ArgumentError: no such preset, or sides that cannot be halved so often.

    Example:
        >>> deep_image_prior(64, 96).image_shape
        (64, 96, 3)
    """
    one_of("preset", preset, config.PRESETS)
    whole_number("height", height, least=1)
    whole_number("width", width, least=1)
    chosen = config.PRESETS[preset]
    network = chosen.network(height, width)
    given = {"widths": widths, "skips": skips, "upsample": upsample}
    network |= {field: value for field, value in given.items() if value is not None}
    settings = config.HourglassSettings(
        height=height,
        width=width,
        image_channels=image_channels,
        widths=tuple(network["widths"]),
        skips=tuple(network["skips"]),
        upsample=network["upsample"],
        input_channels=input_channels,
    )
    module = Generator(settings)
    params = module.init_params(jax.random.key(0))
    size = str(height) if height == width else f"{height}x{width}"
    card = {
        "name": name or f"dip{size}" + ("" if preset == "small" else f"-{preset}"),
        "architecture": "dip",
        "config": settings.to_config(),
        "codes": WEIGHTS,
        "subject": "nothing: it was never trained",
        "source": "random weights",
        "licence": "none is needed: it holds no weights",
        "defaults": config.defaults(chosen),
        "sha256": weights_digest({"generator": jax.device_get(params)}),
    }
    return Prior(module=module, params=params, card=Card(card))
