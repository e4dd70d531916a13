"""What an inversion costs as iterations, images, codes and devices grow, with a plot.

    python benchmarks/scaling.py --out benchmarks/results/NAME.json --plot benchmarks/results/NAME.png

The bundled prior, Adam; only solving is timed, after everything is compiled. Each series is fitted by a line; "share
explained" is its coefficient of determination. Devices are those of the machine, or on a CPU forced host devices, each
in a process of its own.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import jax
import numpy as np
from measuring import record, save

import jaxprior as jp
from jaxprior.restoration.drivers import Inverter
from jaxprior.restoration.presets import Method


SERIES = {
    "iterations": (25, 50, 100, 200),
    "images": (1, 2, 4, 8),
    "codes": (5, 10, 20, 40),
}
BASE = {"iterations": 50, "images": 2, "codes": 10}
LAYER, ROUNDS = 4, 3


def seconds(prior: jp.Prior, *, iterations: int, images: int, codes: int) -> float:
    """Wall time of an inversion, the median of some, compiled before."""
    method = Method(
        jp.MultiCode(num_codes=codes, layer=LAYER), jp.Objective(), jp.Solve(steps=iterations, optimizer="adam")
    )
    devices = jax.local_devices()
    inverter = Inverter(prior, method, devices=devices)
    photos = np.asarray(prior.generate(jax.random.normal(jax.random.key(1), (images, prior.latent_dim))))
    times = []
    for _ in range(ROUNDS + 1):
        began = time.perf_counter()
        result = inverter.invert(photos, jp.operators.Identity(), key=jax.random.key(0), batch_size=images)
        jax.block_until_ready(result.images)
        times.append(time.perf_counter() - began)
    return float(np.median(times[1:]))


def over_devices() -> dict[int, float]:
    """Seconds for 8 pictures on 1, 2, ... devices, each in a process."""
    on_cpu = jax.default_backend() == "cpu"
    most = len(os.sched_getaffinity(0)) if on_cpu else jax.local_device_count()
    found = {}
    for count in sorted({1, most}):
        forced = {"XLA_FLAGS": f"--xla_force_host_platform_device_count={count}"} if on_cpu else {}
        limited = {} if on_cpu else {"CUDA_VISIBLE_DEVICES": ",".join(map(str, range(count)))}
        environment = {**os.environ, **forced, **limited}
        command = [sys.executable, __file__, "--one"]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        found[count] = json.loads(ended.stdout.splitlines()[-1])
    return found


def fit(x, y) -> dict[str, float]:
    """A line through (x, y): slope, offset, share explained."""
    slope, offset = np.polyfit(x, y, 1)
    rest = np.sum((np.polyval((slope, offset), x) - y) ** 2) / np.sum((y - np.mean(y)) ** 2)
    return {"slope": float(slope), "offset": float(offset), "share_explained": float(1 - rest)}


def draw(results: dict, path: Path) -> None:
    """One panel a series, with its line."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.4 * len(SERIES), 3.0), layout="constrained")
    for axes, name in zip(figure.subplots(1, len(SERIES)), SERIES, strict=True):
        found = results[name]
        axes.plot(found["x"], found["seconds"], "o", color="tab:blue")
        ends = np.array([0, max(found["x"])])
        axes.plot(ends, found["slope"] * ends + found["offset"], "-", color="tab:gray", linewidth=1)
        axes.set(xlabel=name, ylabel="seconds", xlim=(0, None), ylim=(0, None))
        axes.set_title(f"{found['share_explained']:.1%} explained by a line", fontsize=9)
    figure.savefig(path, dpi=120)


def main() -> None:
    """Run every series."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="JSON file to write")
    parser.add_argument("--plot", type=Path, help="PNG file to write")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    prior = jp.load_prior("cats32")
    if arguments.one:
        print(json.dumps(seconds(prior, **{**BASE, "images": 8})))
        return
    results = {}
    for name, values in SERIES.items():
        measured = [seconds(prior, **{**BASE, name: value}) for value in values]
        results[name] = {"x": values, "seconds": measured, **fit(np.array(values), np.array(measured))}
        shown = ", ".join(f"{x}: {y:.2f} s" for x, y in zip(values, measured, strict=True))
        print(f"{name:<11} {shown}; {results[name]['share_explained']:.1%} explained by a line", flush=True)
    results["devices"] = over_devices()
    print("devices     " + ", ".join(f"{n}: {value:.2f} s" for n, value in results["devices"].items()))
    save(arguments.out, {**record("scaling"), "base": BASE, "layer": LAYER, "results": results})
    if arguments.plot:
        draw(results, arguments.plot)


if __name__ == "__main__":
    main()
