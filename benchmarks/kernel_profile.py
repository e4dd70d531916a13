"""A profile by kernel of an inversion step: what takes how long, to which layer it belongs, and what it writes.

    python benchmarks/kernel_profile.py --out benchmarks/results/NAME.json [--case 256:20:8:16:bf16] [--steps 25]

Steps are run under `jax.profiler.trace`, whose file is read with the standard library. On a GPU the events are kernels;
on a CPU they are the operations of XLA's runtime, which serves to rehearse this. The compiled program says of each
operation what it computes and how large its result is. Beside the table stand the compiler's own counts of operations
and bytes of the whole program, and the measured peak of a matrix product.
"""

import argparse
import dataclasses
import gzip
import json
import re
import statistics
import tempfile
from collections import defaultdict
from pathlib import Path

import jax
from hlo import bytes_of_type, compiled_step
from measuring import record, save
from roofline import label
from throughput import parse

from jaxprior.inversion import engine
from jaxprior.restoration.benchmarking import Runner, make_problem, matmul_peak, operations, time_steps


KINDS = (
    ("convolution", r"conv|cudnn|xmma|implicit|dgrad|fprop|wgrad"),
    ("matrix product", r"gemm|dot|cublas|cutlass|nvjet|matmul"),
    ("copy or transpose", r"copy|transpose|memcpy"),
    ("reduction", r"reduce"),
    ("fusion", r"fusion|loop|input"),
)
"""What an operation is, by its name: the first that fits."""
SHOWN = 30


def events(folder: Path) -> list[dict]:
    """The timed events of a trace, with the names of their processes and threads: {"process", "thread", "name", "dur"}.

    Arguments:
        folder: that was given to `jax.profiler.trace`.
    """
    (path,) = folder.glob("plugins/profile/*/*.trace.json.gz")
    with gzip.open(path, "rt") as file:
        found = json.load(file)["traceEvents"]
    processes = {one["pid"]: one["args"]["name"] for one in found if one.get("name") == "process_name"}
    named = [one for one in found if one.get("name") == "thread_name"]
    threads = {(one["pid"], one["tid"]): one["args"]["name"] for one in named}
    return [
        {"process": processes.get(one["pid"], ""), "thread": threads.get((one["pid"], one["tid"]), ""),
         "name": one["name"], "dur": one["dur"], "operation": str(one.get("args", {}).get("hlo_op", ""))}
        for one in found if one.get("ph") == "X" and one.get("dur")
    ]  # fmt: skip


def of_device(found: list[dict]) -> list[dict]:
    """The events of kernels: of the GPU's streams where there is one, else the operations of the CPU's runtime.

    Other threads of a GPU repeat the same time by module and by operation.
    """
    on_gpu = [one for one in found if "gpu" in one["process"].lower() and one["thread"].startswith("Stream")]
    return on_gpu or [one for one in found if one["operation"]]


@dataclasses.dataclass
class Described:
    """What the compiled program says of one of its operations.

    Fields:
        layer: "layer3 gradient" and the like; computes: the operation's kind; bytes: of the result.
    """

    layer: str
    computes: str
    bytes: int


def described(program: str) -> dict[str, Described]:
    """Operations of a compiled program by name.

    Arguments:
        program: its text.
    """
    found = {}
    for line in program.splitlines():
        matched = re.match(r"\s*(?:ROOT )?%?([\w.\-]+) = (\(?[\w\[\],{}:()\s/*=]*?) ([\w\-]+)\(", line)
        if matched:
            name, shape, computes = matched.groups()
            where = re.search(r'op_name="([^"]*)"', line)
            called = re.search(r'custom_call_target="([^"]*)"', line)
            computes = called.group(1) if called else computes
            found[name] = Described(label(where.group(1)) if where else "", computes, bytes_of_type(shape))
    return found


def kind_of(name: str) -> str:
    """What an operation is, by the name of its kernel and of itself."""
    return next((kind for kind, pattern in KINDS if re.search(pattern, name.lower())), "other")


def table_of(found: list[dict], program: dict[str, Described], steps: int) -> list[dict]:
    """A row a kernel and operation, the longest first; times are milliseconds of one step."""
    rows: dict[tuple[str, str], list[float]] = defaultdict(list)
    for one in found:
        rows[one["name"], one["operation"]].append(one["dur"] / 1e3)
    table = []
    for (kernel, name), times in rows.items():
        own = program.get(name, Described("", "", 0))
        took = sum(times) / steps
        table.append({
            "kernel": kernel, "operation": name, "computes": own.computes, "layer": own.layer or "(none)",
            "kind": kind_of(f"{kernel} {name} {own.computes}"), "calls": round(len(times) / steps, 2),
            "ms": round(took, 4), "result_bytes": own.bytes,
            "written_tb_s": round(own.bytes / statistics.median(times) / 1e9, 3) if own.bytes else None,
        })  # fmt: skip
    return sorted(table, key=lambda row: -row["ms"])


def summed(table: list[dict], by: str) -> dict[str, float]:
    """Milliseconds of a step by one of the columns, the longest first."""
    total: dict[str, float] = defaultdict(float)
    for row in table:
        total[row[by]] += row["ms"]
    return {name: round(value, 4) for name, value in sorted(total.items(), key=lambda item: -item[1])}


def main() -> None:
    """Profile one case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    on_cpu = jax.default_backend() == "cpu"
    parser.add_argument("--case", default="256:20:8:16:bf16", help="resolution:codes:layer:batch:precision")
    parser.add_argument("--steps", type=int, default=2 if on_cpu else engine.CHUNK, help="that are profiled")
    parser.add_argument("--out", type=Path, help="JSON file to write")
    arguments = parser.parse_args()
    case = parse(arguments.case)
    runner = Runner(make_problem(case))
    runner.advance(arguments.steps)  # compiles
    seconds = time_steps(runner, arguments.steps)
    about = {"case": dataclasses.asdict(case), "steps": arguments.steps, "seconds": seconds}
    save(arguments.out, {**record("kernel_profile"), **about})
    with tempfile.TemporaryDirectory() as folder:
        with jax.profiler.trace(folder):
            runner.advance(arguments.steps)
        found = of_device(events(Path(folder)))
    program = compiled_step(runner)
    costs = {name: (program.cost_analysis() or {}).get(name) for name in ("flops", "bytes accessed")}
    table = table_of(found, described(program.as_text() or ""), arguments.steps)
    sums = {by: summed(table, by) for by in ("kind", "layer")}
    about["busy_ms"] = round(sum(sums["kind"].values()), 4)
    save(arguments.out, {**record("kernel_profile"), **about, "compiler": costs, "sums": sums, "kernels": table})
    rate, peak = operations(runner.problem) / seconds, matmul_peak(case.precision)
    about |= {"flops": rate, "peak": peak, "share_of_peak": rate / peak}
    save(arguments.out, {**record("kernel_profile"), **about, "compiler": costs, "sums": sums, "kernels": table})
    beside = f"{rate / peak:.0%} of a matrix product's {peak / 1e12:.2f} TFLOP/s"
    print(f"{case.title}: {1e3 * seconds:.3f} ms a step, {beside}")
    print("\n| ms a step | calls | kind | layer | operation | kernel |\n|---|---|---|---|---|---|")
    for row in table[:SHOWN]:
        print(
            f"| {row['ms']:.4f} | {row['calls']:g} | {row['kind']} | {row['layer']} | {row['operation']} "
            f"| {row['kernel'][:60]} |"
        )
    for by, found_sums in sums.items():
        print(f"\nby {by}: " + ", ".join(f"{name} {value:.3f}" for name, value in list(found_sums.items())[:16]))


if __name__ == "__main__":
    main()
