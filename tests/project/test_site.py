"""The documentation site has every page, every public name and every family of networks; `.ci/run` builds it."""

import re
from pathlib import Path

import pytest
import yaml

import jaxprior as jp
from jaxprior import discovery


ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
MADE = {"gallery/*": "gallery", "networks/*": "networks", "reference/*": "reference"}
"""What stands in the navigation for pages that a hook makes, and the hook."""


@pytest.fixture
def hooks(monkeypatch):
    """The modules beside the pages that make further pages; they do not need mkdocs for what is asked of them here."""
    monkeypatch.syspath_prepend(str(DOCS / "site/hooks"))
    import lists
    import networks
    import reference

    return {"lists": lists, "networks": networks, "reference": reference}


def named(nav) -> list[str]:
    """All pages that a navigation names."""
    if isinstance(nav, str):
        return [nav]
    return [page for item in (nav.values() if isinstance(nav, dict) else nav) for page in named(item)]


NAVIGATION = named(yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"])


def test_the_navigation_names_every_page_once():
    written = {path.name for path in DOCS.glob("*.md")}
    elsewhere = {name for name in NAVIGATION if name not in written and name not in MADE}
    assert not written - set(NAVIGATION), "give these pages of docs/ a place in mkdocs.yml"
    assert sorted(NAVIGATION) == sorted({*written, *elsewhere, *MADE})
    assert all((ROOT / name).is_file() for name in elsewhere), "neither in docs/ nor in the root"


def test_every_public_name_is_in_the_reference(hooks):
    pages = hooks["reference"].pages()
    described = {name.shown.removeprefix("jp.") for page in pages.values() for name in [*page.names, *page.also]}
    modules = hooks["reference"].public_modules()
    assert set(jp.__all__) == {name for name in described if "." not in name} | set(modules)
    last = {name.rpartition(".")[2] for name in described}
    for module in modules:
        assert set(getattr(getattr(jp, module), "__all__", [])) <= last | set(modules), module
    overview = hooks["reference"].overview()
    for page in pages.values():
        for name in page.names:
            assert f"- [`{name.shown}`][{name.path}]: " in overview
            word = name.path.rpartition(".")[2]
            assert hooks["reference"].summary_of(name) or word.isupper(), f"{name.shown} has no docstring"


def test_every_family_has_its_page(hooks):
    families = hooks["networks"].families()
    assert set(families) == {name for name in discovery.own(discovery.FAMILIES) if discovery.family(name)}
    for name, family in families.items():
        text = hooks["networks"].text_of(name, family)
        assert text.lower().startswith(f"# {family.title}\n".lower()) and family.paper[:40] in text
        for command in hooks["networks"].trainings(family):
            assert f"## `{command}`" in text and "| option | value | what it is |" in text
        for _, file in re.findall(r"\[([^\]]*)\]\(\.\./(\w[^)]*\.md)\)", text):
            assert (DOCS / file).is_file(), file
        assert f"({name}.md)" in hooks["networks"].overview()


def test_lists_are_read_as_in_the_repository(hooks):
    given = ["Words:", "- one", "  goes on", "- two:", "  - inner", "", "  more of two", "", "```", "- code", "```", ""]
    made = ["Words:", "", "- one", "    goes on", "- two:", "    - inner", "", "    more of two", *given[7:]]
    given, made = [*given, "1. a", "   - b", "", "The end", "  c"], [*made, "1. a", "    - b", "", "The end", "  c"]
    assert hooks["lists"].as_python_markdown("\n".join(given)).split("\n") == made


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda path: path.name)
def test_links_of_a_page_lead_to_files(page):
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" not in link and not link.startswith("#"):
            assert (DOCS / link.partition("#")[0]).exists(), f"{page.name}: {link}"
