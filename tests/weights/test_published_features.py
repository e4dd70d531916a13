"""AlexNet, LPIPS and Inception-v3 against the numbers of torchvision, lpips and pytorch-fid for the same weights.

The golden arrays were computed in float64 by torchvision 0.28, lpips 0.1.4 and pytorch-fid 0.3.0 with the weights of
`foreign_features.recipe_tensor`. Here the same weights go through the converter, from state dicts with these names.
"""

from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import pytest
import safetensors.numpy
from foreign_features import (
    alexnet_state,
    inception_state,
    random_heads,
    recipe_pictures,
    squeezenet_state,
    vgg_state,
    write_heads,
)
from foreign_files import refused

from jaxprior.errors import WeightsError
from jaxprior.metrics import perceptual
from jaxprior.models.lpips.networks import TRUNKS
from jaxprior.weights.features import FeatureNetwork, load_early_features, load_features
from weights_convert import convert, inception, lpips


STATES = {"alexnet": alexnet_state, "vgg16": lambda: vgg_state("vgg16"), "squeezenet": squeezenet_state}


def save(path: Path, state: dict[str, np.ndarray]) -> Path:
    safetensors.numpy.save_file(state, path)
    return path


def compare(arrays, name: str, found: jax.Array) -> None:
    """A map against its golden shape, statistics (mean, deviation, least, largest) and crop."""
    x = np.asarray(found).transpose(0, 3, 1, 2)
    assert x.shape == tuple(arrays[f"{name}.shape"])
    crop = arrays[f"{name}.crop"]
    scale = np.abs(crop).max()
    np.testing.assert_allclose(x[:, :: max(x.shape[1] // 16, 1), :3, :3], crop, rtol=0, atol=1e-5 * scale, err_msg=name)
    wide = x.astype(np.float64)
    stats = [wide.mean(), wide.std(), wide.min(), wide.max()]
    np.testing.assert_allclose(stats, arrays[f"{name}.stats"], rtol=1e-5, atol=1e-7, err_msg=name)


maps = jax.jit(lambda network, images: network(images))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Converted trunks by the name of their architecture, and the heads put onto them by the name of the distance."""
    folder = tmp_path_factory.mktemp("networks")
    for distance, trunk in TRUNKS.items():
        base = folder / f"{trunk.architecture}.safetensors"
        convert(save(folder / "state.st", STATES[trunk.architecture]()), base)
        heads = write_heads(folder / trunk.heads, random_heads(distance))
        convert(heads, folder / f"{distance}.safetensors", onto=base)
    return folder


@pytest.mark.parametrize("distance", TRUNKS)
def test_lpips_gives_the_numbers_of_the_public_package(distance, folder, golden):
    """On SqueezeNet too, whose first convolution the converter changes for the input of Caffe's weights."""
    network = load_features(folder / f"{distance}.safetensors")
    assert network.label == f"LPIPS ({TRUNKS[distance].title})"
    a, b = recipe_pictures(0, 2, 65, 71), recipe_pictures(1, 2, 65, 71)
    np.testing.assert_allclose(perceptual(network, a, b), golden("lpips")[f"{distance}.distance"], rtol=1e-5)


def test_the_maps_of_alexnet_are_torchvisions(folder, golden):
    network = load_features(folder / "alexnet.safetensors", cut=(2, 5, 8, 10, 12, 13))
    *taps, last = maps(network, recipe_pictures(0, 2, 65, 71))
    for k, found in enumerate(taps):
        compare(golden("lpips"), f"lpips-alex.map{k}", found)
    compare(golden("lpips"), "alexnet.13", last)
    assert len(load_features(folder / "alexnet.safetensors").params) == 5
    assert load_early_features(folder / "alexnet.safetensors").cut == 5


def test_heads_go_onto_the_network_that_they_were_fitted_for(folder, tmp_path, monkeypatch):
    heads = write_heads(tmp_path / "alex.pth", random_heads("lpips-alex"))
    assert "`--onto alexnet.safetensors`" in refused(heads, words="heads for alexnet")
    refused(heads, words="expected a converted alexnet, got vgg16", onto=folder / "vgg16.safetensors")
    short = tmp_path / "vgg16.safetensors"
    convert(save(tmp_path / "v.st", vgg_state("vgg16", last=17)), short)
    vgg = write_heads(tmp_path / "vgg.pth", random_heads("lpips-vgg"))
    refused(vgg, words="conv19", onto=short)
    together = b"".join(head.tobytes() for head in random_heads("lpips-alex"))
    monkeypatch.setattr(lpips, "OLD", (lpips.hashlib.sha256(together).hexdigest()[:16],))
    refused(heads, words="those of LPIPS 0.0, which", onto=folder / "alexnet.safetensors")
    with pytest.raises(WeightsError, match="maps of lpips-alex are fixed; leave `cut` out, or load alexnet"):
        load_features(folder / "lpips-alex.safetensors", cut=4)


def test_state_dicts_of_other_networks_are_refused(tmp_path):
    alexnet, squeezenet = alexnet_state(), squeezenet_state()
    without = {key: array for key, array in alexnet.items() if key != "features.8.bias"}
    refused(save(tmp_path / "a.st", without), words="features.8.bias is missing, expected (256,)")
    refused(save(tmp_path / "a.st", {**alexnet, "features.11.weight": np.ones(3, "f4")}), words="is not expected")
    wide = {**squeezenet, "features.0.weight": np.ones((96, 3, 7, 7), np.float32)}  # SqueezeNet 1.0
    refused(save(tmp_path / "s.st", wide), words="features.0.weight has shape (96, 3, 7, 7), expected (64, 3, 3, 3)")


# Inception-v3.


@pytest.fixture(scope="module")
def state() -> dict[str, np.ndarray]:
    return inception_state(inception.kernel_shapes())


@pytest.fixture(scope="module")
def fid(state, tmp_path_factory) -> FeatureNetwork:
    """The network of the Frechet inception distance, through the converter."""
    folder = tmp_path_factory.mktemp("fid")
    tail = {"fc.weight": np.zeros((1008, 2048), np.float32), "fc.bias": np.zeros(1008, np.float32)}
    report = convert(save(folder / "state.st", {**state, **tail}), folder / "inception.safetensors")
    assert report.network == "inception" and report.tensors == 2 * 94
    assert report.left_out == ("classifiers (2 tensors)",)
    return load_features(folder / "inception.safetensors")


def test_inception_gives_the_features_of_pytorch_fid(fid, golden):
    """The four maps that pytorch-fid offers, of a picture that it resizes to 299 x 299."""
    assert fid.cut is None and fid.module.side == 299
    cuts = (4, 7, 15, 19)
    several = replace(fid, module=fid.module.clone(cuts=cuts))
    for cut, found in zip(cuts, maps(several, recipe_pictures(2, 1, 40, 52)), strict=True):
        compare(golden("inception"), f"inception.{cut}", found)


def test_inception_gives_the_maps_of_torchvision(fid, golden):
    cuts = (3, 6, 10, 15, 17, 18, 19)
    module = fid.module.clone(network="inception-torchvision", cuts=cuts, side=None)
    for cut, found in zip(cuts, maps(replace(fid, module=module), recipe_pictures(3, 2, 80, 75)), strict=True):
        compare(golden("inception"), f"inception-torchvision.{cut}", found)


def test_the_two_inceptions_are_told_apart_by_their_classifiers():
    def fitting(**tensors: np.ndarray) -> list[str]:
        named = {inception.MARK: np.ones(1), **{key.replace("__", "."): a for key, a in tensors.items()}}
        return [name for name in inception.CLASSES if inception.recognise(name, named)]

    assert fitting(fc__bias=np.ones(1008)) == ["inception"]
    assert fitting(fc__bias=np.ones(1000)) == ["inception-torchvision"]
    assert fitting(AuxLogits__fc__bias=np.ones(1000)) == ["inception-torchvision"]
    assert fitting() == ["inception", "inception-torchvision"]  # the user says which


def test_inceptions_that_do_not_fit_are_refused(state, tmp_path):
    few = {key: array for key, array in state.items() if not key.startswith("Mixed_7")}
    path = save(tmp_path / "i.st", few)
    assert "--network inception" in refused(path, words="fit inception and inception-torchvision alike")
    refused(path, words="Mixed_7a.branch3x3_1.conv.weight is missing", network="inception")
    name = "Mixed_5b.branch1x1.bn.running_var"
    path = save(tmp_path / "i.st", {**state, name: -state[name], "fc.bias": np.zeros(1008, np.float32)})
    refused(path, words=f"{name} holds a negative variance")
