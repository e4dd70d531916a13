"""Masks of whole photographs, whose sides differ."""

import jax
import numpy as np
import pytest
from PIL import Image

from jaxprior.data.mask_fitting import lay_mask
from jaxprior.data.masks import parse_mask
from jaxprior.errors import MaskError


KEY = jax.random.key(3)


@pytest.mark.parametrize("words", ["center:0.25", "block:0.25", "pixels:0.25"])
def test_a_fraction_is_one_of_the_whole_photograph(words):
    mask = parse_mask(words).draw((40, 60), KEY)
    assert mask.shape == (40, 60) and mask.mean() == 0.25 and set(np.unique(mask)) == {0, 1}
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if "pixels" not in words:
        assert (len(rows), len(columns)) == (20, 30)


@pytest.mark.parametrize("words", ["center:0.3", "block:0.3", "pixels:0.3"])
def test_a_side_is_a_square(words):
    np.testing.assert_array_equal(parse_mask(words).draw(33, KEY), parse_mask(words).draw((33, 33), KEY))


def test_nothing_missing_names_width_and_height():
    with pytest.raises(MaskError, match="at 12x8 pixels nothing is missing"):
        parse_mask("pixels:0.001").draw((8, 12), KEY)


def test_a_file_is_laid_on_the_whole_photograph(tmp_path):
    drawn = np.zeros((20, 30), np.uint8)
    drawn[5:8, 25:] = 255
    Image.fromarray(drawn).save(tmp_path / "m.png")
    spec = parse_mask(tmp_path / "m.png")
    np.testing.assert_array_equal(spec.draw((20, 30)), drawn > 0)
    np.testing.assert_array_equal(spec.draw((40, 60)), np.repeat(np.repeat(drawn > 0, 2, axis=0), 2, axis=1))
    assert spec.draw((10, 15))[2:4, 12:].all()


def test_a_square_mask_is_laid_on_the_centre_square():
    laid = lay_mask(np.ones((8, 8), bool), (10, 30))
    assert laid[:, 10:20].all() and laid.sum() == 100
    assert lay_mask(np.ones((8, 8), bool), (16, 16)).all()
