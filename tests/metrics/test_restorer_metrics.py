"""PSNR of the luma and the ratio of gradient energies, against other formulas, and as figures of a run."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from skimage.color import rgb2ycbcr
from skimage.metrics import peak_signal_noise_ratio

import jaxprior as jp
from jaxprior import operators
from jaxprior.errors import ImageError
from jaxprior.evaluation.scores import score
from jaxprior.metrics import gradient_energy, psnr_luma


RANDOM = np.random.default_rng(3)


def pictures(*shape: int) -> tuple[np.ndarray, np.ndarray]:
    """Pictures, and others a little beside them."""
    first = RANDOM.uniform(-0.9, 0.9, shape).astype(np.float32)
    return first, np.clip(first + RANDOM.normal(0, 0.1, shape), -1, 1).astype(np.float32)


@pytest.mark.parametrize("border", [0, 1, 4])
def test_the_luma_is_that_of_scikit_image_in_studio_range(border):
    x, y = pictures(3, 20, 31, 3)
    inner = slice(border, -border or None)
    expected = [
        peak_signal_noise_ratio(
            *(rgb2ycbcr((one[i].astype(np.float64) + 1) / 2)[inner, inner, 0] for one in (y, x)), data_range=255
        )
        for i in range(3)
    ]
    np.testing.assert_allclose(psnr_luma(x, y, border=border), expected, atol=1e-4)
    assert np.isinf(psnr_luma(x[0], x[0]))


def test_grey_pictures_have_the_luma_of_grey_colours():
    x, y = pictures(2, 12, 13, 1)
    of_colours = psnr_luma(np.repeat(x, 3, -1), np.repeat(y, 3, -1))
    np.testing.assert_allclose(psnr_luma(x, y), of_colours, atol=1e-5)
    np.testing.assert_allclose(psnr_luma(x, y) - jp.metrics.psnr(x, y), 20 * np.log10(255 / 219), atol=1e-4)


def test_only_pixels_of_the_mask_count():
    x, y = pictures(2, 12, 13, 3)
    mask = np.zeros((12, 13), np.float32)
    mask[2:7, 3:9] = 1
    np.testing.assert_allclose(psnr_luma(x, y, mask=mask), psnr_luma(x[:, 2:7, 3:9], y[:, 2:7, 3:9]), atol=1e-4)
    inner = gradient_energy(x[:, 2:7, 3:9], y[:, 2:7, 3:9])
    np.testing.assert_allclose(gradient_energy(x, y, mask=mask), inner, rtol=1e-5)


def test_the_gradient_energy_is_a_ratio_of_sums_of_squared_differences():
    x, y = pictures(2, 9, 14, 3)

    def energy(one: np.ndarray) -> float:
        one = one.astype(np.float64)
        return (np.diff(one, axis=0) ** 2).sum() + (np.diff(one, axis=1) ** 2).sum()

    expected = [energy(x[i]) / energy(y[i]) for i in range(2)]
    np.testing.assert_allclose(gradient_energy(x, y), expected, rtol=1e-5)
    np.testing.assert_allclose(gradient_energy(0.5 * y, y), 0.25, rtol=1e-5)
    blurred = (y + np.roll(y, 1, axis=2)) / 2
    assert (gradient_energy(blurred, y) < 0.8).all()
    assert np.isnan(gradient_energy(np.zeros((1, 4, 4, 3)), np.zeros((1, 4, 4, 3))))


def test_both_work_inside_of_transformations():
    x, y = pictures(2, 8, 8, 3)
    for function in (psnr_luma, gradient_energy):
        np.testing.assert_allclose(jax.jit(function)(x, y), function(x, y), rtol=1e-5)
        np.testing.assert_allclose(jax.vmap(function)(x, y), function(x, y), rtol=1e-5)
        assert np.isfinite(jax.grad(lambda x, function=function: function(x, y).sum())(jnp.asarray(x))).all()


def test_what_is_wrong_is_one_sentence():
    x, y = pictures(1, 8, 8, 3)
    with pytest.raises(ImageError, match="a border of 4 leaves nothing of pictures of 8x8"):
        psnr_luma(x, y, border=4)
    with pytest.raises(ImageError, match="1 or 3 channels, got 4"):
        psnr_luma(np.zeros((1, 8, 8, 4)), np.zeros((1, 8, 8, 4)))


def test_a_run_that_asks_gets_them_with_the_border_of_its_factor():
    x, y = pictures(2, 16, 16, 3)
    task, small = operators.SuperResolve(4), np.zeros((2, 4, 4, 3), np.float32)
    without = score(task, x, x, small, y, None)[0]
    found = score(task, x, x, small, y, None, measures=["psnr-luma", "gradient-energy"])
    assert found[0].keys() - without.keys() == {"psnr_luma", "gradient_energy"}
    np.testing.assert_allclose([row["psnr_luma"] for row in found], psnr_luma(x, y, border=4), rtol=1e-6)
    np.testing.assert_allclose([row["gradient_energy"] for row in found], gradient_energy(x, y), rtol=1e-6)
    mask = np.zeros((2, 16, 16), np.float32)
    mask[:, 4:9, 3:8] = 1
    of_holes = score(operators.Inpaint(mask), x, y, y, y, mask, measures=["psnr-luma", "gradient-energy"])[0]
    assert of_holes["psnr_luma_hole"] == pytest.approx(float(psnr_luma(x, y, mask=mask)[0]))
    assert of_holes["gradient_energy_merged"] == 1
