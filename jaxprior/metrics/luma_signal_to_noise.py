"""PSNR of the luma per image, as papers on super-resolution report it, without a border as wide as the factor.

The luma is that of BT.601 in studio range, Y = 16 + 65.481 R + 128.553 G + 24.966 B with R, G and B in [0, 1], as
MATLAB's `rgb2ycbcr` computes it, and the peak is 255. Nothing is rounded to 8 bits. Since the range of Y is 219 of 255,
identical errors of grey count 1.32 dB less than in `psnr`.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxprior.checks import whole_number
from jaxprior.errors import ImageError
from jaxprior.metrics._images import Images, Mask, checked_mask, checked_pair, clip, mean_over
from jaxprior.metrics._parts import of_parts
from jaxprior.protocols import Scored


WEIGHTS = (65.481 / 255, 128.553 / 255, 24.966 / 255)
"""Of red, green and blue in the luma, which then goes from 16 / 255 to 235 / 255."""


def psnr_luma(x: Images, y: Images, *, border: int = 0, mask: Mask | None = None) -> Float[Array, "*b"]:
    """Compute the peak signal-to-noise ratio of the luma, 10 log10(255^2 / mean squared error of Y).

    Arguments:
        x: images `[b, h, w, c]`, floats in [-1, 1], c being 3, or 1 for grey ones; what lies a little outside, up to 4,
            is clipped.
        y: the originals, alike.
        border: rows and columns that are left out on each side; for pictures that were enlarged usually the factor.
        mask: `[h, w]` or `[b, h, w]` of 0 and 1; only pixels where it is 1 count. None: the whole image.

    Returns:
        dB `[b]`; inf for identical images, nan where the mask is empty.

    Raises:
        ImageError: pictures of other shapes or channels, uint8 or other whole numbers, 0 to 255, or values that are not
            finite; or the border leaves nothing of them.
        MaskError: a mask of another shape, or of other values than 0 and 1.

    Example:
        >>> psnr_luma(jnp.zeros((1, 8, 8, 3)), jnp.full((1, 8, 8, 3), 0.2)).round(3)
        Array([21.322], dtype=float32)
    """
    x, y = checked_pair(x, y)
    whole_number("border", border, least=0)
    if x.shape[-1] not in (1, 3):
        raise ImageError(f"`psnr_luma`: expected pictures of 1 or 3 channels, got {x.shape[-1]}.")
    if min(x.shape[-3:-1]) <= 2 * border:
        raise ImageError(
            f"`psnr_luma`: a border of {border} leaves nothing of pictures of {x.shape[-3]}x{x.shape[-2]}; take a "
            "smaller one."
        )
    return _psnr_luma(x, y, checked_mask(mask, x), border)


@partial(jax.jit, static_argnames="border")
def _psnr_luma(x: Array, y: Array, mask: Array | None, border: int) -> Array:
    height, width, channels = x.shape[-3:]
    rows, columns = slice(border, height - border), slice(border, width - border)
    error = 0.5 * (clip(x) - clip(y))[..., rows, columns, :]
    # A sum, and not a product of matrices, whose precision is a setting of JAX.
    luma = sum(WEIGHTS) * error[..., 0] if channels == 1 else sum(w * error[..., i] for i, w in enumerate(WEIGHTS))
    inside = None if mask is None else mask[..., rows, columns]
    return -10 * jnp.log10(mean_over(jnp.square(luma), inside))


def _border(scored: Scored) -> int:
    """The factor by which pictures were enlarged; none where that leaves nothing, or nothing was enlarged."""
    factor = getattr(scored.task, "factor", 0)
    return factor if min(scored.truth.shape[-3:-1]) > 2 * factor else 0


def _of(scored: Scored, images: Array, mask: Array | None) -> Array:
    return psnr_luma(images, scored.truth, mask=mask, border=_border(scored) if mask is None else 0)


PSNR_LUMA, PSNR_LUMA_HOLE, PSNR_LUMA_MERGED = of_parts(
    _of, name="psnr_luma", title="PSNR-Y", orders=(67, 68, 69), unit="dB", digits=2, asked_as="psnr-luma",
    note="PSNR-Y = of the luma of BT.601, 16 to 235 of 255; where pictures were enlarged, without a border as wide as "
    "the factor, if that leaves anything.",
)  # fmt: skip
