"""Several devices and several processes on one machine: the same rows, and nothing exchanged between devices."""

import re
import socket
from pathlib import Path

from program import Outcome, Running, call, journal_rows, stable_files

from reliability_parts.findings import Findings


COUNTS, PICTURES, NEAR = (1, 2, 8), 16, 0.1
METHOD = ("--starts", 1, "--steps", 25, "--codes", 10)
COLLECTIVES = "all-reduce all-gather all-to-all collective-permute collective-broadcast reduce-scatter".split()

COMPILE = """
import sys
import jax, numpy as np
import jaxprior as jp
from jaxprior.restoration.placement import Placement
prior = jp.load_prior("cats32")
method = jp.preset("default", jp.Inpaint(np.zeros((prior.resolution,) * 2, np.float32)), prior=prior)
placement = Placement(prior, codes=method.codes, objective=method.objective, solve=method.solve)
task = jp.Inpaint(jp.parse_mask("center:0.25").draw(prior.resolution))
photo = jax.ShapeDtypeStruct((prior.resolution, prior.resolution, 3), np.float32)
print(placement.compiled(task, photo, size=8).as_text())
"""


def run(data: Path, work: Path) -> Findings:
    """Layouts, collectives, shards, processes."""
    found = Findings()
    command = ("inpaint", data, "--limit", PICTURES, "--mask", "center:0.25", "--clean", *METHOD)
    layouts(found, command, work)
    collectives(found)
    shards(found, command, work)
    processes(found, command, work)
    return found


def layouts(found: Findings, command: tuple, work: Path) -> None:
    """Forced host devices; every layout twice."""
    for count in COUNTS:
        folders = [work / f"devices-{count}-{turn}" for turn in (1, 2)]
        outcomes = [call(*command, "-o", folder, environment=host_devices(count)) for folder in folders]
        if not _all_well(found, f"{count} devices", outcomes):
            return
        same = stable_files(folders[0]) == stable_files(folders[1])
        found.check(f"two runs on {count} devices", "identical" if same else "different", "identical", same)
    for count in COUNTS[1:]:
        gap = largest_gap(work / f"devices-{COUNTS[0]}-1", work / f"devices-{count}-1")
        found.check(f"largest difference of {count} devices and 1, dB", gap, f"at most {NEAR}", gap <= NEAR)


def collectives(found: Findings) -> None:
    """Operations between devices in the compiled step."""
    for count in COUNTS[1:]:
        outcome = Running(code=COMPILE, environment=host_devices(count)).wait()
        if not _all_well(found, f"compiled step for {count} devices", [outcome]):
            return
        names = {name: len(re.findall(rf"= [^=]*\b{name}(?:-start)?\(", outcome.out)) for name in COLLECTIVES}
        spread = f"num_partitions={count}" in outcome.out
        found.check(f"it is one program for {count} devices", spread, "True", spread)
        found.check(f"collective operations for {count} devices", sum(names.values()), "0", not any(names.values()))


def shards(found: Findings, command: tuple, work: Path) -> None:
    """Both halves of the pictures at the same time into one run folder."""
    folder = work / "shards"
    both = [Running(*command, "--shard", f"{i}/2", "-o", folder) for i in (1, 2)]
    _merged(found, "two shards at once", [running.wait() for running in both], folder, work)


def processes(found: Findings, command: tuple, work: Path) -> None:
    """Two processes that know each other, over loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = work / "processes"
    group = ("--coordinator", f"127.0.0.1:{port}", "--num-processes", 2)
    both = [Running(*command, *group, "--process-id", i, "-o", folder) for i in (0, 1)]
    _merged(found, "two processes over loopback", [running.wait() for running in both], folder, work)


def host_devices(count: int) -> dict[str, str]:
    """Environment in which the CPU counts as so many devices."""
    return {"XLA_FLAGS": f"--xla_force_host_platform_device_count={count}", "JAX_PLATFORMS": "cpu"}


def largest_gap(one: Path, two: Path) -> float:
    """The largest difference in dB of any PSNR of any picture of two runs; infinite where rows are missing."""
    rows = [{row.image: row for row in journal_rows(folder)} for folder in (one, two)]
    if rows[0].keys() != rows[1].keys():
        return float("inf")
    pairs = [
        (value, rows[1][image].figures[name])
        for image, row in rows[0].items()
        for name, value in row.figures.items()
        if name.startswith("psnr")
    ]
    return round(max(abs(a - b) for a, b in pairs), 4)


def _merged(found: Findings, what: str, outcomes: list[Outcome], folder: Path, work: Path) -> None:
    """Rows of a run that several processes wrote, against those of one process."""
    whole = work / "devices-1-1"
    if (
        not whole.exists()
        or not _all_well(found, what, outcomes)
        or not _all_well(found, what, [call("report", folder)])
    ):
        return
    rows = [row.image for row in journal_rows(folder)]
    found.check(
        f"{what}: rows, doubled",
        (len(rows), len(rows) - len(set(rows))),
        f"({PICTURES}, 0)",
        len(rows) == len(set(rows)) == PICTURES,
    )
    gap = largest_gap(whole, folder)
    found.check(f"{what}: largest difference, dB", gap, f"at most {NEAR}", gap <= NEAR)
    same = (folder / "results.csv").read_bytes() == (whole / "results.csv").read_bytes()
    found.figure(f"{what}: table equal to the byte", same)


def _all_well(found: Findings, what: str, outcomes: list[Outcome]) -> bool:
    """Whether all ended with 0; a check that says why not is missed."""
    bad = [outcome for outcome in outcomes if outcome.code]
    if bad:
        found.check(what, f"exit code {bad[0].code}: {bad[0].err.strip()[-300:]}", "exit code 0", False)
    return not bad
