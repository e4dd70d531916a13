"""How fast this machine is at the steps of a prior, measured once and kept beside the compiled programs.

A step's operations are counted (`jaxprior.restoration.costs`); how many the machine does in a second depends on the
prior's sizes more than on what is minimised, so one measured step tells of all others of the same prior.
"""

import hashlib
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import jax
import jax.numpy as jnp

from jaxprior.inversion import engine
from jaxprior.restoration.costs import StepCost
from jaxprior.restoration.placement import Placement
from jaxprior.system import remembered
from jaxprior.system.activity import doing
from jaxprior.system.compiling import CompileClock
from jaxprior.system.provenance import device_name


FILE = "speeds.json"

STEPS = 4
"""Steps that are timed on a CPU, which does them one by one; an accelerator does a whole chunk."""


@dataclass(frozen=True)
class Speed:
    """What a machine does.

    Fields:
        operations: a second, of those that `StepCost` counts.
        compiling: seconds that a step took to be compiled.
    """

    operations: float
    compiling: float


def measure_speed(placement: Placement, operator: Any, observed: Any, *, size: int, cost: StepCost) -> Speed:
    """Compile a step and time a few, on observations that are zero.

    Arguments:
        placement: prior and method on their devices.
        operator, observed, size: as for `Placement.compiled`.
        cost: of the step.
    """
    steps = STEPS if placement.fixed else engine.CHUNK
    with doing("measuring how fast a step is"), CompileClock() as clock:
        advance = begin_steps(placement, operator, observed, size=size)
        advance(1 if placement.fixed else steps)
    with doing("measuring how fast a step is"):
        began = time.perf_counter()
        done = advance(steps)
    seconds = (time.perf_counter() - began) / done
    return Speed(operations=cost.operations / seconds, compiling=clock.seconds)


def begin_steps(placement: Placement, operator: Any, observed: Any, *, size: int) -> Callable[[int], int]:
    """Begin an inversion of observations that are zero, to see how long its steps take.

    Arguments:
        placement, operator, observed, size: as for `measure_speed`.

    Returns:
        a function that does at most so many steps and waits for them; it returns how many it did.
    """
    shapes = placement.step_arguments(operator, observed, size=size)
    generator, objective, operators, seen, keys = shapes
    operators, seen = (jax.tree.map(lambda one: jnp.zeros(one.shape, one.dtype), tree) for tree in (operators, seen))
    operators = placement.place_operator(operators)
    seen, keys = placement.place((seen, jax.random.split(jax.random.key(0), keys.shape[0])))
    codes, solve, platform = placement.codes, placement.settings, placement.platform
    arguments = {"codes": codes, "solve": solve, "platform": platform}
    with jax.default_matmul_precision(solve.matmul_precision):
        state, target = engine.begin(generator, objective, operators, seen, keys, codes=codes, solve=solve)

    def advance(steps: int) -> int:
        nonlocal state
        with jax.default_matmul_precision(solve.matmul_precision):
            state, losses = engine.advance(state, generator, objective, operators, target, **arguments, steps=steps)
            losses.block_until_ready()
        return len(losses)

    return advance


def kept_speed(placement: Placement, sha256: str) -> Speed | None:
    """What was measured on this machine before, or None.

    Arguments:
        placement: prior and method on their devices; sha256: of the prior.
    """
    found = remembered.read(FILE).get(speed_key(placement, sha256))
    try:
        return None if found is None else Speed(**found)
    except TypeError:  # a file of another version
        return None


def keep_speed(speed: Speed, placement: Placement, sha256: str) -> None:
    """Remember what was measured. Where that is not possible, nothing happens."""
    remembered.keep(FILE, speed_key(placement, sha256), asdict(speed))


def speed_key(placement: Placement, sha256: str) -> str:
    """Stands for all that a machine's speed depends on: the device, the prior, number types, single codes or many.

    Arguments:
        placement: prior and method on their devices; sha256: of the prior.
    """
    single = placement.codes.num_codes == 1
    key = (device_name(), sha256, placement.settings.precision, single, placement.objective.features is not None)
    return hashlib.sha256(repr(key).encode()).hexdigest()[:32]
