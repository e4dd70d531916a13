"""One latent code of which the last numbers are held: what they stand for, such as a label, stays as it is given."""

from dataclasses import dataclass

from jaxprior.checks import whole_number
from jaxprior.inversion.codes.single import SingleCode
from jaxprior.lazy_jax import Array, jax, jnp


@dataclass(frozen=True, kw_only=True)
class HeldCode(SingleCode):
    """One latent code, image = G(z), whose last numbers no step changes.

    They are what the start gives: of a conditional generator the label, which is known. Its other numbers are found as
    those of a `SingleCode` are.

    Fields:
        project, start: see `SingleCode`.
        held: so many numbers at the end of the code are held.

    Example:
        >>> HeldCode(held=10).num_codes
        1
    """

    held: int = 0

    def __post_init__(self):
        super().__post_init__()
        whole_number("held", self.held, least=0)

    def _fixed(self, latents: dict[str, Array]) -> dict[str, Array]:
        """The latents, of whose held numbers no gradient is known."""
        free, held = jnp.split(latents["z"], [latents["z"].shape[-1] - self.held], axis=-1)
        return {"z": jnp.concatenate([free, jax.lax.stop_gradient(held)], axis=-1)}

    def composed(self, generator, latents: dict[str, Array]) -> Array:
        """The code's features [*space, c] at the cut."""
        return super().composed(generator, self._fixed(latents))

    def synthesize(self, generator, latents: dict[str, Array]) -> Array:
        """The image [*image_shape] of one code."""
        return super().synthesize(generator, self._fixed(latents))

    def constrain(self, latents: dict[str, Array], key: Array) -> dict[str, Array]:
        """Latents after an update, projected but for the held numbers."""
        cut = latents["z"].shape[-1] - self.held
        projected = super().constrain(latents, key)["z"]
        return {"z": jnp.concatenate([projected[..., :cut], latents["z"][..., cut:]], axis=-1)}
