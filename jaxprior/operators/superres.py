"""Find a large picture of the prior that shrinks to each small one.

The operator is `SuperResolve`.
"""

import dataclasses
import functools
from typing import Literal, get_args

import numpy as np

from jaxprior.errors import ArgumentError
from jaxprior.lazy_jax import Array, jnp, register_dataclass
from jaxprior.nn.elementwise import widen
from jaxprior.nn.resampling import BOX, LINEAR, axis_weights, cell_centres, cubic, resample
from jaxprior.operators._base import Image, Operator, as_image
from jaxprior.settings import setting


Kernel = Literal["bilinear", "bicubic", "box", "antialiased"]
KERNELS = get_args(Kernel)
WEIGHTS = {"bilinear": LINEAR, "bicubic": cubic(-0.75), "box": BOX, "antialiased": cubic(-0.5)}
STRETCHED = ("box", "antialiased")
"""Kernels that are as much wider as the picture becomes smaller."""

TEXT = """\
Pictures given are small: with a prior of 64 pixels and a factor of 4 their short side is 16 pixels, and the centre
square is enlarged. A picture of another size is a failed row that says which factor suits it. With `--clean` they are
originals, shrunk first, and the report compares.

With `--restorer` a network that answers at once takes a prior's place. It enlarges whole pictures of any size by its
own factor. With `--clean` originals are shrunk by antialiased bicubic interpolation, unless `--kernel` says otherwise.

```
jaxprior superres thumbnails/ --factor 4 -o runs/large
jaxprior superres cats.zip --factor 8 --kernel box --clean --limit 64 -o runs/superres
jaxprior superres photos/ --restorer runs/srgan -o runs/large
```

Read more in docs/enlarge.md.
"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class SuperResolveSettings:
    """What can be set of the task: the arguments of `SuperResolve`."""

    factor: int = setting(4, "How many times larger, 2 to 16.", metavar="N", least=2)
    kernel: Kernel = setting(
        "bilinear", "How the small picture came about: interpolation, box averages, or antialiased bicubic shrinking."
    )


@register_dataclass
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
            "antialiased": bicubic (a = -0.5), the kernel widened by the factor, as Pillow shrinks pictures, and MATLAB
            but for the border. So the small pictures of papers on super-resolution come about.

    Raises:
        `ArgumentError` for another factor or kernel, and in `apply` for sizes that the factor does not divide.

    Example:
        >>> SuperResolve(4).apply(jnp.ones((64, 64, 3))).shape
        (16, 16, 3)
    """

    factor: int = dataclasses.field(default=4, metadata={"static": True})
    kernel: str = dataclasses.field(default="bilinear", metadata={"static": True})

    name = "superres"
    observes_pictures = True
    settings = SuperResolveSettings
    text = TEXT

    def __post_init__(self):
        whole = isinstance(self.factor, int | np.integer) and not isinstance(self.factor, bool)
        if not whole or not 2 <= self.factor <= 16:
            raise ArgumentError(f"SuperResolve: expected a whole factor from 2 to 16, got {self.factor!r}.")
        if not isinstance(self.kernel, str) or self.kernel not in KERNELS:
            raise ArgumentError(f"SuperResolve: expected one of the kernels {', '.join(KERNELS)}, got {self.kernel!r}.")

    @property
    def label(self) -> str:
        """E.g. "superres x4 bilinear"."""
        return f"{self.name} x{self.factor} {self.kernel}"

    def apply(self, x: Image) -> Array:
        """Shrink one image `[h, w, c]`."""
        x = as_image(x)
        h, w = x.shape[:2]
        if h % self.factor or w % self.factor:
            raise ArgumentError(
                f"SuperResolve: the factor {self.factor} does not divide an image of {h} x {w} pixels; choose "
                "another factor, or fit the picture to another size first."
            )
        rows, columns = (_weights(n, self.factor, self.kernel) for n in (h, w))
        return jnp.asarray(resample(widen(x), rows, columns)).astype(x.dtype)


@functools.lru_cache(maxsize=64)
def _weights(size: int, factor: int, kernel: str) -> np.ndarray:
    """The matrix of one axis, `[size / factor, size]`. What is stretched covers the whole cell, or more."""
    centres, stretch = cell_centres(size // factor, factor), 1 / factor if kernel in STRETCHED else 1.0
    border = "omit" if kernel == "antialiased" else "repeat"
    return axis_weights(centres, size, kernel=WEIGHTS[kernel], stretch=stretch, border=border)


OPERATOR = SuperResolve
