"""The Python of the guides runs as it stands on the page, from the first block to the last.

Pages that need a trained run of the reader's own, or a network that is downloaded, are shown by other tests or cannot
be run here.
"""

from pathlib import Path

import numpy as np
import pytest
from skimage.data import chelsea
from test_docs import ROOT, blocks

import jaxprior as jp


PAGES = ["quickstart", "fill-holes", "enlarge", "colour", "denoise-deblur", "own-operator"]
RESULTS = {"quickstart": "result", "fill-holes": "result", "enlarge": "large", "colour": "coloured"}
RESULTS |= {"denoise-deblur": "sharp", "own-operator": "result"}
"""The last result of each page."""


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A folder with a photograph `cat.png` and the mask of a scratch in it."""
    monkeypatch.chdir(tmp_path)
    jp.images.save_png("cat.png", chelsea()[60:220, 130:290])
    mask = np.zeros((160, 160, 3), np.uint8)
    mask[70:100, 60:90] = 255
    jp.images.save_png("scratch.png", mask)
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
