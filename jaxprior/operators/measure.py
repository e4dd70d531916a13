"""Find the picture of the prior that explains a few random measurements of each one (compressed sensing).

The operator is `Measure`.
"""

import dataclasses
import functools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float

from jaxprior.checks import as_array, described, is_array, real_number, whole_number
from jaxprior.data.masks import MaskSpec
from jaxprior.errors import ArgumentError, SettingsError
from jaxprior.lazy_jax import Array, jax, jnp, register_dataclass
from jaxprior.operators._base import Image, Images, Operator, as_image, require_batch, require_keys, shared
from jaxprior.settings import MOST_SEED, PLAIN, Names, setting, spelled
from jaxprior.system.amounts import size
from jaxprior.system.host_memory import available_memory


TEXT = """\
Pictures given are originals, fitted to the prior's size. Each is measured first: every measurement is a sum of all its
pixels with random weights. Then the picture is found again from the measurements alone, and the report compares.
What the report shows as the input is M'y, the measurements put back on the pixels with the same weights, scaled to be
as near to the original as such a picture is on average; with few measurements it is little but noise.

```
jaxprior measure cats.zip --measurements 1000 --limit 64 -o runs/measured
jaxprior measure cats.zip --measurements 0.25 --sigma 0.1 -o runs/noisy
```

Read more in docs/inversion.md.
"""

ROOM = 2
"""A matrix is held twice while pictures are solved: on the host, and on the device."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class MeasureSettings:
    """What can be set of the task: how much is measured, by which weights, and how exactly."""

    measurements: float = setting(
        0.1,
        "Measurements of each picture: how many, or below 1 a share of the picture's numbers (pixels times channels).",
        metavar="N|SHARE",
        least=0.0,
    )
    sigma: float = setting(
        0.0, "Standard deviation of noise that is added to every measurement.", metavar="X", least=0.0
    )
    matrix_seed: int = setting(0, "Seed of the random weights.", metavar="S", least=0, most=MOST_SEED)


@register_dataclass
@dataclasses.dataclass(frozen=True)
class Measure(Operator):
    """A(x) = M x: every measurement is a weighted sum of all numbers of the picture (seed 004, section 2.1).

    With a random Gaussian matrix this is compressed sensing (Candes, Romberg and Tao 2006; with a generator as the
    prior, Bora et al., ICML 2017). All pictures are measured by ONE matrix, of which there is one copy however many
    pictures are solved at once.

    Arguments:
        matrix: M, float32 `[m, n]` for pictures of n = h w c numbers.
        shape: of the pictures, (h, w, c).
        sigma: standard deviation of the noise that `observe` adds to every measurement; restoring does not depend on
            it. With entries from N(0, 1 / m), as `gaussian` draws them, |M x| is |x| on average, so that a measurement
            of a picture of root mean square r is about r sqrt(n / m).

    Raises:
        ArgumentError: the matrix and the shape do not belong together, sigma is negative; and in `apply` a picture of
            another shape.

    Example:
        >>> task = Measure.gaussian(1000, (64, 64, 3))
        >>> task.apply(jnp.ones((64, 64, 3))).shape
        (1000,)
    """

    matrix: Float[Array | np.ndarray, "m n"] = shared()
    shape: tuple[int, ...] = dataclasses.field(default=(), metadata={"static": True})
    sigma: float = dataclasses.field(default=0.0, metadata={"static": True})

    name = "measure"
    observes_numbers = True
    settings = MeasureSettings
    text = TEXT

    @classmethod
    def from_settings(
        cls, given: Mapping[str, Any], shape: tuple[int, ...], *, names: Names = PLAIN
    ) -> tuple[Operator, MaskSpec | None]:
        """Make the operator with a Gaussian matrix for pictures of this shape."""
        values = {name: given.get(name, getattr(MeasureSettings, name)) for name in ("sigma", "matrix_seed")}
        asked, whole = given.get("measurements", MeasureSettings.measurements), math.prod(shape)
        called = spelled("measurements", names)
        if not 0 < asked < math.inf or asked >= 1 and asked != int(asked):
            expected = "a whole number from 1 on, or a share between 0 and 1"
            raise SettingsError(f"{called}: expected {expected}, got {asked:g}.")
        if asked > whole:
            raise SettingsError(
                f"{called}: a picture of {_product(shape)} has {whole} numbers, so expected up to {whole}, got "
                f"{asked:g}."
            )
        count = int(asked) if asked >= 1 else max(round(asked * whole), 1)
        return cls.gaussian(count, shape, seed=values["matrix_seed"], sigma=values["sigma"]), None

    @classmethod
    def gaussian(cls, measurements: int, shape: tuple[int, ...], *, seed: int = 0, sigma: float = 0.0) -> "Measure":
        """Measure by a random matrix, its entries drawn from N(0, 1 / m) by `numpy.random.default_rng(seed)`.

        Arguments:
            measurements: m, at most as many as a picture has numbers.
            shape: of the pictures, (h, w, c).
            seed: of the matrix; 0 to 2^32 - 1.
            sigma: see the class.

        Raises:
            ArgumentError: another number, or a matrix that is too large for this machine's memory.
        """
        shape = _checked_shape(shape)
        n = math.prod(shape)
        whole_number("measurements", measurements, least=1, most=n)
        whole_number("seed", seed, least=0, most=MOST_SEED)
        bytes_, free = 4 * measurements * n, available_memory()
        if free is not None and ROOM * bytes_ > free:
            raise ArgumentError(
                f"The matrix of {measurements} measurements of pictures of {_product(shape)} takes {size(bytes_)}, and "
                f"{ROOM} copies of it do not fit into the {size(free)} of memory that are free: take fewer "
                "measurements, or a prior of smaller pictures."
            )
        return cls(_gaussian(measurements, n, seed), shape, sigma)

    def __post_init__(self):
        object.__setattr__(self, "sigma", real_number("sigma", self.sigma, least=0))
        object.__setattr__(self, "shape", _checked_shape(self.shape))
        if isinstance(self.matrix, list | tuple | str):
            raise ArgumentError(f"Measure: `matrix` must be an array [m, h w c], got {described(self.matrix)}.")
        if is_array(self.matrix) and self.matrix.ndim == 2 and self.matrix.shape[1] != math.prod(self.shape):
            raise ArgumentError(
                f"Measure: a matrix for pictures of {_product(self.shape)} has {math.prod(self.shape)} columns, got "
                f"{list(self.matrix.shape)}."
            )
        if isinstance(self.matrix, np.ndarray):  # a JAX array may be traced, or stand for something else in a pytree
            matrix = as_array("matrix", self.matrix)
            if matrix.ndim != 2 or not np.isfinite(matrix).all():
                raise ArgumentError(
                    f"Measure: `matrix` must be finite numbers [m, h w c], got {described(self.matrix)}."
                )

    @property
    def label(self) -> str:
        """E.g. "measure 1000" or "measure 1000 noise 0.1"."""
        return f"{self.name} {self.matrix.shape[0]}" + (f" noise {self.sigma:g}" if self.sigma else "")

    def apply(self, x: Image) -> Array:
        """Measure one image `[h, w, c]`: `[m]` numbers."""
        x = as_image(x)
        if tuple(x.shape) != self.shape:
            raise ArgumentError(
                f"Measure: the matrix is for pictures of {_product(self.shape)}, got an array {list(x.shape)}; "
                "`Measure.gaussian(measurements, shape)` makes one for them."
            )
        return jnp.matmul(jnp.asarray(self.matrix), x.reshape(-1), precision="highest")

    def observe(self, photos: Images, *, key: Array | None = None) -> Array:
        """Measure a batch of clean photos.

        Arguments:
            photos: `[b, h, w, c]` in [-1, 1].
            key: random keys `[b]`, one an image, where there is noise; else none are needed.

        Returns:
            `[b, m]`.

        Raises:
            ImageError: see `Operator.observe`. ValueError: there is noise, and there are no keys, or another number.
        """
        photos = jnp.asarray(require_batch(photos))
        measured = super().observe(photos)
        if not self.sigma:
            return measured
        keys = require_keys("Measure", key, len(photos))
        return measured + self.sigma * jax.vmap(lambda key, y: jax.random.normal(key, y.shape, y.dtype))(keys, measured)

    def shown(self, observed: Array) -> Array:
        """The measurements as a picture `[h, w, c]`: m / (m + n + 1) M'y.

        M'y is the photo on average over matrices, plus noise that is stronger than the photo where m < n. The factor
        makes its mean square distance from the photo least. It is not the picture of least norm that explains the
        measurements, which would take a solution of m equations, but for m much smaller than n nearly the same.
        """
        m, n = self.matrix.shape
        return m / (m + n + 1) * jnp.matmul(observed, jnp.asarray(self.matrix), precision="highest").reshape(self.shape)

    def seen(self, compared: Array, shape: tuple[int, ...]) -> tuple[Array, Array]:
        """What `shown` makes of the measurements; something is known of every pixel."""
        return self.shown(compared), jnp.ones((*shape[:-1], 1), compared.dtype)


@functools.lru_cache(maxsize=1)
def _gaussian(m: int, n: int, seed: int) -> np.ndarray:
    """A matrix float32 [m, n] of N(0, 1 / m), kept because a command makes its task twice."""
    matrix = np.random.default_rng(seed).standard_normal((m, n), np.float32)
    matrix *= np.float32(1 / math.sqrt(m))
    matrix.flags.writeable = False
    return matrix


def _checked_shape(shape: Any) -> tuple[int, ...]:
    """The shape of pictures, which must be some whole numbers."""
    sides = tuple(shape) if isinstance(shape, tuple | list) else ()
    if not sides or not all(isinstance(side, int | np.integer) and side > 0 for side in sides):
        raise ArgumentError(f"Measure: `shape` must be the shape of the pictures, (h, w, c), got {shape!r}.")
    return tuple(map(int, sides))


def _product(shape: tuple[int, ...]) -> str:
    """E.g. "64x64x3"."""
    return "x".join(map(str, shape))


OPERATOR = Measure
