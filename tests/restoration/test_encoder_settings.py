"""Which settings count where a prior has an encoder whose card states some of its own, and how results are merged."""

import dataclasses

import numpy as np
import pytest
from tiny_encoder import with_encoder
from tiny_prior import random_prior

import jaxprior as jp
from jaxprior.errors import SettingsError
from jaxprior.restoration.drivers import Inverter
from jaxprior.restoration.encoder_settings import merge_card
from jaxprior.restoration.presets import completed, make_method, origin_of_method
from jaxprior.weights.card import Card


HOLE = np.zeros((16, 16), np.float32)
HOLE[4:12, 4:12] = 1
TASK = jp.Inpaint(HOLE)
OWN = {"codes": {"kind": "feature", "layer": 3}, "solve": {"init": "encoder", "steps": 2}}
OTHER_WEIGHTS = {"thickness": [1.0, 8.0], "biharmonic": [1.0, 0.25], "prior": [0.0, 0.75]}


@pytest.fixture(scope="module")
def prior() -> jp.Prior:
    """With an encoder whose card states settings for holes, and how they are merged."""
    card = Card({"name": "black", "sha256": "12", "defaults": {"inpaint": OWN}, "merge": OTHER_WEIGHTS})
    return with_encoder(random_prior(), card)


def test_the_settings_of_the_encoder_count_for_its_task(prior):
    method = make_method({}, TASK, prior=prior)
    assert method.codes == jp.FeatureCode(layer=3) and method.solve.steps == 2 and method.start.encoder is prior.encoder
    assert make_method({"solve": {"steps": 9}}, TASK, prior=prior).solve.steps == 9
    assert make_method({}, jp.Colorize(), prior=prior).solve.init != "encoder"


ASKED = [{"solve": {"init": "random"}}, {"codes": {"num_codes": 3}}, {"codes": {"kind": "single"}}, {"encoder": "none"}]


@pytest.mark.parametrize("table", ASKED, ids=str)
def test_another_start_or_other_codes_ask_for_the_settings_of_the_prior(prior, table):
    method = make_method(table, TASK, prior=prior)
    plain = make_method({**table, "encoder": "none"}, TASK, prior=dataclasses.replace(prior, encoder=None))
    assert method == plain and method.solve.steps != 2


AT_ONCE = {"codes": {"kind": "feature", "layer": 3}, "solve": {"init": "encoder", "steps": 0}}
"""Settings of an encoder whose answer is taken without any step."""


def maps_of(images):
    """Stands for a network of features."""
    return images


ABOUT_STEPS = [
    *({"objective": one} for one in ({"features": maps_of}, {"window": 3}, {"anchor": 0.1}, {"pixel": "l1"})),
    {"objective": {"features": maps_of, "feature_weight": 0.2}},
    *({"solve": one} for one in ({"optimizer": "adam"}, {"learning_rate": 0.1}, {"starts": 2}, {"keep": "last"})),
    *({"solve": one} for one in ({"target_psnr": 30.0}, {"schedule": "cosine"}, {"hold_out": 0.2}, {"bank_size": 8})),
    {"tune": {"steps": 3}, "objective": {"window": 3}},
]
"""Methods that say something of steps, and not how many."""


@pytest.fixture(scope="module")
def at_once(prior) -> jp.Prior:
    """The same prior, whose encoder answers without any step."""
    card = Card({**prior.encoder.card, "defaults": {"inpaint": AT_ONCE}})
    return dataclasses.replace(prior, encoder=dataclasses.replace(prior.encoder, card=card))


def without_encoder(prior: jp.Prior) -> jp.Prior:
    return dataclasses.replace(prior, encoder=None)


@pytest.mark.parametrize("table", ABOUT_STEPS, ids=lambda table: str(table).split(" at 0x")[0])
def test_settings_of_steps_ask_for_the_settings_of_the_prior_if_there_are_no_steps(at_once, table):
    method = make_method(table, TASK, prior=at_once)
    assert method == make_method(table, TASK, prior=without_encoder(at_once)) and method.solve.steps > 0
    stepped = make_method({**table, "solve": {"steps": 7, **table.get("solve", {})}}, TASK, prior=at_once)
    assert stepped.start.encoder is at_once.encoder and stepped.solve.steps == 7, "the answer is gone on from"
    none = make_method({**table, "solve": {"steps": 0, **table.get("solve", {})}}, TASK, prior=at_once)
    assert none.solve.steps == 0 and none.start.encoder is at_once.encoder, "who says 0 steps gets them"


@pytest.mark.parametrize(
    "table",
    [
        {},
        {"objective": {"features": "none", "critic": "none"}},
        {"solve": {"precision": "bf16"}},
        {"draws": 3, "solve": {"temperature": 2.0}},
        {"tune": {"steps": 3}},
        {"codes": {"layer": 3}},
        {"merge": "paste"},
    ],
    ids=str,
)
def test_what_means_something_without_steps_leaves_the_answer_as_it_is(at_once, table):
    method = make_method(table, TASK, prior=at_once)
    assert method.solve.steps == 0 and method.start.encoder is at_once.encoder


def test_an_encoder_whose_settings_make_steps_keeps_them_whatever_is_said_of_steps(prior):
    method = make_method({"solve": {"starts": 3}, "objective": {"window": 3}}, TASK, prior=prior)
    assert method.start.encoder is prior.encoder and (method.solve.steps, method.solve.starts) == (2, 3)


@pytest.mark.parametrize("table", [{"codes": {"layer": 2}}, {"codes": {"layer": 2}, "solve": {"steps": 5}}], ids=str)
def test_another_layer_than_the_encoders_asks_for_the_settings_of_the_prior(prior, at_once, table):
    for one in (prior, at_once):
        method = make_method(table, TASK, prior=one)
        assert isinstance(method.codes, jp.MultiCode) and method.codes.layer == 2 and method.solve.init != "encoder"
        assert method == make_method(table, TASK, prior=without_encoder(one))


def test_with_a_named_encoder_the_codes_of_the_prior_begin_with_its_code(at_once):
    for table in ({"encoder": at_once.encoder}, {"solve": {"init": "encoder"}}):
        solve = {**table.get("solve", {}), "optimizer": "adam"}
        method = make_method({**table, "solve": solve}, TASK, prior=at_once)
        assert isinstance(method.codes, jp.MultiCode) and method.solve.steps > 0 and method.start.name == "encoder"


def test_what_a_program_gives_is_judged_by_the_same_rule(at_once):
    def complete(**given):
        nothing = dict.fromkeys(("codes", "objective", "solve", "start"))
        return completed(at_once, TASK, **{**nothing, **given})

    objective = jp.Objective(pixel="l1")
    card = make_method({"encoder": "none", "objective": {"pixel": "l1"}}, TASK, prior=at_once)
    assert complete().solve.steps == 0 and complete(objective=objective) == card
    stepped = complete(objective=objective, solve=jp.Solve(steps=4, init="encoder"))
    assert isinstance(stepped.codes, jp.FeatureCode) and stepped.start.encoder is at_once.encoder
    assert complete(codes=jp.FeatureCode(layer=2)).solve == card.solve
    tuned = jp.TunedCode(codes=jp.FeatureCode(layer=3), steps=2)
    assert complete(codes=tuned).solve.steps == 0 and complete(codes=tuned).codes is tuned
    started = complete(objective=objective, start=jp.EncoderStart())
    assert isinstance(started.codes, jp.MultiCode) and started.solve.steps == card.solve.steps
    assert started.start.encoder is at_once.encoder, "whose card says how results are merged"


def test_an_encoder_that_a_program_gives_brings_its_own_settings(prior, at_once):
    bare, start = without_encoder(prior), jp.EncoderStart(encoder=at_once.encoder)
    method = completed(bare, TASK, codes=None, objective=None, solve=None, start=start)
    assert method.solve.steps == 0 and method.codes == jp.FeatureCode(layer=3) and method.start is start
    stepped = completed(bare, TASK, codes=None, objective=None, solve=jp.Solve(steps=4), start=start)
    assert stepped.codes == jp.FeatureCode(layer=3), "the start that is given counts, and not that of `solve`"


def test_an_encoder_that_nothing_uses_is_refused(prior):
    table = {"encoder": prior.encoder, "solve": {"init": "bank"}}
    with pytest.raises(SettingsError, match="encoder: nothing uses it, because solve.init bank begins elsewhere"):
        make_method(table, TASK, prior=prior)
    in_domain = {"in_domain": "prior", "in_domain_on": "features"}
    used = make_method({**table, "codes": {"layer": 3}, "objective": in_domain}, TASK, prior=prior)
    assert used.start is None and used.objective.in_domain is prior.encoder


def test_settings_that_a_named_encoder_states_are_no_defaults_by_size(prior):
    bare = dataclasses.replace(prior, encoder=None, card=Card({}))
    assert "defaults by size" in str(origin_of_method({}, TASK, prior=bare))
    assert origin_of_method({"encoder": prior.encoder}, TASK, prior=bare) is None
    assert "defaults by size" in str(origin_of_method({"encoder": prior.encoder}, jp.Colorize(), prior=bare))


def test_what_a_caller_gives_is_completed_by_what_goes_with_it(prior):
    def complete(codes=None, solve=None, start=None):
        return completed(prior, TASK, codes=codes, objective=None, solve=solve, start=start)

    assert complete().codes == jp.FeatureCode(layer=3) and complete().start.name == "encoder"
    assert complete(codes=jp.MultiCode(num_codes=2, layer=2)).solve.init != "encoder"
    assert isinstance(complete(solve=jp.Solve(steps=3)).codes, jp.MultiCode)
    assert isinstance(complete(start=jp.RandomStart()).codes, jp.MultiCode)
    given = jp.GivenStart({"z": np.zeros((1, 4), np.float32), "features": np.zeros((1, 8, 8, 4), np.float32)})
    assert isinstance(complete(start=given).codes, jp.FeatureCode)
    assert isinstance(complete(start=jp.GivenStart({"z": np.zeros((1, 20, 4), np.float32)})).codes, jp.MultiCode)


def test_answers_are_merged_as_the_encoder_says(prior):
    begun, plain = make_method({}, TASK, prior=prior), make_method({"encoder": "none"}, TASK, prior=prior)
    assert Inverter(prior, begun).rule.prior == (0.0, 0.75)
    assert Inverter(prior, plain).rule.prior != (0.0, 0.75)
    assert merge_card(prior.card, begun.start)["name"] == "black" and merge_card(prior.card, None) is prior.card
