"""Find a sharp picture of the prior that blurs to each one; the blur is known.

The operator is `Deblur`.
"""

import dataclasses
import math
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
from jaxtyping import Float

from jaxprior.checks import described
from jaxprior.data.arrays import load_kernel
from jaxprior.data.masks import MaskSpec
from jaxprior.errors import ArgumentError, RangeWarning, SettingsError
from jaxprior.lazy_jax import Array, jnp, register_dataclass
from jaxprior.operators._base import Image, Operator, as_image, per_image
from jaxprior.settings import PLAIN, Names, setting, spelled


TEXT = """\
Pictures given are blurred. With `--clean` they are originals, blurred first, and the report compares.

```
jaxprior deblur blurred/ --blur 1.5 -o runs/sharp
jaxprior deblur cats.zip --kernel motion.png --clean --limit 64 -o runs/motion
```

Read more in docs/denoise-deblur.md.
"""


TOLERANCE = 0.01
"""By which the sum of a kernel may differ from 1 without a warning."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class DeblurSettings:
    """What can be set of the task: the blur, in one of two ways."""

    blur: float | None = setting(None, "Gaussian blur of so many pixels (sigma).", metavar="SIGMA")
    kernel: str | None = setting(
        None, "Blur kernel instead: .npy [k, k], or a picture whose grey is scaled to sum 1; k odd.", metavar="FILE"
    )


@register_dataclass
@dataclasses.dataclass(frozen=True)
class Deblur(Operator):
    """A(x) = x convolved with a known kernel, every channel alike; the image's size stays.

    At the border the image is mirrored with its edge pixel repeated (NumPy's "symmetric", SciPy's "reflect", the
    default of `scipy.ndimage`). The convolution is a product of Fourier transforms: its cost hardly depends on the
    kernel's size, and per-image kernels under `vmap` stay cheap, where a direct convolution would become a grouped one.

    Arguments:
        kernel: point-spread function, `[k, k]` for all images or `[b, k, k]`, k odd, its centre in the middle. It is a
            convolution: a bright point becomes a picture of the kernel, not turned round. Brightness stays if the
            kernel sums to 1; a NumPy kernel that does not gives a `RangeWarning`.

    Raises:
        `ArgumentError` for a NumPy kernel of another shape or with values that are not finite, and in `apply` for
        another shape.

    Example:
        >>> Deblur.gaussian(1.5).apply(jnp.ones((64, 64, 3))).shape
        (64, 64, 3)
    """

    kernel: Float[Array | np.ndarray, "*_b _k _k"] = per_image(ndim=2)

    name = "deblur"
    observes_pictures = True
    settings = DeblurSettings
    text = TEXT

    @classmethod
    def from_settings(
        cls, given: Mapping[str, Any], shape: tuple[int, ...], *, names: Names = PLAIN
    ) -> tuple[Operator, MaskSpec | None]:
        """Make the operator of a Gaussian or of a kernel's file; it must be one of the two."""
        if len(given) != 1:
            either = f"{spelled('blur', names)} or {spelled('kernel', names)}"
            raise SettingsError(f"The blur must be known: give {either}, one of the two.")
        if "kernel" in given:
            return cls(load_kernel(given["kernel"])), None
        if given["blur"] > (side := max(shape[:-1])):
            blur = spelled("blur", names)
            raise SettingsError(f"{blur}: expected up to {side}, the side of the pictures, got {given['blur']:g}.")
        return cls.gaussian(given["blur"]), None

    def __post_init__(self):
        if isinstance(self.kernel, str | list | tuple | Path):
            raise ArgumentError(
                f"Deblur: `kernel` must be an array [k, k] or [b, k, k], got {described(self.kernel)}; "
                "`jp.evaluation.load_kernel` reads a file, and `jp.Deblur.gaussian(sigma)` makes a Gaussian."
            )
        if isinstance(self.kernel, np.ndarray):  # a JAX array may be traced, or stand for something else in a pytree
            _check_shape(self.kernel.shape, axes=(2, 3))
            if not np.isfinite(self.kernel).all():
                raise ArgumentError("Deblur: the kernel has values that are not finite.")
            if (np.abs(self.kernel.sum(axis=(-2, -1)) - 1) > TOLERANCE).any():
                warnings.warn(
                    "Deblur: the kernel does not sum to 1, so that it changes the brightness of pictures as well; "
                    "`kernel / kernel.sum()` keeps it.",
                    RangeWarning,
                    stacklevel=3,
                )

    @classmethod
    def gaussian(cls, sigma: float, size: int | None = None) -> "Deblur":
        """Blur by a Gaussian, sampled at the pixels and normalised to sum 1.

        Arguments:
            sigma: standard deviation in pixels.
            size: k, odd; by default 2 ceil(3 sigma) + 1, which leaves out less than 0.3 % an axis.

        Returns:
            the operator, its kernel a float32 NumPy array `[k, k]`.

        Raises:
            `ArgumentError` for a sigma that is not positive or a size that is not odd.
        """
        if not isinstance(sigma, int | float | np.number) or not 0 < sigma < math.inf:
            raise ArgumentError(f"Deblur: `sigma` must be positive and finite, got {described(sigma)}.")
        size = 2 * math.ceil(3 * sigma) + 1 if size is None else size
        if not isinstance(size, int | np.integer) or size < 1 or size % 2 != 1:
            raise ArgumentError(f"Deblur: the kernel's `size` must be odd and positive, got {described(size)}.")
        line = np.exp(-0.5 * ((np.arange(size) - size // 2) / sigma) ** 2)
        line /= line.sum()
        return cls(np.outer(line, line).astype(np.float32))

    @property
    def label(self) -> str:
        """E.g. "deblur 9x9"."""
        return f"{self.name} {self.kernel.shape[-2]}x{self.kernel.shape[-1]}"

    def apply(self, x: Image) -> Array:
        """Blur one image `[h, w, c]`."""
        x = as_image(x)
        _check_shape(np.shape(self.kernel), axes=(2,))
        h, w, k = *x.shape[:2], self.kernel.shape[0]
        dtype = jnp.promote_types(x.dtype, jnp.float32)
        # The mirrored image has h + k - 1 rows; rows k - 1 and up of its circular convolution are free of wrap-around.
        wide = jnp.pad(x.astype(dtype), ((k // 2, k // 2), (k // 2, k // 2), (0, 0)), mode="symmetric")
        size = _fast_length(h + k - 1), _fast_length(w + k - 1)
        product = jnp.fft.rfft2(wide, s=size, axes=(0, 1)) * self._transfer(size, dtype)[..., None]
        blurred = jnp.fft.irfft2(product, s=size, axes=(0, 1))
        return blurred[k - 1 : k - 1 + h, k - 1 : k - 1 + w].astype(x.dtype)

    def simulate(self, x: Image) -> Array:
        """The image itself: the Generative Encoder leaves it to its encoder to see through a blur."""
        return as_image(x)

    def _transfer(self, size: tuple[int, int], dtype) -> Array:
        return jnp.fft.rfft2(jnp.asarray(self.kernel, dtype), s=size)


def _fast_length(least: int) -> int:
    """The next length whose only prime factors are 2, 3 and 5: it transforms fast everywhere."""
    from scipy.fft import next_fast_len  # takes long to import

    return cast(int, next_fast_len(least, real=True))  # a compiled function, of which no type is known


def _check_shape(shape: tuple[int, ...], *, axes: tuple[int, ...]) -> None:
    if len(shape) not in axes or shape[-1] != shape[-2] or shape[-1] % 2 != 1:
        expected = "[k, k] or [b, k, k]" if 3 in axes else "[k, k]"
        raise ArgumentError(f"Deblur: expected a kernel {expected}, k odd, got {tuple(shape)}.")


OPERATOR = Deblur
