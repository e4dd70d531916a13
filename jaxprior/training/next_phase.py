"""The programs of a training, compiled in threads: those of its first phase at once, the others a phase ahead.

A phase says which programs its steps call, and which draw and measure what it has trained (`Phase`). While a
phase trains, threads compile those of the next one, for the shapes that the state will have then. No values depend on
it: where a phase says nothing, or a thread fails, the programs are compiled when they are called.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any

import jax

from jaxprior.system import ahead
from jaxprior.system.ahead import Program, precision_here, shapes_of
from jaxprior.training.data_parallel import Spread
from jaxprior.training.phases import Phase


def compile_now(phase: Phase, state: Any, batch: Any, key: jax.Array) -> tuple[list[Hashable], list[Hashable]]:
    """Begin to compile what a phase will call, all of it that nobody has begun to compile.

    Arguments:
        phase: its programs are compiled.
        state: at its begin; shapes are enough.
        batch: one of it.
        key: a random key.

    Returns:
        the names of the programs of its steps, and of those that it calls at its end.
    """
    state, batch, key = map(shapes_of, (state, batch, key))
    return _begun(phase.programs(state, batch, key)), _begun(phase.programs_at_end(_on_one_device(state)))


def compile_next(phase: Phase, state: Any, key: jax.Array, spread: Spread) -> None:
    """Let threads compile what the next phase will call, while this one trains.

    Arguments:
        phase: the next one.
        state: of the present one.
        key: a random key.
        spread: the devices of the next phase.
    """
    shapes, precision = _on_one_device(shapes_of(state)), precision_here()

    def work() -> None:
        with jax.default_matmul_precision(precision):
            begun = jax.eval_shape(phase.begin, shapes)
            compile_now(phase, spread.state_shapes(begun), spread.batch_shapes(phase.batch(0)), key)

    if phase.steps:
        ahead.in_thread(work)


def is_ready(programs: Iterable[Hashable]) -> bool:
    """Whether threads have compiled all of these programs."""
    return all(map(ahead.is_ready, programs))


def wait_for(programs: Iterable[Hashable], *, should_stop: Callable[[], bool] = lambda: False) -> None:
    """Wait until threads have compiled all of these programs, or until the training is asked to stop."""
    for one in programs:
        ahead.wait_for(one, should_stop=should_stop)


def _on_one_device(shapes: Any) -> Any:
    """The same shapes without places: a phase begins with a state that lies on one device, and ends with one."""
    return jax.tree.map(
        lambda leaf: leaf.update(sharding=None) if isinstance(leaf, jax.ShapeDtypeStruct) else leaf, shapes
    )


def _begun(programs: Sequence[Program]) -> list[Hashable]:
    return [program.compile_ahead() for program in programs]
