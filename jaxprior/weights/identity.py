"""What tells one prior from another: its weights, and the options of its network that the weights do not show."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from jaxprior import discovery
from jaxprior.protocols import Sizes


def sizes_of(card: Mapping[str, Any]) -> Sizes | None:
    """What a card says of its generator; None where its family does not tell that without its networks.

    Arguments:
        card: of a prior. One that describes no network has no sizes either: what makes the networks says what is wrong.
    """
    family = discovery.family_of(card.get("architecture"))
    if family is None or family.sizes is None:
        return None
    try:
        return discovery.imported(family.sizes)(card["config"])
    except (KeyError, TypeError, ValueError):
        return None


def identity(sha256: str, options: Iterable[tuple[str, Any]]) -> str:
    """The identity of a prior, under which results, sample banks and what was measured of it are kept.

    Two networks of the same weights are two priors if, for example, the images of one go through tanh.

    Arguments:
        sha256: of the weights.
        options: see `jaxprior.protocols.Sizes`; without any, the identity is that of the weights.

    Example:
        >>> identity("0" * 64, ()) == "0" * 64, identity("0" * 64, [("output", "tanh")])[:8]
        (True, '344ed5e2')
    """
    if not (stated := dict(options)):
        return sha256
    return hashlib.sha256(json.dumps([sha256, stated], sort_keys=True).encode()).hexdigest()
