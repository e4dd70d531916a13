"""A training that goes on with exported weights: what it begins with, the warm-up, resuming, what is refused."""

import dataclasses
import json
import warnings

import jax
import numpy as np
import pytest
from resuming import check_resumes
from tiny_prior import write_tiny_prior

import jaxprior as jp
from jaxprior.errors import JaxpriorWarning, SettingsError
from jaxprior.models.pggan.config import PRESETS, PgganRecipe
from jaxprior.models.pggan.continued import WARM_UP, check_card, settled
from jaxprior.models.pggan.train import plan
from jaxprior.training.loop import Pace
from jaxprior.training.pictures import Pictures
from jaxprior.weights.storage import read_card, read_names


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return write_tiny_prior(tmp_path_factory.mktemp("weights") / "tiny.safetensors", critic=True)


@pytest.fixture(scope="module")
def pictures() -> Pictures:
    return Pictures(np.random.default_rng(0).integers(0, 256, (32, 16, 16, 3), dtype=np.uint8))


def small(weights, **changes) -> PgganRecipe:
    given = {"start_from": str(weights), "batch_size": 4, "final_kimg": 0.024, **changes}
    return settled(PRESETS["fast"], given, preset_named=False).changed(given)


def test_it_begins_with_both_networks_and_trains_the_last_stage_alone(weights, pictures):
    made = plan(small(weights), pictures)
    prior = jp.load_prior(weights)
    critic = prior.critic
    assert critic is not None
    assert [(phase.name, phase.steps) for phase in made.phases] == [("16x16", 6)]
    state = made.phases[0].begin(made.init(jax.random.key(5)))
    for name, expected in (("generator", prior.params), ("average", prior.params), ("critic", critic.params)):
        jax.tree.map(np.testing.assert_array_equal, state[name], expected)
    assert float(jax.tree.reduce(lambda a, x: a + abs(x).sum(), state["generator_opt"][0].nu, 0.0)) == 0


def test_the_learning_rate_rises_over_the_warm_up(weights, pictures):
    """A first step of Adam moves every weight by the learning rate, whatever the size of its gradient."""
    moved = {}
    for steps in (0, 4, 10):
        made = plan(small(weights, warmup_steps=steps, final_learning_rate=1e-3, learning_rate=1e-3), pictures)
        before = made.init(jax.random.key(5))
        bias = np.array(before["critic"]["layer1"]["bias"])
        state = made.phases[0].begin(before)
        state, _ = made.phases[0].step(1, state, made.phases[0].batch(1), jax.random.key(1))
        moved[steps] = np.abs(np.array(state["critic"]["layer1"]["bias"]) - bias).max()
    assert moved[4] / moved[0] == pytest.approx(2 / 4, rel=0.01)
    assert moved[10] / moved[0] == pytest.approx(2 / 10, rel=0.01)


def test_a_warm_up_longer_than_the_training_is_said(weights, pictures):
    with pytest.warns(JaxpriorWarning, match="over 300 steps, .* makes 6 .* reaches 2e-05 instead of 0.001"):
        plan(small(weights, learning_rate=1e-3, final_learning_rate=1e-3), pictures)
    with warnings.catch_warnings():
        warnings.simplefilter("error", JaxpriorWarning)
        plan(small(weights, warmup_steps=6), pictures)


def test_killed_and_resumed_equals_never_killed_and_the_run_says_where_it_came_from(tmp_path, weights, pictures):
    made = plan(small(weights), pictures)
    run = check_resumes(made, tmp_path, stops=(1, 2), pace=Pace(log_every=1, checkpoint_seconds=0))
    record = json.loads((run / "run.json").read_text())["configuration"]
    sha256 = read_card(weights)["sha256"]
    assert record["start_from"] == sha256 and record["warmup_steps"] == WARM_UP and record["ema_ramp"] == 0
    assert jp.load_prior(run).card["start_from"] == {"name": "tiny", "sha256": sha256}
    assert plan(small(run), pictures).settings["start_from"] == read_card(run / "model.safetensors")["sha256"]


def test_other_trainings_state_nothing_of_it(pictures):
    made = plan(PgganRecipe(resolution=16, widths=(4, 4, 4), start_resolution=8, train_kimg=0.1), pictures)
    assert not {"start_from", "warmup_steps"} & set(made.settings)
    assert set(made.card(None)) == {"architecture", "config"}


def test_the_networks_and_the_loss_are_those_of_the_card(weights):
    recipe = settled(PRESETS["fast"], {"start_from": "cats32"}, preset_named=False)
    assert (recipe.resolution, recipe.widths, recipe.latent_dim, recipe.fused) == (32, (96, 96, 64, 32), 128, True)
    assert recipe.loss == "nonsaturating" and recipe.batch_size == PRESETS["fast"].batch_size
    assert settled(PRESETS["cats32"], {"start_from": "cats32"}, preset_named=True) == PRESETS["cats32"]
    assert settled(PRESETS["paper"], {"start_from": "cats32"}, preset_named=False).loss == "nonsaturating"


def test_python_refuses_what_does_not_fit_as_the_command_does(tmp_path, weights, pictures):
    with pytest.raises(SettingsError, match="feature maps = 4,4,4, this training has feature maps = 8,8,8"):
        plan(dataclasses.replace(small(weights), widths=(8, 8, 8), latent_dim=8), pictures)
    without = write_tiny_prior(tmp_path / "without.safetensors")
    with pytest.raises(SettingsError, match="has a generator but no critic"):
        plan(dataclasses.replace(small(weights), start_from=str(without)), pictures)


def test_networks_that_a_training_does_not_make_are_refused(weights):
    card, names = read_card(weights), read_names(weights)
    for config in ({"output": "tanh"}, {"critic": {"groups": "consecutive"}}):
        changed = {**card, "config": {**card["config"], **config}}
        with pytest.raises(SettingsError, match="output = tanh|critic.groups = consecutive"):
            check_card("other.safetensors", changed, names)
    for config in ({"critic": None}, {"widths": [8]}, {"widths": "8,8"}, {"widths": [8, 0]}, {"image_channels": 2},
                   {"latent_dim": 0}, {"widths": [8, None]}, {"upsample": ["fused"]}):  # fmt: skip
        changed = {**card, "config": {**card["config"], **config}}
        with pytest.raises(SettingsError, match=r"^other.safetensors: its card does not describe a PGGAN; .* go on"):
            check_card("other.safetensors", changed, names)
    with pytest.raises(SettingsError, match="goes on with a PGGAN only"):
        check_card("other.safetensors", {**card, "architecture": "dcgan"}, names)
