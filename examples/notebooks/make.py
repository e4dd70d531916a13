"""Make the notebooks from their scripts.

    python examples/notebooks/make.py

A script NAME.py has cells that begin with `# %%`, and text in cells that begin with `# %% [markdown]`. NAME.ipynb is
the same as a notebook of Jupyter, without outputs.
"""

import json
from pathlib import Path
from typing import NamedTuple


HERE = Path(__file__).resolve().parent
MARK = "# %%"


class Cell(NamedTuple):
    """A cell: its text, and whether that is code or Markdown."""

    text: str
    is_code: bool


def cells(script: str) -> list[Cell]:
    """The cells of a script, in their order."""
    found = []
    for part in script.split(f"{MARK}")[1:]:
        kind, _, text = part.partition("\n")
        is_code = "markdown" not in kind
        lines = text.strip("\n").split("\n")
        found.append(Cell("\n".join(lines if is_code else [line[2:] for line in lines]), is_code))
    return found


def notebook(script: str) -> str:
    """The notebook of a script, as JSON (version 4.5 of Jupyter's format)."""
    made = []
    for number, cell in enumerate(cells(script)):
        made.append({"id": f"cell-{number}", "metadata": {}, "source": cell.text.splitlines(keepends=True)})
        made[-1] |= {"cell_type": "code", "execution_count": None, "outputs": []} if cell.is_code else {
            "cell_type": "markdown"
        }  # fmt: skip
    python = {"display_name": "Python 3", "language": "python", "name": "python3"}
    document = {"cells": made, "metadata": {"kernelspec": python}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for path in sorted(HERE.glob("*.py")):
        if path != Path(__file__).resolve():
            path.with_suffix(".ipynb").write_text(notebook(path.read_text()))
            print(path.with_suffix(".ipynb").name)
