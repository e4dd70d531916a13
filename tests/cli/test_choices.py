"""The options of a method are those of the dataclasses it consists of: no more, no fewer, with the same words."""

import dataclasses
import pkgutil
import typing

import pytest

from jaxprior.cli.method import PARTS, method_options, method_settings, method_table, resolve
from jaxprior.inversion.codes.attention import ATTENTION, CBAM, SelfAttention
from jaxprior.inversion.codes.features import FeatureCode
from jaxprior.inversion.codes.multi import MultiCode
from jaxprior.inversion.codes.network import NetworkCode
from jaxprior.inversion.codes.single import SingleCode
from jaxprior.inversion.objective import Objective
from jaxprior.inversion.solvers import PRECISIONS, Solve
from jaxprior.inversion.starts import start_names
from jaxprior.inversion.terms import CRITIC_LOSSES, FEATURE_LOSSES, PIXEL_LOSSES
from jaxprior.operators import Identity, load_task, task_names
from jaxprior.restoration.named_settings import PRESETS
from jaxprior.restoration.presets import Outline
from jaxprior.settings import about, choices
from jaxprior.system.runtime import MATMUL_PRECISION


CONFIGS = (Outline, MultiCode, SingleCode, FeatureCode, NetworkCode, SelfAttention, CBAM, Objective, Solve)
NO_OPTION = {"SingleCode.project", "FeatureCode.project", "SingleCode.start", "CBAM.norm", "CBAM.start", "CBAM.where"}
NO_OPTION |= {"Objective.pixel", "Objective.feature_loss", "Objective.critic_loss", "Objective.compare"}
"""Choices that presets, cards and recipes make; `CBAM.where` is chosen by the option of `SelfAttention.where`."""


def offered(kind: type, name: str) -> list[str]:
    """The words that an option offers."""
    annotation = typing.get_type_hints(kind)[name]
    return [word.value for word in annotation]


def test_every_choice_is_offered_by_its_option_and_nothing_else():
    settings = {one.path: (name, one) for name, one in method_settings().items()}
    met = set()
    for prefix, where in PARTS:
        kind = pkgutil.resolve_name(where)
        for field, hint in typing.get_type_hints(kind).items():
            if not choices(hint) or prefix + field not in settings:
                continue
            option, setting = settings[prefix + field]
            as_in_recipes = setting.about.verbatim  # names of presets
            words = [word if as_in_recipes else word.replace("_", "-") for word in choices(hint)]
            assert offered(method_options(), option) == words
            met.add(f"{kind.__name__}.{field}")
    every = {
        f"{kind.__name__}.{f}" for kind in CONFIGS for f, hint in typing.get_type_hints(kind).items() if choices(hint)
    }
    assert met == every - NO_OPTION


def test_words_that_no_type_states_are_those_of_the_library():
    options = method_options()
    assert offered(options, "preset") == list(PRESETS)
    assert offered(options, "attention") == list(ATTENTION)
    assert sorted(offered(options, "init")) == sorted(start_names())
    assert offered(options, "critic") == ["none", "prior"]


def test_constants_follow_the_types():
    hints = {kind: typing.get_type_hints(kind) for kind in CONFIGS}
    assert set(choices(hints[Objective]["pixel"])) == set(PIXEL_LOSSES)
    assert choices(hints[Objective]["feature_loss"]) == FEATURE_LOSSES
    assert set(choices(hints[Objective]["critic_loss"])) == set(CRITIC_LOSSES)
    assert PRECISIONS == tuple(MATMUL_PRECISION)
    assert hints[SelfAttention]["where"] == hints[CBAM]["where"]


def test_every_setting_of_a_method_exists(prior):
    """Each option's path leads to a field, and what is given arrives there in the library's own words."""
    given = {"keep": "held-out", "attention": "cbam", "attention_where": "each", "lr": 0.5, "codes": 3, "layer": 2}
    options = method_options()
    hints = typing.get_type_hints(options)
    values = {name: hints[name](value) if isinstance(value, str) else value for name, value in given.items()}
    table = method_table(options(**values))
    assert table["codes"] == {"num_codes": 3, "layer": 2, "attention": {"type": "cbam", "where": "each"}}
    assert table["solve"] == {"keep": "held_out", "learning_rate": 0.5} and table["preset"] == "default"
    method = resolve(table, Identity(), prior)
    assert method.codes.attention == CBAM(where="each") and method.solve.keep == "held_out"
    for one in method_settings().values():
        part, _, field = one.path.rpartition(".")
        kinds = [pkgutil.resolve_name(where) for prefix, where in PARTS if prefix == (f"{part}." if part else "")]
        assert field in {f.name for kind in kinds for f in dataclasses.fields(kind)}


@pytest.fixture
def prior():
    from tiny_prior import random_prior

    return random_prior()


@pytest.mark.parametrize("name", task_names())
def test_every_setting_of_a_task_has_help(name):
    kind = load_task(name).settings
    described = about(kind)
    assert set(described) == {field.name for field in dataclasses.fields(kind)}
    assert all(one.text.endswith(".") for one in described.values())
