"""The training loop that every model shares: phases of steps, checkpoints, metrics, snapshots, progress.

A recipe hands over a list of `Phase`s and a start state. The loop walks through them, writes `metrics.csv`, saves a
checkpoint every few minutes and continues from the newest one. What a step sees depends only on (state, phase, index):
batches are pure functions of the index, random keys are folded from it. Killed and resumed therefore equals never
killed, bit for bit on one machine.
"""

import collections
import contextlib
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax

from jaxprior.runs import checkpoints
from jaxprior.system.activity import Activity, doing
from jaxprior.system.programs import compiling
from jaxprior.training import next_phase, processes
from jaxprior.training.clock import Speed, TrainingClock
from jaxprior.training.data_parallel import DataParallel
from jaxprior.training.metrics_file import MetricsFile
from jaxprior.training.phases import Counts, Moment, Phase
from jaxprior.training.reading_ahead import batches_ahead


AHEAD = 2
"""Steps that are given to the device before earlier ones are done: enough to keep it busy, and few enough that progress
and planned times are true, and that a stop need not wait for many steps."""


class Interrupted(Exception):
    """Training stopped on request, after saving a checkpoint; the same call continues it."""


class PlannedEnd(Interrupted):
    """Training stopped in the same way, because its planned time was over."""


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How often the loop does what besides training.

    Fields:
        log_every: steps between rows of `metrics.csv`.
        checkpoint_seconds: between checkpoints; one is also written after every phase.
        snapshot_seconds: between snapshots; one is also taken after every phase.
    """

    log_every: int = 50
    checkpoint_seconds: float = 120.0
    snapshot_seconds: float = 120.0


def run(
    phases: list[Phase],
    state,
    *,
    folder: Path | None,
    key: jax.Array,
    placement: DataParallel | None = None,
    pace: Pace | None = None,
    on_log: Callable[[Moment], None] = lambda moment: None,
    on_snapshot: Callable[[Any, Moment], None] = lambda state, moment: None,
    should_stop: Callable[[], bool] = lambda: False,
    clock: TrainingClock | None = None,
    work: Activity | None = None,
):
    """Run or continue training.

    Arguments:
        phases: in order.
        state: start state, a pytree of arrays; all phases keep its structure and shapes.
        folder: the run folder; gets `checkpoints/` and `metrics.csv`. None in a process of several that leaves writing
            to the first one, from which it also gets the state.
        key: randomness of the run.
        placement: over which devices each batch is spread; by default everything lies on the first one.
        pace: intervals of logging, checkpoints and snapshots.
        on_log: called at every logged step. A phase whose last step an earlier process made, and which that process
            could not end, calls it once, without metrics.
        on_snapshot: called with the state now and then, after every phase and at a stop (samples, exported weights).
            The state it gets lies on one device.
        should_stop: polled between steps; when true, a checkpoint is saved and `Interrupted` raised. Where one of
            several processes is asked to stop, all stop after the same step.
        clock: measures the training and has its planned time, after which it stops in the same way. At least one step
            is done. By default there is no planned time.
        work: is told how far the training is, in pictures or in steps as its phases say.

    Returns:
        The final state, on one device.

    Raises:
        SettingsError: several processes cannot share the batches evenly.
        Interrupted: `should_stop` said so.
        PlannedEnd: the planned time is over.
    """
    training = _Training(
        phases,
        folder=folder,
        key=key,
        placement=placement or DataParallel(jax.local_devices()[:1]),
        pace=pace or Pace(),
        on_log=on_log,
        on_snapshot=on_snapshot,
        should_stop=should_stop,
        clock=clock or TrainingClock(),
        work=work or Activity("training"),
    )
    return training.all_phases(state)


class _Training:
    """One call of `run`, whose arguments it has: phase by phase, from where the newest checkpoint stands."""

    def __init__(
        self,
        phases: list[Phase],
        *,
        folder: Path | None,
        key: jax.Array,
        placement: DataParallel,
        pace: Pace,
        on_log: Callable[[Moment], None],
        on_snapshot: Callable[[Any, Moment], None],
        should_stop: Callable[[], bool],
        clock: TrainingClock,
        work: Activity,
    ):
        self.phases, self.counts, self.key = phases, Counts(phases), key
        self.folder = None if folder is None else Path(folder)
        self.spreads = placement.spreads([phase.images_per_step for phase in phases])
        self.pace, self.clock, self.work = pace, clock, work
        self.on_log, self.on_snapshot, self.should_stop = on_log, on_snapshot, should_stop
        self.agreement = processes.Agreement()
        self.log: MetricsFile | None = None
        self.saved_at = self.drawn_at = time.monotonic()
        self.drawing: Sequence[Hashable] = ()  # names of programs for snapshots, which threads compile

    def all_phases(self, state: Any) -> Any:
        """Train from the newest checkpoint, or else from a start state, to the end. Returns the final state."""
        state, first, start = self._restored(state)
        for number in range(first, len(self.phases)):
            state = self._phase(number, start, state)
            start = 0
        return state

    def _restored(self, state: Any) -> tuple[Any, int, int]:
        """The state to go on with, the number of its phase, and the steps that are done in that one."""
        found = None
        if self.folder is not None:
            found = checkpoints.restore(self.folder / "checkpoints", {"state": state, "phase": 0, "index": 0})
        first, start = 0, 0
        if found is not None:
            state = jax.tree.map(jax.numpy.asarray, found[1]["state"])
            first, start = int(found[1]["phase"]), int(found[1]["index"])
        first, start = map(int, processes.from_first((first, start)))
        if self.folder is not None:
            done = self.counts.steps(first, start)
            self.log = MetricsFile(self.folder / "metrics.csv", keep_below=done)
        self.work.total, self.work.unit = self.counts.progress(len(self.phases), 0), self.phases[0].unit
        self.work.skip(self.counts.progress(first, start))
        return state, first, start

    def _phase(self, number: int, start: int, state: Any) -> Any:
        """Do what is left of a phase. Its last state is saved before its snapshot, so that neither can be lost."""
        phase, spread = self.phases[number], self.spreads[number]
        self.work.text, self.work.detail = f"training, {phase.name}", ""
        if start == 0:
            with doing("preparing its networks"):
                state = phase.begin(state)
        if not phase.steps:
            self._save(state, number + 1, 0)
            return state
        if start < phase.steps:
            state, moment = self._steps(number, start, spread.state(state))
            state = spread.local(state)
            self._save(state, number, phase.steps)
        else:
            moment = self.counts.moment(number, start, metrics={}, images_per_second=0.0)
            self.on_log(moment)
        self._snapshot(state, moment)
        self._save(state, number + 1, 0)
        if start < phase.steps and number + 1 < len(self.phases):
            asked, over = self.agreement.at_once(self.should_stop(), self.clock.is_over)
            if asked or over:
                raise _stop(asked)(f"stopped after phase {phase.name}")
        return state

    def _steps(self, number: int, start: int, state: Any) -> tuple[Any, Moment]:
        """Make the steps that are left of a phase. Returns the state and the moment after the last one."""
        phase, spread, phase_key = self.phases[number], self.spreads[number], jax.random.fold_in(self.key, number)
        speed, pending = Speed(self.clock, start), _Pending()
        moment: Moment | None = None
        with batches_ahead(phase.batch, start, phase.steps) as next_batch:
            for index in range(start, phase.steps):
                key, batch = jax.random.fold_in(phase_key, index), spread.batch(next_batch())
                if index == start:
                    state, metrics = self._first_step(number, index, state, batch, key)
                else:
                    state, metrics = phase.step(index, state, batch, key)
                done = index + 1
                self.work.moved(self.counts.progress(number, done - pending.add(metrics)))
                asked, over = self.agreement.after_step(self.should_stop(), self.clock.is_over)
                stopping, last = asked or over, done == phase.steps
                logged = last or done % self.pace.log_every == 0
                if logged or stopping:
                    values = pending.values(metrics)
                    rate = speed.at(done) * phase.images_per_step
                    moment = self.counts.moment(number, done, metrics=values, images_per_second=rate)
                    self._report(moment, logged=logged)
                if last:
                    break
                if stopping:
                    assert moment is not None  # it was made above
                    state = spread.local(state)
                    self._save(state, number, done)
                    self._snapshot(state, moment)
                    raise _stop(asked)(f"stopped in phase {phase.name} after {done} of {phase.steps} steps")
                with speed.paused():
                    if logged and time.monotonic() - self.drawn_at > self.pace.snapshot_seconds:
                        assert moment is not None
                        self._snapshot(spread.local(state), moment)
                    if time.monotonic() - self.saved_at > self.pace.checkpoint_seconds:
                        self._save(spread.local(state), number, done)
        assert moment is not None  # the last step is logged
        return state, moment

    def _first_step(self, number: int, index: int, state: Any, batch: Any, key: jax.Array) -> tuple[Any, dict]:
        """The first step of a phase that this process makes. Its programs are compiled before, those of the next phase
        from now on."""
        phase = self.phases[number]
        should_stop = self.should_stop if processes.count() == 1 else _never  # several stop after a step, together
        programs, self.drawing = next_phase.compile_now(phase, state, batch, key)
        with contextlib.ExitStack() as shown:
            if not programs or not next_phase.is_ready(programs):
                shown.enter_context(compiling("the training step", state, batch))
                next_phase.wait_for(programs, should_stop=should_stop)
                if should_stop() and not next_phase.is_ready(programs):
                    raise Interrupted(f"stopped in phase {phase.name} after {index} of {phase.steps} steps")
            state, metrics = phase.step(index, state, batch, key)
        if number + 1 < len(self.phases):
            next_phase.compile_next(self.phases[number + 1], state, key, self.spreads[number + 1])
        return state, metrics

    def _report(self, moment: Moment, *, logged: bool) -> None:
        """Show and log what the newest step measured; a row is written of the steps alone that `Pace` names."""
        self.work.moved(self.counts.progress(moment.phase_number, moment.index))
        if logged and self.log is not None:
            self.log.append({"step": moment.step, "phase": moment.phase, "images": moment.images, **moment.metrics})
        self.work.detail = ", ".join(f"{name} {value:.3g}" for name, value in moment.metrics.items() if "loss" in name)
        self.on_log(moment)

    def _save(self, state: Any, number: int, index: int) -> None:
        """Save a checkpoint of `index` steps done in a phase; the phase after the last one says that all is done."""
        if self.folder is not None:
            tree = {"state": state, "phase": number, "index": index}
            checkpoints.save(self.folder / "checkpoints", self.counts.steps(number, index), tree)
        self.saved_at = time.monotonic()

    def _snapshot(self, state: Any, moment: Moment) -> None:
        next_phase.wait_for(self.drawing)
        self.on_snapshot(state, moment)
        self.drawn_at = time.monotonic()


class _Pending:
    """What the newest steps measured, which the device may not have computed yet; of more steps than `AHEAD` the
    oldest is waited for."""

    def __init__(self):
        self._metrics: collections.deque[dict] = collections.deque()

    def add(self, metrics: dict) -> int:
        """Take what a step measured. Returns how many steps may not be computed yet."""
        self._metrics.append(metrics)
        if len(self._metrics) > AHEAD:
            jax.block_until_ready(self._metrics.popleft())
        return len(self._metrics)

    def values(self, newest: dict) -> dict[str, float]:
        """What the newest step measured, as numbers: waits until it is computed."""
        found = {name: float(value) for name, value in newest.items()}
        self._metrics.clear()
        return found


def _stop(asked: bool) -> type[Interrupted]:
    """What is raised at a stop that somebody asked for, or else at the planned end."""
    return Interrupted if asked else PlannedEnd


def _never() -> bool:
    return False
