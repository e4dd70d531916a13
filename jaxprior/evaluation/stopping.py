"""Stop cleanly on SIGINT and SIGTERM: at once while computing, after the files while a batch is saved."""

import contextlib
import signal
import threading
from collections.abc import Iterator


class Stopped(KeyboardInterrupt):
    """Raised where a run was asked to stop; everything journalled is kept and the same command goes on."""


class StopGuard:
    """Turns SIGINT and SIGTERM into `Stopped`, but only inside `allowed()`; a signal elsewhere waits for it.

    `requested` says whether a signal has come, for loops that poll. Outside the main thread, where Python cannot
    install handlers, nothing changes.

    Example:
        with StopGuard() as guard:
            with guard.allowed():
                result = compute()
            save(result)
    """

    def __init__(self):
        self.requested = False
        self._allowed = False
        self._previous = {}

    def __enter__(self) -> "StopGuard":
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *_exception) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    @contextlib.contextmanager
    def allowed(self) -> Iterator[None]:
        """Let a stop take effect inside this block, also one that was asked for before it."""
        self._allowed = True
        try:
            if self.requested:
                raise Stopped
            yield
        finally:
            self._allowed = False

    def _on_signal(self, _number, _frame) -> None:
        self.requested = True
        if self._allowed:
            raise Stopped
