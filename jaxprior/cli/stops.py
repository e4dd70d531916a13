"""How a stopped program ends: its exit code, and the sentence that says how to continue."""

import os
import shlex
import sys
import threading

from jaxprior.cli.console import printable, say_error
from jaxprior.runs.display import Display


STOPPED = 75
"""Exit code of a program that was stopped and that the same command continues (EX_TEMPFAIL of sysexits.h)."""

CLOSING = 0.5
"""Seconds that taking away the bar may take."""


def this_command() -> str:
    """The command line of this process, which continues what was stopped."""
    return printable(shlex.join(["jaxprior", *sys.argv[1:]]))


def go_on(command: str) -> str:
    """The end of a sentence, which says how a stopped run is continued."""
    return f"the same command goes on: {command}"


def end_now(display: Display) -> None:
    """End the process at once, because it was asked to stop and cannot do so by an exception.

    Arguments:
        display: of the program, whose bar is taken away.
    """
    closing = threading.Thread(target=display.close, daemon=True)
    closing.start()
    closing.join(timeout=CLOSING)  # the process must end even where its terminal takes no more text
    try:
        say_error(f"Stopped; {go_on(this_command())}")
    finally:  # and where nobody reads its standard error any more
        os._exit(STOPPED)
