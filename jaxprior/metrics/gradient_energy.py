"""How sharp restored pictures are: their gradient energy, divided by that of their originals.

The gradient energy of a picture is the mean of the squared differences between neighbouring pixels. A blurred picture
has less of it than its original, a noisy one more. So the ratio tells what PSNR does not: a picture that is a little
off everywhere from one whose detail is missing.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxprior.metrics._images import Images, Mask, checked_mask, checked_pair, clip
from jaxprior.protocols import HOLE, MASK, MERGE, MERGED, TRUTH, WHOLE, Metric, Scored


def gradient_energy(x: Images, y: Images, *, mask: Mask | None = None) -> Float[Array, "*b"]:
    """Compute the gradient energy of pictures, divided by that of their originals.

    The energy is the mean over all pairs of neighbours, one beside the other or one below the other, and over the
    channels, of the squared difference.

    Arguments:
        x: images `[b, h, w, c]`, floats in [-1, 1]; what lies a little outside, up to 4, is clipped.
        y: the originals, alike.
        mask: `[h, w]` or `[b, h, w]` of 0 and 1; only pairs count of which both pixels are 1. None: the whole image.

    Returns:
        `[b]`, 1 where both are as sharp; inf or nan where the original has no gradients, or the mask no pairs.

    Raises:
        ImageError: pictures of other shapes, uint8 or other whole numbers, 0 to 255, or values that are not finite.
        MaskError: a mask of another shape, or of other values than 0 and 1.

    Example:
        >>> ramp = jnp.linspace(-1, 1, 8).reshape(1, 1, 8, 1)
        >>> gradient_energy(ramp / 2, ramp).round(3)
        Array([0.25], dtype=float32)
    """
    x, y = checked_pair(x, y)
    return _gradient_energy(x, y, checked_mask(mask, x))


@jax.jit
def _gradient_energy(x: Array, y: Array, mask: Array | None) -> Array:
    inside = jnp.ones(x.shape[:-1]) if mask is None else jnp.broadcast_to(mask, x.shape[:-1])
    return _energy(clip(x), inside) / _energy(clip(y), inside)


def _energy(x: Array, inside: Array) -> Array:
    """Sum of the squared differences of neighbours that both lie inside, [*b]; row by row, which is exact enough."""
    below = jnp.square(x[..., 1:, :, :] - x[..., :-1, :, :]).mean(axis=-1) * (inside[..., 1:, :] * inside[..., :-1, :])
    beside = jnp.square(x[..., 1:, :] - x[..., :-1, :]).mean(axis=-1) * (inside[..., 1:] * inside[..., :-1])
    return below.sum(axis=-1).sum(axis=-1) + beside.sum(axis=-1).sum(axis=-1)


def _whole(scored: Scored) -> Array:
    return gradient_energy(scored.raw, scored.truth)


def _hole(scored: Scored) -> Array:
    return gradient_energy(scored.raw, scored.truth, mask=scored.masks)


def _merged(scored: Scored) -> Array:
    return gradient_energy(scored.merged, scored.truth)


def _metric(name: str, title: str, function, part: str, needs: set[str], order: int, note: str = "") -> Metric:
    return Metric(name=name, title=title, function=function, part=part, needs=frozenset(needs), order=order,
                  optional=True, asked_as="gradient-energy", note=note)  # fmt: skip


GRADIENT_ENERGY = _metric(
    "gradient_energy", "Gradient energy", _whole, WHOLE, {TRUTH}, 71,
    note="Gradient energy = divided by the original's: below 1 blurred, above 1 noisy or too sharp.",
)  # fmt: skip
GRADIENT_ENERGY_HOLE = _metric("gradient_energy_hole", "Gradient energy hole", _hole, HOLE, {TRUTH, MASK}, 72)
GRADIENT_ENERGY_MERGED = _metric(
    "gradient_energy_merged", "Gradient energy merged", _merged, MERGED, {TRUTH, MERGE}, 73
)  # fmt: skip
