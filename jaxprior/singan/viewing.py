"""What a trained SinGAN makes of its picture at every scale, to look at (Shaham et al., ICCV 2019, figure 4).

    real_pyramid(model)      the picture at every scale          reconstruct(model)    its reconstruction there
    draw_scales(model, key)  samples there, of one start scale
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from jaxprior.singan.drawing import draw_noises, synthesize
from jaxprior.singan.model import SinGan
from jaxprior.singan.resizing import resize


Array = jax.Array


def real_pyramid(model: SinGan) -> list[np.ndarray]:
    """The picture at every scale, made anew from that of the finest.

    Arguments:
        model: the trained pyramid.

    Returns:
        float32 [h_n, w_n, c] in [-1, 1] each, coarsest first: what `build_pyramid` made for its training, to rounding
        (rule "consingan": sampled up to a fraction of a pixel beside).

    Example:
        >>> real_pyramid(load_singan("balloons.safetensors"))[0].shape   # doctest: +SKIP
        (42, 56, 3)
    """
    finest = np.asarray(model.image, np.float64)
    last, truncated = len(model.sizes) - 1, model.resize == "bicubic_u8"
    # The rule with one factor truncates the finest picture as well: a second time would lose levels.
    method = "bicubic" if truncated and model.factor is not None else model.resize
    reals = []
    for n, size in enumerate(model.sizes[:-1]):
        scale = None if model.factor is None else model.factor ** (last - n)
        real = resize(finest, size, scale=scale, method=method)
        reals.append((np.clip(real, -1, 1) if truncated else real).astype(np.float32))
    return [*reals, np.asarray(model.image, np.float32)]


def draw_scales(model: SinGan, key: Array, *, count: int = 1, start_scale: int = 0) -> list[Array]:
    """Random images with everything that they come from: `draw` shows the last of these.

    Arguments:
        model: the trained pyramid.
        key: all chance comes from it, as in `draw`.
        count: number of images, computed at once.
        start_scale: scales below it are those of the reconstruction; 0 draws everything.

    Returns:
        Images [count, h_n, w_n, c] at every scale, about in [-1, 1].

    Raises:
        ValueError: a scale that does not exist, or no images.

    Example:
        >>> draw_scales(model, jax.random.key(0), count=4)[-1].shape     # doctest: +SKIP
        (4, 186, 248, 3)
    """
    if count < 1 or not 0 <= start_scale < len(model.scales):
        last = len(model.scales) - 1
        raise ValueError(f"expected an image or more and a start scale from 0 to {last}, got {count} and {start_scale}")
    return _drawn(model, key, jnp.int32(start_scale), count=count)


@partial(jax.jit, static_argnames="count")
def _drawn(model: SinGan, key: Array, start_scale: Array, *, count: int) -> list[Array]:
    """One program for all start scales: below the start, the kept noises give the reconstruction."""
    drawn = draw_noises(model, key, model.sizes, count=count)
    noises = [
        jnp.where(n < start_scale, jnp.broadcast_to(scale.noise, noise.shape), noise)
        for n, (scale, noise) in enumerate(zip(model.scales, drawn, strict=True))
    ]
    return synthesize(model, noises)
