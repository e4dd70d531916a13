"""Injection: a picture takes the place of the coarse scales of a trained SinGAN (Shaham et al., ICCV 2019, section 4).

    b_n = up(shrink(picture, to the size of scale n - 1))         x_n = G_n(a_n z_n + b_n, b_n),   x_{n+1} ... as ever

so that the picture says what is where, and the scales from n on give it the look of what the model was trained on. The
lower n, the freer they are. Several start scales are computed together, each scale's network once for all of them.
"""

from collections.abc import Iterable, Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from jaxprior.checks import described, random_key, whole_number
from jaxprior.data.ranges import require_pictures
from jaxprior.errors import ArgumentError
from jaxprior.models.singan.colors import snap_to
from jaxprior.models.singan.model import SinGan, SingleImageModel, require_count, with_image_scales
from jaxprior.models.singan.resizing import resize


Array = jax.Array


def inject(
    model: SingleImageModel,
    image: Array | np.ndarray,
    key: Array,
    *,
    start_scales: Sequence[int] | None = None,
    count: int = 1,
    centers: Sequence[Array | np.ndarray] | None = None,
) -> Array:
    """Draw images whose coarse structure is that of a picture.

    Arguments:
        model: the trained pyramid.
        image: [h, w, c] in [-1, 1] of the model's finest size; `fitting.fit_reference` makes it.
        key: of the noise, which is the same for all start scales; variant i does not depend on `count`.
        start_scales: where the picture enters, from 1 to the last scale, rising; None is all of these.
        count: number of variants.
        centers: colors [k, c] to which what enters each start scale is snapped, as many arrays as start scales.

    Returns:
        Images [len(start_scales), count, h, w, c], about in [-1, 1]. One compiled function of the arrays.

    Raises:
        ValueError: a start scale that does not exist, no images, or a picture of another size.
        JaxpriorError: the model is no SinGAN.

    Example:
        >>> inject(model, picture, jax.random.key(0), start_scales=(3,)).shape  # needs a trained model # doctest: +SKIP
        (1, 1, 186, 248, 3)
    """
    pyramid = with_image_scales(model)
    start_scales = check_start_scales(pyramid, start_scales)
    require_count("count", count)
    image = require_pictures(image, "image")
    expected = (*model.sizes[-1], model.image_channels)
    if image.shape != expected:
        raise ValueError(f"image: expected {expected}, the model's finest scale, got {image.shape}; fit it first")
    if centers is not None and not isinstance(centers, list | tuple):
        raise ArgumentError(f"centers: expected a list of arrays [k, c], got {described(centers)}.")
    if centers is not None and len(centers) != len(start_scales):
        raise ValueError(f"centers: expected an array for each of {len(start_scales)} start scales, got {len(centers)}")
    centers = None if centers is None else tuple(centers)
    return _inject(pyramid, image, random_key("key", key), centers, start_scales=start_scales, count=count)


def check_start_scales(model: SinGan, start_scales: Sequence[int] | None) -> tuple[int, ...]:
    """The start scales in rising order; for None all at which a picture can enter.

    Raises:
        ValueError: there are none, one does not exist, or one is named twice.
    """
    last = len(model.scales) - 1
    if last < 1:
        raise ValueError("this model has one scale only: a picture can enter at the second or a finer one")
    if start_scales is not None and (isinstance(start_scales, str) or not isinstance(start_scales, Iterable)):
        raise ArgumentError(f"start_scales: expected a list of scales, got {described(start_scales)}.")
    given = range(1, last + 1) if start_scales is None else start_scales
    scales = sorted(whole_number("start_scales", scale) for scale in given)
    for scale in scales:
        if not 1 <= scale <= last:
            why = ", at 0 nothing enters" if scale == 0 else ""
            raise ValueError(f"start_scale: expected 1 to {last} for this model{why}; got {scale}")
    if len(set(scales)) != len(scales) or not scales:
        raise ValueError(f"start_scales: expected different scales, got {list(scales)}")
    return tuple(scales)


def injected(model: SinGan, image: Array, scale: int) -> Array:
    """What enters a scale: a picture [h, w, c], shrunk to the scale below and enlarged again, [h_n, w_n, c]."""
    coarser = at_scale(model, image, scale - 1)
    return model.enlarge(coarser, model.sizes[scale])


def at_scale(model: SinGan, image: Array, scale: int) -> Array:
    """Resize a picture [h, w, c] of the finest scale to another scale, [h_n, w_n, c]."""
    steps = len(model.scales) - 1 - scale
    factor = None if model.factor is None else model.factor**steps
    return resize(image, model.sizes[scale], scale=factor, method=model.resize)


@partial(jax.jit, static_argnames=("start_scales", "count"))
def _inject(model: SinGan, image: Array, key: Array, centers, *, start_scales: tuple[int, ...], count: int) -> Array:
    noises = model.draw_noises(key, model.sizes, count=count)
    made: list[Array] = []
    for n in range(start_scales[0], len(model.scales)):
        below = [model.enlarge(made[-1], model.sizes[n])] if made else []
        if n in start_scales:
            entering = injected(model, image, n)
            if centers is not None:
                entering = snap_to(entering, centers[start_scales.index(n)])
            below.append(jnp.broadcast_to(entering, (count, *entering.shape)))
        joined = jnp.concatenate(below)
        noise = jnp.tile(noises[n], (len(joined) // count, 1, 1, 1))
        made += model.synthesize([noise], below=joined, start=n)
    images = made[-1]
    return images.reshape(len(start_scales), count, *images.shape[1:])
