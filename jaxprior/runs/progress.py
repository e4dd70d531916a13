"""A run of pictures as an activity: how many are done, and how far the steps of those that are being solved are."""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from jaxprior.data.fitted import FitCount, SquareCount
from jaxprior.runs.display import Display
from jaxprior.runs.observer import Observer
from jaxprior.runs.row import OK
from jaxprior.system.activity import Activity, doing


class RunProgress(Observer):
    """Observes `jaxprior.evaluation.run_cell` and tells it on as an activity, which a `Display` shows.

    Arguments:
        title: of the run.
        say: prints a sentence.
        say_once: prints a sentence unless it was printed before.
        why: a sentence for after those on how pictures were fitted: why they do not keep their size.
        noun: what is counted, "picture" or "volume".

    Example:
        >>> with RunProgress("cats", say=print, say_once=print) as progress:
        ...     rows = run_cell(  # inverts for minutes # doctest: +SKIP
        ...         cell, sources, folder, prior=prior, observer=progress
        ...     )
    """

    def __init__(
        self,
        title: str,
        *,
        say: Callable[[str], None],
        say_once: Callable[[str], None],
        why: str | None = None,
        noun: str = "picture",
    ):
        self.noun = noun
        self.title, self.say, self.say_once, self.why = title, say, say_once, why
        self.total, self.done = 0, 0
        self.notes: list[str] = []
        self.fitted, self.squares = FitCount(), SquareCount()
        self._steps = StepRate()
        self._work: Activity | None = None
        self._resources = contextlib.ExitStack()

    def __enter__(self) -> "RunProgress":
        self._work = self._resources.enter_context(doing(self.title, unit=f"{self.noun}s"))
        self._work.detail, self._work.concluded = "getting ready", True
        return self

    def __exit__(self, *exception: Any) -> None:
        self._resources.__exit__(*exception)
        fitted = list(self.fitted.sentences())
        for sentence in (*fitted, *([self.why] if fitted and self.why else ()), *self.squares.sentences()):
            self.say_once(sentence)

    def begin(self, total: int) -> None:
        """Take note of the number of pictures."""
        self.total = total
        if self._work is not None:
            self._work.total, self._work.detail = total, ""

    def step(self, pictures: int, steps_done: int, steps_total: int, mean_loss: float | None) -> None:
        """Tell how far the pictures of the current batch are."""
        if self._work is not None:
            detail = self._steps.words(steps_done, steps_total, mean_loss)
            self._work.moved(self.done, partial=pictures * steps_done / max(steps_total, 1), detail=detail)

    def read(self, size: tuple[int, int], side: int) -> None:
        """Count how a picture was fitted."""
        self.fitted.add(size, side)

    def cut(self, size: tuple[int, int], sides: Sequence[int], made: int, *, holes: bool) -> None:
        """Count the squares of a picture that keeps its size."""
        self.squares.add(size, sides, made, holes=holes)

    def rows(self, rows: Sequence[Any], *, computed: bool) -> None:
        """Count finished pictures; name those that failed."""
        self.done += len(rows)
        for row in rows:
            if row.status != OK:
                self.say(f"{row.image}: {row.status}: {row.reason}")
        if self._work is None:
            return
        if computed:
            self._work.moved(self.done, detail="")
        else:
            self._work.skip(len(rows))

    def note(self, text: str) -> None:
        """Say what people should know, once."""
        self.notes.append(text)
        self.say(f"note: {text}")


@contextlib.contextmanager
def shown(title: str, count: int, *, noun: str = "picture") -> Iterator[Activity]:
    """Show some work on so many pictures or volumes while the block lasts; returns the activity that is told of it."""
    with Display(), doing(title, total=count, unit=f"{noun}s") as work:
        work.concluded = True
        yield work


class GroupProgress:
    """Tells an activity how far an inversion is, which calls it as its `progress`.

    Arguments:
        work: the activity.
        group: pictures that are solved at once.
    """

    def __init__(self, work: Activity, group: int):
        self.work, self.group = work, group
        self._steps = StepRate()

    def __call__(self, done: int, pictures: int, steps_done: int, steps_total: int, mean_loss: float) -> None:
        """Take note of the pictures that are done and the steps of those that are being solved."""
        running = min(self.group, pictures - done) * steps_done / max(steps_total, 1)
        detail = self._steps.words(steps_done, steps_total, mean_loss) if done < pictures else ""
        self.work.moved(done, partial=running, detail=detail)


class StepRate:
    """Steps a second of the batch that is being solved, in words; its first chunk, which compiles, does not count."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self.clock = clock
        self._first = self._last = (0.0, 0)

    def words(self, steps_done: int, steps_total: int, mean_loss: float | None) -> str:
        """Return "step 120 of 300 (3.2 steps/s), loss 0.031".

        Arguments:
            steps_done, steps_total: of the batch.
            mean_loss: of its pictures; None where these are tiles of pictures, and nothing is minimised.
        """
        now = self.clock()
        if steps_done <= self._last[1]:
            self._first = (now, steps_done)
        elif self._first[1] == 0:
            self._first = (now, steps_done)
        self._last = (now, steps_done)
        seconds, steps = now - self._first[0], steps_done - self._first[1]
        unit = "tile" if mean_loss is None else "step"
        speed = f" ({steps / seconds:.3g} {unit}s/s)" if seconds > 0 and steps else ""
        loss = "" if mean_loss is None else f", loss {mean_loss:.4g}"
        return f"{unit} {steps_done} of {steps_total}{speed}{loss}"
