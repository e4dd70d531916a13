"""Completion by a GAN and an autoencoder (seed 001), beside everything simpler: the shape of the seed's Table 3.2.

    python benchmarks/completion.py --data DEV.zip --mask center:0.25 --prior LSGAN --refiner RUN --control RUN \
        --encoder RUN --out benchmarks/results/NAME.json

    mean fill, biharmonic     the hole from its surroundings, scikit-image's the latter
    context encoder           an autoencoder that sees the hole filled with the mean colour (--encoder)
    control                   the refiner's network, trained on as many pictures filled with the mean colour (--control)
    LSGAN                     clipped search of one code: preset "lsgan", with the options below
    LSGAN + autoencoder       the same, repaired by --refiner

Medians over the pictures: whole pictures with the known pixels put back, and the hole alone; beside them the paired
median of the gain over mean fill in the hole. The JSON keeps results of other masks, and the losses of the search,
which --figure draws (the seed's Figure 3.1).
"""

import argparse
import dataclasses
import json
import time
from pathlib import Path

import jax
import numpy as np
from measuring import record, save
from restoring import figures, load, make_task
from simple_methods import biharmonic, mean_fill

import jaxprior as jp


def complete(options: argparse.Namespace, photos, ids) -> tuple[dict, np.ndarray]:
    """All arms on one mask: ({arm: {figure: values [b]}}, losses of the search [b, steps + 1])."""
    prior = jp.load_prior(options.prior)
    task, masks = make_task(options.mask, prior.resolution, ids)
    filled = {"mean fill": mean_fill(photos, masks), "biharmonic": biharmonic(photos, masks)}
    for name, run in (("context encoder", options.encoder), ("control", options.control)):
        if run is not None:
            filled[name] = np.asarray(jp.load_refiner(run)(filled["mean fill"]))
    method = jp.preset("lsgan", task, prior=prior)
    solve = dataclasses.replace(
        method.solve, steps=options.steps, learning_rate=options.lr, schedule=options.schedule
    )
    began = time.perf_counter()
    method = method._replace(solve=solve, merge="paste")
    found = jp.restore(prior, photos, task, key=jax.random.key(0), ids=ids, **method._asdict())
    print(f"{options.mask}: searched {time.perf_counter() - began:.0f} s", flush=True)
    filled["LSGAN"] = np.asarray(found.images)
    if options.refiner is not None:
        filled["LSGAN + autoencoder"] = np.asarray(jp.load_refiner(options.refiner)(found.merged))
    missing = masks[..., None] > 0
    arms = {name: figures(x, np.where(missing, x, photos), photos, masks) for name, x in filled.items()}
    return arms, np.asarray(found.trace)


def summary(arms: dict) -> dict:
    """Medians, and paired medians of the gain over mean fill in the hole."""
    base = arms["mean fill"]["psnr_hole"]
    return {
        name: {
            **{figure: round(float(np.median(values)), 4) for figure, values in found.items()},
            "gain": round(float(np.median(found["psnr_hole"] - base)), 4),
            "wins": int((found["psnr_hole"] > base).sum()),
        }
        for name, found in arms.items()
    }


def table(results: dict) -> str:
    """The results as markdown."""
    lines = ["| missing | method | PSNR | SSIM | PSNR hole | SSIM hole | over mean fill |", "|---" * 7 + "|"]
    for mask, found in results.items():
        for name, row in found["methods"].items():
            cells = (f"{row['psnr']:.2f}", f"{row['ssim']:.3f}", f"{row['psnr_hole']:.2f}", f"{row['ssim_hole']:.3f}")
            lines.append(f"| {mask} | {name} | {' | '.join(cells)} | {row['gain']:+.2f} dB |")
    return "\n".join(lines)


def draw(results: dict, path: Path) -> None:
    """Losses of the search: median and middle half over the pictures."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axis = pyplot.subplots(figsize=(6, 4), layout="constrained")
    for mask, found in results.items():
        low, middle, high = (np.array(found["trace"][level]) for level in ("low", "median", "high"))
        line = axis.plot(middle, label=mask)[0]
        axis.fill_between(np.arange(len(middle)), low, high, color=line.get_color(), alpha=0.2, lw=0)
    axis.set(xlabel="iteration", ylabel="loss of a picture", title="clipped latent search", yscale="log")
    axis.legend()
    figure.savefig(path, dpi=100)


def main() -> None:
    """Compare on one mask."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="held-out pictures: folder or zip")
    parser.add_argument("--mask", required=True)
    parser.add_argument("--prior", required=True, help="run or file of an LSGAN")
    parser.add_argument("--refiner", help="run of an autoencoder trained on its completions")
    parser.add_argument("--control", help="run of one trained on as many mean-filled pictures")
    parser.add_argument("--encoder", help="run of a context encoder")
    parser.add_argument("--limit", type=int, default=64)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--lr", type=float, default=0.1)
    parser.add_argument("--schedule", default="cosine")
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    parser.add_argument("--figure", type=Path, help="PNG file of the losses to write")
    options = parser.parse_args()
    photos, ids = load(options.data, jp.load_prior(options.prior).resolution, options.limit)
    arms, trace = complete(options, photos, ids)
    levels = zip(("low", "median", "high"), np.quantile(trace, (0.25, 0.5, 0.75), axis=0), strict=True)
    results = json.loads(options.out.read_text())["results"] if options.out.is_file() else {}
    search = {name: getattr(options, name) for name in ("steps", "lr", "schedule")}
    results[options.mask] = {
        "methods": summary(arms), "search": search, "trace": {name: np.round(v, 2).tolist() for name, v in levels},
    }  # fmt: skip
    save(options.out, {**record("completion"), "pictures": len(photos), "data": options.data.name, "results": results})
    print(table(results))
    if options.figure is not None:
        draw(results, options.figure)


if __name__ == "__main__":
    main()
