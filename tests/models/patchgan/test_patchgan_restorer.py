"""Stored generators as restorers: pictures of any size, tiles, and files that are refused."""

import jax
import numpy as np
import pytest

import jaxprior as jp
from jaxprior.errors import WeightsError
from jaxprior.models.patchgan.networks import Generator, to_config
from jaxprior.models.patchgan.stored import build_restorer
from jaxprior.weights.storage import save_weights


NETWORK = Generator(4, (1, 2), "affine")


@pytest.fixture(scope="module")
def stored():
    """Parameters and the card of a small generator."""
    params = jax.jit(NETWORK.init_variables)(jax.random.key(0))["params"]
    params = jax.tree.map(np.asarray, params)
    params = {name: {**block, "kernel": 2 * block["kernel"]} for name, block in params.items()}
    params["output"]["kernel"] = 30 * params["output"]["kernel"]
    return {"generator": params}, {"architecture": "patchgan", "config": to_config(NETWORK), "name": "tiny"}


def test_it_fills_holes_of_pictures_of_any_size(stored, tmp_path):
    save_weights(tmp_path / "tiny.safetensors", *stored)
    restorer = jp.load_restorer(tmp_path / "tiny.safetensors")
    assert (restorer.task, restorer.multiple, restorer.reach) == ("inpaint", 4, NETWORK.reach)
    chance = np.random.default_rng(0)
    for h, w in ((64, 64), (96, 40), (37, 51)):  # the last is padded
        photos = chance.uniform(-1, 1, (2, h, w, 3)).astype(np.float32)
        mask = np.zeros((h, w), np.float32)
        mask[10:24, 12:30] = 1
        filled = np.asarray(restorer(photos, mask))
        assert filled.shape == photos.shape and np.abs(filled).max() <= 1
        np.testing.assert_array_equal(filled[:, mask == 0], photos[:, mask == 0])
        assert np.ptp(filled[:, mask == 1]) > 0.01
        other = np.where(mask[..., None] > 0, 0.5, photos)  # what the hole shows does not matter
        np.testing.assert_array_equal(restorer(other, mask), filled)


def test_a_tile_with_what_it_sees_is_filled_as_in_the_whole(stored):
    restorer = build_restorer(*stored)
    photo = np.random.default_rng(1).uniform(-1, 1, (1, 160, 64, 3)).astype(np.float32)
    mask = np.zeros((1, 160, 64), np.float32)
    mask[:, 60:100, 20:40] = 1
    prepared = restorer.prepare(photo, mask)
    draw = jax.jit(restorer.network)
    whole, part = draw(prepared), draw(prepared[:, 36:132])
    inner = slice(36, 60)  # 36 rows from either end of the part, which is more than it sees
    assert restorer.reach <= 36
    np.testing.assert_allclose(part[:, inner], whole[:, 72:96], atol=1e-6)


def test_in_the_middle_of_a_wide_hole_lies_the_colour_of_what_is_near():
    """A large hole in a blue sky above red land is blue, in one piece and in tiles, though more of it is red."""
    smooth = Generator(4, (1,), "affine", base="smooth")
    params = jax.tree.map(np.asarray, jax.jit(smooth.init_variables)(jax.random.key(0))["params"])
    card = {"architecture": "patchgan", "config": to_config(smooth), "name": "tiny"}
    restorer = build_restorer({"generator": params}, card)
    assert restorer.squares == 32 and smooth.reach < 192
    photo = np.full((700, 500, 3), (0.8, -0.8, -0.8), np.float32)
    photo[:330] = (-0.8, -0.8, 0.8)
    photo += np.random.default_rng(3).uniform(-0.1, 0.1, photo.shape).astype(np.float32)
    mask = np.zeros(photo.shape[:2], np.float32)
    mask[10:300, 70:470] = 1
    prepared = np.asarray(restorer.prepare(photo[None], mask[None]))[0]
    np.testing.assert_allclose(prepared[150, 270, :3], (-0.8, -0.8, 0.8), atol=0.2)
    np.testing.assert_array_equal(prepared[mask == 0, :3], photo[mask == 0])
    whole = np.asarray(restorer(photo[None], mask))[0]
    tiles = jp.apply_restorer(restorer, photo, mask > 0, tile=448)
    np.testing.assert_allclose(tiles, whole, atol=2e-5)
    levels = (np.round((photo + 1) * 127.5)).clip(0, 255).astype(np.uint8)
    bytes_too = jp.apply_restorer(restorer, levels, mask > 0, tile=448)
    np.testing.assert_allclose(bytes_too[150, 270] / 127.5 - 1, whole[150, 270], atol=0.02)


def test_files_that_are_refused(stored):
    params, card = stored
    for config, said in (
        ({"norm": "instance"}, "taken over the whole picture"), ({"width": 6}, "28 of 29 tensors differ"),
        ({"up": "x"}, "up"),
    ):  # fmt: skip
        with pytest.raises(WeightsError, match=said):
            build_restorer(params, {**card, "config": {**card["config"], **config}})
    with pytest.raises(WeightsError):
        build_restorer({}, card)
