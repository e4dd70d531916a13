"""What the head of a file of weights says of a network, without JAX: enough to refuse a command that cannot be done.

Loading a prior imports JAX and reads every weight. Most of what is wrong with a command can be told before.
"""

import os
import sys
from dataclasses import dataclass
from typing import Any

from jaxprior.weights import loader, storage
from jaxprior.weights.card import Card


MOST_LAYERS = sys.maxsize
"""The number of layers of an outline: no layer is refused by it, because only the network knows how many it has."""


@dataclass(frozen=True, kw_only=True)
class PriorOutline:
    """A prior of which only the card was read. It serves where settings are checked, in place of a `Prior`.

    Fields:
        card: of the file.
        image_shape: of the prior's images, (h, w, c).
        critic: stands for the critic if the file has one, otherwise None.
    """

    card: Card
    image_shape: tuple[int, ...]
    critic: Any = None

    num_layers = MOST_LAYERS

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
        """Identity of the weights."""
        return self.card["sha256"]


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


def outline_prior(source: str | os.PathLike | None = None) -> PriorOutline | None:
    """Read the card of a prior.

    Arguments:
        source: as for `load_prior`.

    Returns:
        the outline; None if the card does not say in our own families' words how large the images are.

    Raises:
        WeightsError: there is no such file, it is damaged as far as its head tells, or it is no prior.

    Example:
        >>> outline_prior("cats32").image_shape
        (32, 32, 3)
    """
    path = loader.prior_file(source)
    card = storage.read_card(path)
    loader.check_role(card.get("architecture"), "prior", where=str(path))
    config = card.get("config")
    side, channels = (config.get("resolution"), config.get("image_channels")) if isinstance(config, dict) else (0, 0)
    if not isinstance(side, int) or not isinstance(channels, int) or min(side, channels) < 1:
        return None
    has_critic = any(name.startswith("critic/") for name in storage.read_names(path))
    return PriorOutline(
        card=Card(card),
        image_shape=(side, side, channels),
        critic=NetworkOutline("the prior's critic") if has_critic else None,
    )


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
