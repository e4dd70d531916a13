"""What the defaults by size take (`jaxprior.restoration.defaults`), or a preset: seconds and memory by task and size.

    nice python benchmarks/defaults.py --out benchmarks/results/defaults-cpu.json [--sizes 256,512] [--tasks inpaint]

Official networks with random weights, which cost what trained ones cost; nothing here says anything about quality. A
few steps are timed, and the rest is counted on from them. The time is that of the processor, which other programs on
the machine disturb less than the time that passes. It is divided by two for two cores, which a step keeps busy nearly
all the time. `planned` is the memory that the compiler plans for a step, `peak` the most that the process had at any
time until then, with the weights and the compiler itself. What it takes to draw a sample for the bank of starts stands
beside.
"""

import argparse
import gc
import resource
import time
from pathlib import Path

import jax
import numpy as np
from measuring import record, save

import jaxprior as jp
from jaxprior.inversion.starts.random import RandomStart
from jaxprior.restoration.benchmarking import random_prior
from jaxprior.restoration.placement import Placement
from jaxprior.restoration.presets import make_method
from jaxprior.restoration.speed import begin_steps
from jaxprior.system import runtime


TASKS = ("reconstruct", "inpaint", "superres", "colorize", "denoise")
BANK = 4096
STEPS = 2
CORES = 2
COLUMNS = ("task", "layer", "starts", "steps", "s a step", "a picture", "planned", "peak")


def task_of(name: str, side: int) -> jp.Operator:
    """A task of that name for images of that side."""
    makers = {
        "reconstruct": jp.Identity,
        "inpaint": lambda: jp.Inpaint(np.zeros((side, side), np.float32)),
        "superres": lambda: jp.SuperResolve(4),
        "colorize": jp.Colorize,
        "denoise": lambda: jp.Denoise(0.2),
    }
    return makers[name]()


def run(prior: jp.Prior, name: str, preset: str) -> dict:
    """Measure a preset's method of a task."""
    task = task_of(name, prior.resolution)
    method = make_method({"preset": preset}, task, prior=prior)
    codes, objective, solve = method.codes, method.objective, method.solve
    placement = Placement(prior, codes=codes, objective=objective, solve=solve, start=RandomStart())
    observed = jax.eval_shape(type(task).apply, task, jax.ShapeDtypeStruct(prior.image_shape, np.float32))
    cost = placement.step_cost(task, observed, size=1)
    advance = begin_steps(placement, task, observed, size=1)
    advance(1)
    processor, wall = time.process_time(), time.perf_counter()
    done = advance(STEPS)
    processor, wall = (time.process_time() - processor) / done, (time.perf_counter() - wall) / done
    step = processor / CORES
    return {
        "task": name, "preset": preset, "resolution": prior.resolution, "codes": codes.num_codes, "layer": codes.layer,
        "weights": codes.weights, "starts": solve.starts, "steps": solve.steps, "seconds_per_step": round(step, 4),
        "seconds_per_picture": round(step * solve.steps, 1), "processor_seconds_per_step": round(processor, 4),
        "wall_seconds_per_step": round(wall, 4),
        "operations_per_step": cost.operations, "counted_bytes": cost.bytes,
        "planned_bytes": placement.step_bytes(task, observed, size=1), "peak_bytes": peak(),
    }  # fmt: skip


def drawing(prior: jp.Prior, count: int) -> float:
    """Seconds to draw one sample of a prior on two cores, measured on a few."""
    generator, generate = prior.split(1), jax.jit(lambda generator, z: generator(z))
    z = jax.random.normal(jax.random.key(0), (count, prior.latent_dim))
    generate(generator, z).block_until_ready()
    began = time.process_time()
    generate(generator, z).block_until_ready()
    return (time.process_time() - began) / CORES / count


def peak() -> int:
    """The most resident memory that this process had, bytes."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def line(found: dict) -> str:
    """A row of the table."""
    gib = [f"{found[name] / 2**30:.2f} GiB" for name in ("planned_bytes", "peak_bytes")]
    cells = (
        f"{found['resolution']} {found['task']}", found["layer"], found["starts"], found["steps"],
        f"{found['seconds_per_step']:.3g}", f"{found['seconds_per_picture']:.0f} s", *gib,
    )  # fmt: skip
    return f"| {' | '.join(map(str, cells))} |"


def main() -> None:
    """Measure all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="JSON file to write")
    parser.add_argument("--sizes", default="256,512,1024")
    parser.add_argument("--tasks", default=",".join(TASKS))
    parser.add_argument("--preset", default="default", help="other settings to measure; mganprior needs VGG-16")
    arguments = parser.parse_args()
    runtime.enable_compilation_cache()
    results, samples = [], []
    print(f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|")
    for size in map(int, arguments.sizes.split(",")):
        prior = random_prior(size)
        for name in arguments.tasks.split(","):
            results.append(run(prior, name, arguments.preset))
            print(line(results[-1]), flush=True)
            gc.collect()
            save(arguments.out, {**record("defaults"), "results": results, "samples": samples})
        seconds = drawing(prior, max(1024 // size, 1))
        samples.append({"resolution": size, "seconds": round(seconds, 4), "bank": BANK, "all": round(BANK * seconds)})
        print(f"drawing a sample at {size} pixels: {seconds:.2g} s, a bank of {BANK}: {BANK * seconds / 60:.0f} min")
        save(arguments.out, {**record("defaults"), "results": results, "samples": samples})


if __name__ == "__main__":
    main()
