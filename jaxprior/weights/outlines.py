"""What the head of a file of weights says of a network, without JAX: enough to refuse a command that cannot be done.

Loading a prior imports JAX and reads every weight. Most of what is wrong with a command can be told before.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jaxprior import discovery
from jaxprior.protocols import Restores, Sizes
from jaxprior.weights import loader, storage
from jaxprior.weights.card import Card, card_of_own_encoder, check_belongs
from jaxprior.weights.identity import identity, sizes_of


@dataclass(frozen=True, kw_only=True)
class PriorOutline:
    """A prior of which only the card was read. It serves where settings are checked, in place of a `Prior`.

    Fields:
        card: of the file.
        sizes: of the generator, as its family tells them of the card.
        critic: stands for the critic if the file has one, otherwise None; encoder: likewise for one in the file or
            beside it.
    """

    card: Card
    sizes: Sizes
    critic: Any = None
    encoder: Any = None

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Shape of one image, (h, w, c)."""
        return self.sizes.image_shape

    @property
    def num_layers(self) -> int:
        """Composing layers go from 1 to this."""
        return self.sizes.num_layers

    @property
    def resolution(self) -> int:
        """Pixels of a side."""
        return self.image_shape[0]

    @property
    def code_distribution(self) -> str:
        """What codes were drawn from in its training."""
        return self.card.get("codes", "normal")

    @property
    def sha256(self) -> str:
        """Identity of the weights, and of the network's options where it has any."""
        return identity(self.card["sha256"], self.sizes.options)


@dataclass(frozen=True)
class NetworkOutline:
    """Stands for a network that exists, where settings are checked.

    Fields:
        source: its name or file.
    """

    source: Any

    def __call__(self, images: Any) -> Any:
        """Never called: a network is loaded before it is used."""
        raise NotImplementedError


@dataclass(frozen=True)
class EncoderOutline(NetworkOutline):
    """Stands for an encoder.

    Fields:
        source: its name or file.
        card: of the file.
        layer, prior_sha256: of whose features it answers, None where it answers codes alone, and to which prior it
            belongs, as its card says.
    """

    card: Card = field(kw_only=True)
    layer: Any = field(kw_only=True)
    prior_sha256: Any = field(kw_only=True)

    def check_fits(self, prior: Any) -> None:
        """Refuse another prior than the one that it belongs to; see `Encoder.check_fits`."""
        check_belongs(self, prior)


def outline_prior(source: str | os.PathLike | None = None) -> PriorOutline | None:
    """Read the card of a prior.

    Arguments:
        source: as for `load_prior`.

    Returns:
        the outline; None if the prior's family does not tell sizes without its networks.

    Raises:
        WeightsError: there is no such file, it is damaged as far as its head tells, or it is no prior.

    Example:
        >>> outline_prior("cats32").image_shape
        (32, 32, 3)
    """
    path = loader.prior_file(source)
    card = storage.read_card(path)
    loader.check_role(card.get("architecture"), "prior", where=str(path))
    if (sizes := sizes_of(card)) is None:
        return None
    has_critic = any(name.startswith("critic/") for name in storage.read_names(path))
    encoder = path if loader.plays(card.get("architecture"), "encoder") else None
    return PriorOutline(
        card=Card(card),
        sizes=sizes,
        critic=NetworkOutline("the prior's critic") if has_critic else None,
        encoder=None if (file := loader.encoder_beside(path) or encoder) is None else outline_encoder(file),
    )


def outline_encoder(source: str | os.PathLike) -> EncoderOutline:
    """Find the file of an encoder and read its card.

    Arguments:
        source: as for `load_encoder`.

    Raises:
        WeightsError: there is none, it is damaged as far as its head tells, or it is no encoder.
    """
    path = loader.find(source, role="encoder")
    card = storage.read_card(path)
    loader.check_role(card.get("architecture"), "encoder", where=str(path))
    if loader.plays(card.get("architecture"), "prior"):  # one file holds a prior and its encoder
        sizes = sizes_of(card)
        own = identity(card["sha256"], sizes.options if sizes else ())
        return EncoderOutline(source, card=card_of_own_encoder(card), layer=None, prior_sha256=own)
    belongs = card.get("prior")
    belongs = belongs if isinstance(belongs, Mapping) else {}
    return EncoderOutline(source, card=Card(card), layer=belongs.get("layer"), prior_sha256=belongs.get("sha256"))


@dataclass(frozen=True)
class RestorerOutline(NetworkOutline):
    """Stands for a restorer.

    Fields:
        source: its name or file.
        card: of the file.
        restores: what it does; None if its family does not tell that without its networks.
    """

    card: Card = field(kw_only=True)
    restores: Restores | None = field(kw_only=True)


def outline_restorer(source: str | os.PathLike) -> RestorerOutline:
    """Find the file of a restorer and read its card.

    Arguments:
        source: as for `load_restorer`.

    Raises:
        WeightsError: there is none, it is damaged as far as its head tells, or it is no restorer.
    """
    path = loader.find(source, role="restorer")
    card = storage.read_card(path)
    loader.check_role(card.get("architecture"), "restorer", where=str(path))
    family, restores = discovery.family_of(card.get("architecture")), None
    if family is not None and family.restores is not None:
        try:
            restores = discovery.imported(family.restores)(card["config"])
        except (KeyError, TypeError, ValueError):
            restores = None  # what makes the networks says what is wrong
    return RestorerOutline(source, card=Card(card), restores=restores)


@dataclass(frozen=True)
class AttributesOutline(NetworkOutline):
    """Stands for a model of attributes.

    Fields:
        source: its name or file.
        names: of the labels; exclusive: whether they are classes. See `jaxprior.weights.attributes.AttributeModel`.
    """

    names: tuple[str, ...] = field(kw_only=True)
    exclusive: bool = field(kw_only=True)


def outline_attributes(source: str | os.PathLike) -> AttributesOutline | None:
    """Find the file of a model of attributes, and read of its card which labels it knows.

    Arguments:
        source: as for `load_attribute_model`.

    Returns:
        the outline; None if the card does not say the labels, which the loader then refuses or knows better.

    Raises:
        WeightsError: there is none, it is damaged as far as its head tells, or it is no model of attributes.
    """
    path = loader.find(source, role="attributes")
    card = storage.read_card(path)
    loader.check_role(card.get("architecture"), "attributes", where=str(path))
    config = card.get("config")
    config = config if isinstance(config, Mapping) else {}
    names = config.get("labels")
    if not isinstance(names, Sequence) or isinstance(names, str):
        return None
    return AttributesOutline(source, names=tuple(map(str, names)), exclusive=bool(config.get("exclusive")))


def outline_network(source: str | os.PathLike, *, role: str) -> NetworkOutline:
    """Find the file of a network and read its card.

    Arguments:
        source, role: see `jaxprior.weights.loader.find`.

    Raises:
        WeightsError: there is none, it is damaged as far as its head tells, or it does not play the role.
    """
    path = loader.find(source, role=role)
    loader.check_role(storage.read_card(path).get("architecture"), role, where=str(path))
    return NetworkOutline(source)
