"""The lock of a run folder, which keeps two processes from writing into the same run."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from jaxprior.errors import RunError
from jaxprior.system.files import make_folder


class BeingWritten(RunError):
    """Another process writes what this one wants to write."""


@contextlib.contextmanager
def only_writer(folder: Path, part: str = "") -> Iterator[None]:
    """Make a run folder and hold its lock while the block runs.

    The lock is one of the operating system, on the file `.lock` in the folder. It ends with the process, in whatever
    way the process ends.

    Arguments:
        folder: the run folder, made if it is missing.
        part: the name of the part of the run that this process writes. Processes that write different parts may work
            side by side; a process that writes the whole run (an empty name) must be alone.

    Raises:
        BeingWritten: another process holds the lock. RunError: the path leads into a file.
    """
    import fcntl

    make_folder(folder)
    with contextlib.ExitStack() as locks:
        if part:
            locks.enter_context(_locked(folder, ".lock", fcntl.LOCK_SH))
        locks.enter_context(_locked(folder, f".lock{part}", fcntl.LOCK_EX))
        yield


@contextlib.contextmanager
def _locked(folder: Path, name: str, kind: int) -> Iterator[None]:
    """Hold a shared or an exclusive lock on one file; the holder of an exclusive one writes its process number."""
    import fcntl

    with open(folder / name, "a+") as lock:
        try:
            fcntl.flock(lock, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise BeingWritten(
                f"{folder} is being written by process {lock.read().strip() or 'unknown'}: "
                "wait for it, stop it, or give another folder with -o."
            ) from None
        if kind == fcntl.LOCK_EX:
            lock.truncate(0)
            lock.write(f"{os.getpid()}\n")
            lock.flush()
        yield
