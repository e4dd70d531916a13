"""Continuous batching: any number of problems through one compiled shape.

    waiting problems --begin--> slots --advance in chunks--> ended ones --finish--> found; their slots take the next

All slots take their steps together, but a problem that reaches its target PSNR is done before its last step. It stays
as it is from then on while its slot costs what the others cost, so once a share of the slots is idle, what was found is
fetched and the next problems come in, at the same shape. Without a target all slots end together: group after group.

What is found for a problem depends neither on its slot, nor on its neighbours, nor on when it came in, to the bit.
"""

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple, Protocol, runtime_checkable

import jax
import numpy as np

from jaxprior.inversion import engine
from jaxprior.inversion.objective import Objective
from jaxprior.inversion.solvers import Solve
from jaxprior.inversion.state import EMPTY, BatchState, from_arrays, named, nested
from jaxprior.inversion.watching import Look, current_watcher
from jaxprior.protocols import Codes
from jaxprior.system.activity import doing


Array = jax.Array

IDLE = 0.25
"""Share of idle slots at which the next problems come in: beginning and finishing cost about as much as three steps."""


class Batch(NamedTuple):
    """Problems with a leading axis each, as `engine.begin` takes them."""

    operator: Any
    observed: Array | np.ndarray
    keys: Array
    nth: Array | np.ndarray | None = None
    latents: Any = None


class Truth(NamedTuple):
    """The originals of problems, to which iterates are compared now and then. They decide nothing.

    Fields:
        photos: [m, *image_shape] in [-1, 1].
        every: iterations from one comparison to the next.
    """

    photos: np.ndarray
    every: int


@runtime_checkable
class Problems(Protocol):
    """A sequence of problems, of which any few can be had at once, where they shall be solved."""

    def __len__(self) -> int:
        """How many there are."""
        ...

    def take(self, indices: np.ndarray) -> Batch:
        """Some of them; one may come twice."""
        ...


def solve(
    generator,
    objective: Objective,
    problems: Problems,
    *,
    size: int,
    codes: Codes,
    solve: Solve,
    platform: str,
    start: Any = None,
    on_chunk: Callable[[BatchState], None] | None = None,
    resume: Mapping[str, np.ndarray] | None = None,
    truth: Truth | None = None,
) -> dict[str, Any]:
    """Solve every problem.

    Arguments:
        generator, objective, codes, solve, start: as for `engine.begin`.
        problems: m of them.
        platform: kind of the devices that they are solved on, "cpu", "gpu" or "tpu".
        size: slots; the last ones are padded where m is no multiple.
        on_chunk: called after every chunk of steps, and when problems have ended, with the `BatchState` that was
            reached, which the next chunk invalidates.
        resume: arrays of a state of the same problems (`BatchState.to_arrays`) to go on from.
        truth: originals to which iterates are compared; no result depends on them.

    Returns:
        On the host, leading axis m: images [m, r, r, 3]; latents; loss, psnr (on what is known) and step of the kept
        iterate; trace [m, steps + 1], which repeats the loss at which a problem was done before its last step; seconds,
        what a problem took of the wall time; with originals also errors [m, k], the mean square error to them of the
        iterates after 0, `every`, 2 `every`, ... iterations, which repeats that at which a problem was done.

    Raises:
        ValueError: `resume` belongs to other problems or to another method.
    """
    run = _Run(generator, objective, problems, size, codes, solve, start, platform, truth)
    tell = on_chunk or (lambda batch: None)
    with jax.default_matmul_precision(solve.matmul_precision):
        run.begin(resume)
        while not run.batch.ended.all():
            idle = run.idle()
            waiting = run.batch.entered < len(problems)
            if idle.all() or (waiting and np.mean(idle) >= IDLE):
                run.exchange(idle)
            else:
                run.advance(idle, wait=on_chunk is not None)
            tell(run.batch)
    return run.result()


class _Run:
    """One call of `solve`: a batch that moves on."""

    def __init__(self, generator, objective, problems, size, codes, solve, start, platform, truth):
        self.generator, self.objective, self.problems = generator, objective, problems
        self.size, self.solve, self.start = size, solve, start
        self.platform, self.truth, self.watcher = platform, truth, current_watcher()
        self.static = {"codes": codes, "solve": solve}
        self.unread: list[tuple[np.ndarray, Array]] = []
        """Losses [k, s] of chunks that were not waited for, and how many of each slot were known before."""
        self.since = time.perf_counter()

    def begin(self, resume: Mapping[str, np.ndarray] | None) -> None:
        """Put the first problems into slots, or those that were in there."""
        m, steps = len(self.problems), self.solve.steps
        slots, evaluated = np.full(self.size, EMPTY), np.zeros(self.size, int)
        self.batch = BatchState(slots=slots, evaluated=evaluated, entered=0, found={}, ended=np.zeros(m, bool))
        if self.watcher is not None:
            self.watcher.started(m, steps)
        if resume is None:
            self._enter()
        self.batch.state = state = self._take()
        self.batch.traces = np.zeros((m, steps + 1), state["kept"]["loss"].dtype)
        if self.truth is not None:
            self.batch.errors = np.full((m, steps // self.truth.every + 1), np.nan, np.float32)
        if resume is not None:
            self.batch = from_arrays(resume, self.batch)
            self._take()

    def idle(self) -> np.ndarray:
        """Slots [s] that have nothing more to do."""
        idle = (self.batch.slots == EMPTY) | (self.batch.evaluated >= self.solve.steps)
        return idle if self.solve.target_psnr is None else idle | np.asarray(self.batch.state["done"])

    def advance(self, idle: np.ndarray, *, wait: bool) -> None:
        """A chunk of steps of all slots, no longer than the longest of them has to go."""
        batch = self.batch
        steps = min(engine.CHUNK, self.solve.steps - int(batch.evaluated[~idle].min()))
        if self.watcher is not None:
            steps = min(steps, self.watcher.every)
        if self.truth is not None:
            self._compare(~idle)
            steps = min(steps, int((self.truth.every - batch.evaluated[~idle] % self.truth.every).min()))
        batch.state, losses = engine.advance(
            batch.state, self.generator, self.objective, self.operator, self.target,
            **self.static, steps=steps, platform=self.platform,
        )  # fmt: skip
        before = batch.evaluated.copy()
        self.unread.append((before, losses))
        batch.evaluated += len(losses)
        if wait or self.watcher is not None:
            self._read()
            batch.steps = int(np.mean(batch.evaluated[~idle]))
            batch.loss = float(np.mean(np.asarray(losses)[-1][~idle]))
        if self.watcher is not None:
            self.watcher.looked(self._look(np.flatnonzero(~idle), before, np.asarray(losses)))

    def _look(self, running: np.ndarray, before: np.ndarray, losses: np.ndarray) -> Look:
        """What a watcher sees of the slots that run [n], whose losses [k, s] came after `before` [s] steps."""

        def images() -> np.ndarray:
            rendered = engine.render(self.batch.state, self.generator, codes=self.static["codes"])
            return np.asarray(rendered)[running]

        problems = self.batch.slots[running]
        return Look(problems=problems, steps=before[running], losses=losses[:, running], images=images)

    def exchange(self, idle: np.ndarray) -> None:
        """Fetch what was found in idle slots and let the next problems in."""
        batch, steps = self.batch, self.solve.steps
        self._read()
        if self.truth is not None:
            self._compare(idle)
        found = engine.finish(batch.state, self.generator, self.objective, self.operator, self.target, **self.static)
        found, moves = jax.device_get((named(found), batch.state["step"]))
        slots = np.flatnonzero(idle & (batch.slots != EMPTY))
        ended, last = batch.slots[slots], found.pop("last_loss")
        for i, problem in zip(slots, ended, strict=True):
            trace = batch.traces[problem]
            trace[moves[i] :] = last[i] if moves[i] == steps else trace[moves[i]]
        now = time.perf_counter()
        found["seconds"], self.since = np.full(self.size, (now - self.since) / len(slots)), now
        for name, values in found.items():
            if name not in batch.found:
                batch.found[name] = np.zeros((len(self.problems), *values.shape[1:]), values.dtype)
            batch.found[name][ended] = values[slots]
        batch.ended[ended] = True
        batch.slots[slots] = EMPTY
        batch.steps, batch.loss = steps, float(np.mean(found["loss"][slots]))
        if batch.entered < len(self.problems):
            fresh = self._enter()
            batch.state = _replace(batch.state, self._take(), fresh)

    def result(self) -> dict[str, Any]:
        """Everything that was found."""
        found = {**nested(self.batch.found), "trace": self.batch.traces}
        return found if self.truth is None else {**found, "errors": _filled(self.batch.errors)}

    def _compare(self, which: np.ndarray) -> None:
        """Note how far the iterates of some slots [s] are from their originals, of those whose turn it is."""
        assert self.truth is not None
        batch, every = self.batch, self.truth.every
        due = which & (batch.slots != EMPTY) & (batch.evaluated % every == 0) & (batch.evaluated <= self.solve.steps)
        if not due.any():
            return
        images = np.asarray(engine.render(batch.state, self.generator, codes=self.static["codes"]))
        for slot in np.flatnonzero(due):
            problem = batch.slots[slot]
            error = np.mean(np.square(images[slot] - self.truth.photos[problem]))
            batch.errors[problem, batch.evaluated[slot] // every] = error

    def _enter(self) -> np.ndarray:
        """Put waiting problems into empty slots, and tell which slots these are [s]."""
        batch = self.batch
        slots = np.flatnonzero(batch.slots == EMPTY)[: len(self.problems) - batch.entered]
        batch.slots[slots] = batch.entered + np.arange(len(slots))
        batch.evaluated[slots] = 0
        batch.entered += len(slots)
        return np.isin(np.arange(self.size), slots)

    def _take(self) -> Any:
        """Take the problems of all slots; returns the state at their start. An empty slot gets another's problem."""
        slots = self.batch.slots
        some = slots.max() if slots.max() != EMPTY else 0
        with doing("preparing the next pictures"):
            operator, observed, keys, nth, latents = self.problems.take(np.where(slots == EMPTY, some, slots))
            self.operator = operator
            state, self.target = engine.begin(
                self.generator, self.objective, operator, observed, keys,
                start=self.start, nth=nth, latents=latents, **self.static,
            )  # fmt: skip
        return state

    def _read(self) -> None:
        """Wait for the losses of past chunks and write them into the problems' traces."""
        for known, losses in self.unread:
            losses = np.asarray(losses)
            for slot, problem in enumerate(self.batch.slots):
                if problem != EMPTY:
                    there = self.batch.traces[problem, known[slot] : self.solve.steps]
                    there[: len(losses)] = losses[: len(there), slot]
        self.unread = []


def _filled(errors: np.ndarray) -> np.ndarray:
    """Errors [m, k] with what is not known of a problem that was done early: its last one."""
    errors = errors.copy()
    for k in range(1, errors.shape[1]):
        errors[:, k] = np.where(np.isnan(errors[:, k]), errors[:, k - 1], errors[:, k])
    return errors


@partial(jax.jit, donate_argnums=0)
def _replace(state, fresh, which):
    return engine.choose(which, fresh, state)
