"""MS-SSIM per image: structural similarity at five scales.

Wang, Simoncelli and Bovik, "Multiscale structural similarity for image quality assessment", Asilomar 2003. Public
implementations differ at the borders, by up to 6e-4; these are the numbers of pytorch-msssim, which takes complete
windows only.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxprior.errors import ImageError
from jaxprior.metrics._images import Images, checked_pair, clip
from jaxprior.metrics.structural_similarity import C1, C2, WINDOWS
from jaxprior.protocols import MERGE, MERGED, TRUTH, WHOLE, Metric, Scored


WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Of the scales, the finest first."""

CENTRE = 0.5
"""Is subtracted from pixels in [0, 1], so that variances lose fewer digits to rounding."""

LEAST = 161
"""Pixels of a side: at the coarsest scale the window of 11 pixels must fit in."""


def ms_ssim(x: Images, y: Images) -> Float[Array, "*b"]:
    """Compute the multi-scale structural similarity on [0, 1].

    At each of five scales the contrast and structure parts of SSIM (Gaussian window of 11 pixels, sigma 1.5) are
    averaged over the image, at the coarsest one SSIM itself; negative means count as 0. Their product, each to the
    power of its scale's weight, is averaged over the channels. From one scale to the next, images are averaged over 2x2
    pixels; an odd side gets a line of black pixels first, as in pytorch-msssim.

    Arguments:
        x: images `[b, h, w, c]`, floats in [-1, 1], 161 pixels a side or more; what lies a little outside, up to 4, is
            clipped.
        y: the originals, alike.

    Returns:
        `[b]` in [0, 1].

    Raises:
        ImageError: pictures of other shapes, smaller ones, uint8 or other whole numbers, 0 to 255, or values that are
            not finite.

    Example:
        >>> ms_ssim(jnp.zeros((1, 161, 161, 3)), jnp.zeros((1, 161, 161, 3)))
        Array([1.], dtype=float32)
    """
    x, y = checked_pair(x, y)
    if min(x.shape[-3:-1]) < LEAST:
        raise ImageError(
            f"`ms_ssim`: images of {x.shape[-3]}x{x.shape[-2]} are too small for five scales, which need "
            f"{LEAST}x{LEAST} pixels; use larger images, or `ssim`."
        )
    return _ms_ssim(x, y).reshape(*x.shape[:-3], x.shape[-1]).mean(axis=-1)


@jax.jit
def _ms_ssim(x: Array, y: Array) -> Array:
    x, y = _planes(x), _planes(y)
    product = jnp.ones((len(x),))
    for scale, weight in enumerate(WEIGHTS):
        if scale:
            x, y = _halved(x), _halved(y)
        mean_x, mean_y = _filtered(x), _filtered(y)
        var_x, var_y = _filtered(x**2) - mean_x**2, _filtered(y**2) - mean_y**2
        similarity = (2 * (_filtered(x * y) - mean_x * mean_y) + C2) / (var_x + var_y + C2)
        if scale == len(WEIGHTS) - 1:
            mean_x, mean_y = mean_x + CENTRE, mean_y + CENTRE
            similarity *= (2 * mean_x * mean_y + C1) / (mean_x**2 + mean_y**2 + C1)
        mean = similarity.mean(axis=2).mean(axis=1)[:, 0]
        product *= jnp.where(mean > 0, jnp.where(mean > 0, mean, 1) ** weight, 0)  # at 0 the power's slope is infinite
    return product


def _planes(x: Images) -> Array:
    """The channels of images as pictures of one channel, [n, h, w, 1], minus `CENTRE`."""
    planes = jnp.moveaxis(clip(x) / 2, -1, -3)
    return planes.reshape(-1, *planes.shape[-2:], 1)


def _filtered(x: Array) -> Array:
    """Means over every complete window of `[n, h, w, 1]`."""
    weights = jnp.asarray(WINDOWS["gaussian"][0], jnp.float32)
    for shape in ((-1, 1, 1, 1), (1, -1, 1, 1)):
        x = jax.lax.conv_general_dilated(
            x, weights.reshape(shape), (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC"), precision="highest"
        )
    return x


def _halved(x: Array) -> Array:
    """Means over 2x2 pixels of `[n, h, w, 1]`; before an odd side stands a line of black pixels."""
    odd = [side % 2 for side in x.shape[1:3]]
    x = jnp.pad(x, ((0, 0), (odd[0], 0), (odd[1], 0), (0, 0)), constant_values=-CENTRE)
    return x.reshape(len(x), x.shape[1] // 2, 2, x.shape[2] // 2, 2, 1).mean(axis=4).mean(axis=2)


def _whole(scored: Scored) -> Array:
    return ms_ssim(scored.raw, scored.truth)


def _merged(scored: Scored) -> Array:
    return ms_ssim(scored.merged, scored.truth)


MS_SSIM = Metric(
    name="ms_ssim", title="MS-SSIM", function=_whole, part=WHOLE, needs=frozenset({TRUTH}), order=65, optional=True,
    asked_as="ms-ssim", least=LEAST, note="MS-SSIM = at five scales, complete Gaussian windows of 11 pixels only.",
)  # fmt: skip
MS_SSIM_MERGED = Metric(
    name="ms_ssim_merged", title="MS-SSIM merged", function=_merged, part=MERGED, needs=frozenset({TRUTH, MERGE}),
    order=66, optional=True, asked_as="ms-ssim", least=LEAST,
)  # fmt: skip
