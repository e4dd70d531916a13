"""Memory of the host: that of a run does not grow with its pictures."""

from pathlib import Path

import numpy as np
from program import Running
from tiny_prior import write_tiny_prior

from jaxprior.data import images
from reliability_parts.findings import Findings


COUNTS, SIDE, GROWTH = (100, 2000), 128, 48
QUICK = ("--codes", 1, "--layer", 4, "--steps", 1, "--optimizer", "adam", "--init", "random")


def run(data: Path, work: Path) -> Findings:
    """Peak resident memory of runs over 100 and over 2000 pictures of 128x128 pixels.

    All pictures decoded would be 94 MB, so that keeping them would show.
    """
    found = Findings()
    prior = write_tiny_prior(work / "tiny.safetensors")
    write_pictures(work / "pictures", COUNTS[-1])
    command = ("reconstruct", work / "pictures", "--prior", prior, *QUICK)
    peaks = {}
    for i, count in enumerate((COUNTS[0], *COUNTS)):  # the first one compiles, which takes memory too
        outcome = Running(*command, "--limit", count, "-o", work / f"run-{i}").wait()
        if outcome.code:
            found.check(f"run over {count} pictures", outcome.err.strip()[-300:], "exit code 0", False)
            return found
        peaks[count] = outcome.peak
        found.figure(f"{count} pictures: MiB, seconds", (round(outcome.peak), round(outcome.seconds)))
    growth = peaks[COUNTS[1]] - peaks[COUNTS[0]]
    found.check(f"growth from {COUNTS[0]} to {COUNTS[1]}, MiB", round(growth), f"at most {GROWTH}", growth <= GROWTH)
    return found


def write_pictures(folder: Path, count: int) -> None:
    """Pictures of one colour each with a spot, small as files."""
    folder.mkdir()
    for i in range(count):
        pixels = np.full((SIDE, SIDE, 3), np.random.default_rng(i).integers(0, 256, 3), np.uint8)
        pixels[i % SIDE, i // SIDE] = 255
        images.save_png(folder / f"{i:05d}.png", pixels)
