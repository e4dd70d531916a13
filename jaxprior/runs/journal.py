"""The journal of a run: one JSON line a picture, appended only after that picture's files are safely on disk.

A line ends in a checksum of itself. A process that dies while writing leaves at most one torn line at the
end; it is recognised and dropped, and its picture is simply done again. Lines are never changed: a later line
about the same picture replaces an earlier one when the journal is read. Processes that share a run write a journal
each, and read all.
"""

import dataclasses
import json
import math
import os
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from jaxprior.system.files import sync_folder


OK, FAILED, DIVERGED = "ok", "failed", "diverged"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """One picture's line. PSNR in dB and SSIM on [0, 1], unrounded; None where there is nothing to compare.

    Arguments:
        image: the picture's display name.
        id: 32 bits of the sha256 of its decoded pixels; None if it cannot be decoded.
        status: "ok", "failed" (nothing computed) or "diverged" (the best finite iterate was kept).
        reason: one sentence, unless the status is "ok".
        psnr: of the raw generator output over the whole picture; so is `ssim`.
        psnr_hole: of the raw output over the missing pixels; so is `ssim_hole`.
        psnr_merged: of the whole picture after what is known for certain was put back; so is `ssim_merged`.
        psnr_known: consistency with the input: of the raw output over the known pixels, or of the raw output degraded
            once more against the input.
        loss: of the kept iterate.
        steps: of the solver, done.
        seconds: wall time of the batch divided by its pictures.
        device: where it ran.
        batch: pictures in the compiled shape.
        written: when, in seconds of Unix time; of two journals the later line counts.
        file: name of its files without suffix.
        key: sha256 of everything that decides the result.
    """

    image: str
    id: int | None = None
    status: str = OK
    reason: str | None = None
    psnr: float | None = None
    ssim: float | None = None
    psnr_hole: float | None = None
    ssim_hole: float | None = None
    psnr_merged: float | None = None
    ssim_merged: float | None = None
    psnr_known: float | None = None
    loss: float | None = None
    steps: int | None = None
    seconds: float | None = None
    device: str | None = None
    batch: int | None = None
    written: float | None = dataclasses.field(default=None, compare=False)
    file: str | None = None
    key: str | None = None


FIELDS = tuple(field.name for field in dataclasses.fields(Row))
FIGURES = ("psnr", "ssim", "psnr_hole", "ssim_hole", "psnr_merged", "ssim_merged", "psnr_known")
PROVENANCE = ("seconds", "device", "batch", "written")  # differ between machines and repeats; left out of tables


def encode(row: Row) -> str:
    """Write a row as one line of JSON with its checksum: six decimals, null for what is not finite."""
    values = {name: _rounded(value) for name, value in dataclasses.asdict(row).items()}
    body = json.dumps(values, ensure_ascii=False)
    return f'{body[:-1]}, "crc": "{zlib.crc32(body.encode()):08x}"}}\n'


def decode(line: str) -> Row | None:
    """Read one line back; None if it is torn, damaged or not ours."""
    body, mark, tail = line.rstrip("\n").rpartition(', "crc": "')
    if not line.endswith("\n") or not mark or tail[8:] != '"}':
        return None
    body += "}"
    if f"{zlib.crc32(body.encode()):08x}" != tail[:8]:
        return None
    try:
        values = json.loads(body)
        return Row(**{name: values.get(name) for name in FIELDS})
    except (ValueError, TypeError, AttributeError):
        return None


class Journal:
    """Append-only list of rows in a file.

    Arguments:
        path: the `.jsonl` file that rows are appended to; it need not exist yet.
        parts: the files that are read; by default the same one.

    Example:
        journal = Journal(Path("run/results.jsonl"))
        journal.append([Row(image="cat.png", psnr=24.5)])
        journal.latest()["cat.png"].psnr
    """

    def __init__(self, path: Path, *, parts: Sequence[Path] | None = None):
        self.path = Path(path)
        self.parts = [self.path] if parts is None else list(parts)

    def append(self, rows: list[Row]) -> None:
        """Add rows and return only when they are on disk; a torn end of the file is cut off first."""
        new = not self.path.exists()
        with open(self.path, "ab+") as file:
            _cut_torn_end(file)
            file.write("".join(map(encode, rows)).encode())
            file.flush()
            os.fsync(file.fileno())
        if new:
            sync_folder(self.path.parent)

    def __iter__(self) -> Iterator[Row]:
        """Iterate over all valid rows, oldest first."""
        if len(self.parts) == 1:
            yield from _rows(self.parts[0])
        else:
            yield from sorted((row for part in self.parts for row in _rows(part)), key=lambda row: row.written or 0.0)

    def latest(self) -> dict[str, Row]:
        """Return the newest row of each picture by its display name, in the order of the names."""
        rows = {row.image: row for row in self}
        return dict(sorted(rows.items()))


def _rows(path: Path) -> Iterator[Row]:
    if not path.exists():
        return
    with open(path, encoding="utf-8", errors="replace", newline="\n") as file:
        for line in file:
            row = decode(line)
            if row is not None:
                yield row


def _cut_torn_end(file) -> None:
    if file.tell() == 0:
        return
    file.seek(-1, os.SEEK_END)
    if file.read(1) != b"\n":
        file.seek(0)
        file.truncate(file.read().rfind(b"\n") + 1)
    file.seek(0, os.SEEK_END)


def _rounded(value):
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return value
