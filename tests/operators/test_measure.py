"""Compressed sensing: the matrix, one copy of it for all pictures, restoring from it, and what is refused."""

import json
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.extend.core import jaxprs_in_params
from tiny_prior import random_prior, write_tiny_prior

import jaxprior as jp
from jaxprior import operators
from jaxprior.data import images
from jaxprior.errors import ArgumentError, JaxpriorError, SettingsError
from jaxprior.evaluation import Cell, RunFolder, run_cell
from jaxprior.evaluation.scores import score
from jaxprior.inversion import engine
from jaxprior.operators import Compose, Denoise, Measure, batched, image_axes, make_task, take, task_table
from jaxprior.restoration.drivers import Method
from jaxprior.restoration.placement import Placement
from jaxprior.restoration.presets import make_method
from jaxprior.weights.priors import load_prior


SHAPE = (16, 16, 3)
N = math.prod(SHAPE)
CODES, SOLVE = jp.SingleCode(), jp.Solve(steps=2, learning_rate=0.1)


@pytest.fixture(scope="module")
def prior():
    return random_prior()


def test_entries_are_gaussian_with_variance_one_over_m_and_follow_from_the_seed():
    matrix = Measure.gaussian(200, SHAPE, seed=3).matrix
    assert matrix.shape == (200, N) and matrix.dtype == np.float32
    assert abs(matrix.var() * 200 - 1) < 0.02 and abs(matrix.mean()) * math.sqrt(200) < 0.01
    assert 2.9 < (matrix**4).mean() / matrix.var() ** 2 < 3.1  # the kurtosis of a Gaussian
    again = np.random.default_rng(3).standard_normal((200, N), np.float32) / np.float32(math.sqrt(200))
    np.testing.assert_allclose(matrix, again, rtol=1e-6)
    assert not np.array_equal(matrix, Measure.gaussian(200, SHAPE, seed=4).matrix)


def test_a_measurement_is_a_weighted_sum_of_the_numbers_of_the_picture():
    task = Measure.gaussian(7, SHAPE)
    photos = jax.random.normal(jax.random.key(0), (3, *SHAPE))
    np.testing.assert_allclose(task.observe(photos), photos.reshape(3, N) @ task.matrix.T, rtol=1e-4, atol=1e-5)


def test_noise_has_the_stated_deviation_and_needs_keys():
    task = Measure.gaussian(N, SHAPE, sigma=0.5)
    photos, keys = jnp.zeros((2, *SHAPE)), jax.random.split(jax.random.key(0), 2)
    noise = np.asarray(task.observe(photos, key=keys))
    assert 0.47 < noise.std() < 0.53 and not np.allclose(noise[0], noise[1])
    with pytest.raises(ValueError, match="needs 2 random keys"):
        task.observe(photos)


def test_what_is_shown_is_near_the_photo_where_much_is_measured():
    photo = 0.3 + 0.1 * jax.random.normal(jax.random.key(0), SHAPE)
    errors = []
    for m in (N // 16, N // 2, N):
        task = Measure.gaussian(m, SHAPE)
        errors.append(float(jnp.mean((task.shown(task.apply(photo)) - photo) ** 2) / jnp.mean(photo**2)))
        np.testing.assert_allclose(errors[-1], 1 - m / (m + N + 1), rtol=0.15)  # what the best factor leaves
    assert errors == sorted(errors, reverse=True)
    picture, known = task.seen(task.apply(photo), SHAPE)
    assert picture.shape == SHAPE and known.shape == (16, 16, 1) and bool((known == 1).all())


def sizes(jaxpr) -> set[int]:
    """Numbers in each array that a program computes, those of the programs inside of it included."""
    found = {math.prod(out.aval.shape) for equation in jaxpr.eqns for out in equation.outvars}
    for equation in jaxpr.eqns:
        for inner in jaxprs_in_params(equation.params):
            found |= sizes(inner)
    return found


def test_all_pictures_share_one_matrix(prior):
    task = Measure.gaussian(500, SHAPE)
    of_eight = batched(task, 8)
    assert of_eight.matrix is task.matrix and take(of_eight, np.array([0, 5])).matrix is task.matrix
    assert image_axes(of_eight).matrix is None and image_axes(batched(Denoise(), 8)) == 0
    placement = Placement(prior, codes=CODES, objective=jp.Objective(), solve=SOLVE)
    observed = jax.ShapeDtypeStruct((500,), np.float32)
    arguments = placement.step_arguments(task, observed, size=8)
    assert arguments[2].matrix.shape == (500, N) and arguments[3].shape == (8, 500)
    traced = engine.trace_step(*arguments, codes=CODES, solve=SOLVE)
    assert max(sizes(traced.jaxpr.jaxpr)) <= 500 * N  # eight copies would be eight times as much


def test_inside_of_a_composition_it_is_shared_too():
    both = Compose((Denoise(0.1), Measure.gaussian(50, SHAPE)))
    own = batched(both, 4)
    assert own.observes_numbers and own.operators[1].matrix.shape == (50, N)
    observed = both.observe(jnp.zeros((4, *SHAPE)), key=jax.random.split(jax.random.key(0), 4))
    assert observed.shape == (4, 50) and both.shown(observed[0]).shape == SHAPE
    again = jax.vmap(Compose.shown, (image_axes(own), 0))(own, observed)
    np.testing.assert_allclose(again[1], both.shown(observed[1]), rtol=1e-5, atol=1e-6)


def test_a_picture_of_the_prior_is_found_from_its_measurements_alone_or_with_others(prior, batched):
    photos = prior.generate(jax.random.normal(jax.random.key(5), (2, 16)))
    task = Measure.gaussian(200, SHAPE)
    settings = {"codes": CODES, "objective": jp.Objective(), "key": jax.random.key(0)}
    solve = jp.Solve(steps=60, learning_rate=0.1)
    both = jp.restore(prior, photos, task, **settings, solve=solve)
    assert (both.loss < 0.6 * both.trace[:, 0]).all()
    alone = jp.restore(prior, photos[1:], task, **settings, solve=solve, ids=jnp.array([1]))
    np.testing.assert_allclose(alone.images[0], both.images[1], atol=1e-3)
    np.testing.assert_allclose(alone.loss[0], both.loss[1], rtol=1e-3)
    again = jp.invert(prior, task.observe(photos), task, **settings, solve=solve)
    np.testing.assert_allclose(again.loss, both.loss, rtol=1e-5)


def test_a_run_takes_pictures_as_originals_and_shows_the_measurements_as_a_picture(tmp_path):
    prior = load_prior(write_tiny_prior(tmp_path / "tiny.safetensors"))
    images.save_png(tmp_path / "a.png", np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8))
    task, _ = make_task({"name": "measure", "measurements": 0.5}, SHAPE)
    assert task.label == f"measure {N // 2}"
    cell = Cell(task=task, method=Method(CODES, jp.Objective(), SOLVE))
    rows = run_cell(cell, images.list_images([tmp_path / "a.png"]), RunFolder(tmp_path / "run"), prior=prior)
    assert list(rows.status) == ["ok"]
    assert len(list((tmp_path / "run" / "inputs").iterdir())) == 1
    configuration = json.loads((tmp_path / "run" / "run.json").read_text())["configuration"]
    assert configuration["operator"]["matrix"]["shape"] == [N // 2, N]


def test_settings_are_a_number_or_a_share():
    def count(table):
        return make_task({"name": "measure", **table}, SHAPE)[0].matrix.shape[0]

    assert count({}) == round(0.1 * N) and count({"measurements": 0.25}) == N // 4
    assert count({"measurements": 5}) == 5 and count({"measurements": N}) == N and count({"measurements": 1e-9}) == 1
    assert task_table("measure 100 0.1") == {"name": "measure", "measurements": 100.0, "sigma": 0.1}
    assert make_task({"name": "measure", "sigma": 0.1}, SHAPE)[0].label == "measure 77 noise 0.1"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"measurements": 2.5}, "a whole number from 1 on, or a share between 0 and 1, got 2.5"),
        ({"measurements": 0.0}, "a whole number from 1 on, or a share between 0 and 1, got 0"),
        ({"measurements": float("nan")}, "got nan"),
        ({"measurements": -3.0}, "got -3"),
        ({"measurements": 769}, "a picture of 16x16x3 has 768 numbers, so expected up to 768, got 769"),
        ({"sigma": -1.0}, "`sigma`"),
    ],
)
def test_settings_that_make_no_matrix_are_refused(given, words):
    with pytest.raises((SettingsError, ArgumentError), match=words):
        make_task({"name": "measure", **given}, SHAPE)


def test_a_matrix_that_does_not_fit_into_memory_is_refused(monkeypatch):
    monkeypatch.setattr(operators.measure, "available_memory", lambda: 100 << 20)
    with pytest.raises(ArgumentError, match=r"4000 measurements of pictures of 64x64x3 takes 188 MiB.*take fewer"):
        Measure.gaussian(4000, (64, 64, 3))
    assert Measure.gaussian(10, (64, 64, 3)).matrix.shape == (10, 12288)


def test_matrices_and_pictures_that_do_not_belong_together_are_refused(unchecked):
    with pytest.raises(ArgumentError, match=r"16x16x3 has 768 columns, got \[5, 700\]"):
        Measure(np.zeros((5, 700), np.float32), SHAPE)
    with pytest.raises(ArgumentError, match="finite numbers"):
        Measure(np.full((5, N), np.nan, np.float32), SHAPE)
    with pytest.raises(ArgumentError, match=r"16x16x3, got an array \[8, 8, 3\]"):
        Measure.gaussian(5, SHAPE).apply(jnp.zeros((8, 8, 3)))
    with pytest.raises(ArgumentError, match="`shape` must be the shape of the pictures"):
        Measure.gaussian(5, 16)


def test_what_looks_at_observed_pictures_is_refused(prior):
    task = Measure.gaussian(5, SHAPE)
    for table, words in [
        ({"objective": {"features": lambda x: x}}, "`features` compares pictures.*observes a list of numbers"),
        ({"objective": {"window": 7}}, "`window` looks at pixels"),
        ({"solve": {"keep": "held_out"}}, "`keep` held_out"),
    ]:
        with pytest.raises(JaxpriorError, match=words):
            make_method(table, task, prior=prior)
    with pytest.raises(ArgumentError, match="`features`"):
        jp.restore(prior, np.zeros((1, *SHAPE)), task, key=jax.random.key(0), objective=jp.Objective(features=jnp.sin))


@pytest.mark.parametrize("count", [1, 100])
def test_what_is_known_is_compared_as_it_is(count):
    """Measurements lie far outside of the range of pictures: clipped to it, they would be equal."""
    chance, task = np.random.default_rng(5), Measure.gaussian(count, SHAPE)
    raw, truth = (chance.uniform(-1, 1, (2, *SHAPE)).astype(np.float32) for _ in range(2))
    observed = 3 * np.asarray(task.observe(truth))
    for i, figures in enumerate(score(task, raw, raw, observed, truth, None)):
        apart = np.asarray(task.apply(raw[i])) - observed[i]
        assert figures["psnr_known"] == pytest.approx(-10 * np.log10(np.mean(np.square(apart / 2))), abs=1e-3)
