"""PSNR per image, of the whole image, of a hole, after merging, and of what is known.

Images are float `[b, h, w, c]` or `[h, w, c]` in [-1, 1], volumes `[b, d, h, w, c]`; both are clipped and mapped to
[0, 1], so the data range is 1. Nothing is rounded to 8 bits. `psnr` is pure and compiled: it works under a user's
`jit`, `vmap` and `grad`, where the range of the images is not checked.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxprior.metrics._images import Images, Mask, checked_mask, checked_pair, clip, mean_over, of_volumes
from jaxprior.operators import image_axes
from jaxprior.protocols import ANY, HOLE, KNOWN, MASK, MERGE, MERGED, OBSERVED, TRUTH, WHOLE, Metric, Scored


def psnr(x: Images, y: Images, *, mask: Mask | None = None, volumes: bool = False) -> Float[Array, "*b"]:
    """Compute the peak signal-to-noise ratio, 10 log10(1 / mean squared error) on [0, 1].

    Arguments:
        x: images `[b, h, w, c]`, floats in [-1, 1]; what lies a little outside, up to 4, is clipped.
        y: the originals, alike.
        mask: `[h, w]` or `[b, h, w]` of 0 and 1; only pixels where it is 1 count, all channels. None: the whole image.
            Of volumes `[d, h, w]` or `[b, d, h, w]`.
        volumes: images are volumes `[b, d, h, w, c]`.

    Returns:
        dB `[b]`; inf for identical images, nan where the mask is empty.

    Raises:
        ImageError: pictures of other shapes, volumes without `volumes`, uint8 or other whole numbers, 0 to 255, or
            values that are not finite.
        MaskError: a mask of another shape, or of other values than 0 and 1.

    Example:
        >>> psnr(jnp.zeros((1, 8, 8, 3)), jnp.full((1, 8, 8, 3), 0.2)).round(3)
        Array([20.], dtype=float32)
    """
    x, y = checked_pair(x, y, volumes=volumes)
    return _psnr(x, y, checked_mask(mask, x, volumes=volumes), volumes)


@partial(jax.jit, static_argnames="volumes")
def _psnr(x: Array, y: Array, mask: Array | None, volumes: bool) -> Array:
    squared = (0.5 * (clip(x) - clip(y))) ** 2
    return -10 * jnp.log10(mean_over(squared.mean(axis=-1), mask, volumes=volumes))


def _whole(scored: Scored) -> Array:
    return psnr(scored.raw, scored.truth, volumes=of_volumes(scored))


def _hole(scored: Scored) -> Array:
    return psnr(scored.raw, scored.truth, mask=scored.masks, volumes=of_volumes(scored))


def _merged(scored: Scored) -> Array:
    return psnr(scored.merged, scored.truth, volumes=of_volumes(scored))


def _known(scored: Scored) -> Array:
    """Consistency with the input: over the known pixels, or, for a task without a mask, between the raw output that is
    degraded once more and what the task compares of the observation. Measurements that are no pictures are compared as
    they are, with the range of pictures, 2."""
    raw, task = scored.raw, scored.task
    if scored.masks is not None:
        known = 1 - jnp.asarray(scored.masks)
        return psnr(raw, scored.observed, mask=known, volumes=of_volumes(scored))
    axes = (image_axes(task), 0)
    again = jax.vmap(type(task).apply, axes)(task, raw)
    wanted = jax.vmap(type(task).compared, axes)(task, jnp.asarray(scored.observed))
    if getattr(task, "observes_numbers", False):  # far outside of [-1, 1]: clipped, they would be equal
        apart = (0.5 * (again - wanted).reshape(len(raw), -1)) ** 2
        return -10 * jnp.log10(apart.mean(axis=1))
    flat = (len(raw), 1, -1, 1)  # observations need not be images
    return psnr(again.reshape(flat), wanted.reshape(flat))


def _metric(name: str, title: str, function, part: str, needs: set[str], order: int, headline: int) -> Metric:
    return Metric(name=name, title=title, function=function, part=part, needs=frozenset(needs),
                  unit="dB", digits=2, order=order, headline=headline, takes=ANY)  # fmt: skip


PSNR = _metric("psnr", "PSNR", _whole, WHOLE, {TRUTH}, 10, headline=30)
PSNR_HOLE = _metric("psnr_hole", "PSNR hole", _hole, HOLE, {TRUTH, MASK}, 20, headline=10)
PSNR_MERGED = _metric("psnr_merged", "PSNR merged", _merged, MERGED, {TRUTH, MERGE}, 30, headline=20)
PSNR_KNOWN = _metric("psnr_known", "PSNR known", _known, KNOWN, {OBSERVED}, 40, headline=40)
