"""The journal of a run: a file with one line of JSON for each picture.

A picture's line is appended only after the picture's files are safely on disk. Each line ends with a checksum of
itself. A process that dies while it writes leaves at most one incomplete line, at the end of the file; the line is
recognised and ignored, and its picture is solved again. Lines are never changed. When several lines are about the same
picture, the last one counts. Processes that share a run each write a journal of their own, and read those of all.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from jaxprior.runs.lines import JournalLines
from jaxprior.runs.row import Row, encode
from jaxprior.system.files import sync_folder


BLOCK = 65536
"""Bytes that are read at once where the end of a journal is looked at."""


class Journal:
    """The rows of a run. They are appended to one file, and read from one or several.

    Arguments:
        path: the `.jsonl` file to which rows are appended; it need not exist yet.
        parts: the files that are read; by default only `path`.

    Example:
        journal = Journal(Path("run/results.jsonl"))
        journal.append([Row(image="cat.png", figures={"psnr": 24.5})])
        journal.latest()["cat.png"].psnr
    """

    def __init__(self, path: Path, *, parts: Sequence[Path] | None = None):
        self.path = Path(path)
        self.parts = [self.path] if parts is None else list(parts)

    def append(self, rows: list[Row]) -> None:
        """Append rows, and return only when they are on the disk.

        An incomplete line at the end of the file, left by a process that died, is removed first.
        """
        new = not self.path.exists()
        with open(self.path, "ab+") as file:
            _cut_torn_end(file)
            file.write("".join(map(encode, rows)).encode())
            file.flush()
            os.fsync(file.fileno())
        if new:
            sync_folder(self.path.parent)

    def __iter__(self) -> Iterator[Row]:
        """Iterate over all valid rows, the oldest first."""
        lines = JournalLines().update(self.parts)
        yield from lines.read(range(len(lines)))

    def latest(self) -> dict[str, Row]:
        """Return a table from the name of each picture to its newest row, sorted by name."""
        rows = {row.image: row for row in self}
        return dict(sorted(rows.items()))


def _cut_torn_end(file) -> None:
    """Remove an incomplete line from the end of an open file, and stay at its end."""
    if file.tell() == 0:
        return
    file.seek(-1, os.SEEK_END)
    if file.read(1) != b"\n":
        file.truncate(_end_of_last_line(file))
    file.seek(0, os.SEEK_END)


def _end_of_last_line(file) -> int:
    """Where the last whole line of an open file ends, looked for from the end of the file."""
    end = file.seek(0, os.SEEK_END)
    while end > 0:
        start = max(end - BLOCK, 0)
        file.seek(start)
        if found := file.read(end - start).rfind(b"\n") + 1:
            return start + found
        end = start
    return 0
