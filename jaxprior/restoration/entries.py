"""Entries of a batch: every start of every picture is one. Entry i is start i % starts of picture i // starts.

Here they are picked out for the engine, and what was found of them is put together again.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxprior.inversion.batching import Batch
from jaxprior.inversion.engine import choose
from jaxprior.inversion.starts import GivenStart
from jaxprior.inversion.starts.given import check_given
from jaxprior.operators import Operator, take
from jaxprior.protocols import Codes


Array = jax.Array


class Problems:
    """Some entries as problems of the engine.

    Arguments:
        operator, observed, keys: of all pictures, with a leading axis b.
        entries: which; latents: of all of them, to begin or go on with, or None.
        starts: of every picture.
        place: puts a batch of entries on the devices.
    """

    def __init__(
        self, operator: Operator, observed: Array, keys: Array, entries: np.ndarray, latents: Any, *, starts: int,
        place: Callable[[Batch], Batch],
    ):  # fmt: skip
        self.entries, self.latents, self.starts, self.place = entries, latents, starts, place
        # Entries are picked out on the host, where this takes no program.
        self.operator, self.observed, self.keys = jax.tree.map(np.asarray, operator), np.asarray(observed), keys

    def __len__(self) -> int:
        return len(self.entries)

    def take(self, indices: np.ndarray) -> Batch:
        """Some of them, spread over the devices."""
        row, nth = np.divmod(self.entries[indices], self.starts)
        latents = None if self.latents is None else jax.tree.map(lambda x: x[indices], self.latents)
        keys = keys_of_entries(self.keys, row, nth)
        return self.place(Batch(take(self.operator, row), self.observed[row], keys, nth, latents))


@jax.jit
def keys_of_entries(keys: Array, row: Array, nth: Array) -> Array:
    """The random keys of some starts: the first start of a picture has the picture's own.

    Arguments:
        keys: of all pictures [b]; row: of which pictures [n]; nth: of which of their starts [n].
    """
    return jax.vmap(lambda key, s: jnp.where(s == 0, key, jax.random.fold_in(key, s)))(keys[row], nth)


def given_latents(start: Any, codes: Codes, generator: Any, entries: np.ndarray, keys: Array, *, starts: int) -> Any:
    """Latents that the caller gave of some entries, completed by what the codes begin with; None without any.

    Arguments:
        start: where latents begin; codes: all that is found, a tuning included; generator: cut where they say.
        entries, keys, starts: see `Problems`.
    """
    if not isinstance(start, GivenStart):
        return None
    wanted = jax.eval_shape(codes.init, generator, keys[0])
    check_given(start.given, wanted, pictures=len(keys), starts=starts)
    rows, nth = np.divmod(entries, starts)
    begun = jax.vmap(partial(codes.init, generator))(keys[rows])
    per_start = start.given["z"].ndim == begun["z"].ndim + 1
    return {**begun, **start.of_entries(rows, nth, per_start=per_start)}


def better(found: dict, again: dict, entries: np.ndarray) -> dict:
    """What two passes found: of each entry that was gone on with, the better one; the times of both.

    Arguments:
        found: of all entries; again: of those that were gone on with, `entries`.
    """
    old = jax.tree.map(lambda x: x[entries], found)
    wins = jnp.asarray(np.isfinite(again["loss"]) & ~(again["loss"] >= old["loss"]))
    chosen = choose(wins, again, old)
    chosen["seconds"] = again["seconds"] + old["seconds"]
    return jax.tree.map(lambda x, new: jnp.asarray(x).at[entries].set(new), found, chosen)


def average(found: dict, starts: int) -> dict:
    """Entries -> pictures: images, losses and traces averaged over the starts that have a finite loss.

    All of it lies on the host, where NumPy computes it: JAX would compile a program for each of these lines.
    """
    if starts > 1:
        found = jax.tree.map(lambda x: np.asarray(x).reshape(-1, starts, *x.shape[1:]), found)
        sound = np.isfinite(found["loss"])

        def mean(x: np.ndarray) -> np.ndarray:
            use = sound.reshape(sound.shape + (1,) * (x.ndim - 2))
            return np.where(use, x, 0).sum(axis=1) / np.maximum(use.sum(axis=1), 1).astype(x.dtype)

        found["images"], found["psnr"] = mean(found["images"]), mean(found["psnr"])
        found["loss"] = np.where(sound.any(axis=1), mean(found["loss"]), np.float32(np.inf))
        for name in {"trace", "errors"} & set(found):
            found[name] = found[name].mean(axis=1)
        found["step"], found["seconds"] = found["step"].max(axis=1), found["seconds"].sum(axis=1)
    return jax.device_put(found)
