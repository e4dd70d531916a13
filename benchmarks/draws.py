"""Several answers for a hole: the best of 8 against their mean, and whether they spread as far as they are wrong.

    python benchmarks/draws.py --data PICTURES.zip --prior cats64 --pictures 0:64 --tasks center:0.25,block:0.25 \
        --out benchmarks/results/draws-cats64.json [--sheet docs/draws.png]

`ARMS` are ways to draw; --arms chooses some by the beginnings of their names, and --arm NAME=JSON adds one, the table
of a method with "draws". Of each arm the table has medians over the pictures, in the hole of the merged picture:

    estimate       the answer of least error, `result.merged`
    one draw       the median over the draws of a picture: what somebody gets who takes any
    best draw      the best of them, which somebody who knows the picture would choose
    mean of draws  their mean picture; draws that follow the posterior have the least square error there
    diversity      the root mean square difference of two draws of a picture in the hole, in units of [-1, 1]

with the perceptual distances, if a feature network is installed. Calibration: the pixels of all holes are sorted by the
draws' spread into ten classes of equal size; in each the root mean square error of the draws' mean is set against what
it would be if the original were one more draw, sqrt((K + 1) / K) times the spread. Their quotient over all pixels is 1
for draws that spread as far as they are wrong, and above 1 for draws that are too sure. `rank` counts where among the
draws of its pixel the original lies: as often in each place if it were one of them. `spearman` is the rank correlation
of spread and error: over the pixels of each hole (median), and over pictures.

Draws are kept in an .npz file beside --out, so that a long run can be ended (--minutes) and gone on with by the same
command. Writes JSON and a figure (.png); --sheet shows the first pictures: hole, draws, spread, original.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import jax
import numpy as np
from answers import Damaged, Pictures, add_options, feature_network, groups
from inpainted import load
from inpainted import save as keep
from judged_draws import Judged, summary
from measuring import record, save
from paired import said
from picture_rows import key_of
from restoring import NOISE_KEY, pictures_of

import jaxprior as jp
from jaxprior.data import images, sheets
from jaxprior.restoration.drivers import Inverter
from jaxprior.restoration.presets import make_method


ARMS: dict[str, dict[str, Any]] = {
    "default": {"draws": {"count": 8}},
    "independent starts alone": {"draws": {"count": 8, "moves": 0}},
    "temperature 1": {"draws": {"count": 8}, "solve": {"temperature": 1.0}},
    "temperature 100": {"draws": {"count": 8}, "solve": {"temperature": 100.0}},
}
"""Tables of methods, by their names."""

FIELDS = ("index", "truth", "mask", "merged", "draws")


def drawn(damaged: Damaged, inverter: Inverter) -> dict[str, np.ndarray]:
    """The fields of some pictures."""
    key, b = jax.random.key(NOISE_KEY), len(damaged.photos)
    result = inverter.invert(damaged.observed, damaged.task, key=key, ids=damaged.ids, batch_size=b)
    fields = {"truth": damaged.photos, "mask": damaged.masks, "merged": result.merged, "draws": result.draws}
    return {name: np.asarray(values, np.float16 if name == "draws" else np.float32) for name, values in fields.items()}


class Kept:
    """The draws of all pictures of an arm, in a file that grows.

    Arguments:
        path: of the file.
        prefix: of the arm's fields, which says its task and its settings.
    """

    def __init__(self, path: Path, prefix: str):
        self.path, self.prefix = path, prefix

    def add(self, index: int, fields: dict[str, np.ndarray], place: int) -> None:
        """Keep one of the pictures that were drawn together."""
        held = load(self.path)
        for name in FIELDS:
            value = np.asarray(index) if name == "index" else fields[name][place]
            held.setdefault(f"{self.prefix}/{name}", []).append(value)
        keep(self.path, held)

    def fields(self, pictures: range) -> dict[str, np.ndarray] | None:
        """The fields of these pictures, in their order; None unless all are there."""
        held = load(self.path)
        known = [int(index) for index in held.get(f"{self.prefix}/index", [])]
        if any(index not in known for index in pictures):
            return None
        order = [known.index(index) for index in pictures]
        return {name: np.stack([held[f"{self.prefix}/{name}"][i] for i in order]) for name in FIELDS}

    def lacking(self, pictures: range) -> list[int]:
        """Those of the pictures that are not there yet."""
        known = {int(index) for index in load(self.path).get(f"{self.prefix}/index", [])}
        return [index for index in pictures if index not in known]


def table(results: dict) -> str:
    """The results as markdown."""
    lines = ["| task | draws | estimate | one draw | best draw | mean of draws | best - mean [95 %], wins "
             "| diversity | error / expected | spearman |", "|---" * 10 + "|"]  # fmt: skip
    for task, arms in results.items():
        for name, row in arms.items():
            rows, calibration = row["figures"], row["calibration"]
            cells = [_cell(rows[who]) for who in ("estimate", "one draw", "best draw", "mean of draws")]
            cells += [said(row["best_against_mean"]), f"{row['diversity']:.3f}"]
            cells += [f"{calibration['error_over_expected']:.2f}", f"{calibration['spearman_of_pixels']:.2f}"]
            lines.append(f"| {' | '.join([task, name, *cells])} |")
    return "\n".join(lines)


def _cell(row: dict) -> str:
    return f"{row['psnr']:.2f}" + (f" ({row['perceptual']:.3f})" if "perceptual" in row else "")


def plot(results: dict, path: Path) -> None:
    """For each task: error against what the spread lets expect, and the ranks of the originals."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    size = (11, 4.2 * len(results))
    figure, axes = pyplot.subplots(len(results), 2, figsize=size, squeeze=False, layout="constrained")
    for (left, right), (task, arms) in zip(axes, results.items(), strict=True):
        for name, row in arms.items():
            calibration = row["calibration"]
            left.plot(calibration["expected"], calibration["error"], marker="o", label=name)
            right.plot(calibration["rank"], marker="o", label=name)
        most = max(max(row["calibration"]["expected"] + row["calibration"]["error"]) for row in arms.values())
        left.plot([0, most], [0, most], color="gray", lw=0.8, label="calibrated")
        left.set(title=task, xlabel="error that the spread of the draws lets expect", ylabel="error of their mean")
        places = len(calibration["rank"])
        right.axhline(1 / places, color="gray", lw=0.8, label="calibrated")
        right.set(title=task, xlabel="draws below the original, of a pixel", ylabel="share of pixels", ylim=(0, None))
        left.legend(fontsize=8)
    figure.savefig(path, dpi=100)


def sheet(found: dict[str, np.ndarray], count: int) -> np.ndarray:
    """A page of the first pictures: hole, draws, spread (white: the draws differ by half of the range), original."""
    rows = []
    for place in range(min(count, len(found["truth"]))):
        truth, mask = found["truth"][place], found["mask"][place][..., None]
        draws = np.clip(found["draws"][place].astype(np.float32), -1, 1)
        spread = np.sqrt(draws.var(axis=0, ddof=1).mean(axis=-1, keepdims=True))
        shown = {"hole": np.where(mask > 0, 0, truth), **{f"draw {k + 1}": draw for k, draw in enumerate(draws)}}
        shown |= {"spread": np.clip(4 * spread - 1, -1, 1).repeat(3, axis=-1), "original": truth}
        rows += [(title if place == 0 else "", images.to_uint8(picture)) for title, picture in shown.items()]
    return sheets.captioned_grid(rows, columns=len(draws) + 3)


def main() -> None:
    """Draw, or go on with it, and judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser)
    parser.add_argument("--pictures", type=pictures_of, default=range(64), metavar="FIRST:END")
    parser.add_argument("--tasks", default="center:0.25,block:0.25")
    parser.add_argument("--arms", help="beginnings of names, with semicolons, or none; all by default")
    parser.add_argument("--arm", action="append", default=[], metavar="NAME=JSON", help="one more way to draw")
    parser.add_argument("--sheet", type=Path, help="PNG file to write, of the first arm and task")
    parser.add_argument("--shown", type=int, default=6, help="pictures on the sheet")
    options = parser.parse_args()
    prior = jp.load_prior(options.prior)
    network = feature_network(options.perceptual, prior.resolution)
    pictures, end = Pictures(options.data, prior.resolution), float("inf")
    if options.minutes is not None:
        end = time.monotonic() + 60 * options.minutes
    begun = ("",) if options.arms is None else tuple(name.strip() for name in options.arms.split(";"))
    arms = {name: table for name, table in ARMS.items() if name.startswith(begun)}
    arms |= {name: json.loads(text) for name, _, text in (one.partition("=") for one in options.arm)}
    results: dict = {}
    for spec in options.tasks.split(","):
        for name, changes in arms.items():
            method = make_method(changes, jp.Inpaint(np.zeros(prior.image_shape[:2])), prior=prior)
            inverter = Inverter(prior, method)
            kept = Kept(options.out.with_suffix(".npz"), f"{spec}|{key_of(prior.sha256, *map(repr, method))}")
            for some in groups(kept.lacking(options.pictures)):
                if time.monotonic() > end:
                    break
                began = time.monotonic()
                fields = drawn(pictures.damaged(spec, some), inverter)
                for place, index in enumerate(some):
                    kept.add(index, fields, place)
                print(f"{spec}, {name}: {(time.monotonic() - began) / len(some):.1f} s a picture", flush=True)
            found = kept.fields(options.pictures)
            if found is None:
                print(f"{spec}, {name}: not complete; the same command goes on", flush=True)
                continue
            results.setdefault(spec, {})[name] = summary(Judged(found, network))
            if options.sheet is not None:
                images.save_png(options.sheet, sheet(found, options.shown))
                options.sheet = None
    print(table(results))
    card, shown = prior.card, f"{options.pictures.start}:{options.pictures.stop}"
    save(options.out, {
        **record("draws"), "prior": card["name"], "sha256": card["sha256"], "data": options.data.name,
        "pictures": shown, "perceptual": None if network is None else network.label, "results": results,
    })  # fmt: skip
    if results:
        plot(results, options.out.with_suffix(".png"))


if __name__ == "__main__":
    main()
