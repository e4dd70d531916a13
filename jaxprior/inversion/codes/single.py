"""One latent code for each image: plain optimisation-based inversion."""

from dataclasses import dataclass

from jaxprior.checks import one_of
from jaxprior.inversion.codes.projections import PROJECTIONS, Projection, projected
from jaxprior.lazy_jax import Array
from jaxprior.nn.latent import DISTRIBUTIONS, draw_codes
from jaxprior.protocols import Distribution


@dataclass(frozen=True, kw_only=True)
class SingleCode:
    """One latent code, image = G(z): plain optimisation-based inversion (InvertGAN).

    Fields:
        project: what is done after every update: "none", "clip", "stochastic" or "sphere", see
            `jaxprior.inversion.codes.projections`.
        start: the code is drawn from "normal", N(0, 1), "uniform", U(-1, 1), or "sphere", that of radius sqrt(d); None
            takes what the generator was trained with.
    """

    project: Projection = "none"
    start: Distribution | None = None

    def __post_init__(self):
        one_of("project", self.project, PROJECTIONS)
        if self.start is not None:
            one_of("start", self.start, DISTRIBUTIONS)

    @property
    def num_codes(self) -> int:
        """One."""
        return 1

    @property
    def layer(self) -> int:
        """Where the generator is cut; nothing is composed, so the first layer does."""
        return 1

    def init(self, generator, key: Array, *, z: Array | None = None) -> dict[str, Array]:
        """Latents of one image at the start, {"z": [d]}; `z` [1, d] gives the code to start from."""
        if z is not None:
            return {"z": z[0]}
        distribution = self.start or generator.code_distribution
        return {"z": draw_codes(key, (generator.latent_dim,), distribution=distribution)}

    def composed(self, generator, latents: dict[str, Array]) -> Array:
        """The code's features [*space, c] at the cut."""
        return generator.head(latents["z"][None])[0]

    def synthesize(self, generator, latents: dict[str, Array]) -> Array:
        """The image [*image_shape] of one code."""
        return generator.tail(generator.head(latents["z"][None]))[0]

    def constrain(self, latents: dict[str, Array], key: Array) -> dict[str, Array]:
        """Latents after an update, projected."""
        return {"z": projected(latents["z"], self.project, key)}
