"""Random masks of trainings: drawn when they are wanted, the same as if all had been drawn beforehand."""

import jax
import numpy as np
import pytest

from jaxprior.data.masks import parse_mask
from jaxprior.errors import MaskError
from jaxprior.training.drawn_masks import MASKS, DrawnMasks


@pytest.mark.parametrize("spec", ["block:0.25", "strokes:0.15", "pixels:0.5"])
def test_a_mask_depends_on_the_seed_and_on_its_number_alone(spec):
    masks, keys = DrawnMasks(parse_mask(spec), (16, 16), seed=3), jax.random.split(jax.random.key(3), MASKS)
    assert len(masks) == MASKS
    for number in (MASKS - 1, 5, 0, 5):
        np.testing.assert_array_equal(masks[number], parse_mask(spec).draw(16, keys[number]))
    assert masks[5].dtype == np.uint8 and (masks[5] != masks[6]).any()
    assert (masks[5] != DrawnMasks(parse_mask(spec), (16, 16), seed=4)[5]).any()


def test_only_masks_that_are_wanted_are_drawn_and_each_of_them_once(monkeypatch):
    spec, asked = parse_mask("strokes:0.3"), []
    draw = type(spec).draw
    monkeypatch.setattr(type(spec), "draw", lambda self, size, key: asked.append(size) or draw(self, size, key))
    masks = DrawnMasks(spec, (32, 32), seed=0)
    for number in (7, 9, 7, 9):
        masks[number]
    assert asked == [32] * 3  # the first of all is tried before the training begins


def test_masks_that_are_all_alike_are_one():
    masks = DrawnMasks(parse_mask("center:0.25"), (16, 16), seed=0)
    assert len(masks) == 1 and masks[0].sum() == 64


def test_large_pictures_have_fewer_masks():
    assert len(DrawnMasks(parse_mask("block:0.25"), (1024, 1024), seed=0)) == 256


def test_masks_that_cannot_be_drawn_are_refused_at_once():
    with pytest.raises(MaskError, match="nothing is missing"):
        DrawnMasks(parse_mask("block:0.001"), (8, 8), seed=0)
