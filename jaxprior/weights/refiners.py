"""Refiners: trained networks that repair what an inversion completed, before the known pixels are put back (seed 001).

    refiner = load_refiner("runs/refiner")
    result = jp.restore(prior, photos, jp.Inpaint(mask), refine=refiner, key=key)

A refiner is a pytree, an argument of compiled functions like a prior. Any callable pytree of images to images serves as
well.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from jaxprior.errors import WeightsError
from jaxprior.models.autoencoder import networks as autoencoder
from jaxprior.weights import storage
from jaxprior.weights.card import Card
from jaxprior.weights.priors import RUN_WEIGHTS


Array = jax.Array
_static = partial(field, metadata={"static": True})


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True)
class Refiner:
    """An autoencoder with frozen parameters. Made by `load_refiner`.

    Fields:
        module: the network; params: its parameters, float32.
        resolution: side of the images that it was trained on.
        card: where the weights come from.
    """

    module: Any = _static()
    params: Any
    resolution: int = _static()
    card: Card = _static(default=Card({}))

    def __call__(self, images: Array) -> Array:
        """Completed images [b, r, r, 3] in [-1, 1] -> better ones, each by itself."""
        return self.module.apply({"params": self.params}, images)


def load_refiner(source: str | Path) -> Refiner:
    """Load a refiner; every name and shape is checked.

    Arguments:
        source: the folder of a run of `jaxprior train autoencoder`, or its .safetensors file.

    Raises:
        WeightsError: there is none, it is damaged, or it holds another kind of network.

    Example:
        >>> load_refiner("runs/refiner").resolution                     # doctest: +SKIP
        64
    """
    path = Path(source)
    path = path / RUN_WEIGHTS if path.is_dir() else path
    if not path.is_file():
        raise WeightsError(f"{source}: neither the run of an autoencoder's training nor a .safetensors file")
    params, card = storage.load_weights(path)
    return build_refiner(params, card, where=str(path))


def build_refiner(params: Mapping, card: Mapping, *, where: str = "these weights") -> Refiner:
    """Make a `Refiner` of parameters and a card.

    Arguments:
        params: {"autoencoder": tree}, any float type; kept as float32.
        card: see `weights.save_weights`; `architecture` and `config` are used.
        where: named in error messages.

    Raises:
        WeightsError: another architecture, or names or shapes that do not match it.
    """
    if card.get("architecture") != "autoencoder":
        raise WeightsError(f"{where}: its card names {card.get('architecture')!r}; a refiner is an autoencoder")
    try:
        module, resolution = autoencoder.from_config(card["config"])
    except (KeyError, TypeError) as error:
        raise WeightsError(f"{where}: its card's `config` does not describe an autoencoder: {error}") from None
    images = jax.ShapeDtypeStruct((1, resolution, resolution, module.image_channels), jnp.float32)
    tree = params.get("autoencoder", {})
    try:
        storage.check_matches(tree, jax.eval_shape(module.init, jax.random.key(0), images)["params"])
    except WeightsError as error:
        raise WeightsError(f"{where}: {error}") from None
    wide = jax.tree.map(lambda x: jnp.asarray(x, jnp.float32), dict(tree))
    return Refiner(module=module, params=wide, resolution=resolution, card=Card(card))


def check_fits(refine: Any, resolution: int) -> None:
    """Refuse a refiner of pictures of another size than a prior's; None passes, and what does not tell its size.

    Raises:
        ValueError: it does not fit, or cannot be called.
    """
    if refine is not None and not callable(refine):
        raise ValueError(f"`refine` must be a network from images to images, got {refine!r}")
    if (size := getattr(refine, "resolution", resolution)) != resolution:
        raise ValueError(f"the refiner repairs pictures of {size} pixels, the prior makes {resolution}")
