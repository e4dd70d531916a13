"""Looking on while an inversion goes on: its losses, and the pictures of its iterates, as they are found.

    with watched_by(watcher):
        restore_photo(...)                # watcher.started(...), and then watcher.looked(Look(...)) again and again

As with `jaxprior.system.activity`, nothing has to be handed down: whoever wants to look on says so around the call, in
its thread. Without a watcher nothing is done for one. A watcher changes no result; what it raises stops the inversion.
"""

import contextlib
import contextvars
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Look:
    """What is seen of the s inversions that run together, after some more of their steps.

    Fields:
        problems: which inversions they are, int [s], counted from 0; every start of every picture is one.
        steps: how many steps each had done before these, int [s].
        losses: before each of these k steps, float [k, s].
        images: renders their iterates, [s, *image_shape], roughly in [-1, 1]; this takes about a third of a step.
            To be called before the watcher returns, because the next step invalidates what it needs.
    """

    problems: np.ndarray
    steps: np.ndarray
    losses: np.ndarray
    images: Callable[[], np.ndarray]


@runtime_checkable
class Watcher(Protocol):
    """Who looks on, in the thread that inverts.

    Fields:
        every: so many steps go by between two looks at most; a CPU looks sooner where a step takes long.
    """

    every: int

    def started(self, count: int, steps: int) -> None:
        """Called when so many inversions begin, of so many steps each; with draws there are several such series."""

    def looked(self, look: Look) -> None:
        """Called after every few steps."""


_watcher: contextvars.ContextVar[Watcher | None] = contextvars.ContextVar("jaxprior_watcher", default=None)


@contextlib.contextmanager
def watched_by(watcher: Watcher | None) -> Iterator[None]:
    """Let somebody look on at the inversions of this thread inside the block; None lets nobody."""
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


def current_watcher() -> Watcher | None:
    """Return who looks on at the inversions of this thread, or None."""
    return _watcher.get()
