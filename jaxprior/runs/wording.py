"""How the state of long work is put into words: how much is done, how fast it goes, and how long it will still take."""

import collections
from collections.abc import Sequence

from jaxprior.system.activity import Activity
from jaxprior.system.amounts import duration


WINDOW = 60.0
"""Seconds over which a rate is averaged."""

MANY = 1000
"""From so many units on their share is stated too."""


class State:
    """An activity with what its rate is reckoned from: how far it was in the last minute.

    What comes before the first move (reading, compiling) comes only once and does not count; see also `paused`.

    Arguments:
        work: the activity.
        began: when it began, in seconds of any clock.
    """

    def __init__(self, work: Activity, *, began: float):
        self.work, self.began = work, began
        self.told = False
        """Whether a line about it, or about what went on inside it, was printed."""
        self._points: collections.deque[tuple[float, float]] = collections.deque()
        """Times, and how much of the work that was not there already was done then."""

    def moved(self, now: float) -> None:
        """Take note of how far the work is at a time."""
        own = self.work.done + self.work.partial - self.work.skipped
        if own <= 0:
            return
        self._points.append((now, own))
        while len(self._points) > 2 and self._points[1][0] < now - WINDOW:
            self._points.popleft()

    def paused(self, seconds: float) -> None:
        """Take note of time that does not count for the rate, because it was spent on what comes only once."""
        self._points = collections.deque((time + seconds, own) for time, own in self._points)

    @property
    def rate(self) -> float | None:
        """Units a second, without those that were there already; None before anything can be said."""
        if len(self._points) < 2:
            return None
        (first, before), (last, own) = self._points[0], self._points[-1]
        return (own - before) / (last - first) if last > first else None

    def seconds_left(self, now: float) -> float | None:
        """How long the rest will take from `now` on at this rate."""
        if self.work.total is None or not (rate := self.rate):
            return None
        return max((self.work.total - self.work.done - self.work.partial) / rate - (now - self._points[-1][0]), 0.0)


def shown_begin(states: Sequence[State]) -> str:
    """The line that announces the innermost activity, states being the outermost first."""
    return f"{_prefix(states)}{states[-1].work.text}{_expected(states[-1].work)}"


def shown_line(states: Sequence[State], now: float) -> str:
    """The line about the innermost activity: "inpaint center:0.25: 3 of 10 pictures, 0.2 pictures/s, 35 s left"."""
    state = states[-1]
    if state.work.total is None and not state.work.detail:
        return f"{_prefix(states)}still {state.work.text} ({since(state, now)})"
    return f"{_prefix(states)}{state.work.text}: {standing(state, now)}"


def shown_end(state: State, now: float) -> str:
    """The line at the end of an activity that is whole: "inpaint center:0.25: 10 of 10 pictures in 2.5 min"."""
    work = state.work
    return f"{work.text}: {int(work.done):,} of {int(work.total or 0):,} {work.unit} in {_passed(state, now)}"


def since(state: State, now: float) -> str:
    """How long an activity lasts, and how long it took the last time."""
    last = state.work.last
    before = "" if last is None else f"; last time on this machine it took {duration(last)}"
    return f"{_passed(state, now)} so far{before}"


def standing(state: State, now: float) -> str:
    """What is done of an activity, how fast it goes, and how long it will take."""
    return ", ".join(filter(None, (count(state.work), pace(state, now))))


def count(work: Activity) -> str:
    """How much is done: "3 of 10 pictures", with the share where there are many; nothing where no total is known."""
    if work.total is None:
        return ""
    share = f" ({work.done / work.total:.0%})" if work.total >= MANY else ""
    return f"{int(work.done):,} of {int(work.total):,} {work.unit}{share}"


def pace(state: State, now: float) -> str:
    """How long an activity will still take, what else is known of it, and how fast it goes."""
    work, parts = state.work, []
    if (left := state.seconds_left(now)) is not None and work.done < (work.total or 0):
        parts.append(f"{duration(round(left))} left")
    if work.detail:
        parts.append(work.detail)
    rate = state.rate
    parts.append(f"{rate:.3g} {work.unit}/s" if rate else f"{_passed(state, now)} so far")
    return ", ".join(parts)


def _passed(state: State, now: float) -> str:
    """How long an activity lasts, in words."""
    return duration(round(now - state.began))


def _prefix(states: Sequence[State]) -> str:
    """What the outermost activity is and how far, where it is another one."""
    if len(states) == 1:
        return ""
    work = states[0].work
    return ", ".join([work.text, *([count(work)] if work.done and work.total else [])]) + ": "


def _expected(work: Activity) -> str:
    return "" if work.last is None else f" (last time on this machine it took {duration(work.last)})"
