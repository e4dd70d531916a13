"""What people read of the package before they install it: version, citation, where to report a weakness."""

import re
import tomllib
from pathlib import Path

import jaxprior


ROOT = Path(__file__).resolve().parents[2]


def test_the_citation_is_of_this_version_and_licence():
    citation = (ROOT / "CITATION.cff").read_text()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    said = dict(re.findall(r"^([a-z-]+): (.+)$", citation, re.MULTILINE))
    assert said["version"] == jaxprior.__version__ and said["license"] == project["license"]
    assert {"cff-version", "message", "title"} <= set(said) and "\nauthors:\n  - " in citation


def test_files_that_the_pages_for_maintainers_name_are_there():
    for page in ("SECURITY.md", "RELEASING.md"):
        text = (ROOT / page).read_text()
        named = re.findall(r"`((?:jaxprior|weights_convert|tests|benchmarks|docs|\.ci)/[^` ]*)`", text)
        assert named and not [name for name in named if not (ROOT / name).exists()], page


def test_pythons_that_are_named_are_those_that_are_asked_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    least = project["requires-python"].removeprefix(">=")
    named = [one.rpartition(" ")[2] for one in project["classifiers"] if re.search(r":: 3\.\d+$", one)]
    assert named[0] == least and "Typing :: Typed" in project["classifiers"]
