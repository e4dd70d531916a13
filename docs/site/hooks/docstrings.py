"""An extension of griffe, which reads docstrings and signatures: what is this project's own in them.

Sections of docstrings have names of its own. A default that is made by `setting(300, "Gradient steps.", ...)`, with the
help text of an option beside it, is shown as 300; so are those of operators' arrays.
"""

import re
from typing import Any

import griffe


SECTIONS = {"Fields:": "Attributes:", "Example:": "Examples:"}
"""As this project calls a section -> as griffe knows it, so that it becomes a table, or code."""

DECLARING = ("per_image", "shared", "static")
"""What declares a field without a default, unless one is given or the field is optional."""


class OwnWays(griffe.Extension):
    """Rename the sections, and show defaults as they are."""

    def on_attribute_instance(self, *, attr: Any, **_: Any) -> None:
        """Called for every field of a class, before griffe makes the signature of a dataclass of them."""
        call = attr.value
        called = str(getattr(call, "function", ""))
        if called.endswith("setting") and call.arguments:
            attr.value = call.arguments[0]
        elif called in DECLARING:
            given = dict(str(argument).partition("=")[::2] for argument in call.arguments)
            attr.value = given.get("default", "None" if given.get("optional") == "True" else None)
        elif called == "of_volumes":
            attr.value = "False"

    def on_object(self, *, obj: Any, **_: Any) -> None:
        """Called for everything that was read."""
        if obj.docstring is not None:
            for ours, theirs in SECTIONS.items():
                obj.docstring.value = re.sub(rf"(?m)^{ours}", theirs, obj.docstring.value)
