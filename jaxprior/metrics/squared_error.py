"""Mean squared error per image, of the whole image or of a hole: what PSNR is the logarithm of."""

from functools import partial

import jax
from jaxtyping import Array, Float

from jaxprior.metrics._images import Images, Mask, checked_mask, checked_pair, clip, mean_over, of_volumes
from jaxprior.protocols import ANY, HOLE, MASK, MERGE, MERGED, TRUTH, WHOLE, Metric, Scored


def mse(x: Images, y: Images, *, mask: Mask | None = None, volumes: bool = False) -> Float[Array, "*b"]:
    """Compute the mean squared error on [0, 1].

    Arguments:
        x: images `[b, h, w, c]`, floats in [-1, 1]; what lies a little outside, up to 4, is clipped.
        y: the originals, alike.
        mask: `[h, w]` or `[b, h, w]` of 0 and 1; only pixels where it is 1 count, all channels. None: the whole image.
            Of volumes `[d, h, w]` or `[b, d, h, w]`.
        volumes: images are volumes `[b, d, h, w, c]`.

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
    return _mse(x, y, checked_mask(mask, x, volumes=volumes), volumes)


@partial(jax.jit, static_argnames="volumes")
def _mse(x: Array, y: Array, mask: Array | None, volumes: bool) -> Array:
    return mean_over(((0.5 * (clip(x) - clip(y))) ** 2).mean(axis=-1), mask, volumes=volumes)


def _whole(scored: Scored) -> Array:
    return mse(scored.raw, scored.truth, volumes=of_volumes(scored))


def _hole(scored: Scored) -> Array:
    return mse(scored.raw, scored.truth, mask=scored.masks, volumes=of_volumes(scored))


def _merged(scored: Scored) -> Array:
    return mse(scored.merged, scored.truth, volumes=of_volumes(scored))


def _metric(name: str, title: str, function, part: str, needs: set[str], order: int, note: str = "") -> Metric:
    return Metric(name=name, title=title, function=function, part=part, needs=frozenset(needs), digits=5, order=order,
                  higher_is_better=False, optional=True, asked_as="mse", note=note, takes=ANY)  # fmt: skip


MSE = _metric("mse", "MSE", _whole, WHOLE, {TRUTH}, 60, note="MSE = mean squared error of the same pixels, in [0, 1].")
MSE_HOLE = _metric("mse_hole", "MSE hole", _hole, HOLE, {TRUTH, MASK}, 61)
MSE_MERGED = _metric("mse_merged", "MSE merged", _merged, MERGED, {TRUTH, MERGE}, 62)
