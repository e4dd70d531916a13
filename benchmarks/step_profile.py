"""Where the time of one inversion step goes on a CPU, stage by stage, beside the limits of this machine.

    python benchmarks/step_profile.py --out benchmarks/results/NAME.json [--cases 256:20:8:1:fp32,cats64]

Steps are traced with JAX's profiler. Every operation of the compiled step belongs to one stage: a part of the inversion
(head, tail, feature network, the rest), the side of its maps, forward or gradient. Its kind is one of `KINDS`; the
transforms of Winograd's filtering are told apart by the scopes that `jaxprior.nn.winograd` names.

Multiplications and additions of an operation are counted from its shapes, its bytes are those of all arrays that it
reads or writes, once each. An operation's limit is the larger of two times: what its multiplications and additions take
at the speed of a large matrix product, and what its bytes take at the speed of a copy from and to memory, both measured
in this run. What a stage reaches is the sum of its operations' limits in its time; it can be above 100 % where arrays
are still in a cache, and where two operations share the cores.
"""

import argparse
import dataclasses
import glob
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from hlo import Operation, compiled_step, operations_of
from jax.profiler import ProfileData
from measuring import in_time, record, save, spread
from throughput import parse

import jaxprior as jp
from jaxprior.inversion.codes.multi import MultiCode
from jaxprior.models.vgg import networks as vgg
from jaxprior.restoration.benchmarking import Case, Problem, Runner, make_problem, matmul_peak, time_steps
from jaxprior.restoration.placement import Placement


CASES = ("256:20:8:1:fp32", "256:20:8:4:fp32", "256:10:6:1:fp32", "256:10:6:4:fp32", "cats64")
"""Resolution, codes, layer, batch and precision of random networks; or a bundled prior at its defaults."""

KINDS = ("products", "input transform", "output transform", "convolution", "bias, activation, norm", "rest")
"""What an operation does. "convolution" is one that is computed directly."""

PARTS = {"Generator.head": "head", "Generator.tail": "tail", "VGG": "features"}
"""The names of the parts in the program, and in the tables."""


@dataclasses.dataclass(frozen=True)
class Limits:
    """What this machine can do.

    Fields:
        flops: multiplications and additions a second of a large matrix product in float32, on all cores.
        flops_of_one: the same on one core.
        bandwidth: bytes a second that are read and written in copying an array that no cache holds, on all cores.
        bandwidth_of_one: the same on one core.
        cached: the same for an array of 8 MiB, which a third-level cache holds, on all cores.
    """

    flops: float
    flops_of_one: float
    bandwidth: float
    bandwidth_of_one: float
    cached: float

    def seconds(self, operation: Operation) -> float:
        """What an operation takes at least."""
        return max(operation.flops / self.flops, operation.bytes / self.bandwidth)


def limits() -> Limits:
    """Measure them, those of one core in a process of its own."""
    one = subprocess.run(
        [sys.executable, __file__, "--one-core"], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    single = json.loads(one.stdout.splitlines()[-1])
    return Limits(
        flops=matmul_peak(), flops_of_one=single["flops"],
        bandwidth=copying(1 << 28), bandwidth_of_one=single["bandwidth"], cached=copying(1 << 23),
    )  # fmt: skip


def copying(size: int) -> float:
    """Bytes a second, read and written, of scaling an array of so many bytes; the best of ten."""
    x, times = jnp.ones((size >> 12, 1 << 10), jnp.float32), []
    scale = jax.jit(lambda x: x * 1.5)
    scale(x).block_until_ready()
    for _ in range(10):
        began = time.perf_counter()
        scale(x).block_until_ready()
        times.append(time.perf_counter() - began)
    return 2 * size / min(times)


def make_runner(text: str) -> Runner:
    """A runner for one of `CASES`."""
    if ":" in text:
        return Runner(make_problem(parse(text)))
    prior = jp.load_prior(text)
    method = jp.preset("default", prior=prior)
    if not isinstance(method.codes, MultiCode):
        raise SystemExit(f"{text}: only a prior that is inverted with several codes can be profiled here")
    case = Case(
        resolution=prior.resolution, num_codes=method.codes.num_codes, layer=method.codes.layer, perceptual=False
    )
    random = np.random.default_rng(1)
    z = random.standard_normal((1, case.num_codes, prior.latent_dim)).astype(np.float32)
    target = np.asarray(prior.generate(jnp.asarray(random.standard_normal((1, prior.latent_dim)), jnp.float32)))
    runner = Runner(Problem(case=case, prior=prior, features=None, z=z, target=target))
    runner.codes, runner.solve = method.codes, method.solve
    runner.placement = Placement(
        prior, codes=method.codes, objective=method.objective, solve=method.solve, devices=jax.local_devices()[:1]
    )
    runner.restart()
    return runner


def time_of_operations(runner: Runner, names: set[str], steps: int) -> dict[str, float]:
    """Seconds of one step that each of these operations took; together they are the whole step."""
    with tempfile.TemporaryDirectory() as folder:
        with jax.profiler.trace(folder):
            runner.advance(steps)
        [path] = glob.glob(f"{folder}/**/*.xplane.pb", recursive=True)
        planes = ProfileData.from_file(path).planes
        events = [event for plane in planes for line in plane.lines for event in line.events if event.name in names]
        spans = [(event.start_ns, event.start_ns + event.duration_ns, event.name) for event in events]
    return {name: nanoseconds / 1e9 / steps for name, nanoseconds in shared_time(spans).items()}


def shared_time(spans: Sequence[tuple[float, float, str]]) -> dict[str, float]:
    """Divide time among overlapping spans.

    Arguments:
        spans: begin, end and name of each.

    Returns:
        The time of every name. A moment is divided among the spans that cover it; one that none covers belongs to the
        span that ended last, because an operation may go on in other threads after its call has returned.

    Example:
        >>> shared_time([(0, 2, "a"), (1, 3, "b"), (5, 6, "c")])
        {'a': 1.5, 'b': 3.5, 'c': 1.0}
    """
    changes = sorted([(begin, 1, name) for begin, _, name in spans] + [(end, -1, name) for _, end, name in spans])
    found: dict[str, float] = {}
    active: list[str] = []
    before, last = changes[0][0], changes[0][2]
    for moment, change, name in changes:
        running = active or [last]
        for one in running:
            found[one] = found.get(one, 0.0) + (moment - before) / len(running)
        before = moment
        if change > 0:
            active.append(name)
        else:
            active.remove(name)
            last = name
    return found


def stage_of(operation: Operation, case: Case) -> tuple[str, int, str]:
    """Part, side of the maps and direction of an operation: ("head", 32, "gradient")."""
    scope = operation.scope
    part = next((part for name, part in PARTS.items() if name in scope), "rest")
    direction = "gradient" if "transpose(" in scope else "forward"
    words = scope.split("/")
    for word in words:
        if word.startswith("layer") and word[5:].isdigit():
            return part, 4 << int(word[5:]) // 2, direction
        if part == "features" and word.startswith("conv") and word[4:].isdigit():
            pools = vgg.layer_kinds(vgg.STAGES["vgg16"])[: int(word[4:])].count("pool")
            return part, case.resolution >> pools, direction
        if word.startswith("output"):
            return part, case.resolution, direction
    if part == "rest":
        return part, 0, direction
    maps = case.batch * (case.num_codes if part == "head" else 1)
    pixels = max(np.prod(operation.shape[:-1], dtype=int) / maps, 1)
    return part, 1 << int(np.log2(pixels) / 2 + 1e-9), direction


def kind_of(operation: Operation, part: str) -> str:
    """One of `KINDS`."""
    if operation.multiplies:
        return "products" if operation.multiplies == "dot" else "convolution"
    for scope, kind in (("to_points", "input transform"), ("from_points", "output transform")):
        if scope in operation.scope:
            return kind
    return "rest" if part == "rest" else "bias, activation, norm"


def profile(text: str, machine: Limits, *, steps: int, rounds: int) -> dict:
    """One case: its time, and all stages with theirs."""
    runner = make_runner(text)
    case = runner.problem.case
    runner.advance(1)
    seconds = [time_steps(runner, steps) for _ in range(rounds)]
    operations = operations_of(compiled_step(runner).as_text() or "")
    taken = time_of_operations(runner, {operation.name for operation in operations}, steps)
    groups = -(-case.batch // runner.group)
    if groups > 1:
        case = dataclasses.replace(case, batch=runner.group)
    stages: dict[tuple, dict] = {}
    for operation in operations:
        stage = stage_of(operation, case)
        found = stages.setdefault(stage, {"flops": 0.0, "bytes": 0.0, "limit": 0.0, "kinds": defaultdict(float)})
        found["flops"] += groups * operation.flops
        found["bytes"] += groups * operation.bytes
        found["limit"] += groups * machine.seconds(operation)
        found["kinds"][kind_of(operation, stage[0])] += taken.get(operation.name, 0.0)
    order = [*PARTS.values(), "rest"]
    stages = dict(sorted(stages.items(), key=lambda item: (order.index(item[0][0]), item[0])))
    named = [
        {"part": part, "side": side, "direction": direction, **found}
        for (part, side, direction), found in stages.items()
    ]
    return {
        "case": text, "seconds": spread(seconds), "traced": sum(taken.values()),
        "flops": sum(stage["flops"] for stage in named), "bytes": sum(stage["bytes"] for stage in named),
        "limit": sum(stage["limit"] for stage in named), "stages": named,
    }  # fmt: skip


def main() -> None:
    """Profile all cases."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="JSON file to write")
    parser.add_argument("--cases", default=",".join(CASES), help="see above, separated by commas")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=2, help="in a round, and in the trace")
    parser.add_argument("--minutes", type=float, help="begin no case after so many")
    parser.add_argument("--one-core", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one_core:
        print(json.dumps({"flops": matmul_peak(), "bandwidth": copying(1 << 28)}))
        return
    machine, results = limits(), []
    for text in in_time(arguments.cases.split(","), arguments.minutes):
        found = profile(text, machine, steps=arguments.steps, rounds=arguments.rounds)
        results.append(found)
        print(
            f"{text}: {found['seconds']['median']:.3f} s a step, {found['traced']:.3f} s traced, "
            f"limit {found['limit']:.3f} s; {found['flops'] / 1e9:.0f} GFLOP, {found['bytes'] / 1e9:.1f} GB",
            flush=True,
        )
        save(arguments.out, {**record("step_profile"), "limits": dataclasses.asdict(machine), "results": results})


if __name__ == "__main__":
    if "--one-core" in sys.argv:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # before JAX makes its threads
    main()
