"""Looking on at an inversion: everything is seen, and nothing is changed by it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tiny_prior import random_prior

import jaxprior as jp
from jaxprior.inversion.watching import current_watcher, watched_by


SETTINGS = {"codes": jp.SingleCode(), "objective": jp.Objective(), "key": jax.random.key(0)}
PHOTOS = jnp.asarray(np.random.default_rng(0).uniform(-1, 1, (2, 16, 16, 3)), jnp.float32)
SOLVE = jp.Solve(steps=7, learning_rate=0.1, keep="last")


class Notes:
    """A watcher that writes down what it sees."""

    every = 3

    def __init__(self, *, fails_at: int = -1):
        self.series, self.looks, self.images, self.fails_at = [], [], [], fails_at

    def started(self, count, steps):
        self.series.append((count, steps))

    def looked(self, look):
        if len(self.looks) == self.fails_at:
            raise InterruptedError("enough")
        self.looks.append(look)
        self.images.append(look.images())


@pytest.fixture(scope="module")
def prior():
    return random_prior()


def test_a_watcher_sees_every_loss_and_changes_nothing(prior):
    plain = jp.restore(prior, PHOTOS, **SETTINGS, solve=SOLVE)
    with watched_by(notes := Notes()):
        seen = jp.restore(prior, PHOTOS, **SETTINGS, solve=SOLVE)
    assert current_watcher() is None and notes.series == [(2, 7)]
    np.testing.assert_array_equal(plain.images, seen.images)
    np.testing.assert_array_equal(plain.trace, seen.trace)
    assert max(len(look.losses) for look in notes.looks) <= 3
    np.testing.assert_array_equal(notes.looks[0].problems, [0, 1])
    np.testing.assert_array_equal(np.concatenate([look.losses for look in notes.looks]), np.asarray(seen.trace).T[:-1])
    steps = np.cumsum([0, *(len(look.losses) for look in notes.looks)])
    np.testing.assert_array_equal([look.steps[0] for look in notes.looks], steps[:-1])
    np.testing.assert_array_equal(notes.images[-1], seen.images)  # seven steps are done then, and the last is kept
    assert not np.array_equal(notes.images[0], notes.images[-1])


def test_only_inversions_that_run_are_seen(prior):
    with watched_by(notes := Notes()):
        jp.restore(prior, PHOTOS[:1], **SETTINGS, solve=SOLVE)  # a group of eight is padded
    assert notes.looks[0].losses.shape[1] == 1 and notes.images[0].shape == (1, 16, 16, 3)


def test_what_a_watcher_raises_stops_the_inversion(prior):
    with watched_by(notes := Notes(fails_at=1)), pytest.raises(InterruptedError):
        jp.restore(prior, PHOTOS, **SETTINGS, solve=SOLVE)
    assert len(notes.looks) == 1
