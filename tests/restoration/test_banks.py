"""Sample banks: which file is used, which is not, and what lies in it."""

import dataclasses
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import safetensors.numpy
from tiny_prior import random_prior

import jaxprior as jp
from jaxprior.data.images import to_uint8
from jaxprior.inversion.starts import bank as starts_bank
from jaxprior.inversion.starts.bank import Bank, choose, enlarged
from jaxprior.nn.pooling import downsample
from jaxprior.restoration import banks


@pytest.fixture(scope="module")
def prior():
    return random_prior()


@pytest.fixture(scope="module")
def bundled():
    return jp.load_prior("cats32")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr("jaxprior.system.runtime.cache_folder", lambda: tmp_path)
    return tmp_path


def test_a_bundled_prior_brings_its_bank_along(bundled, cache, monkeypatch):
    monkeypatch.setattr(banks, "make_thumbnails", lambda *_: pytest.fail("the bundled bank was not used"))
    bank = banks.sample_bank(bundled, 4096)
    assert bank.pixels.shape == (4096, 8, 8, 3) and bank.factor == 4 and not list(cache.iterdir())
    images = bundled.generate(bank.z[4000:4008])
    pixels = to_uint8(downsample(images, 4)).astype(int)
    assert abs(pixels - np.asarray(bank.pixels[4000:4008])).max() <= 1


def test_a_smaller_bank_is_the_first_part_of_a_larger_one(bundled):
    small, large = (banks.sample_bank(bundled, size) for size in (128, 4096))
    np.testing.assert_array_equal(small.pixels, large.pixels[:128])
    np.testing.assert_array_equal(small.z, large.z[:128])


def test_weights_that_were_changed_do_not_get_the_bank_of_the_bundled_ones(bundled, cache):
    other = dataclasses.replace(bundled, card=type(bundled.card)({**bundled.card, "sha256": "0" * 64}))
    made = banks.sample_bank(other, 64)
    (file,) = (cache / "banks").iterdir()
    assert file.name.startswith("0" * 32) and made.pixels.shape == (64, 8, 8, 3)


def test_a_bank_that_was_stopped_is_gone_on_with(prior, cache, monkeypatch):
    whole = banks.make_thumbnails(prior, 192)
    monkeypatch.setattr(banks, "KEEP_EVERY", -1.0)
    shrunk, count = banks._shrunk, []

    def stopped_in_the_third_part(images, factor):
        count.append(len(images))
        if len(count) == 3:
            raise KeyboardInterrupt
        return shrunk(images, factor)

    monkeypatch.setattr(banks, "_shrunk", stopped_in_the_third_part)
    with pytest.raises(KeyboardInterrupt):
        banks.sample_bank(prior, 192)
    np.testing.assert_array_equal(banks.sample_bank(prior, 192).pixels, whole)
    assert count == [64, 64, 64, 64]  # the two that were done are not made again
    np.testing.assert_array_equal(banks.sample_bank(prior, 192).pixels, whole)
    assert len(count) == 4


def test_a_bank_is_read_only_if_it_is_whole_and_of_these_weights(prior, tmp_path):
    path, shape = tmp_path / "bank.safetensors", (64, 8, 8, 3)
    pixels = banks.make_thumbnails(prior, 64)
    banks.write_thumbnails(path, prior, pixels)
    content = path.read_bytes()
    np.testing.assert_array_equal(banks.read_thumbnails(path, prior, shape), pixels)
    about = json.loads(safetensors.safe_open(path, "np").metadata()[banks.ABOUT])
    assert about["prior_sha256"] == prior.sha256 and "(64, 16)" in about["codes"]
    banks.write_thumbnails(path, prior, pixels)
    assert path.read_bytes() == content

    other = dataclasses.replace(prior, params=jax.tree.map(lambda leaf: leaf + 1, prior.params))
    assert banks.read_thumbnails(path, other, shape) is None
    assert banks.read_thumbnails(path, prior, (128, *shape[1:])) is None
    assert banks.read_thumbnails(path, prior, (64, 4, 4, 3)) is None
    flipped = bytearray(content)
    flipped[-1] ^= 1
    for damaged in (bytes(flipped), content[:-1], b"", safetensors.numpy.save({"pixels": pixels})):
        path.write_bytes(damaged)
        assert banks.read_thumbnails(path, prior, shape) is None
    assert banks.read_thumbnails(tmp_path / "none.safetensors", prior, shape) is None


def test_samples_of_large_images_are_compared_few_at_a_time(monkeypatch):
    """One by one where even two are too large; the choice is that of all at once."""
    chance = np.random.default_rng(0)
    pixels = chance.integers(0, 256, (24, 8, 8, 3), np.uint8)
    bank = Bank(z=jnp.asarray(chance.normal(size=(24, 4)), jnp.float32), pixels=jnp.asarray(pixels), factor=2)
    photos = chance.uniform(-1, 1, (2, 16, 16, 3)).astype(np.float32)
    targets = jax.vmap(lambda y: jp.Objective().target(jp.Identity(), y))(photos)
    sizes, found = [], []
    enlarge = starts_bank.enlarged
    monkeypatch.setattr(starts_bank, "enlarged", lambda t, f: sizes.append(len(t)) or enlarge(t, f))
    for budget in (starts_bank.CHUNK_PIXELS, 2 * 5 * 16 * 16, 1):
        monkeypatch.setattr(starts_bank, "CHUNK_PIXELS", budget)
        choose.clear_cache()  # the programs of another budget
        found.append(np.asarray(choose(bank, jp.Identity(), targets, jnp.zeros(2, int), count=3, starts=1)))
    assert set(sizes) == {24, 4, 1}
    for other in found[1:]:
        np.testing.assert_array_equal(other, found[0])


@pytest.mark.parametrize(
    "shape, thumbnail",
    [((64, 64, 3), (8, 8, 3)), ((16, 24, 1), (8, 12, 1)), ((8, 8, 3), (8, 8, 3)), ((18, 27, 3), (18, 27, 3)),
     ((16, 32, 16, 1), (8, 16, 8, 1)), ((256, 256, 3), (32, 32, 3))],
)  # fmt: skip
def test_thumbnails_are_an_eighth_or_at_least_eight_pixels(shape, thumbnail):
    assert banks.thumbnail_shape(shape) == thumbnail
    pixels = np.zeros((2, *thumbnail), np.uint8)
    assert enlarged(jnp.asarray(pixels), banks.shrink_factor(shape)).shape == (2, *shape)


def test_starts_of_several_pictures_choose_what_each_would_alone(prior):
    bank = banks.sample_bank(prior, 128)
    photos = jp.restore(
        prior, np.zeros((2, 16, 16, 3), np.float32), key=jax.random.key(0), codes=jp.MultiCode(num_codes=2, layer=3),
        objective=jp.Objective(), solve=jp.Solve(steps=0),
    ).images  # fmt: skip
    targets = jax.vmap(lambda y: jp.Objective().target(jp.Identity(), y))(photos)
    rows, nth = np.array([0, 1, 0, 1]), np.array([0, 2, 1, 0])

    def chosen(rows, nth):
        those = jax.tree.map(lambda leaf: leaf[rows], targets)
        return np.asarray(choose(bank, jp.Identity(), those, jnp.asarray(nth), count=3, starts=3))

    together = chosen(rows, nth)
    for i in range(4):
        np.testing.assert_array_equal(together[i : i + 1], chosen(rows[i : i + 1], nth[i : i + 1]))
        places = [int(np.flatnonzero((np.asarray(bank.z) == z).all(axis=1))[0]) for z in together[i]]
        assert {place % 3 for place in places} == {nth[i]}


def test_a_bank_without_a_factor_holds_whole_images():
    bank = Bank(z=jnp.zeros((2, 4)), pixels=jnp.full((2, 8, 8, 3), 255, jnp.uint8))
    np.testing.assert_array_equal(enlarged(bank.pixels, bank.factor), 1.0)
