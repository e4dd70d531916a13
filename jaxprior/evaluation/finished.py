"""What a run has finished, by the keys of its results, and which result the files of a name belong to.

A result is identified by its key: the sha256 of all that decides it. So a picture that is named in another way, by an
absolute path, from another folder or out of an archive, gets the result that is there, and is not solved again. Its
files are there under its own name afterwards: where that is another one, they are copied.

Files are named after a picture's file and 32 bits of its pixels, which two results can have in common: those of one
picture with two originals, for instance. The second one's files then have a part of its key in their names too.
"""

import dataclasses

from jaxprior.evaluation.reading import Job
from jaxprior.evaluation.stored import copy_files, stored_key
from jaxprior.runs.journal import FAILED, Row
from jaxprior.runs.runfolder import RunFolder


KEY_DIGITS = 8
"""Hex digits of a key in the names of files whose shorter name is taken."""


class Finished:
    """The results of a run.

    Arguments:
        folder: the run, whose journal is read once; `add` tells of what is finished later.

    Attributes:
        newest: the newest row of every picture by its name, also of those that failed.
    """

    def __init__(self, folder: RunFolder):
        self.folder = folder
        self.newest: dict[str, Row] = {}
        self._rows: dict[str, list[Row]] = {}
        self._owners: dict[str, str] = {}
        for row in folder.journal:
            self.add(row)

    def add(self, row: Row) -> None:
        """Take note of a row that is in the journal now."""
        self.newest[row.image] = row
        if row.key is None or row.file is None or row.status == FAILED:
            return
        self._rows.setdefault(row.key, []).append(row)
        self._owners[row.file] = row.key

    def row_of(self, job: Job) -> Row | None:
        """Return the row of a picture whose result is there, with its files under the picture's own name.

        Returns:
            None if it has to be computed, also because the files of its result were overwritten.
        """
        rows = [row for row in self._rows.get(job.key, []) if self._owners[str(row.file)] == job.key]
        if not rows:
            return None
        file = self.file_of(job)
        found = max(rows, key=lambda row: (row.image == job.image, row.file == file))
        if found.file != file:
            copy_files(self.folder, str(found.file), dataclasses.replace(job, file=file))
        return dataclasses.replace(found, image=job.image, file=file, notes=job.notes)

    def file_of(self, job: Job) -> str:
        """Return the name of a picture's files, which no other result has."""
        owner = self._owners.get(job.file) or stored_key(self.folder, job.file)
        return job.file if owner in (None, job.key) else f"{job.file}-{job.key[:KEY_DIGITS]}"
