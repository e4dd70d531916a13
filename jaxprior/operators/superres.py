"""Find a large picture of the prior that shrinks to each small one.

The operator is `SuperResolve`.
"""

import dataclasses
import functools
from typing import Literal, get_args

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from jaxprior.operators._base import Image, Operator
from jaxprior.settings import setting


Kernel = Literal["bilinear", "bicubic", "box"]
KERNELS = get_args(Kernel)
CUBIC = -0.75
"""The free parameter a of Keys' cubic convolution kernel; PyTorch and OpenCV use this value, Pillow -0.5."""

TEXT = """\
Pictures given are small: with a prior of 64 pixels and a factor of 4 they are fitted to 16x16. With `--clean` they
are originals, shrunk first, and the report compares.

```
jaxprior superres thumbnails/ --factor 4 -o runs/large
jaxprior superres cats.zip --factor 8 --kernel box --clean --limit 64 -o runs/superres
```
"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class SuperResolveSettings:
    """What can be set of the task: the arguments of `SuperResolve`."""

    factor: int = setting(4, "How many times larger, 2 to 16.", metavar="N", least=2)
    kernel: Kernel = setting("bilinear", "How the small picture came about: interpolation, or box averages.")


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class SuperResolve(Operator):
    """A(x) = x made smaller by a whole factor, `[h, w, c]` -> `[h / factor, w / factor, c]`.

    Arguments:
        factor: 2 ... 16; it must divide height and width.
        kernel: "bilinear": interpolation at the centre of each cell of factor x factor pixels WITHOUT antialiasing,
            as mGANprior's public code (torch's `interpolate(scale_factor=1 / factor, mode="bilinear",
            align_corners=False)`): at an even factor the mean of the cell's 2 x 2 centre pixels, at an odd one the
            centre pixel; the other pixels of a cell do not count.
            "bicubic": the same with torch's bicubic kernel (a = -0.75, no antialiasing, edges repeated).
            "box": the mean of the whole cell (torch's "area"), as a camera with larger pixels sees it.

    Raises:
        `ValueError` for another factor or kernel, and in `apply` for sizes that the factor does not divide.

    Example:
        >>> SuperResolve(4).apply(jnp.ones((64, 64, 3))).shape
        (16, 16, 3)
    """

    factor: int = dataclasses.field(default=4, metadata={"static": True})
    kernel: str = dataclasses.field(default="bilinear", metadata={"static": True})

    name = "superres"
    settings = SuperResolveSettings
    text = TEXT

    def __post_init__(self):
        if not isinstance(self.factor, int | np.integer) or not 2 <= self.factor <= 16:
            raise ValueError(f"SuperResolve: expected a whole factor from 2 to 16, got {self.factor!r}.")
        if self.kernel not in KERNELS:
            raise ValueError(f"SuperResolve: expected one of the kernels {', '.join(KERNELS)}, got {self.kernel!r}.")

    @property
    def label(self) -> str:
        """E.g. "superres x4 bilinear"."""
        return f"{self.name} x{self.factor} {self.kernel}"

    def apply(self, x: Image) -> Array:
        """Shrink one image `[h, w, c]`."""
        x = jnp.asarray(x)
        h, w = x.shape[:2]
        if h % self.factor or w % self.factor:
            raise ValueError(
                f"SuperResolve: the factor {self.factor} does not divide an image of {h} x {w} pixels; choose "
                "another factor, or fit the picture to another size first."
            )
        # "highest": numbers do not depend on the device's default precision of matrix products.
        dtype = jnp.promote_types(x.dtype, jnp.float32)
        rows, columns = (jnp.asarray(_matrix(n, self.factor, self.kernel), dtype) for n in (h, w))
        y = jnp.einsum("ih,hwc->iwc", rows, x.astype(dtype), precision="highest")
        y = jnp.einsum("jw,iwc->ijc", columns, y, precision="highest")
        return y.astype(x.dtype)


@functools.lru_cache(maxsize=64)
def _matrix(size: int, factor: int, kernel: str) -> np.ndarray:
    """Weights `[size / factor, size]` of one axis; every row sums to 1."""
    matrix = np.zeros((size // factor, size))
    out = np.arange(size // factor)
    if kernel == "box":
        taps = [(out * factor + k, np.full(len(out), 1 / factor)) for k in range(factor)]
    else:
        centre = out * factor + (factor - 1) / 2
        first = np.floor(centre).astype(int)
        weight, offsets = (_linear, (0, 1)) if kernel == "bilinear" else (_cubic, (-1, 0, 1, 2))
        taps = [(first + k, weight(np.abs(centre - first - k))) for k in offsets]
    for index, value in taps:
        np.add.at(matrix, (out, np.clip(index, 0, size - 1)), value)
    return matrix


def _linear(t: np.ndarray) -> np.ndarray:
    return 1 - t


def _cubic(t: np.ndarray) -> np.ndarray:
    near = (CUBIC + 2) * t**3 - (CUBIC + 3) * t**2 + 1
    far = CUBIC * (t**3 - 5 * t**2 + 8 * t - 4)
    return np.where(t <= 1, near, far)


OPERATOR = SuperResolve
