"""Start on the best of many samples: a bank of generated images, compared with what is known of each observation.

The bank costs one forward pass per sample and prior; choosing from it costs one comparison per sample and image, no
gradient. On a small network trained on digits it was worth more than any number of steps.
"""

from functools import partial

import jax
import jax.numpy as jnp


Array = jax.Array
CHUNK = 64
"""Samples compared at once."""


@partial(jax.jit, static_argnames=("count", "starts"))
def choose(bank, operator, targets, lanes: Array, *, count: int, starts: int) -> Array:
    """Codes of the best samples for every image, best first.

    Arguments:
        bank: object with codes `z` [k, d] and their images `pixels` [k, r, r, c], uint8 for [-1, 1].
        operator: forward operator, all arrays with a leading axis b.
        targets: `Target`, leading axis b; samples are compared with `fitted`, held-out pixels are not looked at.
        lanes: integers [b]: which of its image's starts each entry of the batch is.
        count: codes wanted for each; starts: number of starts, which choose among disjoint parts of the bank.

    Returns:
        [b, count, d].
    """
    k = len(bank.pixels)
    if k < count * starts:
        raise ValueError(f"a bank of {k} samples is too small for {count} codes and {starts} starts of each image")
    chunk = next(n for n in range(min(CHUNK, k), 0, -1) if k % n == 0)
    pieces = bank.pixels.reshape(-1, chunk, *bank.pixels.shape[1:])

    def errors(piece: Array) -> Array:
        images = piece.astype(jnp.float32) / 127.5 - 1

        def of_one(operator, target) -> Array:
            seen = jax.vmap(operator.apply)(images)
            keep = 1.0 if target.held is None else (1 - target.held)[None]
            errors = jnp.square(seen * keep - target.fitted[None])
            return jnp.mean(errors, axis=tuple(range(1, errors.ndim)))

        return jax.vmap(of_one)(operator, targets)  # [b, chunk]

    found = jnp.moveaxis(jax.lax.map(errors, pieces), 1, 0).reshape(len(lanes), k)
    mine = jnp.arange(k)[None] % starts == lanes[:, None]
    _, best = jax.lax.top_k(jnp.where(mine, -found, -jnp.inf), count)
    return bank.z[best]
