"""A piece of work in a thread of its own: people see how far it is, stop it, and it ends when its time is over.

    job = Job(lambda: restore_photo(...), seconds=600)
    for state in job.states():        # every half second, and once at the end
        show(state)
    found = job.result()

It hears what the work says of itself (`jaxprior.system.activity`) and looks on at its inversions
(`jaxprior.inversion.watching`). It can only stop where the work looks up: between two chunks of steps, or two tiles.
Only one job is at work in a process; others wait in a line.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np

from jaxprior.errors import JaxpriorError
from jaxprior.inversion.watching import Look, watched_by
from jaxprior.system.activity import Activity, heard_by
from jaxprior.system.amounts import plural


T = TypeVar("T")

PICTURES = 8
"""So many pictures of a search are shown at most."""

BETWEEN = 0.7
"""Seconds between two pictures of a search, at least: rendering them takes time from the search."""

_turn = threading.Condition()
_line: list["Job"] = []
"""The job at work, and behind it those that wait for their turn, in the order in which they came."""


class Ended(JaxpriorError):
    """A job was stopped, by its user or because its time was over."""


@dataclass(kw_only=True, eq=False)
class State:
    """How far a job is.

    Fields:
        text: what it does at the moment.
        seconds: since it began.
        searches: the loss over the steps, a list of points (step, loss) for each group of inversions.
        pictures: of the search at the moment, float [n, h, w, c]; None where there is none.
    """

    text: str = "beginning"
    seconds: float = 0.0
    searches: list[list[tuple[int, float]]] = field(default_factory=list)
    pictures: np.ndarray | None = None


class Job(Generic[T]):
    """A piece of work in a thread; begins at once.

    Arguments:
        work: what is done.
        seconds: after which it is stopped.

    Example:
        >>> job = Job(lambda: 6 * 7, seconds=60)
        >>> [state.text for state in job.states()][-1], job.result()
        ('done', 42)
    """

    every = 5
    """Steps between two looks, as `jaxprior.inversion.watching.Watcher` has it."""

    def __init__(self, work: Callable[[], T], *, seconds: float):
        self._work, self._limit = work, seconds
        self.state, self._activities = State(), list[Activity]()
        self._begun = self._rendered = time.monotonic()
        self._end: float | None = None
        self._stop, self._found, self._error = threading.Event(), list[T](), None
        self._thread = threading.Thread(target=self._run, name="jaxprior job", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ask it to stop; it does at its next look."""
        self._stop.set()

    def states(self, every: float = 0.5) -> Iterator[State]:
        """How far it is, again and again until it has ended.

        Arguments:
            every: seconds between two states.
        """
        while True:
            self._thread.join(every)
            self.state.seconds = self.seconds
            yield self.state
            if not self._thread.is_alive():
                return

    @property
    def over(self) -> bool:
        """Whether it has ended, in whatever way."""
        return self._end is not None

    @property
    def seconds(self) -> float:
        """Since it began, or that it took."""
        return (time.monotonic() if self._end is None else self._end) - self._begun

    def result(self) -> T:
        """What the work returned; waits for it.

        Raises:
            Ended: it was stopped. Or whatever the work raised.
        """
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._found[0]

    def _run(self) -> None:
        try:
            with self._in_turn(), heard_by(self), watched_by(self):
                self._begun = time.monotonic()
                self._check()
                self._found.append(self._work())
                self.state.text = "done"
        except BaseException as error:  # it is raised again where the result is asked for
            self._error = error
        finally:
            self._end = time.monotonic()

    @contextlib.contextmanager
    def _in_turn(self) -> Iterator[None]:
        """Wait until all jobs that came before have ended; one that is stopped leaves the line."""
        with _turn:
            _line.append(self)
        try:
            with _turn:
                while (before := _line.index(self)) > 0 and not self._stop.is_set():
                    self.state.text = f"waiting for {before} {plural('job', before)} that came before"
                    _turn.wait(0.2)
            self.state.text = "beginning"
            yield
        finally:
            with _turn:
                _line.remove(self)
                _turn.notify_all()

    def _check(self) -> None:
        if self._stop.is_set():
            raise Ended("Stopped.")
        if time.monotonic() - self._begun > self._limit:
            raise Ended(
                f"The job was stopped after {self._limit / 60:g} minutes, which is its limit: ask for fewer answers or "
                "take a smaller prior, or start the page with more --minutes."
            )

    def begun(self, work: Activity) -> None:
        """Hear that an activity begins."""
        self._check()
        self._activities.append(work)
        self._say()

    def moved(self, work: Activity) -> None:
        """Hear that some of an activity is done."""
        self._check()
        self._say()

    def ended(self, work: Activity) -> None:
        """Hear that an activity ends."""
        self._activities = [one for one in self._activities if one is not work]
        self._say()

    def started(self, count: int, steps: int) -> None:
        """Hear that inversions begin; each group of them gets its own curve when it is seen."""
        self._check()

    def looked(self, look: Look) -> None:
        """See some more steps of an inversion."""
        self._check()
        first = int(look.steps[0])
        if first == 0 or not self.state.searches:
            self.state.searches.append([])
        losses = np.asarray(look.losses, np.float64)
        for number, row in enumerate(losses):
            if (finite := row[np.isfinite(row)]).size:
                self.state.searches[-1].append((first + number, float(finite.mean())))
        now = time.monotonic()
        if now - self._rendered > BETWEEN or self.state.pictures is None:
            self.state.pictures = np.asarray(look.images())[:PICTURES]
            self._rendered = time.monotonic()

    def _say(self) -> None:
        if self._activities:
            work = self._activities[-1]
            share = f" {min((work.done + work.partial) / work.total, 1):.0%}" if work.total else ""
            detail = f" ({work.detail})" if work.detail else ""
            self.state.text = f"{work.text}{share}{detail}"
