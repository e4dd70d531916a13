"""What commands print where there is no terminal: what they do, how far they are, how pictures were fitted."""

import json

import jax
import numpy as np
import pytest
from commands import call
from program import Running
from tiny_prior import random_prior, write_tiny_prior

import jaxprior as jp
from jaxprior.data import images
from jaxprior.runs import display
from jaxprior.system import runtime


QUICK = ("--codes", 2, "--layer", 4, "--steps", 30, "--lr", 0.01, "--clean", "--init", "bank")


@pytest.fixture(scope="module")
def prior(tmp_path_factory):
    return write_tiny_prior(tmp_path_factory.mktemp("prior") / "tiny.safetensors")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Two pictures to be cut and shrunk, one to be enlarged, one that fits."""
    folder = tmp_path_factory.mktemp("pictures")
    for name, shape in (("a", (40, 60)), ("b", (20, 24)), ("c", (9, 9)), ("d", (16, 16))):
        pixels = np.random.default_rng(len(name)).integers(0, 256, (*shape, 3), dtype=np.uint8)
        images.save_png(folder / f"{name}.png", pixels)
    return folder


def test_a_pipe_gets_whole_lines_without_control_characters(prior, pictures, tmp_path):
    outcome = Running("reconstruct", pictures, "--prior", prior, "-o", tmp_path, "--limit", 1, *QUICK[:6]).wait()
    assert outcome.code == 0 and not {"\r", "\x1b"} & set(outcome.out)
    assert "reconstruct: compiling the step" in outcome.out  # a line about slow work may come before it
    assert "\nreconstruct: 1 of 1 pictures in " in outcome.out


def test_commands_say_what_they_make_and_compile_and_how_pictures_were_fitted(prior, pictures, tmp_path, monkeypatch):
    monkeypatch.setattr(runtime, "cache_folder", lambda: tmp_path)
    command = ("inpaint", pictures, "--mask", "center:0.25", "--prior", prior, *QUICK)
    first, second = [], []
    for name, lines in (("a", first), ("b", second)):
        monkeypatch.setattr(runtime, "CALLED_PROGRAMS", set())
        lines += call(*command, "-o", tmp_path / name).stdout.splitlines()
    assert "inpaint center:0.25: making the prior's sample bank, once for all runs" in first
    assert "inpaint center:0.25: compiling the step" in first
    assert any(line.startswith("inpaint center:0.25: 4 of 4 pictures in ") for line in first)
    assert "2 pictures were cut to their centre square and shrunk to 16x16 (from up to 60x40)" in first
    assert "1 picture was enlarged to 16x16 (from 9x9)" in first
    assert not any("bank" in line for line in second)
    said, *_others = [line for line in second if "compiling the step" in line]
    assert said.startswith("inpaint center:0.25: compiling the step (last time on this machine it took ")


def test_steps_of_a_picture_are_told_and_fitting_is_said_once_a_command(prior, pictures, tmp_path, monkeypatch):
    settings = display.Display.__init__.__kwdefaults__
    monkeypatch.setattr(display.Display.__init__, "__kwdefaults__", {**settings, "interval": 0})
    recipe = tmp_path / "two.toml"
    recipe.write_text(
        'title = "two"\n[[task]]\nname = "reconstruct"\n[[task]]\nname = "colorize"\n'
        f'[[data]]\nname = "some"\npath = {json.dumps(str(pictures))}\n'
        '[[method]]\nname = "quick"\nsolve.steps = 30\ncodes.num_codes = 2\ncodes.layer = 4\n'
    )
    said = call("evaluate", recipe, "--prior", prior, "-o", tmp_path / "run").stdout
    for title in ("cell 1 of 2, reconstruct", "cell 2 of 2, colorize"):
        assert f"{title}: 0 of 4 pictures, step " in said
    assert said.count("enlarged to 16x16") == 1


def test_python_shows_lines_too_if_asked(capsys, monkeypatch):
    monkeypatch.setattr(runtime, "CALLED_PROGRAMS", set())
    photos = np.zeros((2, 16, 16, 3), np.float32)
    settings = {"codes": jp.MultiCode(num_codes=2, layer=4), "solve": jp.Solve(steps=2), "objective": jp.Objective()}
    seen = []
    for progress in (None, False, lambda *state: seen.append(state)):
        jp.restore(random_prior(), photos, key=jax.random.key(0), progress=progress, **settings)
    assert capsys.readouterr().out == "" and seen[-1][:2] == (2, 2)
    monkeypatch.setattr(runtime, "CALLED_PROGRAMS", set())
    jp.restore(random_prior(), photos, key=jax.random.key(0), progress=True, **settings)
    said = capsys.readouterr().out
    assert "reconstruct: compiling the step" in said
    assert said.splitlines()[-1].startswith("reconstruct: 2 of 2 pictures in ")
