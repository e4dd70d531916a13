"""Super-resolution with a trained SinGAN (Shaham et al., ICCV 2019, section 4.1; official SR.py).

The finest network has learned to add what a picture loses by one step of the pyramid. For a factor s it is applied k
times, each time to the picture enlarged by s^(1/k), with its own noise:

    k = round(log s / log 2^(1/3))          a factor of 4 is 6 steps of 1.26
"""

import dataclasses
import math
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from jaxprior.checks import described, random_key
from jaxprior.data.decoding import MAX_PIXELS
from jaxprior.errors import ArgumentError
from jaxprior.models.singan.fitting import as_floats
from jaxprior.models.singan.model import SinGan, SingleImageModel, with_image_scales


Array = jax.Array
STEP = 2 ** (1 / 3)


def super_resolve(
    model: SingleImageModel,
    key: Array,
    *,
    image: np.ndarray | None = None,
    factor: float = 4.0,
    steps: int | None = None,
) -> Array:
    """Enlarge a picture and add detail such as the model's own picture has.

    Arguments:
        model: the pyramid trained on the picture, officially with a reconstruction weight of 100.
        key: where the noise comes from.
        image: [h, w, c], uint8 or floats in [-1, 1], of any size; None is the model's picture.
        factor: how many times larger, above 1.
        steps: times that the finest network is applied; None is the official number.

    Returns:
        Image [round(h factor), round(w factor), c], about in [-1, 1].

    Raises:
        ValueError: a factor of 1 or less, no steps, more than 64 million pixels, or a picture that cannot be used.
        JaxpriorError: the model is no SinGAN.

    Example:
        >>> super_resolve(model, jax.random.key(0), factor=2).shape  # needs a trained model # doctest: +SKIP
        (372, 496, 3)
    """
    pyramid = with_image_scales(model)
    start = model.image if image is None else jnp.asarray(as_floats(image, channels=model.image_channels))
    height, width = start.shape[:2]
    sizes, step = plan_enlarging((height, width), factor, steps=steps)
    return _super_resolve(pyramid, start, random_key("key", key), sizes=sizes, step=step)


def plan_enlarging(
    size: tuple[int, int], factor: float, *, steps: int | None = None
) -> tuple[tuple[tuple[int, int], ...], float]:
    """((height, width) after every step, factor of a step).

    Raises:
        ValueError: a factor of 1 or less, no steps, or more than 64 million pixels.

    Example:
        >>> plan_enlarging((25, 32), 2)[0]
        ((32, 41), (40, 51), (50, 64))
    """
    if not isinstance(factor, int | float | np.number) or not 1 < factor < math.inf:
        raise ArgumentError(f"factor: expected a number above 1, got {described(factor)}.")
    steps = max(1, round(math.log(factor) / math.log(STEP))) if steps is None else steps
    if not isinstance(steps, int | np.integer) or steps < 1:
        raise ArgumentError(f"steps: expected at least 1, got {described(steps)}.")
    height, width = size
    last = round(height * factor), round(width * factor)
    if math.prod(last) > MAX_PIXELS:
        made = f"{last[1]}x{last[0]}"
        raise ValueError(f"factor: {factor:g} makes {made}, more than {MAX_PIXELS} pixels; take a smaller one")
    step = factor ** (1 / steps)
    # Sizes are rounded up, as a resize does; at the end, what lies beyond the true size is cut at the right and bottom.
    grown = [step**k for k in range(1, steps)]
    sizes = [(math.ceil(height * by - 1e-9), math.ceil(width * by - 1e-9)) for by in grown]
    return (*sizes, last), step


@partial(jax.jit, static_argnames=("sizes", "step"))
def _super_resolve(model: SinGan, image: Array, key: Array, *, sizes: tuple, step: float) -> Array:
    repeated = dataclasses.replace(model, scales=(model.scales[-1],) * len(sizes), factor=1 / step)
    noises = repeated.draw_noises(key, sizes, count=1)
    return repeated.synthesize(noises, below=repeated.enlarge(image[None], sizes[0]))[-1][0]
