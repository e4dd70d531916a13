"""The error of iterates to known originals: recorded now and then, deciding nothing."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tiny_prior import random_prior

import jaxprior as jp
from jaxprior.errors import ArgumentError


SETTINGS = {"codes": jp.SingleCode(), "objective": jp.Objective(), "key": jax.random.key(0)}
PHOTOS = jnp.asarray(np.random.default_rng(0).uniform(-1, 1, (2, 16, 16, 3)), jnp.float32)


@pytest.fixture(scope="module")
def prior():
    return random_prior()


def test_errors_are_those_of_the_iterates_and_change_nothing(prior):
    solve = jp.Solve(steps=7, learning_rate=0.1, keep="last")
    plain = jp.restore(prior, PHOTOS, **SETTINGS, solve=solve)
    traced = jp.restore(prior, PHOTOS, **SETTINGS, solve=solve, error_every=3)
    assert plain.errors is None and traced.errors.shape == (2, 3)
    np.testing.assert_array_equal(plain.images, traced.images)
    np.testing.assert_array_equal(plain.trace, traced.trace)
    np.testing.assert_allclose(traced.errors, traced.trace[:, ::3], rtol=1e-4)  # the task compares with the photo, too


def test_the_last_iterate_and_the_mean_of_several_starts(prior):
    solve = jp.Solve(steps=4, learning_rate=0.1, keep="last", starts=2)
    found = jp.restore(prior, PHOTOS, **SETTINGS, solve=solve, error_every=2)
    assert found.errors.shape == (2, 3) and bool(jnp.isfinite(found.errors).all())
    np.testing.assert_allclose(found.errors[:, -1], found.trace[:, -1], rtol=1e-4)


def test_what_cannot_be_followed_is_refused(prior, unchecked):
    with pytest.raises(ArgumentError, match="`error_every`"):
        jp.restore(prior, PHOTOS, **SETTINGS, error_every=0)
    with pytest.raises(ArgumentError, match="single pass"):
        jp.restore(prior, PHOTOS, **SETTINGS, solve=jp.Solve(passes=2, target_psnr=50.0), error_every=3)
