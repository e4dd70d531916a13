"""What metrics of images share: their types, the checks of what they are given, clipping, means over a mask.

A metric is a plain function that checks its arguments and then calls a compiled one. Under a user's `jit`, `vmap` or
`grad` the values are not known, and only types and shapes are checked.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Shaped

from jaxprior.checks import as_array, described, is_array, is_float, is_traced
from jaxprior.data.ranges import MOST_CHANNELS, require_pictures, warn_of_doubt
from jaxprior.errors import ArgumentError, ImageError, MaskError
from jaxprior.protocols import Scored


# Underscored axes are not compared by jaxtyping: the functions do that themselves, with a better message.
Images = Float[Array | np.ndarray, "*_b _h _w _c"]
Mask = Shaped[Array | np.ndarray, "*_b _h _w"]


def mean_over(values: Array, mask: Mask | None, *, volumes: bool = False) -> Array:
    """Mean of `[*b, h, w]` over the pixels where the mask is 1; of volumes `[*b, d, h, w]` over the voxels."""
    if volumes:  # slice after slice, as rows below
        values = values.reshape(*values.shape[:-3], -1, values.shape[-1])
        if mask is not None:
            mask = mask.reshape(*mask.shape[:-3], -1, mask.shape[-1])
    if mask is None:
        return values.mean(axis=-1).mean(axis=-1)  # row by row: exact enough in float32 for large images
    inside = jnp.broadcast_to(mask, values.shape) > 0.5
    return jnp.where(inside, values, 0).sum(axis=(-2, -1)) / inside.sum(axis=(-2, -1))


def clip(x: Images) -> Array:
    """Images as float32 in [-1, 1]."""
    return jnp.clip(jnp.asarray(x, jnp.float32), -1, 1)


def checked_pair(
    x: Any, y: Any, *, names: tuple[str, str] = ("x", "y"), batches: bool = False, volumes: bool = False
) -> tuple[Any, Any]:
    """Require two sets of pictures in [-1, 1] of one shape, [b, h, w, c] or [h, w, c]; or of volumes.

    Arguments:
        x, y: what was given.
        names: of the arguments.
        batches: whether there must be exactly one leading axis, [b, h, w, c].
        volumes: whether they are volumes, [b, d, h, w, c] or [d, h, w, c]. Pictures of more axes than four are refused,
            because volumes would be compared slice by slice.

    Returns:
        both, as arrays.

    Raises:
        ImageError: something else was given. A batch that looks like another range gives a `RangeWarning`.
    """
    x, y = require_pictures(x, names[0]), require_pictures(y, names[1])
    if x.shape != y.shape or x.ndim < 3 or (batches and x.ndim != 4):
        raise ImageError(
            f"`{names[0]}` and `{names[1]}`: expected two batches [b, h, w, c] of one shape, got {x.shape} and "
            f"{y.shape}; `x[None]` makes a batch of one picture."
        )
    if volumes and x.ndim not in (4, 5):
        raise ImageError(f"`{names[0]}`: expected volumes [b, d, h, w, c], got {x.shape}.")
    if not volumes and x.ndim > 4:
        raise ImageError(
            f"`{names[0]}`: expected pictures [b, h, w, c], got {x.shape}. If these are volumes, `psnr` and `mse` "
            "compare them with volumes=True, and `iou` as they are; pictures in several batches become one batch by "
            f"`{names[0]}.reshape(-1, *{names[0]}.shape[-3:])`."
        )
    if x.ndim == 3 and x.shape[-1] > MOST_CHANNELS:
        raise ImageError(
            f"`{names[0]}`: expected pictures [h, w, c] of at most {MOST_CHANNELS} channels, got {x.shape}; "
            "`x[..., None]` gives grey pictures their axis of channels."
        )
    for pictures, name in ((x, names[0]), (y, names[1])):
        warn_of_doubt(pictures, name)
    return x, y


def checked_batch(pictures: Any, name: str, *, axes: str = "b, h, w, c", noun: str = "images") -> Any:
    """Require pictures in [-1, 1] with so many axes.

    Arguments:
        pictures: what was given.
        name: of the argument.
        axes: their letters, for example "h, w, c" for one picture.
        noun: what the sentence calls the pictures.

    Raises:
        ImageError: something else was given.
    """
    pictures = require_pictures(pictures, name)
    if pictures.ndim != len(axes.split(", ")):
        raise ImageError(f"`{name}`: expected {noun} [{axes}], got {described(pictures)}.")
    warn_of_doubt(pictures, name)
    return pictures


def checked_mask(mask: Any, images: Any, *, volumes: bool = False) -> Any:
    """Require a mask of 0 and 1, or None, for images `[*b, h, w, c]`, or for volumes `[*b, d, h, w, c]`.

    Returns:
        float32 `[h, w]` or `[*b, h, w]`, or None; of volumes `[d, h, w]` or `[*b, d, h, w]`.

    Raises:
        MaskError: it has another shape, or other values.
    """
    if mask is None:
        return None
    mask = as_array("mask", mask)
    space = 3 if volumes else 2
    shapes = dict.fromkeys((images.shape[-1 - space : -1], images.shape[:-1]))  # of one picture, both are the same
    if not is_array(mask) or mask.shape not in shapes:
        expected = " or ".join(map(str, shapes))
        raise MaskError(f"`mask`: expected {expected}, like the images, got {described(mask)}.")
    if not is_traced(mask):
        values = np.asarray(mask)
        if not (values.dtype.kind in "biu" or is_float(values)) or not ((values == 0) | (values == 1)).all():
            raise MaskError(
                f"`mask`: expected 0 and 1, got {described(mask)} with values from {values.min()} to {values.max()}; "
                "compare it with a threshold, `mask > 0.5`."
            )
    return mask.astype(np.float32)


def require_network(network: Any) -> None:
    """Require a network that can be called with images.

    Raises:
        ArgumentError: it cannot be called, such as the name of one.
    """
    if not callable(network) or isinstance(network, type):
        advice = "; `load_features` loads one by its name." if isinstance(network, str) else "."
        raise ArgumentError(f"`network` must be a network of images, got {described(network)}{advice}")


def of_volumes(scored: Scored) -> bool:
    """Whether what is compared are volumes, [b, d, h, w, c], and no pictures."""
    return scored.raw.ndim == 5
