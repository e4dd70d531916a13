"""What SinGAN's parts do, one left out or changed at a time: the experiments 5.1 to 5.5 of seed 002 on one sheet.

    python benchmarks/singan_ablations.py --picture balloons.png --runs DIR --out benchmarks/results/NAME.json

    recipe                    preset "seed002" with --scales, 32 channels at every scale
    fewer and more scales     half and one and a half times as many (5.1)
    start scale n             samples of the recipe's model whose scales below n are the picture's (5.2); no training
    no norm                   neither in generators nor in critics (5.3)
    no inheritance            every scale starts from random weights (5.4)
    64, 128 channels          at every scale (5.5)

Same picture, seed and steps for all. DIR gets a run folder an arm, as `jaxprior singan train` makes it: the same
command goes on where it was stopped, and trains only what is missing. Beside NAME.json comes the sheet, NAME.png:
picture, reconstruction and samples of every arm. Patch distances (`jaxprior.metrics.patch_frechet`) come with
--features.
"""

import argparse
import dataclasses
from pathlib import Path

import jax
import numpy as np
from measuring import in_time, record, save
from PIL import Image, ImageDraw, ImageFont

from jaxprior import metrics
from jaxprior.data import images
from jaxprior.models.singan import SinGan, draw, load_singan, reconstruct
from jaxprior.models.singan.config import PRESETS, SinganRecipe
from jaxprior.models.singan.planning import scales_of
from jaxprior.models.singan.train import plan
from jaxprior.system import runtime
from jaxprior.training import session
from jaxprior.training.pictures import Pictures
from jaxprior.weights.features import load_early_features


RECIPE = "recipe"
SAMPLES, SHOWN = 16, 5
WIDTH, LABEL, PAD = 150, 250, 4
"""Pixels of a picture on the sheet, of its labels, and between pictures."""


def arms(scales: int) -> dict[str, dict]:
    """What every arm changes in the recipe."""
    fewer, more = max(scales // 2, 2), scales + scales // 2
    return {
        RECIPE: {}, f"{fewer} scales": {"num_scales": fewer}, f"{more} scales": {"num_scales": more},
        "no norm": {"norm": "none", "critic_norm": "none"}, "no inheritance": {"inherit": "never"},
        "64 channels": {"width": 64}, "128 channels": {"width": 128},
    }  # fmt: skip


def train(recipe: SinganRecipe, pixels: np.ndarray, folder: Path, source: str) -> SinGan:
    """The model of an arm: trained, or trained on, or only read."""
    session.run(plan(recipe, Pictures(pixels[None])), folder, source=source)
    return load_singan(folder)


def measure(model: SinGan, *, start_scale: int, network) -> tuple[dict, list[np.ndarray]]:
    """(figures, what a row of the sheet shows) of a model's samples from a start scale."""
    samples = np.asarray(draw(model, jax.random.key(1), count=SAMPLES, start_scale=start_scale))
    remade = np.asarray(reconstruct(model)[-1])
    figures = {
        "sizes": [f"{w}x{h}" for h, w in model.sizes],
        "start_scale": start_scale,
        "reconstruction": round(float(metrics.rmse(remade, np.asarray(model.image)[None])[0]), 3),
        "diversity": round(float(metrics.diversity(samples, model.image)), 4),
    }
    if network is not None:
        distances = metrics.patch_frechet(network, np.asarray(model.image), samples)
        figures["patch_frechet"] = {"mean": float(f"{distances.mean():.5g}"), "sd": float(f"{distances.std():.3g}")}
    return figures, [np.asarray(model.image), remade[0], *samples[:SHOWN]]


def sheet(rows: dict[str, list[np.ndarray]], results: dict[str, dict]) -> np.ndarray:
    """All arms on one picture, a labelled row each."""
    height = max(round(WIDTH * row[0].shape[0] / row[0].shape[1]) for row in rows.values())
    columns = ["the picture", "reconstruction", *(f"sample {i}" for i in range(SHOWN))]
    head = 24
    size = (LABEL + len(columns) * (WIDTH + PAD), head + len(rows) * (height + PAD))
    page = Image.new("RGB", size, "white")
    pen, large, small = ImageDraw.Draw(page), ImageFont.load_default(16), ImageFont.load_default(12)
    for place, name in enumerate(columns):
        pen.text((LABEL + place * (WIDTH + PAD), 5), name, fill="black", font=small)
    for place, (name, row) in enumerate(rows.items()):
        top = head + place * (height + PAD)
        pen.text((8, top + 4), name, fill="black", font=large)
        pen.text((8, top + 28), _caption(results[name]), fill=(90, 90, 90), font=small, spacing=3)
        for column, image in enumerate(row):
            picture = Image.fromarray(images.to_uint8(image)).resize((WIDTH, height), Image.Resampling.NEAREST)
            page.paste(picture, (LABEL + column * (WIDTH + PAD), top))
    return np.asarray(page)


def _caption(found: dict) -> str:
    distance = found.get("patch_frechet")
    lines = [
        f"reconstruction error {found['reconstruction']:.1f} of 255",
        f"diversity {found['diversity']:.2f}",
        f"patch distance {distance['mean']:,.0f}" if distance else "",
        f"{found['minutes']:.1f} min, {len(found['sizes'])} scales" if "minutes" in found else "no training of its own",
    ]
    return "\n".join(line for line in lines if line)


def table(results: dict[str, dict]) -> str:
    """The results as markdown."""
    lines = ["| arm | scales | training | reconstruction error | diversity | patch distance |", "|---" * 6 + "|"]
    for name, found in results.items():
        minutes = f"{found['minutes']:.1f} min" if "minutes" in found else ""
        distance = f"{found['patch_frechet']['mean']:,.0f}" if "patch_frechet" in found else ""
        cells = (name, str(len(found["sizes"])), minutes, f"{found['reconstruction']:.2f}", f"{found['diversity']:.3f}")
        lines.append(f"| {' | '.join((*cells, distance))} |")
    return "\n".join(lines)


def main() -> None:
    """Train what is missing, then measure and show all arms."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--picture", type=Path, required=True)
    parser.add_argument("--runs", type=Path, required=True, help="folder of the run folders")
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write; the sheet comes beside it")
    parser.add_argument("--max-size", type=int, default=250, help="pixels of the long side at the finest scale")
    parser.add_argument("--min-size", type=int, default=25, help="of the short side at the coarsest")
    parser.add_argument("--scales", type=int, help="of the recipe; by default its rule's choice")
    parser.add_argument("--steps", type=int, default=2000, help="at every scale")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", help="arms separated by commas, for example 'recipe,no norm'; all by default")
    parser.add_argument("--features", help="network of the patch distance: installed name or .safetensors file")
    parser.add_argument("--minutes", type=float, help="begin no arm after so many")
    options = parser.parse_args()
    runtime.enable_compilation_cache()
    base = dataclasses.replace(
        PRESETS["seed002"], max_size=options.max_size, min_size=options.min_size, num_scales=options.scales,
        steps=options.steps, seed=options.seed,
    )  # fmt: skip
    pixels = np.asarray(images.load_image(options.picture))
    changes = arms(len(scales_of(base, *pixels.shape[:2]).sizes))
    chosen = options.only.split(",") if options.only else list(changes)
    if unknown := [name for name in chosen if name not in changes]:
        parser.error(f"--only: {', '.join(unknown)} is none of: {', '.join(changes)}")
    network = None if options.features is None else load_early_features(options.features)
    about = {
        "picture": options.picture.name, "max_size": options.max_size, "min_size": options.min_size,
        "steps": options.steps, "seed": options.seed, "samples": SAMPLES,
        "features": None if network is None else network.label,
    }  # fmt: skip
    rows, results = {}, {}
    for name in in_time(chosen, options.minutes):
        recipe = dataclasses.replace(base, **changes[name])
        model = train(recipe, pixels, options.runs / name.replace(" ", "-"), options.picture.name)
        starts = range(len(model.sizes)) if name == RECIPE else (0,)
        for start in starts:
            found, row = measure(model, start_scale=start, network=network)
            title = f"start scale {start}" if start else name
            minutes = round(model.card["training"]["seconds"] / 60, 2)
            own = {} if start else {"minutes": minutes, "change": changes[name]}
            rows[title], results[title] = row, {**own, **found}
            print(f"{title:<16} {_caption(results[title])}".replace("\n", ", "), flush=True)
        save(options.out, {**record("singan_ablations"), **about, "results": results})
        images.save_png(options.out.with_suffix(".png"), sheet(rows, results))
    print(table(results))


if __name__ == "__main__":
    main()
