"""A disk of any size, of which a test may run out: a RAM disk of Linux, which root may mount."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path


class NoDisk(Exception):
    """A RAM disk cannot be mounted here; the message says why."""


class SmallDisk:
    """A mounted RAM disk at `path`."""

    def __init__(self, path: Path):
        self.path = path

    def remount(self, options: str) -> None:
        """Change size or rights, e.g. "size=64m" or "ro"."""
        _mount("-o", f"remount,{options}", self.path)


@contextlib.contextmanager
def small_disk(path: Path, *, kib: int) -> Iterator[SmallDisk]:
    """Mount an empty disk of so many KiB on a new folder.

    Raises:
        NoDisk: that is not permitted.
    """
    path.mkdir()
    _mount("-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", path)
    try:
        yield SmallDisk(path)
    finally:
        subprocess.run(["umount", "--lazy", path], check=False, capture_output=True)
        path.rmdir()


def _mount(*arguments: str | Path) -> None:
    try:
        done = subprocess.run(["mount", *arguments], check=False, capture_output=True, text=True)
    except OSError as error:
        raise NoDisk(f"there is no `mount` ({error.strerror})") from None
    if done.returncode:
        raise NoDisk(f"a RAM disk cannot be mounted: {done.stderr.strip()}")
