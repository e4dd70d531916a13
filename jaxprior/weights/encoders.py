"""Encoders: trained networks that look at a damaged picture and say at once where an inversion of a prior begins.

    encoder = load_encoder("runs/encoder")
    answer = encoder(pictures, known)               # {"z": [b, d], "features": [b, s, s, c]}
    images = prior.tail(answer["features"], encoder.layer)

An encoder belongs to one prior, whose codes and features it answers with. It is a pytree, an argument of compiled
functions like a prior. Some encoders, such as those that were trained together with their prior, answer codes alone:
`prior.head(answer["z"], layer)` makes the features of any layer of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax

from jaxprior.checks import float_array
from jaxprior.pytrees import shape_text, static, summary
from jaxprior.weights import loader
from jaxprior.weights.card import Card, check_belongs


Array = jax.Array


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True, repr=False)
class Encoder:
    """An encoder with frozen parameters. Made by `load_encoder`.

    Fields:
        module: the network; params: its parameters, float32.
        layer: of the prior, of whose features it answers; None for an encoder that answers codes alone.
        image_shape: of the pictures that it sees, (h, w, c).
        prior_sha256: identity of the prior that it belongs to, see `Prior.sha256`.
        card: where the weights come from.
    """

    module: Any = static()
    params: Any
    layer: int | None = static()
    image_shape: tuple[int, ...] = static()
    prior_sha256: str = static()
    card: Card = static(default=Card({}))

    def __call__(self, pictures: Array, known: Array) -> dict[str, Array]:
        """Look at pictures, each by itself.

        Arguments:
            pictures: [b, h, w, c] in [-1, 1]; what stands where nothing is known does not matter.
            known: [b, h, w, 1], 1 where a picture shows something and 0 where it does not.

        Returns:
            {"z": codes [b, d], "features": [b, *space, channels] after the first `layer` blocks of the prior}; there
            are no features where `layer` is None.

        Raises:
            ArgumentError: pictures of another size than the prior's.
        """
        h, w, c = self.image_shape
        advice = "`Operator.seen` says what an observation shows"
        float_array("pictures", pictures, ("b", h, w, c), meaning="a batch of pictures", advice=advice)
        float_array("known", known, ("b", h, w, 1), meaning="what is known of them", advice=advice)
        return self.module.apply({"params": self.params}, pictures, known)

    def check_fits(self, prior: Any) -> None:
        """Refuse another prior than the one that it belongs to.

        Arguments:
            prior: a `Prior`, or what is known of one.

        Raises:
            ArgumentError: it is another one.
        """
        check_belongs(self, prior)

    @property
    def sha256(self) -> str:
        """Identity of its weights."""
        return self.card["sha256"]

    def __repr__(self) -> str:
        name, kind = self.card.get("name", "no name"), "of codes" if self.layer is None else f"at layer {self.layer}"
        return summary(self, f"{name}: encoder {kind}, {shape_text(self.image_shape)}", self.params)


def load_encoder(source: str | Path) -> Encoder:
    """Load an encoder; every name and shape is checked.

    Arguments:
        source: the folder of a run of `jaxprior train encoder`, or of another training whose prior has an encoder; or
            its .safetensors file.

    Raises:
        WeightsError: there is none, it is damaged, or it holds another kind of network.

    Example:
        >>> load_encoder("runs/encoder").layer  # needs a trained encoder # doctest: +SKIP
        4
    """
    return loader.load(source, role="encoder")


def build_encoder(params: Mapping, card: Mapping, *, where: str = "these weights") -> Encoder:
    """Make an `Encoder` of parameters and a card.

    Arguments:
        params: {"encoder": tree}, any float type; kept as float32.
        card: see `weights.save_weights`; `architecture`, `config` and `prior` are used.
        where: named in error messages.

    Raises:
        WeightsError: the architecture is unknown or no encoder, or names or shapes do not match it.
    """
    return loader.build(params, card, role="encoder", where=where)
