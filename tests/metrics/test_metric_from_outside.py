"""Metrics from another package, found through an entry point: no file of this package knows them."""

import csv
import json
import os
from pathlib import Path

import numpy as np
import pytest
import tiny_prior
from program import call

import jaxprior as jp
from jaxprior import discovery
from jaxprior.data import images
from jaxprior.errors import SettingsError
from jaxprior.evaluation.scores import score
from jaxprior.reporting.comparison import compare
from jaxprior.reporting.snapshot import PLACE, worst_first
from jaxprior.runs.row import FIELDS, Row, decode, encode


MODULE = '''
import numpy as np
from jaxprior.metrics import Metric


def function(scored):
    assert isinstance(scored.raw, np.ndarray), "called with NumPy arrays"
    return np.abs(scored.raw - scored.truth).max(axis=(1, 2, 3))


WORST = Metric(name="worst", title="Worst pixel", function=function, needs={"truth"}, unit="levels", digits=4,
               higher_is_better=False, note="Worst pixel: the largest difference.")
PAIR = [WORST, Metric(name="never", title="Never", function=function, needs={"truth", "mask"})]
'''
QUICK = ("--codes", "2", "--layer", "4", "--steps", "2")
WORST = jp.metrics.Metric(
    name="worst", title="Worst pixel", function=lambda scored: np.arange(len(scored.raw)), higher_is_better=False
)


def package(folder: Path, target: str) -> dict[str, str]:
    """Install a package with an entry point under a folder; the environment in which it is found."""
    info = folder / "worstpixel-1.0.dist-info"
    info.mkdir(parents=True)
    (folder / "worstpixel.py").write_text(MODULE)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: worstpixel\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[jaxprior.metrics]\nworstpixel = {target}\n")
    root = Path(jp.__file__).parents[1]
    return {"PYTHONPATH": os.pathsep.join([str(folder), str(root), os.environ.get("PYTHONPATH", "")])}


@pytest.fixture
def with_worst(monkeypatch):
    """In this process, as if another package had brought `WORST`."""
    monkeypatch.setitem(discovery._entry_points(discovery.METRICS), "worst", Entry(WORST))
    discovery.installed_metrics.cache_clear()
    yield
    monkeypatch.undo()
    discovery.installed_metrics.cache_clear()


class Entry:
    """An entry point that is loaded already."""

    value = "somewhere:WORST"

    def __init__(self, thing):
        self.thing = thing

    def load(self):
        return self.thing


@pytest.fixture
def pictures(tmp_path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for i in range(2):
        images.save_png(folder / f"p{i}.png", np.random.default_rng(i).integers(0, 256, (16, 16, 3), dtype=np.uint8))
    return folder


def test_it_is_in_the_journal_the_tables_the_pages_and_what_the_command_prints(tmp_path, pictures):
    prior = tiny_prior.write_tiny_prior(tmp_path / "tiny.safetensors")
    run, environment = tmp_path / "run", package(tmp_path / "site", "worstpixel:PAIR")
    outcome = call("reconstruct", pictures, "-o", run, "--prior", prior, *QUICK, environment=environment)
    assert outcome.code == 0, outcome.err
    assert "Worst pixel" in " ".join(outcome.out.split()) and "Never" not in outcome.out
    lines = [json.loads(line) for line in (run / "results.jsonl").read_text().splitlines()]
    assert all(line["worst"] > 0 and line["never"] is None for line in lines)
    names = list(lines[0])
    assert names[names.index("psnr_known") + 1 :][:3] == ["never", "worst", "loss"]
    with open(run / "results.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["worst"] for row in rows} == {str(line["worst"]) for line in lines} and rows[0]["never"] == ""
    summary = json.loads((run / "summary.json").read_text())
    assert summary["figures"]["worst"]["n"] == 2 and summary["convention"].endswith("the largest difference.")
    mean = f"{np.mean([line['worst'] for line in lines]):.4f}"
    text = (run / "summary.md").read_text()
    assert f"| Worst pixel | 2 | {mean} |" in text and "Never" not in text
    page = (run / "report.html").read_text()
    assert page.count("Worst pixel</th>") == 2 and "Worst pixel, levels" in page and mean in page

    without = call("report", run)  # the package is gone: nothing is lost, its columns are not shown
    assert without.code == 0 and "worst" not in (run / "results.csv").read_text()
    again = call("report", run, environment=environment)
    assert again.code == 0 and (run / "report.html").read_text() == page


def test_a_line_keeps_figures_of_metrics_that_are_not_installed(with_worst, monkeypatch):
    line = encode(Row(image="a", figures={"worst": 0.5, "psnr": 20.0}))
    discovery.installed_metrics.cache_clear()
    monkeypatch.delitem(discovery._entry_points(discovery.METRICS), "worst")
    row = decode(line)
    assert row.figures == {"psnr": 20.0, "worst": 0.5} and row.worst == 0.5 and row.ssim is None
    assert encode(row) == line
    with pytest.raises(AttributeError, match="no field and no figure 'best'"):
        _ = row.best


def test_less_is_better_where_the_metric_says_so(with_worst):
    rows = [Row(image=f"{i}", id=i, figures={"worst": float(i)}) for i in range(3)]
    better = [Row(image=f"{i}", id=i, figures={"worst": i - 0.5 * (i > 0)}) for i in range(3)]
    found = compare(rows, better)
    assert found.figures["worst"].wins == 2 and found.figures["worst"].ties == 1 and found.headline is None
    ranked = jp.metrics.Metric(**{**vars(WORST), "headline": 1})
    discovery._entry_points(discovery.METRICS)["worst"].thing = ranked
    discovery.installed_metrics.cache_clear()
    assert [row.image for row in worst_first(rows)] == ["2", "1", "0"]
    assert [a.image for a, _ in compare(rows, better).pairs] == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("thing", "message"),
    [
        ("text", "expected a jaxprior.metrics.Metric or a list of them, got 'text'"),
        (jp.metrics.Metric(**{**vars(WORST), "name": "psnr"}), "psnr: two installed metrics have this name"),
        *(
            (jp.metrics.Metric(**{**vars(WORST), "name": name}), f"{name}: a metric cannot have the name of a field")
            for name in ("seconds", "status", "image", "id", "loss", "notes", "crc", "task")
        ),
    ],
)
def test_what_is_no_metric_is_one_sentence(with_worst, thing, message):
    discovery._entry_points(discovery.METRICS)["worst"].thing = thing
    discovery.installed_metrics.cache_clear()
    with pytest.raises(SettingsError, match=message):
        encode(Row(image="a"))


def test_no_figure_takes_the_place_of_a_field_or_a_column():
    assert {*FIELDS, *PLACE, "crc"} == discovery.TAKEN
    with pytest.raises(SettingsError, match="status: a figure cannot have the name of a field"):
        Row(image="a", figures={"status": 1.0})


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda scored: 1 / 0, "the metric worst of another package fails .ZeroDivisionError: division by zero"),
        (lambda scored: np.zeros(3), r"expected one number a picture, \[2\], got \[3\]"),
    ],
)
def test_a_metric_that_fails_is_named(with_worst, function, message):
    discovery._entry_points(discovery.METRICS)["worst"].thing = jp.metrics.Metric(
        name="worst", title="Worst", function=function
    )
    discovery.installed_metrics.cache_clear()
    batch = np.zeros((2, 8, 8, 3), np.float32)
    with pytest.raises(SettingsError, match=message):
        score(jp.Identity(), batch, batch, batch, batch, None)


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"name": "a b"}, "expected a name"), ({"needs": {"luck"}}, "has luck"), ({"part": "left"}, "`part` is 'left'")],
)
def test_a_metric_says_what_is_wrong_with_it(changes, message):
    with pytest.raises(ValueError, match=message):
        jp.metrics.Metric(**{**vars(WORST), **changes})
