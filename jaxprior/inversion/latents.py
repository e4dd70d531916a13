"""What is optimised: latent codes, how they start, and how they become one image.

Everything here is about ONE image; the engine maps it over the batch. `generator` is an object with `head(z)`
[n, d] -> [n, h, w, c], `tail(features)` [b, h, w, c] -> [b, r, r, 3] and the sizes `latent_dim` and `channels`.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp


Array = jax.Array
WEIGHTS = ("free", "softmax")


@dataclass(frozen=True, kw_only=True)
class MultiCode:
    """N latent codes, composed by adaptive channel importance at one layer (mGANprior, Gu et al., CVPR 2020, eq. 2-4).

        features = 1/N sum_n alpha_n * head(z_n),    image = tail(features)

    Fields:
        num_codes: N, 1 or more.
        layer: composing layer L, counted in convolution blocks: 4 is the 8x8 map of a PGGAN, 6 is 16x16, 8 is 32x32.
        weights: "free": alpha is a signed vector per code and channel, 1/N at the start, as in mGANprior.
            "softmax": alpha_n = N softmax_n(w) per channel, w = 0 at the start: a convex combination of the codes'
            features, which keeps the composed map inside what the generator has seen.
    """

    num_codes: int = 20
    layer: int = 8
    weights: str = "free"

    def __post_init__(self):
        if self.num_codes < 1:
            raise ValueError(f"`num_codes` must be 1 or more, got {self.num_codes}")
        if self.weights not in WEIGHTS:
            raise ValueError(f"`weights` must be one of {WEIGHTS}, got {self.weights!r}")

    def init(self, generator, key: Array) -> dict[str, Array]:
        """Latents of one image at the start: {"z": [N, d] from N(0, 1), "alpha": [N, c]}."""
        z = jax.random.normal(key, (self.num_codes, generator.latent_dim))
        start = 1.0 / self.num_codes if self.weights == "free" else 0.0
        return {"z": z, "alpha": jnp.full((self.num_codes, generator.channels), start)}

    def compose(self, features: Array, alpha: Array) -> Array:
        """Features of the codes [N, h, w, c] and weights [N, c] -> one map [h, w, c]."""
        if self.weights == "softmax":
            return jnp.einsum("nhwc,nc->hwc", features, jax.nn.softmax(alpha, axis=0))
        # Divided by N in addition to alpha = 1/N: mGANprior's own numerics, which its learning rates rely on.
        return jnp.einsum("nhwc,nc->hwc", features, alpha) / self.num_codes

    def synthesize(self, generator, latents: dict[str, Array]) -> Array:
        """The image [r, r, 3] of one set of latents."""
        features = generator.head(latents["z"]).astype(jnp.float32)
        return generator.tail(self.compose(features, latents["alpha"])[None])[0]
