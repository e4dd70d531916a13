"""What a run has finished, by the keys of its results, and which result the files of a name belong to.

A result is identified by its key: the sha256 of all that decides it. So a picture that is named in another way, by an
absolute path, from another folder or out of an archive, gets the result that is there, and is not solved again. Its
files are there under its own name afterwards: where that is another one, they are copied.

Files are named after a picture's file and 32 bits of its pixels, which two results can have in common: those of one
picture with two originals, for instance. The second one's files then have a part of its key in their names too.
"""

import dataclasses
from collections.abc import Iterator

import numpy as np

from jaxprior.evaluation.reading import Job
from jaxprior.evaluation.stored import copy_files, stored_key
from jaxprior.runs.lines import Lines, digest_of
from jaxprior.runs.row import FAILED, Row
from jaxprior.runs.runfolder import RunFolder


KEY_DIGITS = 8
"""Hex digits of a key in the names of files whose shorter name is taken."""

RECENT = 10_000
"""Rows of this process that are held in memory; of more, only where they stand in the journals."""

HELD = 64
"""Rows that are held in memory because they were read last."""


class Finished:
    """The results of a run. Of each, a few numbers are in memory; its row is read from the journal when it is needed.

    Arguments:
        folder: the run, whose journals are read once; `add` tells of what is finished later.
    """

    def __init__(self, folder: RunFolder):
        self.folder = folder
        self._recent: list[Row] = []
        self._look_up(folder.lines())

    def add(self, row: Row) -> None:
        """Take note of a row that is in the journal now, or will be in a moment."""
        self._recent.append(row)
        self._recent_of.setdefault(row.image, []).append(row)
        if _has_result(row):
            self._recent_results.setdefault(str(row.key), []).append(row)
            self._recent_owners[str(row.file)] = str(row.key)

    def journalled(self) -> None:
        """Take note that all rows that were added are in the journal now."""
        if len(self._recent) >= RECENT:
            self._look_up(self.folder.lines())

    def is_newest(self, row: Row) -> bool:
        """Return whether the newest row of the picture says the same as this one."""
        if row.image in self._recent_of:
            return self._recent_of[row.image][-1] == row
        newest = next((one for one in self._read(self._images.find(hash(row.image))) if one.image == row.image), None)
        return newest == row

    def row_of(self, job: Job) -> Row | None:
        """Return the row of a picture whose result is there, with its files under the picture's own name.

        Returns:
            None if it has to be computed, also because the files of its result were overwritten.
        """
        lines = self._results.find(digest_of(job.key)[0])
        stored = [row for row in self._read(lines) if row.key == job.key and _has_result(row)]
        there = [*reversed(stored), *self._recent_results.get(job.key, [])]
        rows = [row for row in there if self._owner(str(row.file)) == job.key]
        if not rows:
            return None
        file = self.file_of(job)
        found = max(rows, key=lambda row: (row.image == job.image, row.file == file))
        if found.file != file:
            copy_files(self.folder, str(found.file), dataclasses.replace(job, file=file))
        return dataclasses.replace(found, image=job.image, file=file, notes=job.notes)

    def file_of(self, job: Job) -> str:
        """Return the name of a picture's files, which no other result has."""
        owner = self._owner(job.file) or stored_key(self.folder, job.file)
        return job.file if owner in (None, job.key) else f"{job.file}-{job.key[:KEY_DIGITS]}"

    def _owner(self, file: str) -> str | None:
        """The key of the result that was the last to be stored under a name; None if none was."""
        if file in self._recent_owners:
            return self._recent_owners[file]
        rows = self._read(self._files.find(hash(file)))
        return next((row.key for row in rows if row.file == file and _has_result(row)), None)

    def _read(self, lines: np.ndarray) -> Iterator[Row]:
        """The rows of some lines, the newest first."""
        for line in lines[::-1].tolist():
            if line not in self._held:
                if len(self._held) == HELD:
                    self._held.clear()
                self._held[line] = next(self._source.read([line]))
            yield self._held[line]

    def _look_up(self, lines: Lines) -> None:
        self._source, columns = lines.source, lines.columns
        self._images = _Table(np.fromiter(map(hash, columns.images), np.int64, len(columns)))
        self._results, self._files = _Table(columns.results[:, 0]), _Table(columns.files)
        self._held: dict[int, Row] = {}
        self._recent.clear()
        self._recent_of: dict[str, list[Row]] = {}
        self._recent_results: dict[str, list[Row]] = {}
        self._recent_owners: dict[str, str] = {}


class _Table:
    """Finds the places at which a number stands in an array [n] of whole numbers."""

    def __init__(self, numbers: np.ndarray):
        self.order = np.argsort(numbers, kind="stable")
        self.numbers = numbers[self.order]

    def find(self, number: int | np.integer) -> np.ndarray:
        """Return the places of a number, in their order."""
        first, end = (np.searchsorted(self.numbers, number, side) for side in ("left", "right"))
        return self.order[first:end]


def _has_result(row: Row) -> bool:
    return row.key is not None and row.file is not None and row.status != FAILED
