"""Training steps of PGGANs, an LSGAN and an autoencoder beside PyTorch: the same networks, losses and work, in turns.

    python benchmarks/training_speed.py --out benchmarks/results/NAME.json [--cases cats32:wgan-gp,lsgan] [--compile]

A case is a recipe, and for a PGGAN, whose last stage it is, a loss. With lazy R1 every 16th step has a penalty: both
kinds of steps are timed, and weighted as they come. Before anything is timed the figures of the first step must agree.
Everything runs on the CPU; PyTorch with one thread and with all, and with features in both orders. What takes half as
long again as the best of PyTorch in its first turn is not timed further. The best of PyTorch counts. Ours runs a second
time with XLA's own convolutions ("plain forms"), to show what those of `jaxprior.nn.trained` gain.
"""

import argparse
import dataclasses
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import jax
import numpy as np
import torch
from measuring import AGREE, hardware, in_time, record, save, spread
from peers.halving import AutoencoderStep, LsganStep
from peers.pggan import PgganStep

from jaxprior.models.autoencoder import config as autoencoder_config
from jaxprior.models.autoencoder import train as autoencoder
from jaxprior.models.dcgan import config as lsgan_config
from jaxprior.models.dcgan import train as lsgan
from jaxprior.models.pggan import config as pggan_config
from jaxprior.models.pggan import stage
from jaxprior.models.pggan import train as pggan
from jaxprior.training.settings import TrainingSettings


FAST64 = dataclasses.replace(
    pggan_config.PRESETS["fast"], resolution=64, widths=(256, 256, 256, 128, 64), latent_dim=256
)
BATCHES = {
    "cats32:nonsaturating": 16, "cats32:wgan-gp": 16, "lsgan": 32, "autoencoder": 32, "fast64:nonsaturating": 8,
    "fast64:wgan-gp": 8,
}  # fmt: skip
"""Cases and the pictures of a step: the recipe's own for the LSGAN and the autoencoder."""

OURS = "jaxprior"

SLOW = 1.5
"""What takes so many times as long as the best of PyTorch is not timed further."""


@dataclasses.dataclass
class Case:
    """What is compared.

    Fields:
        recipe: in fp32 and without what PyTorch would draw otherwise.
        steps: name -> one of ours, compiled: with the forms of convolutions for training, and with plain ones.
        state, batch: their arguments.
        shares: index of a step -> share of the steps that are like it.
        peers: made by order of the features and whether torch.compile is used; with `step(*draws)`, `advance(steps)`.
        draws: what our first step draws, for the peers' first.
    """

    recipe: Any
    steps: dict[str, Callable]
    state: dict
    batch: np.ndarray
    shares: dict[int, float]
    peers: Callable
    draws: tuple


def pixels(count: int, side: int, channels: int = 3) -> np.ndarray:
    """Random pictures."""
    return np.random.default_rng(0).integers(0, 256, (count, side, side, channels), np.uint8)


def plainly(recipe: TrainingSettings, count: int) -> Any:
    """A recipe without mirroring, and with a constant decay of the average."""
    return dataclasses.replace(recipe, precision="fp32", mirror=False, ema_ramp=0.0).changed({"batch_size": count})


def both_forms(module: Any, make: Callable[[], Callable]) -> dict[str, Callable]:
    """The steps of a module that asks for the platform: as they are, and as for devices without forms of their own."""
    fast = make()
    with patch.object(module, "default_platform", lambda: None):
        return {OURS: fast, f"{OURS}, plain forms": make()}


def drawn(draw: Callable, *keys: jax.Array) -> tuple[torch.Tensor, ...]:
    """A draw for every key, as tensors."""
    return tuple(torch.tensor(np.array(draw(key))) for key in keys)


def pggan_case(name: str, loss: str, count: int) -> Case:
    """The last stage of a PGGAN."""
    recipe = plainly({"cats32": pggan_config.PRESETS["cats32"], "fast64": FAST64}[name], count)
    recipe = dataclasses.replace(recipe, loss=loss)
    widths = recipe.widths
    state, batch = pggan.init_state(recipe, jax.random.key(0)), pixels(count, recipe.resolution)
    _, critic_key, mix_key, generator_key = jax.random.split(jax.random.key(0), 4)
    shape = (count, recipe.latent_dim)
    codes = drawn(lambda key: jax.random.normal(key, shape), critic_key, generator_key)
    mix = drawn(lambda key: jax.random.uniform(key, (count, 1, 1, 1)), mix_key)
    rare = 1 / recipe.r1_every
    return Case(
        recipe, both_forms(stage, lambda: stage.make_step(recipe, len(widths) - 1, 0, 0)), state, batch,
        {0: 1.0} if loss == "wgan-gp" else {0: rare, 1: 1 - rare},
        lambda last, compiled: PgganStep(recipe, state, batch, channels_last=last), (codes, *mix),
    )  # fmt: skip


def lsgan_case(count: int) -> Case:
    """The seed's LSGAN."""
    recipe = plainly(lsgan_config.PRESETS["seed001"], count)
    state, batch = lsgan.init_state(recipe, jax.random.key(0)), pixels(count, recipe.resolution)
    _, critic_key, _, key = jax.random.split(jax.random.key(0), 4)
    codes = drawn(lambda k: lsgan.draw_codes(recipe, k, count), critic_key, jax.random.split(key)[0])
    return Case(
        recipe, both_forms(lsgan, lambda: lsgan.make_step(recipe)), state, batch, {0: 1.0},
        lambda last, compiled: LsganStep(recipe, state, batch, channels_last=last, compiled=compiled), codes,
    )  # fmt: skip


def autoencoder_case(count: int) -> Case:
    """The seed's autoencoder."""
    recipe = plainly(autoencoder_config.PRESETS["seed001"], count)
    state, batch = autoencoder.init_state(recipe, jax.random.key(0)), pixels(count, recipe.resolution, 9)
    return Case(
        recipe, both_forms(autoencoder, lambda: autoencoder.make_step(recipe)), state, batch, {0: 1.0},
        lambda last, compiled: AutoencoderStep(recipe, state, batch, channels_last=last, compiled=compiled), (),
    )  # fmt: skip


def case_of(title: str, count: int) -> Case:
    """A case by its title, with so many pictures a step."""
    if ":" in title:
        return pggan_case(*title.split(":"), count)
    return {"lsgan": lsgan_case, "autoencoder": autoencoder_case}[title](count)


class Ours:
    """One of a case's compiled steps, by its name."""

    def __init__(self, case: Case, name: str):
        self.name, self.step, self.batch = name, case.steps[name], case.batch
        self.state, self.count = jax.tree.map(jax.numpy.array, case.state), 0

    def advance(self, index: int, steps: int) -> dict:
        """So many steps like the one of an index, waited for; the figures of the last."""
        seen: dict = {}
        for _ in range(steps):
            key = jax.random.key(self.count)
            self.state, seen = self.step(index, self.state, self.batch, key)
            self.count += 1
        jax.block_until_ready((self.state, seen))
        return {name: float(value) for name, value in seen.items()}


@dataclasses.dataclass
class Threads:
    """A peer with a number of threads of its own."""

    peer: Any
    threads: int

    @property
    def name(self) -> str:
        """For tables."""
        return f"{self.peer.name}, {self.threads} thread{'s' * (self.threads > 1)}"

    def advance(self, index: int, steps: int) -> None:
        """So many steps like the one of an index."""
        torch.set_num_threads(self.threads)
        for _ in range(steps):
            self.peer.count = index
            self.peer.advance(1)


def turn(runner: Ours | Threads, shares: dict[int, float], steps: dict[int, int]) -> float:
    """Seconds of a step: of every kind so many, weighted by their shares."""
    seconds = 0.0
    for index, share in shares.items():
        began = time.perf_counter()
        runner.advance(index, steps[index])
        seconds += share * (time.perf_counter() - began) / steps[index]
    return seconds


def apart(figures: dict, others: dict) -> float:
    """The largest difference between figures of a step and another's, relative to those above 1."""
    return max(abs(value - float(others[name])) / max(abs(value), 1.0) for name, value in figures.items())


def compare(title: str, *, count: int, rounds: int, seconds: float, compiled: bool) -> dict:
    """All runners on one case; a turn lasts about so many seconds."""
    case = case_of(title, count)
    ours, plain = (Ours(case, name) for name in case.steps)
    agree, first_seconds = {}, []
    for index in case.shares:
        began = time.perf_counter()
        found = ours.advance(index, 1)
        first_seconds.append(round(time.perf_counter() - began, 1))
        first = found if index == 0 else first
        theirs = plain.advance(index, 1)
        agree[plain.name] = max(agree.get(plain.name, 0.0), apart(found, theirs))
    orders = [(last, False) for last in (False, True)]
    orders += [(True, True)] if compiled and ":" not in title else []
    peers = [case.peers(*order) for order in orders]
    for peer in peers:
        theirs = peer.step(*case.draws)
        agree[peer.name] = apart(first, theirs)
    if not max(agree.values()) <= AGREE["fp32"]:
        raise SystemExit(f"{title}: the first steps differ, so nothing is timed: {agree}")
    threads = sorted({1, hardware()["cores"]})
    runners: list = [ours, plain, *(Threads(peer, n) for peer in peers for n in threads)]
    once = dict.fromkeys(case.shares, 1)
    warm = {}
    for runner in runners:  # once for nothing
        turn(runner, case.shares, once)
        warm[runner.name] = turn(runner, case.shares, once)
    best = min(value for name, value in warm.items() if not name.startswith(OURS))
    timed = [runner for runner in runners if runner is ours or warm[runner.name] <= SLOW * best]
    steps = {
        runner.name: {i: max(round(seconds * share / warm[runner.name]), 1) for i, share in case.shares.items()}
        for runner in timed
    }
    took = {runner.name: [] for runner in timed}
    for _ in range(rounds):
        for runner in timed:
            took[runner.name].append(turn(runner, case.shares, steps[runner.name]))
    print(f"{title}, batch {count}: first steps agree to {max(agree.values()):.1e}", flush=True)
    result = {"case": title, "batch": count, "verified": agree, "runners": {}}
    for name, values in took.items():
        ratios = [value / own for value, own in zip(values, took[ours.name], strict=True)]
        result["runners"][name] = {"seconds": spread(values, 5), "ratio": spread(ratios, 2)}
        entry = result["runners"][name]
        figures = f"{1e3 * entry['seconds']['median']:9.1f} ms a step   x {entry['ratio']['median']:.2f}"
        print(f"  {name:<44} {figures}", flush=True)
    left_out = {name: round(value, 5) for name, value in warm.items() if name not in took}
    return {**result, "slower_in_their_first_turn": left_out, "first_step_seconds": first_seconds}


def main() -> None:
    """Run all cases."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="JSON file to write")
    parser.add_argument("--cases", default=",".join(BATCHES), help="separated by commas; all by default")
    parser.add_argument("--batch-size", type=int, help="instead of the case's own")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="of one turn, about")
    parser.add_argument("--compile", action="store_true", help="torch.compile as well, where there is no penalty")
    parser.add_argument("--minutes", type=float, help="begin no case after so many")
    arguments = parser.parse_args()
    if jax.default_backend() != "cpu":
        raise SystemExit("This comparison is of CPUs, where PyTorch's part runs; set JAX_PLATFORMS=cpu for it.")
    results = []
    for title in in_time(arguments.cases.split(","), arguments.minutes):
        count = arguments.batch_size or BATCHES[title]
        results.append(
            compare(title, count=count, rounds=arguments.rounds, seconds=arguments.seconds, compiled=arguments.compile)
        )
        save(arguments.out, {**record("training_speed"), "torch": torch.__version__, "results": results})


if __name__ == "__main__":
    main()
