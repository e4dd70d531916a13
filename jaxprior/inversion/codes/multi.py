"""What is optimised: latent codes, how they start, and how they become one image.

Everything here is about ONE image; the engine maps it over the batch. `generator` is an object with `head(z)`
[n, d] -> [n, h, w, c], `tail(features)` [b, h, w, c] -> [b, r, r, 3] and the sizes `latent_dim` and `channels`. Latents
are a dict: "z" are the codes, everything else says how they are put together.
"""

from dataclasses import dataclass
from typing import Literal, get_args

from jaxprior.checks import described, one_of, whole_number
from jaxprior.errors import ArgumentError
from jaxprior.inversion.codes.attention import ATTENTION, CBAM, SelfAttention
from jaxprior.inversion.codes.projections import PROJECTIONS, Projection, projected
from jaxprior.lazy_jax import Array, jax, jnp
from jaxprior.nn.latent import draw_codes
from jaxprior.protocols import Latents
from jaxprior.settings import setting


Weights = Literal["free", "softmax"]
Alpha = Literal["mean", "gaussian", "first"]
WEIGHTS, ALPHA = get_args(Weights), get_args(Alpha)
FIRST_SHARE = 0.9
"""Share of the first code in a convex combination that starts on it."""


@dataclass(frozen=True, kw_only=True)
class MultiCode:
    """N latent codes, composed by adaptive channel importance at one layer (mGANprior, Gu et al., CVPR 2020, eq. 2-4).

        features = 1/N sum_n alpha_n * head(z_n),    image = tail(features)

    Fields:
        num_codes: N, 1 or more.
        layer: composing layer L, counted in convolution blocks: 4 is the 8x8 map of a PGGAN, 6 is 16x16, 8 is 32x32.
        weights: "free": alpha is a signed vector per code and channel, as in mGANprior.
            "softmax": alpha_n = N softmax_n(w) per channel: a convex combination of the codes' features, which keeps
            the composed map inside what the generator has seen.
        alpha: how the weights start. "mean": all equal (alpha = 1/N, w = 0), as the public code; "gaussian": N(0, 1),
            as the thesis says of its experiments; "first": on the first code alone (alpha = 1 there and 0 elsewhere, or
            nine tenths of a convex combination), which fits `Solve(init="bank")`, whose first code is the best.
        project: what is done with the codes after every update: "none", "clip", "stochastic" or "sphere", see
            `jaxprior.inversion.codes.projections`.
        attention: None, or `SelfAttention` or `CBAM` at the composing layer; its parameters are latents of the image.
    """

    num_codes: int = setting(
        20, "Number of latent codes of each picture.", option="--codes", metavar="N", least=1, rank=10
    )
    layer: int = setting(
        8,
        "Layer at which the generator is cut, after its first L convolution blocks: there the codes' feature maps are "
        "added up, or one feature map is optimised.",
        metavar="L",
        least=1,
        rank=10,
    )
    weights: Weights = setting(
        "free",
        "Weights with which the channels of the codes' feature maps are added up: free, or a convex combination "
        "(softmax).",
        rank=10,
    )
    alpha: Alpha = setting(
        "mean", "These weights at the start: all equal, drawn from N(0, 1), or all on the first code.", rank=10
    )
    project: Projection = setting(
        "none",
        "What is done with the codes after every step: values are brought back into [-1, 1] (clip; stochastic draws "
        "them anew), or codes to the length of those from N(0, 1) (sphere).",
        rank=10,
        added_later=True,
    )
    attention: SelfAttention | CBAM | None = setting(
        None,
        "Attention module at this layer, whose parameters are optimised with the codes: self-attention (dot, "
        "scaled-dot, non-local) or CBAM.",
        words=tuple(ATTENTION),
        rank=11,
    )

    def __post_init__(self):
        whole_number("num_codes", self.num_codes, least=1)
        whole_number("layer", self.layer, least=1)
        one_of("weights", self.weights, WEIGHTS)
        one_of("alpha", self.alpha, ALPHA)
        one_of("project", self.project, PROJECTIONS)
        methods = (getattr(self.attention, name, None) for name in ("init", "apply"))
        if self.attention is not None and (isinstance(self.attention, type) or not all(map(callable, methods))):
            given = described(self.attention)
            raise ArgumentError(f"`attention` must be jp.CBAM(), jp.SelfAttention() or None, got {given}.")

    def init(self, generator, key: Array, *, z: Array | None = None) -> Latents:
        """Latents of one image at the start: {"z": [N, d], "alpha": [N, c]} and "attention" if there is any.

        Arguments:
            generator: see the module's head.
            key: of what is drawn: codes from the generator's distribution, unless given; Gaussian weights; attention
                parameters.
            z: codes to start from, [N, d].
        """
        if z is None:
            shape = (self.num_codes, generator.latent_dim)
            z = draw_codes(key, shape, distribution=generator.code_distribution)
        latents: Latents = {"z": z, "alpha": self._start_weights(generator.channels, jax.random.fold_in(key, 1))}
        if self.attention is not None:
            latents["attention"] = self.attention.init(jax.random.fold_in(key, 2), generator.channels)
        return latents

    def _start_weights(self, channels: int, key: Array) -> Array:
        n, shape = self.num_codes, (self.num_codes, channels)
        if self.alpha == "gaussian":
            return jax.random.normal(key, shape)
        if self.weights == "free":
            return jnp.full(shape, 1.0 / n) if self.alpha == "mean" else jnp.zeros(shape).at[0].set(1.0)
        if self.alpha == "mean" or n == 1:
            return jnp.zeros(shape)
        return jnp.zeros(shape).at[0].set(jnp.log((n - 1) * FIRST_SHARE / (1 - FIRST_SHARE)))

    def compose(self, features: Array, alpha: Array) -> Array:
        """Features of the codes [N, *space, c] and weights [N, c] -> one map [*space, c]."""
        if self.weights == "softmax":
            return jnp.einsum("n...c,nc->...c", features, jax.nn.softmax(alpha, axis=0))
        # Divided by N in addition to alpha = 1/N: mGANprior's own numerics, which its learning rates rely on.
        return jnp.einsum("n...c,nc->...c", features, alpha) / self.num_codes

    def composed(self, generator, latents: Latents) -> Array:
        """The map [*space, c] that the tail gets."""
        features = generator.head(latents["z"])
        features = features.astype(jnp.promote_types(features.dtype, jnp.float32))
        features = self._attend(features, latents, "each")
        return self._attend(self.compose(features, latents["alpha"]), latents, "composed")

    def synthesize(self, generator, latents: Latents) -> Array:
        """The image [*image_shape] of one set of latents."""
        return generator.tail(self.composed(generator, latents)[None])[0]

    def _attend(self, features: Array, latents: Latents, where: str) -> Array:
        if self.attention is None or self.attention.where != where:
            return features
        params = latents["attention"]
        return self.attention.apply(params if self.attention.optimise else jax.lax.stop_gradient(params), features)

    def constrain(self, latents: Latents, key: Array) -> Latents:
        """Latents after an update, their codes projected."""
        return {**latents, "z": projected(latents["z"], self.project, key)}
