"""What both hooks that make pages share: pages are added to the site, and to the navigation in the place of a word."""

from collections.abc import Mapping
from typing import Any


def place(nav: Any, word: str, by: list) -> None:
    """Put several entries in the place of one, wherever it stands in a navigation."""
    if isinstance(nav, list) and word in nav:
        nav[nav.index(word) : nav.index(word) + 1] = by
    for item in nav.values() if isinstance(nav, dict) else nav if isinstance(nav, list) else ():
        place(item, word, by)


def add(files: Any, config: Any, pages: Mapping[str, str]) -> Any:
    """Add pages to the files of the site: path in docs/ -> Markdown."""
    from mkdocs.structure.files import File

    for name, text in pages.items():
        files.append(File.generated(config, name, content=text))
    return files
