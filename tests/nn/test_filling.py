"""Holes filled smoothly from around: exact for what is known and for what is constant, and as local as is said."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxprior.nn.filling import enlarged, reach_of, smooth_fill, square_colours


def pictures(*shape, seed=0):
    return jnp.asarray(np.random.default_rng(seed).uniform(-1, 1, shape), jnp.float32)


def test_known_pixels_stay_and_holes_do_not_decide():
    x, missing = pictures(2, 32, 64, 3), jnp.asarray(np.random.default_rng(1).uniform(size=(2, 32, 64, 1)) < 0.6)
    filled = smooth_fill(x, missing.astype(jnp.float32), levels=3)
    np.testing.assert_array_equal(np.where(missing, 0, filled), np.where(missing, 0, x))
    other = smooth_fill(jnp.where(missing, 7.0, x), missing.astype(jnp.float32), levels=3)
    np.testing.assert_allclose(other, filled, atol=1e-6)  # every square of eight pixels has a known one


def test_a_constant_is_continued_and_a_slope_nearly():
    missing = jnp.zeros((1, 32, 32, 1)).at[:, 8:24, 8:24].set(1.0)
    constant = jnp.where(missing > 0, -1.0, jnp.full((1, 32, 32, 1), 0.25))
    np.testing.assert_allclose(smooth_fill(constant, missing, levels=5), 0.25, atol=1e-6)
    slope = jnp.broadcast_to(jnp.linspace(-1, 1, 32)[None, None, :, None], (1, 32, 32, 1))
    found = smooth_fill(jnp.where(missing > 0, 0.0, slope), missing, levels=5)
    error = np.abs(np.asarray(found - slope))[0, 8:24, 8:24, 0]
    assert error.max() < 0.4 and error.mean() < 0.15 < np.abs(np.asarray(slope))[0, 8:24, 8:24, 0].mean()


def test_where_nothing_is_known_the_given_values_stay():
    missing = jnp.ones((1, 16, 16, 1))
    np.testing.assert_allclose(smooth_fill(jnp.full((1, 16, 16, 2), 0.4), missing, levels=4), 0.4, atol=1e-6)


@pytest.mark.parametrize("levels", [1, 2, 3])
def test_reach_bounds_what_a_pixel_decides(levels):
    side = 96
    missing = jnp.asarray(np.random.default_rng(2).uniform(size=(1, side, side, 1)) < 0.97, jnp.float32)
    fill = jax.jit(lambda x, missing: smooth_fill(x, missing, levels=levels))
    x, far = pictures(1, side, side, 1), 0
    for place in range(48, 48 + (1 << levels)):
        changed = fill(x.at[0, place, place].set(9.0), missing.at[0, place, place].set(0.0))
        moved = np.argwhere(np.abs(np.asarray(changed - fill(x, missing)))[0, ..., 0] > 0)
        far = max(far, int(np.abs(moved - place).max()))
    assert reach_of(levels) // 2 <= far <= reach_of(levels)


def test_enlarging_is_bilinear_between_middles():
    x = jnp.asarray([0.0, 4.0]).reshape(1, 1, 2, 1)
    np.testing.assert_allclose(enlarged(x)[0, 0, :, 0], [0.0, 1.0, 3.0, 4.0])
    flat = enlarged(jnp.ones((2, 3, 5, 2)))
    assert flat.shape == (2, 6, 10, 2) and float(jnp.ptp(flat)) == 0.0


def test_squares_have_the_mean_of_what_is_known_of_them_and_others_what_lies_around():
    x, missing = pictures(2, 37, 50, 3), jnp.asarray(np.random.default_rng(1).uniform(size=(2, 37, 50, 1)) < 0.6)
    missing = missing.at[0, :32, 16:48].set(True).astype(jnp.float32)
    found = np.asarray(square_colours(x, missing, 16))
    assert found.shape == (2, 3, 4, 3)
    for picture, row, column in np.ndindex(2, 3, 4):
        part = (picture, slice(16 * row, 16 * row + 16), slice(16 * column, 16 * column + 16))
        known = np.asarray(x)[part][np.asarray(missing)[part][..., 0] == 0]
        if len(known):
            np.testing.assert_allclose(found[picture, row, column], known.mean(axis=0), atol=1e-6)
        else:
            assert np.abs(found[picture, row, column]).max() > 0
    constant = square_colours(jnp.where(missing > 0, 5.0, 0.25), missing, 16)
    np.testing.assert_allclose(constant, 0.25, atol=1e-6)
    np.testing.assert_array_equal(square_colours(x, jnp.ones_like(missing), 16), 0)
