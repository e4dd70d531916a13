"""Shows what long work is doing: a bar on a terminal, and a line every few seconds everywhere else.

A `Display` listens to activities (`jaxprior.system.activity`). Where there is no terminal, a thread of its own prints a
line whenever nothing has been printed for ten seconds, so that a log also grows while the working thread waits for a
compilation or a very long step.
"""

import contextlib
import os
import threading
import time
from collections.abc import Callable

from rich.console import Console

from jaxprior.runs.bar import Bar
from jaxprior.runs.wording import State, shown_begin, shown_end, shown_line
from jaxprior.system.activity import Activity, current_listener, heard_by


INTERVAL = 10.0
"""Seconds after which a line is printed where nothing else was: with some delay, this keeps a promise of 15 seconds."""


class Display:
    """Shows the activities that begin inside a `with` block, each on standard output.

    Where output is no terminal (a file, a pipe, a batch system, a notebook), lines without control characters appear,
    ten seconds apart at most; on a terminal there is a bar while something is in progress. Nothing is printed after
    the block. Inside the block of another display the block changes nothing.

    Arguments:
        title: what is said to be at work where nothing else is known.
        interval: seconds without a line after which one is printed; at 0 every move prints one, and no thread is used.
        clock: tells the time in seconds.
        console: where a bar is drawn and lines are printed; standard output by default.

    Example:
        >>> with Display("an evaluation"):
        ...     rows = run_cell(cell, sources, folder, prior=prior)  # inverts for minutes # doctest: +SKIP
    """

    def __init__(
        self,
        title: str = "",
        *,
        interval: float = INTERVAL,
        clock: Callable[[], float] = time.monotonic,
        console: Console | None = None,
    ):
        self.title, self.interval, self.clock = title, interval, clock
        self.console = console
        self.states: list[State] = []
        """Of the activities that have begun and not ended, the outermost first."""
        self.bar: Bar | None = None
        self._told = self._began = clock()
        self._said: set[str] = set()
        self._lock = threading.RLock()
        self._end = threading.Event()
        self._thread: threading.Thread | None = None
        self._resources = contextlib.ExitStack()

    def __enter__(self) -> "Display":
        if isinstance(current_listener(), Display):
            return self
        self._told = self._began = self.clock()
        self._console = Console() if self.console is None else self.console
        self._resources.enter_context(heard_by(self))
        if not self._on_terminal and self.interval > 0:
            self._thread = threading.Thread(target=self._watch, name="jaxprior-display", daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *_exception) -> None:
        self._resources.close()
        self.close()
        if self._thread is not None:
            self._thread.join(timeout=1)  # at once, unless it hangs in a pipe that nobody reads; then it is left behind

    def close(self) -> None:
        """Show nothing from now on; a bar is taken away. It may be called in any thread."""
        with self._lock:  # a line that is being printed comes first, and none after it
            self._end.set()
            if self.bar is not None:
                self.bar.close(keep=False)
                self.bar = None

    @property
    def outermost(self) -> Activity | None:
        """What goes on as a whole, of which everything else is a part; None where nothing does."""
        states = list(self.states)
        return states[0].work if states else None

    def begun(self, work: Activity) -> None:
        """Take note of an activity; one that shall be announced is."""
        with self._lock:
            self.states.append(State(work, began=self.clock()))
            if self._on_terminal:
                if self.bar is None and not self._end.is_set():
                    self.bar = Bar(self._console, self.states, self.clock)
                if self.bar is not None:
                    self.bar.update()
            elif work.announced:
                self._tell(shown_begin(self.states))

    def moved(self, work: Activity) -> None:
        """Take note of how far an activity is."""
        with self._lock:
            for state in self.states:
                if state.work is work:
                    state.moved(self.clock())
            if self.bar is not None:
                self.bar.update()
        self.tick()

    def ended(self, work: Activity) -> None:
        """Forget an activity. If all of the outermost one is done, its bar stays, or a last line follows the others."""
        with self._lock:
            outermost, line = self.states[0].work is work, shown_end(self.states[0], self.clock())
            whole = work.total is not None and work.done >= work.total > work.skipped
            if outermost and self.bar is not None:
                self.bar.close(keep=whole)
                self.bar = None
            own = next(state for state in self.states if state.work is work)
            self.states.remove(own)
            for state in self.states if work.announced else ():
                state.paused(self.clock() - own.began)
            if outermost and whole and (own.told or work.concluded) and not self._on_terminal:
                self._print(line)

    def tick(self) -> None:
        """Print how far the work is, if nothing was printed for so long that a line is due."""
        with self._lock:
            now = self.clock()
            if self._on_terminal or self._end.is_set() or now - self._told < self.interval:
                return
            if self.states:
                self._tell(shown_line(self.states, now))
            elif self.title:
                self._print(f"{self.title}: still at work ({now - self._began:.0f} s so far)")

    def say(self, text: str, *, once: bool = False) -> None:
        """Print a line of text, above the bar if there is one.

        Arguments:
            text: the line, or several.
            once: leave it out if this display has said the same before.
        """
        with self._lock:
            if once and text in self._said:
                return
            if once:
                self._said.add(text)
            self._print(text)

    @property
    def _on_terminal(self) -> bool:
        console = self._console
        return console.is_terminal and not console.is_dumb_terminal and _is_a_tty(console)

    def _tell(self, line: str) -> None:
        """Print a line about what goes on."""
        self.states[0].told = True
        self._print(line)

    def _print(self, text: str) -> None:
        """Print a text in one piece, so that no other thread's line comes in between."""
        self._told = self.clock()
        if self.bar is not None:
            self._console.print(printable(text), markup=False, highlight=False, emoji=False, soft_wrap=True)
        else:
            self._console.file.write(printable(text) + "\n")
            self._console.file.flush()

    def _watch(self) -> None:
        """Look once a second whether a line is due, until the block is left or nobody reads the lines any more."""
        with contextlib.suppress(OSError, ValueError):
            while not self._end.wait(min(self.interval, 1.0)):
                self.tick()


def printable(text: str) -> str:
    """Return a text with the bytes of file names that are no UTF-8 written as escapes."""
    return text.encode("utf-8", "backslashreplace").decode()


def _is_a_tty(console: Console) -> bool:
    """Whether lines can be drawn over: environment variables make rich take files for terminals too."""
    try:
        return os.isatty(console.file.fileno())
    except (OSError, ValueError, AttributeError):
        return False
