"""One feature map for each image, at a layer inside the generator: more freedom than codes, less than pixels."""

from dataclasses import dataclass

from jaxprior.checks import one_of, whole_number
from jaxprior.errors import ArgumentError
from jaxprior.inversion.codes.projections import PROJECTIONS, Projection, projected
from jaxprior.lazy_jax import Array, jax, jnp
from jaxprior.nn.latent import draw_codes
from jaxprior.protocols import Latents
from jaxprior.settings import setting


@dataclass(frozen=True, kw_only=True)
class FeatureCode:
    """A latent code and a change of its features at one layer, image = tail(head(z) + features).

    The map that the tail gets can be any map, as in the F space of BDInvert (Kang et al., ICCV 2021). It is
    written as the code's own features and what is added to them, so that both can be optimised and a code that is moved
    (`jp.edit`) still moves the whole image. Everything that is added starts at 0, unless a start knows the map.

    A map has many more values than a code has (8x8x256 of `cats64` at layer 4, where a code has 256), so begin near the
    answer and stop early. `Solve.weight_rate` is the rate of what is added, as a multiple of the code's.

    Fields:
        layer: where the map lies, counted in convolution blocks: 4 is the 8x8 map of a PGGAN, 6 is 16x16, 8 is 32x32.
        project: what is done with the code after every update: "none", "clip", "stochastic" or "sphere", see
            `jaxprior.inversion.codes.projections`.

    Example:
        >>> FeatureCode(layer=6).num_codes
        1
    """

    layer: int = setting(4, "Layer of the feature map: after the first L convolution blocks.", metavar="L", least=1)
    project: Projection = "none"

    def __post_init__(self):
        whole_number("layer", self.layer, least=1)
        one_of("project", self.project, PROJECTIONS)

    @property
    def num_codes(self) -> int:
        """One."""
        return 1

    def init(self, generator, key: Array, *, z: Array | None = None, features: Array | None = None) -> Latents:
        """Latents of one image at the start: {"z": [d], "features": [*space, c]}.

        Arguments:
            generator: see the package's head.
            key: of the code, which is drawn from the generator's distribution unless it is given.
            z: the code to start from, [1, d].
            features: the map to start from, [*space, c], as the tail gets it; by default that of the code.

        Raises:
            ArgumentError: a map of another shape than the generator has at this layer.
        """
        if z is None:
            z = draw_codes(key, (1, generator.latent_dim), distribution=generator.code_distribution)
        shape = jax.eval_shape(lambda z: generator.head(z), z).shape[1:]
        if features is None:
            return {"z": z[0], "features": jnp.zeros(shape)}
        if features.shape != shape:
            raise ArgumentError(
                f"`features` must have the shape {list(shape)} of the map after layer {self.layer}, got "
                f"{list(features.shape)}."
            )
        return {"z": z[0], "features": features - self._features_of(generator, z[0])}

    def composed(self, generator, latents: Latents) -> Array:
        """The map [*space, c] that the tail gets."""
        return self._features_of(generator, latents["z"]) + latents["features"]

    def _features_of(self, generator, z: Array) -> Array:
        features = generator.head(z[None])[0]
        return features.astype(jnp.promote_types(features.dtype, jnp.float32))

    def synthesize(self, generator, latents: Latents) -> Array:
        """The image [*image_shape] of one set of latents."""
        return generator.tail(self.composed(generator, latents)[None])[0]

    def constrain(self, latents: Latents, key: Array) -> Latents:
        """Latents after an update, their code projected."""
        return {**latents, "z": projected(latents["z"], self.project, key)}
