"""What operators with a mask share."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import numpy as np

from jaxprior.checks import as_array
from jaxprior.data.masks import parse_mask
from jaxprior.data.volume_masks import AnyMask, parse_volume_mask
from jaxprior.errors import MaskError, SettingsError
from jaxprior.lazy_jax import Array, jax, jnp, when_imported
from jaxprior.operators._base import Image, Operator
from jaxprior.settings import PLAIN, Names, spelled


Checked = TypeVar("Checked", bound=Operator)

SPACE = 2
"""Axes of the mask of one picture, `[h, w]`; a volume's has one more. A mask for each image has one in front."""


def mask_of(
    given: Mapping[str, Any], names: Names = PLAIN, *, shape: tuple[int, ...] = ()
) -> AnyMask | None:
    """Return the specification of a mask from the settings `mask`, `mask_means` and `invert_mask`; None without a mask.

    Arguments:
        given: the settings that were given; names: how they are spelled in messages.
        shape: of the images; masks of volumes are read by `jaxprior.data.volume_masks`.

    Raises:
        SettingsError: the others are given without `mask`.
        MaskError: see `parse_mask`.
    """
    means, invert = given.get("mask_means"), given.get("invert_mask", False)
    if "mask" in given and len(shape) == 4:
        return parse_volume_mask(given["mask"], means=means, invert=invert)
    if "mask" in given:
        return parse_mask(given["mask"], means=means, invert=invert)
    if means is not None or invert:
        given_alone = spelled("mask_means" if means is not None else "invert_mask", names)
        raise SettingsError(f"{given_alone} says how a mask's file is read: give {spelled('mask', names)} too.")
    return None


def checked_mask(owner: str, mask: Any, *, known: str, unknown: str, volumes: bool = False) -> Any:
    """Return a mask as float32, and refuse one that is not `[h, w]` or `[b, h, w]` with 0 and 1 alone and some 0.

    Only arrays whose values are at hand are looked at. What is traced, or stands for an array, is returned as it is.

    Arguments:
        owner: the operator's class, for the message.
        mask: what was given: booleans, integers or floats.
        known, unknown: what 0 and 1 mean, for the message.
        volumes: the mask is `[d, h, w]` or `[b, d, h, w]`.

    Raises:
        MaskError: the mask has another shape or other values, or leaves nothing of an image known.
    """
    if isinstance(mask, list | tuple):
        mask = np.asarray(mask)
    mask = as_array("mask", mask)
    if not isinstance(mask, np.ndarray) and not _is_at_hand(mask):
        return mask
    space = SPACE + volumes
    if mask.ndim not in (space, space + 1):
        shapes = "[d, h, w] or [b, d, h, w]" if volumes else "[h, w] or [b, h, w]"
        hint = f"; of volumes, say {owner}(mask, volumes=True)" if mask.ndim == SPACE + 2 else ""
        raise MaskError(f"{owner}: mask: expected an array {shapes}, got the shape {mask.shape}{hint}.")
    values = np.asarray(mask)
    expected = f"{owner}: mask: expected 0 ({known}) and 1 ({unknown})"
    if not ((values == 0) | (values == 1)).all():
        wrong = "NaN" if (values != values).any() else f"values from {values.min():g} to {values.max():g}"
        raise MaskError(f"{expected}, got {wrong}; a comparison such as mask > 0.5 gives what is expected.")
    full = values.all(axis=tuple(range(-space, 0)))
    if values.size and full.any():
        which = "" if values.ndim == space else f" in the mask of image {int(full.argmax())}"
        hint = ""
        if values.ndim == 3 and not volumes and not values.all():
            hint = f"; if this is the mask of a volume, say {owner}(mask, volumes=True)"
        raise MaskError(f"{expected}, got 1 everywhere{which}: leave some pixels {known}{hint}.")
    return mask if values.dtype == np.float32 else mask.astype(np.float32)


def register_checked(operator: type[Checked]) -> type[Checked]:
    """Register a dataclass of an operator as a pytree, as `jax.tree_util.register_dataclass` does.

    The difference is that a pytree is put together again without its constructor, and thus without its checks. JAX puts
    together operators whose arrays are no masks, for example gradients.

    Arguments:
        operator: a frozen dataclass; fields with the metadata `static` are no leaves.
    """
    fields = dataclasses.fields(operator)
    static = [field.name for field in fields if field.metadata.get("static")]
    arrays = [field.name for field in fields if field.name not in static]

    def take_apart(one: Checked) -> tuple[list[tuple[Any, Any]], tuple[Any, ...]]:
        leaves = [(jax.tree_util.GetAttrKey(name), getattr(one, name)) for name in arrays]
        return leaves, tuple(getattr(one, name) for name in static)

    def put_together(values: tuple[Any, ...], leaves: Iterable[Any]) -> Checked:
        one = object.__new__(operator)
        for name, value in zip([*static, *arrays], [*values, *leaves], strict=True):
            object.__setattr__(one, name, value)
        return one

    when_imported(lambda: jax.tree_util.register_pytree_with_keys(operator, take_apart, put_together))
    return operator


def _is_at_hand(array: Any) -> bool:
    """Whether something is a JAX array whose values this process can look at."""
    from jax.core import Tracer

    if not isinstance(array, Array) or isinstance(array, Tracer):
        return False
    return array.is_fully_addressable and not array.is_deleted()


def mask_over(owner: str, mask, x: Image) -> Array:
    """One image's mask `[h, w]` as `[h, w, 1]` in the type of the image `[h, w, c]` that it must fit; or a volume's,
    `[d, h, w]`, as `[d, h, w, 1]`."""
    if x.ndim not in (3, 4) or mask.shape != x.shape[:-1]:
        raise ValueError(
            f"{owner}: expected a mask [h, w] and an image [h, w, c] of one size, got "
            f"{tuple(mask.shape)} and {tuple(x.shape)}; `parse_mask(path).draw(size)` resizes a "
            "mask, `observe` takes batches."
        )
    return jnp.asarray(mask, x.dtype)[..., None]
