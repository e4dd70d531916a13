"""Draws where the method takes an encoder's answer: inversions of single codes, which do not begin on that answer."""

import jax
import numpy as np
import pytest
from tiny_encoder import with_encoder
from tiny_prior import random_prior

import jaxprior as jp
from jaxprior.restoration.drawing import draws_at_once
from jaxprior.restoration.draws import own_inversion
from jaxprior.restoration.drivers import Inverter
from jaxprior.restoration.merge_rule import MergeRule
from jaxprior.restoration.placement import Placement
from jaxprior.restoration.presets import make_method
from jaxprior.weights.card import Card


HOLE = np.zeros((16, 16), np.float32)
HOLE[4:12, 4:12] = 1
TASK = jp.Inpaint(HOLE)
KEY = jax.random.key(0)
ANSWER = {"codes": {"kind": "feature", "layer": 3}, "solve": {"init": "encoder", "steps": 0, "bank_size": 64}}
OF_ENCODER = {"thickness": [1.0, 8.0], "biharmonic": [1.0, 0.5], "prior": [0.0, 0.5]}
OF_PRIOR = {"thickness": [1.0, 8.0], "biharmonic": [1.0, 0.5], "prior": [0.2, 0.5]}
DRAWS = jp.Draws(count=3, moves=3, steps=4)


@pytest.fixture(scope="module")
def prior():
    card = Card({"name": "black", "sha256": "12", "defaults": {"inpaint": ANSWER}, "merge": OF_ENCODER})
    bare = with_encoder(random_prior(), card)
    return jp.Prior(module=bare.module, params=bare.params, encoder=bare.encoder, card=Card({"merge": OF_PRIOR}))


@pytest.fixture(scope="module")
def photos(prior):
    return np.clip(prior.generate(jax.random.normal(jax.random.key(3), (2, 16))), -1, 1)


@pytest.fixture(scope="module")
def drawn(prior, photos):
    return jp.restore(prior, photos, TASK, key=KEY, draws=DRAWS)


def test_the_answer_of_least_error_stays_the_encoders_to_the_bit(prior, photos, drawn):
    alone = jp.restore(prior, photos, TASK, key=KEY)
    for name in ("images", "merged", "loss", "trace"):
        np.testing.assert_array_equal(getattr(alone, name), getattr(drawn, name))
    assert drawn.latents.keys() == {"z", "features"}


def test_draws_are_pictures_of_the_prior_that_fit_what_is_known_better_than_its_samples(prior, photos):
    """Taken as the generator made them, more evaluations explain the known pixels better."""
    known, errors = HOLE == 0, []
    for steps in (0, 20):
        inverter = Inverter(prior, make_method({"draws": {"count": 3, "moves": 0, "steps": steps}}, TASK, prior=prior))
        own = inverter.own_draws
        assert own.codes == jp.SingleCode() and own.start.name == "bank"
        assert own.settings.starts == 6  # more candidates than draws
        found = own.solve_starts(
            jp.operators.batched(TASK, 2), TASK.observe(photos), jax.random.split(KEY, 2), slots=6
        )
        np.testing.assert_allclose(found["images"], prior.generate(found["latents"]["z"]), atol=1e-5)
        assert len(np.unique(np.asarray(found["latents"]["z"][:6, 0]))) == 6
        squares = np.square(np.asarray(found["images"]) - np.repeat(photos, 6, axis=0))
        errors.append(squares[:, known].mean())
    assert errors[1] < 0.7 * errors[0]


def test_those_candidates_stay_that_explain_best_what_is_known(prior, photos, monkeypatch):
    found, solve = [], Placement.solve_starts

    def recorded(placement, *arguments, **options):
        found.append(solve(placement, *arguments, **options))
        return found[-1]

    monkeypatch.setattr(Placement, "solve_starts", recorded)
    result = jp.restore(prior, photos, TASK, key=KEY, draws=jp.Draws(count=3, moves=0, steps=2), merge="paste")
    losses = np.asarray(found[1]["loss"]).reshape(2, 6)
    images = np.asarray(found[1]["images"]).reshape(2, 6, 16, 16, 3)
    hole = HOLE == 1
    for i in range(2):
        best = np.argsort(losses[i])[:3]
        np.testing.assert_array_equal(np.asarray(result.draws)[i][:, hole], images[i, best][:, hole])


def test_draws_differ_from_each_other_and_from_the_answer(photos, drawn):
    draws, hole = np.asarray(drawn.draws), HOLE == 1
    np.testing.assert_array_equal(draws[:, :, ~hole], np.repeat(photos[:, None], 3, axis=1)[:, :, ~hole])
    apart = [np.abs(draws[:, k] - draws[:, (k + 1) % 3])[:, hole].mean() for k in range(3)]
    assert min(apart) > 0.05
    assert np.abs(draws - np.asarray(drawn.merged)[:, None])[:, :, hole].mean(axis=(2, 3)).min() > 0.05


def test_a_draw_does_not_depend_on_the_other_pictures(prior, photos, drawn):
    alone = jp.restore(prior, photos[1:], TASK, key=KEY, draws=DRAWS, ids=np.array([1]))
    np.testing.assert_array_equal(alone.draws[0], drawn.draws[1])


def test_equal_pictures_are_drawn_once(prior, photos, drawn, monkeypatch):
    """So what a group is padded with costs no draws."""
    solved, solve = [], Placement.solve_starts

    def counted(placement, operator, observed, keys, **options):
        solved.append((type(placement.codes), len(observed)))
        return solve(placement, operator, observed, keys, **options)

    monkeypatch.setattr(Placement, "solve_starts", counted)
    some = np.array([1, 0, 1, 1])
    padded = jp.restore(prior, photos[some], TASK, key=KEY, draws=DRAWS, ids=some)
    assert solved == [(jp.FeatureCode, 4), (jp.SingleCode, 2), (jp.SingleCode, 2)]
    np.testing.assert_array_equal(padded.draws, np.asarray(drawn.draws)[some])


def test_draws_of_a_picture_fill_their_batches_on_a_cpu(prior):
    def slots(count):
        inverter = Inverter(prior, make_method({"draws": count}, TASK, prior=prior))
        return draws_at_once(inverter.placement, inverter.own_draws, size=1)

    assert [slots(count) for count in (1, 3, 8, 9, 16)] == [2, 6, 8, 6, 8]


@pytest.mark.parametrize(
    "table", [{"solve": {"steps": 2}}, {"solve": {"init": "random"}}, {"codes": {"num_codes": 3}}, {"encoder": "none"}],
    ids=str,
)  # fmt: skip
def test_settings_that_are_given_count_for_draws_too(prior, table):
    method = make_method({**table, "draws": 3}, TASK, prior=prior)
    assert Inverter(prior, method).own_draws is None
    assert jp.Draws(steps=7).of(method.solve)[0].steps == 7


def test_a_start_that_is_given_counts_for_draws_too():
    given = {"solve": jp.Solve(init="encoder", steps=0), "code_distribution": "normal"}
    assert own_inversion(jp.Draws(), start=None, **given).solve.steps == 25
    assert own_inversion(jp.Draws(), start=jp.GivenStart({"z": np.zeros((1, 16))}), **given) is None
    clipped = own_inversion(jp.Draws(), start=None, **{**given, "code_distribution": "uniform"})
    assert clipped.codes == jp.SingleCode(project="clip")


def test_draws_are_merged_as_the_card_of_the_prior_says(prior):
    inverter = Inverter(prior, make_method({"draws": 2}, TASK, prior=prior))
    assert inverter.rule == MergeRule.of_card({"merge": OF_ENCODER})
    assert inverter.rule_of_draws == MergeRule.of_card({"merge": OF_PRIOR}).of_draws()
    pasted = make_method({"draws": 2, "merge": "paste"}, TASK, prior=prior)
    assert Inverter(prior, pasted).rule_of_draws is None


def test_memory_is_asked_for_draws_as_well(prior, monkeypatch):
    inverter = Inverter(prior, make_method({"draws": 2}, TASK, prior=prior))
    asked, fitted = [], Placement.fitted

    def recorded(placement, *arguments, **options):
        asked.append(type(placement.codes))
        return fitted(placement, *arguments, **options)

    monkeypatch.setattr(Placement, "fitted", recorded)
    other, size = inverter.fitted(TASK, jax.ShapeDtypeStruct((16, 16, 3), np.float32), wanted=2)
    assert asked == [jp.FeatureCode, jp.SingleCode] and size == inverter.fitted(
        TASK, jax.ShapeDtypeStruct((16, 16, 3), np.float32), wanted=2
    )[1]
    assert other.own_draws.settings == inverter.own_draws.settings
