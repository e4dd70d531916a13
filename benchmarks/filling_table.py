"""Networks that fill holes at once, beside simple methods and a prior's inversion, on the same holes.

On cats, four trainings that differ in the critic's heads, and the context encoder of the seed's table:

    python benchmarks/filling_table.py --data cats64=cats64_dev.zip@64 --masks center:0.25,block:0.25 --limit 64 \
        --train-data cats64_train.zip --networks runs/fillers --prior "prior with its encoder=cats64" \
        --perceptual lpips-squeeze --out benchmarks/results/filling-cats64.json [--minutes 30]

On photographs, whole and as squares of 128 pixels from their middle:

    python benchmarks/filling_table.py --data bsds500=bsds500_dev.zip --data crops=bsds500_dev.zip@128 \
        --masks strokes:0.15,block:0.05 --restorer network=runs/filler --perceptual lpips-squeeze --out filling.json

"@64" fits pictures to their middle square of 64 pixels; without it they are taken whole. Every picture's mask depends
on its own pixels alone, so that all ways fill the same holes; on 64-pixel cats these are the holes of the other tables
of the documents. A way that takes only some sizes or masks is left out of the others. Networks that are to be trained
are trained first, each by `jaxprior train` in a folder of --networks.

The table has means over the pictures of PSNR, SSIM, perceptual distance and gradient energy in the hole, known pixels
put back; the last is a share of the original's. Seconds are medians, which the compiler's time does not touch where
pictures have few sizes. Each way is compared picture by picture with biharmonic interpolation: median of the
difference, a bootstrap interval of 95 %, and on how many pictures it is better.

Rows are kept beside --out (NAME.rows.jsonl), so that the same command goes on after an end (--minutes, Ctrl-C). Prints
tables; writes JSON, tables (.md) and a page of close-ups for each set and mask. Asserts nothing.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
from fillers import Filler, add_filler_options, fillers_of
from measuring import plainly, record, save
from picture_rows import PictureRows, key_of
from pieces import TimeOverError, end_of
from restored_tables import close_ups, markdown, summary
from restoring import MASKS_KEY, named

import jaxprior as jp
from jaxprior.data import images
from jaxprior.errors import SettingsError
from jaxprior.evaluation.scores import score


BASE = "biharmonic"
NAMES = ("psnr_hole", "ssim_hole", "perceptual_hole", "gradient_energy_hole", "psnr_merged", "perceptual", "seconds")
PAIRED = ("psnr_hole", "ssim_hole", "perceptual_hole", "gradient_energy_hole")
MEASURES = ("gradient-energy",)
HOLE = np.array([255, 0, 255], np.uint8)
"""The colour in which holes are shown."""


class Set:
    """Pictures of a folder or an archive under a name.

    Arguments:
        name: in tables.
        where: the folder or archive, and "@SIZE" behind it where pictures are fitted to a square.
        limit: the number of pictures, or None for all.
    """

    def __init__(self, name: str, where: str, limit: int | None):
        path, at, size = where.rpartition("@") if where.rpartition("@")[2].isdecimal() else (where, "", "")
        self.name, self.size = name, int(size) if at else None
        self.sources = images.list_images([Path(path)])[:limit]
        self.identity = [Path(path).name, self.size]

    def picture(self, index: int) -> np.ndarray:
        """A picture, uint8 [h, w, 3]."""
        pixels = images.load_image(self.sources[index])
        return pixels if self.size is None else images.fit(pixels, self.size)


def mask_of(spec: str, pixels: np.ndarray) -> np.ndarray:
    """The mask of a picture, float32 [h, w], seeded by its pixels as in the other benchmarks."""
    height, width = pixels.shape[:2]
    key = jax.random.fold_in(jax.random.key(MASKS_KEY), images.pixels_id(pixels))
    return jp.parse_mask(spec).draw(height if height == width else (height, width), key)


class Comparison:
    """What the fillers make of the sets' holes, kept row by row.

    Arguments:
        options: of the command; end: value of `time.monotonic` at which no further picture is begun.
    """

    def __init__(self, options: argparse.Namespace, end: float):
        self.options, self.end = options, end
        self.rows = PictureRows(options.out.with_suffix(".rows.jsonl"))
        self.network = None if options.perceptual == "none" else jp.load_features(options.perceptual)
        self.shown = options.out.with_suffix("")

    def key(self, of: Set, filler: Filler) -> str:
        """Under which the rows of a filler and a set lie."""
        network = None if self.network is None else self.network.card["sha256"]
        return key_of(of.identity, filler.name, filler.identity(), network)

    def fill(self, of: Set, mask: str, filler: Filler) -> None:
        """Let a way fill the pictures that it has not filled yet.

        Raises:
            TimeOverError: the time was over before.
        """
        if not filler.suits(mask, of.picture(0).shape[:2]):
            return
        if time.monotonic() > self.end:
            raise TimeOverError
        function = filler.make()
        key = self.key(of, filler)
        lacking = self.rows.lacking(self._task(of, mask), key, range(len(of.sources)))
        began = time.monotonic()
        for index in lacking:
            if time.monotonic() > self.end:
                raise TimeOverError
            pixels = of.picture(index)
            if not filler.suits(mask, pixels.shape[:2]):
                raise SettingsError(f"{of.name}: {of.sources[index].name} has another size than the first picture.")
            hole, photo = mask_of(mask, pixels)[None], images.to_float(pixels)[None]
            before = time.perf_counter()
            made = np.asarray(function(photo, hole, np.array([images.pixels_id(pixels)], np.uint32)), np.float32)
            seconds = time.perf_counter() - before
            found = score(
                jp.Inpaint(hole), made, made, np.where(hole[..., None] > 0, 0, photo), photo, hole,
                network=self._network(pixels), measures=MEASURES,
            )[0]  # fmt: skip
            figures = {name: np.array([value]) for name, value in {**found, "seconds": seconds}.items()}
            if index < self.options.shown:
                images.save_png(self._shown(of, mask, filler.name, index), images.to_uint8(made[0]))
            self.rows.add(self._task(of, mask), filler.name, key, [index], figures)
        if lacking:
            each = (time.monotonic() - began) / len(lacking)
            print(f"{of.name}, {mask}, {filler.name}: {len(lacking)} pictures, {each:.2f} s each", flush=True)

    def figures(self, of: Set, mask: str, fillers: Sequence[Filler]) -> dict[str, dict[str, np.ndarray]]:
        """The figures of the ways that filled all pictures."""
        found = {}
        for filler in fillers:
            values = self.rows.figures(self._task(of, mask), self.key(of, filler), range(len(of.sources)))
            if values is not None:
                found[filler.name] = values
        return found

    def page(self, of: Set, mask: str, names: Sequence[str]) -> np.ndarray:
        """Close-ups of holes of the first pictures."""
        rows, places = [], []
        for index in range(min(self.options.shown, len(of.sources))):
            pixels = of.picture(index)
            missing = mask_of(mask, pixels) > 0
            files = {name: self._shown(of, mask, name, index) for name in names}
            made = {name: images.load_image(file) for name, file in files.items() if file.is_file()}
            hole = np.where(missing[..., None], HOLE, pixels)
            rows.append({"hole": hole, **made, "original": pixels})
            places.append(np.where(missing[..., None], pixels, 0))
        return close_ups(rows, busy=places, side=self.options.crop)

    def _network(self, pixels: np.ndarray) -> Any:
        return None if self.network is None or self.network.refuses(pixels.shape) else self.network

    def _task(self, of: Set, mask: str) -> str:
        return f"{of.name} {mask}"

    def _shown(self, of: Set, mask: str, name: str, index: int) -> Path:
        place = self.shown / f"{of.name}_{mask.replace(':', '-')}"
        place.mkdir(parents=True, exist_ok=True)
        return place / f"{name.replace(' ', '-')}_{index}.png"


def main() -> None:
    """Train, fill and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    again = {"type": named, "action": "append", "default": []}
    parser.add_argument("--data", **again | {"required": True}, metavar="NAME=DIR|ZIP[@SIZE]", help="repeat it")
    parser.add_argument("--masks", default="center:0.25,block:0.25", metavar="MASK,MASK", help="what is missing")
    add_filler_options(parser)
    parser.add_argument("--limit", type=int, metavar="N", help="the first pictures of each set, all by default")
    parser.add_argument("--perceptual", default="none", metavar="NAME|FILE|none", help="feature network (none)")
    parser.add_argument("--shown", type=int, default=4, metavar="N", help="pictures in close-ups (4)")
    parser.add_argument("--crop", type=int, default=96, metavar="N", help="pixels of a side of a close-up (96)")
    parser.add_argument("--minutes", type=float, metavar="M", help="after which no further picture is begun")
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write; the rows lie beside it")
    options = parser.parse_args()
    if options.train_data is not None and options.networks is None:
        parser.error("--train-data wants --networks, the folder where the trainings lie")
    end, whole = end_of(options.minutes), True
    sets = [Set(name, where, options.limit) for name, where in options.data]
    masks, fillers = options.masks.split(","), fillers_of(options, end)
    comparison, ready = Comparison(options, end), []
    try:
        for filler in fillers:
            for of in sets:
                for mask in masks:
                    comparison.fill(of, mask, filler)
            ready.append(filler)
    except TimeOverError:
        whole = False
        print("Ended before everything was done; the same command goes on.", flush=True)
    results, parts, weights = {}, [], {one.name: one.identity() for one in ready}
    for of in sets:
        for mask in masks:
            figures = comparison.figures(of, mask, [one for one in ready if one.suits(mask, of.picture(0).shape[:2])])
            if not figures:
                continue
            rows = summary(figures, base=BASE, names=NAMES, paired=PAIRED)
            results.setdefault(of.name, {})[mask] = rows
            table = markdown(rows, base=BASE, names=NAMES, paired=PAIRED)
            parts.append(f"{of.name}, {len(of.sources)} pictures, {mask}\n\n{table}\n")
            page = comparison.page(of, mask, list(figures))
            images.save_png(options.out.with_name(f"{options.out.stem}-{of.name}-{mask.replace(':', '-')}.png"), page)
    stated = {"perceptual": options.perceptual, "complete": whole, "against": BASE, "weights": weights}
    save(options.out, {**record("filling_table"), **stated, "results": results})
    options.out.with_suffix(".md").write_text("\n".join(parts))
    print("\n".join(parts))


if __name__ == "__main__":
    plainly(main)
