"""Stopping a program: safe points, nested guards, the deadline, and trainings that are stopped while they compile."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
from program import Running, inside

from jaxprior.data.images import save_png
from jaxprior.runs import checkpoints
from jaxprior.runs.stopping import ProgramGuard, StopGuard, Stopped
from jaxprior.training.metrics_file import read_metrics


NUMBERS = (signal.SIGINT, signal.SIGTERM)


def never() -> None:
    raise AssertionError("the deadline passed")


@pytest.mark.parametrize("number", NUMBERS)
def test_a_guard_notes_a_signal_and_stops_at_the_next_check(number):
    before = signal.getsignal(number)
    with pytest.raises(Stopped), StopGuard() as guard:
        guard.check()
        assert not guard.requested
        os.kill(os.getpid(), number)
        assert guard.requested
        guard.check()
    assert signal.getsignal(number) is before


def test_a_guard_asks_to_stop_when_its_time_is_over():
    assert not StopGuard(seconds=1000).requested
    with StopGuard(seconds=0) as guard:
        time.sleep(0.01)
        assert guard.requested
    with pytest.raises(Stopped):
        guard.check()


def test_a_guard_around_another_learns_of_the_signal():
    with StopGuard() as outer:
        with StopGuard() as inner:
            os.kill(os.getpid(), signal.SIGTERM)
        assert inner.requested and outer.requested


@pytest.mark.parametrize("number", NUMBERS)
def test_a_program_is_stopped_at_once_where_nothing_asks_for_patience(number):
    before, reached = signal.getsignal(number), []
    with pytest.raises(Stopped), ProgramGuard(end=never):
        os.kill(os.getpid(), number)
        reached.append("too far")
    assert signal.getsignal(number) is before and not reached


def test_a_signal_that_came_after_the_last_safe_point_stops_the_program_after_that_work():
    reached = []
    with pytest.raises(Stopped), ProgramGuard(end=never):
        with StopGuard():
            os.kill(os.getpid(), signal.SIGTERM)
            reached.append("finished")
        reached.append("too far")
    assert reached == ["finished"]


def test_another_error_is_not_hidden_by_a_signal():
    with pytest.raises(ValueError, match="own"), ProgramGuard(end=never), StopGuard():
        os.kill(os.getpid(), signal.SIGTERM)
        raise ValueError("own")


def test_a_program_that_stops_in_time_meets_no_deadline():
    called = []
    with pytest.raises(Stopped), ProgramGuard(end=lambda: called.append(1), grace=0.2):
        os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0.4)
    assert not called


def test_a_program_that_imports_is_ended_without_an_exception(tmp_path, monkeypatch):
    """An exception in the middle of the import of a compiled module may crash it, as it does JAX's."""
    (tmp_path / "module_that_is_stopped.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGTERM)\n")
    monkeypatch.syspath_prepend(tmp_path)
    ended = []
    with ProgramGuard(end=lambda: ended.append("ended")):
        import module_that_is_stopped  # noqa: F401
    assert ended == ["ended"]


def test_a_process_ends_in_time_where_python_is_held_up():
    """A computation that returns only after the grace period, as a compilation or a very large step does."""
    code = textwrap.dedent("""
        import hashlib, os, sys
        from jaxprior.runs.stopping import ProgramGuard, StopGuard
        def end():
            print("too late", file=sys.stderr, flush=True)
            os._exit(75)
        with ProgramGuard(end=end, grace=0.5), StopGuard():
            print("ready", flush=True)
            hashlib.pbkdf2_hmac("sha256", b"", b"", 10**9)      # minutes in C
    """)
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)  # a shell's background jobs ignore SIGINT
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 75 and err == "too late\n"


@pytest.fixture
def picture(tmp_path) -> Path:
    """A folder with one picture."""
    (tmp_path / "pictures").mkdir()
    path = tmp_path / "pictures" / "noise.png"
    save_png(path, np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8))
    return path


PGGAN = ("--resolution", 8, "--start-resolution", 4, "--widths", "4,4", "--latent-dim", 8, "--batch-size", 2)
PGGAN_STEPS = ("--loss", "wgan-gp", "--train-kimg", 0.002, "--fade-kimg", 0.002, "--final-kimg", 0.004)
SINGAN = ("--min-size", 20, "--num-scales", 2, "--steps", 2, "--width", 4, "--layers", 2)
SINGAN_STEPS = ("--critic-steps", 1, "--generator-steps", 1)
SLOW_COMPILER = """
import hashlib
import sys
from pathlib import Path

from jax._src import compiler

really = compiler.compile_or_get_cached


def compile_or_get_cached(*arguments, **named):
    if Path(sys.argv[1], "model.safetensors").exists():
        hashlib.pbkdf2_hmac("sha256", b"", b"", 10**9)      # minutes in C, as a compilation is
    return really(*arguments, **named)


compiler.compile_or_get_cached = compile_or_get_cached
from jaxprior.cli import main
main(sys.argv[2:])
"""
"""The program, whose first phase trains as always, and whose second one compiles for minutes."""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["pggan", "singan"])
def test_a_training_that_compiles_ends_in_time_and_goes_on(kind, picture, tmp_path):
    run = tmp_path / "run"
    command = {
        "pggan": ("train", "pggan", "--data", picture.parent, "-o", run, *PGGAN, *PGGAN_STEPS),
        "singan": ("singan", "train", picture, "-o", run, *SINGAN, *SINGAN_STEPS),
    }[kind]
    running = Running(run, *command, code=SLOW_COMPILER)
    while running.running(0) and not (run / "model.safetensors").exists():
        time.sleep(0.05)
    time.sleep(1)  # the first phase is over and saved, and the second one compiles
    ended, seconds = running.signal(signal.SIGTERM)
    assert ended.code == 75 and ended.one_sentence, ended.out + ended.err
    assert "the same command goes on: jaxprior " in ended.err
    assert seconds < 10  # batch systems kill after ten seconds
    rows = read_metrics(run / "metrics.csv")
    assert len(checkpoints.numbers(run / "checkpoints")) == 1 and len(rows) == 1

    again = inside(*command)
    assert again.code == 0, again.out + again.err
    finished = read_metrics(run / "metrics.csv")
    assert finished[0] == rows[0] and len(finished) > 1


LONELY = """
import sys
from jaxprior.system import runtime
runtime.PATIENCE = float(sys.argv.pop(1))
from jaxprior.cli import main; main()
"""
"""The program, with so many seconds of patience for the other processes of its run."""


def waiting(folder: Path, patience: float) -> Running:
    """A training in a process whose first process never comes."""
    save_png(folder / "pictures/one.png", np.zeros((8, 8, 3), np.uint8))
    command = ("train", "pggan", "--data", folder / "pictures", "-o", folder / "run", "--resolution", 8)
    meeting = ("--coordinator", "127.0.0.1:9", "--num-processes", 2, "--process-id", 1)
    return Running(patience, *command, *meeting, code=LONELY)


def test_a_process_whose_others_do_not_come_says_for_what_it_waits_and_ends_with_a_sentence(tmp_path):
    (tmp_path / "pictures").mkdir()
    ended = waiting(tmp_path, 0.2).wait(timeout=60)
    assert ended.code == 2 and ended.one_sentence, ended.out + ended.err
    assert "waiting for the other processes" in ended.out
    assert "not all of them came within 0.2 seconds" in ended.err


def test_a_process_that_waits_for_others_is_stopped_at_once(tmp_path):
    (tmp_path / "pictures").mkdir()
    process = waiting(tmp_path, 600)
    while process.running(0) and "waiting" not in process.said():
        time.sleep(0.05)
    ended, seconds = process.signal(signal.SIGTERM)
    assert ended.code == 75 and "Stopped; the same command goes on" in ended.err, ended.out + ended.err
    assert seconds < 10
