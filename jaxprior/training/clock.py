"""How long a training takes, and when its planned time is over. Compiling is measured apart and not counted."""

import contextlib
import time
from collections.abc import Iterator

from jaxprior.system.compiling import CompileClock


class TrainingClock:
    """Measures a training from the start of the block on, with the time for compiling apart.

    Compiling is what holds the training up: what this thread compiles, and its waiting for what others compile for it.
    Programs that threads compile while it trains take no time of their own. Where they share its processor, they slow
    its steps, so that a training of a minute is a few steps shorter when its programs are new.

    Arguments:
        limit: planned seconds of training; by default there is no limit.

    Raises:
        ValueError: a limit below 0, or one that is no number.

    Example:
        >>> with TrainingClock(limit=60) as clock:  # trains for a minute # doctest: +SKIP
        ...     session.run(plan, "runs/cats", source="cats.zip", clock=clock)
    """

    def __init__(self, limit: float | None = None):
        if limit is not None and not limit >= 0:
            raise ValueError(f"the planned time of a training must be 0 seconds or more, got {limit}")
        self.limit = limit
        self._compile_clock = CompileClock()
        self._begun = time.monotonic()
        self._all: float | None = None

    @property
    def compiling(self) -> float:
        """Seconds spent on compiling so far."""
        return self._compile_clock.seconds

    @property
    def seconds(self) -> float:
        """Seconds of training so far: all that have passed but those spent on compiling."""
        passed = time.monotonic() - self._begun if self._all is None else self._all
        return passed - self.compiling

    @property
    def is_over(self) -> bool:
        """Whether the planned time is over."""
        return self.limit is not None and self.seconds >= self.limit

    def __enter__(self) -> "TrainingClock":
        self._compile_clock.__enter__()
        self._begun = time.monotonic()
        return self

    def __exit__(self, *exception: object) -> None:
        self._all = time.monotonic() - self._begun
        self._compile_clock.__exit__(*exception)


class Speed:
    """Steps per second between reports: of training alone, without the time of saving and drawing.

    Arguments:
        clock: of the training.
        index: steps that are done.
    """

    def __init__(self, clock: TrainingClock, index: int):
        self._clock, self._index, self._since = clock, index, clock.seconds

    def at(self, index: int) -> float:
        """Steps per second since the last report, when `index` steps are done."""
        now = self._clock.seconds
        speed = (index - self._index) / max(now - self._since, 1e-9)
        self._index, self._since = index, now
        return speed

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Leave out the time of the block."""
        began = self._clock.seconds
        yield
        self._since += self._clock.seconds - began
