"""Installed priors are found by their names like the bundled ones; of known ones, sentences say how to get them."""

import re
from pathlib import Path

import pytest
from tiny_prior import write_tiny_prior

import jaxprior as jp
from jaxprior.errors import JaxpriorWarning, WeightsError
from jaxprior.weights import loader, registry
from jaxprior.weights.known.files import shown_size
from jaxprior.weights.known.priors import PRIORS
from jaxprior.weights.outlines import outline_prior
from weights_convert.pggan.finding import check_name


@pytest.fixture
def data_folder(tmp_path, monkeypatch) -> Path:
    """The folder of what is installed, of the test's own."""
    monkeypatch.setenv("JAXPRIOR_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def install(data_folder: Path, name: str) -> Path:
    place = data_folder / "priors" / name
    place.mkdir(parents=True)
    return write_tiny_prior(place / "model.safetensors")


def test_an_installed_prior_is_found_by_its_name(data_folder):
    path = install(data_folder, "bedroom256")
    assert registry.installed_priors() == {"bedroom256": path}
    assert loader.find("bedroom256", role="prior") == path
    assert jp.load_prior("bedroom256").resolution == 16
    outline = outline_prior("bedroom256")
    assert outline is not None and outline.resolution == 16


def test_priors_are_listed_bundled_ones_first(data_folder):
    before = [card["name"] for card in jp.list_priors()]
    install(data_folder, "bedroom256")
    assert [card["name"] for card in jp.list_priors()] == [*before, "bedroom256"]


def test_a_damaged_installed_prior_hides_no_other(data_folder):
    install(data_folder, "kitchen256")
    install(data_folder, "bedroom256").write_bytes(b"x" * 100)
    with pytest.warns(JaxpriorWarning, match="the installed prior bedroom256 is left out"):
        names = [card["name"] for card in jp.list_priors()]
    assert "kitchen256" in names and "bedroom256" not in names


def test_a_bundled_prior_keeps_its_name(data_folder):
    bundled = loader.bundled()["cats32"]
    install(data_folder, "cats32")
    assert loader.find("cats32", role="prior") == bundled
    assert [card["name"] for card in jp.list_priors()].count("cats32") == 1


def test_the_folder_of_a_broken_installation_is_no_prior(data_folder):
    install(data_folder, ".bedroom256-x1")
    assert registry.installed_priors() == {}


@pytest.mark.parametrize(
    "name, words",
    [
        ("bedroom256", "`jaxprior priors get bedroom256` downloads it (73.4 MB)"),
        ("metfaces1024", "downloads it (size unknown)"),
        ("tower256", "`jaxprior priors get tower256 --from karras2018iclr-lsun-tower-256x256.pkl`"),
        ("bedrom256", "Did you mean bedroom256?"),
        ("cats65", "Did you mean cats64?"),
    ],
)
def test_a_prior_that_is_not_here_says_how_to_get_it(name, words, data_folder):
    with pytest.raises(WeightsError) as caught:
        jp.load_prior(name)
    assert words in str(caught.value) and "\n" not in str(caught.value) and not data_folder.exists()


def test_the_document_shows_what_is_known():
    text = (Path(__file__).parents[2] / "docs" / "priors.md").read_text()
    rows = {line.split("`")[1]: line for line in text.splitlines() if line.startswith("| `")}
    for name, prior in PRIORS.items():
        assert f"`{name}`" in text
        for file in prior.files:
            facts = [prior.subject, prior.data, f"| {prior.resolution} |", f"[{file.name}]({file.url})", prior.licence]
            facts += [f"| {file.sha256 or 'none'} |", f"`{prior.layout}`"]
            facts.append("| ? |" if file.size is None else f"| {shown_size(file.size)} |")
            assert all(fact in rows[name] for fact in facts), name


def test_known_layouts_are_those_of_the_converter():
    for layout in {prior.layout for prior in PRIORS.values()}:
        check_name(layout)


def test_known_priors_are_described_whole():
    for name, prior in PRIORS.items():
        assert re.fullmatch(r"[a-z]+\d+(_[a-z]+)?", name) and str(prior.resolution) in name
        assert prior.title and prior.subject and prior.data and prior.licence and prior.page.startswith("https://")
        assert prior.files or prior.others, f"{name}: neither a file to fetch nor one to carry by hand"
        for file in prior.files:
            assert file.url.startswith(("https://", "http://")) and file.url.endswith("/" + file.name)
            assert file.sha256 is None or re.fullmatch("[0-9a-f]{8}", file.sha256)
            if digits := re.search(r"-([0-9a-f]{8})\.pth", file.name):  # what torch.hub takes for the hash
                assert file.sha256 == digits[1]
            assert file.size is None or 50e6 < file.size < 400e6
    assert not set(PRIORS) & set(loader.bundled())
