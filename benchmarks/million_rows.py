"""What a run of a million pictures costs beside the solving: journals, restarts, tables and reports.

    python benchmarks/million_rows.py --rows 20000 --folder /tmp/rows           # a rehearsal: seconds
    python benchmarks/million_rows.py --out benchmarks/results/million-rows.json

Journals are written as 64 processes with --shard i/64 would have written them, with rows made up instead of solved:
1 % failed, 0.5 % diverged, 0.5 % solved twice, 2 % that fit the prior poorly, and an incomplete line at each journal's
end. The keys of the pictures are made of their names, so that a resumed share finds all its rows without decoding a
picture; what decoding costs is measured by itself, with real files. Everything is measured in a process of its own:
seconds, seconds of processor time, the most resident memory, and the bytes that were read.
"""

import argparse
import dataclasses
import hashlib
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from jaxprior.data.images import list_images, save_png
from jaxprior.data.sources import ImageSource
from jaxprior.errors import ImageError
from jaxprior.runs.journal import Journal
from jaxprior.runs.row import DIVERGED, FAILED, GOOD, OK, POOR, Row, encode
from jaxprior.runs.runfolder import RunFolder
from jaxprior.runs.shares import Share
from jaxprior.system.files import write_json


ROOT = Path(__file__).resolve().parents[1]
SHARES, CELLS = 64, 4
FILES = 20_000
"""Real files of pictures, of which the cost of a million is scaled."""
LISTED = 100_000
"""Empty files and entries of an archive that are listed."""
BATCH = 64
"""Rows that an accelerator's process appends at once."""
METRICS = ("psnr", "psnr_hole", "psnr_merged", "psnr_known")
LIKENESSES = ("ssim", "ssim_hole", "ssim_merged")


# --- what is measured ---


def name_of(number: int) -> str:
    return f"photos/{number // 1000:04d}/{number:07d}.png"


def key_of(image: str) -> str:
    return hashlib.sha256(image.encode()).hexdigest()


def is_damaged(number: int) -> bool:
    return number % 100 == 7


def row_of(number: int, chance: np.random.Generator) -> Row:
    """A made-up row of a picture, like those of an inpainting of originals."""
    image = name_of(number)
    if is_damaged(number):
        return Row(image=image, status=FAILED, reason="it is not a picture that can be decoded.", written=time.time())
    key, quality = key_of(image), chance.normal(22.0, 3.0)
    figures = {name: quality + chance.normal(0.0, 1.0) for name in METRICS}
    figures |= {name: float(np.tanh(quality / 20.0)) for name in LIKENESSES}
    diverged = number % 200 == 11
    return Row(
        image=image, id=int(key[:8], 16), status=DIVERGED if diverged else OK,
        reason="the loss was no number twice; the best finite iterate was kept" if diverged else None,
        figures=figures, loss=abs(quality) / 1000, steps=300, seconds=1.25, device="NVIDIA H200", batch=BATCH,
        written=time.time(), file=f"{number:07d}-{key[:8]}", key=key, fit=POOR if number % 50 == 3 else GOOD,
        notes=("converted from Display P3 to sRGB",) if number % 100 == 1 else (),
    )  # fmt: skip


def cell_and_prior() -> tuple[Any, Any]:
    from jaxprior.data.masks import parse_mask
    from jaxprior.evaluation import Cell, make_task
    from jaxprior.restoration.presets import preset
    from jaxprior.weights.priors import load_prior

    prior = load_prior("cats32")
    task, _ = make_task({"name": "inpaint", "mask": "center:0.25"}, prior.image_shape)
    return Cell(task=task, mask=parse_mask("center:0.25"), method=preset("default", task, prior=prior)), prior


def simulate(folder: Path, rows: int, *, seed: int, title: str, method: str) -> None:
    """Write the journals, run.json and lists of names of a finished run."""
    from jaxprior.evaluation.cells import configuration
    from jaxprior.restoration import drivers
    from jaxprior.system.provenance import device_name, versions

    if (folder / "run.json").exists():
        return
    cell, prior = cell_and_prior()
    settings = configuration(cell, prior, numerics_version=drivers.NUMERICS_VERSION)
    labels = {"prior": "cats32", "data": "photos", "task": title, "method": method}
    run = RunFolder(folder)
    with run.open_for_writing():
        names = [name_of(number) for number in range(rows)]
        for index in range(SHARES):
            share, chance = Share(index, SHARES), np.random.default_rng((seed, index))
            with open(folder / f"results{share.suffix}.jsonl", "w", encoding="utf-8") as file:
                for number in share.of(range(rows)):
                    line = encode(row_of(number, chance))
                    file.write(line * 2 if number % 200 == 5 else line)
                file.write(encode(row_of(0, chance))[:200])  # the process was killed while it wrote
            write_json(folder / f"pictures{share.suffix}.json", share.of(names))
        write_json(folder / "pictures.json", names)
        run.write({
            "configuration": settings, "title": title, "cell": labels, "merges": True, "versions": versions(),
            "device": device_name(), "images": rows, "command": "", "batch": BATCH, "economy": {},
        })  # fmt: skip


def sources_of(rows: int) -> list[ImageSource]:
    return [ImageSource(name_of(n), f"{n:07d}", Path(name_of(n)), None, name_of(n)) for n in range(rows)]


def resume(folder: Path, rows: int) -> None:
    """The first of all processes goes on with its share, of which everything is finished."""
    from jaxprior.evaluation import runner
    from jaxprior.evaluation.reading import Job

    def read(_reader: Any, sources: Any, _ahead: int) -> Iterator[Any]:
        nothing = np.zeros((1, 1, 3), np.float32)
        for source in sources:
            key = key_of(source.name)
            notes = ("converted from Display P3 to sRGB",) if int(source.stem) % 100 == 1 else ()
            job = Job(source.name, f"{source.stem}-{key[:8]}", int(key[:8], 16), key, nothing, None, None, notes=notes)
            damaged = ImageError("it is not a picture that can be decoded.")
            yield source, damaged if is_damaged(int(source.stem)) else job

    runner.read_ahead = read
    cell, prior = cell_and_prior()
    share = Share(0, SHARES)
    before = (folder / f"results{share.suffix}.jsonl").stat().st_size
    began = measured()
    found = runner.run_cell(cell, sources_of(rows), RunFolder(folder, share=share), prior=prior)
    tell(began, rows=len(found))
    assert (folder / f"results{share.suffix}.jsonl").stat().st_size == before, "nothing was to be solved"


def report(folder: Path, rows: int) -> None:
    from jaxprior.reporting.report import write_report
    from jaxprior.runs.runfolder import runs_in

    began = measured()
    path = write_report(runs_in(folder))
    tell(began, rows=rows, report_mib=mib(path.stat().st_size))


def closing_table(folder: Path, rows: int) -> None:
    from jaxprior.cli.console import print_summary
    from jaxprior.runs.runfolder import runs_in

    began = measured()
    found = [run.rows() for run in runs_in(folder)]
    with open("/dev/null", "w") as nowhere:
        shown, sys.stdout = sys.stdout, nowhere
        print_summary([str(i) for i in range(len(found))], found)
        sys.stdout = shown
    tell(began, rows=rows)


def compare(folder: Path, rows: int) -> None:
    from jaxprior.reporting.comparison_report import write_comparison
    from jaxprior.reporting.versus import compare_runs

    first, second = sorted(path.parent for path in folder.glob("*/run.json"))[:2]
    began = measured()
    write_comparison(compare_runs(first, second), folder)
    tell(began, rows=rows)


def name_pictures(folder: Path, rows: int) -> None:
    run, names = RunFolder(folder, share=Share(0, SHARES)), [name_of(n) for n in range(rows)]
    began = measured()
    run.name_pictures(names)
    tell(began, rows=rows)


def append(folder: Path, rows: int) -> None:
    """The journal's share of a step: a batch of rows, synced."""
    chance = np.random.default_rng(0)
    batch = [row_of(number, chance) for number in range(BATCH)]
    with tempfile.TemporaryDirectory(dir=folder) as place:
        journal = Journal(Path(place) / "results.jsonl")
        began = measured()
        for _ in range(100):
            journal.append(batch)
        tell(began, rows=rows, batches=100, batch=BATCH)


def listing(folder: Path, rows: int) -> None:
    """Finding pictures in a folder, and reading and hashing some of them, as a resumed run does."""
    from jaxprior.data.images import pixels_id, read_picture

    place = folder / "photos"
    began = measured()
    found = list_images([place])
    tell(began, rows=rows, files=len(found))
    began = measured()
    for source in found[:2000]:
        pixels_id(read_picture(source).pixels)
    tell(began, rows=rows, decoded=2000)


def listing_of_many(folder: Path, rows: int) -> None:
    """Finding 100,000 empty files in a folder, and as many entries in an archive; and what memory their list takes."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        pictures, packed = Path(place) / "pictures", Path(place) / "pictures.zip"
        with zipfile.ZipFile(packed, "w") as archive:
            for number in range(LISTED):
                file = pictures / name_of(number)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.touch()
                archive.writestr(name_of(number), b"")
        for path in (pictures, packed):
            began = measured()
            found = list_images([path])
            tell(began, rows=rows, files=len(found), listed=path.suffix or "folder")
            tracemalloc.start()
            found = list_images([path])
            print(json.dumps({"bytes_a_picture": round(tracemalloc.get_traced_memory()[0] / len(found))}))
            tracemalloc.stop()


def files_of_pictures(folder: Path, rows: int) -> None:
    """Pictures of 64 pixels, written as a run writes each of its files."""
    place, chance = folder / "photos", np.random.default_rng(0)
    shutil.rmtree(place, ignore_errors=True)
    began = measured()
    for number in range(FILES):
        if number % 1000 == 0:
            (place / f"{number // 1000:04d}").mkdir(parents=True)
        smooth = chance.integers(0, 256, (8, 8, 3), np.uint8).repeat(8, 0).repeat(8, 1)
        save_png(folder / name_of(number), smooth + chance.integers(0, 8, (64, 64, 3), np.uint8))
    sizes = [file.stat() for file in place.rglob("*.png")]
    used = {"bytes": sum(size.st_size for size in sizes), "on_disk": sum(512 * size.st_blocks for size in sizes)}
    tell(began, rows=rows, files=FILES, **used)


MEASURED: dict[str, Callable[[Path, int], None]] = {
    one.__name__: one
    for one in (
        resume, report, closing_table, name_pictures, append, compare, listing_of_many, files_of_pictures, listing,
    )  # fmt: skip
}
"""What is measured, in processes of their own. `grid` is `report` of a grid."""


# --- measuring ---


@dataclasses.dataclass(frozen=True)
class Usage:
    """What a process has used so far."""

    wall: float
    processor: float
    read: int


def measured() -> Usage:
    used = resource.getrusage(resource.RUSAGE_SELF)
    io = Path("/proc/self/io")
    read = int(io.read_text().split()[1]) if io.exists() else 0
    return Usage(time.perf_counter(), used.ru_utime + used.ru_stime, read)


def tell(began: Usage, **more: Any) -> None:
    """Print what was used since then, and the most memory of the whole process, as a line of JSON."""
    now, peak = measured(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({
        "seconds": round(now.wall - began.wall, 2), "processor_seconds": round(now.processor - began.processor, 2),
        "peak_mib": round(peak / 1024), "read_mib": mib(now.read - began.read), **more,
    }))  # fmt: skip


def mib(size: float) -> float:
    return round(size / 2**20, 2)


def in_own_process(what: str, folder: Path, rows: int, limit: float) -> dict:
    """Measure one thing in a process of its own; what takes longer than so many seconds is said to."""
    command = [sys.executable, __file__, "--measure", what, "--folder", str(folder), "--rows", str(rows)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=True)
    except subprocess.TimeoutExpired:
        return {"longer_than_seconds": limit}
    except subprocess.CalledProcessError as error:
        return {"failed": error.stderr[-300:]}
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return lines[0] if len(lines) == 1 else {"steps": lines}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="where the made-up runs lie; they are kept for the next time")
    parser.add_argument("--only", nargs="*", default=[*MEASURED, "grid"], help="what is measured")
    parser.add_argument("--limit", type=float, default=900, help="seconds after which a measurement is given up")
    parser.add_argument("--label", default="after", help="name of these figures in the result, which keeps the others")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure is not None:
        MEASURED["report" if options.measure == "grid" else options.measure](options.folder, options.rows)
        return
    from benchmarks import measuring

    with tempfile.TemporaryDirectory() as temporary:
        folder = (options.folder or Path(temporary)) / str(options.rows)
        single, grid = folder / "single", folder / "grid"
        simulate(single, options.rows, seed=0, title="inpaint center:0.25", method="default")
        for cell in range(CELLS):
            labels = {"title": f"inpaint center:0.{25 * (1 + cell // 2)}", "method": ("adam", "sgd")[cell % 2]}
            simulate(grid / f"cell-{cell}", options.rows // CELLS, seed=1 + cell, **labels)
        found = {}
        for what in options.only:
            place = grid if what in ("grid", "compare") else folder if what.startswith(("files", "list")) else single
            found[what] = in_own_process(what, place, options.rows, options.limit)
            print(what, json.dumps(found[what]), flush=True)
    if options.out is not None:
        before = json.loads(options.out.read_text()) if options.out.exists() else {"results": {}}
        results = before["results"]
        results.setdefault(str(options.rows), {}).setdefault(options.label, {}).update(found)
        measuring.save(options.out, {**measuring.record("million rows"), "results": results})


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
