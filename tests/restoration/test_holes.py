"""Holes of photographs are gathered into squares with context, and every missing pixel is restored exactly once."""

import numpy as np
import pytest

from jaxprior.errors import MaskError
from jaxprior.restoration.holes import LEAST_KNOWN, find_holes
from jaxprior.restoration.squares import Square, cut_mask, cut_square, enlarge_square


SIZE = 16


def random_holes(seed):
    """A photograph's shape and its holes: blocks, strokes, specks, some of them connected."""
    chance = np.random.default_rng(seed)
    shape = tuple(chance.integers(20, 200, 2))
    missing = np.zeros(shape, bool)
    for _ in range(chance.integers(1, 12)):
        top, left = (chance.integers(0, side) for side in shape)
        height, width = chance.integers(1, 40, 2) if chance.random() < 0.5 else (1, chance.integers(1, 120))
        missing[top : top + height, left : left + width] = True
    missing |= chance.random(shape) < 0.01
    missing[chance.integers(0, shape[0])] = False
    return missing


def owners(missing, holes):
    """How often every pixel is restored."""
    times = np.zeros(missing.shape, int)
    for group in holes.groups:
        top, left, bottom, right = group.box
        times[top:bottom, left:right] += group.pixels
    return times if holes.thin is None else times + (holes.thin.labels > 0)


@pytest.mark.parametrize("thin", [0.0, 2.5])
@pytest.mark.parametrize("seed", range(25))
def test_every_missing_pixel_is_restored_exactly_once(seed, thin):
    missing = random_holes(seed)
    np.testing.assert_array_equal(owners(missing, find_holes(missing, SIZE, thin=thin)), missing)


@pytest.mark.parametrize("seed", range(25))
def test_squares_hold_their_holes_and_context_around_them(seed):
    missing = random_holes(seed)
    shortest, longest = min(missing.shape), max(missing.shape)
    for group in find_holes(missing, SIZE).groups:
        square, (top, left, bottom, right) = group.square, group.box
        assert square.top <= top and square.left <= left
        assert bottom <= square.top + square.side and right <= square.left + square.side
        assert min(SIZE, shortest) <= square.side <= longest
        rows, columns = (
            slice(max(start, 0), max(start, 0) + square.side) for start in (square.top, square.left)
        )
        seen = missing[rows, columns]
        assert (~seen).sum() >= LEAST_KNOWN * square.side**2 or square.side == longest
        if square.side <= shortest:  # then it lies inside
            assert seen.shape == (square.side, square.side) and min(square.top, square.left) >= 0


def test_a_square_is_twice_as_large_as_its_hole_and_moves_inside_the_photograph():
    missing = np.zeros((200, 300), bool)
    missing[0:40, 280:300] = True
    (group,) = find_holes(missing, SIZE).groups
    assert group.square == Square(0, 220, 80) and group.pixels.all() and group.pixels.shape == (40, 20)
    missing = np.zeros((200, 300), bool)
    missing[50:150, 100:200] = True
    assert find_holes(missing, SIZE).groups[0].square == Square(0, 50, 200)


def test_a_small_photograph_is_enlarged_and_not_surrounded_by_nothing():
    missing = np.zeros((10, 14), bool)
    missing[4:7, 5:9] = True
    (group,) = find_holes(missing, SIZE).groups
    assert group.square == Square(0, 2, 10)
    assert cut_square(np.zeros((10, 14, 3), np.uint8), group.square, SIZE, missing=missing).shape == (SIZE, SIZE, 3)


def test_a_hole_that_is_longer_than_the_shorter_side_gets_a_square_that_sticks_out():
    missing = np.zeros((20, 100), bool)
    missing[5:15, 10:90] = True
    (group,) = find_holes(missing, SIZE).groups
    assert group.square == Square(-40, 0, 100)
    mask = cut_mask(missing, group.square, 100)
    assert mask[:40].all() and mask[60:].all() and not mask[40:45].any()


def test_near_holes_share_a_square_and_far_ones_do_not():
    missing = np.zeros((400, 400), bool)
    missing[100:110, 100:110] = missing[100:110, 114:124] = missing[300:330, 300:330] = True
    near, far = sorted(find_holes(missing, SIZE).groups, key=lambda group: group.box)
    assert near.box == (100, 100, 110, 124) and near.pixels.sum() == 200
    assert far.square == Square(285, 285, 60)


def test_thousands_of_scattered_pixels_need_no_prior():
    missing = np.random.default_rng(0).random((500, 600)) < 0.1
    holes = find_holes(missing, SIZE, thin=2.5)
    assert holes.groups == () and holes.thin.count > 5000


def test_a_scratch_through_a_blot_does_not_enlarge_the_blot_s_square():
    missing = np.zeros((300, 400), bool)
    missing[100:140, 100:140] = True
    alone = find_holes(missing, SIZE, thin=2.5)
    missing[119:121, 5:395] = True
    holes = find_holes(missing, SIZE, thin=2.5)
    assert alone.thin is None and holes.groups[0].square.side < 1.5 * alone.groups[0].square.side
    assert holes.thin.labels[120, 10] and not holes.thin.labels[105, 105]
    np.testing.assert_array_equal(owners(missing, holes), missing)


def test_nothing_missing_and_nothing_known():
    assert find_holes(np.zeros((20, 30), bool), SIZE).groups == ()
    with pytest.raises(MaskError, match="nothing of the photograph is known"):
        find_holes(np.ones((20, 30), bool), SIZE)


def test_what_lies_under_a_hole_is_not_looked_at():
    chance = np.random.default_rng(0)
    pixels = chance.integers(0, 256, (60, 80, 3), dtype=np.uint8)
    missing = np.zeros((60, 80), bool)
    missing[20:40, 30:50] = True
    other = np.where(missing[..., None], chance.integers(0, 256, pixels.shape, dtype=np.uint8), pixels)
    square = Square(10, 20, 40)
    first, second = (cut_square(one, square, SIZE, missing=missing) for one in (pixels, other))
    np.testing.assert_array_equal(first, second)


def test_a_part_of_an_enlarged_square_is_the_same_as_of_the_whole():
    picture = np.random.default_rng(0).random((SIZE, SIZE, 3), np.float32)
    square = Square(5, -3, 50)
    whole = enlarge_square(picture, square, (5, -3, 55, 47))
    np.testing.assert_allclose(enlarge_square(picture, square, (10, 7, 31, 40)), whole[5:26, 10:43], atol=1e-5)
