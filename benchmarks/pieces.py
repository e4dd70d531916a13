"""Long comparisons in pieces: trainings in processes of their own, and an end after so many minutes.

What a piece leaves behind is kept, and the same command goes on with it.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from jaxprior.cli.stops import STOPPED
from jaxprior.errors import WeightsError
from jaxprior.evaluation import RunFolder
from jaxprior.runs.stopping import StopGuard


class TimeOverError(Exception):
    """The time was over before a piece was complete."""


def end_of(minutes: float | None) -> float:
    """The value of `time.monotonic` after so many minutes from now; infinite for None."""
    return float("inf") if minutes is None else time.monotonic() + 60 * minutes


def trained(run: Path, words: Sequence[Any], *, end: float) -> Path:
    """Train a network by a command of its own, or go on with it; a finished run is looked at and left as it is.

    Arguments:
        run: folder of the training.
        words: of the command, after `jaxprior train` and without -o.
        end: value of `time.monotonic` at which the training is ended; infinite for none.

    Returns:
        the folder, whose training is finished.

    Raises:
        TimeOverError: it is not. WeightsError: the command failed.
    """
    left = (end - time.monotonic()) / 60
    if left <= 0:
        raise TimeOverError
    limit = [] if left == float("inf") else ["--minutes", f"{left:.2f}"]
    command = ["train", *map(str, words), "-o", str(run), *limit]
    print(f"jaxprior {' '.join(command)}", flush=True)
    ended = subprocess.run([sys.executable, "-m", "jaxprior", *command], check=False)
    if ended.returncode == STOPPED:
        raise TimeOverError
    if ended.returncode:
        raise WeightsError(f"{run}: the training ended with the exit code {ended.returncode}; see above.")
    if time.monotonic() > end - 1:
        raise TimeOverError
    return run


@contextlib.contextmanager
def ended_at(end: float) -> Iterator[StopGuard]:
    """Ask this process to stop at a value of `time.monotonic`, as Ctrl-C does: what is in flight is saved then.

    Yields a guard that says whether it was asked.
    """
    left = max(end - time.monotonic(), 0)
    timer = None if left == float("inf") else threading.Timer(left, os.kill, (os.getpid(), signal.SIGTERM))
    with StopGuard() as guard:
        if timer is not None:
            timer.daemon = True
            timer.start()
        try:
            yield guard
        finally:
            if timer is not None:
                timer.cancel()


def is_complete(folder: RunFolder, names: Collection[str]) -> bool:
    """Whether a run has results of all pictures of these names."""
    return (folder.path / "run.json").is_file() and {row.image for row in folder.rows()} >= set(names)
