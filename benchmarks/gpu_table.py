"""What `benchmarks/gpu.sh` needs besides the benchmarks: a table of its results, and pictures to rehearse on.

    python benchmarks/gpu_table.py FOLDER                 prints the table and writes it as FOLDER/summary.md
    python benchmarks/gpu_table.py --pictures FOLDER      writes 64 small pictures of noise, for SMALL=1
"""

import argparse
import csv
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np


def beside_torch(found: dict) -> Iterator[str]:
    """Lines about `compare_torch.py`."""
    for one in found.get("results", []):
        for name, runner in one["runners"].items():
            step, ratio = 1e3 * runner["seconds"]["median"], runner["ratio"]["median"]
            share = f"{runner['share_of_peak']:.0%} of the measured peak"
            yield f"{name}: {step:.2f} ms a step, {share}, {ratio:.2f} times jaxprior's"


def throughput(found: dict) -> Iterator[str]:
    """Lines about `throughput.py`."""
    for one in found.get("results", []):
        if "failed" in one:
            yield f"{one['title']}: {one['failed']}"
            continue
        yield (
            f"{one['title']}: {1e3 * one['seconds']:.2f} ms a step, {one['images_per_hour']:.4g} pictures an hour, "
            f"{one['share_of_peak']:.0%} of the measured {one['peak'] / 1e12:.3g} TFLOP/s"
        )


def singan(found: dict) -> Iterator[str]:
    """Lines about `singan_training.py`."""
    yield (
        f"SinGAN, {len(found.get('scales', []))} of {found.get('of', 0)} scales: "
        f"{found.get('minutes', 0):.2f} min of training and {found.get('compiling_minutes', 0):.2f} min of compiling"
    )
    if found.get("torch"):
        yield f"PyTorch, as many steps of these scales: {found['torch_minutes']:.2f} min"


def profile(found: dict) -> Iterator[str]:
    """Lines about `kernel_profile.py`."""
    yield f"{1e3 * found['seconds']:.2f} ms a step, {found.get('share_of_peak', 0):.0%} of the measured peak"
    yield f"its operations take {found.get('busy_ms', 0):.2f} ms, summed over streams, or over a CPU's threads"
    for name, value in found.get("sums", {}).get("kind", {}).items():
        yield f"{name}: {value:.3f} ms"


TOLD = {
    "a-torch.json": beside_torch, "a-torch-compile.json": beside_torch, "a-throughput.json": throughput,
    "c-training.json": singan,
    "d-profile.json": profile, "d-profile-nhwc.json": profile, "d-profile-1.json": profile,
}  # fmt: skip


def training(folder: Path) -> Iterator[str]:
    """Lines about block b, from the tables of its run."""
    losses, distances = folder / "b-metrics.csv", folder / "b-swd.csv"
    if losses.is_file():
        rows = list(csv.DictReader(losses.open()))
        last = rows[-1]
        words = ", ".join(f"{name} {float(last[name]):.3g}" for name in last if "loss" in name and last[name])
        yield f"{int(last['images']):,} pictures shown, {words}"
    if distances.is_file():
        for row in csv.DictReader(distances.open()):
            yield f"sliced Wasserstein distance {row['swd_mean']}, of real pictures {row['real_mean']}"


def write_pictures(folder: Path) -> None:
    """Pictures of 32 pixels whose colours change slowly from place to place."""
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    chance = np.random.default_rng(0)
    for number in range(64):
        coarse = Image.fromarray(chance.integers(0, 256, (4, 4, 3), np.uint8))
        coarse.resize((32, 32), Image.Resampling.BICUBIC).save(folder / f"{number:02d}.png")


def main() -> None:
    """Print the table, or write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--pictures", type=Path, metavar="FOLDER")
    arguments = parser.parse_args()
    if arguments.pictures is not None:
        write_pictures(arguments.pictures)
        return
    lines = []
    for name, tell in TOLD.items():
        path = arguments.folder / name
        if path.is_file():
            lines += [f"\n{name}", *(f"- {line}" for line in tell(json.loads(path.read_text())))]
    if told := list(training(arguments.folder)):
        lines += ["\nb: cats64 gone on with", *(f"- {line}" for line in told)]
    text = "\n".join(lines).strip() + "\n"
    (arguments.folder / "summary.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
