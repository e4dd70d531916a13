"""jaxprior beside PyTorch, on the same inversion: random official networks, the same codes, targets, loss and Adam.

    python benchmarks/compare_torch.py --out benchmarks/results/NAME.json [--mganprior CHECKOUT] [--compile]

jaxprior runs against PyTorch written here from the paper's equations (`peers/eager.py`), with all codes and pictures in
one batch, frozen weights, channels-last features and the target's features computed once; on a GPU with the case's
precision. It upsamples in two ways, with --compile each of them compiled too; the fastest is PyTorch at its best. Then
against the public code, as it is shipped, from a checkout that you give; without one, against a loop that works as it
does (`EagerLoop`). Before anything is timed, the losses of the first steps must agree. All take turns; a ratio is
formed in every round.
"""

import argparse
import dataclasses
import os
import statistics
from pathlib import Path
from typing import Any


os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # a GPU's memory is shared with PyTorch

import jax
import numpy as np
import torch
from measuring import AGREE, alternate, hardware, in_time, record, save, spread
from peers.eager import Eager, EagerLoop, EagerTransposed
from peers.public import Public
from throughput import parse

from jaxprior.restoration.benchmarking import Case, Runner, images_per_hour, make_problem, matmul_peak, operations


ON_CPU = ("256:20:8:1:fp32", "256:20:8:4:fp32", "256:10:6:1:fp32", "256:10:6:4:fp32")
ON_GPU = ("256:20:8:16:bf16", "256:20:8:16:tf32", "256:20:8:1:tf32", "256:10:6:16:bf16", "64:20:6:64:bf16")
"""Resolution, codes, layer, batch, precision; the most important first."""


CHECKED = 3
"""First losses that must agree."""


def compare(
    case: Case, *, checkout: Path | None, best_alone: bool, compiled: bool, steps: int, rounds: int
) -> dict:
    """All runners on one case."""
    problem = make_problem(case)
    ways = [Eager(problem), EagerTransposed(problem)]
    if compiled:
        ways += [Eager(problem, compiled=True), EagerTransposed(problem, compiled=True)]
    runners = [Runner(problem), *ways]
    if not best_alone and (case.precision == "fp32" or checkout is not None):
        runners.append(EagerLoop(problem) if checkout is None else Public(problem, checkout))
    first = CHECKED if jax.default_backend() == "cpu" else steps  # an accelerator compiles each length anew
    losses = {runner.name: runner.advance(first if runner is runners[0] else CHECKED)[:CHECKED] for runner in runners}
    ours = losses[Runner.name]
    agree = {name: float(np.max(np.abs(theirs / ours - 1))) for name, theirs in losses.items()}
    wrong = {name: value for name, value in agree.items() if not value <= AGREE[case.precision]}
    if wrong:
        raise SystemExit(f"{case.title}: the losses differ, so nothing is timed: {wrong}")
    seconds = alternate(runners, steps=steps, rounds=rounds)
    count, peak = operations(problem), matmul_peak(case.precision)
    found = {"case": dataclasses.asdict(case), "verified": agree, "operations": count, "peak": peak, "runners": {}}
    for name, values in seconds.items():
        ratios = [theirs / mine for theirs, mine in zip(values, seconds[Runner.name], strict=True)]
        median = statistics.median(values)
        found["runners"][name] = {
            "seconds": spread(values), "ratio": spread(ratios, 2), "share_of_peak": round(count / median / peak, 3),
        }  # fmt: skip
        print(
            f"  {name:<36} {median:8.3f} s a step   {images_per_hour(case, median):8.2f} images/hour"
            f"   {count / median / 1e9:8.0f} GFLOP/s   x {statistics.median(ratios):.2f}",
            flush=True,
        )
    best = min((way.name for way in ways), key=lambda name: statistics.median(seconds[name]))
    found["best_torch"] = best
    print(f"  PyTorch at its best: {best.removeprefix('PyTorch, ')}", flush=True)
    if torch.cuda.is_available():
        for runner in runners[1:]:
            found["runners"][runner.name]["peak_bytes"] = torch_bytes(runner)
    return found


def torch_bytes(runner: Any) -> int:
    """The most bytes that PyTorch's allocator had in use in a step of a runner, with what else lies there."""
    torch.cuda.reset_peak_memory_stats()
    runner.advance(1)
    return torch.cuda.max_memory_allocated()


def main() -> None:
    """Run all cases."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="JSON file to write")
    parser.add_argument("--mganprior", type=Path, metavar="CHECKOUT", help="the public code, to measure it as shipped")
    parser.add_argument("--best-alone", action="store_true", help="leave out the public code, and the loop like it")
    parser.add_argument("--compile", action="store_true", help="PyTorch with torch.compile as well")
    parser.add_argument("--cases", help="resolution:codes:layer:batch:precision, separated by commas")
    parser.add_argument("--rounds", type=int, default=5)
    on_cpu = jax.default_backend() == "cpu"
    parser.add_argument("--steps", type=int, default=1 if on_cpu else 25, help="in a round")
    parser.add_argument("--minutes", type=float, help="begin no case after so many")
    arguments = parser.parse_args()
    chosen = arguments.cases.split(",") if arguments.cases else ON_CPU if on_cpu else ON_GPU
    torch.set_num_threads(hardware()["cores"])
    results = []
    for text in in_time(chosen, arguments.minutes):
        case = parse(text)
        print(f"{case.title}:", flush=True)
        settings = {"steps": arguments.steps, "rounds": arguments.rounds, "compiled": arguments.compile}
        results.append(compare(case, checkout=arguments.mganprior, best_alone=arguments.best_alone, **settings))
        versions = {"torch": torch.__version__, "torch_threads": torch.get_num_threads()}
        save(arguments.out, {**record("compare_torch"), **versions, **settings, "results": results})


if __name__ == "__main__":
    main()
