"""Where a manipulated picture may change: soft masks, and pictures put together by them (official harmonization.py)."""

from os import PathLike

import jax
import jax.numpy as jnp
import numpy as np

from jaxprior.data.images import load_image
from jaxprior.errors import ImageError, MaskError


Array = jax.Array


def load_mask(path: str | PathLike) -> np.ndarray:
    """Read a mask: a picture, white = pasted or edited.

    Arguments:
        path: the file.

    Returns:
        bool [h, w]: channels averaged, above one half.

    Raises:
        MaskError: it cannot be read, or marks nothing.
    """
    try:
        marked = load_image(path).mean(axis=-1) > 127.5
    except ImageError as error:
        raise MaskError(f"mask {error}") from None
    if not marked.any():
        raise MaskError(f"mask {path}: nothing in it is white; paint white what was pasted or edited, all else black")
    return marked


def soft_mask(mask: np.ndarray, *, radius: int, sigma: float) -> np.ndarray:
    """Widen a mask and soften its edge: it is dilated with a disk, blurred, and stretched to 0 ... 1.

    Arguments:
        mask: [h, w]; True, or above 0.5, is what is marked.
        radius: radius of the disk, in pixels. sigma: standard deviation of the Gaussian, in pixels.

    Returns:
        float32 [h, w] in [0, 1]; all 1 if the widened mask covers everything.

    Raises:
        MaskError: nothing is marked, or radius or sigma is negative.

    Example:
        >>> soft_mask(np.eye(9) > 0, radius=0, sigma=0).sum()
        np.float32(9.0)
    """
    from skimage import filters, morphology  # These take long to import.

    if radius < 0 or sigma < 0:
        raise MaskError(f"mask: expected a radius and a sigma of at least 0, got {radius} and {sigma}")
    marked = np.asarray(mask) > 0.5
    if not marked.any():
        raise MaskError("mask: nothing is marked; 1 (white) is what was pasted or edited")
    wide = morphology.dilation(marked, morphology.disk(radius)).astype(np.float64)
    soft = filters.gaussian(wide, sigma=sigma) if sigma else wide
    least, most = soft.min(), soft.max()
    return (np.ones_like(soft) if least == most else (soft - least) / (most - least)).astype(np.float32)


def blend(kept: Array | np.ndarray, made: Array, mask: Array | np.ndarray) -> Array:
    """Put two pictures together: (1 - mask) kept + mask made.

    Arguments:
        kept: one picture [h, w, c]. made: images [..., h, w, c]. mask: [h, w] in [0, 1].

    Returns:
        Images [..., h, w, c].
    """
    ones = (1,) * (made.ndim - 3)
    weight = jnp.reshape(mask, (*ones, *mask.shape, 1))
    return (1 - weight) * jnp.reshape(kept, (*ones, *kept.shape)) + weight * made
