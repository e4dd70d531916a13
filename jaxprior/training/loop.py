"""The training loop that every model shares: phases of steps, checkpoints, metrics, snapshots, progress.

A recipe hands over a list of `Phase`s and a start state. The loop walks through them, writes `metrics.csv`, saves a
checkpoint every few minutes and continues from the newest one. What a step sees depends only on (state, phase, index):
batches are pure functions of the index, random keys are folded from it. Killed and resumed therefore equals never
killed, bit for bit on one machine.
"""

import collections
import csv
import io
import os
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import jax
import numpy as np

from jaxprior.runs import checkpoints
from jaxprior.system.activity import Activity, doing
from jaxprior.system.ahead import Program
from jaxprior.system.programs import compiling
from jaxprior.training import next_phase, processes
from jaxprior.training.clock import TrainingClock
from jaxprior.training.placement import Placement
from jaxprior.training.reading_ahead import batches_ahead


def no_programs(*_shapes: Any) -> Sequence[Program]:
    """Say of no program that a phase calls it; they are compiled when they are called."""
    return ()


@dataclass(frozen=True, kw_only=True)
class Phase:
    """A stretch of training with one network shape.

    Fields:
        name: shown in the progress and in `metrics.csv`.
        steps: number of steps.
        begin: state -> state, called once when the phase starts (grow, freeze, inherit, reset an optimiser).
        step: (index, state, batch, key) -> (state, metrics); compiled by the recipe.
        batch: index -> whatever `step` wants, on the host. Another thread calls it ahead of time (`reading_ahead`).
        images_per_step: for throughput and the image count; the first axis of a batch is so long.
        unit: what progress counts: "pictures" that were shown, or "steps" where all of them show the same picture.
        programs: (state, batch, key) as shapes -> the programs that its steps call. Threads compile them ahead.
        programs_at_end: state as shapes -> the programs that draw and measure it, and that the next phase begins with.
            Threads compile these, too.
    """

    name: str
    steps: int
    begin: Callable[[Any], Any]
    step: Callable
    batch: Callable[[int], Any]
    images_per_step: int
    unit: Literal["pictures", "steps"] = "pictures"
    programs: Callable[[Any, Any, Any], Sequence[Program]] = no_programs
    programs_at_end: Callable[[Any], Sequence[Program]] = no_programs

    @property
    def counted(self) -> int:
        """How much of what progress counts a step is."""
        return 1 if self.unit == "steps" else self.images_per_step


@dataclass(frozen=True, kw_only=True)
class Moment:
    """Where training stands: what observers get.

    Fields:
        phase, phase_number, index: the phase, its number, steps done in it.
        step: steps done altogether; images: pictures shown altogether; total_steps, total_images: at the end.
        images_per_second: measured since the last report.
        unit: what progress counts, see `Phase`.
        metrics: name -> float of the newest logged step.
    """

    phase: str
    phase_number: int
    index: int
    step: int
    total_steps: int
    images: int
    total_images: int
    images_per_second: float
    unit: str
    metrics: dict[str, float]


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
    placement: Placement | None = None,
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
        on_log: called at every logged step.
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
    pace, clock = pace or Pace(), clock or TrainingClock()
    placement = placement or Placement(jax.local_devices()[:1])
    spreads = placement.spreads([phase.images_per_step for phase in phases])
    first, start = 0, 0
    restored = None
    if folder is not None:
        restored = checkpoints.restore(Path(folder) / "checkpoints", {"state": state, "phase": 0, "index": 0})
    if restored is not None:
        state = jax.tree.map(jax.numpy.asarray, restored[1]["state"])
        first, start = int(restored[1]["phase"]), int(restored[1]["index"])
    first, start = map(int, processes.from_first((first, start)))
    agreement = processes.Agreement()
    may_stop = should_stop if processes.count() == 1 else _never  # several stop after a step, together
    before = [sum(p.steps for p in phases[:i]) for i in range(len(phases) + 1)]
    shown = [sum(p.steps * p.images_per_step for p in phases[:i]) for i in range(len(phases) + 1)]
    log = None if folder is None else MetricsFile(Path(folder) / "metrics.csv", keep_below=before[first] + start)
    counted = [sum(p.steps * p.counted for p in phases[:i]) for i in range(len(phases) + 1)]
    work = work or Activity("training")
    work.total, work.unit = counted[-1], phases[0].unit
    work.skip(counted[first] + start * phases[first].counted if first < len(phases) else counted[-1])
    last_save = last_snapshot = time.monotonic()
    moment: Moment | None = None  # of the newest step that was logged

    def save(state, number: int, index: int):
        if folder is not None:
            tree = {"state": state, "phase": number, "index": index}
            checkpoints.save(Path(folder) / "checkpoints", before[number] + index, tree)

    for number in range(first, len(phases)):
        phase, spread = phases[number], spreads[number]
        work.text, work.detail = f"training, {phase.name}", ""
        if start == 0:
            with doing("preparing its networks"):
                state = phase.begin(state)
        state = spread.state(state)
        phase_key = jax.random.fold_in(key, number)
        at_end: Sequence[Hashable] = ()  # names of programs that threads compile
        ticked, ticked_at = start, clock.seconds
        ahead: collections.deque[dict] = collections.deque()  # what steps measured that may not be computed yet
        with batches_ahead(phase.batch, start, phase.steps) as next_batch:
            for index in range(start, phase.steps):
                step_key = jax.random.fold_in(phase_key, index)
                batch = spread.batch(next_batch())
                if index == start:
                    state, metrics, at_end = _first_step(phase, index, state, batch, step_key, should_stop=may_stop)
                    if number + 1 < len(phases):
                        next_phase.compile_next(phases[number + 1], state, step_key, spreads[number + 1])
                else:
                    state, metrics = phase.step(index, state, batch, step_key)
                ahead.append(metrics)
                if len(ahead) > AHEAD:
                    jax.block_until_ready(ahead.popleft())
                work.moved(counted[number] + (index + 1 - len(ahead)) * phase.counted)
                done = index + 1
                asked, over = agreement.after_step(should_stop(), clock.is_over)
                stopping = asked or over
                logged = done % pace.log_every == 0 or done == phase.steps
                if logged or stopping:
                    values = {name: float(value) for name, value in metrics.items()}  # waits for the device
                    ahead.clear()
                    work.moved(counted[number] + done * phase.counted)
                    trained = clock.seconds
                    images = shown[number] + done * phase.images_per_step
                    moment = Moment(
                        phase=phase.name,
                        phase_number=number,
                        index=done,
                        step=before[number] + done,
                        total_steps=before[-1],
                        images=images,
                        total_images=shown[-1],
                        images_per_second=(done - ticked) * phase.images_per_step / max(trained - ticked_at, 1e-9),
                        unit=phase.unit,
                        metrics=values,
                    )
                    ticked, ticked_at = done, trained
                    if logged and log is not None:
                        log.append({"step": moment.step, "phase": phase.name, "images": images, **values})
                    work.detail = ", ".join(f"{name} {value:.3g}" for name, value in values.items() if "loss" in name)
                    on_log(moment)
                    if time.monotonic() - last_snapshot > pace.snapshot_seconds and done < phase.steps:
                        next_phase.wait_for(at_end)
                        on_snapshot(spread.local(state), moment)
                        last_snapshot = time.monotonic()
                        ticked_at += clock.seconds - trained  # the rate is of training alone
                if done < phase.steps and time.monotonic() - last_save > pace.checkpoint_seconds:
                    trained = clock.seconds
                    save(spread.local(state), number, done)
                    last_save = time.monotonic()
                    ticked_at += clock.seconds - trained
                if stopping and done < phase.steps:
                    state = spread.local(state)
                    save(state, number, done)
                    assert moment is not None  # made above, because the training stops
                    next_phase.wait_for(at_end)
                    on_snapshot(state, moment)
                    stop = Interrupted if asked else PlannedEnd
                    raise stop(f"stopped in phase {phase.name} after {done} of {phase.steps} steps")
        start, state = 0, spread.local(state)
        save(state, number + 1, 0)
        last_save = time.monotonic()
        if phase.steps:
            assert moment is not None  # the last step of a phase is logged
            next_phase.wait_for(at_end)
            on_snapshot(state, moment)
            last_snapshot = time.monotonic()
        asked, over = agreement.at_once(should_stop(), clock.is_over)
        if (asked or (over and phase.steps)) and number + 1 < len(phases):
            stop = Interrupted if asked else PlannedEnd
            raise stop(f"stopped after phase {phase.name}")
    return state


def _never() -> bool:
    return False


def _first_step(
    phase: Phase, index: int, state: Any, batch: Any, key: jax.Array, *, should_stop: Callable[[], bool]
) -> tuple[Any, dict, Sequence[Hashable]]:
    """The first step of a phase that this process does. Its programs are compiled first, unless they are there already.

    Returns:
        what the step returns, and the names of the programs that threads compile for the end of the phase.
    """
    programs, at_end = next_phase.compile_now(phase, state, batch, key)
    if programs and next_phase.is_ready(programs):
        return *phase.step(index, state, batch, key), at_end
    with compiling("the training step", state, batch):
        next_phase.wait_for(programs, should_stop=should_stop)
        if should_stop() and not next_phase.is_ready(programs):
            raise Interrupted(f"stopped in phase {phase.name} after {index} of {phase.steps} steps")
        return *phase.step(index, state, batch, key), at_end


class MetricsFile:
    """`metrics.csv`: one row a logged step. Rows at or after the point of resumption are dropped when it is opened."""

    def __init__(self, path: Path, *, keep_below: int):
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = [row for row in read_metrics(path) if int(row["step"]) <= keep_below]
        self.fields = list(dict.fromkeys(name for row in rows for name in row if row[name] != ""))
        self._rewrite(rows)

    def append(self, row: dict) -> None:
        """Add one row; a new column rewrites the file."""
        row = {name: _plain(value) for name, value in row.items()}
        if new := [name for name in row if name not in self.fields]:
            rows = read_metrics(self.path)
            self.fields += new
            self._rewrite(rows)
        with open(self.path, "a", newline="") as file:
            csv.DictWriter(file, self.fields, restval="").writerow(row)

    def _rewrite(self, rows: list[dict]) -> None:
        text = io.StringIO()
        writer = csv.DictWriter(text, self.fields, restval="", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
        temporary = self.path.with_suffix(".tmp")
        temporary.write_text(text.getvalue())
        os.replace(temporary, self.path)


def read_metrics(path: Path) -> list[dict[str, str]]:
    """Rows of a `metrics.csv`; an incomplete last row is left out. Empty when there is no file."""
    if not Path(path).is_file():
        return []
    with open(path, newline="") as file:
        text = file.read()
    whole = text[: text.rfind("\n") + 1]
    return [row for row in csv.DictReader(io.StringIO(whole)) if row.get("step", "").isdigit()]


def _plain(value):
    return f"{value:.6g}" if isinstance(value, float | np.floating) else value
