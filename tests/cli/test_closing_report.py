"""The report of a run that several processes share is written by all of them, or by the last one where it is large."""

from pathlib import Path

import numpy as np
import pytest
from program import inside
from report_helpers import make_run
from tiny_prior import write_tiny_prior

from jaxprior.data import images
from jaxprior.evaluation import Row, Share, write_closing_report
from jaxprior.reporting import report


QUICK = ("--codes", 2, "--layer", 4, "--steps", 1, "--optimizer", "adam", "--init", "random", "--starts", 1)
RECIPE = """
[[prior]]
source = "tiny.safetensors"
[[data]]
name = "noise"
path = "in"
[[task]]
name = "reconstruct"
[[method]]
codes = {num_codes = 2, layer = 4}
solve = {steps = 1, starts = 1}
"""
LEFT = "The process that finishes the last picture of the run writes the report; `jaxprior report"


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A working folder with three pictures, a tiny prior and a recipe."""
    monkeypatch.chdir(tmp_path)
    write_tiny_prior(Path("tiny.safetensors"))
    Path("in").mkdir()
    for i in range(3):
        images.save_png(f"in/{i}.png", np.random.default_rng(i).integers(0, 256, (16, 16, 3), dtype=np.uint8))
    Path("recipe.toml").write_text(RECIPE)
    return tmp_path


@pytest.mark.parametrize("command", [
    ("reconstruct", "in", "--prior", "tiny.safetensors", *QUICK, "-o", "run"),
    ("evaluate", "recipe.toml", "-o", "run"),
])  # fmt: skip
def test_of_a_large_run_the_last_share_writes_the_report_and_the_others_say_so(place, monkeypatch, command):
    monkeypatch.setattr(report, "LARGE", 2)
    first = inside(*command, "--shard", "1/2")
    assert first.code == 0 and LEFT in " ".join(first.out.split()) and not list(Path("run").rglob("report.html"))
    assert inside("report", "run").code == 0 and Path("run/report.html").is_file()
    Path("run/report.html").unlink()
    last = inside(*command, "--shard", "2/2")
    assert last.code == 0 and "report: run/report.html" in last.out
    assert len(Path("run/results.csv").read_text().splitlines()) == 4


def test_of_a_small_run_every_share_writes_the_report(tmp_path, monkeypatch):
    run = make_run(tmp_path / "run")
    run.write({**run.read(), "images": 5})
    share = Share(0, 2)
    assert write_closing_report([run], share=share) == tmp_path / "run/report.html"
    monkeypatch.setattr(report, "LARGE", 4)
    assert write_closing_report([run], share=share) is None
    assert write_closing_report([run]) == tmp_path / "run/report.html"  # a process that does all pictures is alone
    run.journal.append([Row(image="photos/last.png", id=9)])
    assert write_closing_report([run], share=share) == tmp_path / "run/report.html"
