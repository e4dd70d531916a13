"""What metrics of pairs of images share: their types, clipping, means over a mask."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Shaped


# Underscored axes are not compared by jaxtyping: the functions do that themselves, with a better message.
Images = Float[Array | np.ndarray, "*_b _h _w _c"]
Mask = Shaped[Array | np.ndarray, "*_b _h _w"]


def mean_over(values: Array, mask: Mask | None) -> Array:
    """Mean of `[*b, h, w]` over the pixels where the mask is 1."""
    if mask is None:
        return values.mean(axis=-1).mean(axis=-1)  # row by row: exact enough in float32 for large images
    if mask.shape not in (values.shape, values.shape[-2:]):
        raise ValueError(f"`mask`: expected {values.shape[-2:]} or {values.shape}, like the images, got {mask.shape}.")
    inside = jnp.broadcast_to(mask, values.shape) > 0.5
    return jnp.where(inside, values, 0).sum(axis=(-2, -1)) / inside.sum(axis=(-2, -1))


def clip(x: Images) -> Array:
    """Images as float32 in [-1, 1]."""
    return jnp.clip(jnp.asarray(x, jnp.float32), -1, 1)


def require_pair(x: Images, y: Images) -> None:
    """Raise ValueError unless two batches have one shape [b, h, w, c]."""
    if x.shape != y.shape or x.ndim < 3:
        raise ValueError(f"expected two batches [b, h, w, c] of one shape, got {x.shape} and {y.shape}.")
