"""The folder of compiled programs, in which JAX keeps a file for each: its size is limited, damaged files are removed.

JAX writes a file where it will lie, not beside it. A process that is killed meanwhile, or a full disk, leaves a part of
it, and another process may read it too early. JAX then compiles the program anew, warns, and never replaces the file.
"""

import contextlib
import re
import time
import warnings
import zlib
from pathlib import Path
from typing import Any


LIMIT = 4 << 30
"""Bytes of compiled programs that are kept: those not used for the longest time are removed when there are more."""

LEFT = 0.75
"""Share of `LIMIT` that is kept then."""

DAY = 86400.0
"""Seconds between two looks at the size of the folder."""

_TROUBLE = re.compile(r"Error (reading|writing) persistent compilation cache entry for '(?P<name>[^']*)'")
STAMP = ".pruned"
"""File whose time says when the size was looked at."""


def programs_in(folder: Path) -> list[Path]:
    """Return the files of compiled programs in a folder; an empty list if it does not exist."""
    return sorted(Path(folder).glob("*-cache"))


def prune(folder: Path, *, limit: int = LIMIT) -> None:
    """Remove the programs that were not used for the longest time, where all of them take more than a limit.

    It looks once a day. What cannot be removed, because another process has done so, is passed over.

    Arguments:
        folder: of compiled programs.
        limit: bytes.
    """
    stamp = folder / STAMP
    with contextlib.suppress(OSError):
        if stamp.exists() and time.time() - stamp.stat().st_mtime < DAY:
            return
        stamp.write_bytes(b"")
    found = []
    for path in programs_in(folder):
        with contextlib.suppress(OSError):
            about = path.stat()
            found.append((max(about.st_atime, about.st_mtime), about.st_size, path))
    total = sum(size for _, size, _ in found)
    kept = total if total <= limit else LEFT * limit
    for _, size, path in sorted(found):
        if total <= kept:
            break
        path.unlink(missing_ok=True)
        total -= size


def clear(folder: Path) -> int:
    """Remove all compiled programs of a folder; return how many there were."""
    found = programs_in(folder)
    for path in found:
        path.unlink(missing_ok=True)
    return len(found)


def mend(folder: Path) -> None:
    """From now on, remove files that JAX cannot read or has not written to their end, in place of its warnings.

    The program is then compiled and kept anew. All other warnings are shown as before.

    Arguments:
        folder: of compiled programs.
    """
    usual = warnings.showwarning

    def show(message: Warning | str, *rest: Any) -> None:
        if (trouble := _TROUBLE.match(str(message))) is None:
            usual(message, *rest)
        else:
            remove_damaged(folder, trouble["name"])

    warnings.showwarning = show


def remove_damaged(folder: Path, name: str) -> None:
    """Remove the damaged files among the programs of a name; all of them, if none of them looks damaged.

    Arguments:
        folder: of compiled programs.
        name: of a function, as JAX writes it at the beginning of the files' names.
    """
    found = list(Path(folder).glob(f"{name}-*-cache"))
    for path in [path for path in found if not _is_whole(path)] or found:
        path.unlink(missing_ok=True)


def _is_whole(path: Path) -> bool:
    """Whether a file can be decompressed; not if JAX wrote Zstandard, as it does where a module for it is installed."""
    try:
        zlib.decompress(path.read_bytes())
    except (OSError, zlib.error):
        return False
    return True
