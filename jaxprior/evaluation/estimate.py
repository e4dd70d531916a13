"""What a cell takes on this device or another, without running it: operations and memory are counted.

Compiling a step takes several seconds, counting its operations takes half of one. So every kind of cell is traced and
counted, and only where nothing is known of a prior on this machine is one step compiled and timed
(`jaxprior.restoration.speed`). Of a few devices that need not be at hand the speed is known
(`jaxprior.restoration.known_devices`).
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax

from jaxprior.evaluation.cells import Cell
from jaxprior.evaluation.runner import DEFAULT_BATCH
from jaxprior.evaluation.solving import Solver, shapes_of
from jaxprior.inversion.starts.random import RandomStart
from jaxprior.restoration.costs import StepCost
from jaxprior.restoration.drawing import placement_of_draws
from jaxprior.restoration.draws import evaluations_of_draws
from jaxprior.restoration.known_devices import KnownDevice
from jaxprior.restoration.memory import ROOM, limit_of
from jaxprior.restoration.placement import Placement
from jaxprior.restoration.speed import Speed, keep_speed, kept_speed, measure_speed, speed_key


READING = 0.5
"""Seconds for reading a compiled program from the cache."""
OTHERS = 1.2
"""What the small programs around a step take to be compiled, as a multiple of what the step takes."""
REST = 0.1
"""Seconds for a picture besides its steps: reading it, choosing where to start, measuring and saving the result."""


@dataclasses.dataclass(frozen=True)
class Estimate:
    """What a cell takes.

    Fields:
        seconds_per_picture: of the steps alone; rest_per_picture: of all else.
        compiling: seconds for the programs of cells like it, once.
        program: stands for the program of its step: cells with the same one compile it once.
        bytes: that a batch needs on each device.
        batch: pictures solved at once.
        measured: whether the machine's speed was measured now; else it was kept from an earlier time.
    """

    seconds_per_picture: float
    rest_per_picture: float
    compiling: float
    program: Any
    bytes: int
    batch: int
    measured: bool


@dataclasses.dataclass(frozen=True)
class _Counted:
    """A cell whose step was counted: what solves it, and what the step takes, of a batch and of one draw."""

    cell: Cell
    prior: Any
    solver: Solver
    cost: StepCost
    of_draw: float

    @property
    def operations(self) -> float:
        """Of all steps of one picture."""
        own = self.cost.operations / self.solver.batch * self.cell.method.evaluations
        return own + self.of_draw * _evaluations_of_draws(self.cell, self.solver.inverter.own_draws)

    @property
    def sort(self) -> str:
        """Cells of one sort are equally fast at an operation."""
        return speed_key(self.solver.inverter.placement, self.prior.sha256)


def estimate_cells(
    cells: Sequence[tuple[Cell, Any]], batch_size: int | None = None, *, memory: float | None = None
) -> list[Estimate]:
    """Estimate several cells.

    Arguments:
        cells: what to do, and with which prior.
        batch_size: pictures solved at once on accelerators; 64 for each device by default.
        memory: see `run_cell`.

    Returns:
        An `Estimate` a cell.
    """
    counted = [_count(cell, prior, batch_size, memory) for cell, prior in cells]
    speeds: dict[str, tuple[Speed, bool]] = {}
    for one in sorted(counted, key=lambda one: one.operations, reverse=True):  # the longest of a sort is measured
        if one.sort not in speeds:
            speeds[one.sort] = _speed(one)
    return [_estimate(one, *speeds[one.sort]) for one in counted]


def estimate_elsewhere(
    cells: Sequence[tuple[Cell, Any]],
    device: KnownDevice,
    batch_size: int,
    *,
    memory: float | None = None,
) -> list[Estimate]:
    """Estimate several cells for one device of a kind that need not be at hand; nothing is compiled or measured.

    Arguments:
        cells, memory: as for `estimate_cells`.
        device: from `jaxprior.restoration.known_devices`.
        batch_size: pictures solved at once, as far as its memory holds them.

    Returns:
        An `Estimate` a cell.

    Raises:
        MemoryLimitError: one picture does not fit the device's memory, whatever is done.
    """
    limit = min(ROOM * device.memory, device.memory if memory is None else memory)
    return [_elsewhere(cell, prior, device, batch_size, limit) for cell, prior in cells]


def _elsewhere(cell: Cell, prior: Any, device: KnownDevice, wanted: int, limit: float) -> Estimate:
    codes, objective, solve = cell.method.codes, cell.method.objective, cell.method.solve
    placement = Placement(
        prior, codes=codes, objective=objective, solve=solve, start=RandomStart(), devices=jax.local_devices()[:1],
        platform=device.platform,
    )  # fmt: skip
    task, observed = shapes_of(cell, prior)
    placement, batch, cost = placement.counted_fit(task, observed, size=wanted, limit=limit)
    own = placement_of_draws(
        prior, cell.method._replace(start=RandomStart()), devices=jax.local_devices()[:1], platform=device.platform
    )
    operations = cost.operations / batch * cell.method.evaluations
    operations += _of_draw(placement, own, cost, task, observed, batch) * _evaluations_of_draws(cell, own)
    return Estimate(
        seconds_per_picture=operations / device.operations[solve.precision],
        rest_per_picture=REST,
        compiling=device.compiling,
        program=_program(speed_key(placement, prior.sha256), task, cell),
        bytes=cost.bytes,
        batch=batch,
        measured=False,
    )


def _count(cell: Cell, prior: Any, batch_size: int | None, memory: float | None) -> _Counted:
    """Make a cell ready, but for its start, and count its step. Only a limit of memory needs the compiler."""
    method = cell.method._replace(start=RandomStart())  # a bank of samples is not made for an estimate
    wanted = batch_size or DEFAULT_BATCH * jax.local_device_count()
    solver = Solver(dataclasses.replace(cell, method=method), prior, wanted=wanted)
    solver.fit(memory)
    (task, observed), inverter = solver.shapes(), solver.inverter
    cost = inverter.placement.step_cost(task, observed, size=solver.batch)
    of_draw = _of_draw(inverter.placement, inverter.own_draws, cost, task, observed, solver.batch)
    return _Counted(cell, prior, solver, cost, of_draw)


def _of_draw(
    placement: Placement, own: Placement | None, cost: StepCost, task: Any, observed: Any, batch: int
) -> float:
    """Operations of one evaluation of one draw.

    Arguments:
        placement, cost, batch: of the pictures' own step.
        own: where draws are solved if that is elsewhere.
        task, observed: as for `Placement.step_cost`.
    """
    if own is None:
        return cost.operations / batch / placement.settings.starts
    return own.step_cost(task, observed, size=1).operations / own.group(1) / own.settings.starts


def _evaluations_of_draws(cell: Cell, own: Placement | None) -> int:
    """Gradient evaluations of all draws of one picture of a cell."""
    return evaluations_of_draws(cell.method.draws, cell.method.solve, None if own is None else own.settings)


def _speed(one: _Counted) -> tuple[Speed, bool]:
    """The speed of the machine, and whether it was measured now."""
    placement = one.solver.inverter.placement
    if (known := kept_speed(placement, one.prior.sha256)) is not None:
        return known, False
    task, observed = one.solver.shapes()
    speed = measure_speed(placement, task, observed, size=one.solver.batch, cost=one.cost)
    keep_speed(speed, placement, one.prior.sha256)
    return speed, True


def _estimate(one: _Counted, speed: Speed, measured: bool) -> Estimate:
    placement, (task, observed) = one.solver.inverter.placement, one.solver.shapes()
    limited = limit_of(placement.devices) is not None  # then the compiler has been asked already
    known = placement.knows_step(task, observed, size=one.solver.batch)
    return Estimate(
        seconds_per_picture=one.operations / speed.operations,
        rest_per_picture=REST,
        compiling=(1 + OTHERS) * (READING if known else max(speed.compiling, READING)),
        program=_program(one.sort, task, one.cell),
        bytes=one.solver.step_bytes() if limited else one.cost.bytes,
        batch=one.solver.batch,
        measured=measured,
    )


def _program(sort: str, task: Any, cell: Cell) -> tuple[Any, ...]:
    """Stands for the program of a cell's step."""
    return sort, str(task), cell.method.codes, cell.method.solve.of_one_step()
