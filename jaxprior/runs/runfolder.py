"""The folder of a run and what lies where in it.

run.json          resolved configuration, weights' sha256, versions, device, batch, command
results.jsonl     the journal (see journal.py); results-2-of-8.jsonl where eight processes share the run
in-flight.safetensors      where the batch that is being solved stands (see inflight.py), while it is
images/           restored pictures, merged with what is known for certain where the task merges
raw/              what the generator itself produced
inputs/           what was observed, in its own size (the hole grey)
masks/            white = missing; only where the task has a mask
originals/        the truth; only where it is known
latents/          one safetensors file a picture; beside the latents the losses of all steps, "trace"
edits/, interpolations/   what `jaxprior edit` and `jaxprior interpolate` made of the latents
results.csv, summary.md, summary.json, sheet.png, report.html
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from jaxprior.errors import RunError
from jaxprior.runs import record as records
from jaxprior.runs.journal import Journal
from jaxprior.runs.shares import WHOLE, Share
from jaxprior.system import files


KIND = "restoration"  # in run.json; training runs say "training"
NEEDED = ("configuration", "title", "versions", "device", "batch", "images")
PICTURES = ("inputs", "masks", "raw", "images", "originals")


class RunFolder:
    """One run on disk.

    Arguments:
        path: the folder; made by `open_for_writing`, only read otherwise.
        share: the part of the run that this process writes, the whole by default; reading sees all parts.
    """

    def __init__(self, path: str | Path, *, share: Share = WHOLE):
        self.path, self.share = Path(path), share

    @property
    def journal(self) -> Journal:
        """The run's journal, which may be empty."""
        own = self.path / f"results{self.share.suffix}.jsonl"
        return Journal(own, parts=sorted({own, *self.path.glob("results*.jsonl")}))

    @property
    def in_flight(self) -> Path:
        """Where the batch that is being solved is saved."""
        return self.path / f"in-flight{self.share.suffix}.safetensors"

    def file(self, kind: str, name: str) -> Path:
        """Return the place of a picture's file of a kind ("images", "raw", ..., "latents")."""
        return self.path / kind / (name + (".safetensors" if kind == "latents" else ".png"))

    def kinds(self) -> list[str]:
        """Return the kinds of pictures worth showing, in order; merged ones only where the task merges."""
        merged = self.read().get("merges", (self.path / "masks").is_dir() and any((self.path / "masks").iterdir()))
        return [kind for kind in PICTURES if merged or kind != "images"]

    def read(self) -> dict:
        """Return run.json.

        Raises:
            RunError: the folder holds no run, or another kind of run.
        """
        record = records.read_record(self.path)
        if record.get("kind") != KIND:
            raise RunError(f"{self.path} holds a {record.get('kind', 'foreign')} run, not a {KIND} run.")
        missing = [name for name in NEEDED if name not in record]
        if missing:
            raise records.damaged(self.path / "run.json", f"it has no {missing[0]}")
        return record

    def write(self, record: dict) -> None:
        """Replace run.json."""
        files.write_json(self.path / "run.json", {"kind": KIND, **record})

    def check_configuration(self, configuration: dict) -> None:
        """Refuse to go on where another configuration made the run; other pictures are fine, other settings not.

        Raises:
            RunError: naming the first setting that differs.
        """
        if (self.path / "run.json").exists():
            self.read()
        records.check_configuration(self.path, configuration)

    @contextlib.contextmanager
    def open_for_writing(self) -> Iterator[None]:
        """Make the folder and hold its lock.

        Raises:
            RunError: another process writes into it.
        """
        with records.only_writer(self.path, self.share.suffix):
            for kind in (*PICTURES, "latents"):
                (self.path / kind).mkdir(exist_ok=True)
            yield


def runs_in(path: str | Path) -> list[RunFolder]:
    """Return the run in a folder, or the runs in its sub-folders sorted by name.

    Raises:
        RunError: there is none.
    """
    path = Path(path)
    folders = sorted(file.parent for file in path.glob("*/run.json"))
    if (path / "run.json").is_file():
        record = records.read_record(path)
        cells = [path / name for name in record.get("cells", []) if (path / name / "run.json").is_file()]
        folders = cells if record.get("kind") == "evaluation" else [path]
    runs = [RunFolder(folder) for folder in folders]
    if not runs:
        raise RunError(f"{path} holds no run: neither it nor a folder in it has a run.json.")
    for run in runs:
        run.read()
    return runs
