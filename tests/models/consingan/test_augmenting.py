"""How a ConSinGAN's picture is changed in training: moved parts beside the public code's, colors by what they are."""

import numpy as np
import pytest

from jaxprior.models.consingan.augmenting import KINDS, WEIGHTS, augmented, changed, covered, shuffled


def levels(height: int = 40, width: int = 50) -> np.ndarray:
    return np.random.default_rng(7).uniform(0, 255, (height, width, 3))


def test_parts_are_moved_as_the_public_code_moves_them(golden):
    """The goldens' numbers of chance come from NumPy, in the order in which the public code asks for them."""
    arrays = golden("consingan")
    image = arrays["shuffled.image"].astype(np.float64)
    for seed, theirs in enumerate(arrays["shuffled.results"]):
        np.testing.assert_array_equal(shuffled(image, np.random.default_rng(seed)), theirs)
    moved = [(theirs != arrays["shuffled.image"]).any() for theirs in arrays["shuffled.results"]]
    assert sum(moved) > 8


def test_covered_parts_are_one_or_two_rectangles_of_one_color():
    areas = []
    for seed in range(60):
        image = levels(100, 100)
        made = covered(image, np.random.default_rng(seed))
        other = (made != image).any(axis=-1)
        assert len(np.unique(made[other].reshape(-1, 3), axis=0)) == 1 or not other.any()
        areas.append(other.sum())
    assert 60 * 60 + 1 >= max(areas) > 45 * 45 and np.median(areas) > 200


def test_colors_change_as_their_names_say():
    image, chance = levels(), np.random.default_rng(0)
    multiplied, gray, colored, inverted, sepia, dropped, permuted, shifted = (kind(image, chance) for kind in KINDS)
    assert 0.49 < (multiplied / image).min() and (multiplied / image).max() < 1.51
    noise = gray - image
    np.testing.assert_allclose(noise, np.broadcast_to(noise[..., :1], noise.shape), atol=1e-9)
    assert 2 < noise.std() < 13.5 and 3 < (colored - image).std() < 7.5
    np.testing.assert_array_equal(inverted, 255 - image)
    np.testing.assert_allclose(sepia[..., 0], image @ [0.393, 0.769, 0.189])
    assert sorted(bool(channel.any()) for channel in np.moveaxis(dropped, -1, 0)) == [False, True, True]
    np.testing.assert_array_equal(np.sort(permuted), np.sort(image))
    assert 0 < np.abs(np.clip(shifted, 0, 255) - image).mean() < 80
    grey = np.full((4, 4, 3), 100.0)
    for seed in range(20):  # the brightness of a grey moves by at most 20, its saturation by at most 30 of 255
        made = KINDS[-1](grey, np.random.default_rng(seed))
        assert np.abs(made.max(axis=-1) - 100).max() <= 20 and np.ptp(made, axis=-1).max() <= 120 * 30 / 255 + 1e-9


def test_chances_are_the_official_ones():
    assert WEIGHTS.sum() == pytest.approx(1) and WEIGHTS[-1] == pytest.approx(0.1 / 1.6)
    assert WEIGHTS[0] / WEIGHTS[1] == pytest.approx(0.2 / 0.5)
    image = levels(200, 200)
    made = [augmented(image, np.random.default_rng(seed)) for seed in range(400)]
    recolored = np.mean([(one != image).any(axis=-1).mean() > 0.5 for one in made])
    untouched = np.mean([(one == image).all() for one in made])
    assert 0.18 < recolored < 0.32 and 0.03 < untouched < 0.13


def test_what_enters_is_in_range_and_the_same_for_the_same_chance():
    image = levels() / 127.5 - 1
    for kind in ("augmented", "shuffled"):
        one, same, other = (changed(kind, image, np.random.default_rng(seed)) for seed in (1, 1, 2))
        assert one.dtype == np.float32 and one.shape == image.shape
        np.testing.assert_array_equal(one, same)
        assert (one != other).any()
        assert np.abs(one).max() <= (1 if kind == "augmented" else 1.6)
