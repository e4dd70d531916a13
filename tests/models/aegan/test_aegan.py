"""An AEGAN's file: a prior with its own encoder, one-step reconstructions, and files that do not fit."""

import json

import jax
import numpy as np
import pytest
from commands import call

import jaxprior as jp
from jaxprior.data.images import save_png
from jaxprior.errors import ArgumentError, WeightsError
from jaxprior.inversion.starts.encoder import check_layer
from jaxprior.models.aegan.networks import from_config, to_config
from jaxprior.models.pggan.config import sizes
from jaxprior.restoration.presets import make_method
from jaxprior.weights.card import card_of_own_encoder
from jaxprior.weights.encoders import load_encoder
from jaxprior.weights.loader import plays
from jaxprior.weights.outlines import outline_encoder, outline_prior
from jaxprior.weights.priors import build_prior
from jaxprior.weights.storage import load_weights, save_weights


CHANCE = np.random.default_rng(0)
CONFIG = {
    "resolution": 16, "latent_dim": 5, "widths": [6, 4, 4], "image_channels": 3, "upsample": "nearest",
    "encoder": {"width": 3},
}  # fmt: skip
ANSWER = {"codes": {"kind": "single"}, "objective": {"pixel": "l2"}, "solve": {"init": "encoder", "steps": 0}}
CARD = {
    "name": "tiny-aegan", "architecture": "aegan", "config": CONFIG, "source": "random weights", "licence": "none",
    "encoder": {"defaults": {"reconstruct": ANSWER}},
}  # fmt: skip
PHOTOS = CHANCE.uniform(-1, 1, (2, 16, 16, 3)).astype(np.float32)
KNOWN = np.ones((2, 16, 16, 1), np.float32)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """Random weights through a file, as a training run leaves it."""
    folder = tmp_path_factory.mktemp("aegan")
    encoder, generator, critic = from_config(CONFIG)
    images = np.zeros((1, 16, 16, 3), np.float32)
    shapes = {
        "encoder": jax.eval_shape(lambda: encoder.init(jax.random.key(0), images)["params"]),
        "generator": jax.eval_shape(generator.init_params, jax.random.key(0)),
        "critic": jax.eval_shape(critic.init_params, jax.random.key(0)),
    }
    params = jax.tree.map(lambda leaf: 0.5 * CHANCE.standard_normal(leaf.shape, np.float32), shapes)
    save_weights(folder / "model.safetensors", params, CARD)
    return folder / "model.safetensors"


@pytest.fixture(scope="module")
def prior(file):
    return jp.load_prior(file)


def test_the_prior_has_the_encoder_that_its_file_holds(file, prior):
    assert to_config(*from_config(CONFIG)[:2]) == CONFIG and sizes(CONFIG).latent_dim == 5
    assert prior.encoder.layer is None and prior.encoder.prior_sha256 == prior.sha256
    prior.encoder.check_fits(prior)
    alone, params = load_encoder(file.parent), load_weights(file)[0]["encoder"]
    assert alone.sha256 == prior.sha256 and "encoder of codes" in repr(alone)
    answer = prior.encoder(PHOTOS, KNOWN)
    assert set(answer) == {"z"} and answer["z"].shape == (2, 5)
    np.testing.assert_array_equal(alone(PHOTOS, KNOWN)["z"], answer["z"])
    x = PHOTOS
    for k in range(3):  # by hand: convolution, ReLU and max-pooling, down to 2x2
        kernel, bias = params[f"conv{k}"]["kernel"], params[f"conv{k}"]["bias"]
        x = jax.lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
        x = np.maximum(x + bias.reshape(1, 1, 1, -1), 0)
        x = x.reshape(2, x.shape[1] // 2, 2, x.shape[2] // 2, 2, -1).max(axis=(2, 4))
    z = x.reshape(2, -1) @ params["mean"]["kernel"] + params["mean"]["bias"].reshape(1, -1)
    np.testing.assert_allclose(answer["z"], z, rtol=2e-4, atol=1e-4)
    hidden = KNOWN.copy()
    hidden[:, :8] = 0
    np.testing.assert_array_equal(prior.encoder(PHOTOS, hidden)["z"], prior.encoder(PHOTOS * hidden, KNOWN)["z"])


def test_what_is_known_without_the_weights_is_the_same(file, prior):
    outline = outline_prior(file)
    assert outline.sha256 == prior.sha256 and outline.critic is not None
    for encoder in (outline.encoder, outline_encoder(file)):
        encoder.check_fits(prior)
        assert encoder.layer is None and encoder.card == prior.encoder.card
    assert plays("aegan", "encoder") and plays("aegan", "prior") and not plays("aegan", "refiner")
    assert not plays(None, "prior") and not plays("unknown", "prior")
    with pytest.raises(ArgumentError, match="the encoder belongs to"):
        prior.encoder.check_fits(jp.load_prior("cats32"))


def test_settings_of_the_encoder_are_not_those_of_the_prior(prior):
    """By default the answer is taken as it is; who begins elsewhere gets what every prior without settings gets."""
    at_once = make_method({}, jp.Identity(), prior=prior)
    assert isinstance(at_once.codes, jp.SingleCode) and at_once.solve.steps == 0 and at_once.start.name == "encoder"
    further = make_method({"solve": {"steps": 7}}, jp.Identity(), prior=prior)
    assert further.solve.steps == 7 and further.start.encoder is prior.encoder
    elsewhere = make_method({"solve": {"init": "random"}}, jp.Identity(), prior=prior)
    assert elsewhere.solve.steps > 0 and elsewhere.start is None and isinstance(elsewhere.codes, jp.MultiCode)
    assert card_of_own_encoder({"name": "a", "encoder": 3, "defaults": {"inpaint": {}}})["defaults"] == {}


def test_the_answer_is_the_picture_of_the_code_for_every_kind_of_codes(prior):
    z = prior.encoder(PHOTOS, KNOWN)["z"]
    expected = np.asarray(prior.generate(z))
    settings = {"key": jax.random.key(0), "value_range": (-1, 1), "objective": jp.Objective()}
    result = jp.restore(prior, PHOTOS, key=jax.random.key(0), value_range=(-1, 1))
    np.testing.assert_allclose(result.latents["z"], z, rtol=1e-5)
    np.testing.assert_allclose(result.images, expected, atol=2e-4)
    for layer in (2, 5):  # it has no layer of its own: the map of the code serves at all of them
        codes = jp.FeatureCode(layer=layer)
        check_layer(prior.encoder, codes)
        result = jp.restore(
            prior, PHOTOS, codes=codes, start=jp.EncoderStart(), solve=jp.Solve(steps=0), **settings
        )
        np.testing.assert_allclose(result.images, expected, atol=2e-4)
    with pytest.raises(ArgumentError, match="this encoder answers codes alone"):
        jp.restore(
            prior, PHOTOS, codes=jp.FeatureCode(layer=2), start=jp.EncoderStart(), solve=jp.Solve(steps=1),
            **{**settings, "objective": jp.Objective(in_domain=prior.encoder, in_domain_on="features")},
        )  # fmt: skip


def test_a_command_reconstructs_in_one_step(file, prior, tmp_path):
    save_png(tmp_path / "one.png", np.uint8(127.5 * (PHOTOS[0] + 1)))
    call("reconstruct", tmp_path / "one.png", "--prior", file, "-o", tmp_path / "out")
    record = json.loads((tmp_path / "out/run.json").read_text())["configuration"]
    assert record["solve"]["steps"] == 0 and record["start"]["encoder"]["sha256"] == prior.sha256
    told = call(
        "inpaint", tmp_path / "one.png", "--mask", "center:0.25", "--prior", "cats32", "--encoder", file,
        "-o", tmp_path / "no", code=2,
    ).stderr  # fmt: skip
    assert "the encoder belongs to" in told and "Traceback" not in told
    told = call("train", "encoder", "--prior", file, "--from", file, "-o", tmp_path / "no", code=2).stderr
    assert "this is no encoder" in told and "Traceback" not in told


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"encoder": {"width": 0}}, "a whole number above 0, got 0"),
        ({"encoder": {"width": "3"}}, "a whole number above 0, got '3'"),
        ({"encoder": {"width": 3, "depth": 2}}, "expected width, got width, depth"),
        ({"encoder": {}}, "expected width, got "),
        ({"encoder": 3}, "does not describe a aegan network"),
        ({"widths": [6, 4]}, "do not fit the architecture"),
        ({"latent_dim": 6}, "do not fit the architecture"),
        ({"image_channels": 4}, "4 channels"),
    ],
)
def test_a_card_that_does_not_fit_is_a_sentence(file, change, said):
    params, _ = load_weights(file)
    with pytest.raises(WeightsError, match=said):
        build_prior(params, {**CARD, "config": {**CONFIG, **change}})


def test_a_config_or_a_file_that_lacks_the_encoder_is_a_sentence(file):
    params, _ = load_weights(file)
    with pytest.raises(WeightsError, match="does not describe a aegan network: 'encoder'"):
        build_prior(params, {**CARD, "config": {name: v for name, v in CONFIG.items() if name != "encoder"}})
    with pytest.raises(WeightsError, match="encoder: the weights do not fit"):
        build_prior({name: tree for name, tree in params.items() if name != "encoder"}, CARD)
    del params["encoder"]["mean"]["bias"]
    with pytest.raises(WeightsError, match="mean/bias: missing"):
        build_prior(params, CARD)
