"""The folder of a run: its layout, its `run.json`, its lock, and writing files so that a crash never leaves
half of one.

    run.json          resolved configuration, weights' sha256, versions, device, batch, command
    results.jsonl     the journal (see journal.py)
    images/           restored pictures, merged with the known pixels where the task merges
    raw/              what the generator itself produced
    inputs/           what was observed (the hole grey)
    masks/            white = missing; only where the task has a mask
    originals/        the truth; only where it is known
    latents/          one safetensors file a picture
    results.csv, summary.md, sheet.png, report.html
"""

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from jaxprior.errors import RunError
from jaxprior.evaluation.journal import Journal


PICTURES = ("inputs", "masks", "raw", "images", "originals")


class RunFolder:
    """One run on disk.

    Arguments:
        path: the folder; made by `open_for_writing`, only read otherwise.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)

    @property
    def journal(self) -> Journal:
        return Journal(self.path / "results.jsonl")

    def file(self, kind: str, name: str) -> Path:
        """Return the place of a picture's file of a kind ("images", "raw", ..., "latents")."""
        return self.path / kind / (name + (".safetensors" if kind == "latents" else ".png"))

    def read(self) -> dict:
        """Return run.json.

        Raises:
            `RunError` where the folder holds no run.
        """
        path = self.path / "run.json"
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise RunError(f"{self.path} holds no run: there is no run.json in it.") from None
        except ValueError as error:
            raise RunError(f"{path} is damaged ({error}); delete it and repeat the run's command.") from None

    def write(self, record: dict) -> None:
        """Replace run.json."""
        write_atomically(self.path / "run.json", (json.dumps(record, indent=2) + "\n").encode())

    def check_configuration(self, configuration: dict) -> None:
        """Refuse to go on in a folder that another configuration made; other pictures are fine, other
        settings not.

        Raises:
            `RunError` naming the first setting that differs.
        """
        if not (self.path / "run.json").exists():
            return
        difference = first_difference(self.read()["configuration"], json.loads(json.dumps(configuration)))
        if difference is not None:
            name, before, now = difference
            raise RunError(
                f"{self.path} was made with {name} = {_show(before)}, "
                f"this command has {name} = {_show(now)}: "
                "give another folder with -o, or the same settings to go on."
            )

    @contextlib.contextmanager
    def open_for_writing(self) -> Iterator[None]:
        """Make the folder and hold its lock, so that two processes never write into one run.

        The lock is the operating system's own on `.lock`: it ends with the process, however that dies.

        Raises:
            `RunError` if another process holds it.
        """
        import fcntl

        for kind in (*PICTURES, "latents"):
            (self.path / kind).mkdir(parents=True, exist_ok=True)
        with open(self.path / ".lock", "a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                raise RunError(
                    f"{self.path} is being written by process {lock.read().strip() or 'unknown'}: "
                    "wait for it, stop it, or give another folder with -o."
                ) from None
            lock.truncate(0)
            lock.write(f"{os.getpid()}\n")
            lock.flush()
            yield


def runs_in(path: str | Path) -> list[RunFolder]:
    """Return the run in a folder, or the runs in its sub-folders sorted by name.

    Raises:
        `RunError` if there is none.
    """
    path = Path(path)
    if (path / "run.json").is_file():
        return [RunFolder(path)]
    runs = [RunFolder(child.parent) for child in sorted(path.glob("*/run.json"))] if path.is_dir() else []
    if not runs:
        raise RunError(f"{path} holds no run: neither it nor a folder in it has a run.json.")
    return runs


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file under a temporary name, make it durable, then rename it: it exists whole or not at all."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def first_difference(before: dict, now: dict, prefix: str = "") -> tuple[str, object, object] | None:
    """Return (dotted name, old value, new value) of the first setting in which two configurations differ."""
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
