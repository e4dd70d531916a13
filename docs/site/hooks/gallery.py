"""A hook of mkdocs: a page for each example of `examples/gallery/`, and an overview with their pictures.

An example is a script with a docstring, whose first line is the title. It writes a picture of its own name and prints
what it found. `examples/gallery/run.py` runs all of them and keeps picture and words in `docs/gallery/`. In mkdocs.yml,
`gallery/*` stands for these pages.
"""

import ast
from pathlib import Path
from typing import Any, NamedTuple

from placing import add, place


ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = ROOT / "examples" / "gallery"
KEPT = ROOT / "docs" / "gallery"
PLACE = "gallery"


class Example(NamedTuple):
    """A script of the gallery: its title, what it explains, its code, and what it printed."""

    title: str
    about: str
    code: str
    printed: str


def examples() -> dict[str, Example]:
    """All examples by their names, in the order of their titles."""
    found = {}
    for path in EXAMPLES.glob("*.py"):
        source = path.read_text()
        tree = ast.parse(source)
        title, _, about = (ast.get_docstring(tree) or "").partition("\n\n")
        if (printed := KEPT / f"{path.stem}.txt").is_file():
            code = "\n".join(source.splitlines()[tree.body[0].end_lineno :]).strip()
            found[path.stem] = Example(title, about, code, printed.read_text().strip())
    return dict(sorted(found.items(), key=lambda item: item[1].title))


def text_of(name: str, example: Example) -> str:
    """The page of an example."""
    return (
        f"# {example.title}\n\n{example.about}\n\n![{example.title}]({name}.png)\n\n```text\n{example.printed}\n```\n\n"
        f"```python\n{example.code}\n```\n\nThe script is `examples/gallery/{name}.py` of the source.\n"
    )


def overview(found: dict[str, Example]) -> str:
    """The page that shows all examples."""
    cards = "\n".join(
        f'<a class="example" href="{name}/index.html"><img src="{name}.png" alt=""><span>{example.title}</span></a>'
        for name, example in found.items()
    )
    return (
        "# Gallery\n\nEach example is a script of a few lines that runs on a CPU in less than a minute, with pictures "
        f"that come along.\n\n<div class=\"gallery\" markdown=\"0\">\n{cards}\n</div>\n"
    )


def on_files(files: Any, config: Any) -> Any:
    """Add the pages, and name them in the navigation."""
    found = examples()
    place(config.nav, f"{PLACE}/*", [f"{PLACE}/index.md", *(f"{PLACE}/{name}.md" for name in found)])
    pages = {f"{PLACE}/index.md": overview(found)}
    return add(files, config, pages | {f"{PLACE}/{name}.md": text_of(name, one) for name, one in found.items()})
