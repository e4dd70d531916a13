"""Training steps of a PGGAN's last stage beside PyTorch: the same networks, losses and work, in turns.

    python benchmarks/pggan_speed.py --out benchmarks/results/NAME.json [--cases cats32:nonsaturating,fast64:wgan-gp]

A case is a recipe and a loss. With lazy R1 a turn is whole cycles of 16 steps, one of which has the penalty; with
WGAN-GP every step has one. Before anything is timed the figures of the first step must agree. On CPUs PyTorch runs with
one thread and with all, and with features in both orders; the best of these counts.
"""

import argparse
import dataclasses
import statistics
import time
from pathlib import Path

import jax
import numpy as np
import torch
from measuring import AGREE, hardware, in_time, record, save, spread
from peers.pggan import PgganStep

from jaxprior.models.pggan.config import PRESETS, PgganRecipe, feature_widths
from jaxprior.models.pggan.stage import make_step
from jaxprior.models.pggan.train import init_state


CASES = ("cats32:nonsaturating", "cats32:wgan-gp", "fast64:nonsaturating")
RECIPES = {
    "cats32": PRESETS["cats32"],
    "fast64": dataclasses.replace(PRESETS["fast"], resolution=64, widths=(256, 256, 256, 128, 64), latent_dim=256),
}


def recipe_of(case: str, batch: int | None) -> PgganRecipe:
    """The recipe of a case, in fp32 and without what PyTorch would draw otherwise."""
    name, loss = case.split(":")
    recipe = dataclasses.replace(RECIPES[name], loss=loss, precision="fp32", mirror=False, ema_ramp=0.0)
    recipe = dataclasses.replace(recipe, widths=recipe.widths or feature_widths(recipe.resolution))
    return recipe if batch is None else recipe.changed({"batch_size": batch})


class Ours:
    """The compiled steps of the last stage."""

    name = "jaxprior"

    def __init__(self, recipe: PgganRecipe, state: dict, pictures: np.ndarray):
        self.state, self.pictures, self.count = jax.tree.map(jax.numpy.array, state), pictures, 0
        self.step = make_step(recipe, len(recipe.widths or ()) - 1, 0, 0)

    def advance(self, steps: int) -> dict:
        """So many steps, waited for; the figures of the last."""
        seen: dict = {}
        for _ in range(steps):
            key = jax.random.key(self.count)
            self.state, seen = self.step(self.count, self.state, self.pictures, key)
            self.count += 1
        jax.block_until_ready((self.state, seen))
        return {name: float(value) for name, value in seen.items()}


@dataclasses.dataclass
class Threads:
    """A peer with a number of threads of its own."""

    peer: PgganStep
    threads: int

    @property
    def name(self) -> str:
        """For tables."""
        return f"{self.peer.name}, {self.threads} thread{'s' * (self.threads > 1)}"

    def advance(self, steps: int) -> None:
        """So many steps."""
        torch.set_num_threads(self.threads)
        self.peer.advance(steps)


def draws(recipe: PgganRecipe, batch: int, key: jax.Array) -> tuple[tuple[torch.Tensor, torch.Tensor], torch.Tensor]:
    """Codes of both players and mixes, as a step of ours draws them from its key."""
    _, critic_key, mix_key, generator_key = jax.random.split(key, 4)
    shape = (batch, recipe.latent_dim or 0)
    codes = tuple(torch.tensor(np.array(jax.random.normal(one, shape))) for one in (critic_key, generator_key))
    return (codes[0], codes[1]), torch.tensor(np.array(jax.random.uniform(mix_key, (batch, 1, 1, 1))))


def compare(case: str, *, batch: int | None, rounds: int, seconds: float) -> dict:
    """All runners on one case; a turn lasts at least about so many seconds."""
    recipe = recipe_of(case, batch)
    size, count = recipe.resolution, recipe.batch_at(recipe.resolution)
    state = init_state(recipe, jax.random.key(0))
    pictures = np.random.default_rng(0).integers(0, 256, (count, size, size, 3), np.uint8)
    peers = [PgganStep(recipe, state, pictures, channels_last=last) for last in (False, True)]
    ours = Ours(recipe, state, pictures)
    began = time.perf_counter()
    found = ours.advance(1)
    first_step = time.perf_counter() - began
    agree = {}
    for peer in peers:
        theirs = peer.step(*draws(recipe, count, jax.random.key(0)))
        differences = (abs(found[name] - float(theirs[name])) / max(abs(found[name]), 1.0) for name in found)
        agree[peer.name] = max(differences)
    if not max(agree.values()) <= AGREE["fp32"]:
        raise SystemExit(f"{case}: the first steps differ, so nothing is timed: {agree}")
    threads = sorted({1, hardware()["cores"]})
    runners = [ours, *(Threads(peer, n) for peer in peers for n in threads)]
    cycle = 1 if recipe.loss == "wgan-gp" else recipe.r1_every
    ours.advance(cycle - 1)
    took, steps = {runner.name: [] for runner in runners}, {}
    for runner in runners:  # once for nothing, which also says how long a cycle takes
        runner.advance(cycle)
        began = time.perf_counter()
        runner.advance(cycle)
        steps[runner.name] = cycle * max(int(seconds / (time.perf_counter() - began)), 1)
    for _ in range(rounds):
        for runner in runners:
            began = time.perf_counter()
            runner.advance(steps[runner.name])
            took[runner.name].append((time.perf_counter() - began) / steps[runner.name])
    print(f"{case}, batch {count}: first steps agree to {max(agree.values()):.1e}", flush=True)
    mine, result = took[ours.name], {"case": case, "batch": count, "verified": agree, "runners": {}}
    for name, values in took.items():
        ratios = [value / own for value, own in zip(values, mine, strict=True)]
        result["runners"][name] = {"seconds": spread(values, 5), "ratio": spread(ratios, 2)}
        figures = f"{1e3 * statistics.median(values):9.1f} ms a step   x {statistics.median(ratios):.2f}"
        print(f"  {name:<36} {figures}", flush=True)
    return {**result, "first_step_seconds": round(first_step, 1)}


def main() -> None:
    """Run all cases."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="JSON file to write")
    parser.add_argument("--cases", default=",".join(CASES), help=f"of {', '.join(RECIPES)}, with :LOSS")
    parser.add_argument("--batch-size", type=int, help="instead of the recipe's own")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0, help="of one turn, at least")
    parser.add_argument("--minutes", type=float, help="begin no case after so many")
    arguments = parser.parse_args()
    results = []
    for case in in_time(arguments.cases.split(","), arguments.minutes):
        found = compare(case, batch=arguments.batch_size, rounds=arguments.rounds, seconds=arguments.seconds)
        results.append(found)
        save(arguments.out, {**record("pggan_speed"), "torch": torch.__version__, "results": results})


if __name__ == "__main__":
    main()
