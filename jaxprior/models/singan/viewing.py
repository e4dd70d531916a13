"""What a page shows of a trained SinGAN: its picture at every scale, and all that it draws there by one program."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from jaxprior.models.consingan.model import ConSinGan, synthesize_growing
from jaxprior.models.singan.drawing import draw_noises, synthesize
from jaxprior.models.singan.model import SinGan
from jaxprior.models.singan.noise import draw_normals
from jaxprior.nn.resizing import resize


Array = jax.Array


def real_pyramid(model: SinGan | ConSinGan) -> list[np.ndarray]:
    """The picture at every scale, made anew from that of the finest.

    Arguments:
        model: the trained pyramid.

    Returns:
        float32 [h_n, w_n, c] in [-1, 1] each, coarsest first: what `build_pyramid` made for its training, to rounding
        (with the rule "consingan" sampled up to a fraction of a pixel beside).

    Example:
        >>> real_pyramid(load_singan("balloons.safetensors"))[0].shape   # doctest: +SKIP
        (42, 56, 3)
    """
    finest = np.asarray(model.image, np.float64)
    method, factor = ("bicubic_u8", None) if isinstance(model, ConSinGan) else (model.resize, model.factor)
    truncated = method == "bicubic_u8"
    if truncated and factor is not None:
        method = "bicubic"  # the rule with one factor truncated the finest picture as well: again would lose levels
    last, reals = len(model.sizes) - 1, []
    for n, size in enumerate(model.sizes[:-1]):
        real = resize(finest, size, scale=None if factor is None else factor ** (last - n), method=method)
        reals.append((np.clip(real, -1, 1) if truncated else real).astype(np.float32))
    return [*reals, np.asarray(model.image, np.float32)]


@partial(jax.jit, static_argnames="count")
def draw_from(model: SinGan | ConSinGan, key: Array, start_scale: Array | int, *, count: int) -> list[Array]:
    """What `draw_scales` gives, by one compiled program for all start scales.

    A pyramid's compilation takes seconds on a CPU, and a page shows several start scales. `draw_scales` computes the
    fixed scales once instead of `count` times.

    Arguments:
        model: the trained pyramid.
        key: image i takes its i-th share.
        start_scale: scales below it are those of the reconstruction; with the number of scales, all are.
        count: number of images.

    Returns:
        Images [count, h_n, w_n, c] of every scale, coarsest first.
    """
    if isinstance(model, ConSinGan):
        shapes = [model.generator.noise_shape(n, size) for n, size in enumerate(model.sizes)]
        drawn, kept, images_of = draw_normals(key, shapes, count=count), model.noises, synthesize_growing
    else:
        drawn = draw_noises(model, key, model.sizes, count=count)
        kept, images_of = [scale.noise for scale in model.scales], synthesize
    noises = [
        jnp.where(n < start_scale, jnp.broadcast_to(own, noise.shape), noise)
        for n, (own, noise) in enumerate(zip(kept, drawn, strict=True))
    ]
    return images_of(model, noises)
