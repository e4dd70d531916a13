"""The notebooks are those of their scripts, and their cells run from the first to the last."""

import ast
import json
import sys
from pathlib import Path

import pytest


FOLDER = Path(__file__).resolve().parents[2] / "examples" / "notebooks"
SCRIPTS = sorted(path for path in FOLDER.glob("*.py") if path.stem != "make")


@pytest.fixture
def make(monkeypatch):
    """The module that makes notebooks."""
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.delitem(sys.modules, "make", raising=False)
    import make

    return make


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_notebook_is_that_of_its_script(path, make):
    kept = path.with_suffix(".ipynb").read_text()
    assert kept == make.notebook(path.read_text()), "run python examples/notebooks/make.py"
    cells = json.loads(kept)["cells"]
    assert cells[0]["cell_type"] == "markdown" and cells[0]["source"][0].startswith("# ")
    assert sum(cell["cell_type"] == "code" for cell in cells) >= 3


@pytest.mark.slow
@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_the_cells_of_a_notebook_run(path, make):
    names = {}
    shown = []
    for cell in make.cells(path.read_text()):
        if not cell.is_code:
            continue
        tree = ast.parse(cell.text)
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, path.name, "exec"), names)
        if last is not None:  # a notebook shows it
            value = eval(compile(ast.Expression(last.value), path.name, "eval"), names)
            shown.append(getattr(value, "_repr_html_", getattr(value, "_repr_png_", None))())
    assert len(shown) >= 3 and all(shown)
