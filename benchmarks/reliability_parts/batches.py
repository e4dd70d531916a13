"""The same pictures in batches of 1, 7 and 16, with the bundled prior's default settings: how far results differ."""

import itertools
from pathlib import Path

import jax
import numpy as np
from restoring import figures, load, make_task

import jaxprior as jp
from reliability_parts.findings import Findings


SIZES, PICTURES = (1, 7, 16), 16
TASKS = ("center:0.25", "reconstruct")
MEAN, LARGEST = 0.01, 0.1


def run(data: Path, work: Path) -> Findings:
    """Both tasks."""
    found = Findings()
    prior = jp.load_prior("cats32")
    photos, ids = load(data, prior.resolution, PICTURES)
    for spec in TASKS:
        task, masks = make_task(spec, prior.resolution, ids)
        results = [jp.restore(prior, photos, task, key=jax.random.key(0), ids=ids, batch_size=size) for size in SIZES]
        scores = [figures(result.images, result.merged, photos, masks) for result in results]
        gaps = {
            name: [np.abs(a[name] - b[name]) for a, b in itertools.combinations(scores, 2)]
            for name in scores[0]
            if name.startswith("psnr")
        }
        for name, pairs in gaps.items():
            mean, largest = float(max(gap.mean() for gap in pairs)), float(max(gap.max() for gap in pairs))
            where = f"{spec} {name}, batches of {', '.join(map(str, SIZES))}"
            found.check(f"mean |dPSNR|, dB, {where}", round(mean, 4), f"at most {MEAN}", mean <= MEAN)
            found.check(f"largest |dPSNR|, dB, {where}", round(largest, 4), f"at most {LARGEST}", largest <= LARGEST)
        same = all(np.array_equal(a.images, b.images) for a, b in itertools.combinations(results, 2))
        found.figure(f"{spec}: equal to the bit", same)
    return found
