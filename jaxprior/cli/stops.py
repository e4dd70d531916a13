"""How a stopped program ends: its exit code, and the sentence that says how to continue."""

import os
import shlex
import sys
import threading
from collections.abc import Sequence

from jaxprior.cli.console import printable, say_error
from jaxprior.operators import task_names
from jaxprior.runs.display import Display
from jaxprior.system.activity import Activity
from jaxprior.system.amounts import plural


STOPPED = 75
"""Exit code of a program that was stopped and that the same command continues (EX_TEMPFAIL of sysexits.h)."""

CLOSING = 0.5
"""Seconds that taking away the bar may take."""

RESUMING = ("demo", "evaluate", "train")
"""Commands that go on where they were stopped, beside those of the tasks, `singan train`, `priors get` and `rank`."""

RETRAIN = "--retrain"
"""The option of `singan paint` with which it trains first."""


def this_command() -> str:
    """The command line of this process, which continues what was stopped."""
    return printable(shlex.join(["jaxprior", *sys.argv[1:]]))


def go_on(command: str) -> str:
    """The end of a sentence, which says how a stopped run is continued."""
    return f"the same command goes on: {command}"


def goes_on(words: Sequence[str]) -> bool:
    """Whether a stopped command goes on where it was when it is repeated; all others begin anew.

    Arguments:
        words: the command line after the program's name.

    Example:
        >>> goes_on(["singan", "train", "cat.png", "-o", "runs/cat"]), goes_on(["bench", "--steps", "2"])
        (True, False)
    """
    command, *others = [word for word in words if not word.startswith("-")] or [""]
    if command == "singan":
        return others[:1] in (["train"], ["finetune"]) or RETRAIN in words
    if command == "priors":
        return others[:1] in (["get"], ["rank"])
    return command in RESUMING or command in task_names()


def stopped(words: Sequence[str], work: Activity | None = None) -> str:
    """The sentence of a command that was stopped somewhere: whether the same command goes on, or begins anew.

    Arguments:
        words: see `goes_on`.
        work: what went on as a whole. Of a run that restores pictures, the sentence says how many are done.
    """
    command = this_command()
    so_far = ""
    if work is not None and work.total is not None and words[:1] and words[0] in ("evaluate", *task_names()):
        so_far = done_so_far(work.done, work.total, work.unit.removesuffix("s"))
        so_far = f" in {work.text}{so_far}" if words[0] == "evaluate" else so_far
    return f"Stopped{so_far}; {go_on(command) if goes_on(words) else f'the same command begins anew: {command}'}"


def done_so_far(done: float, total: float, noun: str) -> str:
    """How much of a run is kept at a stop, behind "Stopped".

    Example:
        >>> done_so_far(0, 1, "picture")
        ' with 0 of 1 picture done'
    """
    return f" with {done:.0f} of {total:.0f} {plural(noun, round(total))} done"


def disk_is_full(where: str, words: Sequence[str]) -> str:
    """The sentence of a command for which there was no room on the disk.

    Arguments:
        where: the file that did not find room.
        words: see `goes_on`.
    """
    kept = "what was finished is kept; " if goes_on(words) else ""
    then = "to go on" if kept else "from its beginning"
    return f"The disk is full ({where}): {kept}make room and repeat the same command {then}."


def end_now(display: Display, words: Sequence[str]) -> None:
    """End the process at once, because it was asked to stop and cannot do so by an exception.

    Arguments:
        display: of the program, whose bar is taken away.
        words: see `goes_on`.
    """
    closing = threading.Thread(target=display.close, daemon=True)
    closing.start()
    closing.join(timeout=CLOSING)  # the process must end even where its terminal takes no more text
    try:
        say_error(stopped(words, display.outermost))
    finally:  # and where nobody reads its standard error any more
        os._exit(STOPPED)
