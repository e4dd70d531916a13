"""Forward operators A: what happened to the photo, `y = A(x)`. A task IS a forward operator.

Restoring looks for a generated image x whose A(x) explains the observation y, so an operator is a function
that can be differentiated, jitted and vmapped. Images are float32 in [-1, 1]; masks are 1 where pixels are
missing.

Writing one: subclass `Operator`, decorate it with `@jax.tree_util.register_dataclass` and
`@dataclasses.dataclass(frozen=True)`, declare each array with `per_image(ndim=...)`, and write `apply` for
ONE image:

    @jax.tree_util.register_dataclass
    @dataclasses.dataclass(frozen=True)
    class Exposure(Operator):
        gain: jax.Array = per_image(ndim=0)      # () for all images or [b], one for each
        name = "exposure"

        def apply(self, x):
            return self.gain * x

Arrays are leaves of the pytree: one array for all images, or with a leading axis b, one for each; `batched`
makes the latter of the former for `jax.vmap(..., in_axes=0)`. All other fields are static.
"""

import abc
import dataclasses
from typing import ClassVar, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Shaped


AnyOperator = TypeVar("AnyOperator", bound="Operator")
Image = Float[Array | np.ndarray, "h w c"]
Images = Float[Array | np.ndarray, "b h w c"]


def per_image(*, ndim: int):
    """Declare an operator's array field: `ndim` axes if all images share it, one more if each has its own.

    Example:
        >>> kernel: jax.Array = per_image(ndim=2)    # [k, k] or [b, k, k]
    """
    return dataclasses.field(metadata={"ndim": ndim})


class Operator(abc.ABC):
    """A degradation of one image, `apply`, and what follows from it for a batch.

    `name` stands in reports. `linear` says that A(s x + t y) = s A(x) + t A(y), which the tests check.
    """

    name: ClassVar[str]
    linear: ClassVar[bool] = True

    @abc.abstractmethod
    def apply(self, x: Image) -> Array:
        """Degrade one image.

        Arguments:
            x: `[h, w, c]` in [-1, 1].

        Returns:
            the observation; its shape may differ from the image's.
        """

    def observe(self, photos: Images, *, key: Array | None = None) -> Array:
        """Degrade a batch of clean photos, as an evaluation does.

        Arguments:
            photos: `[b, h, w, c]` in [-1, 1].
            key: random keys `[b]`, one an image, for operators that add noise; the others need none.

        Returns:
            observations, leading axis b.

        Raises:
            `ValueError` if the operator's arrays do not fit the photos.

        Example:
            >>> Inpaint(jnp.ones((64, 64))).observe(jnp.ones((2, 64, 64, 3))).max()
            Array(0., dtype=float32)
        """
        return jax.vmap(type(self).apply)(batched(self, len(photos)), jnp.asarray(photos))

    def compared(self, observed: Array) -> Array:
        """The part of one observation that A(x) is compared with; all of it, unless an operator knows better.

        Arguments:
            observed: the observation of one image.

        Returns:
            the same shape.
        """
        return observed

    def merge(self, observed: Array, restored: Image) -> Array:
        """Put what is known for certain back into one restored image; by default nothing is.

        Arguments:
            observed: the observation of one image.
            restored: `[h, w, c]` in [-1, 1], the generator's output.

        Returns:
            `[h, w, c]`.
        """
        return restored


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Identity(Operator):
    """A(x) = x: plain reconstruction of a photo by the prior.

    Example:
        >>> Identity().apply(jnp.ones((64, 64, 3))).shape
        (64, 64, 3)
    """

    name = "reconstruct"

    def apply(self, x: Image) -> Array:
        """Return the image itself."""
        return jnp.asarray(x)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Inpaint(Operator):
    """A(x) = x * (1 - mask): missing pixels become 0, mid-grey in [-1, 1] (mGANprior's operator).

    Arguments:
        mask: `[h, w]` for all images or `[b, h, w]`, 1 = missing, 0 = known.

    Raises:
        `ValueError` for a NumPy mask of another rank or with values outside [0, 1].

    Example:
        >>> hole = jnp.zeros((64, 64)).at[16:48, 16:48].set(1)
        >>> float(Inpaint(hole).apply(jnp.ones((64, 64, 3))).mean())
        0.75
    """

    mask: Shaped[Array | np.ndarray, "*_b _h _w"] = per_image(ndim=2)

    name = "inpaint"

    def __post_init__(self):
        # Values are looked at only in NumPy arrays: a JAX array may be traced, or not computed yet.
        if isinstance(self.mask, np.ndarray):
            if self.mask.ndim not in (2, 3):
                raise ValueError(f"Inpaint: expected a mask [h, w] or [b, h, w], got {self.mask.shape}.")
            if self.mask.size and not (self.mask.min() >= 0 and self.mask.max() <= 1):
                raise ValueError(
                    "Inpaint: expected a mask of 0 (known) and 1 (missing), got values from "
                    f"{self.mask.min()} to {self.mask.max()}."
                )

    def apply(self, x: Image) -> Array:
        """Blank the missing pixels of one image `[h, w, c]`."""
        return x * (1 - self._over(x))

    def compared(self, observed: Array) -> Array:
        """Blank what an observation shows at missing pixels, whatever it is: A(x) is 0 there."""
        return jnp.where(self._over(observed) > 0.5, 0.0, observed)

    def merge(self, observed: Array, restored: Image) -> Array:
        """Keep the known pixels exactly as observed and take the missing ones from the restored image."""
        return jnp.where(self._over(restored) > 0.5, restored, observed)

    def _over(self, x: Image) -> Array:
        if x.ndim != 3 or self.mask.shape != x.shape[:2]:
            raise ValueError(
                "Inpaint: expected a mask [h, w] and an image [h, w, c] of one size, got "
                f"{tuple(self.mask.shape)} and {tuple(x.shape)}; `parse_mask(path).draw(size)` resizes a "
                "mask, `observe` takes batches."
            )
        return jnp.asarray(self.mask, x.dtype)[..., None]


def batched(operator: AnyOperator, b: int) -> AnyOperator:
    """Give every image its own copy of the arrays that all images share.

    Arguments:
        operator: arrays shared or per image.
        b: number of images.

    Returns:
        the operator with a leading axis b on every array, for `jax.vmap(..., in_axes=0)`.

    Raises:
        `ValueError` if an array has another number of axes, or of images.

    Example:
        >>> batched(Inpaint(jnp.zeros((64, 64))), 8).mask.shape
        (8, 64, 64)
    """

    def expand(array: Array, ndim: int, field: str) -> Array:
        if array.ndim == ndim:
            return jnp.broadcast_to(array, (b, *array.shape))
        if array.ndim == ndim + 1 and array.shape[0] == b:
            return jnp.asarray(array)
        raise ValueError(
            f"{type(operator).__name__}: `{field}` has shape {tuple(array.shape)}; expected {ndim} axes for "
            f"all images, or {ndim + 1} of which the first is the number of images, {b}."
        )

    return _map_arrays(expand, operator)


def take(operator: AnyOperator, indices: Array | np.ndarray) -> AnyOperator:
    """Select the operator of some images of a batch; what all images share stays as it is.

    Arguments:
        operator: arrays shared or per image.
        indices: integers `[n]`; an image may come twice.

    Returns:
        the operator of those n images.

    Example:
        >>> take(Inpaint(jnp.zeros((8, 64, 64))), jnp.array([0, 5])).mask.shape
        (2, 64, 64)
    """
    return _map_arrays(lambda array, ndim, field: array if array.ndim == ndim else array[indices], operator)


def _map_arrays(function, operator: AnyOperator) -> AnyOperator:
    """Apply `function(array, ndim, field name)` to every declared array, also of inner operators."""
    changed = {}
    for field in dataclasses.fields(operator):
        value = getattr(operator, field.name)
        if "ndim" in field.metadata:
            changed[field.name] = function(value, field.metadata["ndim"], field.name)
        elif isinstance(value, Operator):
            changed[field.name] = _map_arrays(function, value)
        elif isinstance(value, tuple) and any(isinstance(item, Operator) for item in value):
            changed[field.name] = tuple(_map_arrays(function, item) for item in value)
    return dataclasses.replace(operator, **changed)
