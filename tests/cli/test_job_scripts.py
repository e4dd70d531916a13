"""The job scripts of docs/runs.md: bash runs them as Slurm and Kubernetes would, with processes of this machine."""

import csv
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from tiny_prior import write_tiny_prior

from jaxprior.data import images


DOCUMENT = (Path(__file__).parents[2] / "docs/runs.md").read_text()
PROGRAM = f'#!/bin/sh\nexec {sys.executable} -c "from jaxprior.cli import main; main()" "$@"\n'
STOPPABLE = '#!/bin/bash\ntrap "exit 75" TERM\ntouch started\nwhile true; do sleep 0.05; done\n'
RECIPE = """
[[prior]]
source = "tiny.safetensors"
[[data]]
name = "noise"
path = "pictures"
[[task]]
name = "reconstruct"
[[method]]
codes = {num_codes = 2, layer = 4}
solve = {steps = 2, starts = 1}
"""


def block(language: str) -> str:
    """The one block of the document in a language."""
    (text,) = re.findall(rf"^```{language}\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)
    return text


def container_script() -> str:
    """The script of the container of the Kubernetes Job, without the indentation that it has in the document."""
    text = block("yaml")
    inner = text[text.index("- |\n") + len("- |\n") : text.index("          resources:")]
    return "\n".join(line[14:] for line in inner.splitlines())


@pytest.fixture
def place(tmp_path):
    """A working folder whose `bin` comes first among the programs; what `scontrol` is told is written down."""
    (tmp_path / "bin").mkdir()
    program(tmp_path, "scontrol", '#!/bin/sh\necho "$@" >> told\n')
    return tmp_path


def program(place: Path, name: str, text: str) -> None:
    (place / "bin" / name).write_text(text)
    (place / "bin" / name).chmod(0o755)


def start(place: Path, script: str, **environment: str) -> subprocess.Popen:
    paths = f"{place / 'bin'}:{os.environ['PATH']}"
    python = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PATH": paths, "PYTHONPATH": python, "JAX_PLATFORMS": "cpu", **environment}
    return subprocess.Popen(["bash", "-c", script], cwd=place, env=environment)


def slurm(place: Path, task: int) -> subprocess.Popen:
    known = {"SLURM_ARRAY_TASK_COUNT": "2", "SLURM_ARRAY_JOB_ID": "81"}
    return start(place, block("bash"), SLURM_ARRAY_TASK_ID=str(task), **known)


def test_shares_of_an_array_fill_one_run_and_an_indexed_job_finds_it_finished(place):
    program(place, "jaxprior", PROGRAM)
    write_tiny_prior(place / "tiny.safetensors")
    (place / "plan.toml").write_text(RECIPE)
    (place / "pictures").mkdir()
    for i in range(4):
        noise = np.random.default_rng(i).integers(0, 256, (16, 16, 3), np.uint8)
        images.save_png(place / f"pictures/{i}.png", noise)
    assert [slurm(place, task).wait() for task in (1, 2)] == [0, 0]
    journals = sorted(place.glob("runs/plan/*/results*.jsonl"))
    assert [journal.name for journal in journals] == ["results-1-of-2.jsonl", "results-2-of-2.jsonl"]
    before = [journal.read_bytes() for journal in journals]
    assert start(place, container_script(), JOB_COMPLETION_INDEX="2").wait() == 0
    assert [journal.read_bytes() for journal in sorted(place.glob("runs/plan/*/results*.jsonl"))] == before
    with open(place / "runs/plan/results.csv", encoding="utf-8") as table:
        assert [row["image"] for row in csv.DictReader(table)] == [f"noise/{i}.png" for i in range(4)]
    assert not (place / "told").exists()


def test_a_stopped_share_is_requeued_or_replaced(place):
    program(place, "jaxprior", STOPPABLE)
    for script, told in ((block("bash"), "requeue 81_2\n"), (container_script(), None)):
        (place / "told").unlink(missing_ok=True)
        (place / "started").unlink(missing_ok=True)
        known = {"SLURM_ARRAY_TASK_COUNT": "2", "SLURM_ARRAY_JOB_ID": "81", "SLURM_ARRAY_TASK_ID": "2"}
        running = start(place, script, JOB_COMPLETION_INDEX="1", **known)
        while not (place / "started").exists():
            time.sleep(0.02)
        running.send_signal(signal.SIGTERM)
        assert running.wait() == 75
        assert ((place / "told").read_text() if (place / "told").exists() else None) == told


def test_failed_rows_end_an_index_of_a_job_and_mistakes_fail_it(place):
    for code, expected in ((1, 0), (2, 2), (0, 0)):
        program(place, "jaxprior", f'#!/bin/sh\necho "$@" > called\nexit {code}\n')
        assert start(place, container_script(), JOB_COMPLETION_INDEX="63").wait() == expected
    assert (place / "called").read_text() == "evaluate plan.toml -o runs/plan --shard 64/64\n"


def test_the_job_for_kubernetes_is_an_indexed_job_of_as_many_pods_as_shares():
    yaml = pytest.importorskip("yaml")
    job = yaml.safe_load(block("yaml"))["spec"]
    assert job["completionMode"] == "Indexed" and job["completions"] == job["parallelism"] == 64
    pod = job["template"]["spec"]
    command = pod["containers"][0]["command"]
    assert command[:2] == ["/bin/bash", "-c"] and command[2].rstrip() == container_script().rstrip()
    assert pod["restartPolicy"] == "Never"  # what a policy for failed pods needs
    ignored = job["podFailurePolicy"]["rules"][0]
    assert ignored["action"] == "Ignore" and ignored["onExitCodes"]["values"] == [75]
