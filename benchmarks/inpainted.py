"""Raw inversions of pictures under several masks, kept in a file, so that merging can be studied without inverting.

    python benchmarks/inpainted.py --data PICTURES.zip --prior cats64 --pictures 300:364 --keep raw.npz

The file holds "MASK/index", "MASK/truth", "MASK/mask", "MASK/raw" and "MASK/psnr_known" for every mask; what it holds
already is not computed again. It is saved after every picture, so that a run can be ended at any time and gone on with.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import scipy.ndimage
import skimage.draw
from restoring import pictures_of

import jaxprior as jp
from jaxprior.data import images
from jaxprior.restoration.drivers import Inverter
from jaxprior.restoration.encoder_settings import merge_card


MASKS = ("center:0.25", "block:0.25", "pixels:0.5", "scratch")
FIELDS = ("index", "truth", "mask", "raw", "psnr_known")
STROKES = 5
"""Of a scratched picture: random walks over a third to two thirds of its side, three pixels wide."""

Kept = dict[str, list[np.ndarray]]
"""The fields of every picture by "MASK/field"."""


def scratches(size: int, seed: int) -> np.ndarray:
    """A mask float32 [size, size] of random strokes three pixels wide, 1 = missing."""
    chance = np.random.default_rng([seed, 0x73637261])
    lines = np.zeros((size, size), bool)
    for _ in range(STROKES):
        at, angle = chance.uniform(0, size, 2), chance.uniform(0, 2 * np.pi)
        for _ in range(4):
            angle += chance.normal(0, 0.4)
            to = np.clip(at + chance.uniform(1, 2) / 12 * size * np.array([np.sin(angle), np.cos(angle)]), 0, size - 1)
            rows, columns = skimage.draw.line(*np.clip(np.round([*at, *to]), 0, size - 1).astype(int))
            lines[rows, columns], at = True, to
    return scipy.ndimage.binary_dilation(lines, np.ones((3, 3))).astype(np.float32)


def draw(spec: str, size: int, seed: int) -> np.ndarray:
    """The mask of one picture, seeded by its id."""
    if spec == "scratch":
        return scratches(size, seed)
    return jp.parse_mask(spec).draw(size, jax.random.fold_in(jax.random.key(1), seed))


def load(path: Path) -> Kept:
    """What a file holds; nothing if there is none."""
    if not path.is_file():
        return {}
    with np.load(path) as held:
        return {name: list(held[name]) for name in held.files}


def save(path: Path, kept: Kept) -> None:
    """Replace the file."""
    part = path.with_suffix(".part.npz")
    arrays: dict[str, Any] = {name: np.stack(values) for name, values in kept.items()}
    np.savez(part, **arrays)
    part.replace(path)


class Inversions:
    """A prior with its default inpainting, for one picture after the other.

    Arguments:
        source: of the prior.
        data: folder or archive of pictures.
    """

    def __init__(self, source: str | None, data: Path):
        self.prior = jp.load_prior(source)
        self.size = self.prior.resolution
        self.sources = images.list_images([data])
        method = jp.preset("default", jp.Inpaint(np.zeros((self.size, self.size))), prior=self.prior)
        self.inverter = Inverter(self.prior, method._replace(merge="paste"))
        self.merge = merge_card(self.prior.card, method.start).get("merge")

    def add(self, kept: Kept, index: int, specs: tuple[str, ...]) -> bool:
        """Add what is missing of one picture; False if nothing was."""
        specs = tuple(spec for spec in specs if index not in kept.get(f"{spec}/index", []))
        if not specs:
            return False
        pixels = images.fit(images.load_image(self.sources[index]), self.size)
        truth, seed = images.to_float(pixels), images.pixels_id(pixels)
        masks = np.stack([draw(spec, self.size, seed) for spec in specs])
        task, photos = jp.Inpaint(masks), np.stack([truth] * len(specs))
        ids = jnp.full(len(specs), seed, jnp.uint32)
        raw = np.asarray(self.inverter.invert(task.observe(photos), task, key=jax.random.key(0), ids=ids).images)
        known = np.asarray(jp.metrics.psnr(raw, photos, mask=1 - masks))
        for spec, *values in zip(specs, masks, raw, known, strict=True):
            for field, value in zip(FIELDS, (index, truth, *values), strict=True):
                kept.setdefault(f"{spec}/{field}", []).append(np.asarray(value))
        return True


def invert(
    inversions: Inversions, plan: list[tuple[int, tuple[str, ...]]], path: Path, *, minutes: float | None = None
) -> None:
    """Add the inversions of a plan, pairs of a picture and its masks, to a file, for at most so many minutes."""
    kept, began = load(path), time.monotonic()
    for done, (index, specs) in enumerate(plan, 1):
        if minutes is not None and time.monotonic() > began + 60 * minutes:
            print(f"stopped after {minutes:g} minutes with {done - 1} of {len(plan)} pictures", flush=True)
            return
        if inversions.add(kept, index, specs):
            save(path, kept)
            print(f"{done} of {len(plan)}: picture {index}, {(time.monotonic() - began) / 60:.1f} min", flush=True)


def main() -> None:
    """Invert."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--prior")
    parser.add_argument("--pictures", type=pictures_of, required=True, metavar="FIRST:END")
    parser.add_argument("--masks", default=",".join(MASKS))
    parser.add_argument("--keep", type=Path, required=True)
    parser.add_argument("--minutes", type=float)
    options = parser.parse_args()
    inversions = Inversions(options.prior, options.data)
    specs = tuple(options.masks.split(","))
    invert(inversions, [(i, specs) for i in options.pictures], options.keep, minutes=options.minutes)


if __name__ == "__main__":
    main()
