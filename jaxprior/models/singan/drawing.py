"""Multi-scale drawing of a trained SinGAN (Shaham et al., ICCV 2019, section 2 and figure 4).

    x_0 = G_0(a_0 z_0, 0)                x_n = G_n(a_n z_n + up(x_{n-1}), up(x_{n-1}))

with z_n drawn, or fixed to the noise of the reconstruction at the scales below a start scale: these then say what the
whole picture looks like, and only finer structure varies. Generators use their running statistics. All functions are
pure and compiled; nothing leaves the device between scales.
"""

from collections.abc import Sequence
from functools import partial

import jax
import jax.numpy as jnp

from jaxprior.models.consingan.model import ConSinGan, draw_growing, synthesize_growing
from jaxprior.models.singan.model import SinGan
from jaxprior.models.singan.networks import zero_pad
from jaxprior.models.singan.noise import draw_normals
from jaxprior.nn.resizing import resize


Array = jax.Array


def enlarge(model: SinGan, images: Array, size: tuple[int, int]) -> Array:
    """Images of one scale [b, h, w, c] -> what the next finer one of `size` (height, width) starts from."""
    return resize(images, size, scale=None if model.factor is None else 1 / model.factor, method=model.resize)


def synthesize(model: SinGan, noises: Sequence[Array], *, below: Array | None = None, start: int = 0) -> list[Array]:
    """Images of given noises.

    Arguments:
        model: the trained pyramid.
        noises: one [b, h, w, c] a scale from `start` on, as many as scales are wanted; their sizes are those of the
            images (with the generator's margin more where the model's padding is "noise").
        below: what enters scale `start`, [b, h, w, c] in [-1, 1] at that scale's size; None is black of zeros.
        start: the first scale.

    Returns:
        The images of these scales, [b, h_n, w_n, c] each; the sum with the image below is not clipped.

    Raises:
        ValueError: more noises than scales.
    """
    if not 0 < len(noises) <= len(model.scales) - start or start < 0:
        raise ValueError(f"{len(noises)} noises from scale {start} on; the model has {len(model.scales)} scales")
    images: list[Array] = []
    for scale, noise in zip(model.scales[start:], noises, strict=False):
        margin = scale.generator.margin
        around = 2 * margin if model.padding == "noise" else 0
        size = (noise.shape[1] - around, noise.shape[2] - around)
        if images:
            below = enlarge(model, images[-1], size)
        elif below is None:
            below = jnp.zeros((noise.shape[0], *size, noise.shape[3]), noise.dtype)
        padded = noise if around else zero_pad(noise, margin)
        images.append(scale.generator.apply(scale.variables, scale.amplitude * padded + zero_pad(below, margin), below))
    return images


@jax.jit
def reconstruct(model: SinGan | ConSinGan) -> list[Array]:
    """The picture that it was trained on, from the noises kept for that: [1, h_n, w_n, c] at every scale.

    Arguments:
        model: the trained pyramid.

    Example:
        >>> reconstruct(model)[-1]                                       # doctest: +SKIP
    """
    if isinstance(model, ConSinGan):
        return synthesize_growing(model, [noise[None] for noise in model.noises])
    return synthesize(model, [scale.noise[None] for scale in model.scales])


@partial(jax.jit, static_argnames=("count", "start_scale", "height_scale", "width_scale"))
def draw(
    model: SinGan | ConSinGan,
    key: Array,
    *,
    count: int = 1,
    start_scale: int = 0,
    height_scale: float = 1.0,
    width_scale: float = 1.0,
) -> Array:
    """Random images.

    Arguments:
        model: the trained pyramid.
        key: all chance comes from it; image i does not depend on `count`.
        count: number of images, computed at once.
        start_scale: scales below it are those of the reconstruction; 0 draws everything. The noise of the others is
            the same for every start scale.
        height_scale, width_scale: size of the images as a multiple of the picture's; only with start_scale 0.

    Returns:
        Images [count, h, w, c], about in [-1, 1].

    Raises:
        ValueError: a scale that does not exist, no images, another size with fixed scales, or a size of nothing.

    Example:
        >>> draw(model, jax.random.key(0), count=4, width_scale=2.0)     # doctest: +SKIP
    """
    return draw_scales(
        model, key, count=count, start_scale=start_scale, height_scale=height_scale, width_scale=width_scale
    )[-1]


@partial(jax.jit, static_argnames=("count", "start_scale", "height_scale", "width_scale"))
def draw_scales(
    model: SinGan,
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
    sizes = [(round(h * height_scale), round(w * width_scale)) for h, w in model.sizes]
    if isinstance(model, ConSinGan):
        return draw_growing(model, key, sizes, count=count, start=start_scale)
    fixed, below = [], None
    if start_scale:
        fixed = synthesize(model, [scale.noise[None] for scale in model.scales[:start_scale]])
        fixed = [jnp.broadcast_to(image, (count, *image.shape[1:])) for image in fixed]
        below = enlarge(model, fixed[-1], model.sizes[start_scale])
    noises = draw_noises(model, key, sizes, count=count)
    return [*fixed, *synthesize(model, noises[start_scale:], below=below, start=start_scale)]


def draw_noises(model: SinGan, key: Array, sizes: Sequence[tuple[int, int]], *, count: int) -> list[Array]:
    """Noises N(0, 1) of the coarsest scales, [count, h, w, c] each, as `synthesize` wants them.

    Arguments:
        model: the trained pyramid.
        key: image i takes its i-th share.
        sizes: (height, width) of the images, coarsest first.
        count: number of images.
    """
    shapes = []
    for n, (scale, (h, w)) in enumerate(zip(model.scales, sizes, strict=False)):
        around = 2 * scale.generator.margin if model.padding == "noise" else 0
        shapes.append((h + around, w + around, model.image_channels if n else model.coarse_noise_channels))
    noises = draw_normals(key, shapes, count=count)
    return [jnp.broadcast_to(noise, (*noise.shape[:3], model.image_channels)) for noise in noises]


def _check(model: SinGan | ConSinGan, count: int, start_scale: int, height_scale: float, width_scale: float) -> None:
    if count < 1:
        raise ValueError(f"count: expected at least one image, got {count}")
    if not 0 <= start_scale < len(model.sizes):
        raise ValueError(f"start_scale: expected 0 to {len(model.sizes) - 1} for this model, got {start_scale}")
    if start_scale and (height_scale, width_scale) != (1, 1):
        raise ValueError("another size wants start_scale 0: the scales below are fixed to the picture's own size")
    if round(model.sizes[0][0] * height_scale) < 1 or round(model.sizes[0][1] * width_scale) < 1:
        raise ValueError(f"sizes: {height_scale} x {width_scale} leaves nothing of the coarsest scale {model.sizes[0]}")
