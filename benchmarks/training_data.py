"""Training on pictures in a file beside pictures in memory: resident memory over time, and speed.

    python benchmarks/training_data.py --work FOLDER --out benchmarks/results/training-data.json [--count 300000]

Three parts, `--part` chooses some of them:

    pictures    so many synthetic PNGs of 64x64 pixels in one archive in FOLDER, once
    memory      resident memory, sampled ten times a second, of three processes that train the same small network:
                pictures in memory; in a file that is decoded first; in the file that is there
    speed       in one process, in turns: steps of the same network over pictures in memory as before (a batch is drawn
                when it is needed), in memory read ahead, in the file read ahead
    drawing     what drawing a batch alone costs, from memory, from the file and otherwise

The curves are drawn beside the JSON file. FOLDER needs 6 GB for 300,000 pictures and may be removed afterwards.
"""

import argparse
import io
import json
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
from measuring import record, save, spread
from PIL import Image

from jaxprior.models.dcgan import train as dcgan
from jaxprior.models.dcgan.config import LsganRecipe
from jaxprior.training.pictures import Pictures, draw_batch, load_pictures
from jaxprior.training.reading_ahead import batches_ahead
from jaxprior.training.stored_pixels import StoredPixels, box_averaged


PARTS = ("pictures", "memory", "speed", "drawing")
SIDE, BATCH = 64, 64
SMALL = LsganRecipe(widths=(8, 8, 8, 4), critic_widths=(4, 8, 8, 8), latent_dim=16, batch_size=BATCH)
"""A network whose step is so cheap that a slow loader would show."""

WAYS = {
    "in memory": {"JAXPRIOR_CACHE": "off"},
    "in a file, decoded first": {},
    "in a file": {},
}
"""Way -> environment. The last one opens the file that the second one made."""


def make_pictures(path: Path, count: int) -> None:
    """An archive of smooth pictures, each of three waves in random colours."""
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    waves = np.stack([np.sin(2 * np.pi * (a * x + b * y)) for a in range(1, 5) for b in range(1, 5)])
    rng = np.random.default_rng(0)
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(count):
            colours = rng.normal(scale=30, size=(3, 3))
            pixels = 128 + np.tensordot(waves[rng.integers(0, 16, 3)], colours, (0, 0))
            file = io.BytesIO()
            Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(file, "PNG", compress_level=1)
            archive.writestr(f"{i:07d}.png", file.getvalue())


def train_here(archive: Path, seconds: float) -> None:
    """Load the pictures, train for so long, and print when what began, and the speed."""
    from jaxprior.system.allocation import keep_freed_memory

    keep_freed_memory()  # as the command line does
    began = time.time()
    pictures = load_pictures(archive, resolution=SIDE)
    loaded = time.time()
    step, state = dcgan.make_step(SMALL), dcgan.init_state(SMALL, jax.random.key(0))
    batch, steps, first = partial(draw_batch, pictures.pixels, 0, BATCH, 0), 0, 0.0
    with batches_ahead(batch, 0, 10**9) as next_batch:
        while not first or time.time() - first < seconds:
            state, _ = step(steps, state, next_batch(), jax.random.key(steps))
            jax.block_until_ready(state)
            first, steps = first or time.time(), steps + 1
    print(json.dumps({"began": began, "load_seconds": loaded - began, "first_step": first - began, "steps": steps}))


def watched(archive: Path, environment: dict[str, str], seconds: float) -> dict[str, Any]:
    """Run `train_here` in a process of its own, and sample its resident memory."""
    command = [sys.executable, __file__, "--train-here", str(archive), "--seconds", str(seconds)]
    process = subprocess.Popen(command, env=os.environ | environment, stdout=subprocess.PIPE, text=True)
    samples, began = [], time.time()
    while process.poll() is None:
        status = Path(f"/proc/{process.pid}/status").read_text().splitlines()
        resident = next((int(line.split()[1]) / 1024 for line in status if line.startswith("VmRSS")), None)
        if resident is not None:
            samples.append((round(time.time() - began, 2), round(resident)))
        time.sleep(0.1)
    assert process.stdout is not None and process.returncode == 0
    said = json.loads(process.stdout.read().splitlines()[-1])
    offset = said.pop("began") - began
    loading = [mib for at, mib in samples if at < offset + said["load_seconds"]]
    training = [mib for at, mib in samples if at > offset + said["first_step"]]
    return said | {
        "peak_mib_loading": max(loading), "peak_mib_training": max(training), "samples": samples[::5],
    }  # fmt: skip


def speed(stored: Pictures, rounds: int, steps: int) -> dict[str, Any]:
    """Pictures a second of the training in three ways, in turns."""
    assert isinstance(stored.pixels, StoredPixels)
    memory = Pictures(np.asarray(stored.pixels))
    step, state = dcgan.make_step(SMALL), dcgan.init_state(SMALL, jax.random.key(0))

    def at_once(batch: Callable, start: int, _stop: int) -> AbstractContextManager[Callable[[], np.ndarray]]:
        numbers = iter(range(start, 10**9))
        return nullcontext(lambda: batch(next(numbers)))

    ways = {
        "in memory, drawn when needed": (memory, at_once),
        "in memory, read ahead": (memory, batches_ahead),
        "in a file, read ahead": (stored, batches_ahead),
    }
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):  # the first round compiles and is left out
        for name, (pictures, reading) in ways.items():
            first = number * steps
            batch = partial(draw_batch, pictures.pixels, 0, BATCH, 0)
            began = time.perf_counter()
            with reading(batch, first, first + steps) as next_batch:
                for index in range(first, first + steps):
                    state, _ = step(index, state, next_batch(), jax.random.key(index))
                    jax.block_until_ready(state)
            if number:
                rates[name].append(BATCH * steps / (time.perf_counter() - began))
    return {name: spread(found, 1) for name, found in rates.items()}


def drawing(stored: Pictures, rounds: int) -> dict[str, Any]:
    """Milliseconds a batch of 64 pictures, in turns: from memory, by `pread`, by a map; and at half the resolution."""
    assert isinstance(stored.pixels, StoredPixels) and stored.folder is not None
    memory = Pictures(np.asarray(stored.pixels))
    half, times = stored.halved(1), {}
    half.pixels[0]  # makes the file, if it is not there
    for number in range(rounds):
        os.posix_fadvise(stored.pixels.file.handle, 0, 0, os.POSIX_FADV_DONTNEED)  # out of the system's cache
        mapped = np.memmap(stored.folder / "pixels.raw", np.uint8, "r", shape=stored.pixels.shape)
        ways = {
            "from the file, on the disk": stored.pixels, "from memory": memory.pixels, "from the file": stored.pixels,
            "from a map of the file": mapped, "32 pixels, halved when drawn": stored.pixels,
            "32 pixels, from their file": half.pixels,
        }  # fmt: skip
        for name, pixels in ways.items():
            began = time.perf_counter()
            for index in range(20):  # the same pictures in every way: after the first one they are in the cache
                batch = draw_batch(pixels, 0, BATCH, 0, 20 * number + index)
                if "halved" in name:
                    box_averaged(batch, 2)
            times.setdefault(name, []).append((time.perf_counter() - began) / 20 * 1000)
        del mapped, ways, pixels  # mapped pages would stay in the cache
    return {name: spread(found, 3) for name, found in times.items()}


def draw_curves(path: Path, found: dict[str, Any]) -> None:
    """Resident memory over time, a curve a way."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axis = pyplot.subplots(figsize=(7, 4), layout="constrained")
    for name, one in found["memory"].items():
        axis.plot([at for at, _ in one["samples"]], [mib / 1024 for _, mib in one["samples"]], label=name)
    axis.set(xlabel="seconds since the start", ylabel="resident memory, GiB", ylim=(0, None))
    axis.set_title(f"Loading {found['count']:,} pictures of {SIDE}x{SIDE} pixels, then training")
    axis.legend()
    figure.savefig(path, dpi=100)


def main() -> None:
    """Measure what was chosen; parts that are left out keep what the file has of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, help="folder of the pictures and of their cache")
    parser.add_argument("--out", type=Path, help="JSON file to write; the curves go beside it")
    parser.add_argument("--part", choices=PARTS, action="append")
    parser.add_argument("--way", choices=WAYS, action="append", help="of the part memory; all by default")
    parser.add_argument("--count", type=int, default=300_000)
    parser.add_argument("--seconds", type=float, default=20, help="that every way trains")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=100, help="of every way in a round")
    parser.add_argument("--train-here", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.train_here:
        train_here(given.train_here, given.seconds)
        return
    parts, archive = given.part or PARTS, given.work / f"{given.count}.zip"
    os.environ["JAXPRIOR_CACHE"] = str(given.work / "cache")
    if "pictures" in parts and not archive.is_file():
        make_pictures(archive, given.count)
    found = json.loads(given.out.read_text()) if given.out and given.out.is_file() else {}
    found |= {**record("training-data"), "count": given.count, "side": SIDE, "batch": BATCH}
    if "memory" in parts:
        found.setdefault("memory", {})
        for name in given.way or WAYS:
            found["memory"][name] = watched(archive, WAYS[name], given.seconds)
            print(name, {k: v for k, v in found["memory"][name].items() if k != "samples"}, flush=True)
            save(given.out, found)
        if given.out:
            draw_curves(given.out.with_suffix(".png"), found)
    if "speed" in parts:
        pictures = load_pictures(archive, resolution=SIDE, in_memory=0)
        found["training_pictures_per_second"] = speed(pictures, given.rounds, given.steps)
        save(given.out, found)
    if "drawing" in parts:
        pictures = load_pictures(archive, resolution=SIDE, in_memory=0)
        found["drawing_ms_per_batch"] = drawing(pictures, given.rounds)
        save(given.out, found)
    print(json.dumps({name: value for name, value in found.items() if name.endswith(("second", "batch"))}, indent=1))


if __name__ == "__main__":
    main()
