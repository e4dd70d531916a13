"""Two experiments in small of a thesis (E. P. Kostakis, Image inpainting using generative adversarial networks).

    python benchmarks/thesis.py figure --data PICTURES.zip --out benchmarks/results/codes-and-layers-cats32
    python benchmarks/thesis.py tables --data PICTURES.zip --out benchmarks/results/attention-cats32

`figure` is the sweep behind its Fig. 6.1: codes x composing layers, for reconstruction and for the hole center:0.25,
medians over the pictures. `tables` has the shape of its Tables 6.1 to 6.4: the original multi-code inversion,
dot-product and scaled dot-product self-attention, the published form of self-attention ("non-local") and CBAM at the
composing layer, under rectangles of 12, 25 and 40 % of the area at random places, as in the thesis (`--masks`);
PSNR/SSIM of the whole picture as the generator gives it (nothing pasted), means as in the thesis, and in the hole the
median of the paired differences with a bootstrap interval of 95 %. Everything but the attention is the same: codes,
layer, optimiser, steps, chance.
"""

import argparse
import json
import time
from pathlib import Path

import jax
import numpy as np
from paired import compared, said
from restoring import load, make_task

import jaxprior as jp
from jaxprior.system import files, provenance


CODES, LAYERS = (1, 5, 10, 20, 30), (2, 4, 6, 8)
HOLES = "block:0.12,block:0.25,block:0.40"
MODULES = {
    "original": None,
    "self-attention, dot product": jp.SelfAttention(),
    "self-attention, scaled": jp.SelfAttention(scaled=True),
    "self-attention, non-local": jp.SelfAttention(pool=2, value_ratio=0.5, biases=False),
    "CBAM": jp.CBAM(),
    "CBAM, random start": jp.CBAM(start="random"),
}


def values(prior, photos, ids, spec: str, codes, solve) -> dict[str, np.ndarray]:
    """PSNR and SSIM of every picture, whole (raw) and in the hole."""
    task, masks = make_task(spec, prior.resolution, ids)
    settings = {"key": jax.random.key(0), "ids": ids, "codes": codes, "objective": jp.Objective(), "solve": solve}
    images = jp.restore(prior, photos, task, **settings).images
    found = {"psnr": jp.metrics.psnr(images, photos), "ssim": jp.metrics.ssim(images, photos)}
    if masks is not None:
        found["psnr_hole"] = jp.metrics.psnr(images, photos, mask=masks)
        found["ssim_hole"] = jp.metrics.ssim(images, photos, mask=masks)
    return {name: np.asarray(value) for name, value in found.items()}


def figure(prior, photos, ids, solve, record: dict, keep) -> dict:
    """Medians for every number of codes and layer; what `record` has is kept."""
    for spec, figure_name in (("reconstruct", "psnr"), ("center:0.25", "psnr_hole")):
        for layer in (layer for layer in LAYERS if layer <= prior.num_layers):
            for count in CODES:
                name = f"{spec}|{layer}|{count}"
                if name in record:
                    continue
                began = time.perf_counter()
                found = values(prior, photos, ids, spec, jp.MultiCode(num_codes=count, layer=layer), solve)
                record[name] = round(float(np.median(found[figure_name])), 3)
                print(f"{name}: {record[name]} dB, {time.perf_counter() - began:.0f} s", flush=True)
                keep(record)
    return record


def draw(record: dict, path: Path) -> None:
    """Two panels: reconstruction and hole, one line a layer."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    picture, axes = plt.subplots(1, 2, figsize=(10, 3.8))
    titles = {"reconstruct": "reconstruction, whole picture", "center:0.25": "center:0.25, in the hole"}
    for axis, spec in zip(axes, titles, strict=True):
        for layer in LAYERS:
            points = [(n, record[f"{spec}|{layer}|{n}"]) for n in CODES if f"{spec}|{layer}|{n}" in record]
            if points:
                axis.plot(*zip(*points, strict=True), marker="o", label=f"layer {layer} ({2 << (layer + 1) // 2} px)")
        axis.set(xlabel="latent codes N", ylabel="median PSNR, dB", title=titles[spec], xticks=CODES)
        axis.grid(alpha=0.3)
    axes[0].legend()
    picture.tight_layout()
    picture.savefig(path, dpi=110)


def tables(prior, photos, ids, solve, layer: int, masks: list[str], record: dict, keep) -> dict:
    """Every module under every hole, beside the original on the same pictures; what `record` has is kept."""
    for spec in masks:
        for name, attention in MODULES.items():
            if f"{spec}|{name}" in record:
                continue
            began = time.perf_counter()
            codes = jp.MultiCode(num_codes=20, layer=layer, attention=attention)
            found = values(prior, photos, ids, spec, codes, solve)
            record[f"{spec}|{name}"] = {figure: np.round(v, 4).tolist() for figure, v in found.items()}
            print(f"{spec} {name}: {np.mean(found['psnr']):.2f} dB, {time.perf_counter() - began:.0f} s", flush=True)
            keep(record)
    return record


def markdown(record: dict, masks: list[str]) -> str:
    """The thesis' table, and the paired differences in the hole."""
    beside = " | ".join(f"hole, {spec}: over the original [95 %], wins" for spec in masks)
    lines = [f"| method | {' | '.join(masks)} | {beside} |", "|---" * (1 + 2 * len(masks)) + "|"]
    for name in MODULES:
        cells, differences = [], []
        for spec in masks:
            mine, base = record[f"{spec}|{name}"], record[f"{spec}|original"]
            cells.append(f"{np.mean(mine['psnr']):.2f}/{np.mean(mine['ssim']):.3f}")
            found = compared(np.array(mine["psnr_hole"]), np.array(base["psnr_hole"]))
            differences.append("" if name == "original" else said(found))
        lines.append(f"| {name} | {' | '.join(cells)} | {' | '.join(differences)} |")
    return "\n".join(lines)


def main() -> None:
    """Run one of the experiments; a stopped one goes on."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=("figure", "tables"))
    parser.add_argument("--data", type=Path, required=True, help="held-out pictures: folder or zip")
    parser.add_argument("--prior", help="name, file or run (default: the best bundled)")
    parser.add_argument("--limit", type=int, default=32)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--optimizer", default="adam")
    parser.add_argument("--weight-rate", type=float, default=1.0, help="see jaxprior.Solve; 0.3 suits lbfgs")
    parser.add_argument("--layer", type=int, default=4, help="composing layer of the tables")
    parser.add_argument("--masks", default=HOLES, metavar="MASK,MASK", help=f"of the tables ({HOLES})")
    parser.add_argument("--out", type=Path, required=True, metavar="PREFIX")
    arguments = parser.parse_args()
    prior = jp.load_prior(arguments.prior)
    photos, ids = load(arguments.data, prior.resolution, arguments.limit)
    solve = jp.Solve(steps=arguments.steps, optimizer=arguments.optimizer, weight_rate=arguments.weight_rate)
    settings = {
        "schema": 1, "benchmark": f"thesis {arguments.part}", "prior": prior.card["name"],
        "sha256": prior.card["sha256"], "pictures": len(photos), "data": arguments.data.name, "steps": solve.steps,
        "optimizer": solve.optimizer, "learning_rate": solve.learning_rate, "weight_rate": solve.weight_rate,
        "layer": arguments.layer,
        "device": provenance.device_name(), "versions": provenance.versions(),
    }  # fmt: skip
    path = arguments.out.with_suffix(".json")
    path.parent.mkdir(parents=True, exist_ok=True)
    held = json.loads(path.read_text()) if path.is_file() else {}
    record = held.get("results", {}) if all(held.get(name) == value for name, value in settings.items()) else {}

    def keep(results: dict) -> None:
        files.write_json(path, {**settings, "results": results})

    if arguments.part == "figure":
        draw(figure(prior, photos, ids, solve, record, keep), arguments.out.with_suffix(".png"))
    else:
        masks = arguments.masks.split(",")
        print(markdown(tables(prior, photos, ids, solve, arguments.layer, masks, record, keep), masks))


if __name__ == "__main__":
    main()
