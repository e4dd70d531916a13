"""Metrics against independent implementations: scikit-image for PSNR and SSIM, NumPy and SciPy for SWD."""

import doctest
import sys
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage
import skimage.data
import skimage.metrics

from jaxprior import metrics
from jaxprior.data.images import fit, to_float
from jaxprior.errors import RangeWarning
from jaxprior.metrics import psnr, ssim, swd


WINDOWS = {"uniform": {}, "gaussian": {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}}


def colour(image):
    return image if image.ndim == 3 else np.repeat(image[..., None], 3, -1)


PHOTOS = {
    name: to_float(fit(colour(getattr(skimage.data, name)()), 96)) for name in ("astronaut", "cat", "coffee", "camera")
}


def noisy(photo, scale, seed=0):
    return (photo + np.random.default_rng(seed).normal(0, scale, photo.shape)).clip(-1, 1).astype(np.float32)


def pairs():
    chance = np.random.default_rng(1)
    yield from ((f"{name}, noise {s}", photo, noisy(photo, s)) for name, photo in PHOTOS.items() for s in (0.003, 0.3))
    yield "two photos", PHOTOS["cat"], PHOTOS["coffee"]
    yield "random", *chance.uniform(-1, 1, (2, 96, 96, 3)).astype(np.float32)
    yield "one channel, not square", *chance.uniform(-1, 1, (2, 40, 24, 1)).astype(np.float32)
    flat = np.full((96, 96, 3), 0.95, np.float32)
    yield "flat", flat, flat - np.float32(0.003)
    yield "nearly flat and bright", flat, noisy(flat, 0.002)
    yield "negative of itself", PHOTOS["camera"], -PHOTOS["camera"]


PAIRS = {name: (x, y) for name, x, y in pairs()}


def unit(image):
    return (np.asarray(image, np.float64) + 1) / 2


def reference_ssim(x, y, window, **options):
    return skimage.metrics.structural_similarity(
        unit(x), unit(y), data_range=1, channel_axis=-1, **WINDOWS[window], **options
    )


@pytest.mark.parametrize("name", PAIRS)
def test_psnr_is_scikit_images(name):
    x, y = PAIRS[name]
    expected = skimage.metrics.peak_signal_noise_ratio(unit(y), unit(x), data_range=1)
    np.testing.assert_allclose(psnr(x[None], y[None]), [expected], atol=1e-5)
    np.testing.assert_allclose(jax.jit(psnr)(x[None], y[None]), [expected], atol=1e-5)
    np.testing.assert_allclose(jax.vmap(psnr)(x[None, None], y[None, None]), [[expected]], atol=1e-5)


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("name", PAIRS)
def test_ssim_is_scikit_images(name, window):
    x, y = PAIRS[name]
    expected = reference_ssim(x, y, window)
    np.testing.assert_allclose(ssim(x[None], y[None], window=window), [expected], atol=1e-5)


@pytest.mark.parametrize("window", WINDOWS)
def test_ssim_in_jit_and_vmap(window):
    x = np.stack([PHOTOS["astronaut"], PHOTOS["cat"]])
    y = noisy(x, 0.2)
    expected = np.array([reference_ssim(a, b, window) for a, b in zip(x, y, strict=True)])
    compiled = jax.jit(lambda x, y: jax.vmap(lambda x, y: ssim(x, y, window=window))(x, y))
    np.testing.assert_allclose(compiled(x[:, None], y[:, None])[:, 0], expected, atol=1e-5)


def test_ssim_has_a_gradient_uphill():
    y = jnp.asarray(PHOTOS["cat"][None, :16, :16])
    x = jnp.asarray(noisy(y, 0.2))
    gradient = jax.grad(lambda x: ssim(x, y).sum())(x)
    assert ssim(x + 0.1 * gradient / jnp.linalg.norm(gradient), y)[0] > ssim(x, y)[0]


MASKS = {
    "middle": np.pad(np.ones((48, 48)), 24),
    "at the border": np.pad(np.ones((48, 48)), ((0, 48), (48, 0))),
    "one pixel in the corner": np.pad(np.ones((1, 1)), ((0, 95), (0, 95))),
    "scattered": np.random.default_rng(3).random((96, 96)) < 0.3,
    "everything": np.ones((96, 96)),
}


@pytest.mark.parametrize("name", MASKS)
def test_hole_figures_against_the_full_map(name):
    mask = MASKS[name].astype(np.float32)
    x, y = PHOTOS["cat"], noisy(PHOTOS["cat"], 0.2)
    hole = mask == 1
    expected = 10 * np.log10(1 / np.mean((unit(x) - unit(y))[hole] ** 2))
    np.testing.assert_allclose(psnr(x[None], y[None], mask=mask), [expected], atol=1e-5, rtol=1e-6)
    for window in WINDOWS:
        _, full = reference_ssim(x, y, window, full=True)
        expected = full.mean(axis=-1)[hole].mean()
        np.testing.assert_allclose(ssim(x[None], y[None], window=window, mask=mask), [expected], atol=1e-5)


def test_masks_of_single_images():
    x = np.stack([PHOTOS["cat"], PHOTOS["coffee"]])
    y = noisy(x, 0.2)
    masks = np.stack([MASKS["middle"], MASKS["scattered"]]).astype(np.float32)
    for metric in (psnr, ssim):
        single = [metric(x[i : i + 1], y[i : i + 1], mask=masks[i])[0] for i in range(2)]
        np.testing.assert_allclose(metric(x, y, mask=masks), single, rtol=1e-6)
        np.testing.assert_allclose(jax.vmap(lambda x, y, m, f=metric: f(x, y, mask=m))(x, y, masks), single, rtol=1e-6)
        assert np.isnan(metric(x, y, mask=np.zeros((96, 96), np.float32))).all()


def test_what_happens_outside_the_hole_does_not_count():
    x = PHOTOS["coffee"][None]
    mask = MASKS["middle"].astype(np.float32)
    y = np.where(mask[None, ..., None] == 1, x, np.float32(0))
    assert psnr(x, y, mask=mask)[0] == np.inf and psnr(x, y)[0] < 20
    assert psnr(x, y, mask=1 - mask)[0] < psnr(x, y)[0]


def test_identical_images():
    for photo in PHOTOS.values():
        assert psnr(photo[None], photo[None])[0] == np.inf
        for window in WINDOWS:
            assert ssim(photo[None], photo[None], window=window)[0] == 1


def test_values_are_clipped_and_not_rounded():
    x = PHOTOS["cat"][None]
    assert jnp.array_equal(psnr(3 * x, x), psnr(np.clip(3 * x, -1, 1), x))
    assert jnp.array_equal(ssim(3 * x, x), ssim(np.clip(3 * x, -1, 1), x))
    almost = np.clip(x, -0.9, 0.9)
    np.testing.assert_allclose(psnr(almost, almost + np.float32(2e-4)), [80], atol=0.02)  # less than a level of 8 bits


def test_long_sums_stay_exact():
    x = to_float(skimage.data.astronaut())
    y = noisy(x, 0.05)
    expected = skimage.metrics.peak_signal_noise_ratio(unit(y), unit(x), data_range=1)
    np.testing.assert_allclose(psnr(x[None], y[None]), [expected], atol=1e-5, rtol=1e-6)
    np.testing.assert_allclose(ssim(x[None], y[None]), [reference_ssim(x, y, "uniform")], atol=1e-5)


def test_mistakes_are_sentences():
    x = np.zeros((2, 8, 8, 3), np.float32)
    for metric in (psnr, ssim):
        with pytest.raises(ValueError, match="of one shape, got"):
            metric(x, x[:1])
        with pytest.raises(ValueError, match="`mask`: expected"):
            metric(x, x, mask=np.zeros((2, 8, 8, 1), np.float32))
    with pytest.raises(ValueError, match="uniform, gaussian, got 'box'"):
        ssim(x, x, window="box")
    with pytest.raises(ValueError, match="smaller than the gaussian window of 11x11"):
        ssim(x, x, window="gaussian")


def test_pixels_of_files_are_refused_and_their_floats_give_scikit_images_value(unchecked):
    u, v = np.random.default_rng(0).integers(0, 256, (2, 1, 16, 16, 3), dtype=np.uint8)
    expected = skimage.metrics.peak_signal_noise_ratio(u[0], v[0], data_range=255)
    np.testing.assert_allclose(psnr(to_float(u), to_float(v)), [expected], rtol=1e-5)
    for metric in (psnr, ssim):
        with pytest.raises(ValueError, match="`x` must be pictures of floats.*`jp.images.to_float` converts uint8"):
            metric(u, v)
        with pytest.raises(ValueError, match="`x` must be pictures in .*look like 0 to 255"):
            metric(u.astype(np.float32), v.astype(np.float32))


def test_pictures_that_look_like_another_range_give_a_warning():
    photo = PHOTOS["cat"][None]
    with pytest.warns(RangeWarning, match=r"`x` has values .* looks like \[0, 1\]"):
        psnr((photo + 1) / 2, photo)
    with pytest.warns(RangeWarning, match="`y` has values .* looks standardised"):
        ssim(photo, 1.2 * (photo - photo.mean()) / photo.std())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        psnr(np.maximum(photo, to_float(np.full(1, 150, np.uint8))), photo)  # bright, and from a file
        jax.jit(psnr)((photo + 1) / 2, photo)  # values are not known inside


# Sliced Wasserstein distance


def crops(name, n, size, seed=0):
    """Random squares of one large photo: two calls are two samples of one distribution."""
    photo = to_float(colour(getattr(skimage.data, name)()))
    places = np.random.default_rng(seed).integers(0, [photo.shape[0] - size, photo.shape[1] - size], (n, 2))
    return np.stack([photo[top : top + size, left : left + size] for top, left in places])


KEY = jax.random.key(0)


def test_swd_of_identical_sets_is_zero():
    images = crops("astronaut", 48, 32)
    assert swd(images, images, key=KEY) == {"32": 0, "16": 0, "mean": 0}


def test_swd_tells_near_from_far():
    real = crops("astronaut", 48, 32)
    near = swd(real, crops("astronaut", 48, 32, seed=1), key=KEY)
    other = swd(real, crops("coffee", 48, 32), key=KEY)
    noise = swd(real, np.random.default_rng(0).uniform(-1, 1, real.shape).astype(np.float32), key=KEY)
    blurred = swd(real, scipy.ndimage.gaussian_filter(real, (0, 1, 1, 0)), key=KEY)
    assert near["mean"] < other["mean"] < noise["mean"]
    assert noise["mean"] > 5 * near["mean"]
    assert blurred["32"] > 2 * blurred["16"]


def test_swd_is_a_function_of_its_key():
    real, fake = crops("cat", 8, 16), crops("coffee", 8, 16)
    assert swd(real, fake, key=KEY) == swd(real, jnp.asarray(fake), key=KEY)
    other = swd(real, fake, key=jax.random.key(1))
    assert other != swd(real, fake, key=KEY)
    assert list(other) == ["16", "mean"]
    np.testing.assert_allclose(other["mean"], swd(real, fake, key=KEY)["mean"], rtol=0.3)


def test_swd_does_not_depend_on_its_batches(monkeypatch):
    real, fake = crops("cat", 7, 32), crops("coffee", 7, 32)
    whole = swd(real, fake, key=KEY)
    monkeypatch.setattr(sys.modules["jaxprior.metrics.sliced_wasserstein"], "_BATCH", 3)
    parts = swd(real, fake, key=KEY)
    np.testing.assert_allclose(list(parts.values()), list(whole.values()), rtol=1e-5)


def test_swd_levels_and_sizes():
    images = np.random.default_rng(0).uniform(-1, 1, (2, 256, 256, 3)).astype(np.float32)
    assert list(swd(images, images[::-1], key=KEY)) == ["256", "128", "64", "32", "16", "mean"]
    assert list(swd(images[:, :40, :40], images[::-1, :40, :40], key=KEY)) == ["40", "20", "mean"]
    for size in (15, 66, 70):
        with pytest.raises(ValueError, match="cannot be halved"):
            swd(images[:, :size, :size], images[:, :size, :size], key=KEY)
    with pytest.raises(ValueError, match="of one shape"):
        swd(images, images[:1], key=KEY)
    with pytest.raises(ValueError, match="h = w"):
        swd(images[:, :64], images[:, :64], key=KEY)
    black = np.full((2, 16, 16, 3), -1, np.float32)
    assert np.isfinite(swd(images[:, :16, :16], black, key=KEY)["mean"])


def test_swd_against_numpy():
    """The published procedure written out in NumPy and SciPy, fed with the same random numbers."""
    real, fake = crops("astronaut", 6, 64), noisy(crops("coffee", 6, 64), 0.1)
    expected, sets = {}, [real.astype(np.float64), fake.astype(np.float64)]
    taps = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1])[None, :, :, None] / 256
    for size in (64, 32, 16):
        bands = sets
        if size > 16:
            sets = [scipy.ndimage.convolve(images, taps, mode="mirror")[:, ::2, ::2] for images in sets]
            spread = [np.zeros_like(band) for band in bands]
            for grid, images in zip(spread, sets, strict=True):
                grid[:, ::2, ::2] = images
            bands = [
                band - scipy.ndimage.convolve(grid, 4 * taps, mode="mirror")
                for band, grid in zip(bands, spread, strict=True)
            ]
        place_key, direction_key = jax.random.split(jax.random.fold_in(KEY, size))
        descriptors = []
        for band in bands:
            patches = []
            for index, image in enumerate(band):
                corners = jax.random.randint(jax.random.fold_in(place_key, index), (2, 128), 0, size - 6)
                patches += [image[top : top + 7, left : left + 7] for top, left in np.asarray(corners).T]
            patches = np.stack(patches)
            patches = (patches - patches.mean(axis=(0, 1, 2))) / patches.std(axis=(0, 1, 2))
            descriptors.append(patches.reshape(len(patches), -1))
        distances = []
        for key in jax.random.split(direction_key, 4):
            directions = np.asarray(jax.random.normal(key, (128, 147)), np.float64)
            directions /= np.sqrt((directions**2).sum(axis=1, keepdims=True))
            a, b = (np.sort(d @ directions.T, axis=0) for d in descriptors)
            distances.append(np.abs(a - b).mean())
        expected[str(size)] = 1e3 * np.mean(distances)
    got = swd(real, fake, key=KEY)
    np.testing.assert_allclose([got[size] for size in expected], list(expected.values()), rtol=1e-4)
    np.testing.assert_allclose(got["mean"], np.mean(list(expected.values())), rtol=1e-4)


@pytest.mark.parametrize("name", ["signal_to_noise", "structural_similarity", "sliced_wasserstein"])
def test_examples_run(name):
    module = sys.modules[f"jaxprior.metrics.{name}"]
    assert all(hasattr(metrics, public) for public in metrics.__all__)
    runner = doctest.DocTestRunner()
    for public in metrics.__all__:
        function = getattr(metrics, public)
        if function.__module__ == module.__name__:
            for example in doctest.DocTestFinder().find(function, public, module=module, globs=vars(module) | {}):
                assert runner.run(example).attempted >= 1
    assert runner.summarize().failed == 0 and runner.summarize().attempted >= 1
