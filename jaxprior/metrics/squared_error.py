"""Mean squared error per image, of the whole image or of a hole: what PSNR is the logarithm of."""

import jax
from jaxtyping import Array, Float

from jaxprior.metrics._images import Images, Mask, checked_mask, checked_pair, clip, mean_over
from jaxprior.protocols import HOLE, MASK, MERGE, MERGED, TRUTH, WHOLE, Metric, Scored


def mse(x: Images, y: Images, *, mask: Mask | None = None) -> Float[Array, "*b"]:
    """Compute the mean squared error on [0, 1].

    Arguments:
        x: images `[b, h, w, c]`, floats in [-1, 1]; what lies a little outside, up to 4, is clipped.
        y: the originals, alike.
        mask: `[h, w]` or `[b, h, w]` of 0 and 1; only pixels where it is 1 count, all channels. None: the whole image.

    Returns:
        `[b]` from 0 to 1; nan where the mask is empty.

    Raises:
        ImageError: pictures of other shapes, uint8 or other whole numbers, 0 to 255, or values that are not finite.
        MaskError: a mask of another shape, or of other values than 0 and 1.

    Example:
        >>> mse(jnp.zeros((1, 8, 8, 3)), jnp.full((1, 8, 8, 3), 0.2)).round(3)
        Array([0.01], dtype=float32)
    """
    x, y = checked_pair(x, y)
    return _mse(x, y, checked_mask(mask, x))


@jax.jit
def _mse(x: Array, y: Array, mask: Array | None) -> Array:
    return mean_over(((0.5 * (clip(x) - clip(y))) ** 2).mean(axis=-1), mask)


def _whole(scored: Scored) -> Array:
    return mse(scored.raw, scored.truth)


def _hole(scored: Scored) -> Array:
    return mse(scored.raw, scored.truth, mask=scored.masks)


def _merged(scored: Scored) -> Array:
    return mse(scored.merged, scored.truth)


def _metric(name: str, title: str, function, part: str, needs: set[str], order: int, note: str = "") -> Metric:
    return Metric(name=name, title=title, function=function, part=part, needs=frozenset(needs), digits=5, order=order,
                  higher_is_better=False, optional=True, asked_as="mse", note=note)  # fmt: skip


MSE = _metric("mse", "MSE", _whole, WHOLE, {TRUTH}, 60, note="MSE = mean squared error of the same pixels, in [0, 1].")
MSE_HOLE = _metric("mse_hole", "MSE hole", _hole, HOLE, {TRUTH, MASK}, 61)
MSE_MERGED = _metric("mse_merged", "MSE merged", _merged, MERGED, {TRUTH, MERGE}, 62)
