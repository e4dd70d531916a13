"""The journal of a run: a file with one line of JSON for each picture.

A picture's line is appended only after the picture's files are safely on disk. Each line ends with a checksum of
itself. A process that dies while it writes leaves at most one incomplete line, at the end of the file; the line is
recognised and ignored, and its picture is solved again. Lines are never changed. When several lines are about the same
picture, the last one counts. Processes that share a run each write a journal of their own, and read those of all.
"""

import dataclasses
import json
import math
import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from jaxprior.discovery import TAKEN, installed_metrics
from jaxprior.errors import SettingsError
from jaxprior.system.files import sync_folder


OK, FAILED, DIVERGED = "ok", "failed", "diverged"
GOOD, POOR = "good", "poor"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """The line of one picture. A field is None where there is nothing to say.

    Figures can be read like fields: `row.psnr_hole` is `row.figures.get("psnr_hole")`, None where there is nothing to
    measure.

    Arguments:
        image: the name of the picture, as it is shown to the user.
        id: the first 32 bits of the sha256 of its decoded pixels; None if it cannot be decoded.
        status: "ok", "failed" (nothing was computed) or "diverged" (the best iterate with a finite loss was kept).
        reason: why the status is not "ok", in one sentence.
        figures: what metrics have measured, unrounded, by their names (see `jaxprior.metrics.Metric`). "psnr" and
            "ssim" compare what the generator produced with the original over the whole picture, "psnr_hole" and
            "ssim_hole" over the missing pixels, "psnr_merged" and "ssim_merged" after the known pixels were put back.
            "psnr_known" says how well what the generator produced agrees with the input: over the known pixels, or, for
            tasks without a mask, after it was degraded in the same way as the input. None is the same as no figure.
        loss: the loss of the iterate that was kept.
        steps: how many steps the solver has done.
        seconds: wall time of the batch divided by the number of its pictures.
        device: the kind of device on which the picture was solved.
        batch: the number of pictures in the compiled shape.
        written: when the line was written, in seconds of Unix time. Where several journals have a line about the same
            picture, the latest line counts.
        file: the name of the picture's files, without suffix.
        key: the sha256 of everything that decides the result.
        notes: what a user should know of how the picture and its mask were read, a short phrase each, for example
            "converted from Display P3 to sRGB". A line without notes does not mention them.
        fit: whether the picture looks like what the prior was trained on, "good" or "poor" (see
            `jaxprior.fit_of`). None if that is not known; a line does not mention it then.
    """

    image: str
    id: int | None = None
    status: str = OK
    reason: str | None = None
    figures: Mapping[str, float | None] = dataclasses.field(default_factory=dict, hash=False)
    loss: float | None = None
    steps: int | None = None
    seconds: float | None = None
    device: str | None = None
    batch: int | None = None
    written: float | None = dataclasses.field(default=None, compare=False)
    file: str | None = None
    key: str | None = None
    notes: tuple[str, ...] = ()
    fit: str | None = None

    def __post_init__(self):
        there = {name: value for name, value in self.figures.items() if value is not None}
        if taken := sorted(TAKEN & there.keys()):
            raise SettingsError(f"{taken[0]}: a figure cannot have the name of a field of the journal; rename it.")
        object.__setattr__(self, "figures", there)

    def __getattr__(self, name: str) -> float | None:
        figures = self.__dict__.get("figures", {})
        if name not in figures and all(one.name != name for one in installed_metrics()):
            raise AttributeError(f"a row has no field and no figure {name!r}.")
        return figures.get(name)


FIELDS = tuple(field.name for field in dataclasses.fields(Row))
PROVENANCE = ("seconds", "device", "batch", "written")
"""Fields that differ between machines and between repetitions, and are therefore left out of the tables."""
OPTIONAL = ("notes", "fit")
"""Fields that a line, and a table, does not mention where there is nothing to say."""


def columns(row: Row) -> dict[str, Any]:
    """Return the values of a row by the names that a line of the journal has, in that order.

    Instead of the field `figures` stand the figures of all installed metrics, None where there is none, and then those
    that the row has of metrics which are not installed. Fields that are `OPTIONAL` are left out where they are empty.

    Raises:
        SettingsError: an installed metric has the name of a field.
    """
    values: dict[str, Any] = {}
    for name in FIELDS:
        if name == "figures":
            values |= {one.name: row.figures.get(one.name) for one in installed_metrics()} | dict(row.figures)
        elif name not in OPTIONAL or getattr(row, name):
            values[name] = getattr(row, name)
    return values


def encode(row: Row) -> str:
    """Return a row as a line of JSON with its checksum. Numbers have six decimals; what is not finite is null."""
    values = {name: _rounded(value) for name, value in columns(row).items()}
    body = json.dumps(values, ensure_ascii=False)
    return f'{body[:-1]}, "crc": "{zlib.crc32(body.encode()):08x}"}}\n'


def decode(line: str) -> Row | None:
    """Return the row of a line, or None if the line is incomplete, damaged or no line of a journal."""
    body, mark, tail = line.rstrip("\n").rpartition(', "crc": "')
    if not line.endswith("\n") or not mark or tail[8:] != '"}':
        return None
    body += "}"
    if f"{zlib.crc32(body.encode()):08x}" != tail[:8]:
        return None
    try:
        values = json.loads(body)
        figures = {name: value for name, value in values.items() if name not in FIELDS and _is_number(value)}
        fields = {name: values.get(name) for name in FIELDS if name not in ("figures", "notes")}
        return Row(**fields, figures=figures, notes=tuple(map(str, values.get("notes", ()))))
    except (ValueError, TypeError, AttributeError):
        return None


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
        if len(self.parts) == 1:
            yield from _rows(self.parts[0])
        else:
            yield from sorted((row for part in self.parts for row in _rows(part)), key=lambda row: row.written or 0.0)

    def latest(self) -> dict[str, Row]:
        """Return a table from the name of each picture to its newest row, sorted by name."""
        rows = {row.image: row for row in self}
        return dict(sorted(rows.items()))


def _rows(path: Path) -> Iterator[Row]:
    """Read the valid rows of one file, which need not exist."""
    if not path.exists():
        return
    with open(path, encoding="utf-8-sig", errors="replace", newline="\n") as file:
        for line in file:
            row = decode(line)
            if row is not None:
                yield row


def _cut_torn_end(file) -> None:
    """Remove an incomplete line from the end of an open file, and stay at its end."""
    if file.tell() == 0:
        return
    file.seek(-1, os.SEEK_END)
    if file.read(1) != b"\n":
        file.seek(0)
        file.truncate(file.read().rfind(b"\n") + 1)
    file.seek(0, os.SEEK_END)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _rounded(value):
    """Round a floating point number to six decimals; None if it is not finite. Other values stay as they are."""
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return value
