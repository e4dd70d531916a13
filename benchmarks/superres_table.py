"""Networks that enlarge photographs, beside interpolation, on several sets of originals.

    python benchmarks/superres_table.py --data Set5=Set5/ --data bsds500=bsds500_dev.zip --data free=free_dev.zip \
        --restorer SRResNet=runs/srresnet --restorer SRGAN=runs/srgan --restorer public=srgan_x4.safetensors \
        --perceptual lpips-squeeze --runs runs/superres --out benchmarks/results/superres.json [--minutes 30]

Originals are cropped to a multiple of the factor, shrunk by antialiased bicubic interpolation and rounded to 8 bits, as
in papers on super-resolution; each method enlarges that, and the result, rounded to 8 bits, is compared with the
original at full size. Methods are bicubic and Lanczos interpolation, every --restorer, and with --prior the inversion
of a prior with its default settings, on sets whose pictures all have the prior's size.

All of it goes through jaxprior's own runner, so that a figure here is what `jaxprior superres PICTURES --restorer NAME
--clean` says: a run folder for each set and method under --runs, which the same command goes on with after an end
(--minutes, Ctrl-C). The table has means over the pictures of PSNR (RGB), PSNR-Y (luma, without a border as wide as the
factor), SSIM, gradient energy as a share of the original's and the perceptual distance in an installed network, all as
`jaxprior.metrics` computes them. Each method is compared picture by picture with bicubic interpolation: median of the
difference, a bootstrap interval of 95 %, and on how many pictures it is better.
Seconds are measured apart, on a few pictures of each set, once the program has been compiled: the median of a picture.

Prints tables; writes JSON, tables (.md), a page of close-ups for each set (NAME-SET.png) and a report of all pictures
in --runs. Asserts nothing.
"""

import argparse
import dataclasses
import json
import time
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from enlarging import KERNELS, interpolation
from measuring import plainly, record, save
from pieces import end_of, ended_at, is_complete
from restored_tables import close_ups, markdown, summary
from restoring import named

import jaxprior as jp
from jaxprior.data import images
from jaxprior.errors import SettingsError
from jaxprior.evaluation import Cell, RestorerCell, RunFolder, Stopped, run_cell, write_report
from jaxprior.operators import SuperResolve
from jaxprior.restoration.tiled import restored_in_tiles
from jaxprior.system import files


BASE = "bicubic"
NAMES = ("psnr", "psnr_luma", "ssim", "gradient_energy", "perceptual", "seconds")
PAIRED = ("psnr_luma", "ssim", "perceptual", "gradient_energy")
MEASURES = ("psnr-luma", "gradient-energy")
SECONDS = "seconds.json"
"""In a run folder: the seconds of some pictures, the program being compiled."""


@dataclasses.dataclass(frozen=True)
class Arm:
    """A method under its name in tables.

    Fields:
        name: of the method.
        load: the restorer, or the prior, loaded at its first use.
        inverted: whether it is a prior.
    """

    name: str
    load: Callable[[], Any]
    inverted: bool = False

    def cell(self, factor: int) -> Cell:
        """What it does with every picture."""
        task = SuperResolve(factor, kernel="antialiased")
        if self.inverted:
            method = jp.preset("default", task, prior=self.load())
            return Cell(task=task, method=method, measures=MEASURES)
        return RestorerCell(task=task, measures=MEASURES)


def arms_of(options: argparse.Namespace) -> list[Arm]:
    """The methods that are compared, in the order of the table.

    Raises:
        SettingsError: two have one name.
    """
    arms = [Arm(name, cache(partial(interpolation, name, options.factor))) for name in KERNELS]
    arms += [Arm(name, cache(partial(jp.load_restorer, source))) for name, source in options.restorer]
    arms += [Arm(name, cache(partial(jp.load_prior, source)), inverted=True) for name, source in options.prior]
    for name in (names := [arm.name for arm in arms]):
        if names.count(name) > 1:
            raise SettingsError(f"Two methods are called {name}: give each a name of its own.")
    return arms


def folder_of(options: argparse.Namespace, data: str, arm: Arm) -> RunFolder:
    """Where a method's results of a set lie."""
    return RunFolder(options.runs / f"{data}_{arm.name.replace(' ', '-')}".lower())


def suits(arm: Arm, sources: Sequence[images.ImageSource]) -> bool:
    """Whether a method can take these pictures: a prior wants all of them to be of its own size."""
    if not arm.inverted:
        return True
    size = arm.load().image_shape[:2]
    return all(images.load_image(source).shape[:2] == size for source in sources)


def restore(options: argparse.Namespace, data: str, arm: Arm, sources: Sequence[images.ImageSource]) -> None:
    """Let a method enlarge the pictures that it has not enlarged yet.

    Raises:
        Stopped: it was ended before. RunError: its folder holds results of other weights or settings.
    """
    folder = folder_of(options, data, arm)
    if not is_complete(folder, [source.name for source in sources]):
        began, used = time.monotonic(), arm.load()
        labels = {"prior": arm.name, "data": data, "task": f"superres x{options.factor}", "method": "at once"}
        run_cell(arm.cell(options.factor), sources, folder, prior=used, perceptual=options.perceptual, labels=labels)
        each = (time.monotonic() - began) / len(sources)
        print(f"{data}, {arm.name}: {len(sources)} pictures, {each:.2f} s each, all included", flush=True)
    if not arm.inverted and not (folder.path / SECONDS).is_file():
        files.write_json(folder.path / SECONDS, timed(arm.load(), sources[: options.timed]))


def timed(restorer: Any, sources: Sequence[images.ImageSource]) -> list[float]:
    """Seconds in which pictures are enlarged whose sizes the program is compiled for."""
    shrink, taken = SuperResolve(restorer.factor, kernel="antialiased"), []
    for source in sources:
        photo = images.load_image(source)
        height, width = (side - side % restorer.factor for side in photo.shape[:2])
        small = images.to_uint8(np.asarray(shrink.apply(images.to_float(photo[:height, :width]))))
        for _ in range(2):
            began = time.perf_counter()
            list(restored_in_tiles(restorer, [(small, None)]))
            seconds = time.perf_counter() - began
        taken.append(seconds)
    return taken


def figures_of(folder: RunFolder, names: Sequence[str]) -> dict[str, np.ndarray]:
    """The figures of some pictures of a run in the order of their names, {name: [b]}."""
    rows = sorted((row for row in folder.rows() if row.image in set(names)), key=lambda row: row.image)
    if failed := [row for row in rows if row.file is None]:
        raise SettingsError(f"{folder.path}: {failed[0].image} has no result ({failed[0].reason}); leave it out.")
    found = {name: [getattr(row, name) for row in rows] for name in NAMES}
    values = {name: np.array(some, float) for name, some in found.items() if None not in some}
    if (folder.path / SECONDS).is_file():
        values["seconds"] = np.array(json.loads(files.read_text(folder.path / SECONDS)))
    return values


def page(options: argparse.Namespace, data: str, arms: Sequence[Arm], sources: Sequence[images.ImageSource]):
    """Close-ups of the first pictures, whole originals left out."""
    rows = []
    for source in sources[: options.shown]:
        original, row = images.load_image(source), {}
        for arm in arms:
            folder = folder_of(options, data, arm)
            file = next(str(one.file) for one in folder.rows() if one.image == source.name)
            row[arm.name] = images.load_image(folder.file("images", file))
        height, width = row[arms[0].name].shape[:2]
        rows.append({"original": original[:height, :width], **row})
    return close_ups(rows, busy=[row["original"] for row in rows], side=options.crop)


def main() -> None:
    """Enlarge and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    again = {"type": named, "action": "append", "default": []}
    parser.add_argument("--data", **again | {"required": True}, metavar="NAME=DIR|ZIP", help="originals; repeat it")
    parser.add_argument("--restorer", **again, metavar="NAME=RUN|FILE|NAME", help="a network; repeat it")
    parser.add_argument("--prior", **again, metavar="NAME=RUN|FILE|NAME", help="a prior, for pictures of its size")
    parser.add_argument("--factor", type=int, default=4, metavar="N", help="how many times larger (4)")
    parser.add_argument("--limit", type=int, metavar="N", help="the first pictures of each set, all by default")
    parser.add_argument("--perceptual", default="none", metavar="NAME|FILE|none", help="feature network (none)")
    parser.add_argument("--timed", type=int, default=5, metavar="N", help="pictures that seconds are of (5)")
    parser.add_argument("--shown", type=int, default=4, metavar="N", help="pictures in close-ups (4)")
    parser.add_argument("--crop", type=int, default=96, metavar="N", help="pixels of a side of a close-up (96)")
    parser.add_argument("--minutes", type=float, metavar="M", help="after which everything is saved and ended")
    parser.add_argument("--runs", type=Path, required=True, metavar="DIR", help="where the results lie")
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    options = parser.parse_args()
    arms, whole = arms_of(options), True
    sets = {name: images.list_images([Path(path)])[: options.limit] for name, path in options.data}
    cases = [(data, arm) for data, sources in sets.items() for arm in arms if suits(arm, sources)]
    try:
        with ended_at(end_of(options.minutes)):
            for data, arm in cases:
                restore(options, data, arm, sets[data])
    except Stopped:
        whole = False
        print("Ended before everything was done; the same command goes on.", flush=True)
    results, runs, parts = {}, [], []
    for data, sources in sets.items():
        names = [source.name for source in sources]
        done = [arm for case, arm in cases if case == data and is_complete(folder_of(options, data, arm), names)]
        if not done:
            continue
        figures = {arm.name: figures_of(folder_of(options, data, arm), names) for arm in done}
        results[data] = summary(figures, base=BASE, names=NAMES, paired=PAIRED)
        table = markdown(results[data], base=BASE, names=NAMES, paired=PAIRED)
        parts.append(f"{data}, {len(names)} pictures, x{options.factor}\n\n{table}\n")
        runs += [folder_of(options, data, arm) for arm in done]
        options.out.parent.mkdir(parents=True, exist_ok=True)
        images.save_png(options.out.with_name(f"{options.out.stem}-{data}.png"), page(options, data, done, sources))
    stated = {"factor": options.factor, "perceptual": options.perceptual, "complete": whole, "against": BASE}
    weights = {arm.name: arm.load().sha256 for arm in arms}
    save(options.out, {**record("superres_table"), **stated, "weights": weights, "results": results})
    options.out.with_suffix(".md").write_text("\n".join(parts))
    print("\n".join(parts))
    if runs:
        print(f"All pictures: {write_report(runs, options.runs / 'report.html')}")


if __name__ == "__main__":
    plainly(main)
