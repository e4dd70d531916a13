"""Files that survive a crash: each is written under a temporary name and renamed when it is complete."""

import contextlib
import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path


def write_atomically(path: str | os.PathLike, content: bytes | Iterable[bytes]) -> None:
    """Write a file so that a reader finds either all of it or, at any moment before, none of it.

    The content goes into a temporary file of the same folder, which is forced to the disk and then renamed.

    Arguments:
        path: the file; its folder must exist, and an earlier file of this name is replaced.
        content: the bytes, in one piece or in several.

    Raises:
        OSError: the disk refuses. The earlier file stays as it was, and no temporary file is left behind.
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
    sync_folder(path.parent)  # the renaming itself must reach the disk as well


def sync_folder(folder: str | os.PathLike) -> None:
    """Force the list of a folder's files to the disk, so that new names survive a crash of the machine."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_json(path: str | os.PathLike, value) -> None:
    """Write a value as an indented JSON file, in the way of `write_atomically`."""
    write_atomically(path, (json.dumps(value, indent=2) + "\n").encode())
