"""Missing pixels: `Inpaint`, and what operators with a mask share."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Shaped

from jaxprior.operators.base import Image, Operator, per_image


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Inpaint(Operator):
    """A(x) = x * (1 - mask): missing pixels become 0, mid-grey in [-1, 1] (mGANprior's operator).

    Arguments:
        mask: `[h, w]` for all images or `[b, h, w]`, 1 = missing, 0 = known.

    Raises:
        `ValueError` for a NumPy mask of another rank or with values outside [0, 1].

    Example:
        >>> hole = jnp.zeros((64, 64)).at[16:48, 16:48].set(1)
        >>> float(Inpaint(hole).apply(jnp.ones((64, 64, 3))).mean())
        0.75
    """

    mask: Shaped[Array | np.ndarray, "*_b _h _w"] = per_image(ndim=2)

    name = "inpaint"

    def __post_init__(self):
        check_mask("Inpaint", self.mask, known="known", unknown="missing")

    def apply(self, x: Image) -> Array:
        """Blank the missing pixels of one image `[h, w, c]`."""
        return x * (1 - self._over(x))

    def compared(self, observed: Array) -> Array:
        """Blank what an observation shows at missing pixels, whatever it is: A(x) is 0 there."""
        return jnp.where(self._over(observed) > 0.5, 0.0, observed)

    def merge(self, observed: Array, restored: Image) -> Array:
        """Keep the known pixels exactly as observed and take the missing ones from the restored image."""
        return jnp.where(self._over(restored) > 0.5, restored, observed)

    def _over(self, x: Image) -> Array:
        return mask_over("Inpaint", self.mask, x)


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
