"""Settings of priors whose card states none: by size and task, and said to be so."""

import itertools

import pytest

from jaxprior import operators
from jaxprior.protocols import Sizes
from jaxprior.restoration.defaults import defaults_of, origin_of_defaults
from jaxprior.restoration.presets import check_method, origin_of_method
from jaxprior.weights.card import Card
from jaxprior.weights.outlines import PriorOutline


SIDES = (64, 256, 512, 1024)
LAYERS = {64: 10, 256: 14, 512: 16, 1024: 18}
KINDS = {
    "reconstruct": operators.Identity(),
    "colorize": operators.Colorize(),
    "superres": operators.SuperResolve(4),
    "denoise": operators.Denoise(0.2),
}


def outline(side: int, *, card: dict | None = None, layers: int | None = None) -> PriorOutline:
    sizes = Sizes(image_shape=(side, side, 3), latent_dim=512, num_layers=layers or LAYERS[side])
    return PriorOutline(card=Card({"name": "some", **(card or {})}), sizes=sizes)


def test_every_size_and_task_has_settings_that_make_a_method():
    for side, (name, task) in itertools.product(SIDES, KINDS.items()):
        method = check_method({}, task, prior=outline(side))
        assert method.solve.optimizer == "lbfgs" and method.solve.init == "random" and method.codes.num_codes == 20
        assert method.objective.features is None, "no network needs to be installed"
        origin = origin_of_method({}, task, prior=outline(side))
        assert origin == origin_of_defaults({}, name, image_shape=(side, side, 3)) and "not measured" in origin


def test_from_256_pixels_on_the_layers_are_those_of_mganprior():
    public = {"reconstruct": 8, "colorize": 6, "superres": 6, "inpaint": 4}
    for side, (name, layer) in itertools.product((256, 512, 1024), public.items()):
        assert defaults_of({}, name, image_shape=(side, side, 3))["codes"]["layer"] == layer


def test_up_to_128_pixels_they_are_those_measured_on_the_bundled_prior():
    from jaxprior.weights.outlines import outline_prior

    bundled = outline_prior("cats64")
    for name, stated in bundled.card["defaults"].items():
        measured, chosen = {k: dict(v) for k, v in stated.items()}, defaults_of({}, name, image_shape=(64, 64, 3))
        measured["solve"].pop("init")  # starts are random here: a bank takes long to draw
        assert chosen["codes"] == measured["codes"] and chosen["solve"] == measured["solve"]


def test_the_longest_side_decides_where_images_are_not_square():
    wide = defaults_of({}, "inpaint", image_shape=(64, 256, 3))
    assert wide == defaults_of({}, "inpaint", image_shape=(256, 256, 3))
    assert wide != defaults_of({}, "inpaint", image_shape=(64, 64, 3))


def test_what_is_returned_is_the_callers_own():
    defaults_of({}, "inpaint", image_shape=(256, 256, 3))["solve"]["steps"] = 1
    assert defaults_of({}, "inpaint", image_shape=(256, 256, 3))["solve"]["steps"] == 25


def test_a_card_goes_first_and_its_gaps_are_filled():
    card = {"defaults": {"colorize": {"codes": {"num_codes": 3, "layer": 5}}}}
    method = check_method({}, operators.Colorize(), prior=outline(256, card=card))
    assert (method.codes.num_codes, method.codes.layer, method.solve.starts) == (3, 5, 4)
    assert origin_of_method({}, operators.Colorize(), prior=outline(256, card=card)) is None
    assert origin_of_method({}, prior=outline(256, card=card)) is not None, "of another task it states nothing"


def test_the_layer_is_lowered_to_the_last_one():
    assert check_method({}, prior=outline(256, layers=5)).codes.layer == 5


@pytest.mark.parametrize("preset", ["thesis", "invertgan"])
def test_other_presets_are_nobodys_defaults(preset):
    assert origin_of_method({"preset": preset}, prior=outline(256)) is None
    assert origin_of_method({"preset": "default"}, prior=outline(256)) is not None
