"""Photographs as users give them: files or arrays of any size, and what is missing of each.

Pictures of a prior's own size are checked by `jaxprior.restoration.arguments`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxprior.checks import as_array, described, is_array, is_float
from jaxprior.data import images
from jaxprior.data.masks import MASK_STREAM, MaskSpec
from jaxprior.data.ranges import doubt, from_range, require_pictures
from jaxprior.data.sources import ImageSource
from jaxprior.errors import ImageError, MaskError
from jaxprior.operators import Inpaint
from jaxprior.restoration.cut_photos import as_pixels
from jaxprior.system.amounts import plural


def as_photo(photo: Any, name: str) -> np.ndarray:
    """A photograph as an array [h, w, c] of uint8 or floats; what lies in a file is read.

    Raises:
        ImageError: it is something else.
    """
    if isinstance(photo, str | Path | ImageSource):
        return images.load_telling(photo)
    photo = as_array(name, photo)
    array = np.asarray(photo) if is_array(photo) else None
    if array is None or array.ndim != 3 or array.shape[-1] not in (1, 3):
        advice = "; `photo[..., None]` gives a grey one its axis of channels" if np.ndim(photo) == 2 else ""
        raise ImageError(f"`{name}` must be a photograph [h, w, c] of 1 or 3 channels, got {described(photo)}{advice}.")
    if array.dtype != np.uint8 and not is_float(array):
        raise ImageError(f"`{name}` must be a photograph of uint8 or of floats in [-1, 1], got {described(photo)}.")
    return array


def in_range(photo: np.ndarray, missing: np.ndarray | None, name: str, value_range: Any) -> np.ndarray:
    """A photograph of floats in [-1, 1], with 0 at missing pixels; one of uint8 as it is.

    Raises:
        ImageError: values that are not finite, or look like another range.
    """
    if photo.dtype == np.uint8:
        return photo
    if value_range is not None:
        photo = from_range(photo, value_range, name)
    if missing is not None:
        photo = np.where(missing[..., None], photo.dtype.type(0), photo)
    require_pictures(photo, name)
    if value_range is None and (why := doubt(photo)):
        raise ImageError(f"`{name}` {why}, but pictures are expected in [-1, 1]; give `value_range=(0, 1)` to map it.")
    return photo


def masks_of(mask: Any, photos: Sequence[np.ndarray], names: Sequence[str], key: jax.Array) -> list[np.ndarray]:
    """What is missing of each photograph, bool [h, w].

    Raises:
        MaskError: another size, other values, or not one mask for each photograph.
    """
    shapes = [(photo.shape[0], photo.shape[1]) for photo in photos]
    if isinstance(mask, MaskSpec):
        chance = jax.random.fold_in(key, MASK_STREAM)
        return [
            _drawn(mask, shape, jax.random.fold_in(chance, np.uint32(images.pixels_id(as_pixels(photo, None)))), name)
            for shape, photo, name in zip(shapes, photos, names, strict=True)
        ]
    masks = list(mask) if isinstance(mask, list | tuple) or np.ndim(mask) == 3 else [mask] * len(photos)
    if len(masks) != len(photos):
        photographs = f"{len(photos)} {plural('photograph', len(photos))}"
        raise MaskError(f"`mask` must be one mask for each of {photographs}, got {len(masks)}.")
    found = []
    for one, shape, name in zip(masks, shapes, names, strict=True):
        if np.shape(one) != shape:
            raise MaskError(
                f"`mask` must have the size {list(shape)} of `{name}`, got {described(one)}; what `jp.parse_mask` "
                "returns for a file is laid on photographs of its shape."
            )
        found.append(np.asarray(Inpaint(np.asarray(one)).mask) > 0)
    return found


def _drawn(mask: MaskSpec, shape: tuple[int, int], key: jax.Array, name: str) -> np.ndarray:
    """The mask of one photograph, made by a specification; what is wrong with it is said together with its name."""
    try:
        return mask.draw(shape, key) > 0
    except MaskError as error:
        raise MaskError(f"`{name}`: {error}") from None
