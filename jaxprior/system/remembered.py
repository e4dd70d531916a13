"""What was measured on this machine, kept in small JSON files in the folder of compiled programs."""

import contextlib
import json
from pathlib import Path
from typing import Any

from jaxprior.system import runtime
from jaxprior.system.files import write_atomically


def read(file: str) -> dict[str, Any]:
    """Return what a file remembers, by name; nothing where it is missing or cannot be used.

    Arguments:
        file: its name, for example "speeds.json".
    """
    path = _path(file)
    try:
        found = json.loads(path.read_bytes()) if path is not None else {}
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def keep(file: str, name: str, value: Any, *, most: int | None = None) -> None:
    """Remember one more thing. Where that is not possible, nothing happens.

    Arguments:
        file: name of the file.
        name: under which it is read again.
        value: plain JSON.
        most: how many things the file remembers; the oldest are forgotten. None for all.
    """
    if (path := _path(file)) is None or not path.parent.is_dir():
        return
    others = {other: kept for other, kept in read(file).items() if other != name}
    newest = list({**others, name: value}.items())[-most if most else 0 :]
    with contextlib.suppress(OSError):
        write_atomically(path, (json.dumps(dict(newest), indent=0) + "\n").encode())


def _path(file: str) -> Path | None:
    folder = runtime.cache_folder()
    return None if folder is None else folder / file
