"""Masks: specifications, exact fractions, chance from the key, files, and clear refusals."""

import doctest

import jax
import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import distance_transform_edt
from skimage.measure import label

from jaxprior.data import masks
from jaxprior.data.masks import missing_percent, parse_mask
from jaxprior.errors import MaskError


KEY = jax.random.key(7)


def test_center_is_the_middle_square():
    mask = parse_mask("center:0.25").draw(64)
    assert mask.shape == (64, 64) and mask.dtype == np.float32
    expected = np.zeros((64, 64), np.float32)
    expected[16:48, 16:48] = 1
    assert np.array_equal(mask, expected)
    odd = parse_mask("center:0.25").draw(9)  # side 4 (4.5 rounds to even): margins 2 and 3
    assert np.argwhere(odd).min() == 2 and np.argwhere(odd).max() == 5


@pytest.mark.parametrize("size", [8, 17, 64, 256])
@pytest.mark.parametrize("fraction", [0.1, 0.25, 0.5, 0.81])
def test_every_kind_has_its_area(size, fraction):
    side = round(np.sqrt(fraction) * size)
    for kind, count in [("center", side**2), ("block", side**2), ("pixels", round(fraction * size * size))]:
        mask = parse_mask(f"{kind}:{fraction}").draw(size, KEY)
        assert mask.shape == (size, size) and set(np.unique(mask)) == {0, 1}
        assert mask.sum() == count


def test_block_is_a_square_anywhere():
    spec = parse_mask("block:0.25")
    corners = set()
    for key in jax.random.split(KEY, 400):
        places = np.argwhere(spec.draw(8, key))
        top, left = places.min(axis=0)
        assert (places.max(axis=0) - places.min(axis=0) == 3).all()
        corners.add((int(top), int(left)))
    assert corners == {(top, left) for top in range(5) for left in range(5)}


def test_pixels_are_scattered_evenly():
    keys = jax.random.split(KEY, 300)
    mean = np.mean([parse_mask("pixels:0.3").draw(8, key) for key in keys], axis=0)
    assert abs(mean - 0.3).max() < 5 * np.sqrt(0.3 * 0.7 / 300)


@pytest.mark.parametrize("spec", ["block:0.2", "pixels:0.2", "strokes:0.2"])
def test_chance_comes_from_the_key_alone(spec):
    spec = parse_mask(spec)
    again = jax.random.wrap_key_data(jax.random.key_data(KEY))
    assert np.array_equal(spec.draw(64, KEY), spec.draw(64, again))
    assert np.array_equal(spec.draw(64, KEY), spec.draw(64, jax.random.PRNGKey(7)))
    assert not np.array_equal(spec.draw(64, KEY), spec.draw(64, jax.random.fold_in(KEY, 1)))
    assert spec.per_image and not parse_mask("center:0.2").per_image
    with pytest.raises(MaskError, match="random; give"):
        spec.draw(64)


def test_masks_of_resumed_runs_never_change():
    assert np.argwhere(parse_mask("block:0.25").draw(64, KEY)).min(axis=0).tolist() == BLOCK_CORNER
    assert np.flatnonzero(parse_mask("pixels:0.01").draw(16, KEY)).tolist() == PIXELS
    assert np.flatnonzero(parse_mask("strokes:0.05").draw(16, KEY)).tolist() == STROKES


BLOCK_CORNER = [26, 1]
PIXELS = [9, 57, 202]
STROKES = [6, 21, 36, 37, 52, 53, 68, 83, 99, 115, 131, 148, 164]


@pytest.mark.parametrize("shape", [(64, 64), (40, 90), (30, 200)])
def test_strokes_cover_their_share_in_connected_parts(shape):
    mask = parse_mask("strokes:0.3").draw(shape, KEY)
    assert mask.shape == shape and mask.sum() == round(0.3 * shape[0] * shape[1])
    assert set(np.unique(mask)) == {0, 1}
    scattered = parse_mask("pixels:0.3").draw(shape, KEY)
    assert label(mask, connectivity=2).max() < label(scattered, connectivity=2).max() / 3


def test_strokes_grow_with_the_picture():
    """Their widths are shares of the shorter side: at four times the size the parts are as many, and wider."""
    small, large = (parse_mask("strokes:0.2").draw(side, KEY) for side in (32, 256))
    thickness = [float(distance_transform_edt(mask).max()) / side for mask, side in ((small, 32), (large, 256))]
    assert 0.01 < thickness[1] < 0.08 and thickness[0] < 0.16


def test_names():
    assert parse_mask("random:0.25") == parse_mask("block:0.25")
    assert parse_mask("center:0.250").name == "center:0.25"
    assert parse_mask("pixels:.5").name == "pixels:0.5"


@pytest.mark.parametrize(
    "spec, words",
    [
        ("centre:0.25", "Did you mean center:0.25?"),
        ("blok:0.3", "Did you mean block:0.3?"),
        ("center", "Did you mean center:0.25?"),
        ("center:25", "Did you mean center:0.25?"),
        ("center:0", "between 0 and 1, got '0'"),
        ("center:1", "between 0 and 1, got '1'"),
        ("pixels:-0.5", "between 0 and 1"),
        ("pixels:nan", "between 0 and 1"),
        ("block:", "between 0 and 1, got ''"),
        ("block:a", "between 0 and 1, got 'a'"),
        ("hole.png", "no such form and no such file; expected center:F, block:F, pixels:F or strokes:F"),
        ("", "no such form and no such file"),
    ],
)
def test_bad_specifications_name_the_right_ones(spec, words):
    with pytest.raises(MaskError) as caught:
        parse_mask(spec)
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_nothing_known_or_nothing_missing_is_refused():
    with pytest.raises(MaskError, match="at 8 pixels nothing is known"):
        parse_mask("center:0.99").draw(8)
    with pytest.raises(MaskError, match="at 8 pixels nothing is missing"):
        parse_mask("pixels:0.001").draw(8, KEY)


def test_a_whole_number_is_not_taken_for_a_fraction_of_a_hundredth():
    for number in ("2", "4", "1.5", "100", "64x64"):
        with pytest.raises(MaskError, match=r"a fraction of the area between 0 and 1, .*Take center:0.25") as caught:
            parse_mask(f"center:{number}")
        assert "0.02" not in str(caught.value) and "0.04" not in str(caught.value)
    for number, meant in (("25", "0.25"), ("25%", "0.25"), ("12.5 %", "0.125"), ("2%", "0.02")):
        with pytest.raises(MaskError, match=f"Did you mean block:{meant}?"):
            parse_mask(f"block:{number}")


def test_words_about_files_are_refused_without_a_file():
    for given in ({"means": "white"}, {"invert": True}):
        with pytest.raises(MaskError, match="are for masks in files"):
            parse_mask("center:0.25", **given)


def test_files(tmp_path):
    white_right = np.zeros((40, 60), np.uint8)
    white_right[:, 30:] = 255
    Image.fromarray(white_right).save(tmp_path / "m.png")
    spec = parse_mask(str(tmp_path / "m.png"))
    assert spec.name == (tmp_path / "m.png").as_posix() and not spec.per_image
    mask = spec.draw(16)
    assert mask.dtype == np.float32
    assert (mask[:, :7] == 0).all() and (mask[:, 7:] == 1).all()  # a twelfth of column 7 of a photograph is the hole's
    Image.fromarray(white_right > 0).save(tmp_path / "bits.png")
    assert np.array_equal(parse_mask(str(tmp_path / "bits.png")).draw(16), mask)
    exif = Image.Exif()
    exif[274] = 6  # stored lying on its left side: its right half is the upright picture's lower half
    Image.fromarray(white_right).save(tmp_path / "turned.png", exif=exif.tobytes())
    turned = parse_mask(str(tmp_path / "turned.png")).draw(16)
    assert (turned[7:] == 1).all() and (turned[:7] == 0).all()


def test_files_that_do_not_serve(tmp_path):
    Image.new("L", (20, 20), 0).save(tmp_path / "known.png")
    with pytest.raises(MaskError, match=r"known.png: nothing in it is white"):
        parse_mask(tmp_path / "known.png").draw(16)
    assert parse_mask(tmp_path / "known.png", means="white").draw(16).sum() == 0  # nothing to repair is then no mistake
    Image.new("L", (20, 20), 255).save(tmp_path / "missing.png")
    with pytest.raises(MaskError, match=r"missing.png: nothing is known under it: all of it is white"):
        parse_mask(str(tmp_path / "missing.png")).draw(16)
    (tmp_path / "bad.png").write_text("no picture")
    with pytest.raises(MaskError, match=r"mask .*bad.png: it is not a readable picture"):
        parse_mask(str(tmp_path / "bad.png")).draw(16)
    Image.fromarray(np.repeat([0, 255], 20).astype(np.uint8).reshape(2, 20).T).save(tmp_path / "thin.png")
    with pytest.raises(MaskError, match=r"thin.png: it is 2x20"):
        parse_mask(str(tmp_path / "thin.png")).draw(16)


def test_percent():
    assert missing_percent(np.zeros((8, 8))) == "0.0 %"
    assert missing_percent(np.eye(1000)) == "0.1 %"
    assert missing_percent(np.eye(10000)[:, :100]) == "<0.1 %"


def test_examples_run():
    assert doctest.testmod(masks).failed == 0
    assert doctest.testmod(masks).attempted >= 2
