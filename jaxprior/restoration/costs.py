"""What a step takes, counted from the traced program in less than a second, where compiling it takes many."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jax
from jax.extend import core


BUFFERS = 1.2
"""What the compiler plans, as a multiple of what is counted: 1.1 to 1.3 were seen of inversions on a CPU."""


@dataclass(frozen=True)
class StepCost:
    """What one step of a group takes.

    Fields:
        operations: floating-point operations, as XLA counts them before it optimises.
        bytes: of memory, weights and latents included, within about a fifth of what the compiler plans.
    """

    operations: float
    bytes: int


def count(step: jax.stages.Traced) -> StepCost:
    """Count what a traced program takes.

    Arguments:
        step: for example from `jaxprior.inversion.engine.trace_step`.

    Example:
        >>> step = jax.jit(lambda a, b: a @ b).trace(jnp.ones((8, 4)), jnp.ones((4, 2)))
        >>> count(step).operations, count(step).bytes
        (128.0, 268)
    """
    analysis = step.lower().cost_analysis()
    program = step.jaxpr.jaxpr
    arguments = sum(map(_bytes, (*program.invars, *program.constvars)))
    return StepCost(
        operations=float((analysis or {}).get("flops", 0.0)), bytes=int(BUFFERS * (arguments + _most_alive(program)))
    )


def _most_alive(program: core.Jaxpr) -> int:
    """The most bytes that what a program computes takes at one time, if each value is given up after its last use."""
    last = {var: place for place, step in enumerate(program.eqns) for var in _variables(step.invars)}
    last |= dict.fromkeys(_variables(program.outvars), len(program.eqns))
    alive: dict[Any, int] = {}
    now = most = 0
    for place, step in enumerate(program.eqns):
        made = {var: _bytes(var) for var in step.outvars}
        within = max(map(_most_alive, _inner(step)), default=0)
        most = max(most, now + max(within, sum(made.values())))
        alive |= {var: size for var, size in made.items() if var in last}
        now += sum(size for var, size in made.items() if var in last)
        ended = {var for var in _variables(step.invars) if last[var] == place and var in alive}
        now -= sum(alive.pop(var) for var in ended)
    return most


def _inner(step: Any) -> Iterator[core.Jaxpr]:
    """The programs that a step of a program calls."""
    for parameter in step.params.values():
        for one in parameter if isinstance(parameter, tuple | list) else (parameter,):
            if isinstance(one, core.ClosedJaxpr):
                yield one.jaxpr
            elif isinstance(one, core.Jaxpr):
                yield one


def _variables(values: Any) -> list[Any]:
    """Those of some values that are no constants."""
    return [value for value in values if not isinstance(value, core.Literal)]


def _bytes(variable: Any) -> int:
    shape, dtype = getattr(variable.aval, "shape", ()), getattr(variable.aval, "dtype", None)
    return math.prod(shape) * getattr(dtype, "itemsize", 0)
