"""What is done with networks that are installed: showing, changing and removing them, also beside another process."""

import dataclasses
import os
import re
from pathlib import Path

import pytest
import safetensors.numpy
from file_server import file_server
from foreign_features import vgg_state
from foreign_files import torch_saved
from public_files import BAU
from tiny_prior import write_tiny_prior
from typer.testing import CliRunner

import jaxprior as jp
from jaxprior.cli import app
from jaxprior.errors import JaxpriorWarning, WeightsError
from jaxprior.restoration.which_prior import own_samples
from jaxprior.weights import originals, registry
from jaxprior.weights.fetching import address
from jaxprior.weights.fetching.download import only_fetching
from jaxprior.weights.installing import _alone, install, uninstall
from jaxprior.weights.known.networks import NETWORKS
from jaxprior.weights.known.priors import PRIORS
from jaxprior.weights.storage import read_card


CONTENT = torch_saved(BAU.state("bau16"))


@pytest.fixture(autouse=True)
def own_folder(monkeypatch, tmp_path):
    """A data folder of the test's own, in which nothing is measured."""
    monkeypatch.setenv("JAXPRIOR_DATA", str(tmp_path / "data"))
    monkeypatch.delenv(address.MIRROR, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(own_samples, "describe_prior", lambda folder: None)


@pytest.fixture
def rooms() -> Path:
    """An installed prior of one's own."""
    Path("rooms.pth").write_bytes(CONTENT)
    return install("rooms", source="rooms.pth")


def call(*arguments: str, code: int = 0):
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == code, done.output
    assert code == 0 or done.stderr.count("\n") == 1
    return done


def test_options_of_a_conversion_want_something_to_convert(rooms):
    whole = rooms.read_bytes()
    for options in (["--output", "clip"], ["--label", "dog"]):
        error = call("priors", "get", "rooms", *options, code=2).stderr
        assert f"`jaxprior priors get rooms --from FILE {options[0]} '{options[1]}'`" in error
        assert "is converted already" in call("priors", "get", "c1", "--from", str(rooms), *options, code=2).stderr
        refused = call("priors", "get", "vgg16", *options, code=2)
        assert "is a feature network" in refused.stderr and "fetching" not in refused.stdout
        assert "tower256 is not installed" in call("priors", "get", "tower256", *options, code=2).stderr
        assert "'nix' is no network that is known" in call("priors", "get", "nix", *options, code=2).stderr
    assert rooms.read_bytes() == whole and list(registry.installed_priors()) == ["rooms"]
    call("priors", "get", "rooms", "--from", "rooms.pth", "--output", "clip")
    assert read_card(rooms)["config"]["output"] == "clip"


def test_what_is_said_of_an_installed_prior_goes_into_its_card(rooms):
    before = jp.load_prior("rooms")
    assert "is installed already" in call("priors", "get", "rooms", "--licence", "CC0", "--shows", "my  rooms").stdout
    after = jp.load_prior("rooms")
    assert after.card["licence"] == "CC0" and after.card["subject"] == "my rooms" and after.sha256 == before.sha256
    assert "my rooms" in call("priors").stdout


def test_a_link_to_a_priors_folder_is_removed_and_the_folder_stays():
    Path("elsewhere").mkdir()
    write_tiny_prior("elsewhere/model.safetensors")
    registry.priors_folder().mkdir(parents=True)
    (registry.priors_folder() / "rooms").symlink_to(Path("elsewhere").resolve())
    call("priors", "remove", "rooms")
    assert registry.installed_priors() == {} and Path("elsewhere/model.safetensors").is_file()


def test_nothing_is_removed_under_another_process(rooms):
    with _alone("rooms"), pytest.raises(WeightsError, match="rooms is being installed by another process"):
        uninstall("rooms")
    file = NETWORKS["vgg16"].files[0]
    part = registry.downloads_folder() / f"{file.name}.part"
    part.write_bytes(b"x")
    with only_fetching(file, registry.downloads_folder()):
        for name in ("vgg16", "lpips-vgg"):  # both are made of this file
            with pytest.raises(WeightsError, match="is being fetched into .* by another process"):
                uninstall(name)
    assert rooms.is_file() and originals.parts(NETWORKS["vgg16"]) == [part]
    uninstall("lpips-vgg")
    assert not part.exists()


def test_a_prior_that_is_removed_while_it_is_measured_is_one_sentence(rooms, monkeypatch):
    def removed(folder: Path) -> None:
        uninstall("rooms")
        (folder / "samples.png").write_bytes(b"")

    monkeypatch.setattr(own_samples, "describe_prior", removed)
    error = call("priors", "get", "rooms", code=2).stderr
    assert "was removed while the prior's samples were measured" in error


def test_a_folder_in_the_place_of_the_sheet_is_a_note(rooms, monkeypatch):
    sheet = rooms.with_name("samples.png")
    sheet.mkdir()
    monkeypatch.setattr(own_samples, "describe_prior", lambda folder: sheet.write_bytes(b""))
    assert f"could not be measured: {sheet}: Is a directory" in call("priors", "get", "rooms").stderr


def test_measuring_is_told_only_where_something_is_missing(rooms):
    assert "drawn and measured now" in call("priors", "get", "rooms").stdout
    for made in (own_samples.FILE, own_samples.SHEET):
        rooms.with_name(made).write_bytes(b"")
    assert "measured now" not in call("priors", "get", "rooms").stdout


@pytest.mark.parametrize("published_hash", [True, False])
def test_the_card_says_from_where_a_file_came(published_hash, monkeypatch):
    with file_server(CONTENT) as server:
        file = dataclasses.replace(server.file("model.pth", digits=8 if published_hash else None), url="http://a.org/m")
        prior = dataclasses.replace(PRIORS["metfaces1024"], files=(file,), resolution=16)
        monkeypatch.setitem(PRIORS, "metfaces1024", prior)
        monkeypatch.setenv(address.MIRROR, server.address)
        card = read_card(install("metfaces1024"))
        assert card["url"] == ("http://a.org/m" if published_hash else f"{server.address}/model.pth")
        Path("model.pth").write_bytes(CONTENT)
        card = read_card(install("metfaces1024", source="model.pth"))
        assert card.get("url") == ("http://a.org/m" if published_hash else None) and "page" in card


@pytest.mark.parametrize("mirror", ["http://[::1/x", "http://", "http://host:port/x", "ftp://host/x"])
def test_a_mirror_that_is_no_address_is_a_sentence(mirror, monkeypatch):
    monkeypatch.setenv(address.MIRROR, mirror)
    assert f"JAXPRIOR_MIRROR={mirror}: expected" in call("priors", "get", "bedroom256", code=2).stderr


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: data + b"x", lambda data: b"x" * 100])
def test_damaged_weights_are_told_by_the_list_and_wherever_they_are_named(damage, rooms):
    rooms.write_bytes(damage(rooms.read_bytes()))
    assert "damaged: install it" in call("priors").stdout
    sentence = "is damaged; install it again: `jaxprior priors get rooms --from FILE`"
    for command in ("show", "get"):
        assert sentence in call("priors", command, "rooms", code=2).stderr
    with pytest.raises(WeightsError, match=sentence):
        jp.load_prior("rooms")


def test_a_changed_byte_is_found_when_a_prior_is_shown(rooms):
    data = bytearray(rooms.read_bytes())
    data[-1] ^= 1
    rooms.write_bytes(data)
    assert "install it again" in call("priors", "show", "rooms", code=2).stderr


def test_networks_and_what_is_only_known_are_shown_too():
    safetensors.numpy.save_file(vgg_state("vgg16", last=17), "short.safetensors")
    path = install("short-vgg", source="short.safetensors")
    for name in ("short-vgg", str(path)):
        shown = call("priors", "show", name).stdout
        assert read_card(path)["sha256"] in shown and "network     vgg16" in shown
    for name in ("vgg16", "lpips-alex", "kitchen256"):
        shown = call("priors", "show", name).stdout
        assert f"`jaxprior priors get {name}` downloads" in shown and "sha256 begins with" in shown
    assert "--from karras2018iclr-lsun-tower" in call("priors", "show", "tower256").stdout


def test_what_was_chosen_at_the_conversion_is_shown(rooms):
    shown = call("priors", "get", "rooms", "--from", "rooms.pth", "--output", "clip")
    notes = [line.removeprefix("note: ") for line in shown.stdout.splitlines() if line.startswith("note: ")]
    lines = call("priors", "show", "rooms").stdout.splitlines()
    assert "output      clip" in lines and all(f"note        {note}" in lines for note in notes)


@pytest.mark.parametrize("name", ["a" * 65, "a" * 250, "-a", ""])
def test_a_name_must_fit_a_table(name, rooms):
    error = call("priors", "get", "--from", "rooms.pth", "--", name, code=2).stderr
    assert "cannot be a name: expected at most 64" in error
    install("a" * 64, source="rooms.pth")


def test_a_long_name_leaves_the_other_columns_their_room(rooms, monkeypatch):
    def row_of_cats() -> str:
        lines = re.sub("\x1b[^m]*m", "", call("priors").stdout).splitlines()
        return next(line.strip() for line in lines if line.startswith("cats64"))

    for name, value in {"COLUMNS": "80", "TTY_COMPATIBLE": "1", "TERM": "xterm"}.items():
        monkeypatch.setenv(name, value)
    install("a" * 64, source="rooms.pth", subject="[bold]rooms[/bold]")
    assert "cat faces" in row_of_cats() and "MIT for" in row_of_cats()
    assert "[bold]rooms[/bold]" in call("priors").stdout


def test_a_name_that_is_too_long_for_a_file_is_not_found():
    with pytest.raises(WeightsError, match="neither a bundled prior"):
        jp.load_prior("a" * 300)


def test_a_folder_that_must_not_be_read_hides_no_bundled_prior(monkeypatch):
    usual = Path.glob

    def glob(self, pattern):
        if self == registry.priors_folder():
            raise PermissionError(13, "Permission denied", str(self))
        return usual(self, pattern)

    monkeypatch.setattr(Path, "glob", glob)
    with pytest.warns(JaxpriorWarning, match="is left out: Permission denied"):
        assert "cat faces" in call("priors", "show", "cats32").stdout


def test_a_name_that_is_installed_and_lies_here_is_told_plainly(rooms):
    os.mkdir("rooms")
    write_tiny_prior("rooms/model.safetensors")
    with pytest.raises(WeightsError, match="rooms is an installed prior, and a prior rooms also lies in this folder"):
        jp.load_prior("rooms")
