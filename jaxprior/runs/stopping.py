"""How a program is stopped with SIGINT (Ctrl-C) or SIGTERM (what batch systems send) without losing its work.

There are two levels, and both are context managers:

- `StopGuard` belongs around work that has safe points. A signal is only noted; the work asks now and then whether
  one has come, and stops where nothing is half done.
- `ProgramGuard` belongs around a whole program. Outside of every `StopGuard` a signal raises `Stopped` at once. It
  also sets a deadline: Python runs signal handlers only between two of its own instructions, so that a compilation or
  a very long step can hold a signal up for a minute, while batch systems kill a process ten seconds after they asked
  it to end. When the program is still there after a grace period, a function of the caller's choice ends it.

Checkpoints, journals and pictures are written atomically, so the process may end at any moment. Neither guard
prints anything or ends the process by itself: the command line decides about that (`jaxprior.cli.stops`).
"""

import contextlib
import signal
import threading
import time
import types
from collections.abc import Callable

from jaxprior.runs.deadline import GRACE, deadline


class Stopped(KeyboardInterrupt):
    """A run was asked to stop and has stopped. What it has saved is kept, and the same command continues it."""


class StopGuard:
    """Takes note of SIGINT and SIGTERM, so that the work inside the block can stop at its next safe point.

    Guards may be nested. When the block of the inner guard ends after a signal, the guard around it learns of the
    signal too. Outside the main thread, where Python cannot install signal handlers, a guard hears no signals.

    Arguments:
        seconds: the work is asked to stop after this time even without a signal; by default it is not.

    Example:
        with StopGuard() as guard:
            for batch in batches:
                guard.check()
                save(compute(batch))
    """

    def __init__(self, *, seconds: float | None = None):
        self._signalled = False
        self._end = None if seconds is None else time.monotonic() + seconds
        self._previous = {}

    @property
    def requested(self) -> bool:
        """Whether the work should stop: a signal has come, or the time is over."""
        return self._signalled or (self._end is not None and time.monotonic() > self._end)

    def check(self) -> None:
        """Stop here if that was asked for. Call it where nothing is half done.

        Raises:
            Stopped: a signal has come, or the time is over.
        """
        if self.requested:
            raise Stopped

    def __enter__(self) -> "StopGuard":
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_details: object) -> None:
        handlers = list(self._previous.values())
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous.clear()
        outer = getattr(handlers[0], "__self__", None) if handlers else None
        if self._signalled and isinstance(outer, StopGuard):
            outer._learn(kind)

    def _on_signal(self, _number, _frame) -> None:
        self._signalled = True

    def _learn(self, _kind: type[BaseException] | None) -> None:
        """Learn from an inner guard that a signal came; `_kind` is the exception that leaves the inner block."""
        self._signalled = True


class ProgramGuard(StopGuard):
    """Guards a whole program: a signal stops it at once where no `StopGuard` asks for patience, and always in time.

    A signal that an inner `StopGuard` noted, but whose work had no safe point left, raises `Stopped` at the end of
    that inner block.

    Arguments:
        end: ends the process. It is called in another thread when the block has not been left `grace` seconds after a
            signal. It is also called, at once, when a signal finds the program importing a module: an exception there
            can crash compiled modules such as JAX's, and nothing is lost, because the work has not begun.
        grace: seconds from a signal to the deadline.

    Example:
        with ProgramGuard(end=lambda: os._exit(75)):
            main()
    """

    def __init__(self, *, end: Callable[[], None], grace: float = GRACE):
        super().__init__()
        self._end_program = end
        self._deadline = deadline(end, grace=grace)
        self._resources = contextlib.ExitStack()

    def __enter__(self) -> "ProgramGuard":
        super().__enter__()
        self._resources.enter_context(self._deadline)
        return self

    def __exit__(self, kind: type[BaseException] | None, *details: object) -> None:
        self._resources.close()
        super().__exit__(kind, *details)

    def _on_signal(self, _number, frame: types.FrameType | None) -> None:
        self._signalled = True
        if _imports(frame):
            self._end_program()
        else:
            raise Stopped

    def _learn(self, kind: type[BaseException] | None) -> None:
        self._signalled = True
        if kind is None:
            raise Stopped


def _imports(frame: types.FrameType | None) -> bool:
    """Whether code runs because of an import statement."""
    while frame is not None:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            return True
        frame = frame.f_back
    return False
