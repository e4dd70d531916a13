"""Feature networks against the golden arrays of mGANprior's loss and against PyTorch; what is missing is an error."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from foreign_features import (
    random_heads,
    squeezenet_layers,
    squeezenet_tree,
    torch_distance,
    torch_squeezenet,
    torch_vgg,
    vgg_state,
    vgg_tree,
)
from tiny_prior import write_tiny_prior

import jaxprior as jp
from jaxprior.errors import WeightsError
from jaxprior.metrics import perceptual
from jaxprior.nn.pooling import max_pool
from jaxprior.weights.features import FeatureNetwork, build_features, load_features, resize_nearest
from jaxprior.weights.storage import load_weights, save_weights
from weights_convert import convert


def card(architecture: str) -> dict:
    return {"name": architecture, "architecture": architecture, "source": "random", "licence": "none"}


@pytest.fixture(scope="module")
def vgg16() -> dict:
    """Parameters of VGG-16 up to convolution 21, the golden ones."""
    return {"network": vgg_tree(vgg_state("vgg16", last=21))}


@pytest.fixture(scope="module")
def small() -> dict:
    """The first four convolutions only."""
    return {"network": vgg_tree(vgg_state("vgg16", last=7))}


@pytest.fixture(scope="module")
def distance() -> FeatureNetwork:
    """LPIPS-style network with random weights."""
    heads = {f"head{k}": head.astype(np.float32) for k, head in enumerate(random_heads())}
    tree = {"features": squeezenet_tree(squeezenet_layers()), **heads}
    return build_features({"network": tree}, card("lpips-squeeze"))


def photos(b: int, h: int, w: int, *, channels: int = 3, seed: int = 0) -> np.ndarray:
    """Smooth random pictures in [-1, 1]."""
    coarse = np.random.default_rng(seed).uniform(-1, 1, (b, 5, 5, channels)).astype(np.float32)
    return np.asarray(jax.image.resize(coarse, (b, h, w, channels), "cubic").clip(-1, 1))


def nchw(images):
    torch = pytest.importorskip("torch")
    return torch.tensor(np.array(images)).permute(0, 3, 1, 2)


# VGG against the loss of the public mGANprior code.


@pytest.fixture(scope="module")
def golden_pair() -> tuple[np.ndarray, np.ndarray]:
    from conftest import GOLDEN
    from golden_weights import _normal

    target = np.load(GOLDEN / "inversion_tasks.npz")["target_u8"]
    gt = ((target.astype(np.float32) / 255 - 0.5) * 2)[None]
    noise = _normal(2020, "x_loss", (1, 3, 256, 256)).astype(np.float32).transpose(0, 2, 3, 1)
    return np.tanh(noise) * np.float32(0.5) + np.float32(0.5) * gt, gt


def test_vgg16_gives_the_golden_features_and_losses(golden, golden_pair, vgg16):
    arrays, (x, gt) = golden("losses_vgg"), golden_pair
    cuts = (4, 9, 16, 23)
    network = build_features(vgg16, card("vgg16"), cut=cuts)
    maps = jax.jit(lambda network, images: network(images))
    for cut, of_x, of_gt in zip(cuts, maps(network, x), maps(network, gt), strict=True):
        assert of_gt.transpose(0, 3, 1, 2).shape == tuple(arrays[f"vgg{cut}_feat_shape"])
        middle = of_gt.shape[1] // 2
        crop = np.asarray(of_gt)[:, middle - 4 : middle + 4, middle - 4 : middle + 4, :8].transpose(0, 3, 1, 2)
        np.testing.assert_allclose(crop, arrays[f"vgg{cut}_feat_crop"], rtol=0, atol=3e-5)
        wide = np.asarray(of_gt, np.float64)
        stats = [wide.mean(), wide.std(), wide.min(), wide.max()]
        np.testing.assert_allclose(stats, arrays[f"vgg{cut}_feat_stats"], rtol=1e-5)
        losses = (jnp.abs(of_x - of_gt).mean(), jnp.square(of_x - of_gt).mean())
        for name, loss in zip(("L1", "L2"), losses, strict=True):
            np.testing.assert_allclose(1e-3 * float(loss), float(arrays[f"vgg{cut}_{name}"]), rtol=2e-6)


def test_the_combined_loss_has_the_golden_gradient(golden, golden_pair, vgg16):
    arrays, (x, gt) = golden("losses_vgg"), golden_pair
    network = build_features(vgg16, card("vgg16"))  # the cut of mGANprior by default

    @jax.jit
    def combined(network, x):
        return jnp.square(x - gt).mean() + 1e-3 * jnp.abs(network(x) - network(jnp.asarray(gt))).mean()

    loss, gradient = jax.value_and_grad(combined, argnums=1)(network, x)
    np.testing.assert_allclose(float(loss), float(arrays["combine"]), rtol=2e-6)
    crop = np.asarray(gradient)[:, 112:144, 112:144].transpose(0, 3, 1, 2)
    scale = np.abs(arrays["combine_grad_crop"]).max()
    np.testing.assert_allclose(crop, arrays["combine_grad_crop"], rtol=0, atol=1e-5 * scale)
    wide = np.asarray(gradient, np.float64)
    stats = [wide.mean(), wide.std(), wide.min(), wide.max()]
    np.testing.assert_allclose(stats, arrays["combine_grad_stats"], rtol=1e-5)


# The networks against PyTorch's own calls.


@pytest.mark.parametrize("network, cuts", [("vgg16", (4, 10, 23, 31)), ("vgg19", (2, 16, 18, 28, 37))])
def test_vgg_equals_pytorch_at_every_depth(network, cuts):
    pytest.importorskip("torch")
    tree = vgg_tree(vgg_state(network))
    images = photos(2, 39, 52)  # odd sizes: pools drop the last row
    ours = build_features({"network": tree}, card(network), cut=cuts)(images)
    for cut, a, b in zip(cuts, ours, torch_vgg(tree, images, network, cuts), strict=True):
        b = b.permute(0, 2, 3, 1).numpy()
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-5 * np.abs(b).max(), err_msg=str(cut))


@pytest.mark.parametrize("h, w", [(32, 32), (35, 50), (64, 64), (17, 18)])
def test_squeezenet_and_its_distance_equal_pytorch(h, w, distance):
    torch = pytest.importorskip("torch")
    layers = squeezenet_layers()
    a, b = photos(3, h, w), photos(3, h, w, seed=1)
    network = build_features({"network": squeezenet_tree(layers)}, card("squeezenet"))
    with torch.no_grad():
        for ours, theirs in zip(network(a), torch_squeezenet(layers, nchw(a)), strict=True):
            theirs = theirs.permute(0, 2, 3, 1).numpy()
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5 * np.abs(theirs).max())
        theirs = torch_distance(layers, random_heads(), nchw(a), nchw(b)).numpy()
    np.testing.assert_allclose(perceptual(distance, a, b), theirs, rtol=3e-5)
    assert (theirs > 0.01).all()


def test_the_distance_has_pytorchs_gradient(distance):
    pytest.importorskip("torch")
    a, b = photos(1, 32, 32), photos(1, 32, 32, seed=1)
    x = nchw(a).requires_grad_()
    torch_distance(squeezenet_layers(), random_heads(), x, nchw(b)).sum().backward()
    theirs = x.grad.permute(0, 2, 3, 1).numpy()
    ours = jax.grad(lambda x: perceptual(distance, x, jnp.asarray(b))[0])(jnp.asarray(a))
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=2e-5 * np.abs(theirs).max())


def test_real_squeezenet_and_heads_convert_and_equal_pytorch(shared, tmp_path):
    torch = pytest.importorskip("torch")
    pytest.importorskip("h5py")
    weights = shared / "weights"
    source = next((weights / "squeezenet11_imagenet").glob("*.h5"))
    convert(source, tmp_path / "squeezenet.safetensors")
    heads = weights / "lpips_lin" / "v0.1__squeeze.pth"
    convert(heads, tmp_path / "lpips.safetensors", onto=tmp_path / "squeezenet.safetensors")
    tree = load_weights(tmp_path / "lpips.safetensors")[0]["network"]
    layers = {"conv1": tuple(tree["features"]["conv1"][kind] for kind in ("kernel", "bias"))}
    for n in range(2, 10):
        for part, arrays in tree["features"][f"fire{n}"].items():
            layers[f"fire{n}/{part}"] = (arrays["kernel"], arrays["bias"])
    lin = torch.load(heads, weights_only=True, map_location="cpu")
    lin = [lin[f"lin{k}.model.1.weight"].numpy() for k in range(7)]
    network = load_features(tmp_path / "lpips.safetensors")
    from skimage.data import chelsea

    cat = jp.images.to_float(jp.images.fit(chelsea(), 64))[None]
    noise = np.random.default_rng(0).standard_normal(cat.shape).astype(np.float32)
    found = []
    for strength in (0.05, 0.1, 0.2):
        noisy = np.clip(cat + strength * noise, -1, 1)
        with torch.no_grad():
            theirs = torch_distance(layers, lin, nchw(cat), nchw(noisy)).numpy()
        found.append(float(perceptual(network, cat, noisy)[0]))
        np.testing.assert_allclose(found[-1], theirs[0], rtol=1e-4)
    assert 0.01 < found[0] < found[1] < found[2] < 1
    features = load_features(tmp_path / "squeezenet.safetensors", cut=13)(jnp.asarray(cat))
    with torch.no_grad():
        theirs = torch_squeezenet(layers, nchw(cat))[-1].permute(0, 2, 3, 1).numpy()
    np.testing.assert_allclose(features, theirs, rtol=0, atol=1e-5 * theirs.max())


# Pieces.


@pytest.mark.parametrize("size", [7, 8, 9, 10, 11])
@pytest.mark.parametrize("window, ceil", [(2, False), (3, True), (3, False)])
def test_pooling_equals_pytorch(size, window, ceil):
    pytest.importorskip("torch")
    import torch.nn.functional as F

    x = np.random.default_rng(size).standard_normal((2, size, size + 3, 4)).astype(np.float32)
    theirs = F.max_pool2d(nchw(x), window, 2, ceil_mode=ceil).permute(0, 2, 3, 1).numpy()
    np.testing.assert_array_equal(max_pool(jnp.asarray(x), window, ceil=ceil), theirs)


def test_resizing_chooses_pytorchs_pixels():
    pytest.importorskip("torch")
    import torch.nn.functional as F

    for h, w, size in [(64, 64, 256), (32, 32, 256), (512, 512, 256), (100, 100, 256), (48, 64, 96), (1, 1, 5)]:
        x = np.random.default_rng(0).standard_normal((1, h, w, 2)).astype(np.float32)
        theirs = F.interpolate(nchw(x), size=(size, size), mode="nearest").permute(0, 2, 3, 1).numpy()
        np.testing.assert_array_equal(resize_nearest(jnp.asarray(x), size), theirs)
    # torch's own rounding: 41 * float32(1 / 41) is a little less than 1
    for length, size in [(1, 41), (2, 82), (49, 98), (98, 49), (82, 41), (57, 49), (10, 41), (47, 94)]:
        line = np.tile(np.arange(length, dtype=np.float32).reshape(1, length, 1, 1), (1, 1, length, 1))
        theirs = F.interpolate(nchw(line), size=(size, size), mode="nearest").permute(0, 2, 3, 1).numpy()
        np.testing.assert_array_equal(resize_nearest(jnp.asarray(line), size), theirs, err_msg=f"{length} -> {size}")


def test_size_resizes_before_the_network(small):
    images = photos(1, 16, 16)
    plain = build_features(small, card("vgg16"), cut=4)
    sized = build_features(small, card("vgg16"), cut=4, size=32)
    np.testing.assert_array_equal(sized(images), plain(images.repeat(2, axis=1).repeat(2, axis=2)))
    assert sized.label == "vgg16[:4] at 32" and plain.label == "vgg16[:4]"


def test_a_network_is_a_pytree_and_its_images_do_not_touch(small):
    network = build_features(small, card("vgg16"), cut=(4, 9))
    assert set(network.params) == {"conv0", "conv2", "conv5", "conv7"}
    assert set(build_features(small, card("vgg16"), cut=3).params) == {"conv0", "conv2"}  # no more than the cut needs
    images = photos(3, 16, 16)
    whole = jax.jit(lambda network, x: network(x))(network, images)
    single = jax.jit(jax.vmap(lambda network, x: network(x[None]), in_axes=(None, 0)))(network, images)
    for a, b, channels in zip(whole, single, (64, 128), strict=True):
        assert a.shape[-1] == channels
        np.testing.assert_allclose(a, b[:, 0], rtol=0, atol=1e-5)
    assert all(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(network))


def test_one_cut_gives_a_map_and_several_a_tuple(small):
    images = photos(1, 16, 16)
    one, several = (build_features(small, card("vgg16"), cut=cut)(images) for cut in (4, (4,)))
    assert isinstance(one, jax.Array) and isinstance(several, tuple)
    np.testing.assert_array_equal(one, several[0])


def test_grey_images_are_repeated_and_other_shapes_refused(small, distance):
    network = build_features(small, card("vgg16"), cut=4)
    grey = photos(2, 16, 16, channels=1)
    np.testing.assert_array_equal(network(grey), network(grey.repeat(3, axis=-1)))
    for shape in ((16, 16, 3), (1, 16, 16, 4), (1, 16, 16)):
        with pytest.raises(ValueError, match=r"wants images \[b, h, w, 3\]"):
            network(jnp.zeros(shape))
    with pytest.raises(ValueError, match="larger images"):
        distance(jnp.zeros((1, 16, 16, 3)))


def test_black_pixels_have_a_finite_gradient(distance):
    """A feature vector of zeros has no direction: the square root's gradient must not make a NaN of it."""
    tree = jax.tree.map(jnp.zeros_like, distance.params)
    dead = build_features({"network": jax.tree.map(np.asarray, tree)}, card("lpips-squeeze"))
    for network in (distance, dead):
        gradient = jax.grad(lambda x, n=network: perceptual(n, x, jnp.zeros_like(x)).sum())(jnp.zeros((1, 32, 32, 3)))
        assert np.isfinite(gradient).all()


def test_perceptual_is_zero_for_equal_images_and_the_objective_for_others(distance):
    a, b = photos(2, 32, 32), photos(2, 32, 32, seed=1)
    np.testing.assert_allclose(perceptual(distance, a, a), [0, 0], atol=1e-12)
    expected = perceptual(distance, a, b)
    objective = jp.Objective(pixel=None, features=distance, feature_weight=1.0, feature_loss="l2")
    for i in range(2):
        target = objective.target(jp.Identity(), jnp.asarray(b[i]))
        loss = objective.evaluate(jnp.asarray(a[i]), jp.Identity(), target).loss
        np.testing.assert_allclose(loss, expected[i], rtol=1e-5)
    np.testing.assert_allclose(perceptual(distance, a[:1], b[:1]), expected[:1], rtol=1e-5)
    with pytest.raises(ValueError, match="one shape"):
        perceptual(distance, a, b[:1])


def test_perceptual_takes_any_network():
    identity = jax.tree_util.Partial(lambda x: (x, 2 * x))
    np.testing.assert_allclose(perceptual(identity, jnp.zeros((2, 4, 4, 1)), jnp.ones((2, 4, 4, 1))), [5, 5])
    assert perceptual is jp.metrics.perceptual


# Missing or unfitting weights are errors, never random numbers.


@pytest.fixture
def data_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("JAXPRIOR_DATA", str(tmp_path / "data"))
    return tmp_path / "data" / "networks"


def test_a_missing_network_says_how_to_get_it(data_folder):
    for name, hint in [
        ("vgg16", "`jaxprior convert vgg16-397923af.pth -o vgg16.safetensors`"),
        ("vgg19", "vgg19-dcbb9e9d.pth"),
        ("squeezenet", "squeezenet_weights_tf_dim_ordering_tf_kernels_notop.h5"),
        ("lpips-squeeze", "--onto squeezenet.safetensors"),
    ]:
        with pytest.raises(WeightsError) as caught:
            load_features(name)
        assert f"`jaxprior priors get {name}`" in str(caught.value) and hint in str(caught.value)
        assert "\n" not in str(caught.value) and not data_folder.exists()
    for name in ("vgg", "missing.safetensors"):
        with pytest.raises(WeightsError, match="neither an installed network"):
            load_features(name)


def test_an_installed_network_is_found_by_name(data_folder, small, tmp_path):
    data_folder.mkdir(parents=True)
    for path in (data_folder / "vgg16.safetensors", data_folder / "mine.safetensors", tmp_path / "x.safetensors"):
        save_weights(path, small, card("vgg16"))
    for source in ("vgg16", "mine", tmp_path / "x.safetensors", str(tmp_path / "x.safetensors")):
        network = load_features(source, cut=4)
        assert network(photos(1, 8, 8)).shape == (1, 8, 8, 64) and network.card["architecture"] == "vgg16"


def test_files_and_cuts_that_do_not_fit_are_refused(small, tmp_path, unchecked):
    path = tmp_path / "head.safetensors"
    save_weights(path, small, card("vgg16"))
    assert load_features(path, cut=10)(photos(1, 8, 8)).shape == (1, 2, 2, 128)  # the pool after convolution 7
    for options, words in [
        ({}, "holds vgg16 as deep as features[:10], cut = 16 goes deeper"),
        ({"cut": 11}, "choose a cut up to 10"),
        ({"cut": (4, 99)}, "cut = 99"),
        ({"cut": 0}, "whole numbers from 1"),
        ({"cut": ()}, "whole numbers from 1"),
        ({"cut": "relu3_3"}, "whole numbers from 1"),
        ({"cut": 4, "size": 0}, "`size` must be 1 or more"),
    ]:
        with pytest.raises(WeightsError) as caught:
            load_features(path, **options)
        assert words in str(caught.value) and "\n" not in str(caught.value)
    with pytest.raises(WeightsError, match=r"is a prior \(pggan\), .*; expected a feature network"):
        load_features(write_tiny_prior(tmp_path / "tiny.safetensors"))
    broken = {"network": {**small["network"], "conv5": {"kernel": np.ones((3, 3, 64, 7), np.float32)}}}
    with pytest.raises(WeightsError, match="conv5"):
        build_features(broken, card("vgg16"), cut=4)
    with pytest.raises(WeightsError, match="do not fit"):
        build_features(small, card("squeezenet"))
    with pytest.raises(WeightsError, match="features\\[:1\\]"):
        build_features({}, card("vgg16"))


def test_the_distance_has_fixed_maps(distance):
    params = {"network": jax.tree.map(np.asarray, distance.params)}
    with pytest.raises(WeightsError, match="maps of lpips-squeeze are fixed"):
        build_features(params, card("lpips-squeeze"), cut=4)
    assert distance.label == "LPIPS-style (SqueezeNet, Caffe weights)"
