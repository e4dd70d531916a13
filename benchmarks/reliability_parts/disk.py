"""Disks that fill up, a disk that is read-only, folders that hold no run, and two writers on one run folder.

A run into a RAM disk that is too small must stop with a sentence and exit code 75, with a journal of which every line
is whole; with more room the same command must finish it to what a run elsewhere makes, to the byte. 20 sizes, from
nearly nothing to nearly enough, run in this process; one of 2 MB runs as a user would run it.
"""

import os
import signal
import time
from pathlib import Path

import numpy as np
from program import Running, call, inside, journal_is_valid, journal_rows, stable_files
from small_disk import NoDisk, small_disk
from tiny_prior import write_tiny_prior

from jaxprior.data import images
from reliability_parts.findings import Findings


SIZES, FEW, MANY, SIDE = 20, 12, 96, 16
QUICK = ("--mask", "block:0.25", "--clean", "--codes", 2, "--layer", 4, "--steps", 2, "--optimizer", "adam")
QUICK += ("--init", "random", "--batch-size", 4)
PATIENCE, TRIES = 1.0, 3


def run(data: Path, work: Path) -> Findings:
    """All of it; without the right to mount only the writers."""
    found = Findings()
    prior = write_tiny_prior(work / "tiny.safetensors")
    for name, count in (("few", FEW), ("many", MANY)):
        (work / name).mkdir()
        for i in range(count):
            chance = np.random.default_rng(i)
            images.save_png(work / name / f"{i}.png", chance.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8))
    few, many = (("inpaint", work / name, "--prior", prior, *QUICK) for name in ("few", "many"))
    try:
        twenty_sizes(found, few, work)
        two_megabytes(found, many, work)
        read_only(found, few, work)
    except NoDisk as reason:
        found.figure("full and read-only disks left out", str(reason))
    odd_folders(found, few, work)
    writers(found, many, work)
    return found


def twenty_sizes(found: Findings, command: tuple, work: Path) -> None:
    """Every size: stops with a sentence, keeps a valid journal, is finished with more room."""
    elsewhere = work / "elsewhere"
    inside(*command, "-o", elsewhere)
    expected = stable_files(elsewhere)
    needed = sum(-(-file.stat().st_size // 4096) * 4 for file in elsewhere.rglob("*") if file.is_file())
    failures, stopped = [], 0
    for kib in np.linspace(4, needed - 8, SIZES).round().astype(int):
        with small_disk(work / "disk", kib=kib) as disk:
            outcome = inside(*command, "-o", disk.path / "run")
            stopped += outcome.code == 75
            problem = None
            if outcome.code not in (0, 75) or outcome.traced:
                problem = f"exit code {outcome.code}: {outcome.err[-200:]}"
            elif outcome.code == 75 and not (outcome.one_sentence and "full" in outcome.err):
                problem = f"it said: {outcome.err}"
            elif not journal_is_valid(disk.path / "run"):
                problem = "the journal is damaged"
            disk.remount("size=64m")
            again = inside(*command, "-o", disk.path / "run")
            if problem is None and again.code:
                problem = f"with more room: exit code {again.code}: {again.err[-200:]}"
            elif problem is None and stable_files(disk.path / "run") != expected:
                problem = "with more room: other results"
            if problem:
                failures.append(f"{kib} KiB: {problem}")
    for failure in failures:
        print(f"          {failure}")
    found.figure("whole run, KiB", needed)
    found.check("sizes at which it stopped", stopped, str(SIZES), stopped == SIZES)
    found.check("sizes handled well", SIZES - len(failures), f"{SIZES} of {SIZES}", not failures)


def two_megabytes(found: Findings, command: tuple, work: Path) -> None:
    """As a user would see it."""
    expected = call(*command, "-o", work / "large")
    with small_disk(work / "disk", kib=2048) as disk:
        outcome = call(*command, "-o", disk.path / "run")
        kept = len(journal_rows(disk.path / "run"))
        found.figure("what a full 2 MB disk says", outcome.err.strip())
        found.check("its exit code", outcome.code, "75", outcome.code == 75)
        found.check("one sentence", outcome.one_sentence, "True", outcome.one_sentence)
        found.check("rows kept in a valid journal", kept, "some", kept and journal_is_valid(disk.path / "run"))
        disk.remount("size=64m")
        again = call(*command, "-o", disk.path / "run")
        same = expected.code == again.code == 0 and stable_files(disk.path / "run") == stable_files(work / "large")
        found.check("the same command with more room", "identical" if same else "different", "identical", same)


def read_only(found: Findings, command: tuple, work: Path) -> None:
    """A read-only disk with a finished run on it: the run again, another one, its report."""
    with small_disk(work / "disk", kib=65536) as disk:
        inside(*command, "-o", disk.path / "run")
        disk.remount("ro")
        for name, words in (
            ("a finished run", (*command, "-o", disk.path / "run")),
            ("a new run", (*command, "-o", disk.path / "new")),
            ("a report", ("report", disk.path / "run")),
        ):
            outcome = call(*words)
            found.check(
                f"{name} on a read-only disk", (outcome.code, outcome.err.strip()[-200:]), "2 and one sentence",
                outcome.code == 2 and outcome.one_sentence,
            )  # fmt: skip


def odd_folders(found: Findings, command: tuple, work: Path) -> None:
    """Run folders that are none, or whose run.json is another program's: a sentence and exit code 2."""
    (work / "file").touch()
    for name, text in (("cut", "{"), ("list", "[]"), ("empty", "{}"), ("bare", '{"kind": "restoration"}')):
        (work / name).mkdir()
        (work / name / "run.json").write_text(text)
    problems = []
    for folder in ("file", "file/below", "cut", "list", "empty", "bare"):
        for words in ((*command, "-o", work / folder), ("report", work / folder)):
            outcome = inside(*words)
            if outcome.code != 2 or not outcome.one_sentence:
                problems.append(
                    f"{words[0]} {folder}: {outcome.code}, {(outcome.err.strip().splitlines() or [''])[-1]}"
                )
    found.check("run folders that are none, badly refused", problems, "none", not problems)
    named = inside(*command, "-o", work / os.fsdecode(b"r\xff"))
    found.check("a run folder whose name is no UTF-8: exit code", named.code, "0", named.code == 0)


def writers(found: Findings, command: tuple, work: Path) -> None:
    """A second writer while the first is at work, and one after the first was killed."""
    folder = work / "shared"
    slow = (*command, "--steps", 20000, "-o", folder)
    first = Running(*slow)
    while first.running(0) and not (folder / "run.json").exists():
        time.sleep(0.1)
    pairs = [(call(*slow, "--layer", 99), call(*slow)) for _ in range(TRIES)]
    second = pairs[0][1]
    found.check("second writer: exit code", second.code, "2", second.code == 2)
    found.check(
        "second writer: one sentence", second.err.strip(), "names the first", str(first.process.pid) in second.err
    )
    mistake, refusal = (min(outcome.seconds for outcome in outcomes) for outcomes in zip(*pairs, strict=True))
    extra = refusal - mistake  # a wrong layer is refused just before the folder is opened: start-up costs the same
    found.check("second writer: seconds beyond start-up", round(extra, 2), f"at most {PATIENCE}", extra <= PATIENCE)
    first.signal(signal.SIGKILL)
    third = Running(*slow)
    taken = third.running(30)
    third.signal(signal.SIGTERM)
    found.check("a killed writer's lock is taken over", taken, "True", taken)
