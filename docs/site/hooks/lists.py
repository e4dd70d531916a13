"""A hook of mkdocs: lists are read as CommonMark reads them, as in the repository and in editors.

Python-Markdown, which mkdocs uses, knows a list only after an empty line, and what belongs to an item only if it is
indented by four spaces. CommonMark takes the item's own indentation, two spaces after "- " and three after "1. ".
"""

import re


FENCE = re.compile(r"^\s*(```|~~~)")
ITEM = re.compile(r"^(?:[-*]|\d+\.) +")
BEGINS = re.compile(r"^(?:[-*]|1\.) +")
"""An item that may follow a paragraph without an empty line."""


def as_python_markdown(text: str) -> str:
    """The same page with an empty line before each list, and with four spaces before what belongs to an item."""
    lines, indent, fenced, paragraph, loose = [], 0, False, False, False
    for line in text.split("\n"):
        inside = indent and line.startswith(" " * indent)
        if FENCE.match(line):
            fenced = not fenced
            indent = indent if inside else 0
        elif not fenced and (item := ITEM.match(line)):
            if paragraph and (loose if indent else BEGINS.match(line)):
                lines.append("")
            indent, loose = len(item.group()), False
        elif not fenced and not paragraph and line.strip() and not inside:
            indent = 0  # a line after an empty one that is not indented ends the list
        loose = loose or bool(inside and not paragraph)  # the item has several paragraphs
        lines.append(" " * 4 + line[indent:] if inside else line)
        paragraph = bool(line.strip())
    return "\n".join(lines)


def on_page_markdown(markdown: str, **_: object) -> str:
    """Called for each page before it is rendered."""
    return as_python_markdown(markdown)
