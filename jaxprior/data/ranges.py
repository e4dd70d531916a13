"""The range of pictures in arrays: floats in [-1, 1], checked where pictures enter the library.

The range cannot be seen from the type, and pictures of another one would give plausible results that are wrong. So
what cannot be such pictures is refused:

- whole numbers, which are pixels of a file in 0 ... 255: `jp.images.to_float` converts them;
- values that are not finite, with the index of the first picture that has one;
- values beyond `FARTHEST`. The outputs of a generator are not clipped: those of the bundled ones reach 2.4 in single
  pixels, those of random networks 3.7. Observations may be noisy as well, so theirs reach `FARTHEST_OBSERVED`.

What only looks like another range is told by `doubt`, and who asks decides: `restore` and `invert` refuse unless they
are told the range, and metrics warn (`jaxprior.errors.RangeWarning`). Pictures look like [0, 1] where the darkest value
of a whole batch lies between 0, which would be mid-grey, and one half; a bright photograph that comes from a file
passes nevertheless, because its values are levels of [-1, 1] and not of [0, 1]. They look standardised (by the mean and
the deviation of a data set) where more than a quarter of the values lie outside [-1.1, 1.1].
"""

import warnings
from typing import Any

import numpy as np

from jaxprior.checks import as_array, described, is_array, is_float, is_traced
from jaxprior.errors import ArgumentError, ImageError, RangeWarning


FARTHEST, FARTHEST_OBSERVED = 4.0, 16.0
"""Values beyond these are in no picture, and in no observation: noise of deviation 2 reaches 15 at seven deviations."""

MOST_CHANNELS = 4
"""Pictures have at most so many channels; where the last axis is longer, it is no axis of channels."""

DARKEST = 0.5
"""Pictures in [0, 1] of which nothing is as dark as this are rare, and then they do not look like [0, 1]."""

BEYOND, MOST_BEYOND = 1.1, 0.25
"""A resampled picture may leave [-1, 1] by 0.1; more than a quarter of its values do not."""


def require_pictures(pictures: Any, name: str, *, farthest: float = FARTHEST) -> Any:
    """Refuse an array that cannot hold pictures in [-1, 1].

    Arguments:
        pictures: what was given; one picture or several, of any shape.
        name: of the argument.
        farthest: the largest absolute value.

    Returns:
        the same, as an array of NumPy or JAX. Traced arrays are checked by their type only.

    Raises:
        ImageError: it is no array, has its channels first, or has whole numbers, NaN, infinity or values too far
            outside.
    """
    pictures = as_array(name, pictures)
    if not is_array(pictures):
        advice = "`load_images` reads files" if isinstance(pictures, (str, bytes)) else "`np.stack` joins several"
        raise ImageError(f"`{name}` must be an array of pictures in [-1, 1], got {described(pictures)}; {advice}.")
    if not is_float(pictures):
        converts = "`jp.images.to_float` converts uint8" if pictures.dtype == np.uint8 else "map them to that range"
        raise ImageError(f"`{name}` must be pictures of floats in [-1, 1], got {described(pictures)}; {converts}.")
    require_channels_last(pictures, name)
    if is_traced(pictures) or 0 in np.shape(pictures):
        return pictures
    low, high = extremes(pictures)
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ImageError(
            f"`{name}` has values that are not finite{_first_bad(pictures)}; leave that picture out, or mend it."
        )
    if max(-low, high) > farthest:
        looks = "they look like 0 to 255, so divide by 127.5 and subtract 1" if low >= 0 and high <= 256 else "map them"
        raise ImageError(f"`{name}` must be pictures in [-1, 1], got values from {low:.4g} to {high:.4g}; {looks}.")
    return pictures


def require_channels_last(pictures: Any, name: str) -> None:
    """Refuse an array [..., c, h, w] as other libraries lay pictures out, of 1 or 3 channels.

    Raises:
        ImageError: its shape is such a one, taken for a picture 1 or 3 pixels high with many channels.
    """
    shape = np.shape(pictures)
    if len(shape) >= 3 and shape[-3] in (1, 3) and shape[-1] > MOST_CHANNELS and shape[-2] > MOST_CHANNELS:
        raise ImageError(
            f"`{name}` must have its channels last, [..., h, w, c], got {list(shape)}; `np.moveaxis({name}, -3, -1)` "
            "brings channels from the front, and `[..., None]` gives grey pictures an axis of channels."
        )


def doubt(pictures: Any) -> str | None:
    """Why pictures look like another range than [-1, 1], for the end of a sentence; None if they do not.

    Arguments:
        pictures: what `require_pictures` returned. Of traced arrays nothing is known, so nothing is doubtful.
    """
    if is_traced(pictures) or 0 in np.shape(pictures):
        return None
    low, high = extremes(pictures)
    if 0 <= low < DARKEST and high > low and not _are_levels(pictures):
        return f"has values from {low:.3g} to {high:.3g}, nothing darker than mid-grey, and looks like [0, 1]"
    if max(-low, high) > BEYOND and _share_beyond(pictures) > MOST_BEYOND:
        return f"has values from {low:.3g} to {high:.3g}, many outside of [-1, 1], and looks standardised"
    return None


def warn_of_doubt(pictures: Any, name: str) -> None:
    """Warn if pictures look like another range than [-1, 1]."""
    if why := doubt(pictures):
        warnings.warn(
            f"`{name}` {why}; pictures are expected in [-1, 1], and 2 * x - 1 maps [0, 1] to that.",
            RangeWarning,
            stacklevel=4,
        )


def from_range(pictures: Any, value_range: Any, name: str) -> Any:
    """Map pictures from a range that the caller has told to [-1, 1].

    Arguments:
        pictures: floats or whole numbers, of any shape.
        value_range: (black, white), two different numbers.
        name: of the argument.

    Returns:
        floats. Nothing is guessed of them: see `doubt`.

    Raises:
        ArgumentError: no such range. ImageError: values far outside.
    """
    numbers = isinstance(value_range, (tuple, list)) and len(value_range) == 2
    if not numbers or not all(isinstance(end, int | float | np.number) for end in value_range):
        raise ArgumentError(
            "`value_range` must be the numbers of black and white, as (-1, 1), (0, 1) or (0, 255), got "
            f"{described(value_range)}."
        )
    black, white = map(float, value_range)
    if not (np.isfinite([black, white]).all() and black < white):
        raise ArgumentError(f"`value_range` must be two finite numbers, the smaller one first, got {value_range!r}.")
    pictures = as_array(name, pictures)
    if (black, white) != (-1, 1) and is_array(pictures):
        half = np.float32((white - black) / 2)
        pictures = (pictures - np.float32(black)) / half - np.float32(1)
    return pictures


def extremes(pictures: Any) -> tuple[float, float]:
    """The smallest and the largest value; both are NaN if any value is. An array on a CPU is not copied."""
    if isinstance(pictures, np.ndarray) or _on_cpu(pictures):
        values = np.asarray(pictures)
        return float(values.min()), float(values.max())
    return float(pictures.min()), float(pictures.max())


def _on_cpu(array: Any) -> bool:
    return array.is_fully_addressable and all(device.platform == "cpu" for device in array.devices())


def _first_bad(pictures: Any) -> str:
    """Which picture of a batch is the first with a value that is not finite."""
    values = np.asarray(pictures, np.float32)
    if values.ndim < 4:
        return ""
    bad = ~np.isfinite(values).all(axis=tuple(range(1, values.ndim)))
    return f", the first of them in picture {int(np.argmax(bad))}"


def _are_levels(pictures: Any) -> bool:
    """Whether all values are levels of 8 bits in [-1, 1], or exactly 0, as in what is blanked.

    Black and white alone in [0, 1] have that property too, and are no levels of [-1, 1].
    """
    values = np.asarray(pictures, np.float32)
    if ((values == 0) | (values == 1)).all():
        return False
    levels = (values + np.float32(1)) * np.float32(127.5)
    return bool(((np.abs(levels - np.rint(levels)) < 1e-3) | (values == 0)).all())


def _share_beyond(pictures: Any) -> float:
    return float(np.mean(np.abs(np.asarray(pictures, np.float32)) > BEYOND))
