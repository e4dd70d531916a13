"""The folder of a run, and which files lie where in it.

run.json          the record: resolved configuration, sha256 of the weights, versions, device, batch size, command
pictures.json     the names of the pictures that the run's command names now; pictures-2-of-8.json and others where
                  eight processes share the run, because each may spell paths in its own way
results.jsonl     the journal (see journal.py); results-2-of-8.jsonl and others where eight processes share the run
in-flight.safetensors      the state of the batch that is being solved at the moment (see inflight.py)
images/           the restored pictures; known pixels are put back where the task merges
raw/              what the generator itself produced; of a picture that keeps its size each square, x.png, x-2.png, ...
                  (volumes lie in these folders as arrays, x.npy, and x.png shows them)
inputs/           what was observed, in its own size; missing pixels are grey
masks/            white means missing; only where the task has a mask
originals/        the originals; only where they are known
draws/            of runs that make several answers: each one, their spread, and a sheet of them for each picture
latents/          a safetensors file for each picture or square: the latents, and under "trace" the losses of all steps
edits/, interpolations/   what `jaxprior edit` and `jaxprior interpolate` made of the latents
results.csv, summary.md, summary.json, sheet.png, report.html     tables and reports over all pictures
"""

import contextlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from jaxprior.errors import RunError
from jaxprior.runs import record as records
from jaxprior.runs.journal import Journal
from jaxprior.runs.kinds import what_it_is, wrong_kind
from jaxprior.runs.lines import JournalLines, Lines
from jaxprior.runs.lock import only_writer
from jaxprior.runs.rows import Rows
from jaxprior.runs.shares import WHOLE, Share
from jaxprior.system import files


KIND = "restoration"
"""The kind of run that run.json names; the record of a training says "training"."""

NAMES = "pictures.json"
"""The file with the names of the pictures that the run's command names."""

NEEDED = ("configuration", "title", "versions", "device", "batch", "images")
"""What run.json must have."""

PICTURES = ("inputs", "masks", "raw", "images", "originals")
"""The folders of pictures, in the order in which reports show them."""

DRAWS, SPREAD = "draws", "spread"
"""The folder of several answers for every picture, and what the map of how far they lie apart is called there."""


class RunFolder:
    """One restoration run on disk.

    Arguments:
        path: the folder. `open_for_writing` makes it; everything else needs it to exist or only reads it.
        share: the part of the pictures that this process solves, all of them by default. Reading sees all parts.
    """

    def __init__(self, path: str | Path, *, share: Share = WHOLE):
        self.path, self.share = Path(path), share
        self._read = JournalLines()

    @property
    def journal(self) -> Journal:
        """The journal of the run, which may be empty."""
        own = self.path / f"results{self.share.suffix}.jsonl"
        return Journal(own, parts=sorted({own, *self.path.glob("results*.jsonl")}))

    def name_pictures(self, names: Iterable[str]) -> None:
        """Take note of the pictures that the run's command names, in place of those that an earlier command named."""
        names, share = list(names), self.share
        files.keep_json(self.path / NAMES, names)
        for part in self.path.glob("pictures-*-of-*.json"):
            if not part.stem.endswith(f"-of-{share.count}"):
                part.unlink(missing_ok=True)
        if share.count > 1:
            files.keep_json(self.path / f"pictures{share.suffix}.json", list(share.of(names)))

    def _lists_of_names(self) -> list[Path]:
        """The lists of names that count: one for each process, and the last command's until all have theirs."""
        parts = sorted(self.path.glob("pictures-*-of-*.json"))
        complete = parts and parts[0].stem.endswith(f"-of-{len(parts)}")
        return parts if complete else [*parts, self.path / NAMES]

    def lines(self) -> Lines:
        """Return all lines of the journals, the oldest first; asked again, only what has come since then is read."""
        return self._read.update(self.journal.parts)

    def rows(self) -> Rows:
        """Return the newest row of every picture that the run's command names, as far as there is one, sorted by name.

        Pictures that only an earlier command named stay in the journal, and are none of them. Runs of versions that
        took no note of names have the rows of all pictures. The rows of more than 10,000 pictures are not held in
        memory, but read from the journals when they are asked for, which must be there as long (see `Rows`).

        Raises:
            RunError: the list of names is damaged.
        """
        return self._newest(named=True).by_name.held()

    def unnamed_rows(self) -> Rows:
        """Return the newest row of every picture that only an earlier command named, in the order of the journal.

        Raises:
            RunError: the list of names is damaged.
        """
        return self._newest(named=False)

    def _newest(self, *, named: bool) -> Rows:
        """The newest rows of the pictures that are named now, or of all others, in the order of their first lines."""
        lines = self.lines()
        newest = {image: line for line, image in enumerate(lines.columns.images)}
        wanted = np.zeros(len(lines), bool)
        for file in self._lists_of_names():
            try:
                wanted[[newest[name] for name in json.loads(file.read_text(encoding="utf-8")) if name in newest]] = True
            except (FileNotFoundError, NotADirectoryError):
                wanted[:] = True
                break
            except (ValueError, TypeError) as error:
                raise records.damaged(file, str(error)) from None
        places = np.fromiter(newest.values(), np.int64, len(newest))
        return Rows(lines, places[wanted[places] == named])

    @property
    def in_flight(self) -> Path:
        """The file in which the batch that is being solved is saved."""
        return self.path / f"in-flight{self.share.suffix}.safetensors"

    def file(self, kind: str, name: str) -> Path:
        """Return the path of one of a picture's files.

        Arguments:
            kind: the sub-folder: "images", "raw", "inputs", "masks", "originals" or "latents".
            name: the name of the picture's files, without suffix.
        """
        return self.path / kind / (name + (".safetensors" if kind == "latents" else ".png"))

    def volume(self, kind: str, name: str) -> Path:
        """Return the path of a volume's array, which lies beside its picture.

        Arguments:
            kind, name: as for `file`.
        """
        return self.path / kind / f"{name}.npy"

    def draw(self, name: str, which: int | str | None = None) -> Path:
        """Return the path of one of a picture's draws.

        Arguments:
            name: the name of the picture's files, without suffix.
            which: the number of a draw from 1, `SPREAD` for the map of their spread, or None for the sheet of all.
        """
        return self.path / DRAWS / f"{name if which is None else f'{name}-{which}'}.png"

    def kinds(self) -> list[str]:
        """Return which kinds of pictures a report shows, in order: "images" only where they differ from "raw"."""
        record = self.read()
        if "restorer" in record["configuration"]:
            return [kind for kind in PICTURES if kind != "raw"]
        merged = record.get("merges", files.holds_files(self.path / "masks"))
        return [kind for kind in PICTURES if merged or kind != "images"]

    def read(self) -> dict:
        """Return the record of the run, run.json.

        Raises:
            RunError: the folder holds no run or another kind of run, or the record is damaged.
        """
        record = records.read_record(self.path)
        if record.get("kind") != KIND:
            raise RunError(wrong_kind(self.path, record, KIND))
        missing = [name for name in NEEDED if name not in record]
        if missing:
            raise records.damaged(self.path / "run.json", f"it has no {missing[0]}")
        return record

    def write(self, record: dict) -> None:
        """Write run.json, in place of an earlier one.

        Arguments:
            record: everything that run.json holds beside the kind of run.
        """
        files.write_json(self.path / "run.json", {"kind": KIND, **record})

    def check_configuration(self, configuration: dict) -> None:
        """Refuse to continue a run with other settings than it was begun with; other pictures are allowed.

        Raises:
            RunError: the settings differ; the sentence names the first one that does.
        """
        if (self.path / "run.json").exists():
            self.read()
        records.check_configuration(self.path, configuration)

    @contextlib.contextmanager
    def open_for_writing(self) -> Iterator[None]:
        """Make the folder with its sub-folders, and hold its lock while the block runs.

        Raises:
            RunError: another process writes into the folder.
        """
        with only_writer(self.path, self.share.suffix):
            for kind in (*PICTURES, "latents"):
                (self.path / kind).mkdir(exist_ok=True)
            yield


def runs_in(path: str | Path) -> list[RunFolder]:
    """Find the runs of a folder.

    Arguments:
        path: a run folder; or the folder of an evaluation, which has a run for each of its cells; or any folder with
            runs in its sub-folders.

    Returns:
        the run itself; or the runs of the cells in their order; or the runs of the sub-folders sorted by name.

    Raises:
        RunError: there is no run, or the record of one is damaged.
    """
    path = Path(path)
    folders = sorted(file.parent for file in path.glob("*/run.json"))
    if (path / "run.json").is_file():
        record = records.read_record(path)
        cells = [path / name for name in record.get("cells", []) if (path / name / "run.json").is_file()]
        folders = cells if record.get("kind") == "evaluation" else [path]
    runs = [RunFolder(folder) for folder in folders]
    if not runs:
        raise RunError(f"{path} holds no run: it {what_it_is(path)}.")
    for run in runs:
        run.read()
    return runs
