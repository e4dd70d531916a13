"""Metrics of single-image generation against SciPy's matrix square root, closed forms and scikit-image."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
import scipy.ndimage
import skimage.data
import skimage.metrics

from jaxprior import metrics
from jaxprior.data.images import fit, to_float
from jaxprior.errors import WeightsError
from jaxprior.metrics import diversity, patch_frechet, rmse
from jaxprior.metrics.frechet import gaussian_frechet
from jaxprior.models.squeezenet.networks import SqueezeNet
from jaxprior.weights import storage
from jaxprior.weights.features import FeatureNetwork, load_early_features


PIXELS = jax.tree_util.Partial(lambda x: x)
"""A network whose features are the pixels themselves."""


def textbook(x, y):
    """The formula with SciPy's square root of a product of full rank."""
    cov_x, cov_y = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    root = scipy.linalg.sqrtm(cov_x @ cov_y)
    return np.square(x.mean(0) - y.mean(0)).sum() + np.trace(cov_x + cov_y - 2 * root.real)


def correlated(n, d, seed):
    chance = np.random.default_rng(seed)
    return chance.normal(size=(n, d)) @ chance.normal(size=(d, d)) + chance.normal(size=d)


@pytest.mark.parametrize("d", [2, 7, 40])
def test_frechet_is_the_formula_with_a_matrix_square_root(d):
    x, y = correlated(90, d, 0), correlated(60, d, 1)
    assert gaussian_frechet(x, y) == pytest.approx(textbook(x, y), rel=1e-9)
    assert gaussian_frechet(x, y) == pytest.approx(gaussian_frechet(y, x), rel=1e-12)


def test_frechet_of_one_number_and_of_independent_ones():
    chance = np.random.default_rng(2)
    x, y = 3 * chance.normal(size=(50, 1)) + 1, 0.5 * chance.normal(size=(70, 1)) - 2
    expected = (x.mean() - y.mean()) ** 2 + (x.std(ddof=1) - y.std(ddof=1)) ** 2
    assert gaussian_frechet(x, y) == pytest.approx(expected, rel=1e-12)
    signs = scipy.linalg.hadamard(16)[:, 1:6].astype(float)  # uncorrelated columns of mean 0
    a, b = signs * [1, 2, 3, 4, 5], signs * [5, 1, 1, 4, 0]
    assert gaussian_frechet(a, b) == pytest.approx(16 / 15 * (16 + 1 + 4 + 0 + 25), rel=1e-12)


def test_frechet_with_fewer_vectors_than_dimensions():
    """Rotations and constant columns change nothing, so the truth is that of the few dimensions there are."""
    x, y = correlated(30, 6, 3), correlated(30, 6, 4)
    rotation = np.linalg.qr(np.random.default_rng(5).normal(size=(64, 64)))[0]
    wide_x, wide_y = (np.pad(v, ((0, 0), (0, 58))) @ rotation for v in (x, y))
    assert gaussian_frechet(wide_x, wide_y) == pytest.approx(textbook(x, y), rel=1e-9)
    assert gaussian_frechet(wide_x, wide_x) < 1e-12 * np.square(wide_x).sum()
    shifted = wide_x + np.full(64, 0.01)
    assert gaussian_frechet(wide_x, shifted) == pytest.approx(64 * 1e-4, rel=1e-9)
    few = wide_x[:5] * 1e4
    assert gaussian_frechet(few, few[::-1]) < 1e-12 * np.square(few).sum()


@pytest.fixture(scope="module")
def network():
    """Early SqueezeNet with random weights, which give features of texture too."""
    module = SqueezeNet(cuts=(5,))
    params = jax.jit(module.init)(jax.random.key(0), jnp.zeros((1, 64, 64, 3)))["params"]
    return FeatureNetwork(module=module, params=params, cut=5)


@pytest.fixture(scope="module")
def photo():
    return to_float(fit(skimage.data.astronaut(), 192))


def check_distance(network, photo):
    """Equal: nothing; worse: more; rearranged in pieces larger than a patch: little."""
    chance = np.random.default_rng(0)
    noise = chance.normal(size=photo.shape).astype(np.float32)
    pieces = photo.reshape(2, 96, 2, 96, 3).transpose(0, 2, 1, 3, 4).reshape(4, 96, 96, 3)[[3, 0, 1, 2]]
    shuffled = pieces.reshape(2, 2, 96, 96, 3).transpose(0, 2, 1, 3, 4).reshape(photo.shape)
    blurred = [scipy.ndimage.gaussian_filter(photo, (s, s, 0)) for s in (0.5, 1, 2)]
    noisy = [photo + s * noise for s in (0.02, 0.1, 0.3)]
    found = patch_frechet(network, photo, np.stack([photo, shuffled, *blurred, *noisy]).astype(np.float32))
    assert found.dtype == np.float64 and found.shape == (8,)
    same, rearranged, blurs, noises = found[0], found[1], found[2:5], found[5:]
    assert 0 <= same < 1e-9 * blurs[0]
    assert (np.diff(blurs) > 0).all() and (np.diff(noises) > 0).all()
    assert rearranged < 0.1 * min(blurs[2], noises[2])
    other = to_float(fit(skimage.data.coffee(), 192))
    assert patch_frechet(network, photo, other[None])[0] > 5 * rearranged


def test_patches_of_early_features(network, photo):
    check_distance(network, photo)


def test_patches_of_trained_features(shared, tmp_path, photo):
    import weights_convert

    (source,) = (shared / "weights/squeezenet11_imagenet").glob("*.h5")
    weights_convert.convert(source, tmp_path / "squeezenet.safetensors")
    trained = load_early_features(tmp_path / "squeezenet.safetensors")
    assert trained.cut == 5
    check_distance(trained, photo)


def test_the_size_may_differ_and_images_do_not_touch_each_other(network, photo):
    images = np.stack([photo[:96], photo[96:]])
    both = patch_frechet(network, photo, images)
    assert both == pytest.approx(np.concatenate([patch_frechet(network, photo, images[i : i + 1]) for i in range(2)]))
    pixels = photo.reshape(-1, 3).astype(np.float64)
    expected = textbook(pixels, images[0].reshape(-1, 3).astype(np.float64))
    assert patch_frechet(PIXELS, photo, images)[0] == pytest.approx(expected, rel=1e-9)


def test_diversity_is_the_papers_ratio(photo):
    samples = np.random.default_rng(0).uniform(-1, 1, (5, 24, 30, 3)).astype(np.float32)
    expected = np.std(samples.astype(np.float64).mean(-1), axis=0).mean() / np.std(photo.astype(np.float64).mean(-1))
    assert float(diversity(samples, photo)) == pytest.approx(expected, rel=1e-5)
    assert float(jax.jit(diversity)(samples, photo)) == pytest.approx(expected, rel=1e-5)
    assert float(diversity(samples[:1], photo)) == 0
    assert np.isfinite(float(diversity(samples, np.zeros((8, 8, 3), np.float32))))


def test_rmse_is_scikit_images(photo):
    other = photo + np.random.default_rng(0).normal(0, 0.1, photo.shape).astype(np.float32)
    expected = [127.5 * np.sqrt(skimage.metrics.mean_squared_error(a, b)) for a, b in ((photo, other), (photo, -photo))]
    found = rmse(np.stack([photo, photo]), np.stack([other, -photo]))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_mistakes_are_sentences(tmp_path, network, photo, unchecked):
    several = FeatureNetwork(module=SqueezeNet(cuts=(2, 5)), params=network.params)
    for call, said in (
        (lambda: patch_frechet(PIXELS, photo[None], photo[None]), r"expected a picture \[h, w, c\]"),
        (lambda: patch_frechet(several, photo, photo[None]), "a network of one map, got 2"),
        (lambda: patch_frechet(PIXELS, photo[:1, :1], photo[None]), "an image of 1x1 is too small"),
        (lambda: gaussian_frechet(np.zeros((3, 2)), np.zeros((3, 4))), "expected two sets"),
        (lambda: diversity(photo, photo), r"expected samples \[n, h, w, c\]"),
        (lambda: rmse(photo[None], photo[None, :50]), "of one shape"),
    ):
        with pytest.raises(ValueError, match=said):
            call()
    path = tmp_path / "lpips.safetensors"
    storage.save_weights(path, {"network": {"x": np.zeros(1, np.float32)}}, {"architecture": "lpips-squeeze"})
    with pytest.raises(WeightsError, match="has several maps; expected a network of one map, such as squeezenet"):
        load_early_features(path)
    with pytest.raises(WeightsError, match="neither an installed network"):
        load_early_features("nothing")


def test_the_examples_in_the_docstrings():
    import doctest

    import jaxprior.metrics.single_image as module

    names = {"np": np, "jnp": jnp, "jax": jax, **{name: getattr(metrics, name) for name in metrics.__all__}}
    assert doctest.testmod(module, extraglobs=names) == (0, 4)
