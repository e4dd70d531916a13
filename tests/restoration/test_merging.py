"""Merged results have no seam, keep the known pixels to the bit, and count the prior by the thickness of the hole."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from skimage import data
from skimage.transform import resize
from tiny_prior import random_prior

import jaxprior as jp
from jaxprior.errors import MaskError, SettingsError, WeightsError
from jaxprior.evaluation import Cell
from jaxprior.evaluation.cells import configuration
from jaxprior.restoration.grouping import in_groups
from jaxprior.restoration.merge_rule import FALLBACK, MergeRule, thickness
from jaxprior.restoration.merging import blend, smooth
from jaxprior.restoration.presets import make_method
from jaxprior.restoration.smooth_fill import biharmonic_fill, harmonic_fill
from jaxprior.weights.card import Card


KEY = jax.random.key(3)
SETTINGS = {"codes": jp.MultiCode(num_codes=2, layer=2), "objective": jp.Objective(), "solve": jp.Solve(steps=2)}
ALL = {"thickness": [1.0], "biharmonic": [0.0], "prior": [1.0]}
"""The table by which all of the prior counts in every hole."""


@pytest.fixture(scope="module")
def prior():
    return random_prior()


@pytest.fixture(scope="module")
def photos():
    cat = resize(data.chelsea(), (20, 30), anti_aliasing=True).astype(np.float32) * 2 - 1
    return np.stack([cat[2:18, 3:19], cat[:16, 10:26], cat[4:, 14:]])


@pytest.fixture(scope="module")
def masks():
    """A square, a scratch and scattered pixels, [3, 16, 16]."""
    scratch = np.zeros((16, 16), np.float32)
    scratch[:, 7:9] = 1
    scattered = (np.random.default_rng(0).random((16, 16)) < 0.4).astype(np.float32)
    return np.stack([jp.parse_mask("center:0.25").draw(16), scratch, scattered])


@pytest.fixture(scope="module")
def found(prior, photos, masks):
    return jp.restore(prior, photos, jp.Inpaint(masks), key=KEY, **SETTINGS)


def with_table(prior, table):
    return dataclasses.replace(prior, card=Card({**prior.card, "merge": table}))


def seam(pictures, masks) -> float:
    """Mean difference between pixels on both sides of a hole's border."""
    across = []
    for picture, mask in zip(np.asarray(pictures), masks, strict=True):
        rows, columns = mask[1:] != mask[:-1], mask[:, 1:] != mask[:, :-1]
        across += [abs(picture[1:] - picture[:-1])[rows], abs(picture[:, 1:] - picture[:, :-1])[columns]]
    return float(np.concatenate(across).mean())


def test_known_pixels_stay_to_the_bit_and_the_seam_is_that_of_the_photo(found, photos, masks, prior):
    known = masks == 0
    assert np.array_equal(np.asarray(found.merged)[known], photos[known])
    pasted = jp.restore(prior, photos, jp.Inpaint(masks), key=KEY, merge="paste", **SETTINGS)
    assert np.array_equal(pasted.images, found.images)
    expected = np.where(masks[..., None] > 0, pasted.images, photos)
    assert np.array_equal(pasted.merged, expected)
    assert seam(found.merged, masks) < 1.2 * seam(photos, masks) < 0.5 * seam(pasted.merged, masks)


def test_the_merged_hole_is_the_formula_of_the_two_fills_and_the_prior(found, photos, masks):
    rule = MergeRule.of_card({})
    for merged, raw, photo, mask in zip(found.merged, found.images, photos, masks, strict=True):
        plate, weight = (x[..., None] for x in rule.weights(thickness(mask)))
        harmonic, biharmonic = harmonic_fill(photo, mask), biharmonic_fill(photo, mask)
        expected = harmonic + plate * (biharmonic - harmonic) + weight * (raw - harmonic_fill(raw, mask))
        np.testing.assert_allclose(merged, np.where(mask[..., None] > 0, expected, photo), atol=2e-3)


def test_a_generator_that_explains_everything_but_the_brightness_is_put_right(photos, masks):
    """With all weight on the prior, a constant difference at the border is a constant difference in the hole."""
    none = np.zeros_like(masks[0])
    merged = blend(photos[0], photos[0] + 0.25, masks[0], none, masks[0])
    np.testing.assert_allclose(merged, photos[0], atol=1e-4)


def test_without_a_plate_nothing_of_it_is_computed(photos, masks):
    """Thick holes have the weight 0 for the biharmonic fill, and a thin hole beside one gets what it gets alone."""
    both = np.maximum(masks[1], 0)
    both[2:14, 0:5] = 1
    thin = np.where(np.arange(16) > 5, both, 0)
    alone = smooth(photos[1], thin, thin)
    together = smooth(photos[1], both, thin)
    np.testing.assert_allclose(together[:, 6:], alone[:, 6:], atol=2e-3)
    np.testing.assert_allclose(together[:, :5], harmonic_fill(photos[1], both)[:, :5], atol=1e-4)


def test_a_merged_picture_does_not_depend_on_its_batch_to_the_bit(found, photos, masks, prior):
    for i in (0, 2):
        alone = jp.restore(prior, photos[i], jp.Inpaint(masks[i]), key=KEY, ids=jnp.array([i]), **SETTINGS)
        assert np.array_equal(alone.merged[0], found.merged[i])
    order = np.array([2, 0, 1])
    turned = jp.restore(prior, photos[order], jp.Inpaint(masks[order]), key=KEY, ids=order, **SETTINGS)
    assert np.array_equal(turned.merged, found.merged[order])


def test_what_is_observed_under_the_hole_does_not_matter(found, photos, masks, prior):
    broken = np.where(masks[..., None] > 0, np.float32(np.nan), photos)
    assert np.array_equal(jp.invert(prior, broken, jp.Inpaint(masks), key=KEY, **SETTINGS).merged, found.merged)


def test_the_rule_of_the_card_is_used(found, photos, masks, prior):
    whole = jp.restore(with_table(prior, ALL), photos, jp.Inpaint(masks), key=KEY, **SETTINGS)
    assert np.array_equal(whole.images, found.images)
    detail = whole.images[0] - harmonic_fill(whole.images[0], masks[0])
    np.testing.assert_allclose(whole.merged[0], harmonic_fill(photos[0], masks[0]) + detail, atol=1e-3)


def test_a_refined_picture_is_merged_in_the_same_way(photos, masks, prior):
    darker = jax.tree_util.Partial(lambda images: images - 0.5)
    refined = jp.restore(prior, photos, jp.Inpaint(masks), key=KEY, refine=darker, **SETTINGS)
    assert seam(refined.merged, masks) < 1.2 * seam(photos, masks)
    assert np.array_equal(np.asarray(refined.merged)[masks == 0], photos[masks == 0])


def test_other_tasks_are_merged_as_before(photos, masks, prior):
    """Denoising knows nothing about the noisy pixels but what lies around them, and keeps them apart by itself."""
    for task in (jp.Identity(), jp.Denoise(0.1, masks)):
        either = [jp.restore(prior, photos, task, key=KEY, merge=merge, **SETTINGS) for merge in ("harmonic", "paste")]
        assert np.array_equal(either[0].merged, either[1].merged)


def test_a_network_that_made_nothing_finite_leaves_the_known_pixels(photos, masks):
    merged = blend(photos[0], photos[0] * np.nan, masks[0], masks[0], masks[0])
    assert np.array_equal(np.asarray(merged)[masks[0] == 0], photos[0][masks[0] == 0])


def test_thickness_is_the_largest_distance_within_each_hole():
    holes = np.zeros((24, 40))
    holes[2, 3], holes[8:18, 2:12], holes[5:8, 20:38], holes[20:22, 30:39] = 1, 1, 1, 1
    found = thickness(holes)
    assert found.dtype == np.float32 and not found[holes == 0].any()
    assert [found[2, 3], found[8, 2], found[12, 6], found[6, 20], found[21, 38]] == [1, 5, 5, 2, 1]
    at_the_border = np.zeros((9, 9), bool)
    at_the_border[:, :4] = True
    assert thickness(at_the_border).max() == 4
    assert (thickness(np.ones((5, 7))) == 7).all() and not thickness(np.zeros((5, 7))).any()
    with pytest.raises(MaskError, match=r"`missing` must be an array \[h, w\]"):
        thickness(np.zeros((2, 5, 5)))


def test_a_pixel_of_two_holes_that_touch_at_a_corner_belongs_to_its_own():
    holes = np.zeros((12, 12))
    holes[1:8, 1:8], holes[8, 8] = 1, 1
    assert thickness(holes)[8, 8] == 1 and thickness(holes)[4, 4] == 4


def test_weights_are_interpolated_over_the_logarithm_and_end_flat():
    rule = MergeRule((1.0, 4.0), (1.0, 0.0), (0.0, 0.5))
    plate, prior = rule.weights(np.array([0, 0.5, 1, 2, 4, 100]))
    np.testing.assert_allclose(plate, [0, 1, 1, 0.5, 0, 0], atol=1e-6)
    np.testing.assert_allclose(prior, [0, 0, 0, 0.25, 0.5, 0.5], atol=1e-6)
    assert plate.dtype == prior.dtype == np.float32


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("harmonic", "expected the lists thickness, biharmonic, prior"),
        ({"thickness": [1.0], "prior": [1.0]}, "expected the lists"),
        ({**ALL, "prior": ["much"]}, "expected the lists"),
        ({**ALL, "prior": [1.0, 0.5]}, "as many weights as thicknesses"),
        ({"thickness": [2, 1], "biharmonic": [0, 0], "prior": [1, 1]}, "rising"),
        ({"thickness": [], "biharmonic": [], "prior": []}, "as many weights"),
        ({**ALL, "prior": [1.5]}, "weights from 0 to 1"),
    ],
)
def test_a_card_with_another_table_is_refused_in_one_sentence(table, words, prior, photos, masks):
    with pytest.raises(WeightsError, match=f"the card of .*: merge: .*{words}"):
        jp.restore(with_table(prior, table), photos, jp.Inpaint(masks), key=KEY, **SETTINGS)


def test_the_fallback_is_a_table():
    assert MergeRule.of_card({"merge": FALLBACK}) == MergeRule.of_card({})


def test_a_method_says_how_it_merges_and_only_tasks_with_holes_have_it_in_their_keys(prior):
    method = make_method({"merge": "paste"}, prior=prior)
    assert method.merge == "paste" and make_method({}, prior=prior).merge == "harmonic"
    with pytest.raises(SettingsError, match=r"merge must be one of harmonic, paste.*Did you mean paste|paste"):
        make_method({"merge": "past"}, prior=prior)
    hole = Cell(task=jp.Inpaint(np.zeros((16, 16), np.float32)), method=method)
    assert configuration(hole, prior, numerics_version=1)["merge"] == "paste"
    other = dataclasses.replace(hole, task=jp.Colorize())
    assert "merge" not in configuration(other, prior, numerics_version=1)


def test_groups_are_padded_and_cut_again():
    sizes = []

    def double(x):
        sizes.append(len(x))
        return 2 * x

    assert in_groups(double, jnp.arange(5), size=2).tolist() == [0, 2, 4, 6, 8] and sizes == [2, 2, 2]
