"""Arrays that are not plain ones of NumPy or JAX give the numbers that they hold, or are refused in one sentence."""

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
from tiny_prior import random_prior
from tiny_singan import tiny_singan

import jaxprior as jp
from jaxprior.errors import JaxpriorError, RangeWarning


pytestmark = pytest.mark.usefixtures("unchecked")

KEY = jax.random.key(0)
PHOTO = np.random.default_rng(0).uniform(-1, 1, (16, 16, 3)).astype(np.float32)
PHOTOS, OTHERS = np.stack([PHOTO, -PHOTO]), np.stack([PHOTO[::-1], PHOTO])
MASK = np.eye(16, dtype=np.float32)


class Tensor:
    """A tensor as PyTorch's are: it has a type and a shape of its own kind, and NumPy can read it."""

    def __init__(self, array: np.ndarray, *, readable: bool = True):
        self.array, self.shape, self.dtype, self.readable = array, array.shape, "torch.float32", readable

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        if not self.readable:
            raise TypeError("can't convert a tensor on a GPU")
        return np.asarray(self.array, dtype)


class Readable:
    """Something that NumPy can read, without a type or a shape."""

    def __init__(self, array: np.ndarray):
        self.array = array

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return np.asarray(self.array, dtype)


FORMS = {
    "a tensor": Tensor,
    "readable": Readable,
    "big-endian": lambda array: array.astype(">f4"),
    "long floats": lambda array: array.astype(np.longdouble),
}


@pytest.fixture(scope="module")
def prior():
    return random_prior()


@pytest.mark.parametrize("form", FORMS)
def test_metrics_and_operators_take_the_numbers_of_an_array(form):
    given, mask = FORMS[form], FORMS[form](MASK)
    for metric in (jp.metrics.psnr, jp.metrics.ssim):
        expected = metric(PHOTOS, OTHERS, mask=MASK)
        np.testing.assert_array_equal(metric(given(PHOTOS), given(OTHERS), mask=mask), expected)
    both = jp.Compose((jp.Inpaint(MASK), jp.Colorize()))
    for operator in (jp.Inpaint(MASK), jp.Colorize(), jp.SuperResolve(2), both):
        np.testing.assert_array_equal(operator.apply(given(PHOTO)), operator.apply(PHOTO))
        np.testing.assert_array_equal(operator.observe(given(PHOTOS)), operator.observe(PHOTOS))
    np.testing.assert_array_equal(jp.Inpaint(mask).apply(PHOTO), jp.Inpaint(MASK).apply(PHOTO))


@pytest.mark.parametrize("form", FORMS)
def test_priors_and_latents_take_the_numbers_of_an_array(form, prior):
    given, codes = FORMS[form], jp.MultiCode(num_codes=2, layer=2)
    z = np.random.default_rng(1).standard_normal((2, 2, 16), np.float32)
    latents = {"z": z, "alpha": np.full((2, 2, 16), 0.5, np.float32)}
    others = {name: given(array) for name, array in latents.items()}
    np.testing.assert_array_equal(prior.generate(given(z[0])), prior.generate(z[0]))
    np.testing.assert_array_equal(jp.render(prior, others, codes=codes), jp.render(prior, latents, codes=codes))
    np.testing.assert_array_equal(
        jp.edit(others, given(z[0, 0]), 0.5)["z"], jp.edit(latents, z[0, 0], 0.5)["z"]
    )
    np.testing.assert_array_equal(jp.GivenStart(others).given["z"], z)


def test_a_range_that_is_told_holds_for_everything_that_can_be_read(prior):
    settings = {"key": KEY, "codes": jp.MultiCode(num_codes=1, layer=2), "objective": jp.Objective(),
                "solve": jp.Solve(steps=0)}  # fmt: skip
    unit = (PHOTOS + 1) / 2
    expected = jp.restore(prior, unit, value_range=(0, 1), **settings).loss
    for given in (Readable(unit), Tensor(unit)):
        np.testing.assert_array_equal(jp.restore(prior, given, value_range=(0, 1), **settings).loss, expected)


def refused(call, words: str) -> None:
    with pytest.raises(JaxpriorError, match=words):
        call()


def test_what_cannot_be_read_as_it_is_meant_is_refused(prior):
    masked = np.ma.MaskedArray(PHOTOS, mask=PHOTOS > 0.5)
    for call in (
        lambda: jp.metrics.psnr(masked, PHOTOS),
        lambda: jp.metrics.psnr(PHOTOS, PHOTOS, mask=np.ma.MaskedArray(MASK, mask=MASK > 0)),
        lambda: jp.restore(prior, masked, key=KEY),
        lambda: jp.invert(prior, masked, key=KEY),
        lambda: jp.Inpaint(np.ma.MaskedArray(MASK, mask=MASK > 0)),
        lambda: prior.generate(np.ma.MaskedArray(np.zeros((1, 16)), mask=np.ones((1, 16)))),
    ):
        refused(call, "is a masked array, and its masked values would count")
    unmasked = np.ma.MaskedArray(PHOTOS)
    np.testing.assert_array_equal(jp.metrics.psnr(unmasked, OTHERS), jp.metrics.psnr(PHOTOS, OTHERS))
    refused(lambda: jp.metrics.psnr(Tensor(PHOTOS, readable=False), PHOTOS), r"`x` cannot be read.*\.numpy\(\)")
    refused(lambda: jp.edit({"z": np.zeros((1, 1, 16), np.float32)}, np.ones(16, complex), 1.0), "`direction` must be")
    refused(lambda: jp.restore(prior, PHOTOS, key=KEY, ids=[[1], [1, 2]]), "`ids` must be one whole number for each")


def test_masks_of_sixteen_bits_are_masks():
    expected = jp.metrics.psnr(PHOTOS, OTHERS, mask=MASK)
    np.testing.assert_array_equal(jp.metrics.psnr(PHOTOS, OTHERS, mask=MASK.astype(ml_dtypes.bfloat16)), expected)


def test_channels_in_front_are_refused_with_the_way_to_move_them(prior):
    first = np.moveaxis(PHOTOS, -1, 1)
    for name, call in {
        "x": lambda: jp.metrics.ssim(first, first),
        "photos": lambda: jp.restore(prior, first, key=KEY),
        "x ": lambda: jp.Deblur.gaussian(1.0, 5).apply(first[0]),
        "x  ": lambda: jax.vmap(jp.Deblur.gaussian(1.0, 5).apply)(jnp.asarray(first)),
    }.items():
        refused(call, f"`{name.strip()}` must have its channels last.*np.moveaxis")


def test_black_and_white_alone_look_like_0_and_1(prior):
    binary = (PHOTOS > 0).astype(np.float32)
    refused(lambda: jp.restore(prior, binary, key=KEY), r"looks like \[0, 1\]")
    with pytest.warns(RangeWarning, match=r"looks like \[0, 1\]"):
        jp.metrics.psnr(binary, PHOTOS)


def test_a_number_of_pictures_is_no_fraction_of_the_way():
    latents = {"z": np.zeros((2, 16), np.float32)}
    refused(lambda: jp.interpolate(latents, latents, 5), r"`np.linspace\(0, 1, n\)` makes n")
    assert jp.interpolate(latents, latents, [-1, 2.0])["z"].shape == (2, 2, 16)
    assert jp.interpolate(latents, latents, 0.5)["z"].shape == (1, 2, 16)


def test_pictures_and_masks_of_another_range_are_not_blended_or_edited_in_silence():
    model, scene = tiny_singan(), np.random.default_rng(2).uniform(-1, 1, (20, 28, 3)).astype(np.float32)
    mask = np.zeros((20, 28), np.float32)
    mask[4:9, 4:9] = 1
    for kept, weight, words in (
        (scene, mask * 255, "`mask`: expected values from 0 to 1"),
        (scene, mask * np.nan, "`mask`: expected values from 0 to 1"),
        (jp.to_uint8(scene), mask, "`kept` must be pictures of floats"),
    ):
        refused(lambda kept=kept, weight=weight: jp.singan.blend(kept, -scene[None], weight), words)
    np.testing.assert_array_equal(jp.singan.blend(scene, -scene[None], mask.astype(">f4"))[0, 5, 5], -scene[5, 5])
    refused(lambda: jp.singan.soft_mask(mask[..., None], radius=3, sigma=1.0), r"mask: expected \[h, w\]")
    with pytest.warns(RangeWarning, match=r"`reference` .* looks like \[0, 1\]"):
        jp.singan.fit_reference(model, (scene + 1) / 2)
