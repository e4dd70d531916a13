"""A sheet of holes for the documents: the hole, biharmonic interpolation, before, now, and the original.

    python benchmarks/sheet.py --data cats64_dev.zip --prior cats64 --pictures 0:10 --task center:0.25 \
        --columns "biharmonic;multi-code;default" --titles "biharmonic;before;now" --out docs/holes.png

Shown are the first ten pictures in the order of their names, without a choice. The columns are arms of
`hybrid_arms.py`, or arms that --arm NAME=JSON adds; every restored picture is the merged one, which a user gets.
"""

import argparse
from pathlib import Path

import numpy as np
from answers import Pictures
from hybrid_arms import ARMS, ArmMaker, add_arm_options, chosen_arms
from restoring import pictures_of

from jaxprior.data import images, sheets


BESIDE = 2
"""Pictures in a row of the sheet."""


def page(columns: dict[str, np.ndarray], *, beside: int) -> np.ndarray:
    """The sheet as one picture: titles over the first row, and a white column between the pictures of a row.

    Arguments:
        columns: pictures [b, h, w, 3] in [-1, 1] by their titles.
        beside: pictures in a row.
    """
    count, (h, w) = len(next(iter(columns.values()))), next(iter(columns.values())).shape[1:3]
    parts = []
    for first in range(0, count, beside):
        row = []
        for place in range(first, first + beside):
            for title, pictures in columns.items():
                shown = images.to_uint8(pictures[place]) if place < count else np.full((h, w, 3), 255, np.uint8)
                row.append((title if first == 0 else "", shown))
        parts.append(sheets.captioned_grid(row, columns=len(row)))
        if first:
            parts[-1] = parts[-1][sheets.LINE + sheets.PAD :]
    return np.concatenate(parts)


def main() -> None:
    """Restore and show."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="held-out pictures: folder or zip")
    parser.add_argument("--prior", help="name, file or run (default: the best bundled)")
    add_arm_options(parser)
    parser.add_argument("--pictures", type=pictures_of, default=range(10), metavar="FIRST:END")
    parser.add_argument("--task", default="center:0.25")
    parser.add_argument("--columns", default="biharmonic;multi-code;default", help="names of arms, with semicolons")
    parser.add_argument("--titles", help="of these columns, with semicolons; their names by default")
    parser.add_argument("--out", type=Path, required=True, help="PNG file to write")
    options = parser.parse_args()
    arms, names = ArmMaker(options), [name.strip() for name in options.columns.split(";")]
    titles = names if options.titles is None else [title.strip() for title in options.titles.split(";")]
    known = {**ARMS, **chosen_arms("biharmonic", options.arm)}
    damaged = Pictures(options.data, arms.prior.resolution).damaged(options.task, options.pictures)
    missing = damaged.masks[..., None] > 0
    columns = {"hole": np.where(missing, 0, damaged.photos)}
    for name, title in zip(names, titles, strict=True):
        columns[title] = arms.method(name, known[name], options.task)[0].answer(damaged).merged
    columns["original"] = damaged.photos
    options.out.parent.mkdir(parents=True, exist_ok=True)
    images.save_png(options.out, page(columns, beside=BESIDE))


if __name__ == "__main__":
    main()
