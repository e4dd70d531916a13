"""A reference picture of any size, fitted to a trained SinGAN's finest scale.

    cut the centre to the model's aspect ratio, then resize (Keys' cubic, antialiased, without 8 bits in between)

Where the result would miss less than a pixel, nothing is cut: the picture of a training is fitted as the training did
it, whose sizes are rounded up. The official code stretches pictures of other aspect ratios.
"""

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np

from jaxprior.data.images import MIN_SIDE, to_float
from jaxprior.data.mask_fitting import touched
from jaxprior.data.ranges import warn_of_doubt
from jaxprior.errors import ImageError, MaskError
from jaxprior.models.singan.model import SingleImageModel, require_model
from jaxprior.models.singan.resizing import resize


@dataclass(frozen=True)
class Fitting:
    """What is done to a picture. Made by `plan_fitting`.

    Fields:
        given: (height, width) of the picture.
        box: (top, left, height, width) of what is kept of it.
        size: (height, width) of the result.
        scale: by which it is resized; None is the ratio of the sizes, an axis each.
    """

    given: tuple[int, int]
    box: tuple[int, int, int, int]
    size: tuple[int, int]
    scale: float | None = None

    @property
    def words(self) -> str | None:
        """A sentence on what was done, with sizes as width x height; None if nothing was done."""
        if self.given == self.size:
            return None
        middle = f", its middle {_words(self.box[2:])}" if self.box[2:] != self.given else ""
        return f"fitted from {_words(self.given)}{middle} to {_words(self.size)}, the model's finest scale"

    def cut(self, array: np.ndarray) -> np.ndarray:
        """Cut out what is kept of a picture or mask [h, w, ...]."""
        top, left, height, width = self.box
        return array[top : top + height, left : left + width]


def plan_fitting(given: tuple[int, int], size: tuple[int, int]) -> Fitting:
    """Plan how a picture is fitted to a size.

    Arguments:
        given: (height, width) of the picture.
        size: (height, width) that it shall have.

    Raises:
        ImageError: it has fewer than 8 pixels on a side.

    Example:
        >>> plan_fitting((300, 300), (100, 200)).box
        (75, 0, 150, 300)
    """
    if min(given) < MIN_SIDE:
        raise ImageError(
            f"reference: it is {_words(given)}; expected at least {MIN_SIDE}x{MIN_SIDE}, less holds nothing to go by"
        )
    (h, w), (height, width) = given, size
    scales = [height / h, width / w]
    if h * min(scales) > height - 1 and w * min(scales) > width - 1:
        return Fitting((h, w), (0, 0, h, w), (height, width), min(scales))
    kept_h, kept_w = min(h, round(height / max(scales))), min(w, round(width / max(scales)))
    return Fitting((h, w), ((h - kept_h) // 2, (w - kept_w) // 2, kept_h, kept_w), (height, width))


def fit_reference(model: SingleImageModel, image: np.ndarray) -> tuple[np.ndarray, Fitting]:
    """Fit a picture to a model's finest scale.

    Arguments:
        model: the trained pyramid.
        image: [h, w, c], uint8 or floats in [-1, 1].

    Returns:
        (float32 [*model.sizes[-1], c] in [-1, 1], what was done); a picture of that size stays as it is.

    Raises:
        ImageError: not such a picture, values outside, or fewer than 8 pixels on a side.

    Example:
        >>> reference, fitting = fit_reference(model, load_image("paint.png"))  # needs a trained model # doctest: +SKIP
    """
    image = as_floats(image, channels=require_model(model).image_channels)
    height, width = image.shape[:2]
    fitting = plan_fitting((height, width), model.sizes[-1])
    kept = fitting.cut(image)
    if kept.shape[:2] == fitting.size:
        return kept, fitting
    resized = np.asarray(resize(jnp.asarray(kept), fitting.size, scale=fitting.scale, method="bicubic"))
    return np.clip(resized, -1, 1), fitting


def fit_mask(model: SingleImageModel, mask: np.ndarray) -> np.ndarray:
    """Fit a mask as `fit_reference` fits a picture of its size.

    Arguments:
        model: the trained pyramid.
        mask: [h, w]; True, or above 0.5, is what is marked.

    Returns:
        bool [*model.sizes[-1]]: marked where anything of what a pixel covers is.

    Raises:
        MaskError: not such a mask. ImageError: fewer than 8 pixels on a side.
    """
    mask = np.asarray(mask)
    if mask.ndim != 2:
        raise MaskError(f"mask: expected [h, w], 1 = pasted or edited, got {mask.shape}")
    marked = mask > 0.5
    height, width = marked.shape
    fitting = plan_fitting((height, width), require_model(model).sizes[-1])
    kept = fitting.cut(marked)
    if kept.shape == fitting.size:
        return kept
    return touched(kept, fitting.size, step=None if fitting.scale is None else 1 / fitting.scale)


def as_floats(image: np.ndarray, *, channels: int) -> np.ndarray:
    """Return a picture [h, w, channels], uint8 or floats in [-1, 1], as float32 in [-1, 1].

    Floats that look like [0, 1] give a `RangeWarning`.

    Raises:
        ImageError: not such a picture, or values outside.
    """
    image = np.asarray(image)
    whole = image.dtype == np.uint8
    if image.ndim != 3 or image.shape[-1] != channels or not (whole or np.issubdtype(image.dtype, np.floating)):
        raise ImageError(
            f"reference: expected uint8 or floats [h, w, {channels}], got {image.dtype} of shape {image.shape}"
        )
    if whole:
        return to_float(image)
    if not (image.min() >= -1.001 and image.max() <= 1.001):  # This refuses NaN too.
        raise ImageError(f"reference: expected values in [-1, 1], got {image.min():.4g} to {image.max():.4g}")
    warn_of_doubt(image, "reference")
    return image.astype(np.float32)


def _words(size: tuple[int, ...]) -> str:
    return f"{size[1]}x{size[0]}"
