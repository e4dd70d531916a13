"""Settings of patch-based inpainting. No JAX is imported here."""

from collections.abc import Mapping
from typing import Any

from jaxprior.protocols import Restores


def restores(config: Mapping[str, Any]) -> Restores:
    """What a trained network does, from its card's table "config": it fills holes.

    Raises:
        KeyError: the table describes none.

    Example:
        >>> restores({"width": 32}).task
        'inpaint'
    """
    _ = config["width"]
    return Restores("inpaint", 1)
