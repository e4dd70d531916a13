"""Settings of SRGANs. No JAX is imported here."""

from collections.abc import Mapping
from typing import Any

from jaxprior.protocols import Restores


FACTORS = (2, 4)


def restores(config: Mapping[str, Any]) -> Restores:
    """What a trained network does, from its card's table "config".

    Raises:
        KeyError, TypeError, ValueError: it describes none.

    Example:
        >>> restores({"factor": 4}).factor
        4
    """
    if (factor := config["factor"]) not in FACTORS:
        raise ValueError(f"`factor` must be 2 or 4, got {factor!r}")
    return Restores("superres", int(factor))
