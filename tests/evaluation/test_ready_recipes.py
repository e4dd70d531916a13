"""mGANprior's experiments as ready recipes: their settings are the public code's, and anybody can rehearse them."""

import numpy as np
import pytest
from program import inside
from tiny_prior import write_tiny_prior

from jaxprior.data import images
from jaxprior.errors import WeightsError
from jaxprior.evaluation import adapt, load_recipe, make_task
from jaxprior.protocols import Sizes
from jaxprior.restoration import presets
from jaxprior.restoration.networks import OutlinedNetworks
from jaxprior.weights.card import Card
from jaxprior.weights.outlines import PriorOutline


PUBLIC = {
    "mganprior_reconstruction": {"codes": 20, "layer": 8, "steps": 3000, "vgg": 0.001, "prior": "bedroom256"},
    "mganprior_colorization": {"codes": 20, "layer": 6, "steps": 1500, "vgg": 0.001, "prior": "bedroom256"},
    "mganprior_superres16": {"codes": 20, "layer": 6, "steps": 2000, "vgg": 0.001, "prior": "celebahq1024"},
    "mganprior_inpainting": {"codes": 30, "layer": 4, "steps": 3000, "vgg": 0.0001, "prior": "churchoutdoor256"},
}
"""From the public code: its scripts, its README, and 0.001 times its VGG weights of 1 and, for inpainting, 0.1."""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("place")
    write_tiny_prior(folder / "tiny.safetensors")
    images.save_png(folder / "picture.png", np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8))
    return folder


@pytest.mark.parametrize("name", PUBLIC)
def test_a_recipe_has_the_public_settings(name, monkeypatch):
    networks = []
    monkeypatch.setattr(
        OutlinedNetworks, "features", lambda _, source, *, cut=None, size=None: networks.append((source, cut, size))
    )
    side = 1024 if name == "mganprior_superres16" else 256
    prior = PriorOutline(card=Card({"name": "some"}), sizes=Sizes((side, side, 3), 512, 14 if side == 256 else 18))
    recipe, said = load_recipe(name), PUBLIC[name]
    assert [choice.source for choice in recipe.priors] == [said["prior"]] and list(recipe.methods) == ["mGANprior"]
    for table in recipe.tasks:
        task, _ = make_task(table, prior.image_shape)
        method = presets.check_method(recipe.methods["mGANprior"], task, prior=prior)
        assert (method.codes.num_codes, method.codes.layer) == (said["codes"], said["layer"])
        assert (method.codes.weights, method.codes.alpha) == ("free", "mean")
        solve = method.solve
        assert (solve.optimizer, solve.learning_rate, solve.schedule) == ("sgd", 1.0, "constant")
        assert (solve.steps, solve.keep, solve.starts, solve.init) == (said["steps"], "last", 1, "random")
        objective = method.objective
        assert (objective.pixel, objective.feature_weight, objective.feature_loss) == ("l2", said["vgg"], "l1")
    assert set(networks) == {("vgg16", 16, 256)}


def test_tasks_are_those_of_the_paper():
    assert load_recipe("mganprior_superres16").tasks[0] == {"name": "superres", "factor": 16, "kernel": "bilinear"}
    assert [task["mask"] for task in load_recipe("mganprior_inpainting").tasks] == ["center:0.25", "block:0.25"]


def test_every_recipe_is_listed_on_a_line_of_its_own():
    lines = inside("evaluate").out.splitlines()
    for name in PUBLIC:
        assert [line for line in lines if line.startswith(f"{name} ") and "mGANprior" in line]


@pytest.mark.parametrize("name", PUBLIC)
def test_a_recipe_is_rehearsed_with_a_tiny_prior(name, place):
    command = ("evaluate", name, "--prior", place / "tiny.safetensors", "--data", place / "picture.png")
    outcome = inside(*command, "--features", "none", "--steps", 3, "--dry-run")
    assert outcome.code == 0 and "A full run takes about" in outcome.out, outcome.err
    assert "names no prior" not in outcome.out


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_recipe_is_estimated_for_a_gpu_that_is_not_here(place, precision):
    recipe, data = "mganprior_inpainting", place / "picture.png"
    command = ("evaluate", recipe, "--prior", place / "tiny.safetensors", "--data", data)
    elsewhere = inside(*command, "--features", "none", "--dry-run", "--device", "h100", "--precision", precision)
    assert elsewhere.code == 0 and "on an H100" in elsewhere.out, elsewhere.err
    assert "This is an estimate" in elsewhere.out and "An H100 was not measured" in elsewhere.out


def test_a_network_that_is_not_installed_is_named_with_both_ways_out(place, tmp_path, monkeypatch):
    monkeypatch.setenv("JAXPRIOR_DATA", str(tmp_path / "data"))
    common = ("--prior", place / "tiny.safetensors")
    recipe = ("evaluate", "mganprior_inpainting", *common, "--data", place / "picture.png", "--dry-run")
    single = ("inpaint", place / "picture.png", *common, "--mask", "center:0.25", "--preset", "thesis", "-o", tmp_path)
    for command in ((*recipe, "--device", "h100"), single):
        outcome = inside(*command)
        assert outcome.code == 2 and outcome.one_sentence
        assert "jaxprior priors get vgg16" in outcome.err and "--features none" in outcome.err


def test_a_device_is_for_the_dry_run_and_must_be_known(place, tmp_path):
    command = ("evaluate", "quick", "--data", place / "picture.png")
    for options, sentence in ((("--device", "h100", "-o", tmp_path / "r"), "--dry-run"),
                              (("--device", "a10", "--dry-run"), "h100")):  # fmt: skip
        outcome = inside(*command, *options)
        assert outcome.code == 2 and outcome.one_sentence and sentence in outcome.err


def test_a_prior_shows_which_of_its_settings_nobody_measured(place):
    shown = inside("priors", "show", place / "tiny.safetensors").out
    (line,) = [line for line in shown.splitlines() if line.startswith("inpaint:")]
    assert "solve.starts 4" in line and "not measured on this prior" in line
    bundled = inside("priors", "show", "cats32").out
    unmeasured = [line.partition(":")[0] for line in bundled.splitlines() if "not measured" in line]
    assert unmeasured == ["measure"] and "inpaint:" in bundled


def _stop(source):
    raise WeightsError("enough is known")


def test_a_forgotten_prior_is_named(place, tmp_path, monkeypatch):
    command = ("evaluate", "mganprior_colorization", "--data", place / "picture.png", "--features", "none")
    outcome = inside(*command, "--dry-run")
    assert outcome.code == 2 and outcome.one_sentence and "bedroom256" in outcome.err
    recipe = tmp_path / "mine.toml"
    recipe.write_text('[[task]]\nname = "reconstruct"\n[[method]]\nsolve = { steps = 1 }\n')
    outcome = inside("evaluate", recipe, "--data", place / "nothing.png", "-o", tmp_path / "run")
    assert outcome.code == 2 and "names no prior" not in outcome.out, "nothing is said before mistakes are"
    monkeypatch.setattr("jaxprior.evaluation.plan.load_prior", _stop)
    outcome = inside("evaluate", recipe, "--data", place / "picture.png", "--dry-run")
    assert "names no prior: cats64 is taken" in outcome.out and "enough" in outcome.err
    assert not load_recipe(recipe).names_priors and adapt(load_recipe(recipe), priors=["cats32"]).names_priors
