"""Measures of volumes: by hand, by direct counts, and on shapes whose answer is known."""

import numpy as np
import pytest

from jaxprior.data.volume_pictures import square_views
from jaxprior.errors import ArgumentError
from jaxprior.metrics.porous import euler_number, two_point_correlation
from jaxprior.metrics.shapes import independent_voxels, largest_component, nearest_iou, occupancy, occupied


def noise(*shape, share=0.4):
    return np.random.default_rng(0).random(shape) < share


def test_nearest_iou_is_the_largest_over_all_pairs():
    first, second = noise(5, 3, 4, 6), noise(7, 3, 4, 6, share=0.5)[::-1]
    by_hand = [max((a & b).sum() / (a | b).sum() for b in second) for a in first]
    np.testing.assert_allclose(nearest_iou(first, second), by_hand, rtol=1e-12)
    np.testing.assert_array_equal(nearest_iou(first, first), np.ones(5))


def test_empty_volumes_are_like_each_other_and_like_nothing_else():
    empty, full = np.zeros((1, 2, 2, 2), bool), np.ones((1, 2, 2, 2), bool)
    assert nearest_iou(empty, empty).tolist() == [1.0]
    assert nearest_iou(empty, full).tolist() == [0.0]
    assert largest_component(empty).tolist() == [0.0]


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_two_point_correlation_is_a_direct_count(axis):
    volumes = noise(3, 6, 5, 8)
    found = two_point_correlation(volumes, axis=axis, longest=4)
    for r in range(5):
        lines = np.moveaxis(volumes, axis + 1, -1)
        pairs = lines[..., : lines.shape[-1] - r] & lines[..., r:]
        np.testing.assert_allclose(found[:, r], pairs.mean(axis=(1, 2, 3)), rtol=1e-12)
    np.testing.assert_allclose(found[:, 0], occupancy(volumes), rtol=1e-12)


def test_independent_voxels_have_the_rates_and_no_structure():
    planes = np.zeros((50, 8, 8, 8), bool)
    planes[::2] = True
    drawn = independent_voxels(planes, 400)
    np.testing.assert_allclose(drawn.mean(), 0.5, atol=0.01)
    correlation = two_point_correlation(drawn, axis=0).mean(axis=0)
    np.testing.assert_allclose(correlation[1:], 0.25, atol=0.01)
    assert two_point_correlation(planes, axis=0).mean(axis=0)[1] == 0.5


def test_components_and_euler_numbers_of_known_shapes():
    shapes = np.zeros((4, 7, 7, 7), bool)
    shapes[0, 1:4, 1:4, 1:4] = True  # a block
    shapes[1, 1:4, 1:4, 1:4], shapes[1, 2, 2, 1:4] = True, False  # with a tunnel
    shapes[2, 1:4, 1:4, 1:4], shapes[2, 2, 2, 2] = True, False  # with a closed hole
    shapes[3, 0:3, 0:3, 0:3], shapes[3, 4:7, 4:7, 4:7] = True, True  # two blocks
    assert euler_number(shapes).tolist() == [1, 0, 2, 2]
    np.testing.assert_allclose(largest_component(shapes), [1, 1, 1, 0.5])


def test_numbers_above_0_are_occupied_and_other_arrays_are_refused():
    row = np.array([-1.0, 0.0, 0.2, 1.0]).reshape(1, 1, 1, 4, 1)
    assert occupied(row).ravel().tolist() == [False, False, True, True]
    for wrong in (np.zeros((2, 2)), np.zeros((0, 2, 2, 2)), np.zeros((1, 2, 2, 2, 3))):
        with pytest.raises(ArgumentError, match="volumes"):
            occupied(wrong)
    with pytest.raises(ArgumentError, match="one size"):
        nearest_iou(np.zeros((1, 2, 2, 2)), np.zeros((1, 2, 2, 3)))
    for wrong in ({"axis": 3}, {"axis": 0, "longest": 2}):
        with pytest.raises(ArgumentError):
            two_point_correlation(np.zeros((1, 2, 2, 2)), **wrong)


@pytest.mark.parametrize("wrong", [np.uint8(200), np.float32(200), np.float32(-1.5), np.nan, np.inf])
def test_numbers_that_are_not_from_minus_1_to_1_are_refused(wrong):
    volumes = np.zeros((1, 2, 2, 2), np.asarray(wrong).dtype)
    volumes[0, 0, 0, 0] = wrong
    with pytest.raises(ArgumentError, match=r"in \[-1, 1\]"):
        occupancy(volumes)  # above 0 they would all be counted as occupied, and NaN as empty


def test_projections_show_where_voxels_are_and_how_far():
    volume = np.full((1, 4, 4, 4, 1), -1.0)
    volume[0, 3, 0, 1] = 1.0  # far along d, near along h
    picture = (square_views(volume)[0, ..., 0] + 1) / 2
    along_d, along_h = picture[:4, :4], picture[:4, 4:]
    along_w, middle = picture[4:, :4], picture[4:, 4:]
    assert along_d[0, 1] == pytest.approx(0.4) and along_h[3, 1] == pytest.approx(1.0)
    assert along_w[3, 0] == pytest.approx(0.8) and not middle.any()
    assert (along_d > 0).sum() == (along_h > 0).sum() == (along_w > 0).sum() == 1
