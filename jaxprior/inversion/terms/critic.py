"""The critic's term: how little a critic takes an image for a real one. It keeps images realistic."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from jaxprior.lazy_jax import Array, jax, jnp, register_dataclass
from jaxprior.protocols import Generated


SEEN = ("generated", "merged")
"""What the critic sees: the generated image, or the same after what is known for certain was put back."""

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


@register_dataclass
@dataclass(frozen=True, kw_only=True)
class MergedCriticTerm:
    """The same of the picture that the task makes of the image: its known pixels are the observation's.

    The critic then sees the picture that people see, with its seams, and its gradient asks generated pixels to go with
    the known ones, which nothing can change. Pixels that are held out of the fit stay generated.

    Fields:
        on_image: the critic's term of one image.
    """

    on_image: CriticTerm
    needs_features: ClassVar[bool] = False

    def target(self, operator: Any, observed: Array) -> Array:
        """The observation, which is merged with every image."""
        return observed

    def value_of(self, generated: Generated, target: Array) -> Array:
        """The weighted term of the merged picture's score."""
        image, held = generated.image, generated.held
        merged = generated.operator.merge(target, image)
        if held is not None and held.shape[:-1] == image.shape[:-1]:
            merged = held * image + (1 - held) * merged
        return self.on_image.value(merged, generated.degraded, ())
