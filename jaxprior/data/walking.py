"""Going through a folder with all that are below it, each once, without asking for more than the lists of names."""

import collections
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from jaxprior.data.places import Folder
from jaxprior.runs.kinds import RECORD, is_run


SYSTEM_FILES = frozenset(("__MACOSX", "Thumbs.db", "ehthumbs.db", "desktop.ini", "Icon\r"))
"""Files and folders that operating systems add."""


def walk(path: Path, on_run: Callable[[str], None]) -> Iterator[tuple[Folder, list[tuple[str, bool]]]]:
    """Search a folder with all that are below it: (a folder, its files), each folder once.

    A file is its name and whether it is a link. Real paths are put together from those of the folders, because asking
    the file system for each takes several times as long as listing it. Folders of runs are not searched; `on_run` is
    called with the path of each. Linked folders come after all others, so that a folder that also has a link to it
    keeps its own path.
    """
    prefix = "" if path == Path() else os.path.join(path.as_posix(), "")
    waiting, seen = collections.deque([Folder(prefix, os.path.realpath(path))]), set()
    while waiting:
        open_ones = [waiting.popleft()]
        while open_ones:
            folder = open_ones.pop()
            if folder.real in seen:
                continue
            seen.add(folder.real)
            folders, files = _entries(folder.text)
            if any(name == RECORD for name, _ in files) and is_run(folder.text):
                on_run(folder.text)
                continue
            waiting.extend(folder.linked(name) for name, is_link in folders if is_link)
            open_ones.extend(folder.inner(name) for name, is_link in reversed(folders) if not is_link)
            yield folder, files


def _entries(folder: str) -> tuple[list[tuple[str, bool]], list[tuple[str, bool]]]:
    """The folders in a folder and its files, in the order of names: (name, whether it is a link) of each.

    Hidden ones and those of operating systems are left out. A folder that must not be read is empty.
    """
    folders, files = [], []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if is_wanted(entry.name):
                    (folders if _is_folder(entry) else files).append((entry.name, entry.is_symlink()))
    except OSError:
        return [], []
    return sorted(folders), sorted(files)


def _is_folder(entry: os.DirEntry) -> bool:
    """Whether an entry is a folder or a link to one; a link in a circle is none."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def is_wanted(name: str) -> bool:
    """Whether a file or folder is neither hidden nor one of those that operating systems add."""
    return name == ".." or not (name.startswith(".") or name in SYSTEM_FILES)
