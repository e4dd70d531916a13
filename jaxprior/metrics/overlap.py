"""Intersection over union (IoU) per volume: how far the occupied voxels of two volumes are the same.

A voxel is occupied where its value in [-1, 1] is above 0, the middle between empty and occupied. It is the figure by
which completions of shapes are compared (3D-GAN: Wu et al. 2016).
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxprior.errors import ImageError
from jaxprior.metrics._images import Mask, checked_batch, checked_mask
from jaxprior.metrics._parts import of_parts
from jaxprior.protocols import VOLUMES, Scored


Volumes = Float[Array | np.ndarray, "_b _d _h _w _c"]


def iou(x: Volumes, y: Volumes, *, mask: Mask | None = None) -> Float[Array, "_b"]:
    """Compute the intersection over union of the occupied voxels of volumes, those above 0.

    Arguments:
        x: volumes `[b, d, h, w, c]`, floats in [-1, 1].
        y: the originals, alike.
        mask: `[d, h, w]` or `[b, d, h, w]` of 0 and 1; only voxels where it is 1 count. None: the whole volume.

    Returns:
        `[b]` from 0 (nothing in common) to 1 (the same); 1 where nothing is occupied in either.

    Raises:
        ImageError: volumes of other shapes, whole numbers, or values that are not finite.
        MaskError: a mask of another shape, or of other values than 0 and 1.

    Example:
        >>> left = jnp.ones((1, 4, 4, 4, 1)).at[:, :, :, :2].set(-1)
        >>> float(iou(left, -left)[0])
        0.0
    """
    x, y = (checked_batch(one, name, axes="b, d, h, w, c", noun="volumes") for one, name in ((x, "x"), (y, "y")))
    if x.shape != y.shape:
        raise ImageError(f"`x` and `y`: expected two batches of volumes of one shape, got {x.shape} and {y.shape}.")
    return _iou(x, y, checked_mask(mask, x, volumes=True))


@jax.jit
def _iou(x: Array, y: Array, mask: Array | None) -> Array:
    inside = jnp.ones(x.shape[:-1], bool) if mask is None else jnp.broadcast_to(mask > 0.5, x.shape[:-1])
    pairs = ((x > 0) & (y > 0), (x > 0) | (y > 0))
    both, either = ((pair & inside[..., None]).sum(axis=(1, 2, 3, 4)) for pair in pairs)
    return jnp.where(either > 0, both / jnp.maximum(either, 1), 1.0)


def _of(scored: Scored, volumes: Array, mask: Array | None) -> Array:
    return iou(volumes, scored.truth, mask=mask)


IOU, IOU_HOLE, IOU_MERGED = of_parts(
    _of, name="iou", title="IoU", orders=(12, 22, 32), takes=VOLUMES,
    note="IoU = intersection over union of the voxels above the middle of the range, of volumes.",
)  # fmt: skip
