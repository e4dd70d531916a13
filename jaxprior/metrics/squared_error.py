"""Mean squared error per image, of the whole image or of a hole: what PSNR is the logarithm of."""

from functools import partial

import jax
from jaxtyping import Array, Float

from jaxprior.metrics._images import Images, Mask, checked_mask, checked_pair, clip, mean_over, of_volumes
from jaxprior.metrics._parts import of_parts
from jaxprior.protocols import ANY, Scored


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
        ImageError: pictures of other shapes, volumes without `volumes`, uint8 or other whole numbers, 0 to 255, or
            values that are not finite.
        MaskError: a mask of another shape, or of other values than 0 and 1.

    Example:
        >>> mse(jnp.zeros((1, 8, 8, 3)), jnp.full((1, 8, 8, 3), 0.2)).round(3)
        Array([0.01], dtype=float32)
    """
    x, y = checked_pair(x, y, volumes=volumes)
    return _mse(x, y, checked_mask(mask, x, volumes=volumes), volumes)


@partial(jax.jit, static_argnames="volumes")
def _mse(x: Array, y: Array, mask: Array | None, volumes: bool) -> Array:
    return mean_over(((0.5 * (clip(x) - clip(y))) ** 2).mean(axis=-1), mask, volumes=volumes)


def _of(scored: Scored, images: Array, mask: Array | None) -> Array:
    return mse(images, scored.truth, mask=mask, volumes=of_volumes(scored))


MSE, MSE_HOLE, MSE_MERGED = of_parts(
    _of, name="mse", title="MSE", orders=(60, 61, 62), digits=5, higher_is_better=False, asked_as="mse", takes=ANY,
    note="MSE = mean squared error of the same pixels, in [0, 1].",
)  # fmt: skip
