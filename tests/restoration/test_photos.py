"""`restore_photo`: photographs of any size keep their size; only what is missing of them changes."""

import jax
import numpy as np
import pytest
from counted_programs import compiled_programs
from tiny_prior import random_prior

import jaxprior as jp
from jaxprior.data import images
from jaxprior.data.pixels import to_grey
from jaxprior.inversion import engine
from jaxprior.operators import Inpaint
from jaxprior.restoration.cut_photos import cut_photo
from jaxprior.restoration.recolouring import covering_squares, recolour


KEY = jax.random.key(0)
METHOD = {
    "codes": jp.MultiCode(num_codes=2, layer=4),
    "solve": jp.Solve(steps=2, init="random", starts=1),
    "objective": jp.Objective(),
}
SIZES = ((40, 60), (61, 33), (16, 16), (12, 20), (100, 30), (50, 50), (33, 34), (80, 64), (9, 9), (20, 100))


def photo(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8)


def hole(shape):
    """Two blocks and a scratch."""
    missing = np.zeros(shape, bool)
    missing[1 : shape[0] // 2, 2 : shape[1] // 3] = missing[-4:-1, -4:-1] = True
    missing[shape[0] - 2, 1:-5] = True
    return missing


@pytest.fixture(scope="module")
def prior():
    return random_prior()


@pytest.fixture(scope="module")
def many(prior):
    """Photographs of ten sizes, their masks, what one call makes of them, and the step's programs that it compiled."""
    photos, masks = [photo(shape, i) for i, shape in enumerate(SIZES)], [hole(shape) for shape in SIZES]
    with compiled_programs() as compiled:
        restored = jp.restore_photo(prior, photos, masks, key=KEY, **METHOD)
    return photos, masks, restored, steps_among(compiled)


def steps_among(compiled):
    """How many of the compiled programs are the step of an inversion."""
    return [name for name, _ in compiled].count(engine._step.__name__)


def test_photographs_keep_their_size_and_type_and_what_is_known_of_them(many):
    for given, mask, restored in zip(*many[:3], strict=True):
        assert restored.picture.shape == given.shape and restored.picture.dtype == np.uint8
        np.testing.assert_array_equal(restored.picture[~mask], given[~mask])
        assert (restored.picture[mask] != given[mask]).any(axis=-1).mean() > 0.9
        assert len(restored.squares) == (0 if restored.found is None else len(restored.found.images))


def test_ten_sizes_are_one_program_and_equal_to_single_runs_to_the_bit(prior, many):
    photos, masks, restored, programs = many
    assert programs == 1
    with compiled_programs(forget=False) as compiled:
        for i in (0, 4, 8):
            alone = jp.restore_photo(prior, photos[i], masks[i], key=KEY, **METHOD)
            np.testing.assert_array_equal(alone.picture, restored[i].picture)
            assert alone.squares == restored[i].squares and alone.notes == restored[i].notes
    assert steps_among(compiled) == 0


def test_floats_give_the_same_as_pixels_in_their_own_range_and_type(prior, many):
    photos, masks, restored, _ = many
    given = images.to_float(photos[0]).astype(np.float64)
    given[masks[0]] = np.nan
    floats = jp.restore_photo(prior, given, masks[0], key=KEY, **METHOD).picture
    assert floats.dtype == np.float64
    np.testing.assert_array_equal(floats[~masks[0]], given[~masks[0]])
    assert np.abs(jp.to_uint8(floats).astype(int) - restored[0].picture).max() <= 1
    unit = jp.restore_photo(prior, (given + 1) / 2, masks[0], key=KEY, value_range=(0, 1), **METHOD).picture
    np.testing.assert_array_equal(unit[~masks[0]], ((given + 1) / 2)[~masks[0]])
    np.testing.assert_allclose(unit[masks[0]] * 2 - 1, floats[masks[0]], atol=0.02)


def test_a_flat_photograph_stays_flat_whatever_the_prior_makes(prior):
    grey = np.full((40, 60, 1), 90, np.uint8)
    missing = hole((40, 60))
    cut = cut_photo(Inpaint, grey, missing, prior.image_shape, card={})
    found = cut.restored(np.full((len(cut.squares), *prior.image_shape), 0.7, np.float32))
    assert found.shape == grey.shape and np.abs(found.astype(int) - 90).max() <= 1
    pasted = cut_photo(Inpaint, grey, missing, prior.image_shape, card={}, merge="paste")
    found = pasted.restored(np.full((len(cut.squares), *prior.image_shape), 0.7, np.float32))
    assert found[10, 10, 0] == round((0.7 + 1) * 127.5)


def test_a_grey_photograph_of_three_channels_is_not_tinted(prior):
    given, missing = np.repeat(photo((40, 60))[..., :1], 3, axis=-1), hole((40, 60))
    missing_values = given.copy()
    missing_values[missing] = (200, 90, 30)  # what lies under the mask says nothing
    cut = cut_photo(Inpaint, missing_values, missing, prior.image_shape, card={})
    made = np.random.default_rng(0).uniform(-1, 1, (len(cut.squares), *prior.image_shape)).astype(np.float32)
    found = cut.restored(made)
    np.testing.assert_array_equal(found, np.repeat(found[..., :1], 3, axis=-1))
    assert np.ptp(found[missing].astype(int)) > 10
    coloured = photo((40, 60))
    assert np.ptp(cut_photo(Inpaint, coloured, missing, prior.image_shape, card={}).restored(made)[10, 10]) > 0


def test_a_grey_prior_adds_brightness_to_a_photograph_in_colour(prior):
    given, missing = photo((40, 60)), hole((40, 60))
    given[...] = (200, 90, 30)
    cut = cut_photo(Inpaint, given, missing, (16, 16, 1), card={})
    assert cut.observed.shape == (len(cut.squares), 16, 16, 1)
    texture = np.random.default_rng(0).uniform(-0.2, 0.2, cut.observed.shape).astype(np.float32)
    found = cut.restored(texture).astype(int)
    assert np.ptp(found[missing][:, 0]) > 10
    assert np.abs(found[..., 0] - found[..., 1] - 110).max() <= 2
    np.testing.assert_array_equal(found[~missing], given[~missing])


def test_there_is_no_step_at_the_border_of_a_hole(prior):
    ramp = np.linspace(40, 200, 90)[None, :, None] + np.linspace(0, 50, 60)[:, None, None]
    smooth = np.repeat(ramp, 3, axis=-1).astype(np.uint8)
    missing = np.zeros(smooth.shape[:2], bool)
    missing[15:45, 30:60] = True
    texture = np.random.default_rng(0).uniform(-0.2, 0.2, (1, *prior.image_shape)).astype(np.float32)
    cut = cut_photo(Inpaint, smooth, missing, prior.image_shape, card={})
    found = cut.restored(texture).astype(float)
    assert np.abs(found[15:45, 29] - found[15:45, 30]).mean() < 8
    assert found[20:40, 35:55].std() > smooth[20:40, 35:55].std()


def test_colour_keeps_the_brightness_of_every_pixel(prior):
    photos = [photo((40, 60)), photo((50, 20), 1)]
    restored = jp.restore_photo(prior, photos, task=jp.Colorize(), key=KEY, **METHOD)
    for given, found in zip(photos, restored, strict=True):
        assert found.picture.shape == given.shape
        assert np.abs(to_grey(found.picture).astype(int) - to_grey(given)).max() <= 1
    grey = to_grey(photos[0])
    coloured = jp.restore_photo(prior, grey, task=jp.Colorize(), key=KEY, **METHOD).picture
    assert coloured.shape == (40, 60, 3) and np.abs(to_grey(coloured).astype(int) - grey).max() <= 1


@pytest.mark.parametrize("shape", [(40, 60), (100, 30), (30, 31), (50, 50)])
def test_squares_for_colours_cover_the_photograph_and_overlap(shape):
    squares, side = covering_squares(shape), min(shape)
    seen = np.zeros(shape, int)
    for square in squares:
        seen[square.top : square.top + side, square.left : square.left + side] += 1
    assert (seen > 0).all()
    starts = sorted(square.top + square.left for square in squares)
    assert all(next_one - one <= 0.75 * side + 1 for one, next_one in zip(starts, starts[1:], strict=False))


def test_colours_of_neighbouring_squares_blend():
    grey = np.zeros((16, 40, 3), np.float32)
    squares = covering_squares((16, 40))
    chromas = np.stack([np.full((8, 8, 3), value, np.float32) for value in np.linspace(0, 0.5, len(squares))])
    chromas[..., 0] = 0
    found = recolour(grey, squares, chromas)
    assert np.abs(np.diff(found[8, :, 0])).max() < 0.06 and found[8, 0, 0] == pytest.approx(0) and np.ptp(found) > 0.2


def test_a_drawn_mask_has_the_shape_of_the_photograph(prior):
    given = photo((40, 60))
    drawn = jp.parse_mask("center:0.25").draw((40, 60))
    assert drawn[10:30, 15:45].all() and drawn.sum() == 600
    by_word = jp.restore_photo(prior, given, jp.parse_mask("center:0.25"), key=KEY, **METHOD)
    by_array = jp.restore_photo(prior, given, drawn, key=KEY, **METHOD)
    np.testing.assert_array_equal(by_word.picture, by_array.picture)


def test_nothing_missing_gives_the_photograph_back(prior):
    given = photo((40, 60))
    restored = jp.restore_photo(prior, given, np.zeros((40, 60)), key=KEY, **METHOD)
    np.testing.assert_array_equal(restored.picture, given)
    assert restored.found is None and restored.squares == ()


def test_where_all_holes_are_thin_draws_are_the_picture_as_the_prior_has_no_part_in_them(prior):
    given, scratch = photo((40, 60)), np.zeros((40, 60), bool)
    scratch[20, 5:50] = True
    restored = jp.restore_photo(prior, given, scratch, key=KEY, draws=3, **METHOD)
    assert restored.squares == () and restored.draws is not None and restored.draws.shape == (3, *given.shape)
    np.testing.assert_array_equal(restored.draws, np.stack([restored.picture] * 3))
    assert jp.restore_photo(prior, given, scratch, key=KEY, **METHOD).draws is None
    with pytest.raises(jp.JaxpriorError, match="draws"):
        jp.restore_photo(prior, given, scratch, key=KEY, draws="x", **METHOD)


def test_mistakes_are_one_sentence(prior, unchecked):
    given, missing = photo((40, 60)), hole((40, 60))
    cases = [
        ((given, None, {}), "Give `mask`, what is missing of the photograph"),
        ((given, missing, {"task": jp.Colorize()}), "`mask` must be left out with `task` colorize"),
        ((given, None, {"task": jp.SuperResolve(4)}), "answers in the prior's size"),
        ((given, missing[:16, :16], {}), "`mask` must have the size [40, 60] of `photo`"),
        ((given, np.ones((40, 60)), {}), "1 everywhere"),
        ((given, missing * 255, {}), "expected 0 (known) and 1 (missing)"),
        (([given, given], [missing], {}), "one mask for each of 2 photographs, got 1"),
        ((given[..., 0], missing, {}), "`photo[..., None]`"),
        ((given.astype(int), missing, {}), "floats in [-1, 1]"),
        ((given / 255, missing, {}), "value_range=(0, 1)"),
        ((photo((5, 60)), np.eye(5, 60), {}), "expected at least 8x8"),
        (([], [], {}), "holds no photographs"),
        ((given, missing, {"merge": "glue"}), "one of harmonic, paste"),
    ]
    for (one, mask, more), words in cases:
        with pytest.raises(jp.JaxpriorError) as caught:
            jp.restore_photo(prior, one, mask, key=KEY, **METHOD, **more)
        assert words in str(caught.value) and "\n" not in str(caught.value), str(caught.value)


def test_a_hole_with_nothing_known_around_it_is_refused(prior):
    missing = np.ones((60, 60), bool)
    missing[0, 0] = False
    with pytest.raises(jp.JaxpriorError, match="around the hole of 60x60 pixels in row 0 .* nothing is known"):
        jp.restore_photo(prior, photo((60, 60)), missing, key=KEY, **METHOD)


def test_a_thin_hole_over_many_windows_is_filled_like_a_whole():
    height, width = 90, 400
    smooth = np.sin(np.arange(width) / 30)[None, :, None] * np.cos(np.arange(height) / 20)[:, None, None]
    given = np.repeat(smooth, 3, axis=-1).astype(np.float32)
    missing = np.zeros((height, width), bool)
    missing[40:45, 10:390] = missing[10:80, 200:204] = True
    cut = cut_photo(Inpaint, np.where(missing[..., None], np.nan, given), missing, (64, 64, 3), card={})
    assert not cut.squares
    assert np.abs(cut.restored(np.zeros((0, 64, 64, 3), np.float32)) - given).max() < 0.02
