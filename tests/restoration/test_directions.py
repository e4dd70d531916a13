"""Directions in latent space from labels: the fit against scikit-learn's numbers, and what held-out pictures say."""

import warnings

import numpy as np
import pytest

import jaxprior as jp
from jaxprior.errors import ArgumentError, JaxpriorWarning
from jaxprior.restoration.directions import find_direction, logistic_regression


SKLEARN = {
    1.0: (
        [1.279083441110493, -2.3754242197430924, 0.7005674834331636, -0.044023338507727244, 0.3726577176932522],
        -0.19887900368297254,
    ),
    0.05: (
        [2.487941809810614, -5.3612907327823125, 1.9408437180090126, -0.24698507957984633, 0.866730370223449],
        -0.3339614743516596,
    ),
}
"""scikit-learn 1.9.1, LogisticRegression(C=1 / strength, tol=1e-12, solver="newton-cholesky"), of `data_of_sklearn`:
coefficients and intercept by strength."""


def data_of_sklearn():
    """60 samples of 5 numbers, 27 of them with the attribute."""
    chance = np.random.default_rng(22)
    x = chance.normal(size=(60, 5)).round(3)
    return x, x @ np.array([1.0, -2, 0.5, 0, 0.3]) + 0.7 * chance.normal(size=60).round(3) > 0.2


def planted(pictures=120, d=16, noise=0.3, seed=0):
    """Codes, labels, and the direction that decides these."""
    chance = np.random.default_rng(seed)
    codes, true = chance.normal(size=(pictures, d)), chance.normal(size=d)
    true /= np.linalg.norm(true)
    return codes, codes @ true + noise * chance.normal(size=pictures) > 0, true


@pytest.mark.parametrize("strength", SKLEARN)
def test_the_plane_is_that_of_scikit_learn(strength):
    x, has_it = data_of_sklearn()
    assert has_it.sum() == 27
    weights, intercept = logistic_regression(x, has_it, strength)
    expected, constant = SKLEARN[strength]
    np.testing.assert_allclose(weights, expected, atol=1e-5)
    assert intercept == pytest.approx(constant, abs=1e-5)


def test_the_plane_is_a_minimum_where_there_are_more_numbers_than_pictures():
    chance = np.random.default_rng(0)
    x, has_it, strength = chance.normal(size=(24, 40)), np.arange(24) % 3 == 0, 2.0
    weights, intercept = logistic_regression(x, has_it, strength)
    wrong = np.where(has_it, 1.0, 0.0) - 1 / (1 + np.exp(-(x @ weights + intercept)))
    np.testing.assert_allclose(strength * weights, wrong @ x, atol=1e-4)
    assert wrong.sum() == pytest.approx(0, abs=1e-4)


def test_a_planted_direction_is_found_and_held_out_pictures_confirm_it():
    codes, has_it, true = planted()
    with warnings.catch_warnings():
        warnings.simplefilter("error", JaxpriorWarning)
        found = jp.find_direction(codes, has_it)
    assert found.vector.dtype == np.float32 and np.linalg.norm(found.vector) == pytest.approx(1, abs=1e-6)
    assert found.vector @ true > 0.9
    assert found.accuracy > 0.8 and found.ranking > 0.9 and found.is_better_than_chance
    assert (found.with_it, found.without) == (int(has_it.sum()), int((~has_it).sum()))
    assert found.larger == max(found.with_it, found.without) / 120
    along = codes @ found.vector
    assert found.apart == pytest.approx(along[has_it].mean() - along[~has_it].mean(), abs=1e-5)


def test_labels_that_say_nothing_are_told_from_those_that_do():
    codes, has_it, _ = planted(pictures=60, d=100)
    shuffled = np.random.default_rng(2).permutation(has_it)
    with pytest.warns(JaxpriorWarning, match="no better than always saying the larger class"):
        found = find_direction(codes, shuffled)
    assert not found.is_better_than_chance
    weights, intercept = logistic_regression(codes, shuffled, 0.01)
    assert ((codes @ weights + intercept > 0) == shuffled).all()  # which the labelled pictures alone do not show


def test_opposite_labels_give_the_opposite_direction():
    codes, has_it, _ = planted()
    one, other = (find_direction(codes, labels, strength=10.0) for labels in (has_it, ~has_it))
    np.testing.assert_allclose(one.vector, -other.vector, atol=1e-5)
    assert one.accuracy == other.accuracy and one.apart == pytest.approx(other.apart, rel=1e-4)


def test_several_codes_of_a_picture_count_by_their_mean():
    codes, has_it, _ = planted()
    change = np.random.default_rng(2).normal(size=(120, 1, 16))
    several = np.concatenate([codes[:, None] + change, codes[:, None] - change], axis=1)
    one = find_direction(codes, has_it, strength=10.0)
    for latents in (several, {"z": several, "alpha": np.ones((120, 2, 4))}, several[:, None]):
        np.testing.assert_allclose(find_direction(latents, has_it, strength=10.0).vector, one.vector, atol=1e-5)


def test_the_unit_of_codes_does_not_matter():
    codes, has_it, _ = planted()
    one, other = find_direction(codes, has_it), find_direction(7 * codes + 3, has_it)
    np.testing.assert_allclose(one.vector, other.vector, atol=1e-4)
    assert other.apart == pytest.approx(7 * one.apart, rel=1e-3)
    assert (one.accuracy, one.strength) == (other.accuracy, other.strength)


CODES = np.random.default_rng(0).normal(size=(40, 4))
HALF = np.arange(40) % 2


@pytest.mark.parametrize(
    "latents, labels, words, says",
    [
        (CODES[0], HALF, {}, "must be codes"),
        ("smile", HALF, {}, "must be codes"),
        ({"alpha": CODES}, HALF, {}, 'with "z"'),
        (np.where(CODES > 2, np.nan, CODES), HALF, {}, "finite numbers"),
        (np.ones((40, 4)), HALF, {}, "all codes are the same"),
        (CODES, HALF[:39], {}, r"must be \[40\] of 0 and 1"),
        (CODES, 2 * HALF, {}, "of 0 and 1"),
        (CODES, np.array(["yes"] * 40), {}, "of 0 and 1"),
        (CODES, np.arange(40) < 9, {}, "only 9 of the 40 pictures are with the attribute"),
        (CODES, np.arange(40) > 3, {}, "only 4 of the 40 pictures are without it"),
        (CODES, HALF, {"strength": 0.0}, "strength"),
        (CODES, HALF, {"seed": -1}, "seed"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_sentence(latents, labels, words, says):
    with pytest.raises(ArgumentError, match=says):
        find_direction(latents, labels, **words)
