"""Restorers in recipes and from Python: as a method beside inversions at a prior's size, and in place of a prior."""

import csv

import jax
import numpy as np
import pytest
import tiny_restorer
from commands import call
from PIL import Image
from tiny_prior import random_prior, write_tiny_prior

import jaxprior as jp
from jaxprior.errors import RunError, SettingsError
from jaxprior.evaluation import load_recipe, make_plan
from jaxprior.restoration.presets import make_method


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """A folder with a prior, restorers, pictures and a recipe for them."""
    with tiny_restorer.installed(tmp_path, monkeypatch):
        write_tiny_prior(tmp_path / "prior.safetensors")
        tiny_restorer.save(tmp_path / "x2.safetensors", name="x2")
        tiny_restorer.save(tmp_path / "fill.safetensors", task="inpaint", name="fill")
        (tmp_path / "photos").mkdir()
        for i, shape in enumerate(((16, 20), (18, 17))):
            pixels = np.random.default_rng(i).integers(0, 256, (*shape, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / f"photos/p{i}.png")
        yield tmp_path


RECIPE = """
title = "both"
measures = ["psnr-luma"]
[[prior]]
source = "prior.safetensors"
[[prior]]
restorer = "x2.safetensors"
[[data]]
path = "photos"
[[task]]
name = "superres"
factor = 2
[[method]]
name = "search"
codes = { num_codes = 2, layer = 4 }
solve = { steps = 2, init = "random" }
[[method]]
name = "network"
restorer = "x2.safetensors"
"""


def test_a_grid_has_restorers_beside_inversions_and_in_place_of_a_prior(place):
    (place / "recipe.toml").write_text(RECIPE)
    shown = call("evaluate", place / "recipe.toml", "-o", place / "run", "--steps", "1").output
    cells = sorted(path.name for path in (place / "run").iterdir() if (path / "run.json").exists())
    assert len(cells) == 3 and "x2" in shown and "at once" in "".join(cells).replace("-", " ")
    figures = {}
    for cell in cells:
        with open(place / "run" / cell / "results.csv", newline="") as file:
            figures[cell] = [float(row["psnr_luma"]) for row in csv.DictReader(file)]
    beside = next(cell for cell in cells if cell.endswith("network"))
    photos = jp.load_images(str(place / "photos"), size=16)
    small = jp.SuperResolve(2).observe(photos)
    expected = jp.metrics.psnr_luma(jp.load_restorer(place / "x2.safetensors")(small), photos, border=2)
    np.testing.assert_allclose(figures[beside], expected, atol=2e-3)
    alone = next(cell for cell in cells if "once" in cell)
    assert (place / "run" / alone / "originals").is_dir() and all(value > 0 for value in figures[alone])
    call("evaluate", place / "recipe.toml", "-o", place / "run", "--steps", "1")
    said = call("evaluate", place / "recipe.toml", "--dry-run").stdout
    assert "Restorers answer at once" in said and "A full run takes about" in said
    alone = next(line for line in said.splitlines() if "not known" in line)
    assert alone.split()[-5:] == ["2", "not", "known", "not", "known"]


def test_holes_are_filled_at_the_priors_size_and_known_pixels_stay(place):
    prior, restorer = random_prior(), jp.load_restorer(place / "fill.safetensors")
    photos = np.random.default_rng(0).uniform(-1, 1, (2, 16, 16, 3)).astype(np.float32)
    mask = np.zeros((16, 16), np.float32)
    mask[4:9, 3:12] = 1
    method = make_method({"restorer": str(place / "fill.safetensors")}, jp.Inpaint(mask), prior=prior)
    assert method.solve.steps == 0 and method.merge == "paste" and method.refine.network.task == "inpaint"
    result = jp.restore(
        prior, photos, jp.Inpaint(mask), key=jax.random.key(0), codes=method.codes, solve=method.solve,
        refine=jp.OwnAnswer(network=restorer), merge="paste",
    )  # fmt: skip
    np.testing.assert_allclose(result.merged, restorer(photos, mask), atol=1e-5)
    np.testing.assert_array_equal(np.asarray(result.merged)[:, mask == 0], photos[:, mask == 0])
    assert (np.asarray(result.images)[:, mask == 0] != photos[:, mask == 0]).any()
    with pytest.raises(RunError, match="fill fills holes: give it to `jaxprior inpaint`"):
        jp.restore(prior, photos, jp.SuperResolve(2), key=jax.random.key(0), refine=jp.OwnAnswer(network=restorer))


@pytest.mark.parametrize(
    "table, words",
    [
        ({"restorer": "fill.safetensors"}, "fill fills holes"),
        ({"restorer": "x2.safetensors", "solve": {"steps": 3}}, "without a search: leave out solve.steps"),
        ({"restorer": "x2.safetensors", "preset": "thesis"}, "leave out preset"),
        ({"restorer": "x2.safetensors", "draws": 3}, "leave out draws"),
        ({"restorer": "nowhere"}, "nowhere: neither a bundled restorer"),
    ],
)
def test_a_method_that_is_wrong_is_one_sentence(table, words, place, monkeypatch):
    monkeypatch.chdir(place)
    with pytest.raises((RunError, SettingsError, ValueError), match=words):
        make_method(table, jp.SuperResolve(2), prior=random_prior())


@pytest.mark.parametrize(
    "before, after, words",
    [
        ('restorer = "x2.safetensors"\n[[data]]', 'restorer = "fill.safetensors"\n[[data]]', "it fills holes, and no"),
        ('restorer = "x2.safetensors"\n[[data]]', 'restorer = "no"\n[[data]]', "no: neither a bundled restorer"),
        ("[[prior]]\nrestorer", '[[prior]]\nsource = "prior.safetensors"\nrestorer', "one of the two"),
        ("factor = 2", "factor = 4", "x2 enlarges by 2, and the factor here is 4|it enlarges pictures by 2"),
    ],
)
def test_a_recipe_that_is_wrong_is_one_sentence(before, after, words, place):
    assert before in RECIPE
    (place / "recipe.toml").write_text(RECIPE.replace(before, after, 1))
    with pytest.raises((RunError, ValueError), match=words):
        make_plan(load_recipe(place / "recipe.toml"), place / "run")
    output = " ".join(call("evaluate", place / "recipe.toml", "-o", place / "run", code=2).output.split())
    assert any(word in output for word in words.split("|"))
