"""What commands print: messages, the progress of a run, its closing table."""

import contextlib
import math
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from jaxprior.errors import JaxpriorError, JaxpriorWarning
from jaxprior.runs.observer import Observer


WIDTH = 110  # of tables in files and pipes
MOST_NOTES = 8  # that are printed below a closing table


SILENCE = 5.0
"""Seconds between two lines of progress where there is no terminal."""


def say(text: str) -> None:
    """Print a line on standard output, without wrapping or markup."""
    print(printable(text), flush=True)


def say_error(text: str) -> None:
    """Print one sentence on standard error."""
    print(f"jaxprior: {printable(text)}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def warnings_as_notes() -> Iterator[None]:
    """Print each of this package's warnings once, as a line on standard error, instead of as Python prints them."""
    usual, told = warnings.showwarning, set()

    def show(message, category, filename, lineno, file=None, line=None) -> None:
        if not issubclass(category, JaxpriorWarning):
            usual(message, category, filename, lineno, file, line)
        elif str(message) not in told:
            told.add(str(message))
            say_error(f"note: {message}")

    with warnings.catch_warnings():
        warnings.simplefilter("always", JaxpriorWarning)
        warnings.showwarning = show
        yield


def printable(text: str) -> str:
    """Text with the bytes of file names that are no UTF-8 written as escapes."""
    return text.encode("utf-8", "backslashreplace").decode()


@contextlib.contextmanager
def mistakes() -> Iterator[None]:
    """Around what the library does with a user's values: its `ValueError`s are sentences, not tracebacks."""
    try:
        yield
    except ValueError as error:
        raise JaxpriorError(str(error)) from None


class RunProgress(Observer):
    """Shows a run: a bar with pictures, steps a second and time left on a terminal, a line every few seconds elsewhere.

    It observes `jaxprior.evaluation.run_cell`, and is a context manager around it.

    Arguments:
        title: of the run.
    """

    def __init__(self, title: str):
        self.title, self.total, self.done, self.kept = title, 0, 0, 0
        self.console = Console()
        self.bar: Progress | None = None
        self.task: TaskID | None = None
        self.clock = (0.0, 0)  # when the current batch's first chunk ended, and after how many steps
        self.told = -math.inf

    def __enter__(self) -> "RunProgress":
        if self.console.is_terminal:
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.fields[done]}/{task.total:.0f}"),
                TextColumn("{task.fields[speed]}"),
                TimeRemainingColumn(),
                TextColumn("{task.fields[loss]}"),
            )
            self.bar = Progress(*columns, console=self.console)
            self.bar.start()
        return self

    def __exit__(self, *_exception) -> None:
        if self.bar is not None:
            self.bar.stop()

    def begin(self, total: int) -> None:
        """Take note of the number of pictures."""
        self.total, self.begun = total, time.monotonic()
        if self.bar is not None:
            self.task = self.bar.add_task(self.title, total=total, done=0, speed="compiling", loss="")

    def step(self, pictures: int, steps_done: int, steps_total: int, mean_loss: float) -> None:
        """Move the bar between chunks of steps."""
        now = time.monotonic()
        if steps_done <= self.clock[1] or not self.clock[1]:
            self.clock = (now, steps_done)
        if self.bar is None or self.task is None:
            return
        elapsed, steps = now - self.clock[0], steps_done - self.clock[1]
        speed = f"{steps / elapsed:.1f} its/s" if steps and elapsed else ""
        self.bar.update(
            self.task,
            completed=self.done + pictures * steps_done / steps_total,
            speed=speed,
            loss=f"loss {mean_loss:.4g}",
        )

    def rows(self, rows: Sequence[Any], *, computed: bool) -> None:
        """Count finished pictures; name those that failed."""
        self.done += len(rows)
        self.kept += sum(row.status != "failed" for row in rows) * (not computed)
        self.clock = (0.0, 0)
        for row in rows:
            if row.status != "ok":
                self._line(f"{row.image}: {row.status}: {row.reason}")
        if self.bar is not None:
            if self.task is not None:
                self.bar.update(self.task, completed=self.done, done=self.done)
        elif computed and (self.done >= self.total or time.monotonic() - self.told > SILENCE):
            self.told = time.monotonic()
            rate = (self.done - self.kept) / max(time.monotonic() - self.begun, 1e-9)
            left = f", {(self.total - self.done) / rate:.0f} s left" if self.done < self.total else ""
            self._line(f"{self.title}: {self.done}/{self.total} pictures, {rate:.3g} pictures/s{left}")

    def note(self, text: str) -> None:
        """Say what people should know, once."""
        self._line(f"note: {text}")

    def _line(self, text: str) -> None:
        if self.bar is None:
            say(text)
        else:
            self.bar.console.print(text, markup=False, highlight=False)


def print_table(titles: Sequence[str], rows: Sequence[Sequence[Any]], *, words: int) -> None:
    """Print a table.

    Arguments:
        titles: of the columns.
        rows: one value a column.
        words: so many columns hold words; those after them hold numbers, which stand at the right.
    """
    table = Table(box=None, header_style="bold", pad_edge=False)
    for i, title in enumerate(titles):
        table.add_column(title, overflow="fold", justify="left" if i < words else "right")
    for row in rows:
        table.add_row(*map(str, row))
    console = Console()
    (console if console.is_terminal else Console(width=160)).print(table, markup=False)


def print_summary(titles: Sequence[str], row_lists: Sequence[Sequence[Any]]) -> None:
    """Print the closing table, one line a run with its counts and mean figures, and then every note of their rows."""
    from jaxprior.data.notes import note_sentences
    from jaxprior.metrics import metrics_of
    from jaxprior.reporting.tables import counts, said_of_equal, show, summarise

    summaries = [summarise(rows) for rows in row_lists]
    figures = metrics_of({name for summary in summaries for name in summary})
    numbers = [counts(rows) for rows in row_lists]
    statuses = [status for status in numbers[0] if status == "ok" or any(number[status] for number in numbers)]
    names = [*statuses, *(figure.title for figure in figures)]
    if max(map(len, titles), default=0) + sum(len(name) + 2 for name in names) > _width():
        names = [name.replace(" ", "\n") for name in names]
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("task", overflow="fold")
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    for title, number, summary in zip(titles, numbers, summaries, strict=True):
        means = [show(one.name, summary[one.name]["mean"]) if one.name in summary else "" for one in figures]
        table.add_row(escape(title), *(str(number[status]) for status in statuses), *means)
    _print_table(table)
    for title, rows in zip(titles, row_lists, strict=True):
        if equal := said_of_equal(rows):
            say(f"note: {title}: {equal}")
    notes = note_sentences((row.image, row.notes) for rows in row_lists for row in rows)
    for sentence in notes[:MOST_NOTES]:
        say(f"note: {sentence}")
    if len(notes) > MOST_NOTES:
        say(f"note: {len(notes) - MOST_NOTES} more kinds of notes stand in results.csv.")


def print_comparison(versus: Any) -> None:
    """Print the closing table of a comparison: all figures of two runs, the headline figure of every cell of grids."""
    from jaxprior.reporting.versus import COLUMNS

    first, *others = versus.matches
    head, *lines = versus.overview if others else [COLUMNS, *first.lines.values()]
    table = Table(box=None, header_style="bold", pad_edge=False)
    for place, name in enumerate(head):
        table.add_column(name, justify="right" if place else "left", no_wrap=bool(place), overflow="fold")
    for line in lines:
        table.add_row(*map(escape, line))
    say(f"A: {versus.a}\nB: {versus.b}")
    if not others:
        say(f"{first.title}: {first.pictures}")
    _print_table(table)
    for sentence in versus.without_counterpart:
        say(f"\n{sentence}")


def _width() -> int:
    """Characters in a line: the terminal's, else enough for every figure."""
    console = Console()
    return console.width if console.is_terminal else WIDTH


def _print_table(table: Table) -> None:
    console = Console(width=_width())
    console.print()
    console.print(table)


class TrainingProgress:
    """Shows a training: a bar on a terminal, a line every half minute and at every new phase elsewhere."""

    def __init__(self):
        self.console = Console()
        self.bar: Progress | None = None
        self.task: TaskID | None = None
        self.phase, self.told = "", 0.0

    def __enter__(self) -> "TrainingProgress":
        if self.console.is_terminal:
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.fields[speed]}"),
                TimeRemainingColumn(),
                TextColumn("{task.fields[metrics]}"),
            )
            self.bar = Progress(*columns, console=self.console)
            self.bar.start()
        return self

    def __exit__(self, *_exception) -> None:
        if self.bar is not None:
            self.bar.stop()

    def log(self, moment: Any) -> None:
        """Show a `jaxprior.training.loop.Moment`."""
        metrics = ", ".join(f"{name} {value:.3g}" for name, value in moment.metrics.items() if "loss" in name)
        speed = f"{moment.images_per_second:.0f} pictures/s"
        if self.bar is not None:
            if self.task is None:
                self.task = self.bar.add_task(
                    "", total=moment.total_images, completed=moment.images, speed="", metrics=""
                )
            self.bar.update(self.task, description=moment.phase, completed=moment.images, speed=speed, metrics=metrics)
        elif moment.phase != self.phase or time.monotonic() - self.told > 30:
            share = f"{moment.images:,} of {moment.total_images:,} pictures ({moment.images / moment.total_images:.0%})"
            say(f"{moment.phase}: {share}, {speed}, {metrics}")
            self.phase, self.told = moment.phase, time.monotonic()
