"""What is minimised: the distance between the degraded generated image and the observation.

    loss(x) = pixel(A(x), y) + feature_weight * sum_k mean |phi_k(A(x)) - phi_k(y)|

A is the forward operator, y the observation, phi the maps of any network. Per image; the engine sums over the batch,
so that no image touches another.
"""

from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp


Array = jax.Array

PIXEL_LOSSES = {
    "l2": lambda x, y: jnp.mean(jnp.square(x - y)),
    "l1": lambda x, y: jnp.mean(jnp.abs(x - y)),
    "l1_sum": lambda x, y: jnp.sum(jnp.abs(x - y)),
}


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True)
class Objective:
    """The loss of an inversion. A pytree: networks inside are leaves, so that they are arguments of compiled code.

    Fields:
        pixel: "l2" (mean of squares), "l1" (mean), "l1_sum" or None. Means are over ALL pixels, blanked ones included,
            as in mGANprior: the scale falls with the hole's size.
        features: None, or a network: any pytree that is called with images [b, h, w, c] in [-1, 1] and returns a map or
            several; if it has a method `features` (a prior's critic has), that is called instead.
        feature_weight: weight of the feature distance, the mean absolute difference summed over the maps.

    Example:
        >>> Objective(pixel="l1")
        Objective(pixel='l1', features=None, feature_weight=0.1)
    """

    pixel: str | None = field(default="l2", metadata={"static": True})
    features: Any = None
    feature_weight: float = field(default=0.1, metadata={"static": True})

    def __post_init__(self):
        if self.pixel is not None and self.pixel not in PIXEL_LOSSES:
            raise ValueError(f"`pixel` must be one of {tuple(PIXEL_LOSSES)} or None, got {self.pixel!r}")
        if self.pixel is None and self.features is None:
            raise ValueError("an objective needs `pixel`, `features` or both, got neither")

    def target(self, operator, observed: Array) -> dict[str, Any]:
        """What the generated image of one observation is compared with; computed once."""
        y = operator.compared(observed)
        return {"image": y, "features": self._maps(y)}

    def loss(self, image: Array, operator, target: dict[str, Any]) -> Array:
        """Loss of one generated image [r, r, c], a float32 scalar."""
        x = operator.apply(image)
        total = jnp.zeros(())
        if self.pixel is not None:
            total += PIXEL_LOSSES[self.pixel](x, target["image"])
        if self.features is not None:
            pairs = zip(self._maps(x), target["features"], strict=True)
            total += self.feature_weight * sum(PIXEL_LOSSES["l1"](a, b) for a, b in pairs)
        return total

    def _maps(self, image: Array) -> list[Array]:
        if self.features is None:
            return []
        network = getattr(self.features, "features", self.features)
        return [a.astype(jnp.float32) for a in jax.tree.leaves(network(image[None]))]
