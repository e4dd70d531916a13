"""What a report page shows of a trained model: its picture at every scale, and what one program draws at all scales."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from jaxprior.models.singan.model import SingleImageModel
from jaxprior.models.singan.resizing import resize


Array = jax.Array


def real_pyramid(model: SingleImageModel) -> list[np.ndarray]:
    """The picture at every scale, computed from the picture at the finest.

    Arguments:
        model: the trained model.

    Returns:
        float32 [h_n, w_n, c] in [-1, 1] each, coarsest first: what `build_pyramid` made for its training, to rounding
        (under the rule "consingan" its pixels are sampled up to a fraction of a pixel beside those of the training).

    Example:
        >>> real_pyramid(load_singan("balloons.safetensors"))[0].shape  # needs a trained model # doctest: +SKIP
        (42, 56, 3)
    """
    finest = np.asarray(model.image, np.float64)
    method, factor = model.resize, model.factor
    truncated = method == "bicubic_u8"
    if truncated and factor is not None:
        # Where scales have one factor, the training truncated the finest picture too: doing it again would lose levels.
        method = "bicubic"
    last, reals = len(model.sizes) - 1, []
    for n, size in enumerate(model.sizes[:-1]):
        real = resize(finest, size, scale=None if factor is None else factor ** (last - n), method=method)
        reals.append((np.clip(real, -1, 1) if truncated else real).astype(np.float32))
    return [*reals, np.asarray(model.image, np.float32)]


@partial(jax.jit, static_argnames="count")
def draw_from(model: SingleImageModel, key: Array, start_scale: Array | int, *, count: int) -> list[Array]:
    """What `draw_scales` gives, by one compiled program for all start scales.

    A pyramid's compilation takes seconds on a CPU, and a page shows several start scales. `draw_scales` computes the
    fixed scales once instead of `count` times.

    Arguments:
        model: the trained model.
        key: image i takes its i-th share.
        start_scale: the noises of the scales below it are those of the reconstruction; the number of scales
            reconstructs everything.
        count: number of images.

    Returns:
        Images [count, h_n, w_n, c] of every scale, coarsest first.
    """
    drawn = model.draw_noises(key, model.sizes, count=count)
    noises = [
        jnp.where(n < start_scale, jnp.broadcast_to(own, noise.shape), noise)
        for n, (own, noise) in enumerate(zip(model.kept_noises, drawn, strict=True))
    ]
    return model.synthesize(noises)
