"""`run.json` and the lock of a run folder: one writer at a time, one configuration a folder."""

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

from jaxprior.errors import RunError


@contextlib.contextmanager
def only_writer(folder: Path, part: str = "") -> Iterator[None]:
    """Make a folder and hold its lock, so that two processes never write into one run.

    The lock is the operating system's own, on `.lock`: it ends with the process, however that dies.

    Arguments:
        folder: of the run.
        part: name of the part of the run that this process writes; writers of other parts may work beside it, a
            writer of the whole may not.

    Raises:
        RunError: another process holds it.
    """
    import fcntl

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise RunError(f"{folder} lies in a file or is one: give another folder with -o.") from None
    with contextlib.ExitStack() as locks:
        if part:
            locks.enter_context(_locked(folder, ".lock", fcntl.LOCK_SH))
        locks.enter_context(_locked(folder, f".lock{part}", fcntl.LOCK_EX))
        yield


@contextlib.contextmanager
def _locked(folder: Path, name: str, kind: int) -> Iterator[None]:
    import fcntl

    with open(folder / name, "a+") as lock:
        try:
            fcntl.flock(lock, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise RunError(
                f"{folder} is being written by process {lock.read().strip() or 'unknown'}: "
                "wait for it, stop it, or give another folder with -o."
            ) from None
        if kind == fcntl.LOCK_EX:
            lock.truncate(0)
            lock.write(f"{os.getpid()}\n")
            lock.flush()
        yield


def read_record(folder: Path) -> dict:
    """The `run.json` of a run folder.

    Raises:
        RunError: the folder holds no run, or a damaged one.
    """
    path = Path(folder) / "run.json"
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise RunError(f"{folder} holds no run: there is no run.json in it.") from None
    except ValueError as error:
        raise damaged(path, str(error)) from None
    if not isinstance(record, dict):
        raise damaged(path, "it holds no table")
    return record


def damaged(path: Path, reason: str) -> RunError:
    """The error that a record of a run cannot be used."""
    return RunError(f"{path} is damaged ({reason}); delete it and repeat the run's command.")


def check_configuration(folder: Path, configuration: dict) -> None:
    """Refuse to go on in a folder that another configuration made.

    Raises:
        RunError: names the first setting that differs.
    """
    if not (Path(folder) / "run.json").exists():
        return
    now = json.loads(json.dumps(configuration))
    difference = first_difference(read_record(folder).get("configuration", {}), now)
    if difference is not None:
        name, before, here = difference
        raise RunError(
            f"{folder} was made with {name} = {_show(before)}, this command has {name} = {_show(here)}: "
            "give another folder with -o, or the same settings to go on."
        )


def first_difference(before: dict, now: dict, prefix: str = "") -> tuple[str, object, object] | None:
    """(dotted name, old value, new value) of the first setting in which two configurations differ, or None."""
    for name in [*before, *(name for name in now if name not in before)]:
        old, new = before.get(name), now.get(name)
        if isinstance(old, dict) and isinstance(new, dict):
            inner = first_difference(old, new, f"{prefix}{name}.")
            if inner is not None:
                return inner
        elif old != new:
            return prefix + name, old, new
    return None


def _show(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."
