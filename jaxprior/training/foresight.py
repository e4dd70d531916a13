"""What a training will do and need, before it starts: steps, memory, disk and time of each phase.

The compiler says what memory a step needs. How long it takes is known where this machine has trained the same before
(`remember_speed`); elsewhere a few steps of each phase can be timed. Nothing of the run is written.
"""

import hashlib
import math
import statistics
import time
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from jaxprior.errors import MemoryLimitError
from jaxprior.restoration import costs
from jaxprior.restoration.memory import limit_of, planned_bytes
from jaxprior.system import ahead, remembered, runtime
from jaxprior.system.activity import doing
from jaxprior.system.ahead import Program, shapes_of
from jaxprior.system.amounts import needed, plural
from jaxprior.system.compiling import CompileClock
from jaxprior.system.provenance import device_name
from jaxprior.training.data_parallel import DataParallel, Spread
from jaxprior.training.phases import Phase
from jaxprior.training.stored_pixels import StoredPixels


SPEEDS = "training-speeds.json"
"""Seconds of a step of every phase that this machine has trained."""

LEAST, TIMED, LONGEST = 3, 32, 2.0
"""So many steps of a phase are timed at least and at most, in between as many as fit into so many seconds."""

SURE = 1.5
"""What is counted, times this, is more than any step was seen to need; the compiler is asked about larger ones only."""

LARGE = 0.5
"""Phases whose batches hold less than this share of the pixels of the largest need less memory than that one."""

KEPT = 3
"""Checkpoints that lie on the disk at a time: two are kept while a third is written."""


@dataclass(frozen=True, kw_only=True)
class PhaseForecast:
    """What one phase takes.

    Fields:
        name: of the phase.
        steps: that are left to do; batch: pictures a step.
        bytes: that a step needs on the device; None where the training does not say which programs it calls.
        step_seconds: of one step; None where that is not known.
        measured: whether steps were timed now; else the time is known from an earlier training.
    """

    name: str
    steps: int
    batch: int
    bytes: int | None
    step_seconds: float | None
    measured: bool

    @property
    def seconds(self) -> float | None:
        """Of all its steps."""
        return None if self.step_seconds is None else self.steps * self.step_seconds


@dataclass(frozen=True, kw_only=True)
class TrainingForecast:
    """What a whole training takes.

    Fields:
        phases: in order, those with nothing left to do included.
        done: steps done before.
        compiling_seconds: that its programs took to be compiled, or read, for this forecast. They are kept.
        pictures_bytes: of host memory for the decoded pictures; 0 where they lie in a file.
        disk_bytes: for checkpoints, weights, and that file.
    """

    phases: list[PhaseForecast]
    done: int
    compiling_seconds: float
    pictures_bytes: int
    disk_bytes: int

    @property
    def seconds(self) -> float | None:
        """Of all steps that are left; None where the time of a phase is not known."""
        known = [phase.seconds for phase in self.phases if phase.steps]
        return None if None in known else math.fsum(s for s in known if s is not None)

    @property
    def bytes(self) -> int | None:
        """That the largest step needs on the device, or None."""
        return max((phase.bytes for phase in self.phases if phase.bytes is not None), default=None)


def foresee(plan: Any, *, done: int = 0, placement: DataParallel | None = None) -> TrainingForecast:
    """Foresee a training. Its programs are compiled, and a few steps of a phase are done where its speed is not known.

    Arguments:
        plan: a `session.Plan`.
        done: steps done before.
        placement: the devices over which its batches are spread; by default one. Bytes are those of each device.

    Example:
        >>> forecast = foresee(plan(PRESETS["cats32"], pictures))  # compiles for a minute # doctest: +SKIP
        >>> forecast.bytes, forecast.seconds  # needs pictures # doctest: +SKIP
        (187654321, 3912.0)
    """
    key, placement = jax.random.key(plan.seed), placement or _first_device()
    found, left = [], done
    with jax.default_matmul_precision(runtime.MATMUL_PRECISION[plan.settings["precision"]]), CompileClock() as clock:
        timer = _Timer(plan, key, placement)
        needs: dict[Hashable, int] = {}
        for phase, programs in zip(plan.phases, _programs(plan, key, placement), strict=True):
            with doing(f"compiling the programs of {phase.name}"):
                names = [program.compile_ahead() for program in programs]
                for name, program in zip(names, programs, strict=True):
                    ahead.wait_for(name)
                    if name not in needs:
                        needs[name] = planned_bytes(program.compiled())
            steps = max(phase.steps - left, 0)
            left = max(left - phase.steps, 0)
            known = known_speed(plan, phase, placement)
            found.append(
                PhaseForecast(
                    name=phase.name,
                    steps=steps,
                    batch=phase.images_per_step,
                    bytes=max((needs[name] for name in names), default=None),
                    step_seconds=timer.seconds(phase, names) if known is None and steps else known,
                    measured=known is None,
                )
            )
        state = jax.eval_shape(plan.init, key)
    size = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(state))
    pixels = plan.pictures.pixels
    stored = isinstance(pixels, StoredPixels)
    return TrainingForecast(
        phases=found,
        done=done,
        compiling_seconds=clock.seconds,
        pictures_bytes=0 if stored else pixels.nbytes,
        disk_bytes=(KEPT + 1) * size + stored * pixels.nbytes,  # the weights are smaller than a checkpoint
    )


def check_memory(plan: Any, *, limit: float | None = None, placement: DataParallel | None = None) -> None:
    """Refuse a training of which a phase needs more memory than the device has, before anything of it begins.

    Arguments:
        plan: a `session.Plan`.
        limit: bytes that a step may need on each device. By default all that an accelerator has; CPUs do not tell.
        placement: the devices over which its batches are spread; by default one.

    Raises:
        MemoryLimitError: it names the phase, what that needs, and what to do.
    """
    limit = limit_of(jax.local_devices()[:1], limit)
    if limit is None:
        return
    key, placement = jax.random.key(plan.seed), placement or _first_device()
    sizes = [_pixels(phase) for phase in plan.phases]
    checked: set[Hashable] = set()
    with jax.default_matmul_precision(runtime.MATMUL_PRECISION[plan.settings["precision"]]):
        for phase, programs, pixels in zip(plan.phases, _programs(plan, key, placement), sizes, strict=True):
            if not phase.steps or pixels < LARGE * max(sizes):
                continue
            for program in programs:
                if program.name in checked:
                    continue
                checked.add(program.name)
                with doing("counting what memory a step needs"):
                    needs = _needs(program, limit)
                if needs > limit:
                    raise MemoryLimitError(_too_much(phase, needs, limit))


def remember_speed(plan: Any, phase: Phase, step_seconds: float, placement: DataParallel | None = None) -> None:
    """Remember how long a step of a phase took on these devices, for forecasts of trainings with the same settings."""
    remembered.keep(SPEEDS, _speed_name(plan, phase, placement), round(step_seconds, 6))


def known_speed(plan: Any, phase: Phase, placement: DataParallel | None = None) -> float | None:
    """Return the seconds of a step of a phase that these devices, by default one, have trained before, or None."""
    found = remembered.read(SPEEDS).get(_speed_name(plan, phase, placement))
    return float(found) if isinstance(found, int | float) else None


def _first_device() -> DataParallel:
    return DataParallel(jax.local_devices()[:1])


def _speed_name(plan: Any, phase: Phase, placement: DataParallel | None) -> str:
    """Stands for all on which the time of a step depends: numbers that only change its values are left out."""
    no_size = ("seed", "steps")
    settings = plan.settings.items()
    sizes = {name: value for name, value in settings if not isinstance(value, float) and name not in no_size}
    batch = jax.tree.map(np.shape, phase.batch(0))
    devices = (placement or _first_device()).spread(phase.images_per_step).devices
    key = (device_name(devices), plan.name, sizes, phase.name, phase.images_per_step, batch)
    return hashlib.sha256(repr(key).encode()).hexdigest()[:32]


def _programs(plan: Any, key: jax.Array, placement: DataParallel) -> list[Sequence[Program]]:
    """The programs of every phase's steps, for the shapes and places that state and batches will have."""
    state, found = jax.eval_shape(plan.init, key), []
    for phase in plan.phases:
        state = jax.eval_shape(phase.begin, state)
        spread = placement.spread(phase.images_per_step)
        places = spread.state_shapes(state), spread.batch_shapes(shapes_of(phase.batch(0)))
        found.append(phase.programs(*places, shapes_of(key)) if phase.steps else ())
    return found


def _pixels(phase: Phase) -> int:
    """Numbers in a batch of a phase."""
    return sum(np.size(leaf) for leaf in jax.tree.leaves(phase.batch(0)))


def _needs(program: Program, limit: float) -> float:
    """Bytes that a program needs: counted, or asked of the compiler where what is counted may be too much."""
    counted = costs.count(program.function.trace(*program.arguments, **program.options)).bytes
    return counted if SURE * counted <= limit else planned_bytes(program.compiled())


def _too_much(phase: Phase, needs: float, limit: float) -> str:
    smaller = "take a smaller batch (--batch-size)"
    if phase.unit == "steps":
        smaller = "train on a smaller picture (--max-size)"
    noun = "volume" if phase.unit == "volumes" else "picture"
    return (
        f"The phase {phase.name} of this training needs {needed(needs)} for a step of {phase.images_per_step} "
        f"{plural(noun, phase.images_per_step)}, and may take {needed(limit)}: {smaller}, or "
        "use a device with more memory."
    )


class _Timer:
    """Does a few steps of phases, beginning with the start state of a training."""

    def __init__(self, plan: Any, key: jax.Array, placement: DataParallel):
        self.plan, self.key, self.placement = plan, key, placement
        self._known: dict[tuple[Hashable, ...], float] = {}
        self._state: Any = None
        self._begun = 0

    def seconds(self, phase: Phase, programs: Sequence[Hashable]) -> float:
        """Seconds of one step; phases that call the same programs are timed once."""
        name = tuple(programs) or (phase.name,)
        if name not in self._known:
            with doing(f"measuring how fast a step of {phase.name} is"):
                self._known[name] = self._timed(phase)
        return self._known[name]

    def _timed(self, phase: Phase) -> float:
        if self._state is None:
            self._state = self.plan.init(self.key)
        phases = self.plan.phases
        number = next(i for i, one in enumerate(phases) if one is phase)
        for one in phases[self._begun : number + 1]:
            self._state = one.begin(self._state)
        self._begun = number + 1
        spread = self.placement.spread(phase.images_per_step)
        self._state = spread.state(self._state)
        for index in range(2):  # of a step with a rare part both programs are called once
            self._step(phase, index, spread)
        took: list[float] = []
        while len(took) < TIMED and (len(took) < LEAST or sum(took) < LONGEST):
            began = time.perf_counter()
            self._step(phase, len(took) + 2, spread)
            took.append(time.perf_counter() - began)
        self._state = spread.local(self._state)
        return statistics.median(took)  # a pause of the machine would move the mean

    def _step(self, phase: Phase, index: int, spread: Spread) -> None:
        self._state, metrics = phase.step(index, self._state, spread.batch(phase.batch(index)), self.key)
        jax.block_until_ready(metrics)
