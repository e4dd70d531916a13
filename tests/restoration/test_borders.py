"""What `restore` and `invert` take besides the usual: names, single pictures, other ranges, keys in the old style."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tiny_prior import random_prior, write_tiny_prior

import jaxprior as jp
from jaxprior.data.ranges import doubt
from jaxprior.errors import ImageError
from jaxprior.inversion import engine


KEY = jax.random.key(7)
SETTINGS = {
    "codes": jp.MultiCode(num_codes=2, layer=2), "objective": jp.Objective(), "solve": jp.Solve(steps=2)
}  # fmt: skip
PIXELS = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3), dtype=np.uint8)
PHOTOS = jp.images.to_float(PIXELS)


@pytest.fixture(scope="module")
def prior():
    return random_prior()


@pytest.fixture(scope="module")
def expected(prior):
    return jp.restore(prior, PHOTOS, key=KEY, **SETTINGS)


def same(result, expected):
    np.testing.assert_array_equal(result.trace, expected.trace)
    np.testing.assert_array_equal(result.images, expected.images)


def test_a_key_in_the_old_style_is_the_same_key_and_the_same_program(prior, expected):
    programs = engine._begin, engine._one_step, engine._rendered, engine._compared
    before = [program._cache_size() for program in programs]
    same(jp.restore(prior, PHOTOS, key=jax.random.PRNGKey(7), **SETTINGS), expected)
    same(jp.invert(prior, PHOTOS, key=np.asarray(jax.random.PRNGKey(7)), **SETTINGS), expected)
    assert [program._cache_size() for program in programs] == before
    noise = jp.Denoise(0.1)
    a, b = (jp.restore(prior, PHOTOS, noise, key=key, **SETTINGS) for key in (KEY, jax.random.PRNGKey(7)))
    same(a, b)


def test_the_range_that_is_told_is_mapped(prior, expected, unchecked):
    same(jp.restore(prior, PIXELS, key=KEY, value_range=(0, 255), **SETTINGS), expected)
    same(jp.invert(prior, PIXELS, key=KEY, value_range=(0, 255), **SETTINGS), expected)
    unit = jp.invert(prior, (PHOTOS + 1) / 2, key=KEY, value_range=(0, 1), **SETTINGS)
    np.testing.assert_allclose(unit.trace, expected.trace, rtol=1e-4)


def test_a_bright_photo_passes_if_it_comes_from_a_file_or_its_range_is_told(prior):
    bright = jp.images.to_float(np.maximum(PIXELS, 150))
    assert doubt(bright) is None and doubt(jnp.asarray(bright)) is None
    blanked = np.where(np.eye(16)[..., None] > 0, np.float32(0), bright)
    assert doubt(blanked) is None  # as a mask leaves it
    computed = 0.99 * bright
    assert "looks like [0, 1]" in doubt(computed)
    with pytest.raises(ImageError, match=r"`value_range=\(-1, 1\)` if they are right"):
        jp.restore(prior, computed, key=KEY, **SETTINGS)
    assert np.isfinite(jp.restore(prior, computed, key=KEY, value_range=(-1, 1), **SETTINGS).loss).all()


def test_pictures_of_files_divided_by_255_look_like_what_they_are():
    unit = PIXELS.astype(np.float32) / 255
    assert "looks like [0, 1]" in doubt(unit)
    assert "looks standardised" in doubt((unit - unit.mean()) / unit.std())
    assert doubt(PHOTOS) is None and doubt(1.05 * PHOTOS) is None  # resampling overshoots


def test_one_picture_is_a_batch_of_one(prior):
    task = jp.Inpaint(np.eye(16, dtype=np.float32))
    one = jp.restore(prior, PHOTOS[0], task, key=KEY, **SETTINGS)
    assert one.images.shape == (1, 16, 16, 3) and one.loss.shape == (1,)
    same(one, jp.restore(prior, PHOTOS[:1], task, key=KEY, **SETTINGS))
    observed = task.observe(PHOTOS[:1])
    same(jp.invert(prior, observed[0], task, key=KEY, **SETTINGS), one)
    small = jp.invert(prior, np.zeros((4, 4, 3), np.float32), jp.SuperResolve(4), key=KEY, **SETTINGS)
    assert small.images.shape == (1, 16, 16, 3)


def test_a_name_or_a_file_stands_for_the_prior(tmp_path, unchecked):
    path = write_tiny_prior(tmp_path / "tiny.safetensors")
    by_path, loaded = (jp.restore(prior, PHOTOS[:1], key=KEY, **SETTINGS) for prior in (path, jp.load_prior(path)))
    same(by_path, loaded)
    same(jp.invert(str(path), PHOTOS[:1], key=KEY, **SETTINGS), loaded)


def test_ids_may_repeat_and_seed_alike(prior):
    twice = jp.restore(prior, PHOTOS[[0, 0]], key=KEY, ids=np.array([5, 5]), **SETTINGS)
    np.testing.assert_array_equal(twice.images[0], twice.images[1])
