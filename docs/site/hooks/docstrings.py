"""An extension of griffe, which reads docstrings: the names of sections that are this project's own."""

import re
from typing import Any

import griffe


SECTIONS = {"Fields:": "Attributes:", "Example:": "Examples:"}
"""As this project calls a section -> as griffe knows it, so that it becomes a table, or code."""


class OwnSections(griffe.Extension):
    """Rename the sections."""

    def on_object(self, *, obj: Any, **_: Any) -> None:
        """Called for everything that was read."""
        if obj.docstring is not None:
            for ours, theirs in SECTIONS.items():
                obj.docstring.value = re.sub(rf"(?m)^{ours}", theirs, obj.docstring.value)
