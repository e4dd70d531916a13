"""A folder of damaged, foreign, hostile and odd picture files, through the command line and through `load_image`."""

import csv
from pathlib import Path

import numpy as np
from damaged_files import Contents, fill, write_bombs
from program import Running, call, journal_rows
from tiny_prior import write_tiny_prior

from jaxprior.data.images import list_images, load_image, save_png
from jaxprior.errors import ImageError
from reliability_parts.findings import Findings


QUICK = ("--codes", 2, "--layer", 4, "--steps", 2, "--optimizer", "adam", "--init", "random")
MEMORY, MALFORMED, ODD = 256, 300, 40
DECODE = """
import sys
from jaxprior.data.images import list_images, load_image
for source in list_images(sys.argv[1]):
    try:
        print(load_image(source).shape)
    except ValueError as error:
        print(error)
"""


def run(data: Path, work: Path) -> Findings:
    """One run over the folder, 16-bit pictures against NumPy, and the memory of bombs."""
    found = Findings()
    folder = work / "files"
    contents = fill(folder, encodings=30)
    malformed = len(contents.bad) + len(contents.hopeless)
    found.check("malformed files", malformed, f"at least {MALFORMED}", malformed >= MALFORMED)
    found.check("odd but valid files", len(contents.good), f"at least {ODD}", len(contents.good) >= ODD)
    through_the_program(found, contents, folder, work)
    colours(found, contents, folder)
    bombs(found, work)
    return found


def through_the_program(found: Findings, contents: Contents, folder: Path, work: Path) -> None:
    """`jaxprior inpaint` over the whole folder."""
    prior = write_tiny_prior(work / "tiny.safetensors")
    command = ("inpaint", folder, "--mask", "center:0.25", "--prior", prior, *QUICK, "-o", work / "run")
    outcome = call(*command)
    found.figure("seconds of the run", round(outcome.seconds, 1))
    found.check("exit code", outcome.code, "1, some failed", outcome.code == 1)
    found.check("tracebacks", int(outcome.traced), "0", not outcome.traced)
    if outcome.traced:
        print(outcome.err)
        return
    rows = {row.image.removeprefix(f"{folder}/"): row for row in journal_rows(work / "run")}
    table = list(csv.DictReader((work / "run" / "results.csv").open(encoding="utf-8", newline="")))
    once = len(table) == len(rows) == len(contents.names) == len(journal_rows(work / "run"))
    found.check("rows", len(table), f"{len(contents.names)}, one a file", once)
    shown = {source.path: source.name.removeprefix(f"{folder}/") for source in list_images(folder)}
    status = {name: rows[shown[folder / name]].status for name in contents.names if shown[folder / name] in rows}
    lost = [name for name in contents.good if status.get(name) != "ok"]
    found.check("good pictures lost", lost[:5], "none", not lost)
    missed = [name for name in (*contents.small, *contents.hopeless) if status.get(name) != "failed"]
    found.check("hopeless files that did not fail", missed[:5], "none", not missed)
    silent = [row.image for row in rows.values() if row.status == "failed" and not row.reason]
    found.check("failures without a reason", silent[:5], "none", not silent)
    decoded = sum(status.get(name) == "ok" for name in contents.bad)
    found.figure("damaged or foreign files that decode all the same", f"{decoded} of {len(contents.bad)}")
    again = call(*command)
    added = len(journal_rows(work / "run")) - len(table)
    found.check("rows added by the same command again", added, "0", added == 0 and again.code == 1)


def colours(found: Findings, contents: Contents, folder: Path) -> None:
    """Decoded pixels against those that NumPy says a file holds.

    Of 16-bit pictures with transparency colour and opacity are both rounded before they are laid on white.
    """
    worst = {"16-bit": 0.0, "16-bit transparent": 0.0, "other lossless": 0.0}
    wrong = []
    for name, (expected, tolerance) in contents.good.items():
        try:
            gap = float(np.abs(load_image(folder / name) - np.asarray(expected, np.float64)).max())
        except (ImageError, ValueError) as error:  # ValueError: another shape
            wrong.append(f"{name}: {error}")
            continue
        kind = "other lossless"
        if "16-bit" in name:
            kind = "16-bit transparent" if "alpha" in name or "rgba" in name else "16-bit"
        if tolerance <= 2:
            worst[kind] = max(worst[kind], gap)
        if gap > tolerance:
            wrong.append(f"{name}: off by {gap:.1f}")
    found.check("largest error of 16-bit pictures, 1/255", round(worst["16-bit"], 2), "at most 1", worst["16-bit"] <= 1)
    for kind in ("16-bit transparent", "other lossless"):
        found.figure(f"largest error of {kind} pictures, 1/255", round(worst[kind], 2))
    found.check("pictures beyond their encoding's tolerance", wrong[:5], "none", not wrong)


def bombs(found: Findings, work: Path) -> None:
    """Resident memory of a process that decodes one bomb, beyond one that decodes an ordinary picture."""
    ordinary = work / "ordinary.png"
    save_png(ordinary, np.full((64, 64, 3), 90, np.uint8))
    base = peak(ordinary)
    growth = {file.name: peak(file) - base for file in write_bombs(work / "bombs")}
    worst = max(growth, key=growth.get)
    found.figure("bombs", len(growth))
    found.figure("memory of an ordinary picture's process, MiB", round(base))
    found.check(f"largest growth, MiB ({worst})", round(growth[worst]), f"at most {MEMORY}", growth[worst] <= MEMORY)
    save_png(work / "largest.png", np.zeros((8000, 8000, 3), np.uint8))
    found.figure("growth by the largest RGB picture allowed, MiB", round(peak(work / "largest.png") - base))


def peak(path: Path) -> float:
    """The most resident memory, MiB, of a process that decodes what lies at a path."""
    outcome = Running(path, code=DECODE).wait()
    if outcome.code:
        raise RuntimeError(f"{path}: {outcome.err}")
    return outcome.peak
