"""The deep image prior beside the trained prior: holes of the same pictures, quality and time.

    nice python benchmarks/deep_image_prior.py --data cats64_dev.zip --limit 64 --out benchmarks/results/NAME.json
        [--mask center:0.25] [--steps 600] [--deepinv PYTHON] [--iterations 600]

Arms, all on the same pictures: biharmonic filling; the prior's default (an encoder's answer); the prior inverted with
its settings for no encoder; the deep image prior of the same size (`dip64` for cats64), once as its steps end and once
as the moving average of its pictures; with --deepinv, deepinv's DeepImagePrior with its own recommended network, by a
Python in which its user has installed it. A figure is the PSNR of the hole, of what each method makes there, nothing
merged; seconds are those of a picture, on the same cores one arm after the other.
"""

import argparse
import json
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import jax
import numpy as np
from measuring import hardware, plainly, record, save
from paired import compared, said
from simple_methods import biharmonic

import jaxprior as jp
from jaxprior.restoration.presets import make_method
from jaxprior.system.runtime import enable_compilation_cache


Found = tuple[np.ndarray, list[float], dict[str, Any]]
"""Pictures [b, h, w, 3], seconds of each, and what is said of the arm."""

FIRST = "biharmonic"


def inverted(prior: jp.Prior, photos: np.ndarray, task: jp.Inpaint, table: dict) -> Found:
    """Restore with a prior; compiled before the time is taken."""
    method = make_method(table, task, prior=prior)
    parts = {"codes": method.codes, "objective": method.objective, "solve": method.solve, "start": method.start}
    jp.restore(prior, photos[:1], task, key=jax.random.key(1), **parts)
    result = jp.restore(prior, photos, task, key=jax.random.key(0), **parts)
    return np.asarray(result.images), np.asarray(result.seconds).tolist(), {"evaluations": method.evaluations}


def filled(photos: np.ndarray, masks: np.ndarray) -> Found:
    """Biharmonic filling, picture by picture."""
    found, seconds = [], []
    for photo, mask in zip(photos, masks, strict=True):
        began = time.perf_counter()
        found.append(biharmonic(photo[None], mask[None])[0])
        seconds.append(time.perf_counter() - began)
    return np.stack(found), seconds, {}


def by_deepinv(python: str, photos: np.ndarray, mask: np.ndarray, iterations: int) -> Found:
    """deepinv's, in a process of its own."""
    script = Path(__file__).parent / "peers" / "deepinv_process.py"
    with tempfile.TemporaryDirectory() as folder:
        observed, holes, result = (Path(folder) / f"{name}.npy" for name in ("observed", "mask", "result"))
        np.save(observed, (photos + 1) / 2)
        np.save(holes, mask)
        words = [python, str(script), str(observed), str(holes), str(result), iterations, hardware()["cores"]]
        ended = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
        if ended.returncode:
            raise SystemExit(f"deepinv's process failed:\n{ended.stderr[-2000:]}")
        told = json.loads(ended.stdout.splitlines()[-1])
        seconds = told.pop("seconds")
        return np.load(result) * 2 - 1, seconds, {"evaluations": iterations, **told}


def main() -> None:
    """Measure every arm, write the figures, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="pictures that the prior was not trained on")
    parser.add_argument("--prior", default="cats64", help="trained prior")
    parser.add_argument("--mask", default="center:0.25", help="the hole")
    parser.add_argument("--limit", type=int, default=64, help="pictures")
    parser.add_argument("--steps", type=int, help="of the deep image prior; its own by default")
    parser.add_argument("--deepinv", metavar="PYTHON", help="a Python with deepinv")
    parser.add_argument("--iterations", type=int, default=600, help="of deepinv's")
    parser.add_argument("--out", type=Path, help="JSON file")
    options = parser.parse_args()
    enable_compilation_cache()
    prior = jp.load_prior(options.prior)
    name = f"dip{prior.resolution}"
    untrained = jp.deep_image_prior(*prior.image_shape[:2], name=name)
    photos = np.asarray(jp.load_images([options.data], size=prior.resolution))[: options.limit]
    mask = np.asarray(jp.parse_mask(options.mask).draw(prior.resolution))
    task, steps = jp.Inpaint(mask), {} if options.steps is None else {"steps": options.steps}
    without = {"encoder": "none"}
    arms = {
        FIRST: lambda: filled(photos, np.broadcast_to(mask, photos.shape[:3])),
        f"{options.prior}, default": lambda: inverted(prior, photos, task, {}),
        f"{options.prior}, inverted": lambda: inverted(prior, photos, task, without),
        f"{name}, last step": lambda: inverted(untrained, photos, task, {"codes": {"average": 0.0}, "solve": steps}),
        f"{name}, average": lambda: inverted(untrained, photos, task, {"solve": steps}),
    }
    if options.deepinv:
        arms["deepinv DIP"] = lambda: by_deepinv(options.deepinv, photos, mask, options.iterations)
    found: dict[str, Any] = {}
    print(f"| {len(photos)} pictures, {options.mask} | hole PSNR, dB | above {FIRST} | seconds |\n|---|---|---|---|")
    for arm, measured in arms.items():
        images, seconds, more = measured()
        psnr = np.asarray(jp.metrics.psnr(np.clip(images, -1, 1).astype(np.float32), photos, mask=mask)).tolist()
        against = None if arm == FIRST else compared(psnr, found[FIRST]["psnr_hole"])
        found[arm] = {"psnr_hole": psnr, "seconds": seconds, "against_first": against, **more}
        beside = "" if against is None else said(against)
        print(f"| {arm} | {np.mean(psnr):.2f} | {beside} | {np.median(seconds):.3g} |", flush=True)
        settings = {"data": options.data.name, "mask": options.mask, "prior": options.prior, "pictures": len(photos)}
        save(options.out, {**record("deep_image_prior"), **settings, "arms": found})


if __name__ == "__main__":
    plainly(main)
