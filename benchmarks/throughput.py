"""Throughput of inversions on this device over codes, layer, resolution, batch and precision, beside its own limit.

    python benchmarks/throughput.py --out benchmarks/results/NAME.json [--cases 256:20:8:1:fp32,...]

Random official networks with a VGG-16 distance at relu3_3. Images an hour are for 3000 iterations, as the public
mGANprior code does them. Operations are counted as direct convolutions with phase kernels, so "of peak" can exceed what
the device multiplied: on CPUs convolutions of many channels take fewer multiplications. The peak is that of a large
matrix product in the same precision, measured in the same run. "memory" is what the compiler plans; the JSON also has
the most bytes that an accelerator's allocator had in use, for cases that needed more than those before them.
"""

import argparse
import dataclasses
from pathlib import Path

import jax
from measuring import in_time, record, save

from jaxprior.restoration.benchmarking import (
    Case,
    Runner,
    images_per_hour,
    make_problem,
    matmul_peak,
    measure,
    operations,
)


ON_CPU = (
    "64:20:6:1:fp32", "256:5:4:1:fp32", "256:10:6:1:fp32", "256:20:6:1:fp32", "256:20:8:1:fp32", "1024:10:6:1:fp32",
)  # fmt: skip
ON_GPU = (
    *(f"256:20:8:{batch}:bf16" for batch in (16, 32, 8, 1, 4, 64)),
    *(f"64:20:6:{batch}:bf16" for batch in (256, 64, 16)),
    *(f"256:20:8:16:{precision}" for precision in ("tf32", "fp32")),
    "64:20:6:256:tf32", "256:10:6:16:bf16", "256:20:6:16:bf16", "256:30:4:16:bf16", "1024:10:6:4:bf16",
)  # fmt: skip
"""The most important first: `--minutes` may cut the rest."""
COLUMNS = ("case", "s a step", "images/hour", "TFLOP/s", "of peak", "memory", "first step")


def parse(text: str) -> Case:
    """ "256:20:8:1:fp32" -> a case: resolution, codes, layer, batch, precision."""
    resolution, codes, layer, batch, precision = text.split(":")
    return Case(
        resolution=int(resolution), num_codes=int(codes), layer=int(layer), batch=int(batch), precision=precision
    )


def run(case: Case, *, steps: int, rounds: int) -> dict:
    """Measure one case; one whose memory does not suffice says so."""
    about = {"case": dataclasses.asdict(case), "title": case.title}
    before = peak_bytes()
    try:
        problem = make_problem(case)
        found = measure(Runner(problem), steps=steps, rounds=rounds)
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        return {**about, "failed": "out of memory"}
    rate, peak = operations(problem) / found.seconds, matmul_peak(case.precision)
    return {
        **about, **dataclasses.asdict(found), "images_per_hour": images_per_hour(case, found.seconds),
        "flops": rate, "peak": peak, "share_of_peak": rate / peak,
        "peak_bytes_in_use": after if (after := peak_bytes()) is not None and after != before else None,
    }  # fmt: skip


def peak_bytes() -> int | None:
    """The most bytes that were in use on the first device so far; None where it does not say."""
    return (jax.local_devices()[0].memory_stats() or {}).get("peak_bytes_in_use")


def line(found: dict) -> str:
    """A row of the table."""
    if "failed" in found:
        return f"| {found['title']} | {found['failed']} |" + " |" * (len(COLUMNS) - 2)
    cells = (
        found["title"], f"{found['seconds']:.3g}", f"{found['images_per_hour']:.3g}", f"{found['flops'] / 1e12:.3g}",
        f"{found['share_of_peak']:.0%}", f"{found['bytes'] / 2**30:.2f} GiB", f"{found['first']:.1f} s",
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Run all cases."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="JSON file to write")
    parser.add_argument("--cases", help="resolution:codes:layer:batch:precision, separated by commas")
    on_cpu = jax.default_backend() == "cpu"
    parser.add_argument("--steps", type=int, default=2 if on_cpu else 25, help="in a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--minutes", type=float, help="begin no case after so many")
    arguments = parser.parse_args()
    cases = arguments.cases.split(",") if arguments.cases else ON_CPU if on_cpu else ON_GPU
    settings = {"steps": arguments.steps, "rounds": arguments.rounds}
    results = []
    print(f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|")
    for text in in_time(cases, arguments.minutes):
        results.append(run(parse(text), **settings))
        print(line(results[-1]), flush=True)
        save(arguments.out, {**record("throughput"), **settings, "results": results})


if __name__ == "__main__":
    main()
