"""The file of a trained SinGAN. Every name and shape in it is checked, and what is wrong is told in one sentence.

It is a file of `weights.storage`. Its tensors are `scale0/generator/params/...` and `scale0/generator/batch_stats/...`,
the same of `scale0/critic` where critics are kept for those who train on, `scale0/noise`, `scale0/amplitude`, all of
these for every scale, and `image`; the card's `config` holds the rest. Other families describe their own files.
"""

import os
from collections.abc import Mapping
from functools import partial
from typing import get_args

import jax
import jax.numpy as jnp

from jaxprior.checks import file_path
from jaxprior.models.singan import networks as singan
from jaxprior.models.singan.config import Padding
from jaxprior.models.singan.model import Scale, SinGan, SingleImageModel, require_model
from jaxprior.models.singan.resizing import RESIZES
from jaxprior.weights import loader, storage
from jaxprior.weights.card import Card
from jaxprior.weights.tree import checked, described


PADDINGS = get_args(Padding)


def load_singan(path: str | os.PathLike) -> SingleImageModel:
    """Load a trained pyramid or growing generator, as its card says; every name and shape is checked.

    Arguments:
        path: the name of a bundled model, a file of `save_singan` or of `jaxprior convert`, or the run folder of a
            training; from an unfinished one come the scales that it has begun.

    Raises:
        WeightsError: there is none, it is damaged, or it holds another kind of network.

    Example:
        >>> load_singan("balloons.safetensors").sizes[-1]  # needs a trained model # doctest: +SKIP
        (186, 248)
    """
    return loader.load(path, role="singan")


def save_singan(path: str | os.PathLike, model: SingleImageModel) -> None:
    """Write a trained model atomically; its card is kept, what describes the networks is written anew.

    Arguments:
        path: the .safetensors file.
        model: with finite weights.

    Raises:
        WeightsError: a NaN or infinity, or a place that cannot be written.
    """
    require_model(model)
    file_path("path", path)
    card = {**model.card, "architecture": model.architecture, "config": model.config()}
    storage.save_weights(path, model.params(), card)


def build_singan(params: Mapping, card: Mapping, where: str = "these weights") -> SinGan:
    """Make a `SinGan` of tensors and a card.

    Arguments:
        params: as of `SinGan.params`, any float type; kept as float32.
        card: see `weights.save_weights`; `config` is used.
        where: named in errors' sentences.

    Raises:
        WeightsError: the config describes no pyramid, or names or shapes do not match it.
    """
    generators, critics, sizes, drawing = described(card, _networks, where=where)
    wide = checked(params, _expected(generators, critics, sizes, drawing["padding"]), where=where)
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


def _networks(
    config: Mapping,
) -> tuple[tuple[singan.Generator, ...], tuple[singan.Critic, ...] | None, tuple[tuple[int, int], ...], dict]:
    """The untrained generators and critics of a card's config, the sizes, and what concerns drawing."""
    config = dict(config)
    sizes, drawing = _parted(config)
    generators, critics = singan.from_config(config)
    if len(sizes) != len(generators):
        raise TypeError(f"{len(sizes)} sizes for {len(generators)} networks")
    if drawing["coarse_noise_channels"] not in (1, generators[0].image_channels):
        raise TypeError(f"coarse_noise_channels {drawing['coarse_noise_channels']!r}; expected 1 or all")
    return generators, critics, sizes, drawing


def _parted(config: dict) -> tuple[tuple[tuple[int, int], ...], dict]:
    """Take the sizes, and what drawing needs, out of a card's config, and check them."""
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
    """The shapes that all tensors must have."""
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
