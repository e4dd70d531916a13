"""The command line from outside: as processes that can be killed and measured, and, where that is enough, in here."""

import dataclasses
import os
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

import jaxprior
from jaxprior.runs.row import decode


MAIN = "from jaxprior.cli import main; main()"
STABLE = ("images", "raw", "latents")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a command ended.

    Fields:
        code: exit code, minus the signal's number if one killed it.
        out, err: what it printed.
        seconds: from its start to its end.
        peak: the most resident memory that it had, MiB.
    """

    code: int
    out: str
    err: str
    seconds: float = 0.0
    peak: float = 0.0

    @property
    def traced(self) -> bool:
        """Whether it printed a traceback."""
        return "Traceback" in self.err + self.out

    @property
    def one_sentence(self) -> bool:
        """Whether it said one line of its own on standard error."""
        return self.err.startswith("jaxprior: ") and self.err.count("\n") == 1 and not self.traced


class Running:
    """A Python process at work on this jaxprior.

    Arguments:
        arguments: of the program.
        environment: added to this process's own.
        code: what it runs instead of the program; the arguments are its `sys.argv[1:]`.

    Example:
        >>> Running("doctor").wait().code
        0
    """

    def __init__(self, *arguments: Any, environment: dict[str, str] | None = None, code: str = MAIN):
        self._out, self._err = tempfile.TemporaryFile(), tempfile.TemporaryFile()
        paths = (str(Path(jaxprior.__file__).parents[1]), os.environ.get("PYTHONPATH", ""))
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))} | (environment or {})
        self.begun, self.peak = time.time(), 0.0
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, *map(str, arguments)], stdout=self._out, stderr=self._err, env=environment
        )

    def running(self, seconds: float) -> bool:
        """Wait so long; whether it still runs then."""
        deadline = self.begun + seconds
        while self._look() and time.time() < deadline:
            time.sleep(0.02)
        return self.process.poll() is None

    def wait(self, timeout: float = 900) -> Outcome:
        """Wait for its end.

        Raises:
            TimeoutError: it does not end; it is killed.
        """
        if self.running(time.time() - self.begun + timeout):
            self.process.kill()
            raise TimeoutError(f"{self.process.args} did not end within {timeout} s")
        return self._outcome()

    def said(self) -> str:
        """What it has printed so far."""
        return os.pread(self._out.fileno(), 1 << 20, 0).decode(errors="replace")

    def signal(self, number: int) -> tuple[Outcome, float]:
        """Send a signal and wait for the end: how it ended, and seconds from the signal to the end."""
        sent = time.time()
        self.process.send_signal(number)
        outcome = self.wait()
        return outcome, time.time() - sent

    def _outcome(self) -> Outcome:
        seconds, texts = time.time() - self.begun, []
        for file in (self._out, self._err):
            file.seek(0)
            texts.append(file.read().decode(errors="replace"))
            file.close()
        return Outcome(code=self.process.returncode, out=texts[0], err=texts[1], seconds=seconds, peak=self.peak)

    def _look(self) -> bool:
        """Whether it still runs; notes its high-water mark, which the kernel forgets with the process."""
        try:
            status = Path(f"/proc/{self.process.pid}/status").read_text()
            self.peak = max(self.peak, int(status.partition("VmHWM:")[2].split()[0]) / 1024)
        except (OSError, IndexError):
            pass  # no such file on this system, or the process is gone
        return self.process.poll() is None


def call(*arguments: Any, environment: dict[str, str] | None = None) -> Outcome:
    """Run the program to its end in a process of its own."""
    return Running(*arguments, environment=environment).wait()


def inside(*arguments: Any) -> Outcome:
    """Run the program in this process, whose compiled functions it shares."""
    from jaxprior.cli import app

    begun = time.time()
    ended = CliRunner().invoke(app, [str(argument) for argument in arguments])
    err = ended.stderr
    if ended.exception is not None and not isinstance(ended.exception, SystemExit):
        err += "".join(traceback.format_exception(ended.exception))
    return Outcome(code=ended.exit_code, out=ended.stdout, err=err, seconds=time.time() - begun)


def printed(*arguments: Any, code: int = 0) -> str:
    """What the program printed in this process, errors if it is to fail; it must end with this exit code."""
    ended = inside(*arguments)
    assert ended.code == code and not ended.traced, ended.out + ended.err
    return ended.err if code else ended.out


def stable_files(run: Path) -> dict[str, bytes]:
    """What "byte-identical" means of a run: pictures, latents and the tables without times."""
    files = [run / "results.csv", run / "summary.md"]
    files += [file for kind in STABLE for file in sorted((run / kind).iterdir())]
    return {str(file.relative_to(run)): file.read_bytes() for file in files}


def journal_lines(run: Path) -> list[str]:
    """The lines of all journals of a run, oldest first within each; a torn last one included."""
    lines = []
    for file in sorted(run.glob("results*.jsonl")):
        lines += file.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
    return lines


def journal_rows(run: Path) -> list[Any]:
    """The rows of all whole lines."""
    return [row for row in map(decode, journal_lines(run)) if row is not None]


def journal_is_valid(run: Path) -> bool:
    """Whether every line but a torn last one is whole and has the right check sum."""
    for file in run.glob("results*.jsonl"):
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
        if any(decode(line) is None for line in lines if line.endswith("\n")):
            return False
        if any(not line.endswith("\n") for line in lines[:-1]):
            return False
    return True
