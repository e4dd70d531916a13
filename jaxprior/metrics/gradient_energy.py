"""How sharp restored pictures are: their gradient energy, divided by that of their originals.

The gradient energy of a picture is the mean of the squared differences between neighbouring pixels. A blurred picture
has less of it than its original, a noisy one more. So the ratio tells what PSNR does not: a picture that is a little
off everywhere from one whose detail is missing.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxprior.metrics._images import Images, Mask, checked_mask, checked_pair, clip
from jaxprior.metrics._parts import of_parts
from jaxprior.protocols import Scored


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


def _of(scored: Scored, images: Array, mask: Array | None) -> Array:
    return gradient_energy(images, scored.truth, mask=mask)


GRADIENT_ENERGY, GRADIENT_ENERGY_HOLE, GRADIENT_ENERGY_MERGED = of_parts(
    _of, name="gradient_energy", title="Gradient energy", orders=(71, 72, 73), asked_as="gradient-energy",
    note="Gradient energy = divided by the original's: below 1 blurred, above 1 noisy or too sharp.",
)  # fmt: skip
