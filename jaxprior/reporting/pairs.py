"""Rows of two runs that are about the same picture, side by side."""

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import overload

import numpy as np

from jaxprior.runs.row import FAILED, Row
from jaxprior.runs.rows import ListLike, Rows


class Pairs(ListLike[tuple[Row, Row]]):
    """Pairs of rows, of which figures can be had as columns.

    Arguments:
        a, b: rows of the two runs, the first with the first and so on.
    """

    def __init__(self, a: Rows, b: Rows):
        self.a, self.b = a, b

    def __len__(self) -> int:
        return len(self.a)

    def __iter__(self) -> Iterator[tuple[Row, Row]]:
        return zip(self.a, self.b, strict=True)

    @overload
    def __getitem__(self, place: int) -> tuple[Row, Row]: ...

    @overload
    def __getitem__(self, place: slice) -> "Pairs": ...

    def __getitem__(self, place: int | slice) -> "tuple[Row, Row] | Pairs":
        if isinstance(place, slice):
            return Pairs(self.a[place], self.b[place])
        return self.a[place], self.b[place]

    def take(self, places: np.ndarray) -> "Pairs":
        """Return some of the pairs, in the order of `places`."""
        return Pairs(self.a.take(places), self.b.take(places))

    def differences(self, name: str) -> np.ndarray:
        """Return how much higher a figure of B is than that of A, float64 [n], not a number where one has none."""
        return self.b.figure(name) - self.a.figure(name)


def comparable(rows: Rows) -> Rows:
    """Return the rows that can be paired, sorted by name: every result once, and none of pictures that failed."""
    rows = rows.distinct.by_name
    return rows.take((rows.ids >= 0) & (rows.status != FAILED))


def paired(a: Rows, b: Rows) -> Pairs:
    """Pair rows by the 32 bits of their pictures' content, in the order of A.

    Where a run has several rows of one content, those are paired whose names are the same and unique.

    Arguments:
        a, b: from `comparable`.
    """
    lone = np.intersect1d(_once(a.ids), _once(b.ids), assume_unique=True)
    of_a, of_b = (np.flatnonzero(np.isin(rows.ids, lone)) for rows in (a, b))
    of_b = of_b[np.argsort(b.ids[of_b])]
    partners = of_b[np.searchsorted(b.ids[of_b], a.ids[of_a])]
    found = list(zip(of_a.tolist(), of_a.tolist(), partners.tolist(), strict=True))
    for id in np.setdiff1d(np.intersect1d(a.ids, b.ids), lone):
        places_a, places_b = (np.flatnonzero(rows.ids == id) for rows in (a, b))
        names = a.take(places_a).images, b.take(places_b).images
        found += [(int(places_a[0]), int(places_a[one]), int(places_b[two])) for one, two in _of_equal_names(*names)]
    found.sort(key=lambda one: one[0])
    places = np.array(found, np.int64).reshape(-1, 3)
    return Pairs(a.take(places[:, 1]), b.take(places[:, 2]))


def _once(ids: np.ndarray) -> np.ndarray:
    """The ids that stand there once."""
    found, times = np.unique(ids, return_counts=True)
    return found[times == 1]


def _of_equal_names(a: Sequence[str], b: Sequence[str]) -> list[tuple[int, int]]:
    """The places of pictures of one content whose whole names, or else whose file names, are the same and unique."""
    pairs: list[tuple[int, int]] = []
    for name in (str, lambda image: PurePosixPath(image).name):
        for place, image in enumerate(a):
            alike_a, alike_b = ([i for i, other in enumerate(of) if name(other) == name(image)] for of in (a, b))
            new = len(alike_a) == len(alike_b) == 1 and all(place != i and alike_b[0] != j for i, j in pairs)
            pairs += [(place, alike_b[0])] if new else []
    return pairs
