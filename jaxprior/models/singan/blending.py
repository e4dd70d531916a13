"""Where a manipulated picture may change: soft masks, and pictures put together by them (official harmonization.py)."""

from os import PathLike

import numpy as np

from jaxprior.checks import as_array, described, is_array, is_traced
from jaxprior.data.mask_files import MaskReading, read_mask
from jaxprior.data.ranges import require_pictures
from jaxprior.errors import ArgumentError, MaskError
from jaxprior.lazy_jax import Array, jnp


def load_mask(path: str | PathLike, *, means: str | None = None, invert: bool = False) -> np.ndarray:
    """Read the mask of a picture that was changed: white is what was pasted or edited.

    Arguments:
        path: the file.
        means: another meaning of the file, "black", "painted" or "transparent"; see `jaxprior.data.mask_files`.
        invert: whether everything else was pasted or edited.

    Returns:
        bool [h, w].

    Raises:
        MaskError: it cannot be read, it is not clear what it marks, or it marks nothing.

    Example:
        >>> load_mask("pasted_mask.png").mean()  # needs the file of a mask # doctest: +SKIP
        0.12
    """
    return read_marks(path, means=means, invert=invert).missing


def read_marks(path: str | PathLike, *, means: str | None = None, invert: bool = False) -> MaskReading:
    """Read a mask as `load_mask` does, with a statement on how it was read."""
    reading = read_mask(path, means=means, invert=invert)
    if not reading.missing.any():
        raise MaskError(f"mask {path}: nothing in it is marked; mark what was pasted or edited")
    return reading


def check_covers(mask: np.ndarray, image: np.ndarray) -> None:
    """Refuse a mask of another size than its picture's.

    Arguments:
        mask: [h, w]. image: the picture, [h, w, c].

    Raises:
        MaskError: naming both sizes.
    """
    if mask.shape != image.shape[:2]:
        sizes = ["x".join(map(str, shape[1::-1])) for shape in (mask.shape, image.shape)]
        raise MaskError(f"mask: it is {sizes[0]} and its picture {sizes[1]}; draw it over the picture, pixel for pixel")


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

    numbers = all(isinstance(number, int | float | np.number) for number in (radius, sigma))
    if not numbers or not (0 <= radius < np.inf and 0 <= sigma < np.inf):
        given = f"{described(radius)} and {described(sigma)}"
        raise MaskError(f"mask: expected a radius and a sigma of at least 0, got {given}.")
    if np.ndim(mask) != 2:
        raise MaskError(f"mask: expected [h, w], got the shape {list(np.shape(mask))}.")
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

    Raises:
        ArgumentError: something else than arrays, or arrays of different sizes. ImageError: pictures of whole numbers,
            or with values that are not finite. MaskError: a mask with values outside of [0, 1].
    """
    kept, made = require_pictures(kept, "kept", farthest=np.inf), require_pictures(made, "made", farthest=np.inf)
    mask = as_array("mask", mask)
    size = np.shape(mask)
    fits = is_array(kept) and is_array(made) and is_array(mask) and np.ndim(kept) == 3 and np.ndim(made) >= 3
    if not fits or not kept.shape[:2] == made.shape[-3:-1] == size or kept.shape[-1] != made.shape[-1]:
        raise ArgumentError(
            "`kept`, `made` and `mask` must be arrays [h, w, c], [..., h, w, c] and [h, w] of one size, got "
            f"{described(kept)}, {described(made)} and {described(mask)}."
        )
    if not is_traced(mask) and not ((np.asarray(mask) >= 0) & (np.asarray(mask) <= 1)).all():
        raise MaskError("`mask`: expected values from 0 to 1, got others; divide pixels of a file by 255.")
    ones = (1,) * (made.ndim - 3)
    weight = jnp.reshape(mask, (*ones, *mask.shape, 1))
    return (1 - weight) * jnp.reshape(kept, (*ones, *kept.shape)) + weight * made
