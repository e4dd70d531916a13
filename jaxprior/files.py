"""Files and folders that survive a crash: atomic writes, one writer a folder, one configuration a folder."""

import contextlib
import importlib.metadata
import json
import os
import platform
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from jaxprior.errors import RunError


PACKAGES = ("jax", "jaxlib", "flax", "optax", "numpy", "pillow", "scikit-image", "safetensors")


def write_atomically(path: str | os.PathLike, content: bytes | Iterable[bytes]) -> None:
    """Write a file under a temporary name, make it durable, then rename it: it exists whole or not at all.

    Arguments:
        path: the file; its folder must exist.
        content: bytes, or several pieces of them.

    Raises:
        OSError: the disk refuses; nothing is left behind.
    """
    path = Path(path)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines([content] if isinstance(content, bytes) else content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    sync_folder(path.parent)  # the rename itself must reach the disk as well


def sync_folder(folder: str | os.PathLike) -> None:
    """Make durable which files a folder has."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_json(path: str | os.PathLike, value) -> None:
    """Write a JSON file atomically."""
    write_atomically(path, (json.dumps(value, indent=2) + "\n").encode())


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


def versions() -> dict[str, str]:
    """Versions of Python, jaxprior and the packages that a result depends on."""
    import jaxprior

    found = {"jaxprior": jaxprior.__version__, "python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def device_name() -> str:
    """Kind and number of the devices in use, for example "cpu" or "NVIDIA H200 x2"."""
    import jax

    devices = jax.local_devices()
    kind = devices[0].device_kind
    return kind if len(devices) == 1 else f"{kind} x{len(devices)}"


def _show(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."
