"""Photographs in tiles: the result is that of the whole photograph, whatever its size; memory and programs are few."""

import jax
import numpy as np
import pytest
import tiny_restorer

import jaxprior as jp
from jaxprior.errors import ArgumentError, ImageError, MaskError, WeightsError
from jaxprior.restoration import tiled
from jaxprior.restoration.tiled import restored_in_tiles, stretches
from jaxprior.system.activity import heard_by


SIZES = [(1, 1), (7, 90), (23, 24), (24, 61), (70, 53), (101, 97)]


@pytest.fixture(autouse=True)
def family(tmp_path, monkeypatch):
    """The package of the tiny restorers is installed."""
    with tiny_restorer.installed(tmp_path, monkeypatch):
        yield


@pytest.fixture
def enlarging(tmp_path):
    return jp.load_restorer(tiny_restorer.save(tmp_path / "x2.safetensors", multiple=2))


@pytest.fixture
def filling(tmp_path):
    return jp.load_restorer(tiny_restorer.save(tmp_path / "fill.safetensors", task="inpaint", multiple=4))


def photo_of(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(height).uniform(-1, 1, (height, width, 3)).astype(np.float32)


def mask_of(height: int, width: int) -> np.ndarray:
    mask = np.random.default_rng(width).uniform(size=(height, width)) < 0.2
    mask[height // 3 : 2 * height // 3, width // 4 : width // 2] = True
    mask[0, 0] = False
    return mask


@pytest.mark.parametrize("batch_size", [1, 3])
def test_tiles_give_what_the_whole_picture_gives_at_every_pixel(enlarging, filling, batch_size):
    photos, masks = [photo_of(*size) for size in SIZES], [mask_of(*size) for size in SIZES]
    large = jp.apply_restorer(enlarging, photos, tile=24, batch_size=batch_size)
    whole = jp.apply_restorer(filling, photos, masks, tile=32, batch_size=batch_size)
    for photo, mask, enlarged, filled in zip(photos, masks, large, whole, strict=True):
        np.testing.assert_allclose(enlarged, enlarging(photo[None])[0], atol=2e-6)
        np.testing.assert_allclose(filled, filling(photo[None], mask)[0], atol=2e-6)
        np.testing.assert_array_equal(filled[~mask], photo[~mask])


def test_a_network_that_looks_farther_than_it_says_has_no_hard_seams(filling):
    """Where tiles disagree, the blend goes from one to the other and never leaves the range between them."""
    photo, mask = photo_of(60, 60), np.ones((60, 60), bool)
    mask[:, :2] = False
    narrow = jax.tree_util.tree_map(lambda x: x, filling)
    object.__setattr__(narrow, "reach", 0)
    tiles = jp.apply_restorer(narrow, photo, mask, tile=32)
    whole = np.asarray(filling(photo[None], mask)[0])
    assert 1e-4 < np.abs(tiles - whole).max() < 0.5
    weights = [one.weights for one in stretches(60, 32, reach=0)]
    assert np.abs(np.diff(weights[0])).max() <= 1 / tiled.BLEND and weights[0][0] == weights[-1][-1] == 1


@pytest.mark.parametrize("length", [1, 2, 63, 64, 65, 66, 99, 100, 128, 1001])
@pytest.mark.parametrize("reach, multiple, factor", [(0, 1, 1), (5, 1, 4), (12, 4, 1), (7, 2, 2)])
def test_the_weights_of_tiles_add_up_to_one(length, reach, multiple, factor):
    found = stretches(length, 64, reach=reach, multiple=multiple, factor=factor)
    total = np.zeros(length * factor)
    for one in found:
        assert one.start % multiple == 0 and one.length % multiple == 0 and one.length <= 64
        assert one.first in (0, one.start + reach) and (one.first > 0) == (one.start > 0)
        total[one.first * factor :][: len(one.weights)] += one.weights
        end = one.first + len(one.weights) // factor
        assert end == length or end <= one.start + one.length - reach
    np.testing.assert_allclose(total, 1, atol=1e-6)


def test_large_photographs_of_all_sizes_share_one_program(enlarging):
    tiled._program.clear_cache()
    photos = [photo_of(*size) for size in ((64, 80), (91, 64), (77, 130))]
    list(restored_in_tiles(enlarging, [(photo, None) for photo in photos], tile=32))
    assert tiled._program._cache_size() == 1


def test_pixels_come_back_as_pixels_and_grey_as_grey(enlarging, filling):
    pixels, mask = np.random.default_rng(0).integers(0, 256, (40, 33, 3), dtype=np.uint8), mask_of(40, 33)
    filled = jp.apply_restorer(filling, pixels, mask, tile=32)
    assert filled.dtype == np.uint8 and (filled[~mask] == pixels[~mask]).all()
    in_floats = jp.apply_restorer(filling, jp.images.to_float(pixels), mask, tile=32)
    np.testing.assert_array_equal(jp.to_uint8(in_floats), filled)
    grey = jp.apply_restorer(enlarging, pixels[..., :1], tile=32)
    assert grey.shape == (80, 66, 1) and grey.dtype == np.uint8
    unit = pixels.astype(np.float32) / 255
    again = jp.apply_restorer(filling, unit, mask, tile=32, value_range=(0, 1))
    assert (again[~mask] == unit[~mask]).all() and 0 <= again.min() and again.max() <= 1
    np.testing.assert_allclose(again * 2 - 1, in_floats, atol=1e-6)


def test_nothing_missing_changes_nothing(filling):
    photo = photo_of(40, 50)
    np.testing.assert_array_equal(jp.apply_restorer(filling, photo, np.zeros((40, 50)), tile=32), photo)


def test_it_tells_how_far_it_is_and_stops_where_it_is_asked_to(enlarging):
    told, photos = [], [(photo_of(70, 70), None)] * 3

    def progress(done: int, total: int) -> None:
        told.append((done, total))
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(restored_in_tiles(enlarging, photos, tile=32, progress=progress))
    count = len(stretches(70, 32, reach=4, multiple=2)) ** 2
    assert told == [(done, 3 * count) for done in range(6)]

    class Listener:
        seen = ()

        def begun(self, work):
            self.seen += (work.text, work.unit)

        def moved(self, work):
            self.seen += (work.done,)

        def ended(self, work):
            self.seen += ("ended",)

    with heard_by(listener := Listener()):
        jp.apply_restorer(enlarging, photo_of(20, 20), tile=24)
    assert listener.seen == ("restoring in tiles", "tiles", 1, "ended")


@pytest.mark.parametrize(
    "call, words, error",
    [
        (lambda up, fill: jp.apply_restorer(up, photo_of(8, 8), mask_of(8, 8)), "leave out `mask`", ArgumentError),
        (lambda up, fill: jp.apply_restorer(fill, photo_of(8, 8)), "give `mask`", ArgumentError),
        (lambda up, fill: jp.apply_restorer(fill, photo_of(8, 8), mask_of(8, 9)), "the size", MaskError),
        (lambda up, fill: jp.apply_restorer(fill, photo_of(8, 8), np.ones((8, 8))), "1 everywhere", MaskError),
        (lambda up, fill: jp.apply_restorer(up, photo_of(8, 8) * 99), r"\[-1, 1\]", ImageError),
        (lambda up, fill: jp.apply_restorer(up, np.zeros((8, 8, 4), np.uint8)), "1 or 3 channels", ImageError),
        (lambda up, fill: jp.apply_restorer(up, np.zeros((0, 8, 3), np.uint8)), "with pixels", ImageError),
        (lambda up, fill: jp.apply_restorer(up, []), "no photographs", ImageError),
        (lambda up, fill: jp.apply_restorer(up, photo_of(8, 8), tile=8), "`tile` must be 18 or more", ArgumentError),
        (lambda up, fill: jp.apply_restorer(3, photo_of(8, 8)), "`restorer` must be a restorer", ArgumentError),
        (lambda up, fill: jp.apply_restorer("nowhere", photo_of(8, 8)), "nowhere: neither", WeightsError),
    ],
)
def test_what_is_wrong_is_one_sentence(call, words, error, enlarging, filling, unchecked):
    with pytest.raises(error, match=words) as caught:
        call(enlarging, filling)
    assert "\n" not in str(caught.value)


def test_weights_that_make_no_numbers_are_told(enlarging):
    broken = jax.tree.map(lambda leaf: leaf * np.nan, enlarging)
    with pytest.raises(WeightsError, match="tiny makes values that are not finite"):
        jp.apply_restorer(broken, photo_of(9, 9))
