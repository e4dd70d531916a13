"""Files and folders that survive a crash: atomic writes, one writer a folder, one configuration a folder."""

import contextlib
import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path


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


















