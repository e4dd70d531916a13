"""The restorers that come along: what their cards say, and that they do better than interpolation."""

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
