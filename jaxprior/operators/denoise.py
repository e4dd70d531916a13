"""Find the picture of the prior that lies under each one's noise.

The operator is `Denoise`.
"""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Shaped

from jaxprior.checks import described, is_array
from jaxprior.data.mask_words import INVERT_TEXT, MASK_TEXT, MEANS_TEXT, MaskMeans
from jaxprior.data.volume_masks import AnyMask
from jaxprior.errors import ArgumentError
from jaxprior.lazy_jax import Array, jax, jnp
from jaxprior.operators._base import (
    Image,
    Images,
    Operator,
    as_image,
    batched,
    of_volumes,
    per_image,
    require_batch,
    require_keys,
)
from jaxprior.operators._masking import checked_mask, mask_of, mask_over, register_checked
from jaxprior.settings import PLAIN, Names, setting


TEXT = """\
Pictures given are noisy. With `--mask` only the pixels under it are: these are not looked at, and the others are
kept. With `--clean` the pictures are originals: noise is added first, and the report compares.

```
jaxprior denoise noisy/ -o runs/denoised
jaxprior denoise cats.zip --sigma 0.3 --clean --limit 64 -o runs/denoise
jaxprior denoise cats.zip --mask pixels:0.5 --clean -o runs/sparse
```

Read more in docs/denoise-deblur.md.
"""


LARGEST_SIGMA = 2.0
"""The range of a picture, from black to white."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class DenoiseSettings:
    """What can be set of the task: the noise, and a mask of the noisy pixels for every picture."""

    sigma: float = setting(0.2, "Noise that --clean adds: standard deviation for pictures in [-1, 1].", metavar="X")
    mask: str | None = setting(None, f"Only there: {MASK_TEXT.format(white='noisy')}", metavar="SPEC|FILE|DIR")
    mask_means: MaskMeans | None = setting(None, MEANS_TEXT)
    invert_mask: bool = setting(False, INVERT_TEXT, option="--invert-mask")


@register_checked
@dataclasses.dataclass(frozen=True)
class Denoise(Operator):
    """The photo plus Gaussian noise; A(x), what the noise averages to, is x itself.

    With a mask, only the pixels under it are noisy. They then say little and are not compared (A(x) is 0 there, as in
    `Inpaint`), while the clean ones are kept: denoising as inpainting with a known mask.

    Arguments:
        sigma: standard deviation of the noise that `observe` adds, for images in [-1, 1]: 0.2 is 25.5 grey levels of
            255. Restoring does not depend on it.
        mask: None, or `[h, w]` for all images or `[b, h, w]`, 1 (or true) = noisy, 0 = clean. It is kept as float32.
        volumes: images are volumes, and a mask is `[d, h, w]` or `[b, d, h, w]`.

    Raises:
        `ValueError` for a sigma that is not positive or above 2, and for a mask with another number of axes, values
        other than 0 and 1, or 1 everywhere.

    Example:
        >>> keys = jax.random.split(jax.random.key(0), 2)
        >>> Denoise(0.2).observe(jnp.zeros((2, 64, 64, 3)), key=keys).shape
        (2, 64, 64, 3)
    """

    sigma: float = dataclasses.field(default=0.2, metadata={"static": True})
    mask: Shaped[Array | np.ndarray, "*_b _h _w"] | None = per_image(
        ndim=2, optional=True, of_space=True
    )
    volumes: bool = of_volumes()

    name = "denoise"
    observes_pictures = True
    takes_volumes = True
    settings = DenoiseSettings
    text = TEXT

    @classmethod
    def from_settings(
        cls, given: Mapping[str, Any], shape: tuple[int, ...], *, names: Names = PLAIN
    ) -> tuple[Operator, AnyMask | None]:
        """Make the operator without a mask, and the specification of the mask that every picture gets, if any."""
        own = {name: value for name, value in given.items() if name == "sigma"}
        return cls(**own, volumes=len(shape) == 4), mask_of(given, names, shape=shape)

    def __post_init__(self):
        object.__setattr__(self, "sigma", _noise(self.sigma))  # static fields are hashed: no arrays
        mask = checked_mask(
            "Denoise", self.mask, known="clean", unknown="noisy", volumes=self.volumes
        )
        object.__setattr__(self, "mask", mask)

    @property
    def label(self) -> str:
        """E.g. "denoise 0.2" or "denoise 0.2 masked"."""
        return f"{self.name} {self.sigma:g}" + (" masked" if self.mask is not None else "")

    def apply(self, x: Image) -> Array:
        """One image `[h, w, c]` without noise; 0 at noisy pixels if they are known."""
        return self.compared(as_image(x))

    def observe(self, photos: Images, *, key: Array | None = None) -> Array:
        """Add noise to a batch of clean photos; the sum is not clipped to [-1, 1].

        Arguments:
            photos: `[b, h, w, c]` in [-1, 1].
            key: random keys `[b]`, one an image.

        Returns:
            `[b, h, w, c]`.

        Raises:
            `ValueError` without keys, for another number of them, and for a mask that does not fit.
        """
        photos = jnp.asarray(require_batch(photos))
        keys = require_keys("Denoise", key, len(photos))
        return jax.vmap(type(self)._add_noise)(batched(self, len(photos)), photos, keys)

    def compared(self, observed: Array) -> Array:
        """Blank the noisy pixels, if they are known; else compare everything."""
        return observed if self.mask is None else jnp.where(self._noisy(observed), 0.0, observed)

    def shown(self, observed: Array) -> Array:
        """The observation with its noise, which is not compared where it is known, but worth seeing."""
        return observed

    def seen(self, compared: Array, shape: tuple[int, ...]) -> tuple[Array, Array]:
        """The noisy picture; or, where it is known which pixels are noisy, the clean ones, and which these are."""
        if self.mask is None:
            return super().seen(compared, shape)
        return compared, 1 - mask_over("Denoise", self.mask, compared)

    def merge(self, observed: Array, restored: Image) -> Array:
        """Keep the clean pixels exactly as observed, if they are known; else nothing is known for certain."""
        return jnp.asarray(restored) if self.mask is None else jnp.where(self._noisy(restored), restored, observed)

    def _add_noise(self, x: Array, key: Array) -> Array:
        noisy = x + self.sigma * jax.random.normal(key, x.shape, x.dtype)
        return noisy if self.mask is None else jnp.where(self._noisy(x), noisy, x)

    def _noisy(self, x: Image) -> Array:
        return mask_over("Denoise", self.mask, x) > 0.5


def _noise(sigma: Any) -> float:
    """The standard deviation of noise, which must make sense for pictures in [-1, 1]."""
    given = sigma.item() if is_array(sigma) and sigma.shape == () else sigma
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 < given < math.inf:
        text = f"{given:g}" if isinstance(given, int | float) else described(sigma)
        raise ArgumentError(f"Denoise: `sigma` must be positive and finite, got {text}.")
    if given > LARGEST_SIGMA:
        raise ArgumentError(
            f"Denoise: `sigma` is for pictures in [-1, 1], so at most {LARGEST_SIGMA:g}, got {given:g}; noise "
            f"of {given:g} levels of 255 is sigma={given / 127.5:.3g}."
        )
    return float(given)


OPERATOR = Denoise
