"""What operators with a mask share."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from jaxprior.operators._base import Image


MASK = (
    "center:F, block:F (random place) or pixels:F (scattered), F a fraction of the area; or a picture, white = {white}."
)
"""Help text of a setting that is the specification of a mask."""


def check_mask(owner: str, mask, *, known: str, unknown: str) -> None:
    """Refuse a mask that is not `[h, w]` or `[b, h, w]` with values in [0, 1].

    Values are looked at only in NumPy arrays: a JAX array may be traced, or not computed yet.

    Arguments:
        owner: the operator's class, for the message.
        mask: what was given.
        known, unknown: what 0 and 1 mean, for the message.
    """
    if isinstance(mask, np.ndarray):
        if mask.ndim not in (2, 3):
            raise ValueError(f"{owner}: expected a mask [h, w] or [b, h, w], got {mask.shape}.")
        if mask.size and not (mask.min() >= 0 and mask.max() <= 1):
            raise ValueError(
                f"{owner}: expected a mask of 0 ({known}) and 1 ({unknown}), got values from "
                f"{mask.min()} to {mask.max()}."
            )


def mask_over(owner: str, mask, x: Image) -> Array:
    """One image's mask `[h, w]` as `[h, w, 1]` in the type of the image `[h, w, c]` that it must fit."""
    if x.ndim != 3 or mask.shape != x.shape[:2]:
        raise ValueError(
            f"{owner}: expected a mask [h, w] and an image [h, w, c] of one size, got "
            f"{tuple(mask.shape)} and {tuple(x.shape)}; `parse_mask(path).draw(size)` resizes a "
            "mask, `observe` takes batches."
        )
    return jnp.asarray(mask, x.dtype)[..., None]
