"""A code with a feature map: how it begins, is optimised, rendered and moved, and how it is chosen by its kind."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tiny_prior import random_prior

import jaxprior as jp
from jaxprior.errors import SettingsError
from jaxprior.restoration.presets import make_method
from jaxprior.weights.card import Card


KEY = jax.random.key(0)
CODES = jp.FeatureCode(layer=4)


@pytest.fixture(scope="module")
def prior() -> jp.Prior:
    return random_prior()


@pytest.fixture(scope="module")
def photos(prior):
    """Two of the prior's images with a noise that no code makes."""
    images = prior.generate(jax.random.normal(jax.random.key(4), (2, 16)))
    return np.clip(images + 0.2 * jax.random.normal(jax.random.key(5), images.shape), -1, 1)


@pytest.fixture(scope="module")
def result(prior, photos) -> jp.Result:
    solve = jp.Solve(steps=20, optimizer="lbfgs")
    return jp.restore(prior, photos, key=KEY, codes=CODES, objective=jp.Objective(), solve=solve)


def test_it_begins_as_the_image_of_its_code(prior):
    generator, z = prior.split(4), jax.random.normal(KEY, (1, 16))
    latents = CODES.init(generator, KEY, z=z)
    assert latents["z"].shape == (16,) and latents["features"].shape == (8, 8, 16)
    np.testing.assert_allclose(CODES.synthesize(generator, latents), prior.generate(z)[0], atol=1e-5)


def test_a_start_that_knows_the_map_begins_on_it(prior):
    generator, wanted = prior.split(4), jax.random.normal(KEY, (8, 8, 16))
    latents = CODES.init(generator, KEY, features=wanted)
    np.testing.assert_allclose(CODES.composed(generator, latents), wanted, atol=1e-5)
    np.testing.assert_allclose(CODES.synthesize(generator, latents), generator.tail(wanted[None])[0], atol=1e-4)
    with pytest.raises(ValueError, match=r"`features` must have the shape \[8, 8, 16\] of the map after layer 4"):
        CODES.init(generator, KEY, features=jnp.zeros((4, 4, 16)))


def test_a_map_explains_what_no_code_does(prior, photos, result):
    solve = jp.Solve(steps=20, optimizer="lbfgs")
    single = jp.restore(prior, photos, key=KEY, codes=jp.SingleCode(), objective=jp.Objective(), solve=solve)
    assert np.all(np.asarray(result.loss) < 0.5 * np.asarray(single.loss))
    assert not np.array_equal(result.latents["features"], np.zeros((2, 8, 8, 16)))


def test_what_was_found_is_rendered_moved_and_interpolated(prior, result):
    np.testing.assert_allclose(jp.render(prior, result.latents, codes=CODES), result.images, atol=1e-4)
    moved = jp.edit(result.latents, jnp.ones(16), 0.5)
    np.testing.assert_array_equal(moved["features"], result.latents["features"])
    assert float(jnp.abs(jp.render(prior, moved, codes=CODES) - result.images).max()) > 1e-2
    a, b = (jax.tree.map(lambda x, i=i: x[i], result.latents) for i in (0, 1))
    frames = jp.render(prior, jp.interpolate(a, b, [0.0, 1.0]), codes=CODES)
    np.testing.assert_allclose(frames, result.images, atol=1e-4)


def test_several_starts_from_a_bank_are_averaged(prior, photos):
    solve = jp.Solve(steps=2, starts=2, init="bank", bank_size=16)
    found = jp.restore(prior, photos, key=KEY, codes=CODES, objective=jp.Objective(), solve=solve)
    assert found.latents["features"].shape == (2, 2, 8, 8, 16)
    np.testing.assert_allclose(jp.render(prior, found.latents, codes=CODES), found.images, atol=1e-4)


def carded(prior, **codes):
    """The prior with a card that states codes for a reconstruction."""
    stated = {"codes": codes, "objective": {"pixel": "l2"}, "solve": {"steps": 7}}
    return dataclasses.replace(prior, card=Card({"name": "tiny", "defaults": {"reconstruct": stated}}))


def test_a_table_and_a_card_choose_the_kind(prior):
    def codes(prior, **table):
        return make_method({"codes": table}, prior=prior).codes

    assert codes(prior, kind="feature", layer=5) == jp.FeatureCode(layer=5)
    assert codes(prior, kind="single") == jp.SingleCode(start="normal")
    assert codes(carded(prior, num_codes=3, layer=2), kind="feature") == jp.FeatureCode(layer=2)
    feature = carded(prior, kind="feature", layer=4)
    assert codes(feature) == jp.FeatureCode(layer=4)
    assert codes(carded(prior, kind="feature", layer=9)) == jp.FeatureCode(layer=6)
    assert codes(carded(prior, kind="feature")) == jp.FeatureCode()
    assert codes(carded(prior, kind="single")) == jp.SingleCode(start="normal")
    assert codes(feature, num_codes=3) == jp.MultiCode(num_codes=3, layer=4)
    assert codes(feature, kind="multi") == jp.MultiCode(layer=4)
    several = {"kind": "multi", "num_codes": 2, "layer": 3}
    invertgan = make_method({"preset": "invertgan", "codes": several}, prior=prior)
    assert invertgan.codes == jp.MultiCode(num_codes=2, layer=3)


MISTAKES = {
    "codes.kind feature means one latent code and one feature map: leave out codes.num_codes": {"num_codes": 3},
    "leave out codes.attention, or take another codes.kind": {"attention": "cbam"},
    "codes.layer 7: this prior has layers 1 to 6": {"layer": 7},
}


@pytest.mark.parametrize("sentence", MISTAKES)
def test_settings_of_other_codes_are_refused(prior, sentence):
    with pytest.raises(SettingsError, match=sentence):
        make_method({"codes": {"kind": "feature", **MISTAKES[sentence]}}, prior=prior)
    with pytest.raises(SettingsError, match="unknown codes.kind 'features'.*Did you mean feature?"):
        make_method({"codes": {"kind": "features"}}, prior=prior)
