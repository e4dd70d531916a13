"""Pictures beside each other on one sheet."""

import numpy as np
import pytest

from jaxprior.data.showing import show
from jaxprior.errors import ImageError


def flat(value, *shape):
    return np.full(shape, value, np.float32)


def test_one_batch_goes_on_in_the_next_row():
    sheet = np.asarray(show(flat(1.0, 3, 64, 64, 3), columns=2))
    assert sheet.shape == (2 * 130 + 2, 2 * 130 + 2, 3)
    black = np.asarray(show(flat(-1.0, 3, 64, 64, 3), columns=2))
    assert (black[2:130, 2:130] == 0).all() and (black[132:260, 132:260] == 255).all()  # the fourth place is empty


def test_several_batches_are_rows_under_their_captions():
    seen, photos = flat(-1.0, 2, 16, 16, 1), flat(0.0, 2, 64, 64, 3)
    sheet = np.asarray(show({"observed": seen, "original": photos}))
    assert sheet.shape == (2 * (16 + 132), 2 * 130 + 2, 3)
    assert (sheet[18:146, 2:130] == 0).all()  # the small ones have been enlarged to the size of the others
    assert (sheet[18 + 148 : 146 + 148, 132:260] == 128).all()
    assert sheet[:16].min() < 128  # a caption


def test_a_caption_may_be_wider_than_its_row():
    assert show({"a caption that is much wider than one small picture": flat(0, 1, 8, 8, 3)}).width > 200


def test_colours_and_numbers_are_those_of_the_pictures():
    picture = np.random.default_rng(0).integers(0, 256, (1, 200, 150, 3), np.uint8)
    np.testing.assert_array_equal(np.asarray(show(picture))[2:-2, 2:-2], picture[0])
    np.testing.assert_array_equal(np.asarray(show(picture[0])), np.asarray(show(picture)))
    floats = picture.astype(np.float32) / 127.5 - 1
    np.testing.assert_array_equal(np.asarray(show(floats)), np.asarray(show(picture)))


@pytest.mark.parametrize(
    "images, message",
    [
        (flat(0, 4, 4), r"expected pictures \[b, h, w, c\] of 1 or 3 channels"),
        (flat(0, 0, 4, 4, 3), "expected pictures"),
        (flat(0, 1, 4, 4, 4, 1), "expected pictures"),
        (np.zeros((1, 4, 4, 3), np.int64), "floats in"),
        ("cat.png", "expected pictures"),
        ({}, "got no batch"),
        ({"a": flat(0, 2, 4, 4, 3), "b": flat(0, 3, 4, 4, 3)}, "the same number of pictures, got a 2, b 3"),
    ],
)
def test_what_is_no_picture_is_refused(images, message):
    with pytest.raises(ImageError, match=message):
        show(images)
