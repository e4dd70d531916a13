"""Jobs to results: degrade, invert a group of one compiled shape, retry what diverged, compare with the truth.

    jobs --stack, pad--> observations --invert--> result --(diverged: once more, gentler)--> one `Found` a job

A picture whose loss becomes infinite or not a number touches no other (see the engine). It is solved once more with a
quarter of the learning rate and other chance; if that fails too, the best finite iterate is reported as diverged.
"""

import dataclasses
import itertools
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import numpy as np

from jaxprior import operators
from jaxprior.data.pixels import to_float
from jaxprior.evaluation.cells import Cell, with_mask
from jaxprior.evaluation.reading import Job
from jaxprior.evaluation.scores import score, score_photo
from jaxprior.inversion.batching import Truth
from jaxprior.restoration.cut_photos import shown
from jaxprior.restoration.drawing import spread_of
from jaxprior.restoration.drivers import Inverter, Result, observe
from jaxprior.restoration.memory import FULL_SPEED, MemoryPlan
from jaxprior.restoration.presets import Method
from jaxprior.restoration.prior_fit import judge
from jaxprior.restoration.save_points import SavePoint
from jaxprior.runs.row import DIVERGED, GOOD, OK, POOR
from jaxprior.system.activity import doing
from jaxprior.system.quick_programs import QUICKLY_COMPILED


BATCHES_AHEAD = 4
"""Batches given to the engine at once where pictures may end early, so that others can take their places."""
GENTLER = 0.25
"""Factor of the learning rate of a retry."""
RETRY_STREAM = 0x72657472
"""Keeps a retry's chance apart from that of the first try."""

RECOVERED = "it diverged at first; solved with a quarter of the learning rate and other codes"
LOST = "the loss became infinite or not a number, also with a quarter of the learning rate; the best finite iterate"


@dataclasses.dataclass(frozen=True)
class Found:
    """What was found for one picture: images [r, r, c], latents and losses without a batch axis, figures by name.

    Where pictures keep their size, `merged` and `observed` are the whole photograph, uint8 [h, w, 3], and `squares` has
    what was found for each of its squares; raw, latents and trace are of the first one, or empty if there is none.
    `fit` says whether the picture looks like what the prior was trained on. `draws` [K, ...] are other answers, merged,
    and `spread` [h, w] says how far they lie apart. `errors` [k] are those of iterates to the original, where the cell
    follows them.
    """

    raw: np.ndarray
    merged: np.ndarray
    observed: np.ndarray
    latents: Any
    trace: np.ndarray
    loss: float
    status: str
    reason: str | None
    figures: dict[str, float]
    squares: tuple["Found", ...] | None = None
    fit: str | None = None
    draws: np.ndarray | None = None
    spread: np.ndarray | None = None
    errors: np.ndarray | None = None

    @property
    def parts(self) -> tuple["Found", ...]:
        """What the engine solved: this picture, or its squares."""
        return (self,) if self.squares is None else self.squares


class Solver:
    """A cell's task and method with a prior, made ready for groups of `batch` pictures.

    Arguments:
        cell, prior: what to do, and with what.
        wanted: pictures solved at once, where the device gains by it.
        memory_plan: what a step does to save memory.
        network: the feature network in which results are compared with their originals, or None.
    """

    def __init__(
        self, cell: Cell, prior: Any, *, wanted: int, memory_plan: MemoryPlan = FULL_SPEED, network: Any = None
    ):
        self.cell, self.prior, self.network = cell, prior, network
        self._use(Inverter(prior, cell.method).with_memory_plan(memory_plan), wanted)

    def fit(self, memory: float | None) -> None:
        """Solve fewer at once, or more slowly, if a step would need more than the devices have, or so many bytes.

        Raises:
            MemoryLimitError: not even one picture fits.
        """
        self._use(*self.inverter.fitted(*self.shapes(), wanted=self.batch, memory=memory))

    def shrink(self) -> bool:
        """Solve fewer at once, or more slowly; False if both are impossible."""
        smaller = self.inverter.placement.group(max(self.batch // 2, 1))
        with_less_memory = self.inverter if smaller < self.batch else self.inverter.with_less_memory()
        if with_less_memory is not None:
            self._use(with_less_memory, smaller)
        return with_less_memory is not None

    def _use(self, inverter: Inverter, wanted: int) -> None:
        self.inverter, self.memory_plan = inverter, inverter.placement.memory_plan
        self.batch = inverter.placement.group(wanted)
        ends_early = self.cell.method.solve.target_psnr is not None
        self.at_once = self.batch * (BATCHES_AHEAD if ends_early and self.batch > 1 else 1)
        self._gentle: Inverter | None = None

    def solve(
        self, jobs: Sequence[Job], *, save_point: SavePoint, progress: Callable[[int, int, float], None]
    ) -> list[Found]:
        """Solve up to `at_once` jobs, `batch` at a time.

        Arguments:
            jobs: pictures, at least one; the last batch is padded with the first.
            save_point: where what is in flight is saved and found again.
            progress: called with (steps done, steps, mean loss) between chunks.

        Returns:
            One `Found` a job, in their order. What a job gets does not depend on the others.
        """
        parts = [part for job in jobs for part in job.parts]
        found = iter(self._solve(parts, save_point=save_point, progress=progress) if parts else ())
        return [
            next(found)
            if job.cut is None
            else put_together(
                job, list(itertools.islice(found, len(job.cut.squares))), measures=self.cell.measures
            )
            for job in jobs
        ]

    def _solve(
        self, jobs: Sequence[Job], *, save_point: SavePoint, progress: Callable[[int, int, float], None]
    ) -> list[Found]:
        """Solve pictures of the prior's size; see `solve`."""
        self.inverter.compile_ahead(*self.shapes(), wanted=self.batch)
        with doing("preparing the observations"):
            task, observed, ids = self._observations(jobs)

        together = self.batch < self.at_once or self.cell.method.draws is not None
        groups = 1 if together else -(-len(jobs) // self.batch)  # one after the other

        def tell(done: int, _of: int, steps: int, total: int, loss: float) -> None:
            progress(total * min(done // self.batch, groups - 1) + steps, total * groups, loss)

        key = jax.random.key(self.cell.seed)
        settings = {"ids": ids, "batch_size": self.batch, "progress": tell}
        every = self.cell.error_every
        originals = None if every is None else _stacked(jobs, self.batch, "original")
        compared = None if every is None or originals is None else Truth(originals, every)
        inversion = {"key": key, "save_point": save_point, "truth": compared, **settings}
        result: Any = _on_host(self.inverter.invert(observed, task, **inversion))
        diverged = np.flatnonzero(result.diverged[: len(jobs)])
        reasons: dict[int, str] = {}
        if len(diverged):
            some = np.array(_padded(list(diverged), self.batch))
            key, settings["ids"] = jax.random.fold_in(key, RETRY_STREAM), ids[some]
            if compared is not None:
                settings["truth"] = Truth(compared.photos[some], compared.every)
            again = self.gentle.invert(observed[some], operators.take(task, some), key=key, **settings)
            result, reasons = _choose(result, _on_host(again), diverged)
        observed = np.asarray(observed)
        truth, masks = (_stacked(jobs, self.batch, name) for name in ("truth", "mask"))
        figures = []
        for first in range(0, len(jobs), self.batch):  # of one shape, as everything that is computed
            some = np.arange(first, first + self.batch)
            *of_some, draws = (None if part is None else part[some] for part in (truth, masks, result.draws))
            restored = (result.images[some], result.merged[some], observed[some])
            with doing("measuring what was found"):
                figures += score(
                    operators.take(task, some), *restored, *of_some, network=self.network, draws=draws,
                    measures=self.cell.measures,
                )  # fmt: skip
        with doing("judging how well the pictures fit the prior"):
            fits = judge(self.prior, observed[: len(jobs)], operators.take(task, np.arange(len(jobs))))
        if getattr(task, "observes_numbers", False):
            observed = np.asarray(_shown(operators.batched(task, len(ids)), observed))
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
                fit=fits[i],
                draws=None if result.draws is None else result.draws[i],
                spread=None if result.spread is None else result.spread[i],
                errors=None if result.errors is None else result.errors[i],
            )
            for i in range(len(jobs))
        ]

    def shapes(self) -> tuple[operators.Operator, jax.ShapeDtypeStruct]:
        """The task of one picture, and shape and type of its observation."""
        return shapes_of(self.cell, self.prior)

    def step_bytes(self) -> int:
        """Bytes on each device that one step of a batch needs, as the compiler plans it; see `Placement.step_bytes`."""
        task, observed = self.shapes()
        return self.inverter.placement.step_bytes(task, observed, size=self.batch)

    @property
    def gentle(self) -> Inverter:
        """The same with a quarter of the learning rate, made when it is first needed."""
        if self._gentle is None:
            method = Method(*self.cell.method)
            solve = dataclasses.replace(method.solve, learning_rate=GENTLER * method.solve.learning_rate)
            self._gentle = Inverter(self.prior, method._replace(solve=solve)).with_memory_plan(self.memory_plan)
        return self._gentle

    def _observations(self, jobs: Sequence[Job]) -> tuple[operators.Operator, jax.Array, np.ndarray]:
        """The task with every picture's mask, the observations and the ids of a padded group."""
        cell, photos = self.cell, np.stack([job.photo for job in _padded(jobs, self.batch)])
        ids = np.array([job.id for job in _padded(jobs, self.batch)], np.uint32)
        task = cell.task
        if cell.mask is not None:
            task = with_mask(task, np.stack([job.mask for job in _padded(jobs, self.batch)]))
        if cell.clean and not cell.keeps_size:  # whole photographs were degraded before they were cut
            return task, observe(task, photos, key=jax.random.key(cell.seed), ids=ids), ids
        return task, _shown(operators.batched(task, len(ids)), photos), ids


def shapes_of(cell: Cell, prior: Any) -> tuple[operators.Operator, jax.ShapeDtypeStruct]:
    """The task of one picture of a cell, and shape and type of its observation."""
    shape, task = prior.image_shape, cell.task
    if cell.mask is not None:
        task = with_mask(task, np.zeros(shape[:-1], np.float32))
    return task, jax.eval_shape(type(task).apply, task, jax.ShapeDtypeStruct(shape, np.float32))


@partial(jax.jit, compiler_options=QUICKLY_COMPILED)
def _shown(task: operators.Operator, photos: jax.Array) -> jax.Array:
    """What is seen of photos, for every one of them by its own operator."""
    return jax.vmap(type(task).shown, (operators.image_axes(task), 0))(task, photos)


def put_together(job: Job, squares: Sequence[Found], *, measures: Sequence[str] = ()) -> Found:
    """Make a whole photograph of what was found for its squares; `measures` as for `score`."""
    assert job.cut is not None
    with doing("putting the photograph together"):
        none = np.zeros((0, *job.cut.image_shape), np.float32)
        merged = job.cut.restored(np.stack([one.merged for one in squares]) if squares else none)
        draws = None
        if squares and squares[0].draws is not None:
            every = np.stack([one.draws for one in squares if one.draws is not None], axis=1)
            draws = np.stack([job.cut.restored(draw) for draw in every])
        figures: dict[str, float] = {}
        if job.truth is not None:
            raw = job.cut.pasted(np.stack([one.raw for one in squares]) if squares else none)
            figures = score_photo(merged, job.truth, raw, measures=measures)
    for name in dict.fromkeys(name for one in squares for name in one.figures):
        figures[name] = float(np.mean([one.figures[name] for one in squares]))
    nothing = np.zeros(0, np.float32)
    first = squares[0] if squares else None
    return Found(
        raw=nothing if first is None else first.raw,
        merged=merged,
        observed=shown(job.cut),
        latents={} if first is None else first.latents,
        trace=nothing if first is None else first.trace,
        loss=float(np.mean([one.loss for one in squares])) if squares else math.nan,
        status=DIVERGED if any(one.status == DIVERGED for one in squares) else OK,
        reason=next((one.reason for one in squares if one.reason is not None), None),
        figures=figures,
        squares=tuple(squares),
        fit=_fit_of_squares(job, squares),
        draws=draws,
        spread=None if draws is None else np.asarray(spread_of(to_float(draws)[None]))[0],
    )


def _fit_of_squares(job: Job, squares: Sequence[Found]) -> str | None:
    """How the squares in which most of a photograph's holes lie fit the prior; None if it is known of none."""
    assert job.cut is not None
    area = {GOOD: 0.0, POOR: 0.0}
    for part, square, found in zip(job.parts, job.cut.squares, squares, strict=True):
        if found.fit is not None:
            area[found.fit] += square.side**2 * (1.0 if part.mask is None else float(part.mask.mean()))
    return None if not any(area.values()) else POOR if area[POOR] > area[GOOD] else GOOD


def _padded(some: Sequence[Any], batch: int) -> list[Any]:
    """As many as fill whole batches, the first again and again."""
    return [*some, *[some[0]] * (-len(some) % batch)]


def _stacked(jobs: Sequence[Job], batch: int, name: str) -> np.ndarray | None:
    if getattr(jobs[0], name) is None:
        return None
    return np.stack([getattr(job, name) for job in _padded(jobs, batch)])


ARRAYS = ("images", "merged", "latents", "loss", "diverged", "trace", "draws", "spread", "errors")
"""Fields of a result that are needed on the host."""


def _on_host(result: Result) -> Result:
    return dataclasses.replace(result, **jax.device_get({name: getattr(result, name) for name in ARRAYS}))


def _choose(first: Result, again: Result, diverged: np.ndarray) -> tuple[Result, dict[int, str]]:
    """The retry of each diverged picture, in their order, where it is sound or at least lower, and why."""
    reasons = {int(i): LOST if lost else RECOVERED for i, lost in zip(diverged, again.diverged, strict=False)}
    with np.errstate(invalid="ignore"):
        better = ~again.diverged[: len(diverged)] | (again.loss[: len(diverged)] < first.loss[diverged])
    turns = np.flatnonzero(better)

    def put(old: np.ndarray, new: np.ndarray) -> np.ndarray:
        old = np.array(old)
        old[diverged[turns]] = new[turns]
        return old

    chosen = {name: jax.tree.map(put, getattr(first, name), getattr(again, name)) for name in ARRAYS}
    return dataclasses.replace(first, **chosen), reasons
