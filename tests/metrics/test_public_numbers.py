"""Distances between sets, MS-SSIM and the mean squared error against numbers of torch-fidelity, pytorch-msssim and
scikit-image."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import skimage.metrics

from jaxprior import metrics
from jaxprior.data.images import to_float
from jaxprior.errors import ArgumentError, ImageError
from jaxprior.metrics import compare_sets, kid, ms_ssim, mse, precision_recall
from jaxprior.metrics.frechet import gaussian_frechet
from jaxprior.metrics.kid import kernel_distance
from jaxprior.metrics.precision_recall import shares_in_balls
from jaxprior.metrics.sets import distances_of_vectors


PIXELS = jax.tree_util.Partial(lambda x: x.reshape(len(x), 1, 1, -1))
"""A network whose features are the pixels themselves."""


@pytest.fixture(scope="module")
def sets() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    return tuple(random.uniform(-1, 1, (n, 4, 4, 1)).astype(np.float32) for n in (9, 7))


@pytest.mark.parametrize(("name", "first"), [("feat", 60), ("featwide", 40)])
def test_distances_of_sets_are_those_of_torch_fidelity(golden, name, first):
    stored = golden("metrics")
    fake, real = stored[f"{name}.gen"], stored[f"{name}.real"]
    assert gaussian_frechet(real, fake) == pytest.approx(float(stored[f"{name}.frechet"]), rel=1e-8)
    assert kernel_distance(real[:first], fake[:first]) == pytest.approx(float(stored[f"{name}.kid_first_{first}"]))
    subsets = zip(stored[f"{name}.kid_subset_indices"], stored[f"{name}.kid_per_subset"], strict=True)
    for (of_fake, of_real), expected in subsets:
        assert kernel_distance(real[of_real], fake[of_fake]) == pytest.approx(expected, rel=1e-10)
    for neighbours in (3, 5):
        if f"{name}.prc_k{neighbours}" in stored:
            found = shares_in_balls(real, fake, neighbours=neighbours)
            np.testing.assert_allclose(found, stored[f"{name}.prc_k{neighbours}"][:2], rtol=1e-6)


def test_ms_ssim_is_that_of_pytorch_msssim(golden):
    stored = golden("metrics")
    x, y = (to_float(np.moveaxis(stored[f"img176.{name}_u8"], 1, -1)) for name in "xy")
    np.testing.assert_allclose(ms_ssim(x, y), stored["img176.ms_ssim_pytorch_msssim"], atol=1e-6)
    np.testing.assert_allclose(ms_ssim(x[0], x[0]), 1, atol=1e-6)


def test_ms_ssim_refuses_pictures_without_room_for_five_scales():
    with pytest.raises(ImageError, match="160x200 are too small for five scales, which need 161x161"):
        ms_ssim(np.zeros((1, 160, 200, 3)), np.zeros((1, 160, 200, 3)))


def test_mse_is_that_of_scikit_image_and_what_psnr_is_made_of(sets):
    x, y = sets[0][:7], sets[1]
    expected = [skimage.metrics.mean_squared_error(a / 2, b / 2) for a, b in zip(x, y, strict=True)]
    np.testing.assert_allclose(mse(x, y), expected, rtol=1e-6)
    mask = np.zeros((4, 4))
    mask[1:3] = 1
    np.testing.assert_allclose(-10 * np.log10(mse(x, y, mask=mask)), metrics.psnr(x, y, mask=mask), rtol=1e-6)


def test_all_distances_at_once_are_the_single_ones(sets):
    found = compare_sets(PIXELS, *sets, resamples=20)
    assert (found.real, found.fake) == (9, 7)
    assert found.frechet == pytest.approx(metrics.frechet(PIXELS, *sets))
    assert found.kid == pytest.approx(kid(PIXELS, *sets))
    assert (found.precision, found.recall) == precision_recall(PIXELS, *sets)
    assert found == compare_sets(PIXELS, *sets, resamples=20), "the bootstrap is seeded"
    assert np.isnan(compare_sets(PIXELS, *sets, resamples=0).frechet_sd)


def test_the_bootstrap_says_how_much_other_draws_would_differ():
    """Means of figures over many pairs of sets, against what the bootstrap says of single pairs."""
    random = np.random.default_rng(0)
    pairs = [(random.normal(size=(60, 2)), random.normal(1, 1, (60, 2))) for _ in range(40)]
    found = [distances_of_vectors(*pair, resamples=40) for pair in pairs]
    for name in ("frechet", "kid", "precision", "recall"):
        spread = np.std([getattr(one, name) for one in found])
        told = np.mean([getattr(one, f"{name}_sd") for one in found])
        assert spread / 2 < told < 2 * spread, name


def test_sets_that_are_too_small_are_refused(sets, unchecked):
    real, fake = sets
    with pytest.raises(ArgumentError, match="3 need sets of 4 images or more, got 9 and 3"):
        precision_recall(PIXELS, real, fake[:3])
    with pytest.raises(ArgumentError, match="`neighbours`"):
        precision_recall(PIXELS, real, fake, neighbours=0)
    with pytest.raises(ImageError, match="`fake`: expected a set of two images or more, got 1"):
        kid(PIXELS, real, fake[:1])


def test_kid_is_zero_on_average_for_draws_of_one_distribution():
    random = np.random.default_rng(1)
    values = [kernel_distance(*random.normal(size=(2, 10, 3))) for _ in range(300)]
    assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(len(values))


def test_ms_ssim_works_inside_compiled_functions_and_has_gradients():
    x = jnp.linspace(-1, 1, 161 * 162).reshape(161, 162, 1)
    slope = jax.jit(jax.grad(ms_ssim))
    near, far = slope(x, x + 0.1 * jnp.cos(9 * x)), slope(x, -x)
    assert near.shape == x.shape and bool(jnp.isfinite(near).all()) and float(jnp.abs(near).max()) > 0
    assert not far.any(), "a negative scale counts as 0, and has no slope"
