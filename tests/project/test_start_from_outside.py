"""A start of another package can be chosen by its name on the command line, in a recipe and from Python."""

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
"""Begin on codes of zeros."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class ZeroStart:
    """All codes are zero."""

    name = "zeros"

    def ready(self, prior, *, samples):
        return self

    def latents(self, generator, operator, targets, keys, nth, *, codes, starts):
        z = jnp.zeros((codes.num_codes, generator.latent_dim))
        return jax.vmap(lambda key: codes.init(generator, key, z=z))(keys)
'''
RECIPE = """
title = "zeros"
[[prior]]
source = "{prior}"
[[data]]
path = "{picture}"
[[task]]
name = "reconstruct"
[[method]]
name = "from zeros"
codes = {{ num_codes = 2, layer = 2 }}
solve = {{ init = "zeros", steps = 1, starts = 1, optimizer = "adam", learning_rate = 0.1 }}
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder with an installed package, a tiny prior, a picture and a recipe."""
    folder = tmp_path_factory.mktemp("outside")
    (folder / "zeros.py").write_text(MODULE)
    about = folder / "zeros-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: zeros\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[jaxprior.inversion.starts]\nzeros = zeros:ZeroStart\n")
    prior = write_tiny_prior(folder / "tiny.safetensors")
    images.save_png(folder / "a.png", np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8))
    (folder / "recipe.toml").write_text(RECIPE.format(prior=prior, picture=folder / "a.png"))
    return folder


def run(place: Path, *arguments: object) -> str:
    """Call the program in a process that has the package on its path; what it printed."""
    path = os.pathsep.join([str(place), *sys.path])
    command = [sys.executable, "-m", "jaxprior", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": path, "COLUMNS": "120"}  # so wide that the help wraps no word
    ended = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_it_is_chosen_by_name_on_the_command_line(place, tmp_path):
    assert "zeros" in run(place, "reconstruct", "--help")
    settings = ("--prior", place / "tiny.safetensors", "--codes", 2, "--layer", 2, "--steps", 1, "--starts", 1)
    run(place, "reconstruct", place / "a.png", "-o", tmp_path / "run", "--init", "zeros", *settings)
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["configuration"]["solve"]["init"] == "zeros"
    assert "solve.init | zeros" in (tmp_path / "run" / "summary.md").read_text()
    assert "zeros" in (tmp_path / "run" / "report.html").read_text()


def test_it_is_chosen_by_name_in_a_recipe(place, tmp_path):
    run(place, "evaluate", place / "recipe.toml", "-o", tmp_path / "run")
    assert "solve.init | zeros" in (tmp_path / "run" / "summary.md").read_text()
