"""A set of pictures as lanes of the engine: batches of one shape, several starts of a picture, further passes."""

import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxprior.inversion.engine import Codes, choose, solve_batch
from jaxprior.inversion.objective import Objective
from jaxprior.inversion.solvers import Solve
from jaxprior.operators import Operator, take


Array = jax.Array


class Lanes:
    """The inversions of some pictures. Lane i is start i % starts of picture i // starts.

    Arguments:
        generator, objective: see `jaxprior.inversion.engine`.
        operator: forward operator, all arrays with a leading axis b; observed: observations [b, ...].
        keys: one random key per picture [b]; the first start uses it as it is, the others are folded in.
        codes, solve, bank: what is optimised, how, and samples to start from (or None).
        size: pictures in one batch.
        progress: called with (pictures done, pictures, steps done, steps, mean loss of the running batch).
    """

    def __init__(
        self,
        generator: Any,
        objective: Objective,
        operator: Operator,
        observed: Array,
        keys: Array,
        *,
        codes: Codes,
        solve: Solve,
        bank: Any,
        size: int,
        progress: Callable[[int, int, int, int, float], None] | None,
    ):
        self.generator, self.objective = generator, objective
        self.operator, self.observed, self.keys = operator, observed, keys
        self.codes, self.settings, self.bank, self.progress = codes, solve, bank, progress
        self.size = size * solve.starts

    def solve(self) -> dict[str, Any]:
        """Solve every lane, go on with those that miss the target, and average the starts of a picture."""
        starts, target = self.settings.starts, self.settings.target_psnr
        found = self._run(np.arange(len(self.observed) * starts))
        for _ in range(self.settings.passes - 1):
            unfinished = np.flatnonzero(~(np.asarray(found["psnr"]) >= target))
            if len(unfinished):
                again = self._run(unfinished, start=jax.tree.map(lambda x, u=unfinished: x[u], found["latents"]))
                found = _better(found, again, unfinished)
        return _average(found, starts)

    def _run(self, lanes: np.ndarray, *, start: Any = None) -> dict[str, Any]:
        """Solve some lanes, from given latents or from new ones; the last batch is padded."""
        parts, pictures = [], len(lanes) / self.settings.starts
        for first in range(0, len(lanes), self.size):
            began = time.perf_counter()
            real = min(self.size, len(lanes) - first)
            places = np.minimum(np.arange(first, first + self.size), len(lanes) - 1)
            row, turn = np.divmod(lanes[places], self.settings.starts)
            keys = jax.vmap(lambda k, s: jnp.where(s == 0, k, jax.random.fold_in(k, s)))(self.keys[row], turn)

            def tell(step: int, losses: Array, first: int = first, real: int = real) -> None:
                if self.progress is not None:
                    done = (first + (real if step is None else 0)) / self.settings.starts
                    steps = self.settings.steps if step is None else step
                    self.progress(int(done), int(pictures), steps, self.settings.steps, float(jnp.mean(losses[:real])))

            found = solve_batch(
                self.generator, self.objective, take(self.operator, row), self.observed[row], keys,
                codes=self.codes, solve=self.settings, bank=self.bank, lanes=jnp.asarray(turn),
                start=None if start is None else jax.tree.map(lambda x, p=places: x[p], start), on_chunk=tell,
            )  # fmt: skip
            part = jax.block_until_ready(jax.tree.map(lambda x, real=real: x[:real], found))
            part["seconds"] = np.full(real, (time.perf_counter() - began) / real)
            parts.append(part)
            tell(None, part["loss"])
        return parts[0] if len(parts) == 1 else jax.tree.map(lambda *x: jnp.concatenate(x), *parts)


def _better(found: dict, again: dict, lanes: np.ndarray) -> dict:
    """What two passes found: of each lane that was gone on with, the better one; the times of both."""
    old = jax.tree.map(lambda x: x[lanes], found)
    wins = jnp.isfinite(again["loss"]) & ~(again["loss"] >= old["loss"])
    chosen = choose(wins, again, old)
    chosen["seconds"] = again["seconds"] + old["seconds"]
    return jax.tree.map(lambda x, new: jnp.asarray(x).at[lanes].set(new), found, chosen)


def _average(found: dict, starts: int) -> dict:
    """Lanes -> pictures: images, losses and traces averaged over the starts that have a finite loss."""
    if starts == 1:
        return found
    found = jax.tree.map(lambda x: jnp.asarray(x).reshape(-1, starts, *x.shape[1:]), found)
    sound = jnp.isfinite(found["loss"])

    def mean(x: Array) -> Array:
        use = sound.reshape(sound.shape + (1,) * (x.ndim - 2))
        return jnp.where(use, x, 0).sum(axis=1) / jnp.maximum(use.sum(axis=1), 1)

    found["images"], found["psnr"] = mean(found["images"]), mean(found["psnr"])
    found["loss"] = jnp.where(sound.any(axis=1), mean(found["loss"]), jnp.inf)
    found["trace"] = found["trace"].mean(axis=1)
    found["step"], found["seconds"] = found["step"].max(axis=1), found["seconds"].sum(axis=1)
    return found
