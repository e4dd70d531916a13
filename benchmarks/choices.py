"""Each choice that jaxprior made for speed, beside what it could do instead: side by side, in turns, on this device.

    python benchmarks/choices.py --out benchmarks/results/NAME.json [--case 256:20:8:1:fp32] [--only scan,recompute]

The first way is what jaxprior does here; of every other the ratio to it is formed in every round (above 1: slower), and
the memory that a step needs as the compiler plans it. All compute the same losses, which is checked before. What lost
is not in the library; docs/performance.md says what was learnt.
"""

import argparse
import dataclasses
import statistics
from collections.abc import Callable
from functools import partial
from pathlib import Path

import jax
import numpy as np
from measuring import AGREE, alternate, in_time, record, save, spread
from throughput import parse

from jaxprior.inversion import engine
from jaxprior.models.pggan.networks import Generator
from jaxprior.restoration.benchmarking import Problem, Runner, make_problem
from jaxprior.restoration.memory import MemoryPlan
from jaxprior.restoration.placement import Placement


class Literal(Generator):
    """A generator that upsamples first and convolves then."""

    def form_of(self, k: int) -> str:
        """How block k convolves."""
        return "up" if k and k % 2 == 0 else "same"


class Way(Runner):
    """jaxprior with one thing done differently.

    Arguments:
        name: in the table.
        problem: from `make_problem`.
        change: (placement, problem) -> placement, before anything is compiled.
        scan: all steps of a chunk in one program, or each by itself; None for what jaxprior does.
        group: pictures at once; None for what jaxprior does.
    """

    def __init__(
        self,
        name: str,
        problem: Problem,
        change: Callable[[Placement, Problem], Placement] | None = None,
        *,
        scan: bool | None = None,
        group: int | None = None,
    ):
        super().__init__(problem)
        self.name, self.scan = name, scan
        self.placement = self.placement if change is None else change(self.placement, problem)
        self.group = group or self.group
        self.restart()

    def advance(self, steps: int) -> np.ndarray:
        """Do some steps; the losses [steps, b] before each, and not before everything is computed."""
        if self.scan is None:
            return super().advance(steps)
        settings, found = {"codes": self.codes, "solve": self.solve.of_one_step()}, []
        for i, (state, operator, target) in enumerate(self.groups):
            arguments = (self.placement.generator, self.placement.objective, operator, target)
            with self._precision():
                if self.scan:
                    state, losses = engine._scan_steps(state, *arguments, **settings, steps=steps)
                else:
                    state, losses = self._loop(state, arguments, settings, steps)
            self.groups[i] = (state, operator, target)
            found.append(np.asarray(losses))
        return np.concatenate(found, axis=1)

    @staticmethod
    def _loop(state, arguments, settings, steps):
        trace = []
        for _ in range(steps):
            state, losses = engine._one_step(state, *arguments, **settings)
            trace.append(losses)
        return state, np.stack([np.asarray(losses) for losses in trace])


def direct(kind: type[Generator]) -> Callable[[Placement, Problem], Placement]:
    """Convolutions as XLA computes them: of kind `Generator` with phase kernels, of kind `Literal` without."""

    def change(placement: Placement, problem: Problem) -> Placement:
        prior = problem.prior
        module = kind(prior.module.widths, prior.latent_dim)
        frozen, params = module.freeze(prior.params, platform="gpu", precision="fp32")
        frozen = frozen.clone(dtype=placement.generator.module.dtype)
        placement.generator = dataclasses.replace(placement.generator, module=frozen, params=params)
        placement.objective = dataclasses.replace(placement.objective, features=problem.features)
        return placement

    return change


def memory_plan(**fields) -> Callable[[Placement, Problem], Placement]:
    """A step that saves memory."""
    return lambda placement, _: placement.with_memory_plan(MemoryPlan(**fields))


def ways(problem: Problem) -> dict[str, Callable[[], Way]]:
    """Everything that can be tried on this device, by a short name."""
    case, on_cpu = problem.case, jax.default_backend() == "cpu"
    scan = on_cpu  # the other way of the two
    found = {
        "literal": ("convolutions after literal upsampling", direct(Literal), {}),
        "scan" if scan else "loop": ("steps in a scan" if scan else "steps in a Python loop", None, {"scan": scan}),
        "recompute": ("head, tail and features computed twice", memory_plan(recompute=True), {}),
        "codes": (f"{-(-case.num_codes // 4)} codes at a time", memory_plan(at_once=-(-case.num_codes // 4)), {}),
    }
    if on_cpu:
        found["direct"] = ("XLA's convolutions, phase kernels", direct(Generator), {})
    if case.batch > 1:
        group = case.batch if on_cpu else 1
        found["batch"] = (f"{group} picture{'s' * (group > 1)} at once", None, {"group": group})

    return {
        short: partial(Way, name, problem, change, **options) for short, (name, change, options) in found.items()
    }


def main() -> None:
    """Try everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    on_cpu = jax.default_backend() == "cpu"
    parser.add_argument("--out", type=Path, help="JSON file to write")
    parser.add_argument("--case", default="256:20:8:1:fp32" if on_cpu else "256:20:8:8:bf16")
    parser.add_argument("--only", help="short names, separated by commas")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=1 if on_cpu else 25, help="in a round")
    parser.add_argument("--minutes", type=float, help="begin nothing after so many")
    arguments = parser.parse_args()
    problem = make_problem(parse(arguments.case))
    possible = ways(problem)
    chosen = arguments.only.split(",") if arguments.only else list(possible)
    print(f"{problem.case.title}:", flush=True)
    baseline, results = Way("as jaxprior does it", problem), []
    expected = baseline.advance(3)
    for short in in_time([None, *chosen], arguments.minutes):
        way = baseline if short is None else possible[short]()
        found = way.advance(3) if short else expected
        apart = float(np.max(np.abs(found / expected - 1)))
        if not apart <= AGREE[problem.case.precision]:
            raise SystemExit(f"{way.name}: the losses differ by {apart:.2g}, so nothing is timed")
        way.advance(arguments.steps)  # another number of steps may be another program
        pair = [baseline] if way is baseline else [baseline, way]
        seconds = alternate(pair, steps=arguments.steps, rounds=arguments.rounds)
        ratios = [b / a for a, b in zip(seconds[baseline.name], seconds[way.name], strict=True)]
        needs = way.bytes()
        results.append({
            "way": way.name, "seconds": spread(seconds[way.name]), "ratio": spread(ratios, 2), "bytes": needs,
            "verified": apart,
        })  # fmt: skip
        print(
            f"  {way.name:<40} {statistics.median(seconds[way.name]):8.3f} s a step   x {statistics.median(ratios):.2f}"
            f" ({min(ratios):.2f} to {max(ratios):.2f})   {needs / 2**30:.2f} GiB",
            flush=True,
        )
        settings = {"steps": arguments.steps, "rounds": arguments.rounds}
        case = dataclasses.asdict(problem.case)
        save(arguments.out, {**record("choices"), **settings, "case": case, "results": results})


if __name__ == "__main__":
    main()
