"""The random noise of all scales, drawn at once."""

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np


Array = jax.Array


def draw_normals(key: Array, shapes: Sequence[tuple[int, ...]], *, count: int, dtype=float) -> list[Array]:
    """Independent numbers from N(0, 1) in arrays of several shapes, [count, *shape] each.

    Arguments:
        key: image i takes its i-th share, whatever `count` is.
        shapes: the shapes for one image.
        count: number of images.
        dtype: number type of the result; JAX's default if not given.
    """
    ends = np.cumsum([math.prod(shape) for shape in shapes])
    # All are drawn by one call, because each call of `normal` takes a second to compile on a CPU, more than a network.
    keys = jax.vmap(lambda i: jax.random.fold_in(key, i))(jnp.arange(count))
    drawn = jnp.split(jax.vmap(lambda own: jax.random.normal(own, (ends[-1],), dtype))(keys), ends[:-1], axis=1)
    return [part.reshape(count, *shape) for part, shape in zip(drawn, shapes, strict=True)]
