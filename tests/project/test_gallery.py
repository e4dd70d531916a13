"""The examples of the gallery run as they stand, and the documentation has what they make."""

import runpy
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


ROOT = Path(__file__).resolve().parents[2]
GALLERY = ROOT / "examples" / "gallery"
EXAMPLES = runpy.run_path(str(GALLERY / "run.py"))["EXAMPLES"]


def test_there_are_examples():
    assert len(EXAMPLES) >= 15


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_documentation_has_an_example(name, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "docs/site/hooks"))
    import gallery

    example = gallery.examples()[name]
    assert example.title and not example.title.endswith(".") and example.about and example.printed
    assert example.code in (GALLERY / f"{name}.py").read_text()
    with Image.open(ROOT / "docs/gallery" / f"{name}.png") as picture:
        assert max(picture.size) <= 900 and np.asarray(picture.convert("RGB")).std() > 10


@pytest.mark.slow
@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_runs(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(GALLERY))
    runpy.run_path(str(GALLERY / f"{name}.py"), run_name="__main__")
    assert capsys.readouterr().out.strip()
    with Image.open(tmp_path / f"{name}.png") as picture:
        assert np.asarray(picture.convert("RGB")).std() > 10
