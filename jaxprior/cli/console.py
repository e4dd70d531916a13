"""What commands print: messages and closing tables. How far a run is, is shown by the program's `Display`."""

import contextlib
import sys
import warnings
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from jaxprior.errors import JaxpriorError, JaxpriorWarning
from jaxprior.runs.display import Display, printable
from jaxprior.runs.progress import RunProgress
from jaxprior.system.activity import current_listener, doing


WIDTH = 110  # of tables in files and pipes
MOST_NOTES = 8  # that are printed below a closing table


def say(text: str, *, once: bool = False) -> None:
    """Print a line on standard output, without wrapping or markup; with `once` only if the command has not said it."""
    listener = current_listener()
    if isinstance(listener, Display):
        listener.say(text, once=once)
    else:
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


def load_jax() -> None:
    """Import JAX, which takes a second, once everything has been refused that can be refused without it."""
    with doing("loading JAX"):
        import jax as jax


def showing_run(title: str, why: str | None = None, *, noun: str = "picture") -> RunProgress:
    """An observer of a run, and the context manager around it: the program's display shows how far it is.

    How pictures were fitted, and `why` if that is given, is said once a command, also if several runs take the same
    pictures. What is counted is called by the `noun`.
    """
    return RunProgress(title, say=say, say_once=partial(say, once=True), why=why, noun=noun)


@contextlib.contextmanager
def mistakes() -> Iterator[None]:
    """Around what the library does with a user's values: its `ValueError`s are sentences, not tracebacks."""
    try:
        yield
    except ValueError as error:
        raise JaxpriorError(str(error)) from None


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


def print_summary(
    titles: Sequence[str],
    row_lists: Sequence[Sequence[Any]],
    *,
    told: Collection[str] = (),
    trained_on: str = "what the prior was trained on",
) -> None:
    """Print the closing table, one line a run with its counts and mean figures, and then every note of their rows.

    Arguments:
        titles, row_lists: of the runs.
        told: notes that were told before, because they are about all pictures; they are left out.
        trained_on: what the prior was trained on, for the sentence on pictures that do not look like that.
    """
    from jaxprior.data.notes import note_sentences
    from jaxprior.metrics import metrics_of
    from jaxprior.reporting.tables import counts, said_of_equal, said_of_fit, show, summarise
    from jaxprior.runs.rows import Rows

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
    for title, rows in zip(titles, row_lists, strict=True):
        if poor := said_of_fit(rows, trained_on=trained_on):
            said = f"{poor.removesuffix('.')}; take another prior: `jaxprior priors`"
            say(said if len(titles) == 1 else f"{title}: {said}")
    noted = [
        (image, [note for note in notes if note not in told])
        for rows in map(Rows.of, row_lists)
        for image, notes in zip(rows.images, rows.notes, strict=True)
        if notes
    ]
    notes = note_sentences(noted)
    for sentence in notes[:MOST_NOTES]:
        say(f"note: {sentence}")
    if len(notes) > MOST_NOTES:
        say(f"note: {len(notes) - MOST_NOTES} more kinds of notes stand in results.csv.")


def print_sets(runs: Iterable[tuple[str, dict]]) -> None:
    """Print how far the restored pictures of runs are from their originals, as sets; nothing where none was measured.

    Arguments:
        runs: title and run.json of each.
    """
    from jaxprior.reporting.set_tables import COLUMNS, set_lines, set_note

    runs = list(runs)
    if lines := set_lines(runs):
        say("")
        print_table(COLUMNS, lines, words=1)
        say(f"\n{set_note(runs)}")


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
