"""In-domain regularisation: an encoder that sees the generated image must answer with the latents it was made of.

The encoder was trained on the prior's own pictures, so it answers well where the generator makes such pictures, and not
where latents have left them (idinvert: Zhu et al., "In-Domain GAN Inversion for Real Image Editing", ECCV 2020).
"""

from dataclasses import dataclass, field
from typing import Any

from jaxprior.errors import ArgumentError
from jaxprior.lazy_jax import Array, jnp, register_dataclass
from jaxprior.protocols import Generated


COMPARED = ("codes", "features")
"""What of an encoder's answer is compared."""


@register_dataclass
@dataclass(frozen=True, kw_only=True)
class InDomainTerm:
    """weight * mean |E(x) - latents|^2, as the fields `in_domain...` of `Objective` say it; x is the generated image.

    Codes, and the vectors of a map's pixels, are compared at a root mean square of 1, as the generator's layers take
    them.

    Fields:
        encoder: E, a pytree that is called with images [b, *image_shape] and what is known of them, [b, *space, 1], and
            returns {"z": [b, d], "features": [b, *space, c]}.
        weight: of the term; idinvert's is 2.
        compared: "codes", or "features": the map that the generator's tail gets.
    """

    encoder: Any
    weight: float = field(metadata={"static": True})
    compared: str = field(metadata={"static": True})

    @property
    def needs_features(self) -> bool:
        """Whether the map is compared."""
        return self.compared == "features"

    def target(self, operator: Any, observed: Array) -> tuple[()]:
        """Nothing: the term compares with no observation."""
        return ()

    def value_of(self, generated: Generated, target: tuple[()]) -> Array:
        """The weighted distance of the answer from the latents.

        Raises:
            ArgumentError: codes of another number or length, or a map of another layer than the encoder's.
        """
        from jaxprior.nn.norm import pixel_norm  # imports JAX

        made = generated.features if self.needs_features else generated.latents["z"]
        if made is None:  # the map does not move
            return jnp.zeros(())
        image = generated.image[None]
        answer = self.encoder(image, jnp.ones_like(image[..., :1]))
        said = answer["features" if self.needs_features else "z"][0]
        if said.shape != made.shape:
            raise ArgumentError(
                f"`in_domain` compares {self.compared}: the encoder answers {list(said.shape)}, and these codes have "
                f"{list(made.shape)}. A map must be that of the encoder's layer; a code must be one alone, as "
                "`jp.SingleCode` and `jp.FeatureCode` have it."
            )
        return self.weight * jnp.mean(jnp.square(pixel_norm(said) - pixel_norm(made)))
