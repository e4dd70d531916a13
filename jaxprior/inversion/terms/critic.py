"""The critic's term: how little a critic takes the generated image for a real one. It keeps images realistic."""

from dataclasses import dataclass, field
from typing import Any

from jaxprior.lazy_jax import Array, jax, jnp, register_dataclass


CRITIC_LOSSES = {
    "least_squares": lambda score: 0.5 * jnp.square(score - 1.0),
    "nonsaturating": lambda score: jax.nn.softplus(-score),
    "saturating": lambda score: -jax.nn.softplus(score),
}
"""Name -> term of a score. A least-squares critic gives real images 1. The others give a logit s with C = sigmoid(s):
-log C, and log(1 - C) as seed 001 writes it."""


@register_dataclass
@dataclass(frozen=True, kw_only=True)
class CriticTerm:
    """weight * loss(D(x)), as the fields `critic...` of `Objective` say it; x is the generated image, not degraded.

    Fields:
        critic: D, a pytree that is called with images [b, *image_shape] and returns scores [b], higher for what is more
            real.
        weight: of the term.
        loss: one of `CRITIC_LOSSES`.
    """

    critic: Any
    weight: float = field(metadata={"static": True})
    loss: str = field(metadata={"static": True})

    def target(self, operator: Any, observed: Array) -> tuple[()]:
        """Nothing: a critic compares with no observation."""
        return ()

    def value(self, image: Array, degraded: Array, target: tuple[()]) -> Array:
        """The weighted term of the image's score."""
        score = self.critic(image[None])[0]
        return self.weight * CRITIC_LOSSES[self.loss](score.astype(jnp.float32))
