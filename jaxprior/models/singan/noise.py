"""Noise of all scales of a drawing."""

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np


Array = jax.Array


def draw_normals(key: Array, shapes: Sequence[tuple[int, ...]], *, count: int, dtype=float) -> list[Array]:
    """Independent N(0, 1) of several shapes, [count, *shape] each.

    Arguments:
        key: image i takes its i-th share, whatever `count` is.
        shapes: without the images' axis.
        count: number of images.
        dtype: of the result; JAX's default if not given.
    """
    ends = np.cumsum([math.prod(shape) for shape in shapes])
    # All scales at once: each call of `normal` costs a second of compilation on a CPU, more than the networks do.
    keys = jax.vmap(lambda i: jax.random.fold_in(key, i))(jnp.arange(count))
    drawn = jnp.split(jax.vmap(lambda own: jax.random.normal(own, (ends[-1],), dtype))(keys), ends[:-1], axis=1)
    return [part.reshape(count, *shape) for part, shape in zip(drawn, shapes, strict=True)]
