"""Refiners: trained networks that repair what an inversion completed, before the known pixels are put back (seed 001).

    refiner = load_refiner("runs/refiner")
    result = jp.restore(prior, photos, jp.Inpaint(mask), refine=refiner, key=key)

A refiner is a pytree, an argument of compiled functions like a prior. Any callable pytree of images to images serves as
well.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax

from jaxprior.checks import described
from jaxprior.errors import ArgumentError
from jaxprior.pytrees import shape_text, static, summary
from jaxprior.weights import loader
from jaxprior.weights.card import Card


Array = jax.Array


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True, repr=False)
class Refiner:
    """An autoencoder with frozen parameters. Made by `load_refiner`.

    Fields:
        module: the network; params: its parameters, float32.
        resolution: side of the images that it was trained on.
        card: where the weights come from.
    """

    module: Any = static()
    params: Any
    resolution: int = static()
    card: Card = static(default=Card({}))

    def __call__(self, images: Array) -> Array:
        """Completed images [b, r, r, c] in [-1, 1] -> better ones, each by itself."""
        return self.module.apply({"params": self.params}, images)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Shape of one image, (r, r, c)."""
        return (self.resolution, self.resolution, self.module.image_channels)

    def __repr__(self) -> str:
        name = self.card.get("name", "no name")
        architecture = self.card.get("architecture", type(self.module).__name__)
        return summary(self, f"{name}: {architecture}, {shape_text(self.image_shape)}", self.params)


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True, repr=False)
class OwnAnswer:
    """A refiner that looks at the observation, not at what an inversion made of it: its answer is the result.

    `restore(..., refine=OwnAnswer(network=...))` restores without the generator, as a control of what it brings. An
    inversion is then lost work; `solve=Solve(steps=0)` does none. The observation is shown as a picture of the photo's
    size, see `Operator.pictured`.

    Fields:
        network: from images [b, h, w, c] in [-1, 1] to images, such as a `Refiner` that was trained on damaged ones; or
            a `Restorer` for the task, which sees what was observed as it is, with the mask of its holes.

    Example:
        >>> answer = OwnAnswer(network=jax.tree_util.Partial(lambda images: -images))
        >>> float(answer(jax.numpy.ones((1, 2, 2, 3)))[0, 0, 0, 0])
        -1.0
    """

    network: Any

    def __call__(self, images: Array) -> Array:
        """Observations as pictures [b, h, w, c] in [-1, 1] -> restored ones, each by itself."""
        return self.network(images)

    @property
    def image_shape(self) -> tuple[int, ...] | None:
        """Shape of one image, (h, w, c); None if the network does not tell it."""
        return getattr(self.network, "image_shape", None)

    def __repr__(self) -> str:
        return f"OwnAnswer({self.network!r})"


def load_refiner(source: str | Path) -> Refiner:
    """Load a refiner; every name and shape is checked.

    Arguments:
        source: the name of a bundled refiner, the folder of a run of `jaxprior train autoencoder` or `jaxprior train
            convae`, or its .safetensors file.

    Raises:
        WeightsError: there is none, it is damaged, or it holds another kind of network.

    Example:
        >>> load_refiner("runs/refiner").resolution  # needs a trained refiner # doctest: +SKIP
        64
    """
    return loader.load(source, role="refiner")


def build_refiner(params: Mapping, card: Mapping, *, where: str = "these weights") -> Refiner:
    """Make a `Refiner` of parameters and a card.

    Arguments:
        params: {"autoencoder": tree}, any float type; kept as float32.
        card: see `weights.save_weights`; `architecture` and `config` are used.
        where: named in error messages.

    Raises:
        WeightsError: the architecture is unknown or no refiner, or names or shapes do not match it.
    """
    return loader.build(params, card, role="refiner", where=where)


def check_fits(refine: Any, image_shape: tuple[int, ...]) -> None:
    """Refuse a refiner of other pictures than a prior's; None passes, and what does not tell the shape of its pictures.

    Arguments:
        refine: a `Refiner`, None, or any network from images to images; image_shape: of the prior's images, (h, w, c).

    Raises:
        ArgumentError: it does not fit, or cannot be called.
    """
    if refine is not None and not callable(refine):
        raise ArgumentError(
            f"`refine` must be a network from images to images, got {described(refine)}; `load_refiner` loads one."
        )
    shape = getattr(refine, "image_shape", None)
    if shape is None or tuple(shape) == tuple(image_shape):
        return
    if shape[:-1] == tuple(image_shape[:-1]):
        raise ArgumentError(f"the refiner repairs pictures of {shape[-1]} channels, the prior makes {image_shape[-1]}.")
    ours, theirs = (str(s[0]) if len(set(s[:-1])) == 1 else shape_text(s[:-1]) for s in (shape, image_shape))
    raise ArgumentError(f"the refiner repairs pictures of {ours} pixels, the prior makes {theirs}.")
