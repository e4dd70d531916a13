"""The Frechet distance between two sets of images; the formula itself is tested with the single-image metrics."""

import doctest
import sys

import jax
import numpy as np
import pytest

from jaxprior.errors import ArgumentError, ImageError
from jaxprior.metrics import frechet
from jaxprior.metrics.frechet import gaussian_frechet


QUARTERS = jax.tree_util.Partial(lambda x: x.reshape(len(x), 2, 4, 2, 4, -1).mean(axis=(2, 4)))
"""A network with one map, [b, 2, 2, c]."""


@pytest.fixture(scope="module")
def sets() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    return tuple(random.uniform(-1, 1, (n, 8, 8, 3)).astype(np.float32) for n in (11, 7))


def test_it_is_the_formula_of_the_features_means_over_their_pixels(sets):
    real, fake = sets
    expected = gaussian_frechet(*(images.astype(np.float64).mean(axis=(1, 2)) for images in sets))
    assert frechet(QUARTERS, real, fake) == pytest.approx(expected, rel=1e-4)
    assert frechet(QUARTERS, real, real) < 1e-12


@pytest.mark.parametrize("batch", [1, 4, 100])
def test_it_does_not_depend_on_the_batch(sets, batch):
    assert frechet(QUARTERS, *sets, batch=batch) == pytest.approx(frechet(QUARTERS, *sets), rel=1e-5)


def test_a_large_set_may_come_in_parts(sets):
    real, fake = sets
    parts = (fake[i : i + 3] for i in range(0, len(fake), 3))
    assert frechet(QUARTERS, real, parts) == pytest.approx(frechet(QUARTERS, real, fake), rel=1e-5)


def test_images_of_another_size_can_be_compared(sets):
    real, fake = sets
    pixels = jax.tree_util.Partial(lambda x: x)
    larger = fake.repeat(2, axis=1).repeat(2, axis=2)
    assert frechet(pixels, real, larger) == pytest.approx(frechet(pixels, real, fake), rel=1e-4)


def test_mistakes_are_one_sentence(sets, unchecked):
    real, fake = sets
    several = jax.tree_util.Partial(lambda x: (x, x))
    for call, error, words in [
        (lambda: frechet(QUARTERS, real[:1], fake), ImageError, "`real`: expected a set of two images or more, got 1"),
        (lambda: frechet(QUARTERS, real, fake[0]), ImageError, r"`fake`: expected a set \[n, h, w, c\]"),
        (lambda: frechet(QUARTERS, real, (fake * 255).astype(np.uint8)), ImageError, "`fake`"),
        (lambda: frechet(QUARTERS, real[:0], fake), ImageError, "`real`: expected a set of two images or more, got 0"),
        (lambda: frechet(QUARTERS, real, []), ImageError, "`fake`: expected a set of two images or more, got 0"),
        (lambda: frechet(QUARTERS, real, ["fake.png"]), ImageError, "`fake`"),
        (lambda: frechet(QUARTERS, real, "fakes"), ImageError, "`fake`"),
        (lambda: frechet(QUARTERS, real, 3), ImageError, "`fake`"),
        (lambda: frechet(several, real, fake), ArgumentError, "must have one map, got 2"),
        (lambda: frechet("inception", real, fake), ArgumentError, "`load_features` loads one by its name"),
        (lambda: frechet(QUARTERS, real, fake, batch=0), ArgumentError, "`batch` must be 1 or more"),
        (lambda: frechet(QUARTERS, real, fake[..., :1]), ValueError, "expected two sets"),
    ]:
        with pytest.raises(error, match=words):
            call()


def test_the_examples_run():
    assert doctest.testmod(sys.modules[frechet.__module__], extraglobs={"jax": jax}) == (0, 3)
