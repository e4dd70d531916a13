"""Restorers: a family from outside is loaded and restores pictures of any size; what is wrong is one sentence."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tiny_restorer
from commands import call

import jaxprior as jp
from jaxprior.errors import ArgumentError, ImageError, MaskError, WeightsError
from jaxprior.weights import installing, loader, registry


@pytest.fixture(autouse=True)
def family(tmp_path, monkeypatch):
    """The package of the tiny restorers is installed."""
    with tiny_restorer.installed(tmp_path, monkeypatch):
        monkeypatch.setenv("JAXPRIOR_DATA", str(tmp_path / "data"))
        yield


@pytest.fixture
def enlarging(tmp_path):
    return jp.load_restorer(tiny_restorer.save(tmp_path / "x2.safetensors"))


@pytest.fixture
def filling(tmp_path):
    return jp.load_restorer(tiny_restorer.save(tmp_path / "fill.safetensors", task="inpaint", multiple=4))


def pictures(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)


def hole(height: int, width: int) -> np.ndarray:
    mask = np.zeros((height, width), np.float32)
    mask[height // 4 : height // 2 + 1, width // 4 : width // 2 + 1] = 1
    return mask


def test_pictures_of_any_size_are_enlarged(enlarging):
    for height, width in ((1, 1), (5, 9), (16, 16)):
        large = enlarging(pictures(2, height, width, 3))
        assert large.shape == (2, 2 * height, 2 * width, 3) and large.dtype == jnp.float32
        assert np.abs(large).max() <= 1
    assert "enlarges by 2" in repr(enlarging) and enlarging.name == "tiny" and len(enlarging.sha256) == 64


def test_holes_are_filled_and_known_pixels_stay_to_the_bit(filling):
    for height, width in ((2, 3), (13, 9), (16, 16)):
        photos, mask = pictures(2, height, width, 3), hole(height, width)
        spoilt = np.where(mask[..., None] > 0, np.nan, photos)  # what lies in the hole is not looked at
        whole = np.asarray(filling(spoilt, mask))
        assert whole.shape == photos.shape and np.isfinite(whole).all()
        np.testing.assert_array_equal(whole[:, mask == 0], photos[:, mask == 0])
        assert (whole[:, mask == 1] != photos[:, mask == 1]).all()
    np.testing.assert_array_equal(filling(photos, np.zeros_like(mask)), photos)  # nothing is missing


def test_the_mean_colour_of_the_whole_picture_lies_in_its_holes(filling):
    photos, mask = pictures(2, 6, 7, 3), hole(6, 7)
    prepared = filling.prepare(jnp.asarray(photos), jnp.stack([mask, np.zeros_like(mask)]))
    np.testing.assert_array_equal(prepared[..., 3], np.stack([mask, np.zeros_like(mask)]))
    expected = photos[0][mask == 0].mean(axis=0)
    np.testing.assert_allclose(prepared[0, ..., :3][mask == 1], np.broadcast_to(expected, (mask.sum().astype(int), 3)),
                               atol=1e-6)  # fmt: skip
    np.testing.assert_array_equal(prepared[1, ..., :3], photos[1])


def test_it_is_a_pytree_that_works_inside_of_transformations(filling):
    photos, mask = jnp.asarray(pictures(2, 8, 8, 3)), hole(8, 8)
    direct = filling(photos, mask)
    one_by_one = jax.vmap(lambda photo: filling(photo[None], mask)[0])(photos)
    np.testing.assert_allclose(one_by_one, direct, atol=1e-6)
    jitted = jax.jit(lambda network, images, mask: network(images, mask))(filling, photos, mask)
    np.testing.assert_allclose(jitted, direct, atol=1e-6)
    np.testing.assert_allclose(jax.jit(filling)(photos, mask), direct, atol=1e-6)  # as it is, too
    slope = jax.grad(lambda images: filling(images, mask).sum())(photos)
    assert np.isfinite(slope).all() and (np.asarray(slope)[:, mask == 1] == 0).all()


@pytest.mark.parametrize(
    "call, words, error",
    [
        (lambda up, fill: up(pictures(1, 8, 8, 3), hole(8, 8)), "enlarges.* by 2 and fills no holes", ArgumentError),
        (lambda up, fill: fill(pictures(1, 8, 8, 3)), "fills holes: give `mask`", ArgumentError),
        (lambda up, fill: fill(pictures(1, 8, 8, 3), hole(8, 9)), r"size \[8, 8\] of the pictures", MaskError),
        (lambda up, fill: fill(pictures(1, 8, 8, 3), np.ones((8, 8))), "leave some pixels known", MaskError),
        (lambda up, fill: fill(pictures(1, 8, 8, 3), hole(8, 8) * 0.5), "values from 0 to 0.5", MaskError),
        (lambda up, fill: up(pictures(8, 8, 3)), "`images` must be a batch of pictures", ArgumentError),
        (lambda up, fill: up(pictures(1, 8, 8, 1)), "pictures of 3 channels", ArgumentError),
        (lambda up, fill: up(pictures(1, 0, 8, 3)), "pictures with pixels", ImageError),
        (lambda up, fill: up(pictures(1, 8, 8, 3) * np.nan), "not finite", ImageError),
        (lambda up, fill: up(pictures(1, 8, 8, 3) * 99), r"in \[-1, 1\]", ImageError),
        (lambda up, fill: up(np.zeros((1, 8, 8, 3), np.uint8)), "floats", ArgumentError),
    ],
)
def test_what_is_wrong_is_one_sentence(call, words, error, enlarging, filling, unchecked):
    with pytest.raises(error, match=words) as caught:
        call(enlarging, filling)
    assert "\n" not in str(caught.value)


def test_sources_that_are_no_restorers_are_refused(tmp_path):
    with pytest.raises(WeightsError, match="nowhere: neither a bundled restorer .* nor a training run"):
        jp.load_restorer("nowhere")
    with pytest.raises(WeightsError, match=r"cats32: this is a prior \(pggan\), for --prior .*; expected a restorer"):
        jp.load_restorer("cats32")
    with pytest.raises(WeightsError, match="'nothing', which is not a restorer; known are .*tinyrestorer"):
        loader.check_role("nothing", "restorer")
    path = tiny_restorer.save(tmp_path / "x2.safetensors")
    with pytest.raises(WeightsError, match=r"is a restorer \(tinyrestorer\), .*or `load_restorer`; expected a prior"):
        jp.load_prior(path)


def test_a_trained_one_is_installed_under_a_name(tmp_path, monkeypatch):
    monkeypatch.setenv("JAXPRIOR_DATA", str(tmp_path / "data"))
    run = tmp_path / "run"
    run.mkdir()
    path = tiny_restorer.save(run / "model.safetensors", factor=3)
    said = call("priors", "get", "mine", "--from", path, "--licence", "CC0").stdout
    assert "take it with --restorer mine" in said
    assert jp.load_restorer("mine").factor == 3 and jp.load_restorer("mine").card["licence"] == "CC0"
    assert "mine" not in {*loader.named_priors(), *registry.installed()}
    assert "is installed already" in call("priors", "get", "mine", "--licence", "MIT").stdout
    assert jp.load_restorer("mine").card["licence"] == "MIT"
    with pytest.raises(WeightsError, match="comes with the package"):
        installing.install("srgan_x4_photos", source=path)
    assert str(tmp_path / "data") in call("priors", "remove", "mine").stdout
    assert "mine" not in loader.named_restorers()
    with pytest.raises(WeightsError, match="is not installed"):
        installing.uninstall("mine")


def test_an_installed_one_is_found_by_its_name(tmp_path):
    folder = registry.restorers_folder() / "large"
    folder.mkdir(parents=True)
    tiny_restorer.save(folder / "model.safetensors", factor=3)
    assert jp.load_restorer("large").factor == 3 and "large" in loader.named_restorers()
    with pytest.raises(WeightsError, match="Did you mean large"):
        jp.load_restorer("larg")
    shown = call("priors").stdout
    row = next(line for line in shown.splitlines() if line.startswith("large "))
    assert "installed" in row and "enlarges by 3" in row and "`--restorer NAME` takes one" in shown
    details = call("priors", "show", "large").stdout
    assert "enlarges by 3" in details and str(folder) in details
    (folder / "model.safetensors").write_bytes(b"x" * 64)
    assert "damaged" in next(line for line in call("priors").stdout.splitlines() if line.startswith("large "))
