"""The file of a trained ConSinGAN, checked as strictly as that of a SinGAN (see `jaxprior.models.singan.stored`).

Tensors `generator/params/head/...`, `.../stage0/...`, `.../tail/...`, `critic/params/...` where a critic is kept,
`noise/stage0` and so on, `amplitudes` and `image`; the card's `config` holds the rest.
"""

from collections.abc import Mapping
from typing import Any, get_args

import jax
import jax.numpy as jnp

from jaxprior.models.consingan.config import StartsFrom
from jaxprior.models.consingan.model import ConSinGan
from jaxprior.models.consingan.networks import EDGES, NORMS, GrowingGenerator, critic_of
from jaxprior.models.singan.networks import MAX_LAYERS, Critic
from jaxprior.weights.card import Card
from jaxprior.weights.tree import checked, described


STARTS = get_args(StartsFrom)
COUNTS = ("width", "layers", "image_channels")


def build_consingan(params: Mapping, card: Mapping, where: str = "these weights") -> ConSinGan:
    """Make a `ConSinGan` of tensors and a card.

    Arguments:
        params: as of `ConSinGan.params`, any float type; kept as float32.
        card: see `weights.save_weights`; `config` is used.
        where: named in error messages.

    Raises:
        WeightsError: a config that describes no such network, or names or shapes that do not match it.
    """
    sizes, generator, critic, starts_from = described(card, _networks, where=where)
    wide = checked(params, _expected(generator, critic, sizes), where=where)
    return ConSinGan(
        generator=generator,
        variables=wide["generator"],
        critic=critic,
        critic_variables=wide.get("critic"),
        amplitudes=wide["amplitudes"],
        noises=tuple(wide["noise"][f"stage{n}"] for n in range(len(sizes))),
        sizes=sizes,
        image=wide["image"],
        starts_from=starts_from,
        card=Card(card),
    )


def _networks(config: Mapping) -> tuple[tuple[tuple[int, int], ...], GrowingGenerator, Critic | None, Any]:
    config = dict(config)
    starts_from = config.pop("starts_from", "noise")
    if starts_from not in STARTS:
        raise TypeError(f"starts_from {starts_from!r}; expected one of {', '.join(STARTS)}")
    sizes, critic_layers = tuple((h, w) for h, w in config.pop("sizes")), config.pop("critic_layers")
    if not sizes or not all(type(side) is int and side > 0 for size in sizes for side in size):
        raise TypeError(f"sizes {sizes}; expected pairs of whole numbers above 0")
    if not all(type(config[name]) is int and config[name] > 0 for name in COUNTS):
        raise TypeError(f"expected whole numbers above 0 as {', '.join(COUNTS)}")
    depths = [config["layers"], len(sizes), 2 if critic_layers is None else critic_layers]
    if type(depths[2]) is not int or depths[2] < 2 or max(depths) > MAX_LAYERS:
        raise TypeError(f"layers, scales and critic_layers {depths}; expected up to {MAX_LAYERS}")
    for name, known in (("norm", NORMS), ("edges", EDGES)):
        if config[name] not in known:
            raise TypeError(f"{name} {config[name]!r}; expected one of {', '.join(known)}")
    if not isinstance(config["slope"], float):
        raise TypeError(f"slope {config['slope']!r}; expected a number")
    generator = GrowingGenerator(len(sizes), **config)
    return sizes, generator, None if critic_layers is None else critic_of(generator, critic_layers), starts_from


def _expected(generator: GrowingGenerator, critic: Critic | None, sizes) -> dict:
    """The shapes that all tensors must have."""
    key = jax.random.key(0)

    def shape(*dims: int) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct(dims, jnp.float32)

    tree = {
        "generator": jax.eval_shape(generator.init_variables, key),
        "noise": {f"stage{n}": shape(*generator.noise_shape(n, size)) for n, size in enumerate(sizes)},
        "amplitudes": shape(len(sizes)),
        "image": shape(*sizes[-1], generator.image_channels),
    }
    return tree if critic is None else {**tree, "critic": jax.eval_shape(critic.init_variables, key)}
