"""Apply a function to pictures so many at a time: one compiled shape, so that no picture's place matters."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp


def in_groups(function: Callable[..., jax.Array], *arrays: Any, size: int) -> jax.Array:
    """Apply a function of batches to arrays of pictures, `size` pictures at a time.

    Arguments:
        function: of arrays [size, ...], each picture by itself; compiled, as a rule.
        arrays: of the same b pictures, leading axis b; the last group is padded with its first picture.
        size: pictures in a group.

    Returns:
        what the function returns, [b, ...].

    Example:
        >>> in_groups(lambda x, y: x + y, jnp.arange(3), jnp.arange(3), size=2).tolist()
        [0, 2, 4]
    """
    parts = []
    for first in range(0, len(arrays[0]), size):
        some = [array[first : first + size] for array in arrays]
        count = len(some[0])
        if count < size:
            some = [jnp.concatenate([part, jnp.repeat(part[:1], size - count, axis=0)]) for part in some]
        parts.append(function(*some)[:count])
    return parts[0] if len(parts) == 1 else jnp.concatenate(parts)
