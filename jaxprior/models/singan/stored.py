"""The file of a trained SinGAN, strict: every name and shape, or one sentence.

It is one of `weights.storage`: tensors `scale0/generator/params/...` and `scale0/generator/batch_stats/...`, the same
of `scale0/critic` where critics are kept (for those who train on), `scale0/noise`, `scale0/amplitude`, and so on, and
`image`; the card's `config` holds the rest. A ConSinGAN's file is described in `growing_stored`.
"""

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from jaxprior.errors import WeightsError
from jaxprior.models.consingan import stored as grown
from jaxprior.models.consingan.model import ConSinGan
from jaxprior.models.singan import networks as singan
from jaxprior.models.singan.model import Scale, SinGan
from jaxprior.nn.resizing import RESIZES
from jaxprior.weights import storage
from jaxprior.weights.card import Card
from jaxprior.weights.priors import RUN_WEIGHTS


ARCHITECTURE = "singan"
PADDINGS = ("zero", "noise")


def load_singan(path: str | os.PathLike) -> SinGan | ConSinGan:
    """Load a trained pyramid or growing generator, as its card says; every name and shape is checked.

    Arguments:
        path: a file of `save_singan` or of `jaxprior convert`, or the run folder of a training; of an unfinished one
            come the scales that it has begun.

    Raises:
        WeightsError: there is none, it is damaged, or it holds another kind of network.

    Example:
        >>> load_singan("balloons.safetensors").sizes[-1]               # doctest: +SKIP
        (186, 248)
    """
    path = Path(path)
    path = path / RUN_WEIGHTS if path.is_dir() else path
    params, card = storage.load_weights(path)
    build = grown.build_growing if card.get("architecture") == grown.ARCHITECTURE else build_singan
    return build(params, card, where=str(path))


def save_singan(path: str | os.PathLike, model: SinGan | ConSinGan) -> None:
    """Write a trained model atomically; its card is kept, what describes the networks is written anew.

    Arguments:
        path: the .safetensors file.
        model: with finite weights.

    Raises:
        WeightsError: a NaN or infinity, or a place that cannot be written.
    """
    if isinstance(model, ConSinGan):
        params, config, architecture = grown.growing_params(model), grown.growing_config(model), grown.ARCHITECTURE
    else:
        params, config, architecture = to_params(model), to_config(model), ARCHITECTURE
    storage.save_weights(path, params, {**model.card, "architecture": architecture, "config": config})


def to_config(model: SinGan) -> dict:
    """What a card says of a model: networks, sizes and how a drawing climbs them."""
    critics = [scale.critic for scale in model.scales]
    return {
        **singan.to_config([scale.generator for scale in model.scales], critics if all(critics) else None),
        "sizes": [list(size) for size in model.sizes],
        "factor": model.factor,
        "resize": model.resize,
        "padding": model.padding,
        "coarse_noise_channels": model.coarse_noise_channels,
    }


def to_params(model: SinGan) -> dict:
    """The tensors of a model as its file names them."""
    tree: dict = {"image": model.image}
    for n, scale in enumerate(model.scales):
        tree[f"scale{n}"] = {"generator": scale.variables, "noise": scale.noise, "amplitude": scale.amplitude}
        if scale.critic is not None:
            tree[f"scale{n}"]["critic"] = scale.critic_variables
    return tree


def build_singan(params: Mapping, card: Mapping, *, where: str = "these weights") -> SinGan:
    """Make a `SinGan` of tensors and a card.

    Arguments:
        params: as of `to_params`, any float type; kept as float32.
        card: see `weights.save_weights`; `architecture` and `config` are used.
        where: named in error messages.

    Raises:
        WeightsError: another architecture, a config that describes no pyramid, or names or shapes that do not match it.
    """
    if card.get("architecture") != ARCHITECTURE:
        raise WeightsError(f"{where}: its card names {card.get('architecture')!r}; expected a {ARCHITECTURE}")
    try:
        config = dict(card["config"])
        sizes, drawing = _parted(config)
        generators, critics = singan.from_config(config)
        if len(sizes) != len(generators):
            raise TypeError(f"{len(sizes)} sizes for {len(generators)} networks")
        if drawing["coarse_noise_channels"] not in (1, generators[0].image_channels):
            raise TypeError(f"coarse_noise_channels {drawing['coarse_noise_channels']!r}; expected 1 or all")
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"{where}: its card's `config` does not describe a {ARCHITECTURE}: {error}") from None
    expected = _expected(generators, critics, sizes, drawing["padding"])
    try:
        storage.check_matches(params, expected)
    except WeightsError as error:
        raise WeightsError(f"{where}: {error}") from None
    wide = jax.tree.map(lambda x: jnp.asarray(np.asarray(x), jnp.float32), dict(params))
    scales = []
    for n, size in enumerate(sizes):
        part = wide[f"scale{n}"]
        scales.append(
            Scale(
                generator=generators[n],
                variables=part["generator"],
                critic=critics[n] if critics else None,
                critic_variables=part.get("critic"),
                amplitude=part["amplitude"],
                noise=part["noise"],
                size=size,
            )
        )
    return SinGan(scales=tuple(scales), image=wide["image"], card=Card(card), **drawing)


def _parted(config: dict) -> tuple[tuple[tuple[int, int], ...], dict]:
    """Take sizes and what concerns drawing out of a card's config, checked."""
    sizes = tuple((h, w) for h, w in config.pop("sizes"))
    drawing = {name: config.pop(name) for name in ("factor", "resize", "padding", "coarse_noise_channels")}
    factor = drawing["factor"]
    if not sizes or not all(type(side) is int and side > 0 for size in sizes for side in size):
        raise TypeError(f"sizes {sizes}; expected pairs of whole numbers above 0")
    if factor is not None and not (isinstance(factor, float) and 0 < factor < 1):
        raise TypeError(f"factor {factor!r}; expected a number between 0 and 1, or null")
    for name, known in (("resize", RESIZES), ("padding", PADDINGS)):
        if drawing[name] not in known:
            raise TypeError(f"{name} {drawing[name]!r}; expected one of {', '.join(known)}")
    return sizes, drawing


def _expected(generators, critics, sizes, padding: str) -> dict:
    """Shapes of all tensors."""
    key = jax.random.key(0)
    shape = partial(jax.ShapeDtypeStruct, dtype=jnp.float32)
    channels = generators[0].image_channels
    tree: dict = {"image": shape((*sizes[-1], channels))}
    for n, (network, (h, w)) in enumerate(zip(generators, sizes, strict=True)):
        around = 2 * network.margin if padding == "noise" else 0
        tree[f"scale{n}"] = part = {
            "generator": jax.eval_shape(network.init_variables, key),
            "noise": shape((h + around, w + around, channels)),
            "amplitude": shape(()),
        }
        if critics:
            part["critic"] = jax.eval_shape(critics[n].init_variables, key)
    return tree
