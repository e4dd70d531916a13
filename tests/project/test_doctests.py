"""Every example in the docstrings of the package runs as it stands, or says on its line why it is skipped."""

import doctest
import importlib
import pkgutil
import re
import zipfile
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tiny_prior import random_prior

import jaxprior
import jaxprior as jp


def _public(module) -> dict[str, object]:
    return {name: getattr(module, name) for name in module.__all__}


COMMON = {
    **_public(jp), **vars(jp.images), **_public(jp.operators), **_public(jp.metrics),
    "jp": jp, "jax": jax, "jnp": jnp, "np": np, "Path": Path, "prior": random_prior(),
}  # fmt: skip
"""What examples may use besides their modules' names: the public face, the usual libraries, and a small prior."""
SKIPPED = re.compile(r"# [^#]*\w[^#]* # doctest: \+SKIP$", flags=re.MULTILINE)


def examples() -> dict[str, doctest.DocTest]:
    """The docstrings that hold examples, by their names."""
    found = {}
    for info in pkgutil.walk_packages(jaxprior.__path__, "jaxprior."):
        if info.name.endswith("__main__") or ">>>" not in _source(info):
            continue
        module = importlib.import_module(info.name)
        names = COMMON | vars(module)
        for test in doctest.DocTestFinder(exclude_empty=True).find(module, globs=names):
            if test.examples:
                found[test.name] = test
    return found


def _source(info: pkgutil.ModuleInfo) -> str:
    return Path(info.module_finder.find_spec(info.name).origin).read_text(encoding="utf-8")


EXAMPLES = examples()


@pytest.mark.parametrize("name", EXAMPLES)
def test_example(name, tmp_path, monkeypatch):
    """In a folder with a picture, a kernel, and a folder and archives of one picture."""
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    for file in ("cat.png", "photos/1.png"):
        jp.images.save_png(file, np.arange(64 * 64 * 3, dtype=np.uint8).reshape(64, 64, 3))
    jp.images.save_png("motion.png", np.eye(9, dtype=np.uint8)[..., None].repeat(3, axis=2) * 255)
    for archive in ("photos.zip", "cats.zip"):
        with zipfile.ZipFile(archive, "w") as file:
            file.write("photos/1.png", "1.png")
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
                assert SKIPPED.search(example.source), f"{test.name}: {example.source}"
