"""Killed and stopped runs.

Two runs. A long one of quick steps is killed 20 times at random moments (start-up, solving, saving, writing the tables)
and resumed by the same command each time. A short one whose steps take more than a second is stopped by SIGTERM, once
while it compiles, and killed when it has worked for more than a minute on one batch. What is left at the end must be,
to the byte, what an unbroken run leaves. Work lost is the time from the last save, or from the start if there was none,
to the kill: an upper bound, as start-up counts too.
"""

import csv
import io
import math
import signal
from pathlib import Path

import jax
import numpy as np
from program import Running, call, stable_files

from jaxprior.data import images
from jaxprior.models.pggan.config import feature_widths
from jaxprior.models.pggan.networks import from_config
from jaxprior.weights.storage import save_weights
from reliability_parts.findings import Findings, rounded


KILLS, PICTURES = 20, 256
QUICK = ("--codes", 3, "--layer", 4, "--steps", 40, "--optimizer", "adam", "--lr", 0.05, "--init", "random")
SLOW = ("--codes", 20, "--layer", 8, "--steps", 100, "--optimizer", "adam", "--lr", 0.05, "--init", "random")
SLOWEST = ("--codes", 20, "--layer", 8, "--steps", 200, "--optimizer", "adam", "--lr", 0.05, "--init", "random")
LOST, STOP = 60.0, 10.0
OUTPUTS = {"run.json", "results.csv", "summary.md", "report.html", "sheet.png", ".lock"}


def run(data: Path, work: Path) -> Findings:
    """Both runs, and a stop while one step takes many seconds."""
    found, chance = Findings(), np.random.default_rng(0)
    twenty_kills(found, chance, data, work)
    slow_steps(found, chance, work)
    slowest_steps(found, work)
    return found


def twenty_kills(found: Findings, chance: np.random.Generator, data: Path, work: Path) -> None:
    """256 pictures, 20 kills."""
    command = ("inpaint", data, "--limit", PICTURES, "--mask", "block:0.25", "--clean", "--starts", 1, *QUICK)
    call(*command[:2], "--limit", 16, *command[4:], "-o", work / "warm")  # compiles, into the cache
    whole = Running(*command, "-o", work / "whole")
    first = _first_row(whole, work / "whole")
    outcome = whole.wait()
    found.figure("unbroken run, seconds", round(outcome.seconds, 1))
    folder, lost = work / "killed", []
    longest = _longest_delay(first, outcome.seconds - first)
    while len(lost) < KILLS:
        running = Running(*command, "-o", folder)
        if running.running(float(chance.uniform(0.2, longest))):
            ended, _ = running.signal(signal.SIGKILL)
            lost.append(running.begun + ended.seconds - _last_save(folder, running.begun))
        else:
            longest /= 2  # it is nearly finished
            running.wait()
    ended = call(*command, "-o", folder)
    found.figure("work lost by each kill, seconds", rounded(lost))
    found.check("most work lost by a kill, seconds", round(max(lost), 1), f"at most {LOST:.0f}", max(lost) <= LOST)
    found.check("exit code of the last resume", ended.code, "0", ended.code == 0)
    same = stable_files(folder) == stable_files(work / "whole")
    found.check("images, raw, latents and tables after 20 kills", _identical(same), "identical to the byte", same)
    names = _names(folder)
    wanted = _names(work / "whole")
    found.check(
        "rows lost, doubled", (len(set(wanted) - set(names)), len(names) - len(set(names))), "(0, 0)", names == wanted
    )


def slow_steps(found: Findings, chance: np.random.Generator, work: Path) -> None:
    """Two pictures of 256 pixels, steps of more than a second: SIGTERM five times, SIGKILL once."""
    prior = write_large_prior(work / "large.safetensors", widest=192)
    write_pictures(work / "large", 2)
    command = ("reconstruct", work / "large", "--prior", prior, "--starts", 1, *SLOW)
    whole = call(*command, "-o", work / "slow")
    found.figure("unbroken run of slow steps, seconds", round(whole.seconds, 1))
    folder, codes, waits, said = work / "stopped", [], [], []
    moments = [(0.5, 1.5), (3, 6), (9, 14), (15, 25), (15, 25)]
    for i, (low, high) in enumerate(moments):
        # without the cache the third is stopped while XLA compiles
        cold = {"JAXPRIOR_CACHE": str(work / "cold")} if i == 2 else {}
        running = Running(*command, "-o", folder, environment=cold)
        running.running(float(chance.uniform(low, high)))
        ended, seconds = running.signal(signal.SIGTERM)
        codes.append(ended.code)
        waits.append(seconds)
        said.append(ended.one_sentence)
        if i == 2:
            found.check("work lost by a kill in a long batch, seconds", *_kill_long_batch(command, folder, chance))
    found.check("exit codes after SIGTERM", codes, "75 each", set(codes) == {75})
    found.figure("from SIGTERM to the end, seconds", rounded(waits))
    found.check("slowest stop, seconds", round(max(waits), 1), f"at most {STOP:.0f}", max(waits) <= STOP)
    found.check("stops said in one sentence", sum(said), f"{len(said)} of {len(said)}", all(said))
    ended = call(*command, "-o", folder)
    same = ended.code == 0 and stable_files(folder) == stable_files(work / "slow")
    found.check("images, raw, latents and tables after stops and kill", _identical(same), "identical to the byte", same)
    rest = ended.seconds / whole.seconds
    found.figure("last resume's share of the unbroken run's time", round(rest, 2))


def _kill_long_batch(command: tuple, folder: Path, chance: np.random.Generator) -> tuple[float, str, bool]:
    running = Running(*command, "-o", folder)
    running.running(float(chance.uniform(75, 85)))
    ended, _ = running.signal(signal.SIGKILL)
    lost = running.begun + ended.seconds - _last_save(folder, running.begun)
    return round(lost, 1), f"at most {LOST:.0f}", lost <= LOST


def slowest_steps(found: Findings, work: Path) -> None:
    """A stop while one step takes many seconds on two cores: PGGAN's own widths at 256 pixels."""
    prior = write_large_prior(work / "largest.safetensors", widest=512)
    write_pictures(work / "largest", 1)
    running = Running("reconstruct", work / "largest", "--prior", prior, "--starts", 1, *SLOWEST, "-o", work / "last")
    running.running(60)
    ended, seconds = running.signal(signal.SIGTERM)
    found.check("exit code of a stop with PGGAN's own widths at 256 pixels", ended.code, "75", ended.code == 75)
    found.check("its seconds", round(seconds, 1), f"at most {STOP:.0f}", seconds <= STOP)


def write_large_prior(path: Path, *, widest: int) -> Path:
    """An untrained PGGAN of 256x256 pixels with at most so many feature maps."""
    config = {"resolution": 256, "latent_dim": 128, "widths": feature_widths(256, fmap_max=widest)}
    config |= {"image_channels": 3, "upsample": "nearest"}
    card = {"name": path.stem, "architecture": "pggan", "config": config, "source": "random weights", "licence": "none"}
    generator, _ = from_config(config)
    save_weights(path, {"generator": generator.init_params(jax.random.key(0))}, card)
    return path


def write_pictures(folder: Path, count: int) -> None:
    """Smooth pictures of 256x256 pixels."""
    folder.mkdir()
    for i in range(count):
        coarse = np.random.default_rng(i).integers(0, 256, (8, 8, 3), dtype=np.uint8)
        images.save_png(folder / f"{i}.png", images.fit(coarse, 256))


def _first_row(running: Running, folder: Path) -> float:
    """Seconds after which the first row is in the journal."""
    seconds = 0.0
    while running.running(seconds) and not any(file.stat().st_size for file in folder.glob("results*.jsonl")):
        seconds += 0.1
    return seconds


def _longest_delay(first: float, rest: float) -> float:
    """Kills come uniformly between 0 and this: on average 20 of them let the run just about finish.

    A run gets max(0, delay - first) further; the mean of that is (longest - first)^2 / (2 longest), which shall be
    four fifths of a twentieth of the rest.
    """
    middle = first + 0.8 * rest / KILLS
    return middle + math.sqrt(middle**2 - first**2)


def _last_save(folder: Path, begun: float) -> float:
    """When a run last made something durable that a resume starts from: rows, or the batch in flight."""
    kept = [file for file in folder.glob("*") if file.is_file() and file.name not in OUTPUTS]
    return max([begun, *(file.stat().st_mtime for file in kept)])


def _names(folder: Path) -> list[str]:
    return [row["image"] for row in csv.DictReader(io.StringIO((folder / "results.csv").read_text()))]


def _identical(same: bool) -> str:
    return "identical" if same else "different"
