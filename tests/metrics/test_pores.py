"""Pores that a reconstruction keeps, loses and adds."""

import numpy as np
import pytest

from jaxprior.errors import ArgumentError
from jaxprior.metrics.pores import compare_pores


def cut(*rows):
    return np.array([[letter == "#" for letter in row] for row in rows])


ORIGINAL = cut(
    "##...#",
    "#....#",
    "......",
    ".#..#.",
    "#.....",
)


def test_pores_are_counted_and_corners_connect_them():
    assert compare_pores(ORIGINAL, ORIGINAL) == (4, 0, 0)


def test_nothing_found_loses_all_and_nothing_there_adds_all():
    nothing = np.zeros_like(ORIGINAL)
    assert compare_pores(ORIGINAL, nothing) == (4, 4, 0)
    assert compare_pores(nothing, ORIGINAL) == (0, 0, 4)


def test_one_shared_pixel_keeps_a_pore():
    found = cut(
        "#....#",
        ".....#",
        "..#...",
        "..#.#.",
        "......",
    )
    assert compare_pores(ORIGINAL, found) == (4, 1, 1)


def test_a_pore_that_joins_two_keeps_both():
    assert compare_pores(cut("#.#"), cut("###")) == (2, 0, 0)


def test_volumes_are_connected_through_corners():
    volume = np.zeros((3, 3, 3), bool)
    volume[0, 0, 0] = volume[1, 1, 1] = True
    found = np.zeros_like(volume)
    found[1, 1, 1] = found[2, 0, 2] = True
    assert compare_pores(volume, volume) == (1, 0, 0)
    assert compare_pores(volume, found) == (1, 0, 0)  # the new voxel touches the pore's at a corner


@pytest.mark.parametrize(
    "original, found, message",
    [
        (np.zeros((3, 3), bool), np.zeros((3, 4), bool), r"of one shape, got \(3, 3\) and \(3, 4\)"),
        (np.zeros(3, bool), np.zeros(3, bool), r"expected two cuts \[h, w\] or two volumes"),
        (np.zeros((3, 3)), np.zeros((3, 3), bool), "expected bool, True where there is a pore, got float64 and bool"),
    ],
)
def test_other_arrays_are_refused(original, found, message):
    with pytest.raises(ArgumentError, match=message):
        compare_pores(original, found)
