"""The penalty of the codes' length: codes that were drawn from N(0, 1) or U(-1, 1) are not long."""

from dataclasses import dataclass
from typing import Any, ClassVar

from jaxprior.lazy_jax import Array, jnp
from jaxprior.protocols import Generated


@dataclass(frozen=True, kw_only=True)
class CodePenaltyTerm:
    """weight * |z|^2, summed over all codes of the image, as the Generative Encoder adds it.

    Fields:
        weight: lambda, for each number of a code.
    """

    weight: float
    needs_features: ClassVar[bool] = False

    def target(self, operator: Any, observed: Array) -> tuple[()]:
        """Nothing: the term compares with no observation."""
        return ()

    def value_of(self, generated: Generated, target: tuple[()]) -> Array:
        """The weighted square of the codes' length."""
        return self.weight * jnp.sum(jnp.square(generated.latents["z"]))
