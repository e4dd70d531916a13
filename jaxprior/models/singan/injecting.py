"""Injection: a picture takes the place of the coarse scales of a trained SinGAN (Shaham et al., ICCV 2019, section 4).

    b_n = up(shrink(picture, to the size of scale n - 1))         x_n = G_n(a_n z_n + b_n, b_n),   x_{n+1} ... as ever

so that the picture says what is where, and the scales from n on give it the look of what the model was trained on. The
lower n, the freer they are. Several start scales are computed together, each scale's network once for all of them.

A ConSinGAN that was trained on changed pictures (Hinz et al., WACV 2021) takes one at its coarsest scale alone:
G(shrink(picture, to the size of scale 0), z_1, z_2, ...), with the noises of the reconstruction.
"""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxprior.checks import described, random_key, whole_number
from jaxprior.data.ranges import require_pictures
from jaxprior.errors import ArgumentError, JaxpriorError
from jaxprior.models.singan.colors import snap_to
from jaxprior.models.singan.model import (
    SinGan,
    SingleImageModel,
    require_count,
    require_model,
    with_image_scales,
)
from jaxprior.models.singan.resizing import official_floats, resize


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
        model: the trained pyramid, or a ConSinGAN that starts from pictures.
        image: [h, w, c] in [-1, 1] of the model's finest size; `fitting.fit_reference` makes it.
        key: of the noise, which is the same for all start scales; variant i does not depend on `count`.
        start_scales: where the picture enters, from 1 to the last scale, rising; None is all of these. Of a ConSinGAN
            it is 0.
        count: number of variants.
        centers: colors [k, c] to which what enters each start scale is snapped, as many arrays as start scales.

    Returns:
        Images [len(start_scales), count, h, w, c], about in [-1, 1]. One compiled function of the arrays.

    Raises:
        ValueError: a start scale that does not exist, no images, or a picture of another size.
        JaxpriorError: the model starts from noise and is no SinGAN; or it makes one image only and more are wanted.

    Example:
        >>> inject(model, picture, jax.random.key(0), start_scales=(3,)).shape  # needs a trained model # doctest: +SKIP
        (1, 1, 186, 248, 3)
    """
    start_scales = check_start_scales(require_model(model), start_scales)
    check_variants(model, count)
    image = require_pictures(image, "image")
    expected = (*model.sizes[-1], model.image_channels)
    if image.shape != expected:
        raise ValueError(f"image: expected {expected}, the model's finest scale, got {image.shape}; fit it first")
    if centers is not None and not isinstance(centers, list | tuple):
        raise ArgumentError(f"centers: expected a list of arrays [k, c], got {described(centers)}.")
    if centers is not None and len(centers) != len(start_scales):
        raise ValueError(f"centers: expected an array for each of {len(start_scales)} start scales, got {len(centers)}")
    if model.starts_from != "noise":
        if centers is not None:
            raise JaxpriorError("centers: pictures are snapped to colors where they enter a SinGAN; this is none.")
        return start_from(model, np.asarray(image), random_key("key", key), count=count)
    centers = None if centers is None else tuple(centers)
    pyramid, key = with_image_scales(model), random_key("key", key)
    return _inject(pyramid, image, key, centers, start_scales=start_scales, count=count)


def check_start_scales(model: SingleImageModel, start_scales: Sequence[int] | None) -> tuple[int, ...]:
    """The start scales in rising order; for None all at which a picture can enter.

    Raises:
        ValueError: there are none, one does not exist, or one is named twice.
        JaxpriorError: no picture can enter this model.
    """
    if start_scales is not None and (isinstance(start_scales, str) or not isinstance(start_scales, Iterable)):
        raise ArgumentError(f"start_scales: expected a list of scales, got {described(start_scales)}.")
    if model.starts_from != "noise":
        if start_scales is not None and list(start_scales) != [0]:
            raise ValueError(f"start_scale: expected 0, where pictures enter a {model.title}; got {list(start_scales)}")
        return (0,)
    last = len(with_image_scales(model).scales) - 1
    if last < 1:
        raise ValueError("this model has one scale only: a picture can enter at the second or a finer one")
    given = range(1, last + 1) if start_scales is None else start_scales
    scales = sorted(whole_number("start_scales", scale) for scale in given)
    for scale in scales:
        if not 1 <= scale <= last:
            why = ", at 0 nothing enters" if scale == 0 else ""
            raise ValueError(f"start_scale: expected 1 to {last} for this model{why}; got {scale}")
    if len(set(scales)) != len(scales) or not scales:
        raise ValueError(f"start_scales: expected different scales, got {list(scales)}")
    return tuple(scales)


def check_variants(model: SingleImageModel, count: int) -> None:
    """Refuse a number of images that a model cannot make of one picture.

    Raises:
        ArgumentError: no whole number above 0, or more than one of a model in which nothing is left to chance.
    """
    require_count("count", count)
    if model.starts_from == "augmented" and count > 1:
        raise ArgumentError(
            f"count: this {model.title} makes always the same image of a picture, nothing in it is left to chance; "
            f"expected 1, got {count}."
        )


def start_from(model: SingleImageModel, image: np.ndarray, key: Array, *, count: int) -> Array:
    """What a model that starts from pictures makes of one.

    Arguments:
        model: the trained model.
        image: [h, w, c], uint8 or floats in [-1, 1], of any size; it is stretched to that of the coarsest scale.
        key: of the noise.
        count: number of variants.

    Returns:
        Images [1, count, h, w, c] of the finest scale, in [-1, 1].
    """
    return _start_from(model, jnp.asarray(at_coarsest(model, image)), key, count=count)[None]


def at_coarsest(model: SingleImageModel, image: np.ndarray) -> np.ndarray:
    """A picture [h, w, c], uint8 or floats in [-1, 1], as it enters the coarsest scale: float32 [*sizes[0], c]."""
    floats = official_floats(image) if image.dtype == np.uint8 else image.astype(np.float64)
    return resize(floats, model.sizes[0], method=model.resize).astype(np.float32)


@partial(jax.jit, static_argnames="count")
def _start_from(model: Any, small: Array, key: Array, *, count: int) -> Array:
    return model.start_from(small, key, count=count)


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
