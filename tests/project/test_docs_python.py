"""The Python of the documents runs as it stands on the page.

Guides are whole programs. Other pages show pieces, which get a small prior and pictures under the names that the pages
use. What needs a trained run of the reader's own, or a network that is downloaded, is not run here.
"""

from pathlib import Path

import jax
import numpy as np
import pytest
from skimage.data import chelsea
from test_docs import ROOT, blocks
from tiny_prior import random_prior

import jaxprior as jp


PAGES = ["quickstart", "fill-holes", "enlarge", "colour", "denoise-deblur", "own-operator"]
RESULTS = {"quickstart": "result", "fill-holes": "result", "enlarge": "large", "colour": "coloured"}
RESULTS |= {"denoise-deblur": "sharp", "own-operator": "result"}
"""The last result of each page."""


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A folder with a photograph `cat.png` and the mask of a scratch in it, under two names."""
    monkeypatch.chdir(tmp_path)
    jp.images.save_png("cat.png", chelsea()[60:220, 130:290])
    mask = np.zeros((160, 160, 3), np.uint8)
    mask[70:100, 60:90] = 255
    for name in ("scratch.png", "mask.png"):
        jp.images.save_png(name, mask)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_the_python_of_a_page_runs(page, folder, monkeypatch):
    small = jp.load_prior("cats32")  # as the page's prior, but with a quarter of its pixels
    monkeypatch.setattr("jaxprior.weights.priors.load_prior", lambda *given, **more: small)
    monkeypatch.setattr(jp, "load_prior", lambda *given, **more: small)
    names = {}
    for code in blocks(ROOT / "docs" / f"{page}.md", "python"):
        exec(compile(code, f"docs/{page}.md", "exec"), names)
    found = names[RESULTS[page]]
    picture = getattr(found, "picture", getattr(found, "images", found))
    assert picture.ndim in (3, 4) and np.isfinite(np.asarray(picture, np.float32)).all()


PIECES = [("draws", 0), ("inversion", 0), ("inversion", 1), ("masks", 0), ("measures", 0), ("pictures", 0)]
"""Pages, and which of their blocks."""


@pytest.mark.parametrize("page, number", PIECES)
def test_a_piece_of_python_runs(page, number, folder):
    prior = random_prior()
    mask = jp.parse_mask("center:0.25").draw(prior.resolution)
    names = {
        "jp": jp, "jax": jax, "key": jax.random.key(0), "prior": prior, "mask": mask, "hole": mask,
        "photos": jp.load_images(["cat.png"], size=prior.resolution), "task": jp.Inpaint(mask),
    }  # fmt: skip
    names["restored"] = names["photos"]
    if page == "pictures":
        names |= {"photo": jp.images.load_image("cat.png"), "mask": jp.parse_mask("scratch.png")}
    code = blocks(ROOT / "docs" / f"{page}.md", "python")[number]
    exec(compile(code, f"docs/{page}.md", "exec"), names)
