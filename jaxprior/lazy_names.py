"""Names of a package that are imported when they are first used, from wherever in jaxprior they come.

`lazy_loader.attach_stub` does the same for names of the package's own modules only.
"""

import ast
import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any


def names_of_stub(package: str, file: str) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Make what a package needs to offer the names that its `__init__.pyi` imports.

    Arguments:
        package: its `__name__`.
        file: its `__file__`. The stub lies beside it, and its lines read "from jaxprior.runs import Row as Row".

    Returns:
        (`__getattr__`, `__dir__`, `__all__`) of the package.

    Example:
        >>> names_of_stub("jaxprior.evaluation", jp.evaluation.__file__)[0]("Row").__name__
        'Row'
    """
    tree = ast.parse(Path(file).with_suffix(".pyi").read_text(encoding="utf-8"))
    places = {
        alias.name: node.module for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }

    def find(name: str) -> Any:
        if (module := places.get(name)) is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        found = getattr(importlib.import_module(module), name)
        setattr(sys.modules[package], name, found)  # found without this function from now on
        return found

    return find, lambda: sorted(places), sorted(places)
