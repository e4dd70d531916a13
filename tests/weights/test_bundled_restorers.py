"""The restorers that come along: what their cards say, and that they do better than interpolation."""

import jax
import numpy as np
import pytest
from skimage import data

import jaxprior as jp
from jaxprior.nn.rescaling import enlarge_bicubic, shrink_bicubic
from jaxprior.weights.loader import bundled


LIMIT_MB = 4


@pytest.mark.parametrize("name", bundled("restorer"))
def test_a_card_names_every_photograph_with_its_licence(name):
    path = bundled("restorer")[name]
    assert path.stat().st_size < LIMIT_MB * 1e6
    card, page = jp.load_restorer(name).card, path.with_name("README.md").read_text()
    assert card["name"] == name and len(card["photographs"]) > 20 and card["licence"]
    assert "unfinished" not in card["training"]
    for photograph in card["photographs"]:
        assert photograph["licence"] and not photograph["licence"].startswith("GPL")
        assert photograph["picture"] in page and photograph["licence"] in page


@pytest.mark.parametrize("picture", [data.astronaut, data.coffee])
def test_photographs_are_enlarged_better_than_by_bicubic_interpolation(picture):
    restorer = jp.load_restorer("srgan_x4_photos")
    photo = jp.images.to_float(picture()[:256, :256])[None]
    small = jp.images.to_float(jp.to_uint8(shrink_bicubic(photo, 4)))
    simple = np.clip(np.asarray(enlarge_bicubic(small, 4)), -1, 1)
    figures = [float(jp.metrics.psnr_luma(made, photo, border=4)[0]) for made in (restorer(small), simple)]
    assert figures[0] > figures[1] + 1.0


def test_strokes_in_a_photograph_are_filled_and_known_pixels_stay():
    photo = data.coffee()[:256, :384]
    missing = np.asarray(jp.parse_mask("strokes:0.15").draw((256, 384), jax.random.key(0))) > 0
    filled = jp.apply_restorer(jp.load_restorer("patch_photos"), photo, missing)
    np.testing.assert_array_equal(filled[~missing], photo[~missing])
    mean = np.where(missing[..., None], photo[~missing].mean(axis=0), photo)
    errors = [np.mean((made[missing].astype(float) - photo[missing]) ** 2) for made in (filled, mean)]
    assert errors[0] < errors[1] / 3
