"""What it brings that pictures which reach their target make room for others: steps of a batch, counted.

    python benchmarks/refill.py --data PICTURES.zip --limit 128 --batch-size 16 --out benchmarks/results/NAME.json

Reconstruction by the bundled prior with several target PSNRs. A batch computes all its slots at every step, so steps
are what an accelerator's time goes into; an exchange (what was found is fetched, the next come in) costs a start and
two evaluations more. "All idle" is what one gets without continuous batching. Counted, not timed, on any device.
"""

import argparse
from pathlib import Path

import jax
from measuring import record, save
from restoring import load

import jaxprior as jp
from jaxprior.inversion import batching, engine
from jaxprior.restoration import placement
from jaxprior.restoration.presets import preset


SHARES = {"all idle": 1.0, "half": 0.5, "a quarter": 0.25, "an eighth": 0.125}
EXCHANGE = 3
"""Steps that an exchange costs, about."""


def count(prior: jp.Prior, photos, ids, *, target: float, steps: int, batch: int) -> dict[str, int]:
    """Steps and exchanges of one run."""
    counted = {"steps": 0, "exchanges": 0}
    advance, finish = engine.advance, engine.finish

    def counting_advance(*arguments, **options):
        state, losses = advance(*arguments, **options)
        counted["steps"] += len(losses)
        return state, losses

    def counting_finish(*arguments, **options):
        counted["exchanges"] += 1
        return finish(*arguments, **options)

    engine.advance, engine.finish = counting_advance, counting_finish
    try:
        method = preset("default", jp.Identity(), prior=prior)
        solve = jp.Solve(steps=steps, optimizer="adam", learning_rate=0.05, target_psnr=target)
        jp.restore(
            prior, photos, key=jax.random.key(0), ids=ids, batch_size=batch,
            codes=method.codes, objective=method.objective, solve=solve,
        )  # fmt: skip
    finally:
        engine.advance, engine.finish = advance, finish
    return counted


def main() -> None:
    """Count for every target and share."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="held-out pictures: folder or zip")
    parser.add_argument("--limit", type=int, default=128)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--targets", default="22,25,28", help="dB, separated by commas")
    parser.add_argument("--out", type=Path, help="JSON file to write")
    arguments = parser.parse_args()
    placement.FIXED = ()  # as an accelerator does, also on a CPU
    prior = jp.load_prior("cats32")
    photos, ids = load(arguments.data, prior.resolution, arguments.limit)
    results = []
    for target in map(float, arguments.targets.split(",")):
        row = {}
        for name, batching.IDLE in SHARES.items():
            row[name] = count(prior, photos, ids, target=target, steps=arguments.steps, batch=arguments.batch_size)
        results.append({"target": target, "counted": row})
        shown = ", ".join(f"{name} {one['steps']} + {one['exchanges']}" for name, one in row.items())
        costs = {name: one["steps"] + EXCHANGE * one["exchanges"] for name, one in row.items()}
        least = min(costs, key=costs.get)
        gain = costs["all idle"] / costs[least]
        print(f"{target:g} dB: {shown}; least with {least}: {gain:.2f} times less", flush=True)
        about = {"pictures": len(photos), "batch": arguments.batch_size, "steps": arguments.steps}
        save(arguments.out, {**record("refill"), **about, "results": results})


if __name__ == "__main__":
    main()
