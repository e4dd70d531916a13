"""Volumes through `restore` and `invert`: the same engine, operators and metrics as for pictures."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tiny_volumes import SHAPE, half, planted, volume_prior

import jaxprior as jp
from jaxprior.errors import ArgumentError, ImageError, MaskError
from jaxprior.operators import batched, fitting


CODES, SOLVE = jp.SingleCode(), jp.Solve(steps=150, optimizer="adam", learning_rate=0.05, init="bank", bank_size=64)


@pytest.fixture(scope="module")
def prior():
    return volume_prior()


@pytest.fixture(scope="module")
def volumes(prior):
    return planted(prior, 2)


def test_the_missing_half_of_a_planted_volume_is_found(prior, volumes):
    task = jp.Inpaint(half(), volumes=True)
    found = jp.restore(prior, volumes, task, key=jax.random.key(0), codes=CODES, solve=SOLVE)
    assert found.images.shape == found.merged.shape == (2, *SHAPE, 1)
    known = half() == 0
    np.testing.assert_array_equal(np.asarray(found.merged)[:, known], volumes[:, known])
    np.testing.assert_array_equal(np.asarray(found.merged)[:, ~known], np.asarray(found.images)[:, ~known])
    filled = np.where(known[..., None], volumes, 0)  # the grey that a mask leaves
    ours, grey = (jp.metrics.psnr(one, volumes, mask=half(), volumes=True) for one in (found.images, filled))
    assert np.all(np.asarray(ours) > np.asarray(grey) + 6), (ours, grey)
    assert np.all(np.asarray(jp.metrics.iou(found.merged, volumes)) > 0.9)


def test_denoising_and_reconstruction_come_nearer_than_what_was_observed(prior, volumes):
    for task in (jp.Identity(), jp.Denoise(0.4)):
        found = jp.restore(prior, volumes, task, key=jax.random.key(0), codes=CODES, solve=SOLVE)
        error = np.mean((np.asarray(found.images) - volumes) ** 2)
        assert error < 0.04, (task.label, error)  # of the noise: 0.16


def test_observed_volumes_are_inverted_whatever_the_missing_voxels_hold(prior, volumes):
    mask = np.stack([half(), 1 - half()])
    task = jp.Inpaint(mask, volumes=True)
    observed = np.where(mask[..., None] > 0, np.nan, volumes)
    settings = {"key": jax.random.key(0), "codes": CODES, "solve": jp.Solve(steps=3)}
    one = jp.invert(prior, observed, task, **settings)
    two = jp.invert(prior, np.nan_to_num(observed), task, **settings)
    assert np.isfinite(np.asarray(one.merged)).all()
    np.testing.assert_array_equal(one.images, two.images)
    alone = jp.invert(prior, observed[1:], jp.Inpaint(mask[1], volumes=True), ids=jnp.array([1]), **settings)
    np.testing.assert_allclose(alone.images[0], one.images[1], atol=1e-6)


def test_several_codes_compose_a_volume(prior, volumes):
    found = jp.restore(
        prior, volumes, key=jax.random.key(0), codes=jp.MultiCode(num_codes=3, layer=1), solve=jp.Solve(steps=5)
    )
    assert found.images.shape == (2, *SHAPE, 1) and np.all(found.loss < found.trace[:, 0])


def test_masks_know_volumes_from_pictures():
    some = np.zeros(SHAPE, np.float32)
    some[2, 3, 1] = 1
    assert fitting(jp.Inpaint(some), (*SHAPE, 1)).volumes
    assert batched(jp.Inpaint(some, volumes=True), 3).mask.shape == (3, *SHAPE)
    x = jnp.ones((*SHAPE, 1))
    assert float(jp.Inpaint(some, volumes=True).apply(x).sum()) == x.size - 1
    inner = fitting(jp.Compose((jp.Denoise(0.1), jp.Inpaint(some))), (*SHAPE, 1)).operators[1]
    assert inner.volumes
    with pytest.raises(MaskError, match=r"say Inpaint\(mask, volumes=True\)"):
        jp.Inpaint(half())
    with pytest.raises(MaskError, match=r"say Denoise\(mask, volumes=True\)"):
        jp.Denoise(0.1, np.zeros((2, *SHAPE)))
    with pytest.raises(MaskError, match="got 1 everywhere in the mask of image 1"):
        jp.Inpaint(np.stack([half(), np.ones(SHAPE)]), volumes=True)


def test_mistakes_are_sentences(prior, volumes):
    key = jax.random.key(0)
    with pytest.raises(ArgumentError, match="works on pictures, and this prior makes volumes of 8x6x4 voxels"):
        jp.restore(prior, volumes, jp.SuperResolve(2), key=key)
    with pytest.raises(ImageError, match=r"\[b, 8, 6, 4, 1\].*load_volumes\(paths, shape=\(8, 6, 4\)\)"):
        jp.restore(prior, volumes[..., 0], key=key)
    with pytest.raises(ValueError, match="expected a mask"):
        jp.restore(prior, volumes, jp.Inpaint(half()[1:], volumes=True), key=key)


def test_figures_of_volumes_are_those_of_their_voxels(volumes):
    other = np.clip(volumes + 0.2, -1, 1)
    wanted = np.mean((other - volumes) ** 2 / 4, axis=(1, 2, 3, 4))
    np.testing.assert_allclose(jp.metrics.mse(other, volumes, volumes=True), wanted, rtol=1e-5)
    np.testing.assert_allclose(jp.metrics.psnr(other, volumes, volumes=True), -10 * np.log10(wanted), rtol=1e-5)
    inside = half() > 0
    of_half = np.mean((other - volumes)[:, inside] ** 2 / 4, axis=(1, 2))
    np.testing.assert_allclose(jp.metrics.mse(other, volumes, mask=half(), volumes=True), of_half, rtol=1e-5)
    both, either = ((other > 0) & (volumes > 0)), ((other > 0) | (volumes > 0))
    ratio = both.sum(axis=(1, 2, 3, 4)) / either.sum(axis=(1, 2, 3, 4))
    np.testing.assert_allclose(jp.metrics.iou(other, volumes), ratio, rtol=1e-6)
    ratio = both[:, inside].sum(axis=(1, 2)) / either[:, inside].sum(axis=(1, 2))
    np.testing.assert_allclose(jp.metrics.iou(other, volumes, mask=half()), ratio, rtol=1e-6)
    with pytest.raises(MaskError):
        jp.metrics.psnr(other, volumes, mask=half()[0], volumes=True)


def test_volumes_are_never_compared_slice_by_slice(volumes):
    other = np.clip(volumes + 0.2, -1, 1)
    for compare in (jp.metrics.psnr, jp.metrics.ssim, jp.metrics.mse, jp.metrics.ms_ssim, jp.metrics.psnr_luma):
        with pytest.raises(ImageError, match="with volumes=True"):
            compare(other, volumes)
    with pytest.raises(ImageError, match=r"expected volumes \[b, d, h, w, c\]"):
        jp.metrics.psnr(other[0, 0], volumes[0, 0], volumes=True)
    (one,) = jp.metrics.psnr(other[:1], volumes[:1], volumes=True)
    np.testing.assert_allclose(jp.metrics.psnr(other[0], volumes[0], volumes=True), one, rtol=1e-6)


def test_several_answers_of_a_volume_keep_what_is_known(prior, volumes):
    task = jp.Inpaint(half(), volumes=True)
    found = jp.restore(prior, volumes[:1], task, key=jax.random.key(0), codes=CODES, solve=jp.Solve(steps=4), draws=2)
    assert found.draws.shape == (1, 2, *SHAPE, 1) and found.spread.shape == (1, *SHAPE)
    np.testing.assert_array_equal(np.asarray(found.draws)[0, :, half() == 0][:, 0], volumes[0][half() == 0])
