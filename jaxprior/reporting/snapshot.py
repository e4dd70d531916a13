"""What a run holds at one moment, read once: the tables, plots and pages made of it agree while the run goes on."""

import collections
import dataclasses
import os
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from jaxprior.errors import RunError
from jaxprior.reporting.tables import headline, summarise
from jaxprior.runs.record import network_of
from jaxprior.runs.row import POOR, Row
from jaxprior.runs.rows import Rows
from jaxprior.runs.runfolder import SPREAD, RunFolder
from jaxprior.system.files import holds_files


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a run stands among others: names of its prior, its pictures, its task and its method; empty if unknown."""

    prior: str
    data: str
    task: str
    method: str


LISTED = 12_000
"""Rows of one page."""

PLACE = tuple(field.name for field in dataclasses.fields(Place))


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """A run as it was when it was read.

    Arguments:
        folder: the run; record: its run.json.
        rows: the newest of every picture, those that fit the prior poorly first, then worst first.
        title: its name for people, and place: both among the runs that it was read with.
    """

    folder: RunFolder
    record: dict
    rows: Rows
    title: str
    place: Place

    @property
    def made_with(self) -> dict:
        """The resolved settings, and what else decides bits: versions, device, batch shape."""
        provenance = {name: self.record.get(name) for name in ("versions", "device", "batch")}
        return {**self.record["configuration"], **provenance}

    @property
    def wanted(self) -> int:
        """Pictures that the run will have when it is finished."""
        return max(self.record.get("images", 0), len(self.rows))

    @cached_property
    def figures(self) -> dict[str, dict[str, float]]:
        """Statistics of every figure (see `summarise`)."""
        return summarise(self.rows)

    @cached_property
    def kinds(self) -> list[str]:
        """The kinds of pictures worth showing, in order."""
        return self.folder.kinds()

    @property
    def final(self) -> str:
        """The kind of picture that is the result: "images" where the task merges, else "raw"."""
        return "images" if "images" in self.kinds else "raw"

    @property
    def answered(self) -> bool:
        """Whether the results are the own answers of another network, so that nothing was inverted."""
        return self.answering is not None

    @property
    def answering(self) -> str | None:
        """The kind of network whose answers the results are, "autoencoder" or "restorer"; None for the generator."""
        refine = self.record["configuration"].get("refine") or {}
        if refine.get("type") != "OwnAnswer":
            return None
        network = refine.get("network")
        restorer = isinstance(network, dict) and network.get("type") == "Restorer"
        return "restorer" if restorer else "autoencoder"

    @property
    def native(self) -> bool:
        """Whether its pictures are photographs that kept their own size."""
        return self.record["configuration"].get("size") == "native"

    @cached_property
    def _stored(self) -> dict[str, frozenset[str] | None]:
        """The names of the files in each folder of pictures; None where there are too many to be listed."""
        folders = {kind: self.folder.file(kind, "").parent for kind in self.kinds}
        return {
            kind: None if len(self.rows) > LISTED else frozenset(os.listdir(path)) if path.is_dir() else frozenset()
            for kind, path in folders.items()
        }

    @cached_property
    def has_pictures(self) -> bool:
        """Whether there is a file in any of the folders of pictures."""
        return any(holds_files(self.folder.file(kind, "").parent) for kind in self.kinds)

    def pictures(self, row: Row) -> dict[str, Path]:
        """Return the pictures that a row has on disk, by kind.

        One look into each folder serves all rows of a run; of a run with more rows than a page shows, each file is
        looked for by itself.
        """
        paths = {} if row.file is None else {kind: self.folder.file(kind, row.file) for kind in self.kinds}
        names = self._stored
        return {
            kind: path
            for kind, path in paths.items()
            if (path.is_file() if (stored := names[kind]) is None else path.name in stored)
        }


    def draws(self, row: Row) -> dict[str, Path]:
        """Return several answers for a row's picture and the map of their spread, by their captions, where it has them.

        Arguments:
            row: of the run.
        """
        drawn = self.record["configuration"].get("draws")
        if drawn is None or row.file is None:
            return {}
        numbers = range(1, drawn["count"] + 1)
        return {
            **{f"draw {number}": self.folder.draw(row.file, number) for number in numbers},
            SPREAD: self.folder.draw(row.file, SPREAD),
        }


def snapshots(folders: Sequence[RunFolder]) -> list[Snapshot]:
    """Read runs as they stand; folders in which nothing has begun are left out.

    Raises:
        RunError: nothing has begun in any of them, or a run.json is damaged.
    """
    begun = [folder for folder in folders if (folder.path / "run.json").is_file()]
    if not begun:
        names = ", ".join(str(folder.path) for folder in folders)
        raise RunError(f"Nothing has begun in {names}: there is no run.json yet.")
    records = [folder.read() for folder in begun]
    titles, places = _titles(begun, records), _places(begun, records)
    return [
        Snapshot(folder, record, worst_first(folder.rows()), title, place)
        for folder, record, title, place in zip(begun, records, titles, places, strict=True)
    ]


def worst_first(rows: Iterable[Row]) -> Rows:
    """Sort rows by their headline figure, the worst first; rows without one come last.

    Pictures that do not look like what the prior was trained on come before all others, in the same order.
    """
    rows = Rows.of(rows)
    metric = headline(rows)
    values = np.full(len(rows), np.nan) if metric is None else rows.figure(metric.name)
    worth = values if metric is None or metric.higher_is_better else -values
    return rows.take(np.lexsort((rows.rank, np.nan_to_num(worth), np.isnan(values), rows.fit != POOR)))


def _titles(folders: Sequence[RunFolder], records: Sequence[dict]) -> list[str]:
    """The runs' titles; with their folders' names where several runs have the same."""
    titles = [record["title"] for record in records]
    times = collections.Counter(titles)
    return [
        title if times[title] == 1 else f"{title} ({folder.path.name})"
        for folder, title in zip(folders, titles, strict=True)
    ]


def _places(folders: Sequence[RunFolder], records: Sequence[dict]) -> list[Place]:
    """The places that the cells of an evaluation were given; other runs have the prior and the task, and their
    folder's name as the method where those are not enough. No two runs have the same place."""
    tasks = [(str(network_of(record["configuration"])["name"]), record["title"]) for record in records]
    repeated = {task for task, times in collections.Counter(tasks).items() if times > 1}
    places = [
        Place(**{name: record["cell"][name] for name in PLACE})
        if "cell" in record
        else Place(task[0], "", task[1], folder.path.name if task in repeated else "")
        for folder, record, task in zip(folders, records, tasks, strict=True)
    ]
    times = collections.Counter(places)
    for i, (folder, place) in enumerate(zip(folders, tuple(places), strict=True)):
        if times[place] > 1:
            places[i] = dataclasses.replace(place, method=f"{place.method} ({folder.path.name})".strip())
    return places
