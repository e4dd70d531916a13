"""What long work says about itself while it goes on: code that takes long opens an `Activity` around it.

    with doing("making the sample bank", total=4096, unit="samples") as work:
        for chunk in chunks:
            make(chunk)
            work.moved(work.done + len(chunk))

Nothing is printed here. Whoever wants to show what goes on listens to it (`heard_by`), as
`jaxprior.runs.display.Display` does for the command line and for `restore(..., progress=True)`. Without a listener an
activity costs next to nothing. Activities nest: the innermost one is what the program does at the moment.
"""

import contextlib
import contextvars
import dataclasses
from collections.abc import Iterator
from typing import Protocol, runtime_checkable


@dataclasses.dataclass(eq=False)
class Activity:
    """A piece of work that takes long.

    Fields:
        text: what is being done, for people: "compiling the step", or the title of a run.
        total: how much there is to do, in units, or None where that is not known.
        unit: what is counted, in the plural: "pictures", "steps".
        done: how much of it is done.
        partial: how much of the rest is done by halves: 0.5 is half a picture, or a quarter of two.
        skipped: how much of `done` took no work, because it was there already; rates leave it out.
        detail: what else is known at the moment, for example "step 120 of 300".
        last: how many seconds the same work took the last time on this machine, if that is known.
        announced: whether people should be told at once, and not only when it turns out to take long.
        concluded: whether people should be told that all of it is done, also if it was quick.
    """

    text: str
    total: float | None = None
    unit: str = ""
    done: float = 0.0
    partial: float = 0.0
    skipped: float = 0.0
    detail: str = ""
    last: float | None = None
    announced: bool = False
    concluded: bool = False

    def moved(self, done: float, *, partial: float = 0.0, detail: str | None = None) -> None:
        """Take note of how much is done by now.

        Arguments:
            done: in units, altogether.
            partial: of what is not done, what is done by halves.
            detail: replaces the earlier one; None keeps it.
        """
        self.done, self.partial = done, partial
        if detail is not None:
            self.detail = detail
        if (listener := _listener.get()) is not None:
            listener.moved(self)

    def skip(self, count: float) -> None:
        """Take note that so much more is done, and was there already."""
        self.skipped += count
        self.moved(self.done + count)


@runtime_checkable
class Listener(Protocol):
    """Who is told about activities, in the thread that works."""

    def begun(self, work: Activity) -> None:
        """Called when an activity begins, inside of those that have not ended yet."""

    def moved(self, work: Activity) -> None:
        """Called when some of it is done."""

    def ended(self, work: Activity) -> None:
        """Called when it ends, also by an error."""


_listener: contextvars.ContextVar[Listener | None] = contextvars.ContextVar("jaxprior_listener", default=None)


@contextlib.contextmanager
def doing(
    text: str, *, total: float | None = None, unit: str = "", last: float | None = None, announced: bool = False
) -> Iterator[Activity]:
    """Tell the listener, if there is one, that the block works on something that takes long.

    Arguments:
        text, total, unit, last, announced: see `Activity`.

    Returns:
        The activity, whose `moved` tells how far it is.

    Example:
        >>> with doing("counting", total=2, unit="numbers") as work:
        ...     work.moved(1)
    """
    work, listener = Activity(text, total, unit, last=last, announced=announced), _listener.get()
    if listener is None:
        yield work
        return
    listener.begun(work)
    try:
        yield work
    finally:
        listener.ended(work)


def steps_of(text: str, total: int, size: int = 1, *, unit: str) -> Iterator[int]:
    """Go through so many things, a few at a time, as an activity: yields the number of the first of every few.

    Arguments:
        text: what is being done, for people.
        total: how many things there are.
        size: how many are taken at a time.
        unit: what they are, in the plural.

    Example:
        >>> list(steps_of("drawing", 5, 2, unit="pictures"))
        [0, 2, 4]
    """
    with doing(text, total=total, unit=unit) as work:
        for first in range(0, total, size):
            yield first
            work.moved(min(first + size, total))


@contextlib.contextmanager
def heard_by(listener: Listener | None) -> Iterator[None]:
    """Let a listener hear of all activities of this thread that begin inside the block; None silences them."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def current_listener() -> Listener | None:
    """Return who hears of the activities of this thread, or None."""
    return _listener.get()
