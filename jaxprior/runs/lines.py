"""The lines of journals as columns: what tables and plots need of every row stands in NumPy arrays, and a whole row is
read from its journal again when it is asked for. So a million rows take 300 MB of memory instead of several GB.
"""

import contextlib
import dataclasses
import hashlib
import itertools
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Protocol

import numpy as np

from jaxprior.errors import RunError
from jaxprior.runs.row import NAMES, PLAIN, Row, is_figure, row_of, values_of


CHUNK = 4096
"""Lines that become columns at once."""
OPEN = 256
"""So many journals are held open at most while rows are read."""
DIGEST = struct.Struct("<QQ")
NUMBERS = frozenset((float, int, type(None)))


@dataclasses.dataclass(frozen=True)
class Columns:
    """What is kept in memory of some lines, an entry a line.

    Fields:
        images: names of the pictures.
        ids: int64 [n], of the pictures' content; -1 where there is none.
        results: uint64 [n, 2], equal where two lines are about one result: a digest of the key, or of the id where
            there is no key. Zero where there is neither.
        files: int64 [n], hashes of the names of the pictures' files; 0 where there are none.
        status, fit, notes: object [n], what the rows say.
        written: float64 [n], seconds of Unix time; 0 where it is not known.
        figures: float64 [n] by the name of a figure, not a number where a row does not have it.
    """

    images: list[str]
    ids: np.ndarray
    results: np.ndarray
    files: np.ndarray
    status: np.ndarray
    fit: np.ndarray
    notes: np.ndarray
    written: np.ndarray
    figures: dict[str, np.ndarray]

    @classmethod
    def of(cls, lines: Sequence[Mapping[str, Any]]) -> "Columns":
        """Make columns of what stands in some lines, from `values_of`."""
        names = dict.fromkeys(itertools.chain.from_iterable(dict.fromkeys(map(tuple, lines))))
        figures = {name: _numbers([line.get(name) for line in lines]) for name in names if name not in NAMES}
        notes = (tuple(map(str, line.get("notes", ()))) for line in lines)
        return cls(
            images=[line["image"] for line in lines],
            ids=np.array([-1 if line.get("id") is None else line["id"] for line in lines], np.int64),
            results=np.array([digest_of(line.get("key"), line.get("id")) for line in lines], np.uint64).reshape(-1, 2),
            files=np.array([0 if line.get("file") is None else hash(line["file"]) for line in lines], np.int64),
            status=_words(line.get("status") for line in lines),
            fit=_words(line.get("fit") for line in lines),
            notes=_words(notes),
            written=np.nan_to_num(_numbers([line.get("written") for line in lines])),
            figures={name: values for name, values in figures.items() if not np.isnan(values).all()},
        )

    @classmethod
    def joined(cls, parts: Sequence["Columns"], *, by_time: bool) -> tuple["Columns", np.ndarray]:
        """Put columns one after the other, of at least one part; with `by_time` sorted by when lines were written.

        Returns:
            the columns, and for each of their lines its number among those of all parts.
        """
        order = np.arange(sum(map(len, parts)))
        if by_time:
            order = np.argsort(np.concatenate([part.written for part in parts]), kind="stable")
        images = list(itertools.chain.from_iterable(part.images for part in parts))
        names = dict.fromkeys(name for part in parts for name in part.figures)
        arrays = {
            field.name: np.concatenate([getattr(part, field.name) for part in parts])[order]
            for field in dataclasses.fields(cls)
            if field.name not in ("images", "figures")
        }
        figures = {name: np.concatenate([part.figure(name) for part in parts])[order] for name in names}
        return cls(images=[images[line] for line in order.tolist()], figures=figures, **arrays), order

    def __len__(self) -> int:
        return len(self.images)

    def figure(self, name: str) -> np.ndarray:
        """Return a column of `figures`, all of it not a number where no line has the figure."""
        return self.figures.get(name, np.full(len(self), np.nan))


class RowSource(Protocol):
    """Where the whole rows of some lines are."""

    def read(self, places: Iterable[int]) -> Iterator[Row]:
        """Read the rows of lines by their numbers, one after the other."""
        ...


@dataclasses.dataclass(frozen=True)
class Lines:
    """Lines, the oldest first: their columns, and where their rows are."""

    columns: Columns
    source: RowSource

    @classmethod
    def of_rows(cls, rows: Sequence[Row]) -> "Lines":
        """Make lines of rows that are in memory."""
        values = [{**{name: getattr(row, name) for name in (*PLAIN, "notes")}, **row.figures} for row in rows]
        return cls(Columns.of(values), _InMemory(rows))

    def __len__(self) -> int:
        return len(self.columns)

    def held(self, places: Sequence[int]) -> "Lines":
        """Return the lines with those rows in memory that have these numbers; the others cannot be read any more."""
        return Lines(self.columns, _InMemory(dict(zip(places, self.read(places), strict=True))))

    def read(self, places: Iterable[int]) -> Iterator[Row]:
        """Read the rows of lines by their numbers, one after the other.

        Raises:
            RunError: a journal was changed or removed since its lines were read.
        """
        return self.source.read(places)


@dataclasses.dataclass(frozen=True)
class _InMemory:
    """Rows by the numbers of their lines, of all lines or of some."""

    rows: Sequence[Row] | Mapping[int, Row]

    def read(self, places: Iterable[int]) -> Iterator[Row]:
        return (self.rows[place] for place in places)


@dataclasses.dataclass(frozen=True)
class _InFiles:
    """Lines of journals: number of the file in `paths`, where in it a line begins, and its bytes."""

    ARRAYS: ClassVar = ("part", "start", "length")

    paths: list[Path]
    part: np.ndarray
    start: np.ndarray
    length: np.ndarray

    def read(self, places: Iterable[int]) -> Iterator[Row]:
        places = iter(places)
        opened: dict[int, BinaryIO] = {}
        with contextlib.ExitStack() as stack:
            while block := list(itertools.islice(places, CHUNK)):
                where = (column[block].tolist() for column in (self.part, self.start, self.length))
                for part, start, length in zip(*where, strict=True):
                    if part not in opened:
                        if len(opened) == OPEN:
                            stack.close()
                            opened.clear()
                        opened[part] = stack.enter_context(_opened(self.paths[part]))
                    opened[part].seek(start)
                    values = values_of(opened[part].read(length))
                    if values is None:
                        raise _changed(self.paths[part])
                    yield row_of(values)


class JournalLines:
    """All valid lines of some journals, which are read as far as they have grown since the last time."""

    def __init__(self):
        self._forget()

    def _forget(self) -> None:
        self._ends: dict[Path, int] = {}
        self._source = _InFiles([], np.zeros(0, np.int16), np.zeros(0, np.int64), np.zeros(0, np.int32))
        self.lines = Lines(Columns.of([]), self._source)

    def update(self, paths: Sequence[Path]) -> Lines:
        """Return all lines that the journals have now, sorted by when they were written if there are several journals.

        Arguments:
            paths: of the journals; one need not exist. One that is shorter than before, or was left out, makes all of
                them be read again.

        Raises:
            RunError: a journal is a folder.
        """
        paths = [path.absolute() for path in paths]
        sizes = {path: path.stat().st_size for path in paths if path.exists()}
        if any(sizes.get(path, -1) < end for path, end in self._ends.items()):
            self._forget()
        grown = [path for path, size in sizes.items() if size > self._ends.get(path, 0)]
        read = [one for path in grown for one in self._read(path)]
        if read:
            self._add(read, several=len(paths) > 1)
        return self.lines

    def _read(self, path: Path) -> Iterator[tuple[Columns, _InFiles]]:
        """The new lines of a journal, some thousand at a time; an incomplete last line is left for the next time."""
        number = self._source.paths.index(path) if path in self._source.paths else len(self._source.paths)
        if number == len(self._source.paths):
            self._source.paths.append(path)
        with _journal(path) as file:
            end = self._ends.get(path, 0)
            file.seek(end)
            if not end:
                end = _skip_byte_order_mark(file)
            while lines := list(itertools.islice(file, CHUNK)):
                starts = end + np.cumsum([0, *map(len, lines)])
                torn = not lines[-1].endswith(b"\n")
                end = int(starts[-2 if torn else -1])
                values = [values_of(line) for line in lines]
                valid = [place for place, one in enumerate(values) if one is not None]
                columns = Columns.of([one for one in values if one is not None])
                length = np.array([len(lines[place]) for place in valid], np.int32)
                part = np.full(len(valid), number, np.int16)
                yield columns, _InFiles(self._source.paths, part, starts[valid], length)
        self._ends[path] = end

    def _add(self, read: Sequence[tuple[Columns, _InFiles]], *, several: bool) -> None:
        before = [(self.lines.columns, self._source)] if self.lines else []
        parts, sources = zip(*before, *read, strict=True)
        columns, order = Columns.joined(parts, by_time=several)
        where = (np.concatenate([getattr(one, name) for one in sources])[order] for name in _InFiles.ARRAYS)
        self._source = _InFiles(self._source.paths, *where)
        self.lines = Lines(columns, self._source)


def _journal(path: Path) -> BinaryIO:
    try:
        return open(path, "rb")
    except IsADirectoryError:
        raise RunError(
            f"{path} is a folder; expected the journal of a run, a file: move that folder away, or name another run."
        ) from None


def _opened(path: Path) -> BinaryIO:
    try:
        return open(path, "rb", buffering=0)
    except OSError:
        raise _changed(path) from None


def _changed(path: Path) -> RunError:
    return RunError(f"{path} was changed or removed while it was read: repeat the command.")


def _skip_byte_order_mark(file: BinaryIO) -> int:
    """Go to the first byte of the text, and return its place."""
    mark = b"\xef\xbb\xbf"
    file.seek(len(mark) if file.read(len(mark)) == mark else 0)
    return file.tell()


def _numbers(values: list[Any]) -> np.ndarray:
    """Numbers as float64; what is none is not a number."""
    if not NUMBERS.issuperset(map(type, values)):
        values = [value if is_figure(value) else None for value in values]
    return np.array(values, np.float64)


def _words(values: Iterable[Any]) -> np.ndarray:
    """Values as an array of objects, in which equal ones are one object."""
    same: dict[Any, Any] = {}
    return np.fromiter((same.setdefault(value, value) for value in values), object)


def digest_of(key: str | None, id: int | None = None) -> tuple[int, int]:
    """Return 128 bits of what a result is known by: its key, or the id of its picture if it has none; (0, 0) if it has
    neither."""
    if key is None and id is None:
        return 0, 0
    known = f"id {id}" if key is None else str(key)
    high, low = DIGEST.unpack(hashlib.blake2b(known.encode(errors="replace"), digest_size=DIGEST.size).digest())
    return high, low
