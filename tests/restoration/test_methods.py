"""Ways to parametrise an image beside free multi-code: single codes, starts of the weights, attention; and edits."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from all_problems import AllProblems
from tiny_prior import random_prior

import jaxprior as jp
from jaxprior.inversion import batching


KEY = jax.random.key(0)
L2 = jp.Objective()


@pytest.fixture(scope="module")
def prior() -> jp.Prior:
    return random_prior()


@pytest.fixture(scope="module")
def planted(prior):
    """Images of known codes: (images, codes)."""
    z = jax.random.normal(jax.random.key(4), (3, 16))
    return prior.generate(z), z


def invert(prior, images, codes, **solve):
    return jp.restore(prior, images, key=KEY, codes=codes, objective=L2, solve=jp.Solve(**solve))


METHODS = {
    "multi-code": jp.MultiCode(num_codes=8, layer=4),
    "softmax": jp.MultiCode(num_codes=8, layer=4, weights="softmax"),
    "Gaussian weights": jp.MultiCode(num_codes=8, layer=4, alpha="gaussian"),
    "first": jp.MultiCode(num_codes=8, layer=4, alpha="first"),
    "softmax first": jp.MultiCode(num_codes=8, layer=4, weights="softmax", alpha="first"),
    "dot": jp.MultiCode(num_codes=8, layer=4, attention=jp.SelfAttention()),
    "scaled-dot": jp.MultiCode(num_codes=8, layer=4, attention=jp.SelfAttention(scaled=True)),
    "cbam": jp.MultiCode(num_codes=8, layer=4, attention=jp.CBAM()),
    "cbam each": jp.MultiCode(num_codes=8, layer=4, attention=jp.CBAM(where="each", start="random")),
    "single": jp.SingleCode(),
}


@pytest.mark.parametrize("name", METHODS)
def test_every_method_recovers_a_planted_image(name, prior):
    """From codes some way off, all latents free: the loss falls a hundred times."""
    codes, generator = METHODS[name], prior.split(METHODS[name].layer)
    truth = codes.init(generator, jax.random.key(3))
    planted = codes.synthesize(generator, truth)[None]
    off = truth["z"] + 0.3 * jax.random.normal(jax.random.key(4), truth["z"].shape)
    start = jax.tree.map(lambda x: x[None], {**truth, "z": off})
    solve = jp.Solve(steps=60, optimizer="lbfgs", weight_rate=0.1)
    keys = jax.random.split(KEY, 1)
    problems = AllProblems(jp.Identity(), planted, keys, latents=start)
    found = batching.solve(generator, L2, problems, size=1, platform="cpu", codes=codes, solve=solve)
    assert float(found["trace"][0, 0] / found["loss"][0]) > 100


def test_weights_start_as_said(prior):
    generator = prior.split(4)

    def alpha(**fields):
        return np.asarray(jp.MultiCode(num_codes=5, layer=4, **fields).init(generator, KEY)["alpha"])

    np.testing.assert_allclose(alpha(), 0.2)
    first = alpha(alpha="first")
    assert np.all(first[0] == 1) and np.all(first[1:] == 0)
    np.testing.assert_array_equal(alpha(weights="softmax"), 0)
    shares = np.asarray(jax.nn.softmax(alpha(weights="softmax", alpha="first"), axis=0))
    np.testing.assert_allclose(shares[0], 0.9, rtol=1e-5)
    assert 0.5 < alpha(alpha="gaussian").std() < 1.5
    a, b = (jp.MultiCode(num_codes=5, layer=4, alpha=start).init(generator, KEY)["z"] for start in ("mean", "gaussian"))
    np.testing.assert_array_equal(a, b)


def test_attention_starts_as_if_it_were_not_there(prior):
    generator = prior.split(4)
    plain = jp.MultiCode(num_codes=4, layer=4)
    image = plain.synthesize(generator, plain.init(generator, KEY))
    each = (jp.SelfAttention(scaled=True, where="each"), jp.CBAM(where="each"))
    for attention in (jp.SelfAttention(), jp.CBAM(), *each):
        codes = jp.MultiCode(num_codes=4, layer=4, attention=attention)
        latents = codes.init(generator, KEY)
        # CBAM scales the map by a quarter, which the next pixel norm removes up to its epsilon.
        np.testing.assert_allclose(codes.synthesize(generator, latents), image, atol=5e-3)
        assert set(latents) == {"z", "alpha", "attention"}


@pytest.mark.parametrize("attention", [jp.SelfAttention(), jp.CBAM(start="random")], ids=["dot", "cbam"])
def test_attention_parameters_move_only_if_they_are_optimised(attention, prior, planted):
    import dataclasses

    for optimise in (True, False):
        codes = jp.MultiCode(num_codes=2, layer=2, attention=dataclasses.replace(attention, optimise=optimise))
        start = invert(prior, planted[0], codes, steps=0).latents["attention"]
        optimizer = "adam" if optimise else "lbfgs"
        end = invert(prior, planted[0], codes, steps=4, optimizer=optimizer, keep="last").latents["attention"]
        moved = any(not np.array_equal(a, b) for a, b in zip(*map(jax.tree.leaves, (start, end)), strict=True))
        assert moved == optimise


def test_single_code_is_the_generator_and_its_projections_hold(prior, planted):
    images, z = planted
    codes = jp.SingleCode()
    np.testing.assert_allclose(jp.render(prior, {"z": z}, codes=codes), images, atol=2e-5)
    wild = {"steps": 8, "learning_rate": 1.0, "keep": "last"}
    free = invert(prior, images, jp.SingleCode(start="uniform"), **wild).latents["z"]
    clipped = invert(prior, images, jp.SingleCode(project="clip", start="uniform"), **wild).latents["z"]
    drawn = invert(prior, images, jp.SingleCode(project="stochastic", start="uniform"), **wild).latents["z"]
    assert np.abs(free).max() > 1
    assert np.abs(clipped).max() == 1
    assert np.abs(drawn).max() < 1 and not np.any(np.abs(drawn) == 1)


def test_stochastic_clipping_draws_every_value_by_itself():
    z = jnp.array([0.5, 3.0, -2.0, 7.0, -0.9])
    out = np.asarray(jp.SingleCode(project="stochastic").constrain({"z": z}, KEY)["z"])
    assert out[0] == 0.5 and out[4] == np.float32(-0.9)
    assert len(set(out[1:4].tolist())) == 3 and np.all(np.abs(out) < 1)


def test_edits_move_codes_and_nothing_else(prior, planted):
    codes = jp.MultiCode(num_codes=3, layer=3)
    latents = invert(prior, planted[0], codes, steps=3).latents
    direction = np.random.default_rng(0).standard_normal(16).astype(np.float32)
    moved = jp.edit(latents, direction, 2.0)
    np.testing.assert_allclose(moved["z"] - latents["z"], np.broadcast_to(2 * direction, (3, 3, 16)), atol=1e-5)
    np.testing.assert_array_equal(moved["alpha"], latents["alpha"])
    same = jp.render(prior, jp.edit(latents, direction, 0.0), codes=codes)
    np.testing.assert_array_equal(same, jp.render(prior, latents, codes=codes))


def test_interpolation_begins_and_ends_at_the_inversions(prior, planted):
    codes = jp.MultiCode(num_codes=3, layer=3)
    result = invert(prior, planted[0], codes, steps=3)
    a, b = (jax.tree.map(lambda x, i=i: x[i], result.latents) for i in (0, 1))
    frames = jp.render(prior, jp.interpolate(a, b, [0.0, 0.5, 1.0]), codes=codes)
    np.testing.assert_allclose(frames[0], result.images[0], atol=1e-4)
    np.testing.assert_allclose(frames[2], result.images[1], atol=1e-4)
    assert float(jnp.abs(frames[1] - frames[0]).max()) > 1e-3


def test_mistakes_are_sentences():
    with pytest.raises(ValueError, match="`alpha`"):
        jp.MultiCode(alpha="zero")
    with pytest.raises(ValueError, match="`project`"):
        jp.SingleCode(project="circle")
    with pytest.raises(ValueError, match="`start`"):
        jp.SingleCode(start="zero")
    with pytest.raises(ValueError, match="feature_loss"):
        jp.Objective(feature_loss="cosine")
