"""Animations: a model's noise walks around that of the reconstruction (SinGAN: Shaham et al., ICCV 2019, 4.5).

    z_t = alpha z_rec + (1 - alpha) (z_{t-1} + beta (z_{t-1} - z_{t-2}) + (1 - beta) noise)

from z_{-1} = z_rec and z_0 = 0.95 z_rec + 0.05 noise, at every scale from the start scale on; the scales below keep
z_rec. Official SinGANs for it are trained with noise in place of zeros around the noise, so that borders move too. A
ConSinGAN's coarsest z_rec is the picture itself unless it was trained with `z_rec="fixed"`, as the official ones for
animation are: without that, let the coarsest scale stay.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from jaxprior.checks import described, random_key
from jaxprior.errors import ArgumentError
from jaxprior.models.singan.drawing import check_start_scale
from jaxprior.models.singan.model import SingleImageModel, require_count, require_model


Array = jax.Array
FIRST_STEP = 0.05
START_SCALE = 2
"""The coarsest scale that moves in the official code."""


def animate(
    model: SingleImageModel,
    key: Array,
    *,
    frames: int = 100,
    start_scale: int | None = None,
    alpha: float = 0.1,
    beta: float = 0.9,
) -> Array:
    """Compute the frames of a short animation of the picture that a model was trained on.

    Arguments:
        model: the trained model, a SinGAN with either kind of padding or a ConSinGAN.
        key: where all chance comes from; the first frames do not depend on how many there are.
        frames: number of frames.
        start_scale: the coarsest scale that moves; 0 moves everything. By default 2, as in the official code, or the
            finest scale of a model that has fewer.
        alpha: how closely frames keep to the picture, 0 to 1; at 1 each of them is the reconstruction.
        beta: how smoothly they follow each other, 0 to 1: the share of the last step that the next one keeps.

    Returns:
        Images [frames, h, w, c], about in [-1, 1].

    Raises:
        ValueError: a scale that does not exist, no frames, or alpha or beta out of range.
        ArgumentError: no model of one picture.

    Example:
        >>> save_animation(  # needs a trained model # doctest: +SKIP
        ...     "balloons.webp", to_uint8(animate(model, jax.random.key(0))), fps=10
        ... )
    """
    require_model(model)
    require_count("frames", frames, "frame")
    start_scale = min(START_SCALE, len(model.sizes) - 1) if start_scale is None else start_scale
    check_start_scale(model, start_scale)
    for name, value in (("alpha", alpha), ("beta", beta)):
        if not isinstance(value, int | float | np.number) or not 0 <= value <= 1:
            raise ArgumentError(f"{name}: expected a number from 0 to 1, got {described(value)}.")
    return _animate(model, random_key("key", key), alpha, beta, frames=frames, start_scale=start_scale)


@partial(jax.jit, static_argnames=("frames", "start_scale"))
def _animate(model: SingleImageModel, key: Array, alpha: float, beta: float, *, frames: int, start_scale: int) -> Array:
    moving = [noise[None] for noise in model.kept_noises[start_scale:]]
    below = model.entering(start_scale)

    def drawn(number: Array | int) -> list[Array]:
        return model.draw_noises(jax.random.fold_in(key, number), model.sizes, count=1)[start_scale:]

    def step(walk, number):
        before, last = walk
        now = jax.tree.map(
            lambda z, a, b, noise: alpha * z + (1 - alpha) * (b + beta * (b - a) + (1 - beta) * noise),
            moving, before, last, drawn(number),
        )  # fmt: skip
        # Frames are computed one by one: a batch of them takes as long on a CPU, and more memory.
        return (last, now), model.synthesize(now, below=below, start=start_scale)[-1][0]

    first = jax.tree.map(lambda z, noise: (1 - FIRST_STEP) * z + FIRST_STEP * noise, moving, drawn(0))
    _, images = jax.lax.scan(step, (moving, first), jnp.arange(1, frames + 1))
    return images
