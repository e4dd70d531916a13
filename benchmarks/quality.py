"""Restoration quality on held-out pictures: the prior beside an untrained one and beside simple baselines.

    python benchmarks/quality.py --data PICTURES.zip --prior cats32 --limit 64 --out benchmarks/results/NAME.json

For reconstruction (also cut short, "reconstruct@25" after 25 evaluations: with many, an untrained network explains any
picture too) and for inpainting at center:0.25 and block:0.25 it reports medians over the pictures of PSNR and
SSIM, whole and in the hole, of

    prior        the inversion, with the default settings of the prior's card
    untrained    the same inversion of the same architecture with random weights: what the structure alone explains
    mean fill    the hole filled with the mean of the known pixels
    biharmonic   scikit-image's biharmonic inpainting

and the paired median of (prior - other). Whole-picture figures of inpainting are of the picture merged with its known
pixels; hole figures are of the raw output. Prints a table, writes JSON; asserts nothing.
"""

import argparse
import dataclasses
import json
import time
from pathlib import Path

import jax
import numpy as np
from skimage.restoration import inpaint_biharmonic

import jaxprior as jp
from jaxprior.data import images
from jaxprior.system import files, provenance


TASKS = ("reconstruct", "reconstruct@25", "center:0.25", "block:0.25")


def load(data: Path, size: int, limit: int) -> tuple[np.ndarray, np.ndarray]:
    """The first `limit` pictures [b, size, size, 3] in [-1, 1] and their ids."""
    pixels = [images.fit(images.load_image(item), size) for item in images.list_images([data], limit=limit)]
    return images.to_float(np.stack(pixels)), np.array([images.pixels_id(p) for p in pixels], np.uint32)


def make_masks(spec: str, size: int, ids: np.ndarray, key: jax.Array) -> np.ndarray:
    """One mask per picture, seeded by its id."""
    mask = jp.parse_mask(spec)
    return np.stack([mask.draw(size, jax.random.fold_in(key, int(i))) for i in ids])


def make_task(spec: str, size: int, ids: np.ndarray) -> tuple[jp.Operator, np.ndarray | None]:
    """Operator and masks of "reconstruct" or of a mask such as "center:0.25"; the masks' chance is fixed."""
    if spec == "reconstruct":
        return jp.Identity(), None
    masks = make_masks(spec, size, ids, jax.random.key(1))
    return jp.Inpaint(masks), masks


def mean_fill(photos: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Known pixels kept, the hole filled with their mean colour."""
    known = 1 - masks[..., None]
    mean = (photos * known).sum(axis=(1, 2), keepdims=True) / known.sum(axis=(1, 2), keepdims=True)
    return np.where(masks[..., None] > 0, mean, photos).astype(np.float32)


def biharmonic(photos: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """scikit-image's biharmonic inpainting, picture by picture."""
    pairs = zip((photos + 1) / 2, masks > 0, strict=True)
    return np.stack([inpaint_biharmonic(p, m, channel_axis=-1) for p, m in pairs]).astype(np.float32) * 2 - 1


def figures(raw, merged, photos, masks) -> dict[str, np.ndarray]:
    """PSNR and SSIM per picture, whole and (with masks) in the hole."""
    found = {"psnr": jp.metrics.psnr(merged, photos), "ssim": jp.metrics.ssim(merged, photos)}
    if masks is not None:
        found["psnr_hole"] = jp.metrics.psnr(raw, photos, mask=masks)
        found["ssim_hole"] = jp.metrics.ssim(raw, photos, mask=masks)
    return {name: np.asarray(values) for name, values in found.items()}


def evaluate(prior: jp.Prior, control: jp.Prior, photos, ids, spec: str, batch: int) -> dict:
    """All arms of one task: {arm: {figure: values [b]}}."""
    key = jax.random.key(0)
    spec, _, steps = spec.partition("@")
    task, masks = make_task(spec, prior.resolution, ids)
    method = jp.preset("default", task, prior=prior)
    if steps:
        method = method._replace(solve=dataclasses.replace(method.solve, steps=int(steps)))
    arms = {}
    for name, which in (("prior", prior), ("untrained", control)):
        began = time.perf_counter()
        result = jp.restore(which, photos, task, key=key, ids=ids, batch_size=batch, **method._asdict())
        arms[name] = figures(result.images, result.merged, photos, masks)
        print(f"  {spec} {name}: {time.perf_counter() - began:.1f} s", flush=True)
    if masks is not None:
        for name, fill in (("mean fill", mean_fill), ("biharmonic", biharmonic)):
            filled = fill(photos, masks)
            arms[name] = figures(filled, filled, photos, masks)
    return arms


def summary(arms: dict) -> dict:
    """Medians of every arm, and paired medians of (prior - arm)."""
    rows = {}
    for name, values in arms.items():
        rows[name] = {figure: round(float(np.median(v)), 4) for figure, v in values.items()}
        rows[name] |= {
            f"gain_{figure}": round(float(np.median(arms["prior"][figure] - v)), 4) for figure, v in values.items()
        }
        figure = "psnr_hole" if "psnr_hole" in values else "psnr"
        rows[name]["wins"] = int((arms["prior"][figure] > values[figure]).sum())
    return rows


def table(results: dict) -> str:
    """The results as markdown."""
    lines = ["| task | method | PSNR | SSIM | PSNR hole | SSIM hole | paired gain of the prior |", "|---" * 7 + "|"]
    for task, found in results.items():
        for name, row in found["methods"].items():
            hole = "psnr_hole" if "psnr_hole" in row else "psnr"
            gain = "" if name == "prior" else f"{row['gain_' + hole]:+.2f} dB{' in the hole' if '_' in hole else ''}"
            cells = [f"{row['psnr']:.2f}", f"{row['ssim']:.3f}"]
            cells += [f"{row['psnr_hole']:.2f}", f"{row['ssim_hole']:.3f}"] if "psnr_hole" in row else ["", ""]
            lines.append(f"| {task} | {name} | {' | '.join(cells)} | {gain} |")
    return "\n".join(lines)


def earlier(path: Path | None, record: dict) -> dict:
    """Results of other tasks that the file already holds, if everything else about them is the same."""
    if path is None or not path.is_file():
        return {}
    held = json.loads(path.read_text())
    return held["results"] if all(held.get(name) == value for name, value in record.items()) else {}


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="held-out pictures: folder or zip")
    parser.add_argument("--prior", help="name, file or run (default: the best bundled)")
    parser.add_argument("--limit", type=int, default=64)
    parser.add_argument("--tasks", default=",".join(TASKS), help="results of the others are kept in --out")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--out", type=Path, help="JSON file to write")
    arguments = parser.parse_args()
    prior = jp.load_prior(arguments.prior)
    control = jp.untrained(prior, key=jax.random.key(2))
    photos, ids = load(arguments.data, prior.resolution, arguments.limit)
    record = {
        "schema": 1, "benchmark": "quality", "prior": prior.card["name"], "sha256": prior.card["sha256"],
        "pictures": len(photos), "data": arguments.data.name, "device": provenance.device_name(),
        "versions": provenance.versions(),
    }  # fmt: skip
    results = earlier(arguments.out, record)
    for spec in arguments.tasks.split(","):
        arms = summary(evaluate(prior, control, photos, ids, spec, arguments.batch_size))
        settings = prior.card["defaults"]["reconstruct" if spec.startswith("reconstruct") else "inpaint"]
        results[spec] = {"settings": settings, "methods": arms}
    print(table(results))
    if arguments.out:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        files.write_json(arguments.out, {**record, "results": results})


if __name__ == "__main__":
    main()
