"""The wheel holds everything: both packages, the bundled prior, recipes and report assets; it runs from elsewhere."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest


ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(folder), str(ROOT)]
    built = subprocess.run(command, capture_output=True, text=True)
    if built.returncode:
        pytest.fail(f"the wheel does not build: {built.stderr[-1500:]}")
    return next(folder.glob("*.whl"))


def test_contents(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"jaxprior/__init__.py", "jaxprior/__main__.py", "weights_convert/__main__.py"} <= names
    files = ("model.safetensors", "bank.safetensors", "encoder.safetensors")
    assert {f"jaxprior/assets/{name}/{file}" for name in ("cats32", "cats64") for file in files} <= names
    further = ("lsgan-cats64", "refiners/lsgan-cats64-refiner", "singan/galaxies")
    assert {f"jaxprior/assets/{name}/model.safetensors" for name in further} <= names
    assert {f"jaxprior/reporting/{name}" for name in ("page.css", "page.js", "slider.js", "zoom.js")} <= names
    assert {f"{package}/py.typed" for package in ("jaxprior", "weights_convert")} <= names
    assert not [n for n in names if n.startswith(("tests/", "benchmarks/"))]
    sizes = {one.filename: one.compress_size for one in zipfile.ZipFile(wheel).infolist()}
    others = sum(sizes[name] for name in names if name.startswith(tuple(f"jaxprior/assets/{one}/" for one in further)))
    assert others < 4e6  # what is neither a PGGAN nor its encoder
    filler = sizes["jaxprior/assets/restorers/patch_photos/model.safetensors"]
    assert filler < 4e6  # what a restorer that comes along may have
    assert wheel.stat().st_size - others - filler < 20e6 + 2 * 8e6  # two encoders of at most 8 MB each


@pytest.mark.slow
def test_runs_from_elsewhere(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site"), "JAXPRIOR_CACHE": "off"}
    code = (
        "import jax, jaxprior as jp; p = jp.load_prior('cats32'); "
        "print(jp.__file__, p.generate(jax.numpy.ones((1, p.latent_dim))).shape)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-1500:]
    where, shape = done.stdout.split(" ", 1)
    assert where.startswith(str(tmp_path)) and shape.strip() == "(1, 32, 32, 3)"
    for command in (["-m", "weights_convert", "--help"], ["-c", "import jaxprior.cli as c; c.main(['priors'])"]):
        done = subprocess.run([sys.executable, *command], cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-1500:]
