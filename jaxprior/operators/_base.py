"""What every forward operator is: `Operator`, and arrays shared or per image."""

import abc
import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar

import numpy as np
from jaxtyping import Float

from jaxprior.checks import as_array, described, is_array, is_float, whole_number
from jaxprior.data.ranges import FARTHEST_OBSERVED, require_channels_last, require_pictures
from jaxprior.data.volume_masks import AnyMask
from jaxprior.errors import ArgumentError, ImageError
from jaxprior.lazy_jax import Array, jax, jnp
from jaxprior.settings import PLAIN, Names


AnyOperator = TypeVar("AnyOperator", bound="Operator")
Image = Float[Array | np.ndarray, "*space c"]
Images = Float[Array | np.ndarray, "b *space c"]


def per_image(*, ndim: int, optional: bool = False, of_space: bool = False) -> Any:
    """Declare an operator's array field: `ndim` axes if all images share it, one more if each has its own.

    Arguments:
        ndim: axes of one image's array.
        optional: the field may be None, and is by default.
        of_space: the array has an entry for each pixel, so that it has one axis more where images are volumes, which
            a field `volumes` of the operator says.

    Example:
        >>> kernel: jax.Array = per_image(ndim=2)    # [k, k] or [b, k, k]
    """
    default = None if optional else dataclasses.MISSING
    return dataclasses.field(default=default, metadata={"ndim": ndim, "of_space": of_space})


def of_volumes() -> Any:
    """Declare the field `volumes` of an operator with arrays that have an entry for each pixel: whether images are
    volumes, whose arrays have one axis more. `restore` and `invert` set it by the prior.
    """
    return dataclasses.field(default=False, metadata={"static": True, "added_later": True})


def shared() -> Any:
    """Declare an operator's array field that always serves all images: it is large, and no image gets a copy.

    `jax.vmap` takes the operator with `in_axes=image_axes(operator)`.

    Example:
        >>> matrix: jax.Array = shared()    # [m, n], for a batch too
    """
    return dataclasses.field(metadata={"shared": True})


@dataclasses.dataclass(frozen=True, kw_only=True)
class NoSettings:
    """The settings of an operator that has none."""


class Operator(abc.ABC):
    """A degradation of one image, `apply`, and what follows from it for a batch.

    Class attributes:
        name: the task's, in reports, recipes and on the command line.
        linear: whether A(s x + t y) = s A(x) + t A(y), which the tests check.
        degrades: whether an observation shows less than the original. Where it does not, the pictures that are given
            are always the originals.
        observes_pictures: whether an observation is a picture in [-1, 1], as the photo is, so that its range can be
            checked. Measurements of another kind are only checked to be finite.
        observes_numbers: whether an observation is no picture at all but a list of numbers, so that pictures which are
            given are always the originals. `shown` then makes a picture of an observation.
        fills_holes: whether the task has a field `mask`, and an observation shows the photo itself wherever that is 0.
            Then results are merged without a seam (see `jaxprior.restoration.merging`) instead of by `merge`.
        takes_volumes: whether `apply` takes volumes, [d, h, w, c], as it takes pictures.
        gives_colours: whether an observation lacks the colours of the photo alone, so that a photograph of any size
            can get them from squares of it.
        settings: a frozen dataclass of what people can set of the task, its fields declared by
            `jaxprior.settings.setting`. Recipes and the options of `jaxprior NAME` are read by it.
        text: help of `jaxprior NAME` after the first line, in Markdown: what the pictures are, and examples. The first
            line is that of the docstring of the operator's module.
    """

    name: ClassVar[str]
    linear: ClassVar[bool] = True
    degrades: ClassVar[bool] = True
    observes_pictures: ClassVar[bool] = False
    observes_numbers: ClassVar[bool] = False
    fills_holes: ClassVar[bool] = False
    gives_colours: ClassVar[bool] = False
    takes_volumes: ClassVar[bool] = False
    settings: ClassVar[type] = NoSettings
    text: ClassVar[str] = ""

    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]  # every operator is a dataclass

    @classmethod
    def from_settings(
        cls, given: Mapping[str, Any], shape: tuple[int, ...], *, names: Names = PLAIN
    ) -> "tuple[Operator, AnyMask | None]":
        """Make the operator of settings; by default they are the arguments of the class.

        Arguments:
            given: fields of `settings` that were given, of the right types.
            shape: of the images, (h, w, c), or (d, h, w, c) of volumes.
            names: how settings are spelled in messages.

        Returns:
            the operator, and the specification of the mask that every picture gets in place of the operator's own field
            `mask`, or None.

        Raises:
            SettingsError: settings that do not go together, or one that is missing.
            ValueError: a value that the operator refuses.
        """
        return cls(**given), None

    @property
    def label(self) -> str:
        """The name with what tells two operators of one kind apart, for titles: "superres x4 bilinear"."""
        return self.name

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
            ImageError: whole numbers, 0 to 255, values that are not finite, or one photo without the axis b.
            ValueError: the operator's arrays do not fit the photos, or it adds noise and has no keys.

        Example:
            >>> Inpaint(jnp.eye(64)).observe(jnp.ones((2, 64, 64, 3))).min()
            Array(0., dtype=float32)
        """
        photos = require_batch(photos)
        own = batched(self, len(photos))
        return jax.vmap(type(self).apply, (image_axes(own), 0))(own, jnp.asarray(photos))

    def compared(self, observed: Array) -> Array:
        """The part of one observation that A(x) is compared with; all of it, unless an operator knows better.

        Arguments:
            observed: the observation of one image.

        Returns:
            the same shape.
        """
        return observed

    def shown(self, observed: Array) -> Array:
        """One observation as a report shows it: by default what is compared of it.

        Arguments:
            observed: the observation of one image.

        Returns:
            the same shape, or a picture [h, w, c] of an observation that is none.
        """
        return self.compared(observed)

    def seen(self, compared: Array, shape: tuple[int, ...]) -> tuple[Array, Array]:
        """What one observation shows of the photo, in the photo's size: what an encoder looks at.

        By default this is the observation itself, enlarged where it is smaller, grey on all channels where it has one.

        Arguments:
            compared: what `compared` gives of an observation.
            shape: of the photo, (h, w, c).

        Returns:
            (picture, known): `[h, w, c]`, 0 where nothing is known; and `[h, w, 1]`, 1 where the picture shows
            something, 0 where it does not.

        Raises:
            ValueError: the observation is no picture; an operator of such observations has a `seen` of its own.
        """
        if compared.ndim != len(shape) or compared.shape[-1] not in (1, shape[-1]):
            raise ValueError(
                f"{self.label}: an encoder sees pictures of the shape {tuple(shape)}, and an observation of the shape "
                f"{tuple(compared.shape)} is none; begin with another start, or give the operator a method `seen`."
            )
        picture = jnp.broadcast_to(compared, (*compared.shape[:-1], shape[-1]))
        if picture.shape != tuple(shape):
            picture = jax.image.resize(picture, shape, "linear", antialias=False)
        return picture, jnp.ones((*shape[:-1], 1), picture.dtype)

    def simulate(self, x: Image) -> Array:
        """The degradation as it is repeated on generated images that are compared in the code of an autoencoder.

        This is S of the Generative Encoder (seed 004, equation 3 and section 3.2). Its encoder is trained to filter
        noise and blur, so that these are not repeated (S is the identity); masks and sizes are, and by default
        everything else.

        Arguments:
            x: `[h, w, c]` in [-1, 1].

        Returns:
            what `apply` returns, or the image itself where the encoder filters what happened.
        """
        return self.apply(x)

    def pictured(self, compared: Array, shape: tuple[int, ...]) -> Array:
        """One observation as a picture of the photo's size, which the encoder of an autoencoder looks at.

        A smaller picture is enlarged to the nearest pixel, as the Generative Encoder does it (seed 004, section 2.4);
        one channel is repeated; what is no picture becomes what `seen` makes of it.

        Arguments:
            compared: what `compared` gives of an observation, or `simulate` of a generated image.
            shape: of the photo, (h, w, c).

        Returns:
            `[h, w, c]`.

        Raises:
            ValueError: see `seen`.
        """
        sides = zip(compared.shape, shape, strict=False)
        whole = compared.ndim == len(shape) and all(large % small == 0 for small, large in sides)
        if not whole:
            return self.seen(compared, shape)[0]
        for axis, large in enumerate(shape):
            compared = jnp.repeat(compared, large // compared.shape[axis], axis=axis)
        return compared

    def merge(self, observed: Array, restored: Image) -> Array:
        """Put what is known for certain back into one restored image; by default nothing is.

        Arguments:
            observed: the observation of one image.
            restored: `[h, w, c]` in [-1, 1], the generator's output.

        Returns:
            `[h, w, c]`.
        """
        return jnp.asarray(restored)


def require_batch(photos: Any) -> Any:
    """Require a batch of photos [b, h, w, c] in [-1, 1]; noise that an earlier operator added may lie outside.

    Raises:
        ImageError: something else was given.
    """
    photos = require_pictures(photos, "photos", farthest=FARTHEST_OBSERVED)
    if photos.ndim < 4:
        raise ImageError(
            f"`photos` must be a batch [b, h, w, c], got {described(photos)}; `photos[None]` makes one of one picture."
        )
    return photos


def require_keys(owner: str, key: Any, count: int) -> Array:
    """Require random keys [count], one for each picture to which noise is added.

    Arguments:
        owner: the operator's class, for the message.
        key: what was given, or None.
        count: of the pictures.

    Raises:
        ValueError: there are none, or another number. ArgumentError: something else was given.
    """
    expected = f"`observe` needs {count} random keys, one an image"
    if key is None:
        raise ValueError(f"{owner}: {expected}; pass `key=jax.random.split(jax.random.key(0), {count})`.")
    if not is_array(key):
        raise ArgumentError(f"{owner}: {expected}, got {described(key)}.")
    typed = jnp.issubdtype(key.dtype, jax.dtypes.prng_key)
    if key.ndim != (1 if typed else 2) or len(key) != count:
        raise ValueError(f"{owner}: {expected}, got keys of the shape {tuple(key.shape)}.")
    return key


def as_image(x: Any) -> Array:
    """One image, or one observation, as an array of JAX. Its values are not looked at: it may be traced.

    Raises:
        ImageError: no array, one of whole numbers, or one with its channels first.
    """
    x = as_array("x", x)
    if not (is_array(x) and is_float(x)):
        raise ImageError(f"`x` must be an image of floats in [-1, 1], got {described(x)}; `to_float` converts uint8.")
    require_channels_last(x, "x")
    return jnp.asarray(x)


def batched(operator: AnyOperator, b: int) -> AnyOperator:
    """Give every image its own copy of the arrays that all images have in common.

    Arguments:
        operator: arrays for all images or per image.
        b: number of images.

    Returns:
        the operator with a leading axis b on every array that is declared by `per_image`, for
        `jax.vmap(..., in_axes=image_axes(operator))`.

    Raises:
        `ValueError` if an array has another number of axes, or of images.

    Example:
        >>> batched(Inpaint(jnp.zeros((64, 64))), 8).mask.shape
        (8, 64, 64)
    """

    def expand(array: Array | np.ndarray, ndim: int, field: str) -> Array:
        if not is_array(array):
            raise ArgumentError(
                f"{type(operator).__name__}: `{field}` must be an array of {ndim} axes, or of {ndim + 1} with an entry "
                f"for each image, got {described(array)}."
            )
        if array.ndim == ndim:
            return jnp.broadcast_to(array, (b, *array.shape))
        if array.ndim == ndim + 1 and array.shape[0] == b:
            return jnp.asarray(array)
        raise ValueError(
            f"{type(operator).__name__}: `{field}` has shape {tuple(array.shape)}; expected {ndim} axes for "
            f"all images, or {ndim + 1} of which the first is the number of images, {b}."
        )

    whole_number("b", b, least=0)
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
    if not is_array(indices) or not np.issubdtype(indices.dtype, np.integer):
        raise ArgumentError(f"`indices` must be an array of whole numbers [n], got {described(indices)}.")
    return _map_arrays(lambda array, ndim, field: array if array.ndim == ndim else array[indices], operator)


def fitting(operator: AnyOperator, image_shape: tuple[int, ...]) -> AnyOperator:
    """The same operator for images of a shape: where these are volumes, its masks are masks of volumes.

    Arguments:
        operator: the forward operator, or several of them in one.
        image_shape: (h, w, c), or (d, h, w, c) of volumes.

    Raises:
        ArgumentError: the images are volumes, and the operator takes pictures only.

    Example:
        >>> fitting(Inpaint(jnp.eye(8)[None]), (1, 8, 8, 1)).volumes
        True
    """
    if len(image_shape) != 4:
        return operator
    if not getattr(operator, "takes_volumes", False):
        raise ArgumentError(
            f"{getattr(operator, 'label', type(operator).__name__)} works on pictures, and this prior makes volumes of "
            f"{'x'.join(map(str, image_shape[:-1]))} voxels; take reconstruct, inpaint or denoise."
        )
    return _for_volumes(operator)


def _for_volumes(operator: Any) -> Any:
    """The operator with `volumes` where it has that field, and so the operators inside of it."""
    changed: dict[str, Any] = {}
    fields: Any = getattr(operator, "__dataclass_fields__", {})
    for field in fields.values():
        value = getattr(operator, field.name)
        if field.name == "volumes" and field.metadata.get("static"):
            changed[field.name] = True
        elif isinstance(value, Operator):
            changed[field.name] = _for_volumes(value)
        elif isinstance(value, tuple) and any(isinstance(item, Operator) for item in value):
            changed[field.name] = tuple(_for_volumes(item) for item in value)
    return dataclasses.replace(operator, **changed) if changed else operator


def image_axes(operator: Any) -> Any:
    """What `jax.vmap` takes as `in_axes` of an operator whose arrays are per image: 0, but None for shared arrays.

    Arguments:
        operator: made by `batched`, or any pytree whose arrays have an axis b.

    Returns:
        0 where nothing is shared.

    Example:
        >>> image_axes(Inpaint(jnp.zeros((8, 64, 64))))
        0
    """
    return jax.tree.map(lambda _: 0, _without_shared(operator)) if _shares(operator) else 0


def map_images(
    function: Callable[[Any], Any], operator: Any, shared: Callable[[Any], Any] = lambda array: array
) -> Any:
    """Apply a function to every array of an operator that is per image.

    Arguments:
        function: of an array with an axis b.
        operator: made by `batched`, or any pytree whose arrays have an axis b.
        shared: function of arrays that all images share; they stay as they are by default.

    Returns:
        the operator with what the functions return in place of the arrays.

    Example:
        >>> map_images(lambda array: array[0], Inpaint(jnp.zeros((8, 64, 64)))).mask.shape
        (64, 64)
    """
    if not _shares(operator):
        return jax.tree.map(function, operator)
    return _with_shared(jax.tree.map(function, _without_shared(operator)), operator, shared)


def _shares(operator: Any) -> bool:
    """Whether an operator, or one inside of it, has arrays that all images share."""
    if isinstance(operator, tuple):
        return any(map(_shares, operator))
    if isinstance(operator, type) or not dataclasses.is_dataclass(operator):
        return False
    fields = dataclasses.fields(operator)
    return any(_is_shared(field) or _shares(getattr(operator, field.name)) for field in fields)


def _is_shared(field: dataclasses.Field[Any]) -> bool:
    return bool(field.metadata.get("shared"))


def _without_shared(operator: Any) -> Any:
    """The operator with None in place of what is shared."""
    return _with_shared(operator, operator, lambda _: None)


def _with_shared(operator: Any, source: Any, function: Callable[[Any], Any]) -> Any:
    """The operator with a function of another one's shared arrays in place of its own."""
    if isinstance(operator, tuple):
        return tuple(_with_shared(one, other, function) for one, other in zip(operator, source, strict=True))
    if not dataclasses.is_dataclass(operator) or isinstance(operator, type) or not _shares(operator):
        return operator
    changed = {}
    for field in dataclasses.fields(operator):
        value, other = getattr(operator, field.name), getattr(source, field.name)
        changed[field.name] = function(other) if _is_shared(field) else _with_shared(value, other, function)
    return dataclasses.replace(operator, **changed)


def _map_arrays(function, operator: AnyOperator) -> AnyOperator:
    """Apply `function(array, ndim, field name)` to every declared array that is there, also of inner operators."""
    if isinstance(operator, type) or not dataclasses.is_dataclass(operator):
        raise ArgumentError(f"`operator` must be a forward operator, a dataclass, got {described(operator)}.")
    changed = {}
    for field in dataclasses.fields(operator):
        value = getattr(operator, field.name)
        if "ndim" in field.metadata:
            if value is not None:
                more = field.metadata.get("of_space") and getattr(operator, "volumes", False)
                changed[field.name] = function(value, field.metadata["ndim"] + bool(more), field.name)
        elif isinstance(value, Operator):
            changed[field.name] = _map_arrays(function, value)
        elif isinstance(value, tuple) and any(isinstance(item, Operator) for item in value):
            changed[field.name] = tuple(_map_arrays(function, item) for item in value)
    return dataclasses.replace(operator, **changed)
