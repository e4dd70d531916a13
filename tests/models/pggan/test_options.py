"""The options of public PGGANs through everything that happens to a prior: cards, freezing, cutting, inversion."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxprior as jp
from jaxprior.models.pggan.networks import Critic, Generator, from_config, to_config
from jaxprior.nn.latent import draw_codes
from jaxprior.nn.norm import minibatch_stddev, rms_norm
from jaxprior.weights.outlines import outline_prior
from jaxprior.weights.priors import build_prior
from jaxprior.weights.storage import save_weights


ODD = {
    "first_bias": "position", "output": "tanh", "normalize_latents": False, "norm_before_layer1": False,
    "norm_epsilon": "outside", "outputs": "last", "label": (1.0, 0.0),
}  # fmt: skip
WIDTHS, LATENT = (64, 64, 8), 10  # wide enough for Winograd's form


def weights(module: Generator) -> dict:
    """Random ones, biases too: they begin at 0, which would hide a bias that is misplaced."""
    params = module.init_params(jax.random.key(0))
    leaves, structure = jax.tree.flatten(params)
    chance = np.random.default_rng(1)
    return jax.tree.unflatten(structure, [chance.standard_normal(leaf.shape, np.float32) for leaf in leaves])


@pytest.fixture(scope="module")
def odd() -> tuple[Generator, dict, jax.Array, jax.Array]:
    """A generator with all odd options, its weights, two codes and their images."""
    module = Generator(WIDTHS, LATENT, **ODD)
    params, codes = weights(module), jax.random.normal(jax.random.key(2), (2, LATENT))
    return module, params, codes, jax.jit(module.apply)({"params": params}, codes)


def test_a_frozen_generator_makes_the_same_images_cut_at_any_layer(odd):
    module, params, codes, images = odd
    frozen, prepared = module.freeze(params, platform="cpu", precision="fp32")
    assert [frozen.form_of(k) for k in (1, 2)] == ["same_winograd", "up_winograd"]

    @jax.jit
    def cut(params, codes):
        heads = [frozen.apply({"params": params}, codes, layer, method="head") for layer in range(1, 7)]
        return [frozen.apply({"params": params}, head, i + 1, method="tail") for i, head in enumerate(heads)]

    for found in cut(prepared, codes):
        np.testing.assert_allclose(found, images, atol=2e-5)


@pytest.mark.parametrize(("platform", "precision", "tolerance"), [("gpu", "fp32", 2e-5), ("cpu", "bf16", 0.1)])
def test_phase_kernels_and_half_precision_honour_the_options(odd, platform, precision, tolerance):
    module, params, codes, images = odd
    frozen, prepared = module.freeze(params, platform=platform, precision=precision)
    assert frozen.form_of(2) == "up_phases"
    found = jax.jit(frozen.apply)({"params": prepared}, codes)
    assert found.dtype == jnp.float32
    np.testing.assert_allclose(found, images, atol=tolerance)


@pytest.mark.parametrize("name", [*ODD, "clip"])
def test_every_option_changes_the_images_and_stands_in_the_card_alone(name, odd):
    module, params, codes, images = odd
    change = {"output": "clip"} if name == "clip" else {name: Generator.__dataclass_fields__[name].default}
    other = module.clone(**change)
    card = to_config(other)
    assert name not in card and from_config(card)[0] == other
    if name == "outputs":
        assert set(weights(other)) - set(params) == {"output0", "output1"}
        return
    if name == "first_bias":
        params = {**params, "layer0": {**params["layer0"], "bias": params["layer0"]["bias"][0, 0]}}
    if name == "label":
        params = {**params, "layer0": {**params["layer0"], "kernel": params["layer0"]["kernel"][:LATENT]}}
    found = jax.jit(other.apply)({"params": params}, codes)
    assert float(jnp.abs(found - images).max()) > 1e-6 and jnp.isfinite(found).all()


def test_the_card_of_an_ordinary_network_stays_as_it_was():
    plain = {"resolution": 16, "latent_dim": 24, "widths": [16, 12, 8], "image_channels": 3, "upsample": "fused"}
    generator, critic = from_config(plain)
    assert to_config(generator, critic) == plain and critic == Critic((16, 12, 8), fused=True)
    odd = {**plain, "output": "clip", "critic": {"group_size": 16, "groups": "consecutive"}}
    generator, critic = from_config(odd)
    assert to_config(generator, critic) == odd and (critic.group_size, critic.groups) == (16, "consecutive")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"output": "sigmoid"}, "`output` must be one of none, clip, tanh, got 'sigmoid'"),
        ({"normalize_latents": "no"}, "`normalize_latents` must be True or False, got"),
        ({"label": [1.0, float("nan")]}, "`label` must be finite"),
        ({"critic": {"groups": "all"}}, "`groups` must be one of strided, consecutive"),
        ({"critic": {"group_size": 0}}, "`group_size` must be"),
        ({"critic": {"tanh": True}}, "tanh"),
        ({"final_tanh": True}, "final_tanh"),
    ],
)
def test_a_card_with_an_impossible_option_is_refused(change, sentence):
    module = Generator((16, 8), 4)
    card = {"architecture": "pggan", "config": {**to_config(module), **change}}
    with pytest.raises(jp.errors.WeightsError, match=sentence):
        build_prior({"generator": module.init_params(jax.random.key(0))}, card)


def test_the_same_weights_with_other_options_are_another_prior(tmp_path):
    """Else results, sample banks and measurements of one would be taken for those of the other."""
    found = {}
    for output in ("none", "tanh", "clip"):
        module = Generator((4, 4), 4, output=output)
        card = {"architecture": "pggan", "config": to_config(module), "source": "random", "licence": "none"}
        path = tmp_path / f"{output}.safetensors"
        save_weights(path, {"generator": weights(module)}, card)
        prior = jp.load_prior(path)
        found[output] = prior.sha256
        assert outline_prior(path).sha256 == prior.sha256
        assert (prior.sha256 == prior.card["sha256"]) == (output == "none")
    assert len(set(found.values())) == 3


def test_a_prior_with_all_odd_options_is_inverted(odd):
    module, params, _, _ = odd
    card = {"architecture": "pggan", "config": to_config(module), "codes": "sphere"}
    prior = build_prior({"generator": params}, card)
    photos = np.random.default_rng(0).uniform(-1, 1, (1, 16, 16, 3)).astype(np.float32)
    codes = jp.MultiCode(num_codes=3, layer=3)
    result = jp.restore(
        prior, photos, jp.Identity(), key=jax.random.key(0), codes=codes, objective=jp.Objective(),
        solve=jp.Solve(steps=4, optimizer="adam", learning_rate=0.02),
    )  # fmt: skip
    latents = jax.tree.map(lambda leaf: leaf[0], result.latents)
    features = codes.compose(prior.head(latents["z"], 3), latents["alpha"])
    np.testing.assert_allclose(prior.tail(features[None], 3), result.images, atol=2e-5)
    assert result.trace[0, -1] < result.trace[0, 0]
    start = codes.init(prior.split(3), jax.random.key(0))["z"]
    np.testing.assert_allclose(jnp.linalg.norm(start, axis=-1), LATENT**0.5, rtol=1e-5)


def test_codes_on_the_sphere_have_the_length_of_ordinary_ones():
    codes = draw_codes(jax.random.key(0), (50, 16), distribution="sphere")
    np.testing.assert_allclose(jnp.linalg.norm(codes, axis=-1), 4.0, rtol=1e-6)
    ordinary = draw_codes(jax.random.key(0), (50, 16))
    np.testing.assert_allclose(codes * jnp.linalg.norm(ordinary, axis=-1, keepdims=True), 4 * ordinary, rtol=1e-5)


def test_a_batch_smaller_than_a_group_is_one_group():
    x = np.random.default_rng(0).normal(size=(6, 4, 4, 2)).astype(np.float32)
    for count, group in ((3, 4), (6, 16)):
        plane = minibatch_stddev(x[:count], group)[..., -1]
        np.testing.assert_allclose(plane, np.sqrt(x[:count].var(axis=0) + 1e-8).mean(), rtol=1e-5)
    assert len(np.unique(minibatch_stddev(x, 4)[..., -1])) == 3  # does not divide 6: pairs, as before


def test_the_norm_with_the_epsilon_outside_has_a_gradient_at_zero():
    gradient = jax.grad(lambda x: rms_norm(x, epsilon=1e-5).sum())(jnp.zeros((1, 4)))
    assert jnp.isfinite(gradient).all()
