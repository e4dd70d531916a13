"""How long this process compiles. JAX reports every tracing, lowering and compilation; here they are added up."""

import threading
import time
from typing import Any

import jax.monitoring

from jaxprior.system.ahead import WAITING


EVENTS = ("/jax/core/compile/", WAITING)
"""Names of the reports begin like this. Reading a program from the cache of compiled programs is among them."""


class CompileClock:
    """Adds up the time that the current thread spends on compiling, from the start of the block on.

    Waiting for a program that another thread compiles counts; what other threads compile meanwhile does not. Reports
    may lie inside each other, because a function that is being traced calls others. Every second is counted once.

    Example:
        >>> with CompileClock() as clock:
        ...     _ = jax.jit(lambda x: x + 1)(1.0)
        >>> clock.seconds > 0
        True
    """

    def __init__(self):
        self._spans: list[tuple[float, float]] = []  # apart from each other, the earliest first
        self._thread: int | None = None

    @property
    def seconds(self) -> float:
        """Spent on compiling so far."""
        return sum(end - start for start, end in self._spans)

    def __enter__(self) -> "CompileClock":
        self._thread = threading.get_ident()
        jax.monitoring.register_event_duration_secs_listener(self._hear)
        return self

    def __exit__(self, *_exception: object) -> None:
        jax.monitoring.unregister_event_duration_listener(self._hear)

    def _hear(self, event: str, duration_secs: float, **_details: Any) -> None:
        """Take note of a report, which comes at the end of what it is about."""
        if not event.startswith(EVENTS) or threading.get_ident() != self._thread:
            return
        end = time.monotonic()
        start = end - duration_secs
        while self._spans and self._spans[-1][1] > start:  # lies inside this one, or reaches into it
            start = min(start, self._spans.pop()[0])
        self._spans.append((start, end))
