"""BEGAN's networks beside public implementations, as a prior, and what is drawn of a prior whose codes are uniform."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from began_golden import SIZES_OF_AUTHORS, convolution, networks_of, of_authors, tensors_of_authors

import jaxprior as jp
from jaxprior.errors import WeightsError
from jaxprior.inversion.starts.random import RandomStart
from jaxprior.models.began.config import sizes
from jaxprior.models.began.networks import Critic, Generator, from_config, to_config
from jaxprior.restoration.banks import sample_bank
from jaxprior.weights.loader import load
from jaxprior.weights.priors import build_prior
from jaxprior.weights.storage import load_weights, save_weights


CHANCE = np.random.default_rng(0)
CONFIG = {"resolution": 16, "width": 8, "latent_dim": 5, "image_channels": 3, "skips": False}
CARD = {
    "name": "tiny-began", "architecture": "began", "config": CONFIG, "codes": "uniform", "source": "random weights",
    "licence": "none",
}  # fmt: skip


def of_every_second(images):
    return images[:, ::2, ::2]


@pytest.mark.parametrize("name", ["began32", "began16"])
def test_networks_are_those_of_the_public_implementation(golden, name):
    with jax.enable_x64(True):
        arrays = golden("began")
        (generator, g), (critic, d) = networks_of(arrays, name)
        z, x = arrays[f"{name}.step0.z"].astype(np.float64), arrays[f"{name}.step0.x"] / np.float32(127.5) - 1
        fakes = generator.apply({"params": g}, z)
        np.testing.assert_allclose(of_every_second(fakes), arrays[f"{name}.step0.G"], atol=4e-6)
        both = jnp.concatenate([fakes, x])
        codes = critic.apply({"params": d}, both, method="encode")
        np.testing.assert_allclose(codes, arrays[f"{name}.step0.D_z"], atol=2.3e-5)
        remade = critic.apply({"params": d}, codes, method="decode")
        expected = np.concatenate([arrays[f"{name}.step0.AE_G"], arrays[f"{name}.step0.AE_x"]])
        np.testing.assert_allclose(of_every_second(remade), expected, rtol=1e-6, atol=2.3e-5)  # up to 34, float32
        scores = critic.apply({"params": d}, both)
        real, fake = -jnp.mean(scores[4:]), -jnp.mean(scores[:4])
        np.testing.assert_allclose([real, fake], arrays[f"{name}.step0.scalars"][1:3], rtol=1e-6)


def test_networks_with_skips_are_those_of_the_generative_encoders_authors(golden):
    """Their decoder and encoder at 64 pixels: images, codes of images, and the gradient through both."""
    with jax.enable_x64(True):
        arrays = golden("began")
        critic = Critic(**SIZES_OF_AUTHORS, dtype=jnp.float64)
        generator, g = of_authors(arrays)
        e = tensors_of_authors(arrays, "enc")
        inner = ["front.0", "front.2"]
        inner += [f"{part}.{2 * i}" for part in ("inter1", "inter2", "inter3", "end") for i in range(4)]
        c = {f"layer{k}": convolution(e, f"old64.enc.{key}") for k, key in enumerate(inner)}
        c["code"] = {
            "kernel": jnp.asarray(e["old64.enc.fc.weight"].reshape(8, 24, 8, 8).transpose(2, 3, 1, 0)),
            "bias": jnp.asarray(e["old64.enc.fc.bias"]),
        }

        @jax.jit
        def both(z):
            images = generator.apply({"params": g}, z)
            return critic.apply({"params": {**c, "decoder": g}}, images, method="encode"), images

        z = jnp.asarray(arrays["old64.z"], jnp.float64)
        codes, pull, images = jax.vjp(both, z, has_aux=True)
        np.testing.assert_allclose(images[:, ::4, ::4], arrays["old64.dec.y"].transpose(0, 2, 3, 1), atol=2e-6)
        np.testing.assert_allclose(codes, arrays["old64.enc_of_dec"], atol=2e-6)
        (gradient,) = pull(jnp.asarray(arrays["old64.cot"], jnp.float64))
        np.testing.assert_allclose(gradient, arrays["old64.dz"], rtol=1e-5, atol=1e-6)


def random_prior(folder, **changes):
    """Through a file, as a training run leaves it."""
    config = {**CONFIG, **changes}
    generator, critic = from_config(config)
    params = {"generator": generator.init_params(jax.random.key(1)), "critic": critic.init_params(jax.random.key(2))}
    params = jax.tree.map(lambda x: 1.3 * x, params)
    save_weights(folder / "model.safetensors", params, {**CARD, "config": config})
    return build_prior(*load_weights(folder / "model.safetensors"))


@pytest.fixture(scope="module")
def prior(tmp_path_factory):
    return random_prior(tmp_path_factory.mktemp("began"))


@pytest.mark.parametrize("skips", [False, True])
def test_it_is_a_prior_at_every_layer(tmp_path, skips):
    prior = random_prior(tmp_path, skips=skips)
    stated = sizes(prior.card["config"])
    assert (prior.num_layers, prior.image_shape) == (stated.num_layers, stated.image_shape)
    assert prior.num_layers == (10 if skips else 5) and prior.code_distribution == "uniform"
    z = CHANCE.uniform(-1, 1, (3, 5)).astype(np.float32)
    whole = prior.generate(z)
    for layer in range(1, prior.num_layers + 1):
        features = prior.head(z, layer)
        side = prior.module.feature_size(layer)
        assert features.shape == (3, side, side, prior.channels(layer))
        np.testing.assert_allclose(prior.tail(features, layer), whole, atol=1e-5)
    widths = [prior.channels(layer) for layer in range(1, prior.num_layers + 1)]
    assert widths == ([8] + [16] * 4 + [8] * 5 if skips else [8] * 5)
    for platform in ("cpu", "gpu"):
        np.testing.assert_allclose(prior.split(3, platform=platform)(z), whole, atol=1e-5)
    with pytest.raises(ValueError, match=f"between 1 and {prior.num_layers}"):
        prior.head(z, prior.num_layers + 1)
    assert to_config(prior.module) == prior.card["config"]


def test_frozen_convolutions_take_the_fast_forms():
    wide = Generator(32, 64).clone(frozen=True)
    assert [wide.form_of(k) for k in (3, 4, 6)] == ["up_winograd", "same_winograd", "same_winograd"]
    assert wide.clone(platform="gpu").form_of(3) == "up_phases" and wide.clone(frozen=False).form_of(3) == "up"
    assert Generator(32, 32, skips=True, frozen=True).form_of(5) == "up_phases"


def test_the_critic_scores_each_image_by_itself_and_has_features(prior):
    images = jnp.asarray(CHANCE.uniform(-1, 1, (3, 16, 16, 3)), jnp.float32)
    scores = prior.critic(images)
    assert scores.shape == (3,) and float(scores.max()) < 0
    np.testing.assert_allclose(prior.critic(images[1:2])[0], scores[1], rtol=1e-5)
    remade = prior.critic.module.apply({"params": prior.critic.params}, images, method="reconstruct")
    np.testing.assert_allclose(-np.abs(remade - images).mean(axis=(1, 2, 3)), scores, rtol=1e-5)
    assert [m.shape for m in prior.critic.features(images)] == [(3, 16, 16, 8), (3, 8, 8, 16)]


def test_codes_are_drawn_from_the_distribution_of_the_card(prior, tmp_path, monkeypatch):
    """The bank, random starts of one and of many codes: all in [-1, 1] and spread over it; the file is named so."""
    monkeypatch.setattr("jaxprior.system.runtime.cache_folder", lambda: tmp_path)
    bank = sample_bank(prior, 64)
    (file,) = (tmp_path / "banks").iterdir()
    assert file.name.endswith("-64-uniform.safetensors")
    keys, nth = jax.random.split(jax.random.key(3), 16), jnp.zeros(16, int)
    cut = prior.split(2)
    drawn = [bank.z]
    for codes in (jp.MultiCode(num_codes=8, layer=2), jp.SingleCode()):
        drawn.append(RandomStart().latents(cut, None, None, keys, nth, codes=codes, starts=1)["z"])
    assert [z.shape for z in drawn] == [(64, 5), (16, 8, 5), (16, 5)]
    for z in drawn:
        assert np.abs(z).max() <= 1 and np.abs(z).max() > 0.9
        assert np.std(z) == pytest.approx(3**-0.5, abs=0.08)
    assert jp.preset("lsgan", prior=prior).codes.project == "clip"


def test_a_planted_code_is_found_again(prior):
    planted = CHANCE.uniform(-0.9, 0.9, (2, 5)).astype(np.float32)
    result = jp.restore(
        prior, np.asarray(prior.generate(planted)), key=jax.random.key(0), codes=jp.SingleCode(project="clip"),
        objective=jp.Objective(), solve=jp.Solve(steps=200, learning_rate=0.05), value_range=(-1, 1),
    )  # fmt: skip
    np.testing.assert_allclose(result.latents["z"], planted, atol=0.02)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"resolution": 48}, "a power of two from 16 on, got 48"),
        ({"resolution": "32"}, "`resolution` must be a whole number"),
        ({"width": 0}, "`width` must be"),
        ({"width": None}, "`width` must be"),
        ({"latent_dim": True}, "`latent_dim` must be"),
        ({"skips": "yes"}, "`skips` must be True or False"),
        ({"depth": 3}, "does not describe a began network"),
        ({"image_channels": 4}, "4 channels"),
    ],
)
def test_a_card_that_does_not_fit_is_a_sentence(change, said):
    with pytest.raises(WeightsError, match=said):
        build_prior({}, {**CARD, "config": {**CONFIG, **change}})


def test_a_file_that_lacks_weights_is_a_sentence(tmp_path):
    random_prior(tmp_path)
    params, card = load_weights(tmp_path / "model.safetensors")
    del params["generator"]["layer2"]["kernel"]
    save_weights(tmp_path / "less.safetensors", params, card)
    with pytest.raises(WeightsError, match="layer2/kernel: missing"):
        load(tmp_path / "less.safetensors", role="prior")
