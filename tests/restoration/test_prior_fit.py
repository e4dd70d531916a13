"""Whether pictures look like what a prior was trained on."""

import functools

import jax
import numpy as np
import pytest
import skimage.data

import jaxprior as jp
from jaxprior.data import images
from jaxprior.data.masks import parse_mask
from jaxprior.evaluation.datasets import chelsea_squares
from jaxprior.restoration import prior_fit


SIZE = 32


@functools.cache
def prior():
    return jp.load_prior("cats32")


@pytest.fixture(scope="module")
def cats():
    return np.stack([images.to_float(images.fit(square, SIZE)) for square in chelsea_squares()[:3]])


@pytest.fixture(scope="module")
def others():
    bricks = np.random.default_rng(0).choice([-1.0, 1.0], (SIZE // 4, SIZE // 4, 1)).repeat(4, 0).repeat(4, 1)
    noise = np.random.default_rng(1).uniform(-1, 1, (SIZE, SIZE, 3))
    letters = images.to_float(images.fit(images.to_rgb(skimage.data.text()[..., None]), SIZE))
    return np.stack([np.broadcast_to(bricks, noise.shape), noise, -letters]).astype(np.float32)


def test_a_cat_fits_a_prior_of_cats_and_noise_does_not(cats, others):
    assert jp.fit_of(prior(), cats) == ["good"] * 3
    assert jp.fit_of(prior(), others)[:2] == ["poor"] * 2


def test_what_stands_in_a_hole_does_not_matter(cats, others):
    hole = parse_mask("center:0.25").draw(SIZE)
    observed = np.where(hole[..., None] > 0, others[1], cats)
    assert jp.fit_of(prior(), observed, jp.Inpaint(hole)) == ["good"] * 3
    blank = np.where(hole[..., None] > 0, np.nan, others[1])[None]
    assert jp.fit_of(prior(), blank, jp.Inpaint(hole)) == ["poor"]


@pytest.mark.parametrize("task", [jp.Colorize(), jp.SuperResolve(4), jp.Denoise(0.2)], ids=lambda task: task.label)
def test_every_task_judges_its_own_observations(task, cats, others):
    keys = jax.random.split(jax.random.key(0), 3)
    assert jp.fit_of(prior(), task.observe(cats, key=keys), task) == ["good"] * 3
    assert "poor" in jp.fit_of(prior(), task.observe(others, key=keys), task)


def test_a_judgement_does_not_depend_on_the_other_pictures(cats, others):
    both = np.concatenate([cats, others])
    together, _ = prior_fit.critic_values(prior(), both, jp.Identity())
    alone = [prior_fit.critic_values(prior(), both[i : i + 1], jp.Identity())[0][0] for i in range(len(both))]
    assert np.array_equal(together, alone)


def test_nothing_is_said_where_nothing_is_known(cats):
    few = parse_mask("pixels:0.9").draw(SIZE, jax.random.key(0))
    assert jp.fit_of(prior(), cats, jp.Inpaint(few)) == [None] * 3  # texture cannot be judged by lonely pixels
    assert jp.fit_of(prior(), cats, jp.Denoise(0.05)) == [None] * 3  # no held-out pictures had so little noise
    assert jp.fit_of(jp.untrained(prior(), key=jax.random.key(0)), cats) == [None] * 3


def test_the_limit_is_the_quantile_of_held_out_pictures():
    chance = np.random.default_rng(0)
    usual, held_out = chance.normal(size=(300, 8)), chance.normal(size=(300, 8))
    reference = prior_fit.make_reference(usual, {1.0: [held_out], 0.5: [held_out, 2 * held_out]}, axes=3)
    words = [reference.judge(one, 1.0) for one in held_out]
    assert words.count("poor") == 6  # 2 %
    assert sum(reference.judge(2 * one, 0.5) == "poor" for one in held_out) == 6  # the worse of two ways
    assert reference.judge(held_out[0], 0.4) is None
    assert reference.judge(np.full(8, 9.0), 1.0) == "poor"
    assert abs(np.median(reference.distance(held_out)) - 1) < 0.3


def test_numbers_are_read_as_they_were_written(tmp_path, monkeypatch):
    chance = np.random.default_rng(0)
    made = prior_fit.make_reference(chance.normal(size=(40, 8)), {1.0: [chance.normal(size=(40, 8))]}, axes=3)
    path = tmp_path / prior_fit.FILE
    prior_fit.write_references(path, prior(), {"superres x4 bilinear": made}, pictures="noise")
    monkeypatch.setattr(prior_fit.loader, "bundled", lambda: {"cats32": tmp_path / "model.safetensors"})
    prior_fit._bundled.cache_clear()
    try:
        (label, read), = prior_fit.references(prior()).items()
    finally:
        prior_fit._bundled.cache_clear()
    assert label == "superres x4 bilinear"
    assert all(np.array_equal(value, vars(read)[name]) for name, value in vars(made).items())
