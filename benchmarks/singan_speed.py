"""Training steps of SinGAN beside PyTorch: the same networks, losses and work, in turns.

    python benchmarks/singan_speed.py --out benchmarks/results/NAME.json [--cases 25x33:32,120x160:32]

A case is the size of one scale (height x width) and the width of its networks. A step is three updates of the critic
with the penalty of every pixel's gradient and three of the generator with the reconstruction. What enters from the
scales below is fixed, and the noise is drawn anew. Before anything is timed the figures of the first step must agree.
On CPUs PyTorch runs with one thread and with all, since one is often faster; on accelerators jaxprior also with
convolutions as matrix products.
"""

import argparse
import statistics
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import torch
from measuring import AGREE, hardware, in_time, record, save, spread
from peers.singan import SinganStep

import jaxprior.models.singan as networks
from jaxprior.models.singan import ScalePlan
from jaxprior.models.singan.config import SinganRecipe
from jaxprior.models.singan.scale import draw_inputs, make_step
from jaxprior.models.singan.state import init_state


CASES = ("25x33:32", "120x160:32", "187x250:32", "187x250:128")
FORMS = {"products": "valid_products", "convolutions": "valid"}


class Ours:
    """The compiled step of a coarsest scale."""

    def __init__(self, recipe: SinganRecipe, state: dict, picture: np.ndarray, form: str):
        self.name, self.picture, self.count = f"jaxprior, {form}", jnp.asarray(picture), 0
        self.own = jax.tree.map(jnp.array, {"scale": state["scale0"], "adam": state["adam"]["scale0"]})
        # Traced while the networks' convolutions take this form, whatever the device is.
        usual, networks.choose_form = networks.choose_form, lambda operation, *, platform: FORMS[form]
        arguments = (0, self.own, None, self.picture, jax.random.key(0))
        began = time.perf_counter()
        self.step = make_step(recipe, 0).lower(*arguments).compile()
        self.compile_seconds = time.perf_counter() - began
        networks.choose_form = usual

    def advance(self, steps: int) -> dict:
        """So many steps, waited for; the figures of the last."""
        for _ in range(steps):
            self.own, seen = self.step(self.count, self.own, None, self.picture, jax.random.key(self.count))
            self.count += 1
        jax.block_until_ready((self.own, seen))
        return {name: float(value) for name, value in seen.items()}


class Threads:
    """A peer with a number of threads of its own."""

    def __init__(self, peer: SinganStep, threads: int):
        self.name, self.peer, self.threads = f"PyTorch, {threads} thread{'s' * (threads > 1)}", peer, threads

    def advance(self, steps: int) -> None:
        """So many steps."""
        torch.set_num_threads(self.threads)
        self.peer.advance(steps)


def draws(recipe: SinganRecipe, picture: np.ndarray, key: jax.Array) -> tuple[np.ndarray, np.ndarray]:
    """Noises and mixes that a step of the coarsest scale draws from a key (`singan_scale.draw_inputs`)."""
    given = draw_inputs(recipe, 0, None, jnp.asarray(picture[0]), jnp.asarray(picture), key)
    return np.concatenate([given.noise, given.fixed]), np.asarray(given.mixes)[:, 0, 0, 0]


def compare(case: str, *, rounds: int, seconds: float) -> dict:
    """All runners on one case; a turn lasts about so many seconds."""
    size, width = case.split(":")
    height, broad = (int(side) for side in size.split("x"))
    recipe = SinganRecipe(width=int(width), width_max=max(int(width), 32), width_growth_every=None)
    scales = ScalePlan("singan", ((height, broad),), (1.0,), 0.75, 1.0)
    state = init_state(recipe, scales, jax.random.key(0))
    picture = np.random.default_rng(0).uniform(-1, 1, (1, height, broad, 3)).astype(np.float32)
    on_cpu = jax.default_backend() == "cpu"
    ours = [Ours(recipe, state, picture, form) for form in FORMS if form == "products" or not on_cpu]
    peer = SinganStep(recipe, state["scale0"], picture, np.zeros_like(picture))
    theirs = peer.step(*draws(recipe, picture, jax.random.key(0)))
    agree = {}
    for runner in ours:
        found = runner.advance(1)
        agree[runner.name] = max(abs(found[name] - float(theirs[name])) for name in found)
    if not max(agree.values()) <= AGREE["fp32"]:
        raise SystemExit(f"{case}: the first steps differ, so nothing is timed: {agree}")
    counts = sorted({1, hardware()["cores"]}) if on_cpu else (1,)
    runners = ours + ([Threads(peer, n) for n in counts] if on_cpu else [peer])
    took = {runner.name: [] for runner in runners}
    steps = {}
    for runner in runners:  # once for nothing, which also says how long a step takes
        runner.advance(1)
        began = time.perf_counter()
        runner.advance(1)
        steps[runner.name] = max(int(seconds / (time.perf_counter() - began)), 1)
    for _ in range(rounds):
        for runner in runners:
            began = time.perf_counter()
            runner.advance(steps[runner.name])
            took[runner.name].append((time.perf_counter() - began) / steps[runner.name])
    print(f"{case}:", flush=True)
    first, result = took[ours[0].name], {"case": case, "verified": agree, "runners": {}}
    for name, values in took.items():
        ratios = [value / mine for value, mine in zip(values, first, strict=True)]
        result["runners"][name] = {"seconds": spread(values, 5), "ratio": spread(ratios, 2)}
        figures = f"{1e3 * statistics.median(values):9.1f} ms a step   x {statistics.median(ratios):.2f}"
        print(f"  {name:<28} {figures}", flush=True)
    result["compile_seconds"] = {runner.name: round(runner.compile_seconds, 1) for runner in ours}
    return result


def main() -> None:
    """Run all cases."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="JSON file to write")
    parser.add_argument("--cases", default=",".join(CASES), help="HEIGHTxWIDTH:CHANNELS, separated by commas")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="of one turn")
    parser.add_argument("--minutes", type=float, help="begin no case after so many")
    arguments = parser.parse_args()
    results = []
    for case in in_time(arguments.cases.split(","), arguments.minutes):
        results.append(compare(case, rounds=arguments.rounds, seconds=arguments.seconds))
        save(arguments.out, {**record("singan_speed"), "torch": torch.__version__, "results": results})


if __name__ == "__main__":
    main()
