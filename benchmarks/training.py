"""Training speed of a PGGAN recipe on this device: pictures a second in every phase, and how long the whole would take.

    python benchmarks/training.py --preset cats64 --out benchmarks/results/NAME.json [--batch-size 4] [--only 64x64]

Random pictures; the recipe's own networks, steps, batches and precision. Checkpoints, samples and metrics are left out.
A phase is timed over whole cycles of its lazy regularisation, after a cycle that also compiles.
"""

import argparse
import dataclasses
import time
from pathlib import Path

import jax
import numpy as np
from measuring import in_time, record, save, spread

from jaxprior.models.pggan import train as pggan
from jaxprior.models.pggan.config import PRESETS
from jaxprior.training.phases import Phase
from jaxprior.training.pictures import Pictures


def measure(phase: Phase, state: dict, *, cycle: int, rounds: int) -> tuple[dict, dict]:
    """Time a phase; returns (figures, the state after it)."""
    key, times, state, index = jax.random.key(0), [], phase.begin(state), 0
    for _ in range(rounds + 1):
        began = time.perf_counter()
        for _ in range(cycle):
            state, metrics = phase.step(index, state, phase.batch(index), jax.random.fold_in(key, index))
            index += 1
        jax.block_until_ready((state, metrics))
        times.append((time.perf_counter() - began) / cycle)
    rates = spread([phase.images_per_step / t for t in times[1:]], 2)
    pictures = phase.steps * phase.images_per_step
    return {
        "phase": phase.name, "batch": phase.images_per_step, "pictures": pictures, "images_per_second": rates,
        "first_cycle": times[0] * cycle, "seconds": pictures / rates["median"],
    }, state  # fmt: skip


def main() -> None:
    """Time every phase."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="JSON file to write")
    parser.add_argument("--preset", default="cats64", choices=PRESETS)
    parser.add_argument("--batch-size", type=int, help="instead of the recipe's own")
    parser.add_argument("--precision", help="instead of the recipe's own")
    parser.add_argument("--only", help="phases such as 64x64, separated by commas; all by default")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--minutes", type=float, help="begin no phase after so many")
    arguments = parser.parse_args()
    changed = {"batch_size": arguments.batch_size, "precision": arguments.precision}
    changed = {name: value for name, value in changed.items() if value is not None}
    recipe = dataclasses.replace(PRESETS[arguments.preset], **changed)
    shape = (256, recipe.resolution, recipe.resolution, 3)
    pictures = Pictures(np.random.default_rng(0).integers(0, 256, shape, np.uint8))
    state, results = pggan.init_state(recipe, jax.random.key(0)), []
    cycle = recipe.r1_every if recipe.loss == "nonsaturating" else 8
    phases = {phase.name: phase for phase in pggan.phases(recipe, pictures)}
    chosen = arguments.only.split(",") if arguments.only else list(phases)[::-1]  # the largest first
    for name in in_time(chosen, arguments.minutes):
        phase = phases[name]
        found, state = measure(phase, state, cycle=cycle, rounds=arguments.rounds)
        results.append(found)
        rates = found["images_per_second"]
        print(
            f"{phase.name:<12} batch {found['batch']:<4} {rates['median']:8.1f} images/s"
            f" ({rates['fastest']:.1f} to {rates['slowest']:.1f})   {found['seconds'] / 60:7.1f} min"
            f"   first cycle {found['first_cycle']:.0f} s",
            flush=True,
        )
        about = {"recipe": arguments.preset, **changed, "rounds": arguments.rounds, "cycle": cycle}
        save(arguments.out, {**record("training"), **about, "results": results})
    print(f"all of these: {sum(one['seconds'] for one in results) / 60:.1f} min of training")


if __name__ == "__main__":
    main()
