"""What all benchmarks share: what they ran on, fair timing of several runners, and JSON records.

On import the process is told to keep the memory that it frees, as the command line does, to the benefit of everybody
that is measured in it.
"""

import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from jaxprior.errors import JaxpriorError
from jaxprior.restoration.benchmarking import time_steps
from jaxprior.system import files, provenance
from jaxprior.system.allocation import keep_freed_memory


ROOT = Path(__file__).resolve().parents[1]
KEPT = keep_freed_memory()
AGREE = {"fp32": 1e-3, "tf32": 2e-2, "bf16": 5e-2}
"""Largest relative difference of the first losses of what is compared, by precision."""


def hardware() -> dict:
    """Processor, cores that this process may use, and memory."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {"processor": model, "cores": len(os.sched_getaffinity(0)), "memory_gib": round(memory_gib, 1)}


def commit() -> str:
    """The commit of this source tree, "+" after it if something is changed."""
    said = [
        subprocess.run(["git", "-C", ROOT, *words], capture_output=True, text=True, check=False).stdout.strip()
        for words in (("rev-parse", "--short=12", "HEAD"), ("status", "--porcelain", "--untracked-files=no"))
    ]
    return said[0] + "+" * bool(said[1])


def record(benchmark: str) -> dict:
    """What every result file says of itself."""
    return {
        "schema": 1, "benchmark": benchmark, "hardware": hardware(), "device": provenance.device_name(),
        "versions": provenance.versions(), "commit": commit(), "keeps_freed_memory": KEPT,
    }  # fmt: skip


def save(path: Path | None, value: dict) -> None:
    """Write a result file, if one is wanted."""
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write_json(path, value)


def plainly(main: Callable[[], None]) -> None:
    """Call a program; what a user did wrong ends it with a sentence."""
    try:
        main()
    except JaxpriorError as error:
        raise SystemExit(str(error)) from None


def in_time(cases: Sequence[Any], minutes: float | None) -> Iterator[Any]:
    """Case after case, none of which begins once so many minutes are over; what is left out is said."""
    end = float("inf") if minutes is None else time.monotonic() + 60 * minutes
    for i, case in enumerate(cases):
        if time.monotonic() > end:
            print(f"left out after {minutes:g} min: {', '.join(map(str, cases[i:]))}", flush=True)
            return
        yield case


def alternate(runners: Sequence[Any], *, steps: int, rounds: int) -> dict[str, list[float]]:
    """Seconds of one step of every runner in every round, each round in turn, so that noise meets all alike.

    A runner that has `one_by_one` takes as many steps as a batch of pictures allows in about the same time.
    """
    seconds = {runner.name: [] for runner in runners}
    for _ in range(rounds):
        for runner in runners:
            few = max(steps // (2 * runner.problem.case.batch), 1) if hasattr(runner, "one_by_one") else steps
            seconds[runner.name].append(time_steps(runner, few))
    return seconds


def spread(values: Sequence[float], digits: int = 4) -> dict[str, float]:
    """Median, fastest and slowest."""
    named = {"median": statistics.median(values), "fastest": min(values), "slowest": max(values)}
    return {name: round(value, digits) for name, value in named.items()}
