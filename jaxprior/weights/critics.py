"""The critic that was trained beside a generator, kept with frozen parameters."""

from dataclasses import dataclass
from typing import Any

import jax

from jaxprior.nn.pooling import upsample
from jaxprior.pytrees import shape_text, static, summary


Array = jax.Array


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True, repr=False)
class Critic:
    """A trained critic with frozen parameters.

    Fields:
        module: the network; params: its parameters.
    """

    module: Any = static()
    params: Any

    def __call__(self, images: Array) -> Array:
        """Scores [b] of images [b, h, w, c] in [-1, 1]; a higher one is more real.

        Each image is scored by itself, without statistics of a batch.
        """
        return jax.vmap(lambda image: self.module.apply({"params": self.params}, image[None])[0])(images)

    def features(self, images: Array) -> tuple[Array, ...]:
        """Feature maps of images, finest first, each image by itself: a perceptual embedding.

        Arguments:
            images: [b, h, w, c] in [-1, 1]; smaller ones are enlarged to the nearest pixel first, by a whole factor.

        Raises:
            ValueError: the sides of the critic's images are no multiple of theirs.
        """
        (height, width), (h, w) = self.module.image_shape[:2], images.shape[1:3]
        factor = max(height // h, 1)
        if (h * factor, w * factor) != (height, width):
            raise ValueError(
                f"this critic compares images of {height}x{width} pixels, or of a whole part of both, got {(h, w)}"
            )
        images = upsample(images, factor)
        return self.module.apply({"params": self.params}, images, method="features")

    def __repr__(self) -> str:
        return summary(self, shape_text(self.module.image_shape), self.params)
