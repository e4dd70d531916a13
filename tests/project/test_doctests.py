"""Every example in the docstrings of the package runs as it stands, or says on its line why it is skipped."""

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxprior
import jaxprior as jp
import jaxprior.metrics
import jaxprior.operators
from jaxprior.data.images import save_png


COMMON = {"jp": jp, "jax": jax, "jnp": jnp, "np": np}
"""What examples may use besides their module's names, and the public operators and metrics."""


def examples() -> dict[str, doctest.DocTest]:
    """The docstrings that hold examples, by their names."""
    found = {}
    for info in pkgutil.walk_packages(jaxprior.__path__, "jaxprior."):
        if info.name.endswith("__main__") or ">>>" not in _source(info):
            continue
        module = importlib.import_module(info.name)
        names = {**COMMON, **_public(jaxprior.operators), **_public(jaxprior.metrics), **vars(module)}
        for test in doctest.DocTestFinder(exclude_empty=True).find(module, globs=names):
            if test.examples:
                found[test.name] = test
    return found


def _source(info: pkgutil.ModuleInfo) -> str:
    return Path(info.module_finder.find_spec(info.name).origin).read_text(encoding="utf-8")


def _public(module) -> dict[str, object]:
    return {name: getattr(module, name) for name in module.__all__}


EXAMPLES = examples()


@pytest.mark.parametrize("name", EXAMPLES)
def test_example(name, tmp_path, monkeypatch):
    """In an empty folder with one picture."""
    monkeypatch.chdir(tmp_path)
    save_png("cat.png", np.arange(64 * 64 * 3, dtype=np.uint8).reshape(64, 64, 3))
    test, said = EXAMPLES[name], []
    doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test, out=said.append)
    assert not said, "".join(said)


def test_all_examples_are_found():
    count = 0
    for path in Path(jaxprior.__file__).parent.rglob("*.py"):
        count += len(re.findall(r"^\s*>>> ", path.read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert sum(len(test.examples) for test in EXAMPLES.values()) == count


def test_what_is_skipped_says_why():
    for test in EXAMPLES.values():
        for example in test.examples:
            if example.options.get(doctest.SKIP):
                assert re.search(r"# .*\w.* # doctest: \+SKIP$", example.source.strip()), f"{test.name}: {example.source}"
