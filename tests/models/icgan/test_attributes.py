"""A model of attributes, of which a picture may have several: those that are not named stay as they are read."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from commands import call

import jaxprior as jp
from jaxprior.data.images import save_png
from jaxprior.models.icgan.networks import from_config
from jaxprior.weights import loader, storage


CONFIG = {
    "resolution": 8, "latent_dim": 3, "widths": [4], "image_channels": 3, "kernel": 4, "norm": "affine", "slope": 0.0,
    "labels": ["smiling", "hat", "glasses"], "exclusive": False, "encoder_widths": [4], "encoder_norm": "affine",
    "dense": 5,
}  # fmt: skip


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """Random weights of a tiny model."""
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    generator, readers = from_config(CONFIG)
    params = {"generator": generator.init_params(jax.random.key(0))}
    for number, (name, network) in enumerate(readers.items(), 1):
        drawn = network.init(jax.random.key(number), jnp.zeros((1, 8, 8, 3)))["params"]
        params[name] = jax.tree.map(lambda x: 30 * x, drawn)  # so that pictures are read in different ways
    card = {"architecture": "icgan", "config": CONFIG, "name": "faces", "source": "chance", "licence": "none"}
    storage.save_weights(path, params, card)
    return path


@pytest.fixture(scope="module")
def model(file):
    return jp.load_attribute_model(file)


@pytest.fixture(scope="module")
def photos():
    return np.random.default_rng(0).uniform(-1, 1, (6, 8, 8, 3)).astype(np.float32)


def test_what_is_not_named_stays(model, photos):
    changed = jp.change_attributes(model, photos, {"hat": 1, "glasses": False})
    own, wanted = np.asarray(changed.own), np.asarray(changed.wanted)
    assert (wanted[:, 1] == 1).all() and (wanted[:, 2] == -1).all()
    assert np.array_equal(wanted[:, 0], own[:, 0]) and set(np.unique(own)) == {-1.0, 1.0}
    np.testing.assert_allclose(changed.images, model.generate(changed.z, changed.wanted), atol=1e-6)


def test_words_tell_names_with_spaces_apart(model):
    assert model.words_of([[1, -1, 1], [-1, -1, -1]]) == ["smiling, glasses", "none"]
    spaced = replace(model, names=("dark", "dark hair", "hair"))
    assert spaced.words_of([[1, -1, 1], [-1, 1, -1]]) == ["dark, hair", "dark hair"]
    classes = replace(model, names=("red, blue", "red", "blue"), exclusive=True)
    assert classes.words_of([[1, -1, -1]]) == ["red, blue"]
    with pytest.raises(jp.JaxpriorError, match="no class 'green'; expected one of 'red, blue', red, blue"):
        classes.label("green")


def test_labels_in_words(model):
    assert model.label({"smiling": 1, "hat": 0, "glasses": -1}).tolist() == [1, -1, -1]
    for label, sentence in (
        ({"smiling": 1}, "a value for every attribute, got none for hat"),
        ({"hats": 1}, "no attribute 'hats'; expected one of smiling, hat, glasses. Did you mean hat?"),
        ("hat", "a value for every attribute"),
        ({"hat": "yes"}, "the value of hat must be 0 or 1, got 'yes'"),
    ):
        with pytest.raises(jp.JaxpriorError, match=sentence):
            model.conditioned(label)


def test_from_the_command_line(file, photos, tmp_path):
    save_png(tmp_path / "anna.png", jp.to_uint8(photos[0]))
    save_png(tmp_path / "bob.png", jp.to_uint8(photos[1]))
    (tmp_path / "torn.png").write_bytes(b"no picture")
    given = [tmp_path / name for name in ("anna.png", "bob.png", "torn.png")]
    words = call(
        "attributes", file, *given, "--set", "hat=1", "--set", "smiling=0", "-o", tmp_path / "out", code=1
    ).output  # fmt: skip
    assert "left out" in words and "torn.png" in words and "of 2 are read by the judge as wanted" in words
    assert len(list((tmp_path / "out").glob("*-hat1--smiling0.png"))) == 2
    mistakes = {"hat": "expected hat=0 or hat=1, because hat is an attribute", "hut=1": "no attribute"}
    for change, sentence in mistakes.items():
        said = call("attributes", file, given[0], "--set", change, "-o", tmp_path / "no", code=2).output
        assert sentence in said and not (tmp_path / "no").exists()


def test_damaged_files_are_refused(file, tmp_path):
    params, card = storage.load_weights(file)
    with pytest.raises(jp.JaxpriorError, match="judge"):
        loader.build({name: tree for name, tree in params.items() if name != "judge"}, card, role="attributes")
    with pytest.raises(jp.JaxpriorError):
        loader.build(params, {**card, "config": {**CONFIG, "resolution": 16}}, role="attributes")
    with pytest.raises(jp.JaxpriorError):
        loader.build(params, {**card, "config": {**CONFIG, "labels": ["smiling"]}}, role="attributes")
