"""The rows of a run as tables and reports take them: a sequence of rows whose figures can be had as columns."""

import operator
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import TypeVar, overload

import numpy as np

from jaxprior.runs.lines import Lines
from jaxprior.runs.row import Row
from jaxprior.system.amounts import plural


Item = TypeVar("Item")

HELD = 10_000
"""So many rows of a run are in memory at most; of a larger run, each is read again when it is asked for."""

SHOWN = 2
"""So many names of pictures are shown where rows are printed."""


class ListLike(Sequence[Item]):
    """A sequence that is equal to every other one of equal items, lists included."""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(one == another for one, another in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]


class Rows(ListLike[Row]):
    """Rows of pictures, which are read from the journals when they are asked for, or few enough to be in memory.

    It is used like a list of `Row`. Going through all of a million rows takes seconds each time; what is made of one
    figure of all rows is better computed from its column.

    Arguments:
        lines: in which the rows stand.
        places: int [n], the numbers of the rows' lines.
        rank: int [n], the places of the rows in the order of their pictures' names; found from the names if it is not
            given.

    Example:
        >>> rows = Rows.of([Row(image="b.png", figures={"psnr": 20.0}), Row(image="a.png", figures={"psnr": 24.0})])
        >>> rows.figure("psnr").tolist(), [row.image for row in rows.by_name]
        ([20.0, 24.0], ['a.png', 'b.png'])
    """

    def __init__(self, lines: Lines, places: np.ndarray, rank: np.ndarray | None = None):
        self._lines, self._places = lines, places
        self.rank = _ranks([lines.columns.images[place] for place in places.tolist()]) if rank is None else rank

    @classmethod
    def of(cls, rows: Iterable[Row]) -> "Rows":
        """Return the rows themselves if they are `Rows`, or rows that are in memory as such."""
        if isinstance(rows, Rows):
            return rows
        rows = list(rows)
        return cls(Lines.of_rows(rows), np.arange(len(rows)))

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[Row]:
        return self._lines.read(self._places.tolist())

    @overload
    def __getitem__(self, place: int) -> Row: ...

    @overload
    def __getitem__(self, place: slice) -> "Rows": ...

    def __getitem__(self, place: int | slice) -> "Row | Rows":
        if isinstance(place, slice):
            return self.take(np.arange(len(self))[place])
        return next(self._lines.read([int(self._places[int(operator.index(place))])]))

    def __add__(self, other: "list[Row] | Rows") -> list[Row]:
        return [*self, *other] if isinstance(other, list | Rows) else NotImplemented

    def __radd__(self, other: list[Row]) -> list[Row]:
        return [*other, *self] if isinstance(other, list) else NotImplemented

    def __repr__(self) -> str:
        first = [self._lines.columns.images[place] for place in self._places[:SHOWN].tolist()]
        count = f"{len(self)} {plural('row', len(self))}"
        return f"<Rows: {', '.join([count, *first, *(['...'] if len(self) > SHOWN else [])])}>"

    def take(self, places: np.ndarray) -> "Rows":
        """Return some of the rows.

        Arguments:
            places: their numbers among these rows, in the order that is wanted; or bool [n], which of them.
        """
        return Rows(self._lines, self._places[places], self.rank[places])

    def held(self) -> "Rows":
        """Return the same rows, all of them in memory if they are at most `HELD`."""
        if len(self) > HELD:
            return self
        return Rows(self._lines.held(self._places.tolist()), self._places, self.rank)

    @cached_property
    def by_name(self) -> "Rows":
        """The rows in the order of their pictures' names."""
        return self.take(np.argsort(self.rank, kind="stable"))

    @cached_property
    def distinct(self) -> "Rows":
        """The rows with every result once: of rows with one key (or of one content, if they have no key), the first by
        name."""
        high, low = self.results.T
        order = np.lexsort((self.rank, low, high))
        first = np.ones(len(self), bool)
        first[order[1:]] = (np.diff(high[order]) != 0) | (np.diff(low[order]) != 0)
        return self.take(first | ((high == 0) & (low == 0)))

    @property
    def images(self) -> list[str]:
        """The names of the pictures."""
        return [self._lines.columns.images[place] for place in self._places.tolist()]

    @property
    def ids(self) -> np.ndarray:
        """What the pictures' contents are known by, int64 [n]; -1 where it is not known."""
        return self._lines.columns.ids[self._places]

    @property
    def results(self) -> np.ndarray:
        """Digests of the results, uint64 [n, 2]; zero where there is none."""
        return self._lines.columns.results[self._places]

    @property
    def status(self) -> np.ndarray:
        """The rows' status, words [n]."""
        return self._lines.columns.status[self._places]

    @property
    def fit(self) -> np.ndarray:
        """How the pictures fit the prior, words [n], None where it is not known."""
        return self._lines.columns.fit[self._places]

    @property
    def notes(self) -> np.ndarray:
        """The rows' notes, tuples [n]."""
        return self._lines.columns.notes[self._places]

    def figure(self, name: str) -> np.ndarray:
        """Return a figure of all rows, float64 [n], not a number where a row does not have it."""
        return self._lines.columns.figure(name)[self._places]

    def has(self, name: str) -> bool:
        """Return whether any of the rows has a figure."""
        return name in self._lines.columns.figures and not np.isnan(self.figure(name)).all()


def _ranks(images: Sequence[str]) -> np.ndarray:
    ranks = np.empty(len(images), np.int32)
    ranks[sorted(range(len(images)), key=images.__getitem__)] = np.arange(len(images), dtype=np.int32)
    return ranks
