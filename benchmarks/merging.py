"""How results are best merged with the known pixels: fits the rule of a prior's card, measures it on other pictures.

    python benchmarks/merging.py --data PICTURES.zip --prior cats64 --test 300:364 --raw test.npz \
        --fit 256:280 --raw-fit fit.npz --card cats64.merge.json --out benchmarks/results/merging-cats64.json

The inversions are kept in the two .npz files (see `inpainted.py`); what these hold already is not computed again, and
with --minutes a run ends in time and is gone on with by the same command. Without --fit the rule is that of the card
of the prior, or of the encoder that its inversions begin with.

For each mask it reports medians over the pictures of PSNR and SSIM in the hole and of the whole merged picture, and the
mean difference across the hole's border as a multiple of the original's (1 = no seam), of

    mean fill     the hole filled with the mean of the known pixels
    biharmonic    scikit-image's biharmonic inpainting
    paste         the generator's pixels as they are
    harmonic      the same plus the membrane over the differences at the border (the rule with w = 1 and s = 0)
    rule          `merge="harmonic"`: the weights s and w by the thickness of the hole

and the paired difference of the hole's PSNR to biharmonic with a bootstrap interval of 95 %. Prints a table, writes
JSON; asserts nothing.
"""

import argparse
from pathlib import Path
from typing import Any

import jax
import numpy as np
import scipy.optimize
from inpainted import MASKS, Inversions, Kept, invert, load
from measuring import record, save
from paired import compared
from restoring import pictures_of
from simple_methods import biharmonic, mean_fill

import jaxprior as jp
from jaxprior.restoration.merge_rule import FALLBACK, MergeRule, thickness
from jaxprior.restoration.merging import blend
from jaxprior.restoration.smooth_fill import biharmonic_fill, harmonic_fill


FIT_MASKS = ("center:0.25", "block:0.07", "block:0.02", "pixels:0.5", "scratch")
"""Of the pictures of the fit: holes of every thickness."""

EDGES = (0, 1.2, 2.2, 3.5, 6.5, 12, np.inf)
"""Of the classes of thickness, in pixels; each gets weights of its own."""

BEYOND = 4.0
"""Times the largest thickness of the fit, from where the biharmonic fill is not used any more."""


def fields(kept: Kept, spec: str) -> tuple[np.ndarray, ...]:
    """Originals, masks and raw pictures of a mask, in the order of their indices."""
    order = np.argsort(kept[f"{spec}/index"])
    truth, mask, raw = (np.stack(kept[f"{spec}/{field}"])[order] for field in ("truth", "mask", "raw"))
    return truth, mask, raw


def one_by_one(function: Any, *arrays: np.ndarray) -> np.ndarray:
    """Apply a function to picture after picture."""
    compiled = jax.jit(function)
    return np.stack([np.asarray(compiled(*one)) for one in zip(*arrays, strict=True)])


def fitted(kept: Kept) -> dict[str, list[float]]:
    """The card's table whose merged holes have the smallest error, each picture's relative to its membrane's.

    Arguments:
        kept: inversions of `FIT_MASKS`.
    """
    classes: list[list[tuple[np.ndarray, ...]]] = [[] for _ in EDGES[1:]]
    for spec in FIT_MASKS:
        truth, masks, raw = fields(kept, spec)
        membrane, plate = (one_by_one(fill, truth, masks) for fill in (harmonic_fill, biharmonic_fill))
        detail = raw - one_by_one(harmonic_fill, raw, masks)
        for i, thick in enumerate(map(thickness, masks)):
            for n, (least, most) in enumerate(zip(EDGES, EDGES[1:], strict=False)):
                chosen = (thick > least) & (thick <= most)
                if chosen.any():
                    left = (truth[i] - membrane[i])[chosen].ravel()
                    columns = np.stack([(plate[i] - membrane[i])[chosen].ravel(), detail[i][chosen].ravel()], axis=1)
                    scale = np.sqrt(left.size * max(np.mean(left**2), 1e-6) / chosen.sum() ** 0.5)
                    classes[n].append((columns / scale, left / scale, np.log(thick[chosen])))
    table: dict[str, list[float]] = {"thickness": [], "biharmonic": [], "prior": []}
    for some in filter(None, classes):
        columns, left, logs = (np.concatenate(parts) for parts in zip(*some, strict=True))
        plate, prior = scipy.optimize.lsq_linear(columns, left, bounds=(0, 1)).x
        row = (float(np.exp(logs.mean())), float(plate), float(prior))
        for name, value in zip(table, row, strict=True):
            table[name].append(round(value, 3))
    last = (BEYOND * table["thickness"][-1], 0.0, table["prior"][-1])
    return {name: [*values, value] for (name, values), value in zip(table.items(), last, strict=True)}


def merged(truth: np.ndarray, masks: np.ndarray, raw: np.ndarray, rule: MergeRule) -> dict[str, np.ndarray]:
    """The merged pictures of all arms, [b, h, w, c]."""
    plate, prior = np.stack([rule.weights(thickness(mask)) for mask in masks], axis=1)
    return {
        "mean fill": mean_fill(truth, masks),
        "biharmonic": biharmonic(truth, masks),
        "paste": np.where(masks[..., None] > 0, raw, truth),
        "harmonic": one_by_one(blend, truth, raw, masks, np.zeros_like(masks), masks),
        "rule": one_by_one(blend, truth, raw, masks, plate, prior),
    }


def across(pictures: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Mean difference between the pixels on the two sides of the holes' borders, [b]."""
    sums, counts = np.zeros(len(masks)), np.zeros(len(masks))
    for axis in (1, 2):
        border = np.diff(masks, axis=axis) != 0
        sums += (abs(np.diff(pictures, axis=axis)).mean(axis=-1) * border).sum(axis=(1, 2))
        counts += border.sum(axis=(1, 2))
    return sums / counts


def figures(arms: dict[str, np.ndarray], truth: np.ndarray, masks: np.ndarray) -> dict[str, dict[str, np.ndarray]]:
    """Per picture, of every arm."""
    return {
        name: {
            "psnr_hole": np.asarray(jp.metrics.psnr(pictures, truth, mask=masks)),
            "ssim_hole": np.asarray(jp.metrics.ssim(pictures, truth, mask=masks)),
            "psnr_merged": np.asarray(jp.metrics.psnr(pictures, truth)),
            "ssim_merged": np.asarray(jp.metrics.ssim(pictures, truth)),
            "seam": across(pictures, masks) / across(truth, masks),
        }
        for name, pictures in arms.items()
    }


def summary(found: dict[str, dict[str, np.ndarray]]) -> dict[str, dict]:
    """Medians, and the paired difference to biharmonic with its interval."""
    rows = {}
    for name, values in found.items():
        better = compared(values["psnr_hole"], found["biharmonic"]["psnr_hole"])
        rows[name] = {figure: round(float(np.median(v)), 4) for figure, v in values.items()}
        rows[name] |= {"gain_over_biharmonic": better["gain"], "interval": better["interval"], "wins": better["wins"]}
    return rows


def table(results: dict[str, dict]) -> str:
    """The results as markdown."""
    names = ("hole PSNR", "hole SSIM", "PSNR", "SSIM", "seam", "hole, paired to biharmonic")
    lines = [f"| mask | filled by | {' | '.join(names)} |", "|---" * 8 + "|"]
    for spec, rows in results.items():
        for name, row in rows.items():
            low, high = row["interval"]
            gain = "" if name == "biharmonic" else f"{row['gain_over_biharmonic']:+.2f} ({low:+.2f} to {high:+.2f}) dB"
            lines.append(
                f"| {spec} | {name} | {row['psnr_hole']:.2f} | {row['ssim_hole']:.3f} | {row['psnr_merged']:.2f} "
                f"| {row['ssim_merged']:.3f} | {row['seam']:.2f} | {gain} |"
            )
    return "\n".join(lines)


def inverted(options: argparse.Namespace, inversions: Inversions, pictures: range, masks: Any, path: Path) -> Kept:
    """What the file holds, completed by what it lacks."""
    invert(inversions, [(i, masks) for i in pictures], path, minutes=options.minutes)
    return load(path)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="held-out pictures: folder or zip")
    parser.add_argument("--prior", help="name, file or run (default: the best bundled)")
    parser.add_argument("--test", type=pictures_of, default=range(300, 364), metavar="FIRST:END")
    parser.add_argument("--raw", type=Path, required=True, help="where inversions are kept")
    parser.add_argument("--fit", type=pictures_of, metavar="FIRST:END", help="pictures of the fit, not of the test")
    parser.add_argument("--raw-fit", type=Path, help="where inversions of the fit are kept")
    parser.add_argument("--minutes", type=float, help="for new inversions of each of the two")
    parser.add_argument("--card", type=Path, help="JSON file to write: the entry of the card")
    parser.add_argument("--out", type=Path, help="JSON file to write")
    options = parser.parse_args()
    if options.fit is not None and options.raw_fit is None:
        parser.error("--fit: give --raw-fit too")
    inversions = Inversions(options.prior, options.data)
    card = inversions.prior.card
    values, fit = inversions.merge, 0
    if options.fit is not None:
        kept = inverted(options, inversions, options.fit, FIT_MASKS, options.raw_fit)
        values, fit = fitted(kept), len(kept[f"{FIT_MASKS[0]}/index"])
        print(f"fitted on {fit} pictures: {values}")
        save(options.card, {"merge": values})
    rule = MergeRule.of_card({} if values is None else {"merge": values})
    kept, results = inverted(options, inversions, options.test, MASKS, options.raw), {}
    for spec in MASKS:
        truth, masks, raw = fields(kept, spec)
        results[spec] = summary(figures(merged(truth, masks, raw, rule), truth, masks))
    print(table(results))
    save(
        options.out,
        {
            **record("merging"), "prior": card["name"], "sha256": card["sha256"], "data": options.data.name,
            "pictures": len(kept[f"{MASKS[0]}/index"]), "fitted_on": fit, "rule": values or FALLBACK,
            "results": results,
        },
    )  # fmt: skip


if __name__ == "__main__":
    main()
