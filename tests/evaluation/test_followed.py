"""Runs that follow how the error to the originals falls: stored beside the latents, drawn, and deciding nothing."""

import dataclasses
import json
import os
import re
import signal

import jax
import numpy as np
import pytest
from commands import call
from tiny_prior import write_tiny_prior

import jaxprior as jp
from jaxprior.data import images
from jaxprior.errors import ArgumentError, ImageError, RunError, SettingsError
from jaxprior.evaluation import Cell, RunFolder, Stopped, parse_recipe, run_cell, run_recipe
from jaxprior.evaluation.recipes import adapt
from jaxprior.inversion.codes.tuned import TunedCode
from jaxprior.operators import Identity
from jaxprior.restoration import drivers
from jaxprior.restoration.presets import Method
from jaxprior.runs.observer import Observer
from jaxprior.runs.traces import load_errors, load_trace
from jaxprior.weights.priors import load_prior


METHOD = Method(jp.SingleCode(), jp.Objective(), jp.Solve(steps=7, learning_rate=0.1, init="random"))
QUICK = ("--codes-kind", "single", "--optimizer", "adam", "--init", "random", "--starts", 1, "--steps", 5)
CHANCE = np.random.default_rng(0)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return write_tiny_prior(tmp_path_factory.mktemp("prior") / "tiny.safetensors")


@pytest.fixture(scope="module")
def prior(weights):
    return load_prior(weights)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    for i in range(3):
        images.save_png(folder / f"a{i}.png", CHANCE.integers(0, 256, (16, 16, 3), dtype=np.uint8))
    return folder


def solved(prior, pictures, folder, *, method=METHOD, observer=None, **settings):
    cell, run = Cell(task=Identity(), method=method, **settings), RunFolder(folder)
    run_cell(cell, images.list_images([pictures]), run, prior=prior, observer=observer)
    return run


def curves(run):
    return {row.image: load_errors(run, row.file) for row in run.rows()}


class Stopping(Observer):
    """Asks the run to stop after so many steps."""

    def __init__(self, steps):
        self.steps = steps

    def step(self, pictures, steps, total, loss):
        if steps >= self.steps:
            os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.parametrize("tuned", [False, True])
def test_an_interrupted_run_has_the_curves_of_one_that_was_not(prior, pictures, tmp_path, tuned):
    codes = TunedCode(codes=METHOD.codes, steps=4) if tuned else METHOD.codes
    settings = {"method": METHOD._replace(codes=codes), "error_every": 2}
    whole = curves(solved(prior, pictures, tmp_path / "whole", **settings))
    for after in (3, 8) if tuned else (3,):
        with pytest.raises(Stopped):
            solved(prior, pictures, tmp_path / "run", observer=Stopping(after), **settings)
        assert (tmp_path / "run/in-flight.safetensors").is_file()
    run = solved(prior, pictures, tmp_path / "run", method=settings["method"])  # as the run began, though unsaid
    assert json.loads((tmp_path / "run/run.json").read_text())["error_every"] == 2
    for (steps, errors), (known, other) in zip(whole.values(), curves(run).values(), strict=True):
        np.testing.assert_array_equal(steps, [0, 2, 4, 6])
        np.testing.assert_array_equal(known, steps)
        np.testing.assert_array_equal(errors, other)
        assert np.isfinite(errors).all()


def test_errors_are_those_of_the_library_and_change_nothing(prior, pictures, tmp_path):
    plain = solved(prior, pictures, tmp_path / "plain")
    run = solved(prior, pictures, tmp_path / "followed", error_every=3)
    rows = [[dataclasses.replace(row, seconds=None) for row in one.rows()] for one in (plain, run)]
    assert rows[0] == rows[1]
    assert plain.read()["configuration"] == run.read()["configuration"] and "error_every" not in plain.read()
    photos = np.stack([images.to_float(images.load_image(path)) for path in sorted(pictures.iterdir())])
    ids = np.array([row.id for row in run.rows()], np.uint32)
    result = jp.restore(
        prior, photos, key=jax.random.key(0), ids=ids, error_every=3, codes=METHOD.codes, objective=METHOD.objective,
        solve=METHOD.solve,
    )  # fmt: skip
    for row, errors in zip(run.rows(), result.errors, strict=True):
        np.testing.assert_array_equal(load_errors(run, row.file)[1], errors)
        np.testing.assert_array_equal(load_trace(run, row.file), load_trace(plain, row.file))
        assert load_errors(plain, row.file) is None


def test_what_was_observed_is_compared_with_its_original(prior, unchecked):
    photos = CHANCE.uniform(-1, 1, (2, 16, 16, 3)).astype(np.float32)
    task, key = jp.SuperResolve(4), jax.random.key(3)
    observed = drivers.observe(task, photos, key=key, ids=np.arange(2))
    settings = {"key": key, "codes": METHOD.codes, "objective": METHOD.objective, "solve": METHOD.solve}
    wanted = jp.restore(prior, photos, task, **settings, error_every=2).errors
    found = jp.invert(prior, observed, task, **settings, error_every=2, truth=photos)
    np.testing.assert_array_equal(found.errors, wanted)
    for given in ({"truth": photos}, {"error_every": 2}):
        with pytest.raises(ArgumentError, match="`truth` and `error_every` belong together"):
            jp.invert(prior, observed, task, **settings, **given)
    with pytest.raises(ImageError, match="`truth` must have the shape"):
        jp.invert(prior, observed, task, **settings, error_every=2, truth=observed)
    with pytest.raises(ImageError, match="expected 2 pictures, got 1"):
        jp.invert(prior, observed, task, **settings, error_every=2, truth=photos[:1])


def test_a_networks_own_answer_has_one_error(prior):
    photos = CHANCE.uniform(-1, 1, (2, 16, 16, 3)).astype(np.float32)
    answer = jp.OwnAnswer(network=jax.tree_util.Partial(lambda pictures: pictures / 2))
    result = jp.restore(
        prior, photos, key=jax.random.key(0), refine=answer, codes=jp.SingleCode(), solve=jp.Solve(steps=0),
        error_every=5,
    )  # fmt: skip
    np.testing.assert_allclose(result.errors[:, 0], np.square(photos / 2).mean((1, 2, 3)), rtol=1e-5)


def test_a_command_with_references_draws_the_curve_and_without_refuses(weights, tmp_path):
    for name in ("in", "ref"):
        (tmp_path / name).mkdir()
        pixels = np.random.default_rng(1).integers(0, 256, (24, 36, 3), dtype=np.uint8)
        images.save_png(tmp_path / name / "photo.png", pixels)
    command = ["inpaint", tmp_path / "in", "--mask", "center:0.25", "--prior", weights, *QUICK, "-o", tmp_path / "run"]
    refused = call(*command, "--error-every", 2, code=2).stderr
    assert "error_every (2) compares iterates with originals" in " ".join(refused.split())
    assert not (tmp_path / "run").exists()
    call(*command, "--error-every", 2, "--reference", tmp_path / "ref")
    (row,) = RunFolder(tmp_path / "run").rows()
    steps, errors = load_errors(RunFolder(tmp_path / "run"), row.file)
    np.testing.assert_array_equal(steps, [0, 2, 4])
    assert (errors > 0).all() and np.isfinite(errors).all()
    page = (tmp_path / "run/report.html").read_text()
    assert "Error to the original over the iterations" in page and "mean squared error to the original" in page


def test_the_methods_of_a_task_stand_in_one_plot_of_a_recipe(weights, pictures, tmp_path):
    single = {"codes": {"kind": "single"}}
    solve = {"optimizer": "adam", "init": "random", "starts": 1}
    recipe = parse_recipe({
        "error_every": 2, "prior": [{"source": str(weights)}], "data": [{"path": str(pictures)}],
        "task": [{"name": "reconstruct"}, {"name": "denoise", "sigma": 0.1}],
        "method": [
            {"name": "short", **single, "solve": {**solve, "steps": 2}},
            {"name": "long", **single, "solve": {**solve, "steps": 6}},
            {"name": "none", **single, "solve": {**solve, "steps": 0}},
        ],
    })  # fmt: skip
    assert recipe.error_every == 2 and adapt(recipe, error_every=5).error_every == 5
    text = run_recipe(recipe, tmp_path / "run").read_text()
    section = text[text.index("Error to the original") : text.index("Lines are medians")]
    plots = section.split("<svg")[1:]
    assert len(plots) == 2
    for plot in plots:
        assert re.findall(r">(\w+) \(3 pictures\)<", plot) == ["short", "long", "none"]
        assert plot.count('class="band"') == 3
    with pytest.raises(SettingsError, match="error_every: expected 1 or more, got 0"):
        parse_recipe({"error_every": 0, "task": [{"name": "reconstruct"}]})


def test_several_passes_cannot_be_followed():
    solve = dataclasses.replace(METHOD.solve, passes=2, target_psnr=30.0)
    with pytest.raises(RunError, match="followed in a single pass, and this method has 2"):
        Cell(task=Identity(), method=METHOD._replace(solve=solve), error_every=3)
