"""The recipe of the Generative Encoder's table: its methods, its networks beside it, and that it runs to the end."""

import dataclasses
import re

import numpy as np
import pytest
from program import inside
from tiny_convae import convae
from tiny_prior import write_tiny_prior

from jaxprior.data import images
from jaxprior.evaluation import adapt, load_recipe, parse_recipe, run_recipe


NAME = "generative_encoder_table_2"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A tiny prior, two pictures, and the runs of the two autoencoders."""
    folder = tmp_path_factory.mktemp("place")
    write_tiny_prior(folder / "tiny.safetensors")
    (folder / "pictures").mkdir()
    for i in range(2):
        pixels = np.random.default_rng(i).integers(0, 256, (16, 16, 3), np.uint8)
        images.save_png(folder / "pictures" / f"{i}.png", pixels)
    (folder / "runs").mkdir()
    convae(folder / "runs/convae")
    convae(folder / "runs/convae-real", seed=1)
    return folder


def test_it_runs_from_end_to_end(place, tmp_path, monkeypatch):
    monkeypatch.chdir(place)
    recipe = adapt(load_recipe(NAME), data=["pictures"], priors=["tiny.safetensors"], steps=3, error_every=1)
    names = [task["name"] for task in recipe.tasks]
    assert names == ["reconstruct", "denoise", "deblur", "superres", "inpaint"] and recipe.measures == ("mse",)
    methods = {name: table for name, table in recipe.methods.items() if name not in ("multi-code", "default")}
    assert len(methods) == 5
    recipe = dataclasses.replace(recipe, tasks=recipe.tasks[-1:], methods=methods, set_features=None)
    page = run_recipe(recipe, tmp_path / "run").read_text()
    section = page[page.index("Error to the original") : page.index("Lines are medians")]
    assert [name for name in methods if f">{name} (2 pictures)<" in section] == list(methods)
    summary = (tmp_path / "run/summary.md").read_text()
    spread = summary[summary.index("hole, standard deviations over the pictures") :]
    for name in methods:
        assert re.search(rf"\| {re.escape(name)} \| [\d.]+ / [\d.]+ / [\d.]+ \(2\) \|", spread)


def test_its_networks_are_looked_for_beside_it_and_missed_in_a_sentence(place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tables = [{"preset": "generative_encoder", "encoder": "runs/convae"}, {"name": "own", "answer": "runs/convae"}]
    recipe = parse_recipe({"task": [{"name": "reconstruct"}], "method": tables}, folder=place)
    assert recipe.methods["generative_encoder"]["encoder"] == recipe.methods["own"]["answer"] == f"{place}/runs/convae"
    for method, words in [
        ('preset = "generative_encoder"\nencoder = "runs/none"', "in whose code it compares pictures"),
        ('answer = "runs/none"', "the run of `jaxprior train autoencoder`"),
    ]:
        (tmp_path / "mine.toml").write_text(f'[[task]]\nname = "reconstruct"\n[[method]]\n{method}\n')
        command = ("--prior", place / "tiny.safetensors", "--data", place / "pictures", "-o", tmp_path / "run")
        ended = inside("evaluate", "mine.toml", *command)
        assert ended.code == 2 and ended.one_sentence and "[[method]] 1: runs/none" in ended.err
        assert words in ended.err and not (tmp_path / "run").exists()
