"""Options of the command line where a bundled prior has an encoder whose answer is taken without any step."""

import typing

import numpy as np
import pytest

from jaxprior.cli.method import check, method_options, method_table
from jaxprior.errors import JaxpriorError
from jaxprior.operators import Inpaint
from jaxprior.restoration.presets import origin_of_method
from jaxprior.weights import loader
from jaxprior.weights.outlines import outline_prior


PRIOR = outline_prior("cats32")
TASK = Inpaint(np.eye(32, dtype=np.float32))


def method_of(**given):
    """The method that options mean, and the table that they are."""
    options = method_options()
    hints = typing.get_type_hints(options)
    values = {name: hints[name](value) if isinstance(value, str) else value for name, value in given.items()}
    table = method_table(options(**values))
    return check(table, TASK, PRIOR), table


OF_STEPS = [
    {"features": "critic"}, {"features": "critic", "feature_weight": 0.2}, {"window": 7}, {"anchor": 0.1},
    {"optimizer": "adam"}, {"lr": 0.1}, {"starts": 2}, {"keep": "held-out"}, {"schedule": "cosine"},
]  # fmt: skip


@pytest.mark.parametrize("given", OF_STEPS, ids=str)
def test_options_of_steps_bring_back_the_settings_of_the_prior(given):
    method, table = method_of(**given)
    plain, _ = method_of(**given, encoder="none")
    assert method == plain and method.solve.steps == 25 and method.solve.init == "bank"
    assert origin_of_method(table, TASK, prior=PRIOR) is None
    stepped, _ = method_of(**given, steps=9)
    assert stepped.solve.steps == 9 and stepped.start.encoder is PRIOR.encoder


@pytest.mark.parametrize("given", [{}, {"precision": "bf16"}, {"features": "none"}, {"draws": 4}, {"tune": 5}], ids=str)
def test_other_options_leave_the_encoders_answer(given):
    method, _ = method_of(**given)
    assert method.solve.steps == 0 and method.start.encoder is PRIOR.encoder


def test_another_layer_is_one_of_several_codes():
    method, _ = method_of(layer=3)
    assert method.codes.num_codes == 20 and method.codes.layer == 3 and method.solve.init == "bank"


def test_an_encoder_that_nothing_uses_is_refused():
    path = str(loader.encoder_beside(loader.prior_file("cats32")))
    assert method_of(encoder=path)[0].solve.steps == 0
    with pytest.raises(JaxpriorError, match="^--encoder: nothing uses it, because --init bank begins elsewhere"):
        method_of(encoder=path, init="bank")
