"""Jobs to results: degrade, invert a group of one compiled shape, retry what diverged, compare with the truth.

    jobs --stack, pad--> observations --invert--> result --(diverged: once more, gentler)--> one `Found` a job

A picture whose loss becomes infinite or not a number touches no other (see the engine). It is solved once more with a
quarter of the learning rate and other chance; if that fails too, the best finite iterate is reported as diverged.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from jaxprior import operators
from jaxprior.evaluation.cells import Cell
from jaxprior.evaluation.journal import DIVERGED, OK
from jaxprior.evaluation.reading import Job
from jaxprior.evaluation.scores import score
from jaxprior.lanes import Keeper
from jaxprior.presets import Method
from jaxprior.restoration import Inverter, Result, observe


GENTLER = 0.25
"""Factor of the learning rate of a retry."""
RETRY_STREAM = 0x72657472
"""Keeps a retry's chance apart from that of the first try."""

RECOVERED = "it diverged at first; solved with a quarter of the learning rate and other codes"
LOST = "the loss became infinite or not a number, also with a quarter of the learning rate; the best finite iterate"


@dataclasses.dataclass(frozen=True)
class Found:
    """What was found for one picture: images [r, r, c], latents and losses without a batch axis, figures by name."""

    raw: np.ndarray
    merged: np.ndarray
    observed: np.ndarray
    latents: Any
    trace: np.ndarray
    loss: float
    status: str
    reason: str | None
    figures: dict[str, float | None]


class Solver:
    """A cell's task and method with a prior, made ready for groups of `batch` pictures.

    Arguments:
        cell, prior: what to do, and with what.
        wanted: pictures solved at once, where the device gains by it.
    """

    def __init__(self, cell: Cell, prior: Any, *, wanted: int):
        self.cell, self.prior = cell, prior
        self.inverter = Inverter(prior, cell.method)
        self.batch = self.inverter.lanes.group(wanted)
        self._gentle: Inverter | None = None

    def solve(self, jobs: Sequence[Job], *, keeper: Keeper, progress: Callable[[int, int, float], None]) -> list[Found]:
        """Solve up to `batch` jobs.

        Arguments:
            jobs: pictures, at least one; the group is padded with the first.
            keeper: where the group in flight is saved and found again.
            progress: called with (steps done, steps, mean loss) between chunks.

        Returns:
            One `Found` a job, in their order. What a job gets does not depend on the others.
        """
        task, observed, ids = self._observations(jobs)

        def tell(_done: int, _of: int, steps: int, total: int, loss: float) -> None:
            progress(steps, total, loss)

        key = jax.random.key(self.cell.seed)
        settings = {"ids": ids, "batch_size": self.batch, "progress": tell}
        result = _on_host(self.inverter.invert(observed, task, key=key, keeper=keeper, **settings))
        diverged = np.flatnonzero(result.diverged[: len(jobs)])
        reasons: dict[int, str] = {}
        if len(diverged):
            key = jax.random.fold_in(key, RETRY_STREAM)
            again = _on_host(self.gentle.invert(observed, task, key=key, **settings))
            result, reasons = _choose(result, again, diverged)
        truth, masks = (_stacked(jobs, self.batch, name) for name in ("truth", "mask"))
        observed = np.asarray(observed)
        figures = score(task, result.images, result.merged, observed, truth, masks)
        return [
            Found(
                raw=result.images[i],
                merged=result.merged[i],
                observed=observed[i],
                latents=jax.tree.map(lambda leaf, i=i: leaf[i], result.latents),
                trace=result.trace[i],
                loss=float(result.loss[i]),
                status=DIVERGED if result.diverged[i] else OK,
                reason=reasons.get(i),
                figures=figures[i],
            )
            for i in range(len(jobs))
        ]

    def shapes(self) -> tuple[operators.Operator, jax.ShapeDtypeStruct]:
        """The task of one picture, and shape and type of its observation."""
        size, task = self.prior.resolution, self.cell.task
        if self.cell.mask is not None:
            task = dataclasses.replace(task, mask=np.zeros((size, size), np.float32))
        photo = jax.ShapeDtypeStruct((size, size, self.prior.module.image_channels), np.float32)
        return task, jax.eval_shape(type(task).apply, task, photo)

    @property
    def gentle(self) -> Inverter:
        """The same with a quarter of the learning rate, made when it is first needed."""
        if self._gentle is None:
            method = Method(*self.cell.method)
            solve = dataclasses.replace(method.solve, learning_rate=GENTLER * method.solve.learning_rate)
            self._gentle = Inverter(self.prior, method._replace(solve=solve))
        return self._gentle

    def _observations(self, jobs: Sequence[Job]) -> tuple[operators.Operator, jax.Array, np.ndarray]:
        """The task with every picture's mask, the observations and the ids of a padded group."""
        cell, photos = self.cell, _stacked(jobs, self.batch, "photo")
        ids = np.array([job.id for job in _padded(jobs, self.batch)], np.uint32)
        task = cell.task
        if cell.mask is not None:
            task = dataclasses.replace(task, mask=_stacked(jobs, self.batch, "mask"))
        if cell.clean:
            return task, observe(task, photos, key=jax.random.key(cell.seed), ids=ids), ids
        return task, jax.vmap(type(task).shown)(operators.batched(task, self.batch), photos), ids


def _padded(jobs: Sequence[Job], batch: int) -> list[Job]:
    return [*jobs, *[jobs[0]] * (batch - len(jobs))]


def _stacked(jobs: Sequence[Job], batch: int, name: str) -> np.ndarray | None:
    if getattr(jobs[0], name) is None:
        return None
    return np.stack([getattr(job, name) for job in _padded(jobs, batch)])


def _on_host(result: Result) -> Result:
    names = ("images", "merged", "latents", "loss", "diverged", "trace")
    return dataclasses.replace(result, **jax.device_get({name: getattr(result, name) for name in names}))


def _choose(first: Result, again: Result, diverged: np.ndarray) -> tuple[Result, dict[int, str]]:
    """The retry of each diverged picture where it is sound or at least lower, and why."""
    reasons = {int(i): LOST if again.diverged[i] else RECOVERED for i in diverged}
    with np.errstate(invalid="ignore"):
        wins = [int(i) for i in diverged if not again.diverged[i] or again.loss[i] < first.loss[i]]

    def put(old: np.ndarray, new: np.ndarray) -> np.ndarray:
        old = np.array(old)
        old[wins] = new[wins]
        return old

    names = ("images", "merged", "latents", "loss", "diverged", "trace")
    chosen = {name: jax.tree.map(put, getattr(first, name), getattr(again, name)) for name in names}
    return dataclasses.replace(first, **chosen), reasons
