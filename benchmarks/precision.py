"""What lower precision costs in quality and brings in time: the same pictures restored in fp32, tf32 and bf16.

    python benchmarks/precision.py --data PICTURES.zip --limit 64 --out benchmarks/results/NAME.json

With the prior's default settings, for reconstruction, also cut short, and for a hole in the middle. Latents, optimiser,
norms and loss are float32 in all of them. Reported are medians and the paired median of the difference to fp32, in the
hole if there is one; a precision is worth having where that is within 0.1 dB. "fp32, other rounding" is fp32 with the
sums in another order (codes one at a time): differences of its size mean nothing.
"""

import argparse
import dataclasses
import time
from pathlib import Path

import jax
import numpy as np
from measuring import record, save
from restoring import figures, load, make_task

import jaxprior as jp
from jaxprior import operators
from jaxprior.restoration.drivers import Inverter, observe
from jaxprior.restoration.memory import MemoryPlan


TASKS = ("reconstruct", "reconstruct@25", "center:0.25")
WITHIN = 0.1
"""dB."""


def compare(prior: jp.Prior, photos, ids, spec: str, batch: int) -> dict:
    """One task with every precision."""
    spec, _, steps = spec.partition("@")
    task, masks = make_task(spec, prior.resolution, ids)
    method = jp.preset("default", task, prior=prior)
    if steps:
        method = method._replace(solve=dataclasses.replace(method.solve, steps=int(steps)))
    key, found = jax.random.key(0), {}
    observed = observe(task, photos, key=key, ids=ids)
    arms = {"fp32": ("fp32", MemoryPlan()), "fp32, other rounding": ("fp32", MemoryPlan(at_once=1))}
    if jax.default_backend() != "cpu":  # which computes tf32 as fp32
        arms["tf32"] = ("tf32", MemoryPlan())
    for name, (precision, memory_plan) in {**arms, "bf16": ("bf16", MemoryPlan())}.items():
        solve = dataclasses.replace(method.solve, precision=precision)
        inverter = Inverter(prior, method._replace(solve=solve)).with_memory_plan(memory_plan)
        seconds = []
        for some in (slice(0, inverter.placement.group(batch)), slice(None)):  # the first is compiled
            began = time.perf_counter()
            part = operators.take(task, np.arange(len(photos))[some])
            result = inverter.invert(observed[some], part, key=key, ids=ids[some], batch_size=batch)
            jax.block_until_ready(result.images)
            seconds.append(time.perf_counter() - began)
        values = figures(result.images, result.merged, photos, masks)
        found[name] = (values["psnr_hole" if masks is not None else "psnr"], seconds[-1] / len(photos))
    reference = found["fp32"][0]
    return {
        name: {
            "psnr": float(np.median(values)), "difference": float(np.median(values - reference)), "seconds": seconds,
            "largest_difference": float(np.max(np.abs(values - reference))),
        }
        for name, (values, seconds) in found.items()
    }  # fmt: skip


def main() -> None:
    """Compare on every task."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="held-out pictures: folder or zip")
    parser.add_argument("--prior", help="name, file or run (default: the best bundled)")
    parser.add_argument("--limit", type=int, default=64)
    parser.add_argument("--tasks", default=",".join(TASKS))
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--out", type=Path, help="JSON file to write")
    arguments = parser.parse_args()
    prior = jp.load_prior(arguments.prior)
    photos, ids = load(arguments.data, prior.resolution, arguments.limit)
    results = {}
    for spec in arguments.tasks.split(","):
        results[spec] = compare(prior, photos, ids, spec, arguments.batch_size)
        for name, one in results[spec].items():
            kept = "" if name == "fp32" else "within" if abs(one["difference"]) < WITHIN else "BEYOND"
            print(
                f"{spec:<16} {name:<22} {one['psnr']:6.2f} dB   {one['difference']:+.3f} dB {kept:<7}"
                f" (largest {one['largest_difference']:.2f})   {one['seconds']:.3f} s a picture",
                flush=True,
            )
        about = {"prior": prior.card["name"], "pictures": len(photos), "data": arguments.data.name}
        save(arguments.out, {**record("precision"), **about, "results": results})


if __name__ == "__main__":
    main()
