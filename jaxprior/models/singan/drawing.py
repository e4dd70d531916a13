"""Drawing from a trained model of one picture (Shaham et al., ICCV 2019, section 2 and figure 4).

The noise of every scale is drawn; or, at the scales below a start scale, it is the noise of the reconstruction. Then
what the whole picture looks like is fixed, and only finer structure varies. All functions are pure and compiled.
"""

from collections.abc import Sequence
from functools import partial

import jax

from jaxprior.checks import described, float_array, random_key, real_number, whole_number
from jaxprior.data.decoding import MAX_PIXELS
from jaxprior.errors import ArgumentError
from jaxprior.models.singan.model import SingleImageModel, require_count, require_model, with_image_scales
from jaxprior.system.ahead import Program


Array = jax.Array


def synthesize(
    model: SingleImageModel, noises: Sequence[Array], *, below: Array | None = None, start: int = 0
) -> list[Array]:
    """Images of given noises.

    Arguments:
        model: the trained pyramid, a SinGAN.
        noises: one [b, h, w, c] a scale from `start` on, as many as scales are wanted; their sizes are those of the
            images (with the generator's margin around them where the model's padding is "noise").
        below: what enters scale `start`, [b, h, w, c] in [-1, 1] at that scale's size; None is black of zeros.
        start: the first scale.

    Returns:
        The images of these scales, [b, h_n, w_n, c] each; the sum with the image below is not clipped.

    Raises:
        ValueError: there are more noises than scales.
        JaxpriorError: the model is no SinGAN, see `model.with_image_scales`.
    """
    pyramid = with_image_scales(model)
    if not isinstance(noises, list | tuple):
        raise ArgumentError(f"`noises` must be a list of arrays [b, h, w, c], got {described(noises)}.")
    whole_number("start", start, least=0)
    layout = ("b", "h", "w", pyramid.image_channels)
    for number, noise in enumerate(noises):
        float_array(f"noises[{number}]", noise, layout, meaning="noise")
    if below is not None:
        float_array("below", below, layout, meaning="images")
    return pyramid.synthesize(noises, below=below, start=start)


def reconstruct(model: SingleImageModel) -> list[Array]:
    """The picture that it was trained on, from the noises kept for that: [1, h_n, w_n, c] at every scale.

    Arguments:
        model: the trained model, a SinGAN or a ConSinGAN.

    Example:
        >>> reconstruct(model)[-1]  # needs a trained model # doctest: +SKIP
    """
    return _reconstruct(require_model(model))


@jax.jit
def _reconstruct(model: SingleImageModel) -> list[Array]:
    return model.synthesize([noise[None] for noise in model.kept_noises])


def draw(
    model: SingleImageModel,
    key: Array,
    *,
    count: int = 1,
    start_scale: int = 0,
    height_scale: float = 1.0,
    width_scale: float = 1.0,
) -> Array:
    """Random images.

    Arguments:
        model: the trained model, a SinGAN or a ConSinGAN.
        key: where all chance comes from; image i does not depend on `count`.
        count: number of images, computed at once.
        start_scale: scales below it are those of the reconstruction; 0 draws everything. The noise of the others is
            the same for every start scale.
        height_scale, width_scale: size of the images as a multiple of the picture's; only with start_scale 0.

    Returns:
        Images [count, h, w, c], about in [-1, 1].

    Raises:
        ArgumentError: no such model, no random key, a scale that does not exist, no images, another size with fixed
            scales, a size of nothing, or more than 64 million pixels.

    Example:
        >>> draw(model, jax.random.key(0), count=4, width_scale=2.0)  # needs a trained model # doctest: +SKIP
    """
    _check(model, count, start_scale, height_scale, width_scale)
    return _draw(
        model, random_key("key", key), count=count, start_scale=start_scale, height_scale=height_scale,
        width_scale=width_scale,
    )  # fmt: skip


def draw_scales(
    model: SingleImageModel,
    key: Array,
    *,
    count: int = 1,
    start_scale: int = 0,
    height_scale: float = 1.0,
    width_scale: float = 1.0,
) -> list[Array]:
    """The images of `draw` and what they were at every coarser scale.

    Arguments:
        model, key, count, start_scale, height_scale, width_scale: see `draw`, also for errors.

    Returns:
        Images [count, h_n, w_n, c] of every scale, coarsest first; those below the start scale are all the same.
    """
    _check(model, count, start_scale, height_scale, width_scale)
    return _draw_scales(
        model, random_key("key", key), count=count, start_scale=start_scale, height_scale=height_scale,
        width_scale=width_scale,
    )  # fmt: skip


@partial(jax.jit, static_argnames=("count", "start_scale", "height_scale", "width_scale"))
def _draw(
    model: SingleImageModel, key: Array, *, count: int, start_scale: int, height_scale: float, width_scale: float
) -> Array:
    return _draw_scales(
        model, key, count=count, start_scale=start_scale, height_scale=height_scale, width_scale=width_scale
    )[-1]


@partial(jax.jit, static_argnames=("count", "start_scale", "height_scale", "width_scale"))
def _draw_scales(
    model: SingleImageModel, key: Array, *, count: int, start_scale: int, height_scale: float, width_scale: float
) -> list[Array]:
    sizes = [(round(h * height_scale), round(w * width_scale)) for h, w in model.sizes]
    return model.draw_scales(key, sizes, count=count, start=start_scale)


def drawing_programs(model: SingleImageModel, key: Array, *, count: int) -> list[Program]:
    """The programs of `draw(model, key, count=count)` and of `reconstruct(model)`.

    Arguments:
        model, key, count: see `draw`; shapes stand in place of arrays.
    """
    whole = {"count": count, "start_scale": 0, "height_scale": 1.0, "width_scale": 1.0}
    return [Program(_draw, (model, key), whole), Program(_reconstruct, (model,))]


def check_start_scale(model: SingleImageModel, start_scale: int) -> None:
    """Refuse a scale from which nothing can be drawn.

    Raises:
        ValueError: the model has no such scale.
    """
    if not 0 <= whole_number("start_scale", start_scale) < len(model.sizes):
        raise ArgumentError(f"start_scale: expected 0 to {len(model.sizes) - 1} for this model, got {start_scale}.")


def _check(model: SingleImageModel, count: int, start_scale: int, height_scale: float, width_scale: float) -> None:
    require_model(model)
    require_count("count", count)
    check_start_scale(model, start_scale)
    for name, value in (("height_scale", height_scale), ("width_scale", width_scale)):
        real_number(name, value, above=0)
    if start_scale and (height_scale, width_scale) != (1, 1):
        raise ArgumentError("another size wants start_scale 0: the scales below are fixed to the picture's own size.")
    if round(model.sizes[0][0] * height_scale) < 1 or round(model.sizes[0][1] * width_scale) < 1:
        factors = f"{height_scale} x {width_scale}"
        raise ArgumentError(f"sizes: {factors} leaves nothing of the coarsest scale {model.sizes[0]}.")
    height, width = round(model.sizes[-1][0] * height_scale), round(model.sizes[-1][1] * width_scale)
    if height * width > MAX_PIXELS:
        raise ArgumentError(f"sizes: {width}x{height} is more than {MAX_PIXELS} pixels; take smaller multiples.")
