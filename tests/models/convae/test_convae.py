"""Convolutional autoencoders: sizes, and the roles that their files play."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxprior as jp
from jaxprior.errors import ArgumentError, ImageError, WeightsError
from jaxprior.models.convae.networks import Code, ConvAE, Encoder, check_sizes, folded, from_config, to_config
from jaxprior.weights.features import load_deep_features, load_early_features
from jaxprior.weights.storage import save_weights


RANDOM = np.random.default_rng(0)


def pictures(size: int, *, channels: int = 3, count: int = 2) -> jax.Array:
    return jnp.asarray(RANDOM.uniform(-1, 1, (count, size, size, channels)), jnp.float32)


def write(network: ConvAE, path, **card):
    """A file of a network with random weights; returns it with the parameters."""
    shape = (1, network.resolution, network.resolution, network.image_channels)
    params = folded(network.init(jax.random.key(0), jnp.zeros(shape)))
    save_weights(path, params, {"architecture": "convae", "config": to_config(network), **card})
    return params


@pytest.mark.parametrize("size", [16, 32, 64, 128])
def test_table_1_halves_pictures_down_to_two_pixels(size):
    network = ConvAE(size, width=2, code=5)
    x = pictures(size, count=1)
    params = network.init(jax.random.key(0), x)["params"]
    levels = int(np.log2(size)) - 1
    assert [params["encoder"][f"conv{k}"]["kernel"].shape for k in range(levels)] == [
        (3, 3, 2 << k >> 1 if k else 3, 2 << k) for k in range(levels)
    ]
    assert params["encoder"]["mean"]["kernel"].shape == (4 << levels, 5) and len(params["decoder"]) == levels + 1
    images, code = network.apply({"params": params}, x, method="reconstruct")
    assert images.shape == x.shape and code.mean.shape == (1, 5) and code.log_variance is None
    assert float(jnp.abs(images).max()) <= 1


def test_the_papers_size_has_its_number_of_parameters():
    shapes = jax.eval_shape(ConvAE(128).init, jax.random.key(0), jnp.zeros((1, 128, 128, 3)))["params"]
    counts = {part: sum(leaf.size for leaf in jax.tree.leaves(tree)) for part, tree in shapes.items()}
    assert counts == {"encoder": 7_337_024, "decoder": 7_339_843}


@pytest.mark.parametrize("layout", ["table1", "vae2021", "convae2019"])
@pytest.mark.parametrize("variational", [False, True])
def test_every_layout_can_be_plain_or_variational_and_is_its_cards(layout, variational):
    network = ConvAE(16, 2, 5, variational, layout=layout, image_channels=1, between=6)
    x, noise = pictures(16, channels=1), jnp.asarray(RANDOM.standard_normal((2, 5)), jnp.float32)
    variables = network.init(jax.random.key(0), x)
    images, code = network.apply(variables, x, method="reconstruct")
    assert images.shape == x.shape and (code.log_variance is not None) == variational
    drawn, _ = network.apply(variables, x, noise, method="reconstruct")
    assert bool(jnp.any(drawn != images)) == variational
    alone = network.apply(variables, x[1:])
    np.testing.assert_allclose(alone[0], images[1], atol=1e-5)
    again = from_config(to_config(network))
    np.testing.assert_allclose(again.apply({"params": folded(variables)}, x), images, atol=1e-5)


def test_the_divergence_by_hand():
    none = Code(jnp.zeros((2, 3)), jnp.zeros((2, 3)))
    np.testing.assert_array_equal(none.divergence(), [0.0, 0.0])
    some = Code(jnp.array([[1.0, 0.0]]), jnp.log(jnp.array([[1.0, 4.0]])))
    np.testing.assert_allclose(some.divergence(), [0.5 + 0.5 * (4 - 1 - np.log(4.0))], rtol=1e-6)
    np.testing.assert_array_equal(Code(jnp.ones((2, 3))).divergence(), [0.0, 0.0])
    np.testing.assert_allclose(some.sampled(jnp.array([[0.0, 2.0]])), [[1.0, 4.0]], rtol=1e-6)


def test_a_file_is_a_feature_network_and_a_refiner(tmp_path):
    network = ConvAE(16, 4, 6, variational=True)
    params = write(network, tmp_path / "model.safetensors", name="small")
    x = pictures(16)
    features, refiner = jp.load_features(tmp_path), jp.load_refiner(tmp_path)
    code = network.apply({"params": params}, x, method="encode").mean
    np.testing.assert_allclose(features(x), code[:, None, None], atol=0.02)  # stored in half precision
    np.testing.assert_array_equal(features(x), features(x))  # nothing is drawn
    np.testing.assert_array_equal(load_deep_features(tmp_path)(x), features(x))
    np.testing.assert_array_equal(features.prepared("cpu")(x), features(x))
    np.testing.assert_allclose(refiner(x), network.apply({"params": params}, x), atol=0.02)
    assert refiner.image_shape == (16, 16, 3) and set(features.params) == {"encoder"}
    np.testing.assert_array_equal(features(x[..., :1]), features(jnp.broadcast_to(x[..., :1], x.shape)))
    objective = jp.Objective(pixel=None, features=features, feature_weight=1.0)
    assert objective.features is features


def test_a_network_of_grey_pictures_takes_grey_pictures(tmp_path):
    write(ConvAE(16, 4, 6, image_channels=1), tmp_path / "model.safetensors")
    features = jp.load_features(tmp_path)
    assert features(pictures(16, channels=1)).shape == (2, 1, 1, 6)
    with pytest.raises(ImageError, match=r"wants images \[b, h, w, 1\]"):
        features(pictures(16))
    assert features.refuses((16, 16, 1)) is None


def test_mistakes_are_sentences(tmp_path):
    write(ConvAE(16, 4, 6), tmp_path / "model.safetensors")
    features = jp.load_features(tmp_path)
    with pytest.raises(ValueError, match="takes images of 16x16x3, got 32x32x3"):
        features(pictures(32))
    assert "takes images of 16x16x3" in features.refuses((32, 32, 3))
    assert jp.load_features(tmp_path, size=16)(pictures(32)).shape == (2, 1, 1, 6)
    with pytest.raises(WeightsError, match="leave out `cut`"):
        jp.load_features(tmp_path, cut=3)
    with pytest.raises(WeightsError, match="leave out `cut`"):
        load_early_features(tmp_path)
    with pytest.raises(WeightsError, match=r"this is a feature network \(convae\), for .*; expected a prior"):
        jp.load_prior(tmp_path)
    with pytest.raises(ArgumentError, match="repairs pictures of 16 pixels"):
        jp.restore("cats32", jnp.zeros((1, 32, 32, 3)), key=jax.random.key(0), refine=jp.load_refiner(tmp_path))
    for changed, said in (
        ({"layout": "table2"}, "expected one of table1"), ({"resolution": 24}, "cannot be halved to 2"),
        ({"layout": "convae2019", "resolution": 8}, "cannot be halved to 8"), ({"colour": 1}, "colour"),
    ):  # fmt: skip
        card = {"architecture": "convae", "config": {**to_config(ConvAE(16, 4, 6)), **changed}}
        save_weights(tmp_path / "other.safetensors", {"encoder": {"a": np.zeros(1, np.float32)}}, card)
        with pytest.raises(WeightsError, match=said):
            jp.load_refiner(tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match="a power of 2 from 4 on"):
        check_sizes("table1", 48)
    with pytest.raises(ValueError, match="got 8x8x1"):
        Encoder(16).init(jax.random.key(0), jnp.zeros((1, 8, 8, 1)))
