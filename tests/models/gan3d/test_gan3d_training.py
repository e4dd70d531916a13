"""The 3D-GAN recipe: its gate, killed runs, data on disk, and what a run serves for."""

import csv
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from commands import call
from resuming import check_resumes

import jaxprior as jp
from jaxprior.errors import VolumeError
from jaxprior.models.gan3d.config import PRESETS, Gan3dRecipe, VolumeInputs
from jaxprior.models.gan3d.evaluator import evaluator_of
from jaxprior.models.gan3d.train import accuracy_of, init_state, make_step, plan
from jaxprior.models.gan3d.volumes import TrainingVolumes, cubes, read
from jaxprior.training.loop import Pace
from jaxprior.weights.priors import build_prior


def small_recipe(**changes) -> Gan3dRecipe:
    settings = {
        "resolution": 16, "widths": (6, 4), "critic_widths": (4, 6), "latent_dim": 5, "batch_size": 4, "steps": 20,
        "seed": 3, "critic_rate": 2e-4, "mirror": True,
    }  # fmt: skip
    return Gan3dRecipe(**{**settings, **changes})


def boxes(count: int, side: int) -> np.ndarray:
    """Boxes of random sizes in the middle of empty space, uint8 [n, s, s, s] of 0 and 1."""
    chance, found = np.random.default_rng(0), np.zeros((count, side, side, side), np.uint8)
    for volume, sizes in zip(found, chance.integers(2, side, (count, 3)), strict=True):
        volume[tuple(slice((side - size) // 2, (side + size) // 2) for size in sizes)] = 1
    return found


@pytest.fixture(scope="module")
def volumes() -> TrainingVolumes:
    return TrainingVolumes(boxes(32, 16)[..., None] * np.uint8(255))


@pytest.fixture(scope="module")
def step():
    """The program of a step that judges the last batch; the gate's threshold is 0.8."""
    return make_step(small_recipe())


def stepped(step, accuracy: float, volumes) -> tuple[dict, dict, dict]:
    state = init_state(small_recipe(), jax.random.key(0))
    state["accuracy"] = jnp.float32(accuracy)
    before = jax.tree.map(np.array, state)
    return before, *step(0, state, volumes.pixels[:4], jax.random.key(1))


def is_same(a, b) -> bool:
    return all(jax.tree.leaves(jax.tree.map(lambda x, y: bool((np.asarray(x) == np.asarray(y)).all()), a, b)))


@pytest.mark.parametrize(("accuracy", "is_open"), [(0.8, True), (0.875, False)])
def test_the_critic_rests_while_it_was_too_good_on_the_last_batch(step, volumes, accuracy, is_open):
    """Shut, its weights and Adam stay as they are; running statistics move and the generator learns in both cases."""
    before, state, seen = stepped(step, accuracy, volumes)
    assert is_same(before["critic"]["params"], state["critic"]["params"]) != is_open
    assert is_same(before["critic_opt"], state["critic_opt"]) != is_open
    assert not is_same(before["critic"]["batch_stats"], state["critic"]["batch_stats"])
    assert not is_same(before["generator"]["params"], state["generator"]["params"])
    assert int(state["critic_steps"]) == is_open and float(seen["gate_open"]) == is_open
    assert float(state["accuracy"]) == float(seen["accuracy"]) != accuracy


def test_accuracy_by_hand():
    assert float(accuracy_of(jnp.array([0.5, -0.5]), jnp.array([0.5, 0.7]))) == 0.25


def test_killed_and_resumed_equals_never_killed(tmp_path, volumes):
    """The run is a prior, whose table of figures and whose curves of the gate are there."""
    made = plan(small_recipe(), volumes)
    pace = Pace(log_every=5, checkpoint_seconds=0.0, snapshot_seconds=1e9)
    run = check_resumes(made, tmp_path, stops=(2, 7), pace=pace)
    with open(run / "shapes.csv") as file:
        row = list(csv.DictReader(file))[-1]
    assert float(row["real_iou"]) > float(row["independent_iou"]) > 0
    assert 0 < float(row["iou"]) <= 1 and 0 <= float(row["coverage"]) <= 1
    with open(run / "metrics.csv") as file:
        assert {"accuracy", "gate_open", "critic_loss"} <= set(next(csv.DictReader(file)))
    prior = jp.load_prior(run)
    assert prior.image_shape == (16, 16, 16, 1) and prior.num_layers == 2 and prior.code_distribution == "uniform"
    z = jax.random.uniform(jax.random.key(0), (3, prior.latent_dim), minval=-1)
    whole = prior.generate(z)
    assert whole.shape == (3, 16, 16, 16, 1) and float(jnp.abs(whole).max()) <= 1
    for layer, side in ((1, 4), (2, 8)):
        features = prior.head(z, layer)
        assert features.shape == (3, side, side, side, prior.channels(layer))
        np.testing.assert_allclose(prior.tail(features, layer), whole, atol=1e-5)
        cut = prior.split(layer)
        np.testing.assert_allclose(cut.tail(cut.head(z)), whole, atol=1e-5)
    assert prior.critic is not None
    np.testing.assert_allclose(prior.critic(whole)[1], prior.critic(whole[1:2])[0], atol=1e-5)


def test_a_volume_is_made_by_itself(volumes):
    """The prior's norms are folded: what else is in a batch does not matter."""
    made = plan(small_recipe(), volumes)
    state = made.init(jax.random.key(0))
    prior = build_prior(made.export(state), made.card(state))
    z = jax.random.normal(jax.random.key(1), (4, prior.latent_dim))
    np.testing.assert_allclose(prior.generate(z)[2:3], prior.generate(z[2:3]), atol=1e-6)


def test_cubes_are_a_function_of_their_number_and_held_out_ones_lie_apart():
    volume = np.arange(40, dtype=np.uint8).reshape(1, 40, 1, 1, 1).repeat(20, 2).repeat(24, 3)
    data = TrainingVolumes(np.concatenate([volume, volume]))
    recipe = small_recipe(crops=True, resolution=16, held_out=9)
    with pytest.raises(VolumeError, match="last fifth"):
        data.parted(recipe)
    data = TrainingVolumes(volume.repeat(2, axis=1))  # 80 slices, of which the last 16 are held out
    batches, some, held = data.parted(recipe)
    assert held.shape == (9, 16, 16, 16, 1) and held.min() >= 64 // 2 and some.max() < 64 // 2
    first, second = batches(0, 4, 1), batches(8, 4, 1)
    np.testing.assert_array_equal(first(2), second(0))
    assert not np.array_equal(first(0), first(1))
    assert cubes(volume, 0, 50, side=16, seed=0).max() == 39


def test_shapes_are_made_smaller_and_keep_every_occupied_cell(tmp_path):
    fine = boxes(5, 32)
    np.savez(tmp_path / "boxes.npz", fine)
    found = read(VolumeInputs(data=tmp_path / "boxes.npz"), small_recipe())
    assert found.pictures.pixels.shape == (5, 16, 16, 16, 1) and found.size == "16x16x16 voxels"
    coarse = fine.reshape(5, 16, 2, 16, 2, 16, 2).max(axis=(2, 4, 6)) * np.uint8(255)
    assert sorted(v.tobytes() for v in coarse) == sorted(v.tobytes() for v in found.pictures.pixels)
    with pytest.raises(VolumeError, match="whole multiple"):
        read(VolumeInputs(data=tmp_path / "boxes.npz"), small_recipe(resolution=64, widths=(4, 4, 4, 4)))


def test_settings_that_do_not_fit_are_refused():
    for changes, named in (
        ({"resolution": 24}, "resolution"), ({"widths": (4,)}, "widths"), ({"gate": 0.0}, "gate"),
        ({"critic_widths": (4,) * 5}, "critic_widths"), ({"critic_rate": 0.0}, "critic_rate"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=named):
            small_recipe(**changes)
    assert {recipe.resolution for recipe in PRESETS.values()} == {16, 32, 64}


def test_the_command_trains_on_cubes_of_a_large_volume(tmp_path):
    """Two steps on a stack, and again, which finds everything done."""
    chance = np.random.default_rng(0)
    np.save(tmp_path / "rock.npy", (chance.random((80, 20, 20)) < 0.3).astype(np.uint8) * np.uint8(255))
    words = [
        "train", "gan3d", "--data", tmp_path / "rock.npy", "--crops", "--resolution", "16", "--widths", "4,4",
        "--critic-widths", "4,4", "--latent-dim", "4", "--batch-size", "4", "--steps", "2", "--held-out", "4",
        "--preset", "rock", "-o", tmp_path / "run",
    ]  # fmt: skip
    foreseen = call(*words, "--dry-run").stdout
    assert " volumes " in foreseen and "The decoded volumes" in foreseen and "picture" not in foreseen
    first = call(*words)
    assert first.exit_code == 0, first.output
    assert "1 volume of 80x20x20 voxels" in first.output
    with open(tmp_path / "run/materials.csv") as file:
        row = list(csv.DictReader(file))[-1]
    assert abs(float(row["independent_porosity"]) - 0.3) < 0.02
    assert "pores" not in json.loads((tmp_path / "run/run.json").read_text())["configuration"]  # as before there were
    again = call(*words)
    assert again.exit_code == 0 and "finished before" in again.output


def test_the_figures_of_a_material_are_of_its_pores():
    cubes_of = (np.random.default_rng(0).random((6, 16, 16, 16, 1)) < 0.3).astype(np.uint8) * np.uint8(255)
    figures = {}
    for pores in ("high", "low"):
        evaluator = evaluator_of(
            small_recipe(crops=True, pores=pores), sample=lambda *_: cubes_of / 127.5 - 1, trained=cubes_of,
            held=cubes_of[:3],
        )  # fmt: skip
        figures[pores] = evaluator.measure(None, None)
    for name in ("porosity", "real_porosity", "held_porosity", "independent_porosity"):
        assert figures["high"][name] == pytest.approx(1 - figures["low"][name], abs=0.01)
    assert figures["high"]["porosity"] == pytest.approx(0.3, abs=0.01)
    assert figures["high"]["euler"] != figures["low"]["euler"]
