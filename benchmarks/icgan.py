"""An IcGAN on labelled digits: are labels made, read and swapped as they should be, and is the handwriting kept?

    python benchmarks/icgan.py --data t10k-images-idx3-ubyte.gz --runs runs/icgan --out benchmarks/results/icgan.json \
        [--pictures 1000] [--searched 64] [--steps 200] [--limit N] [--minutes 30] [-- --steps 3500 ...]

First `jaxprior train icgan` trains the networks (what follows "--" are options of it); 1000 pictures, chosen at random,
are seen by none of them. Then these pictures are rebuilt, and given another class, by codes that are found in several
ways; each is measured in a piece of its own, and what is there is left out when the same command is given again.

    encoder        the encoder's code
    encoder + K    the same, then K steps of the engine with the label held
    search         the engine alone, from a random code with the label held: what the encoder saves
    random         a random code with the right label, a control
    nearest        the training picture of the right class that is nearest to the picture, a control without a network

Of each the table has: the mean square error of the rebuilt picture in [-1, 1]; the share of changed pictures in which
the judge reads the new class; the correlation of slant and thickness of the strokes before and after the change; and
seconds a picture. Slant is the shear that makes a digit upright, mu11 / mu02 of its moments; thickness is its ink
divided by the length of its skeleton. Besides: what judge and encoder read of real pictures, and how generated ones are
read. Searches look at --searched pictures only.

Prints a table; writes JSON and a sheet. Asserts nothing.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
from measuring import plainly, record, save
from pieces import TimeOverError, end_of, trained
from skimage.morphology import skeletonize

import jaxprior as jp
from jaxprior.data import images
from jaxprior.models.icgan.evaluator import agreement
from jaxprior.restoration.attributes import LEARNING_RATE
from jaxprior.system.evenly import evenly
from jaxprior.training.labelled_pictures import Part, load_labelled, others, trained_and_held


AT_ONCE = 64
SHOWN = 12


def slants(pictures: np.ndarray) -> np.ndarray:
    """The shear of each digit, mu11 / mu02, of pictures [n, h, w, 1] in [-1, 1]; NaN where there is no ink."""
    ink = np.clip((pictures[..., 0].astype(np.float64) + 1) / 2, 0, 1)
    rows, columns = np.mgrid[: ink.shape[1], : ink.shape[2]]
    with np.errstate(invalid="ignore", divide="ignore"):
        mass = ink.sum(axis=(1, 2))
        y = rows[None] - ((ink * rows).sum(axis=(1, 2)) / mass)[:, None, None]
        x = columns[None] - ((ink * columns).sum(axis=(1, 2)) / mass)[:, None, None]
        return (ink * x * y).sum(axis=(1, 2)) / (ink * y * y).sum(axis=(1, 2))


def thicknesses(pictures: np.ndarray) -> np.ndarray:
    """Ink of each digit divided by the length of its skeleton, in pixels; NaN where there is none."""
    ink = np.clip((pictures[..., 0].astype(np.float64) + 1) / 2, 0, 1)
    lengths = np.array([skeletonize(one > 0.5).sum() for one in ink], float)
    return np.where(lengths > 0, ink.sum(axis=(1, 2)) / np.maximum(lengths, 1), np.nan)


def correlation(before: np.ndarray, after: np.ndarray) -> float:
    """Pearson's correlation over the pictures of which both are known."""
    known = np.isfinite(before) & np.isfinite(after)
    return round(float(np.corrcoef(before[known], after[known])[0, 1]), 4) if known.sum() > 2 else float("nan")


def in_parts(function: Callable[..., Any], *arrays: Any) -> np.ndarray:
    """A function of many rows, some at a time; the last rows are filled up, so that it is compiled once."""
    found, count = [], len(arrays[0])
    for start in range(0, count, AT_ONCE):
        rows = [np.asarray(array[start : start + AT_ONCE]) for array in arrays]
        there = len(rows[0])
        padded = [np.concatenate([one, one[:1].repeat(AT_ONCE - there, axis=0)]) for one in rows]
        found.append(np.asarray(function(*padded))[:there])
    return np.concatenate(found)


class Measured:
    """Held-out pictures and a trained model."""

    def __init__(self, model: jp.AttributeModel, trained_part: Part, held: Part, *, seed: int, pictures: int):
        some = evenly(len(held), pictures)
        self.model, self.trained = model, trained_part
        self.truth = images.to_float(held.pixels[some])
        self.labels = held.labels.signed[some]
        self.wanted = others(held.labels.signed, self.labels, 0, seed=seed)
        self.random = np.asarray(jax.random.normal(jax.random.key(seed + 2), (len(some), model.code_length)))
        self.made = jax.jit(lambda model, z, labels: model.generate(z, labels))
        self.judged = jax.jit(lambda model, x: model.judge(x))
        self.coded = jax.jit(lambda model, x: model.code_encoder(x))

    def right(self, pictures: np.ndarray, labels: np.ndarray) -> float:
        """How often the judge reads these labels."""
        read = in_parts(lambda x: self.judged(self.model, x), pictures)
        return round(agreement(read, labels, exclusive=self.model.exclusive), 4)

    def generate(self, z: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Pictures of codes and labels."""
        return in_parts(lambda z, y: self.made(self.model, z, y), z, labels)

    def figures(self, rebuilt: np.ndarray, changed: np.ndarray, seconds: float) -> dict[str, Any]:
        """A row of the table, of the first pictures."""
        count = len(rebuilt)
        truth, wanted = self.truth[:count], self.wanted[:count]
        return {
            "pictures": count,
            "mse": round(float(np.mean(np.square(rebuilt - truth))), 5),
            "rebuilt_read": self.right(rebuilt, self.labels[:count]),
            "changed_read": self.right(changed, wanted),
            "slant": correlation(slants(truth), slants(changed)),
            "thickness": correlation(thicknesses(truth), thicknesses(changed)),
            "slant_rebuilt": correlation(slants(truth), slants(rebuilt)),
            "thickness_rebuilt": correlation(thicknesses(truth), thicknesses(rebuilt)),
            "seconds": round(seconds / count, 5),
        }

    def of_codes(self, z: np.ndarray, seconds: float) -> tuple[dict[str, Any], np.ndarray, np.ndarray]:
        """Figures of codes, with the rebuilt and the changed pictures."""
        count = len(z)
        rebuilt, changed = self.generate(z, self.labels[:count]), self.generate(z, self.wanted[:count])
        return self.figures(rebuilt, changed, seconds), rebuilt, changed

    def encoded(self, count: int) -> np.ndarray:
        """The encoder's codes of the first pictures."""
        return in_parts(lambda x: self.coded(self.model, x), self.truth[:count])

    def searched(self, z: np.ndarray, steps: int) -> tuple[np.ndarray, float]:
        """Codes after so many steps of the engine from these, the label held; and seconds, compiling left out."""
        names = len(self.model.names)
        truth, codes = self.truth[: len(z)], np.asarray(self.model.codes(z, self.labels[: len(z)]))

        def invert(count: int, steps: int) -> np.ndarray:
            result = jp.invert(
                self.model.prior, truth[:count], key=jax.random.key(0), codes=jp.HeldCode(held=names),
                objective=jp.Objective(pixel="l2"), solve=jp.Solve(steps=steps, learning_rate=LEARNING_RATE),
                start=jp.GivenStart({"z": codes[:count]}),
            )  # fmt: skip
            return np.asarray(result.latents["z"])

        invert(min(len(z), 8), steps)  # compiles
        began = time.monotonic()
        found = invert(len(z), steps)
        return found[:, :-names], time.monotonic() - began

    def nearest(self) -> tuple[np.ndarray, np.ndarray]:
        """For each picture the nearest training picture of its own class, and of the wanted one."""
        pixels = images.to_float(self.trained.pixels)
        flat, labels = pixels.reshape(len(pixels), -1), self.trained.labels.signed
        squares = np.square(flat).sum(axis=1)

        def of(wanted: np.ndarray) -> np.ndarray:
            found = []
            for one, label in zip(self.truth.reshape(len(self.truth), -1), wanted, strict=True):
                distance = squares - 2 * flat @ one
                distance[~(labels == label).all(axis=1)] = np.inf
                found.append(int(distance.argmin()))
            return pixels[found]

        return of(self.labels), of(self.wanted)


def measure(options: argparse.Namespace, run: Path, end: float) -> dict[str, Any]:
    """All rows, those that are there read again. Raises TimeOverError where the time ends between two."""
    settings = json.loads((run / "run.json").read_text())["configuration"]
    model = jp.load_attribute_model(run)
    side, _, channels = model.image_shape
    pictures = load_labelled(
        options.data, labels=options.labels, resolution=side, channels=channels, limit=options.limit
    )
    part, held = trained_and_held(pictures, settings["held_out"], seed=settings["seed"])
    of = Measured(model, part, held, seed=settings["seed"], pictures=options.pictures)
    few = min(options.searched, len(of.truth))

    def encoder() -> tuple[dict, np.ndarray, np.ndarray]:
        of.encoded(AT_ONCE)  # compiles
        began = time.monotonic()
        z = of.encoded(len(of.truth))
        return of.of_codes(z, time.monotonic() - began)

    def nearest() -> tuple[dict, np.ndarray, np.ndarray]:
        began = time.monotonic()
        own, wanted = of.nearest()
        return of.figures(own, wanted, (time.monotonic() - began) / 2), own, wanted

    arms: dict[str, Callable[[], tuple[dict, np.ndarray, np.ndarray]]] = {
        "encoder": encoder,
        "random": lambda: of.of_codes(of.random, 0.0),
        "nearest": nearest,
        "encoder, first": lambda: of.of_codes(of.encoded(few), 0.0),
        f"encoder + {options.steps // 10}": lambda: of.of_codes(*of.searched(of.encoded(few), options.steps // 10)),
        f"encoder + {options.steps}": lambda: of.of_codes(*of.searched(of.encoded(few), options.steps)),
        f"search, {options.steps // 10}": lambda: of.of_codes(*of.searched(of.random[:few], options.steps // 10)),
        f"search, {options.steps}": lambda: of.of_codes(*of.searched(of.random[:few], options.steps)),
    }
    read_labels = jax.jit(lambda model, x: model.label_encoder(x))
    labels = in_parts(lambda x: read_labels(model, x), of.truth)
    real = {
        "judge": of.right(of.truth, of.labels),
        "label_encoder": round(agreement(labels, of.labels, exclusive=model.exclusive), 4),
        "generated": of.right(of.generate(of.random, of.labels), of.labels),
    }
    rows, shown = {}, [of.truth[:SHOWN]]
    for name, arm in arms.items():
        kept = options.runs / "rows" / f"{name.replace(' ', '').replace(',', '-')}.npz"
        if not kept.is_file():
            if time.monotonic() > end:
                raise TimeOverError
            row, rebuilt, changed = arm()
            kept.parent.mkdir(parents=True, exist_ok=True)
            np.savez(kept, row=json.dumps(row), rebuilt=rebuilt[:SHOWN], changed=changed[:SHOWN])
        with np.load(kept) as arrays:
            rows[name] = json.loads(str(arrays["row"]))
            shown += [arrays["rebuilt"], arrays["changed"]]
        print(f"{name}: {rows[name]}", flush=True)
    tiles = np.concatenate([one[: min(map(len, shown))] for one in shown])
    page = images.grid(images.to_rgb(images.to_uint8(tiles)), columns=min(map(len, shown)))
    images.save_png(options.out.with_suffix(".png"), page)
    return {"real": real, "rows": rows}


def table(results: dict[str, Any]) -> str:
    """The results as markdown."""
    titles = ("codes", "pictures", "MSE", "rebuilt read", "changed read", "slant kept", "thickness kept", "s a picture")
    keys = ("pictures", "mse", "rebuilt_read", "changed_read", "slant", "thickness", "seconds")
    lines = [f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
    lines += [f"| {name} | {' | '.join(str(row[key]) for key in keys)} |" for name, row in results["rows"].items()]
    return "\n".join([json.dumps(results["real"]), "", *lines]) + "\n"


def main() -> None:
    """Train, measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--labels", type=Path)
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pictures", type=int, default=1000)
    parser.add_argument("--searched", type=int, default=64)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--limit", type=int, help="use only so many pictures, for training and measuring")
    parser.add_argument("--minutes", type=float)
    parser.add_argument("training", nargs="*", help="options of the training, behind --")
    options = parser.parse_args()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    end = end_of(options.minutes)
    given = ["--data", options.data]
    given += ["--labels", options.labels] if options.labels else []
    given += ["--limit", options.limit] if options.limit else []
    try:
        run = trained(options.runs / "model", ["icgan", *given, *options.training], end=end)
        results = measure(options, run, end)
    except TimeOverError:
        print("the time is over; the same command goes on")
        return
    print(table(results))
    save(options.out, {**record("icgan"), **results})
    options.out.with_suffix(".md").write_text(table(results))


if __name__ == "__main__":
    plainly(main)
