"""Which settings count where a prior has an encoder whose card states some of its own, and how results are merged."""

import dataclasses

import numpy as np
import pytest
from tiny_encoder import with_encoder
from tiny_prior import random_prior

import jaxprior as jp
from jaxprior.restoration.drivers import Inverter
from jaxprior.restoration.encoder_settings import merge_card
from jaxprior.restoration.presets import completed, make_method
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
