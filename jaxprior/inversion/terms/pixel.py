"""The distance of pixels: between the degraded generated image and the observation."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from jaxprior.lazy_jax import Array, jax, jnp


PIXEL_LOSSES = {
    "l2": lambda x, y: jnp.mean(jnp.square(x - y)),
    "l1": lambda x, y: jnp.mean(jnp.abs(x - y)),
    "l2_sum": lambda x, y: jnp.sum(jnp.square(x - y)),
    "l1_sum": lambda x, y: jnp.sum(jnp.abs(x - y)),
}
"""Name -> distance of two arrays of one shape."""


class PixelTarget(NamedTuple):
    """What is compared.

    Fields:
        observed: the observation, 0 where it is missing or held out.
        weights: of the differences of its values, or None where all count alike.
    """

    observed: Array
    weights: Array | None


@dataclass(frozen=True)
class PixelTerm:
    """loss(A(x), y), as `Objective.pixel` and `Objective.window` say it."""

    loss: str
    window: int = 0

    def target(self, operator: Any, observed: Array) -> PixelTarget:
        """The observation, and the weights of its values."""
        if not self.window:
            return PixelTarget(observed, None)
        known = operator.compared(jnp.ones_like(observed))
        return PixelTarget(observed, near_holes(known, self.window))

    def value(self, image: Array, degraded: Array, target: PixelTarget) -> Array:
        """The distance; weights belong to the differences before they are squared or made positive."""
        x, y = degraded, target.observed
        if target.weights is not None:
            scale = jnp.sqrt(target.weights) if self.loss == "l2" else target.weights
            x, y = x * scale, y * scale
        return PIXEL_LOSSES[self.loss](x, y)


def near_holes(known: Array, window: int) -> Array:
    """Weights of known values: the share of a window around each that is missing; 0 where a value itself is missing.

    This is the weighted context loss of Yeh et al., CVPR 2017.

    Arguments:
        known: 1 where a value is known, 0 where it is missing, [*space, c].
        window: side in pixels, odd. Outside of the picture nothing is missing.

    Returns:
        [*space, c] in [0, 1].
    """
    axes = known.ndim - 1
    sides = (*(window,) * axes, 1)
    missing = jax.lax.reduce_window(1.0 - known, 0.0, jax.lax.add, sides, (1,) * known.ndim, "SAME")
    return known * missing / window**axes
