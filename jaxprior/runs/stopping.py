"""Stop cleanly on SIGINT and SIGTERM: between two chunks of steps, and never in the middle of saving."""

import signal
import threading


class Stopped(KeyboardInterrupt):
    """Raised where a run was asked to stop; everything journalled is kept and the same command goes on."""


class StopGuard:
    """Takes note of SIGINT and SIGTERM; `check`, called where a stop costs nothing, raises `Stopped`.

    Outside the main thread, where Python cannot install handlers, nothing changes.

    Example:
        with StopGuard() as guard:
            for batch in batches:
                guard.check()
                save(compute(batch))
    """

    def __init__(self):
        self.requested = False
        self._previous = {}

    def __enter__(self) -> "StopGuard":
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *_exception) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
            outer = getattr(handler, "__self__", None)
            if isinstance(outer, StopGuard):
                outer.requested |= self.requested  # a guard around this one stops as well

    def check(self) -> None:
        """Stop here if a signal has come.

        Raises:
            Stopped: one has.
        """
        if self.requested:
            raise Stopped

    def _on_signal(self, _number, _frame) -> None:
        self.requested = True
