"""A family of networks from another package, found through its entry point: no file of this package knows it."""

import contextlib
import importlib
import json
import sys

import numpy as np
import pytest
from commands import call

import jaxprior as jp
from jaxprior import discovery
from jaxprior.data import images
from jaxprior.errors import JaxpriorWarning, SettingsError


FILES = {
    "tinygan-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: tinygan\nVersion: 1.0\n",
    "tinygan-1.0.dist-info/entry_points.txt": "[jaxprior.models]\ntinygan = tinygan:FAMILY\n",
    "tinygan/__init__.py": '''
from jaxprior.protocols import Family, Trainer

FAMILY = Family(
    title="Tiny",
    paper="none",
    architectures={"tiny": {"prior": "tinygan.networks:build"}},
    trainers={
        "tiny": Trainer(
            config="tinygan.config:TinyRecipe",
            presets="tinygan.config:PRESETS",
            default="small",
            plan="tinygan.train:plan",
            text="""Train a tiny generator.

    ```
    jaxprior train tiny --data cats.zip -o runs/tiny
    ```
    """,
        )
    },
)
''',
    "tinygan/config.py": '''
from dataclasses import dataclass
from typing import Literal

from jaxprior.settings import check_choices
from jaxprior.training.settings import TrainingSettings, network_setting, recipe_setting


@dataclass(frozen=True, kw_only=True)
class TinyRecipe(TrainingSettings):
    """Settings of a tiny training."""

    resolution: int = 8
    width: int = network_setting(8, "Feature maps.", metavar="N", least=1)
    norm: Literal["l1", "l2"] = recipe_setting("l2", "Of the error.")
    steps: int = recipe_setting(20, "Steps altogether.", metavar="K", least=1)

    def __post_init__(self):
        check_choices(self)


PRESETS = {"small": TinyRecipe(batch_size=2), "wide": TinyRecipe(width=32)}
''',
    "tinygan/networks.py": '''
import flax.linen as nn
import jax.numpy as jnp


class Generator(nn.Module):
    """Code [b, 4] -> image [b, 8, 8, 3]."""

    width: int
    latent_dim: int = 4
    image_channels: int = 3
    resolution: int = 8
    num_layers: int = 1
    image_shape: tuple = (8, 8, 3)

    def setup(self):
        self.first, self.last = nn.Dense(64 * self.width), nn.Conv(3, (1, 1))

    def channels(self, layer):
        return self.width

    def head(self, z, layer):
        return nn.relu(self.first(z)).reshape(-1, 8, 8, self.width)

    def tail(self, features, layer):
        return jnp.tanh(self.last(features))

    def __call__(self, z):
        return self.tail(self.head(z, 1), 1)

    @nn.nowrap
    def init_params(self, key):
        return self.init(key, jnp.zeros((1, 4)))["params"]

    @nn.nowrap
    def freeze(self, params, **_):
        return self, params


def build(params, card, where):
    from jaxprior.weights.card import Card
    from jaxprior.weights.priors import Prior

    wide = {k: {n: jnp.asarray(x, jnp.float32) for n, x in v.items()} for k, v in params["generator"].items()}
    return Prior(module=Generator(card["config"]["width"]), params=wide, card=Card(card))
''',
    "tinygan/train.py": '''
from functools import partial

import jax
import jax.numpy as jnp

from jaxprior.training.evaluators import SlicedWasserstein
from jaxprior.training.pictures import draw_batch, to_images
from jaxprior.training.players import player
from jaxprior.training.recipe import adam, cut_into_parts
from jaxprior.training.session import Plan, settings_of
from tinygan.networks import Generator


def plan(recipe, pictures):
    generator = Generator(recipe.width)
    codes = jax.random.normal(jax.random.key(1), (64, 4))

    def loss(params, z, wanted):
        error = generator.apply({"params": params}, z) - wanted
        value = jnp.mean(jnp.abs(error) if recipe.norm == "l1" else jnp.square(error))
        return value, {"loss": value}

    @jax.jit
    def step(index, state, batch, key):
        z = jax.random.normal(key, (len(batch), 4))
        params, opt, seen = player(loss, adam(recipe))(state["params"], state["opt"], z, to_images(batch, None))
        return {"params": params, "opt": opt}, seen

    def init(key):
        params = generator.init_params(key)
        return {"params": params, "opt": adam(recipe).init(params)}

    def sample(state, moment, codes):
        return generator.apply({"params": state["params"]}, codes)

    return Plan(
        name="tiny",
        settings=settings_of(recipe),
        phases=cut_into_parts(step, partial(partial, draw_batch, pictures.pixels), recipe),
        init=init,
        show=lambda state, moment: sample(state, moment, codes[:8]),
        evaluator=SlicedWasserstein(sample=sample, codes=codes, pictures=pictures, seed=0),
        export=lambda state: {"generator": state["params"]},
        card=lambda state: {"architecture": "tiny", "config": {"resolution": 8, "width": recipe.width}},
        pictures=pictures,
        seed=recipe.seed,
    )
''',
}


def forget() -> None:
    """What is found is remembered for the length of a process: look again."""
    discovery._entry_points.cache_clear()
    importlib.invalidate_caches()
    for name in [name for name in sys.modules if name.partition(".")[0] == "tinygan"]:
        del sys.modules[name]


@contextlib.contextmanager
def beside_ours(files, folder, monkeypatch):
    """A package whose files lie where Python finds packages."""
    for name, text in files.items():
        path = folder / "site" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.syspath_prepend(folder / "site")
    forget()
    yield
    monkeypatch.undo()
    forget()


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """The package is installed."""
    with beside_ours(FILES, tmp_path, monkeypatch):
        yield


@pytest.fixture
def pictures(tmp_path):
    (tmp_path / "pictures").mkdir()
    for i in range(4):
        pixels = np.random.default_rng(i).integers(0, 256, (8, 8, 3), dtype=np.uint8)
        images.save_png(tmp_path / "pictures" / f"p{i}.png", pixels)
    return tmp_path / "pictures"


def test_its_trainer_is_a_command_whose_options_are_its_settings(installed, pictures, tmp_path):
    assert "tiny " in call("train", "--help").stdout and "pggan " in call("train", "--help").stdout
    shown = " ".join(call("train", "tiny", "--help").stdout.split())
    for part in ("Train a tiny generator.", "--width", "l1|l2", "small|wide", "--batch-size", "--data", "--lr"):
        assert part in shown
    assert "Did you mean 'tiny'?" in call("train", "tinny", code=2).output
    run = tmp_path / "run"
    options = ("--norm", "l1", "--steps", "10", "--lr", "0.01")
    printed = call("train", "tiny", "--data", pictures, "-o", run, *options).stdout
    assert "4 pictures of 8x8 pixels" in printed and f"weights: {run}/model.safetensors" in printed
    said = json.loads((run / "run.json").read_text())["configuration"]
    assert (said["norm"], said["steps"], said["batch_size"], said["learning_rate"]) == ("l1", 10, 2, 0.01)


def test_what_it_trained_restores_pictures_on_the_command_line_and_in_a_recipe(installed, pictures, tmp_path):
    call("train", "tiny", "--data", pictures, "-o", tmp_path / "run", "--steps", "10")
    common = ("--prior", tmp_path / "run", "--codes", "2", "--layer", "1", "--steps", "3")
    call("reconstruct", pictures, "--limit", "1", "-o", tmp_path / "restored", *common)
    assert len(list((tmp_path / "restored" / "images").glob("*.png"))) == 1
    assert "report.html" in call("report", tmp_path / "restored").stdout
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(f"""
title = "tiny"
[[prior]]
source = "{tmp_path / "run"}"
[[data]]
path = "{pictures}"
[[task]]
name = "colorize"
[[method]]
name = "short"
codes = {{ num_codes = 2, layer = 1 }}
solve = {{ steps = 3, starts = 1 }}
""")
    call("evaluate", recipe, "--limit", "1", "-o", tmp_path / "evaluated")
    assert "tiny" in (tmp_path / "evaluated" / "summary.md").read_text()


def test_without_its_package_there_is_no_such_command():
    assert "No such command 'tiny'" in call("train", "tiny", code=2).output


@pytest.fixture
def broken(tmp_path, monkeypatch):
    """A package is installed whose family cannot be imported, and whose second family has a name of ours."""
    files = {
        "broken-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n",
        "broken-1.0.dist-info/entry_points.txt": "[jaxprior.models]\nbroken = broken:FAMILY\ndcgan = broken:OTHER\n",
        "broken.py": "raise RuntimeError('needs a driver that is not here')\n",
    }
    with beside_ours(files, tmp_path, monkeypatch):
        yield


def test_a_family_that_cannot_be_used_leaves_everything_else_usable(broken):
    with pytest.warns(JaxpriorWarning, match="'dcgan', and jaxprior itself has that name already"):
        assert {"pggan", "dcgan", "singan"} <= discovery.families().keys() - {"broken"}
    told = {}
    discovery.families(left_out=lambda name, error: told.update({name: str(error)}))
    assert list(told) == ["broken"] and "needs a driver that is not here" in told["broken"]
    assert jp.load_prior("cats32").resolution == 32
    assert "lsgan " in call("train", "--help").stdout
    with pytest.raises(SettingsError, match="needs a driver that is not here"):
        discovery.imported("broken:FAMILY")
