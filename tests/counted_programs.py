"""Counts the programs that JAX compiles, or reads from its folder, in a part of a test."""

import collections
import contextlib
import threading
from collections.abc import Iterator

import jax

from jaxprior.system import runtime


Compiled = list[tuple[str, str]]
"""Of each program its name and that of the thread that asked for it."""


@contextlib.contextmanager
def compiled_programs(*, forget: bool = True) -> Iterator[Compiled]:
    """Collect the programs that are compiled while the part runs.

    Arguments:
        forget: whether JAX forgets those of earlier tests first, so that the number does not depend on them.
    """
    if forget:
        runtime.forget_programs()
    found: Compiled = []

    def hear(event, _seconds, **details):
        if event.endswith("backend_compile_duration"):
            name = str(details.get("fun_name")).removeprefix("jit(").removesuffix(")")
            found.append((name, threading.current_thread().name))

    jax.monitoring.register_event_duration_secs_listener(hear)
    try:
        yield found
    finally:
        jax.monitoring.unregister_event_duration_listener(hear)


def check_at_most(most: int, compiled: Compiled) -> None:
    """Fail if there were more programs, and name them.

    Every JAX operation outside of a compiled function is a program of its own for each shape: if a change makes more
    of them, compute with NumPy there, or put them into one compiled function.
    """
    often = collections.Counter(name for name, _ in compiled)
    assert len(compiled) <= most, ", ".join(f"{count} x {name}" for name, count in often.most_common())
