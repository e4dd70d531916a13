"""SSIM per image, of the whole image, of a hole, and after merging.

SSIM is Wang, Bovik, Sheikh and Simoncelli 2004 with K1 = 0.01, K2 = 0.03, per channel, averaged over channels. Images
are float `[b, h, w, c]` or `[h, w, c]` in [-1, 1]; both are clipped and mapped to [0, 1], so the data range is 1.
Nothing is rounded to 8 bits. `ssim` is pure and compiled: it works under a user's `jit`, `vmap` and `grad`, where the
range of the images is not checked.
"""

import functools
import math
import operator

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxprior.checks import one_of
from jaxprior.errors import ImageError
from jaxprior.metrics._images import Images, Mask, checked_mask, checked_pair, clip, mean_over
from jaxprior.protocols import HOLE, MASK, MERGE, MERGED, TRUTH, WHOLE, Metric, Scored


C1, C2 = 0.01**2, 0.03**2


def _gaussian(sigma: float, radius: int) -> tuple[float, ...]:
    weights = [math.exp(-0.5 * (offset / sigma) ** 2) for offset in range(-radius, radius + 1)]
    return tuple(weight / sum(weights) for weight in weights)


# One-dimensional weights of each window and the factor on its variances: 49 / 48 makes them sample variances.
SIDE = 7
"""Pixels of a side of the uniform window; smaller pictures have no figure."""

WINDOWS = {"uniform": ((1 / 7,) * 7, 49 / 48), "gaussian": (_gaussian(1.5, 5), 1.0)}


def ssim(x: Images, y: Images, *, window: str = "uniform", mask: Mask | None = None) -> Float[Array, "*b"]:
    """Compute the mean structural similarity on [0, 1].

    Equal to `skimage.metrics.structural_similarity(..., data_range=1, channel_axis=-1)`: its defaults for
    "uniform" (7x7, sample covariances); `gaussian_weights=True, sigma=1.5, use_sample_covariance=False` for
    "gaussian" (11x11). The whole image is averaged without a border of half a window, as there. With a mask
    it is the mean of the complete SSIM map (its `full=True`: mirrored at the border, averaged over channels)
    where the mask is 1, so a mask of ones differs a little from no mask, and windows at a hole's rim see
    known pixels.

    Arguments:
        x: images `[b, h, w, c]`, floats in [-1, 1]; what lies a little outside, up to 4, is clipped. At least one
            window high and wide.
        y: the originals, alike.
        window: "uniform" or "gaussian".
        mask: `[h, w]` or `[b, h, w]` of 0 and 1; only where it is 1. None: the whole image.

    Returns:
        `[b]` in [-1, 1]; nan where the mask is empty.

    Raises:
        ImageError: volumes, pictures of other shapes or smaller than a window, uint8 or other whole numbers, 0 to 255,
            or values that are not finite.
        MaskError: a mask of another shape, or of other values than 0 and 1.
        ArgumentError: an unknown window.

    Example:
        >>> ssim(jnp.zeros((1, 8, 8, 3)), jnp.zeros((1, 8, 8, 3)))
        Array([1.], dtype=float32)
    """
    x, y = checked_pair(x, y)
    weights, _ = WINDOWS[one_of("window", window, WINDOWS)]
    if min(x.shape[-3:-1]) < len(weights):
        raise ImageError(
            f"`ssim`: images of {x.shape[-3]}x{x.shape[-2]} are smaller than the {window} window of "
            f"{len(weights)}x{len(weights)}; use larger images."
        )
    return _ssim(x, y, checked_mask(mask, x), window=window)


@jax.jit(static_argnames="window")
def _ssim(x: Array, y: Array, mask: Array | None, *, window: str) -> Array:
    weights, unbiased = WINDOWS[window]
    x, y = (clip(x) + 1) / 2, (clip(y) + 1) / 2
    if mask is not None:
        border = ((0, 0),) * (x.ndim - 3) + ((len(weights) // 2,) * 2,) * 2 + ((0, 0),)
        x, y = jnp.pad(x, border, mode="symmetric"), jnp.pad(y, border, mode="symmetric")
    mean_x, mean_y, var_x, var_y, covariance = _local_moments(x, y, weights)
    similarity = (2 * mean_x * mean_y + C1) * (2 * unbiased * covariance + C2)
    similarity /= (mean_x**2 + mean_y**2 + C1) * (unbiased * (var_x + var_y) + C2)
    return mean_over(similarity.mean(axis=-1), mask)


def _local_moments(x: Array, y: Array, weights: tuple[float, ...]) -> tuple[Array, ...]:
    """Means, variances and covariance in every complete window of a separable kernel.

    E[x^2] - E[x]^2 cancels in float32 where the image is flat. Here differences from the mean are squared,
    first along rows; then the law of total variance joins the rows: variance = mean of variances + variance
    of means.
    """

    def windows(a: Array, axis: int) -> list[Array]:
        length = a.shape[axis] - len(weights) + 1
        return [jax.lax.slice_in_dim(a, start, start + length, axis=axis) for start in range(len(weights))]

    def average(terms) -> Array:
        weighted = (weight * term for weight, term in zip(weights, terms, strict=True))
        return functools.reduce(operator.add, weighted)

    zero = jnp.zeros_like(x)
    mean_x, mean_y, var_x, var_y, covariance = x, y, zero, zero, zero
    for axis in (-2, -3):
        xs, ys = windows(mean_x, axis), windows(mean_y, axis)
        mean_x, mean_y = average(xs), average(ys)
        var_x = average(windows(var_x, axis)) + average((a - mean_x) ** 2 for a in xs)
        var_y = average(windows(var_y, axis)) + average((b - mean_y) ** 2 for b in ys)
        covariance = average(windows(covariance, axis))
        covariance += average((a - mean_x) * (b - mean_y) for a, b in zip(xs, ys, strict=True))
    return mean_x, mean_y, var_x, var_y, covariance


def _whole(scored: Scored) -> Array:
    return ssim(scored.raw, scored.truth)


def _hole(scored: Scored) -> Array:
    return ssim(scored.raw, scored.truth, mask=scored.masks)


def _merged(scored: Scored) -> Array:
    return ssim(scored.merged, scored.truth)


SSIM = Metric(
    name="ssim", title="SSIM", function=_whole, part=WHOLE, needs=frozenset({TRUTH}), order=11, least=SIDE
)
SSIM_HOLE = Metric(
    name="ssim_hole", title="SSIM hole", function=_hole, part=HOLE, needs=frozenset({TRUTH, MASK}), order=21,
    least=SIDE,
)
SSIM_MERGED = Metric(
    name="ssim_merged", title="SSIM merged", function=_merged, part=MERGED, needs=frozenset({TRUTH, MERGE}), order=31,
    least=SIDE,
)
