"""The distance of features: between maps of the degraded generated image and of the observation."""

import functools
import operator
from dataclasses import dataclass, field
from typing import Any

from jaxprior.inversion.terms.pixel import PIXEL_LOSSES
from jaxprior.lazy_jax import Array, jax, jnp, register_dataclass


FEATURE_LOSSES = ("l1", "l2", "l2_sum")


@register_dataclass
@dataclass(frozen=True, kw_only=True)
class FeatureTerm:
    """weight * sum_k distance(phi_k(A(x)), phi_k(y)), as the fields `feature...` of `Objective` say it.

    Fields:
        network: phi, a pytree that is called with images [b, *image_shape] and returns a map or several; if it has a
            method `features`, that is called instead.
        weight: of the sum.
        loss: "l1", "l2" or "l2_sum", of every map.
    """

    network: Any
    weight: float = field(metadata={"static": True})
    loss: str = field(metadata={"static": True})

    def target(self, operator: Any, observed: Array) -> list[Array]:
        """The maps of the observation, computed once."""
        return self._maps(observed)

    def value(self, image: Array, degraded: Array, target: list[Array]) -> Array:
        """The weighted sum of the maps' distances."""
        pairs = zip(self._maps(degraded), target, strict=True)
        return self.weight * functools.reduce(operator.add, (PIXEL_LOSSES[self.loss](a, b) for a, b in pairs))

    def _maps(self, image: Array) -> list[Array]:
        network = getattr(self.network, "features", self.network)
        return [a.astype(jnp.promote_types(a.dtype, jnp.float32)) for a in jax.tree.leaves(network(image[None]))]
