"""An operator of another package is a task like our own: on the command line, in recipes, in tables and reports."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tiny_prior import write_tiny_prior

from jaxprior.data import images


MODULE = '''
"""Find the picture of the prior that was this bright before it was darkened.

Underexposure of a known amount.
"""

import dataclasses

import jax

import jaxprior as jp
from jaxprior.settings import setting


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExposureSettings:
    """What can be set: how much light is left."""

    gain: float = setting(0.5, "Share of the light that is left.", metavar="SHARE")


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Exposure(jp.Operator):
    """A(x) = gain (x + 1) - 1."""

    gain: float = dataclasses.field(default=0.5, metadata={"static": True})

    name = "exposure"
    linear = False
    settings = ExposureSettings
    text = """Pictures given are dark.

```
jaxprior exposure dark/ --gain 0.25 -o runs/bright
```
"""

    @property
    def label(self):
        return f"exposure {self.gain:g}"

    def apply(self, x):
        return self.gain * (x + 1) - 1
'''
RECIPE = """
title = "darkness"
[[prior]]
source = "{prior}"
[[data]]
path = "{pictures}"
[[task]]
name = "exposure"
gain = 0.25
[[task]]
name = "reconstruct"
[[method]]
name = "short"
codes = {{ num_codes = 2, layer = 4 }}
solve = {{ steps = 2 }}
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder with the package, installed as pip would leave it, pictures and a prior of 16x16 pixels."""
    place = tmp_path_factory.mktemp("outside")
    write_package(place / "site", "exposure", "darkroom.exposure:Exposure", {"darkroom/exposure.py": MODULE})
    (place / "pictures").mkdir()
    for i in range(2):
        pixels = np.random.default_rng(i).integers(0, 256, (16, 16, 3), dtype=np.uint8)
        images.save_png(place / f"pictures/p{i}.png", pixels)
    write_tiny_prior(place / "tiny.safetensors")
    return place


def write_package(site: Path, name: str, target: str, files: dict[str, str]) -> None:
    """Write a package with an entry point of the group of operators."""
    for file, text in files.items():
        (site / file).parent.mkdir(parents=True, exist_ok=True)
        (site / file).write_text(text)
        (site / file).parent.joinpath("__init__.py").write_text('"""A package."""\n')
    info = site / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[jaxprior.operators]\n{name} = {target}\n")


def jaxprior(place: Path, *arguments, code: int = 0, site: str = "site") -> str:
    """Run the program with the package on the path; what it printed."""
    path = os.pathsep.join([str(place / site), *filter(None, sys.path)])
    environment = {**os.environ, "PYTHONPATH": path, "COLUMNS": "120"}
    command = [sys.executable, "-m", "jaxprior", *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=place, timeout=600)
    assert ended.returncode == code, ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr, ended.stderr
    return ended.stdout + ended.stderr


def test_help_lists_the_task_without_importing_it(place):
    shown = jaxprior(place, "--help")
    assert "exposure     Find the picture of the prior that was this bright before it was darkened." in shown
    assert shown.index(" deblur ") < shown.index(" exposure ") < shown.index(" evaluate ")
    code = "import sys; from jaxprior.cli import main\ntry: main(['--help'])\nfinally: print('jax' in sys.modules)"
    path = os.pathsep.join([str(place / "site"), *filter(None, sys.path)])
    environment = {**os.environ, "PYTHONPATH": path}
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=120)
    assert " exposure " in ended.stdout and ended.stdout.split()[-1] == "False", ended.stderr


def test_its_help_has_its_option_and_those_of_all_tasks(place):
    shown = jaxprior(place, "exposure", "--help")
    assert "Find the picture of the prior that was this bright" in shown and "Pictures given are dark." in shown
    assert "jaxprior exposure dark/ --gain 0.25 -o runs/bright" in shown
    assert "--gain" in shown and "SHARE" in shown and "[default: 0.5]" in shown
    assert all(option in shown for option in ("--clean", "--reference", "--steps", "--prior", "--shard"))
    assert "Did you mean 'exposure'?" in " ".join(jaxprior(place, "exposre", code=2).split())


def test_it_runs_on_pictures_and_is_reported(place):
    quick = ("--codes", "2", "--layer", "4", "--steps", "2", "--prior", "tiny.safetensors")
    shown = jaxprior(place, "exposure", "pictures", "-o", "run", "--gain", "0.25", "--clean", *quick)
    assert "exposure 0.25" in shown and "PSNR" in shown
    record = json.loads((place / "run/run.json").read_text())["configuration"]
    assert record["task"] == "exposure" and record["operator"] == {"type": "Exposure", "gain": 0.25}
    seen = images.load_image(next((place / "run/inputs").glob("p0*"))).astype(float)
    given = images.load_image(place / "pictures/p0.png").astype(float)
    np.testing.assert_allclose(seen, given / 4, atol=1)
    assert "exposure 0.25" in (place / "run/report.html").read_text()
    assert all(json.loads(line)["psnr"] for line in (place / "run/results.jsonl").read_text().splitlines())


def test_it_stands_in_recipes_tables_and_the_report(place):
    recipe = RECIPE.format(prior="tiny.safetensors", pictures="pictures")
    (place / "dark.toml").write_text(recipe)
    jaxprior(place, "evaluate", "dark.toml", "-o", "grid")
    for file in ("summary.md", "report.html"):
        assert "exposure 0.25" in (place / "grid" / file).read_text()
    (place / "wrong.toml").write_text(recipe.replace("gain = 0.25", "gian = 0.25"))
    shown = jaxprior(place, "evaluate", "wrong.toml", "-o", "wrong", code=2)
    assert "gian: no such setting; did you mean gain?" in shown


@pytest.mark.parametrize(
    "target, text, sentence",
    [
        ("broken.task:Task", "import nothing_of_the_kind", "cannot be imported"),
        ("broken.task:Task", "Task = 3", "expected a subclass of jaxprior.Operator"),
        ("broken.task:Task", MODULE.replace("class Exposure(", "class Task("), "the two must be the same"),
        ("broken.task:Task", MODULE.replace("class Exposure(", "class Task(").replace('"exposure"', '"broken"')
         .replace("gain", "seed"), "called like another option"),
    ],
)  # fmt: skip
def test_a_package_that_does_not_fit_is_a_sentence_and_leaves_the_rest_alone(tmp_path, target, text, sentence):
    write_package(tmp_path / "site", "broken", target, {"broken/task.py": text})
    assert " broken " in jaxprior(tmp_path, "--help")
    assert sentence in jaxprior(tmp_path, "broken", "x", "-o", "y", code=2)
