"""The picture of a trained SinGAN at every scale, to hold what it makes there against."""

import numpy as np

from jaxprior.singan.growing import ConSinGan
from jaxprior.singan.model import SinGan
from jaxprior.singan.resizing import resize


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
