"""The anchor: an inversion stays near the feature map that it began on, for example near what an encoder said."""

from dataclasses import dataclass
from typing import Any, ClassVar

from jaxprior.lazy_jax import Array, jnp
from jaxprior.protocols import Generated


@dataclass(frozen=True, kw_only=True)
class AnchorTerm:
    """weight * mean |F - F0|^2 / mean |F0|^2, F the map that the generator's tail gets and F0 the same at the start.

    Relative to the map's own size, so that one weight serves every layer and every prior.

    Fields:
        weight: of the term.
    """

    weight: float
    needs_features: ClassVar[bool] = True

    def target(self, operator: Any, observed: Array) -> tuple[()]:
        """Nothing: the term compares with no observation."""
        return ()

    def value_of(self, generated: Generated, target: tuple[()]) -> Array:
        """The weighted change of the map; 0 for codes whose map does not move."""
        if generated.features is None:
            return jnp.zeros(())
        began = generated.began
        change = jnp.mean(jnp.square(generated.features - began))
        return self.weight * change / jnp.maximum(jnp.mean(jnp.square(began)), 1e-12)
