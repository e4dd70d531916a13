"""Installing priors by name: what is installed is what was asked for, whole, and says where it comes from."""

import dataclasses
import hashlib
import re
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from file_server import Answer, FileServer, file_server
from foreign_features import vgg_state
from foreign_files import pggan_state, torch_saved
from public_files import BAU
from tiny_prior import write_tiny_prior
from typer.testing import CliRunner

import jaxprior as jp
from jaxprior.cli import app
from jaxprior.data.images import save_png
from jaxprior.errors import JaxpriorWarning, WeightsError
from jaxprior.restoration.which_prior import own_samples
from jaxprior.weights import loader, registry
from jaxprior.weights.fetching import address, download
from jaxprior.weights.installing import install, uninstall
from jaxprior.weights.known.priors import PRIORS
from jaxprior.weights.storage import load_weights, read_card


CONTENT = torch_saved(BAU.state("bau16"))
"""A file in the layout of the networks that were converted for GAN dissection, 16 pixels."""
STATE = pggan_state(16, latent=8, fmaps_base=32, fmaps_max=8)
"""The same in mGANprior's layout."""
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def server(monkeypatch, tmp_path):
    """A server that publishes bedroom256, a tiny one, and metfaces1024, of which no hash is known."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", address.MIRROR):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("JAXPRIOR_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(download, "PAUSE", 0.0)
    monkeypatch.chdir(tmp_path)
    with file_server(CONTENT) as server:
        bedroom, faces = server.file("proggan_bedroom-x.pth"), server.file("m.bin", digits=None)
        published = {"bedroom256": bedroom, "metfaces1024": faces}
        for name, file in published.items():
            tiny = dataclasses.replace(PRIORS[name], files=(file,), resolution=16)
            monkeypatch.setitem(PRIORS, name, tiny)
        yield server


@pytest.fixture
def undescribed(monkeypatch):
    """Folders whose samples would be drawn and measured, which takes long."""
    folders = []
    monkeypatch.setattr(own_samples, "describe_prior", folders.append)
    return folders


def call(*arguments: str | Path, code: int = 0):
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exit_code == code, done.output
    return done


def left() -> list[str]:
    """What lies in the folder of installed priors, and what was fetched and is still there."""
    places = (registry.priors_folder(), registry.downloads_folder())
    names = [path.name for place in places if place.exists() for path in place.iterdir()]
    return sorted(name for name in names if not name.startswith(".lock"))


def known_file(tmp_path: Path, name: str = "proggan_bedroom-x.pth", content: bytes = CONTENT) -> Path:
    (tmp_path / name).write_bytes(content)
    return tmp_path / name


def test_get_fetches_checks_converts_and_installs(server, undescribed):
    shown = call("priors", "get", "bedroom256").stdout
    assert PRIORS["bedroom256"].files[0].url in shown and "load_prior('bedroom256')" in shown
    assert "licence: CC BY-NC 4.0 (NVIDIA): stated for NVIDIA's networks" in shown
    assert shown.index("licence:") < shown.index("fetching")
    card = jp.load_prior("bedroom256").card
    assert card["name"] == "bedroom256" and card["subject"] == "bedrooms" and card["data"] == "LSUN bedroom"
    assert card["layout"].startswith("karras_pytorch (because ")
    assert card["sha256_source"] == DIGEST and card["url"] == PRIORS["bedroom256"].files[0].url
    assert card["licence"] == PRIORS["bedroom256"].stated_licence
    assert left() == ["bedroom256"] and undescribed == [registry.priors_folder() / "bedroom256"]


def test_what_is_installed_is_not_fetched_again_and_what_is_damaged_is(server):
    path = install("bedroom256")
    whole = path.read_bytes()
    assert install("bedroom256") == path and len(server.asked) == 1
    path.write_bytes(whole[:-1])
    assert install("bedroom256").read_bytes() == whole and len(server.asked) == 2


def test_a_stopped_download_goes_on_by_the_same_command(server):
    server.answers = [Answer(cut=1000), *[Answer(status=500)] * download.TRIES]
    error = call("priors", "get", "bedroom256", code=2).stderr
    assert "the server answers 500" in error and error.count("\n") == 1
    assert left() == ["proggan_bedroom-x.pth.part", "proggan_bedroom-x.pth.part.json"]
    install("bedroom256")
    assert server.asked[-1][1] == "bytes=1000-" and left() == ["bedroom256"]


def test_the_address_that_is_told_is_the_mirrors(server, monkeypatch):
    monkeypatch.setenv(address.MIRROR, "http://127.0.0.1:9/models")
    told = registry.announced(PRIORS["bedroom256"], fetched=True)
    assert any(f"fetching http://127.0.0.1:9/models/{PRIORS['bedroom256'].files[0].name}" in line for line in told)


def test_no_connection_says_how_to_carry_the_file_by_hand(server, monkeypatch):
    gone = dataclasses.replace(PRIORS["bedroom256"].files[0], url="http://127.0.0.1:9/proggan_bedroom-x.pth")
    monkeypatch.setitem(PRIORS, "bedroom256", dataclasses.replace(PRIORS["bedroom256"], files=(gone,)))
    error = call("priors", "get", "bedroom256", code=2).stderr
    assert gone.url in error and "no connection" in error and error.count("\n") == 1
    assert "`jaxprior priors get bedroom256 --from proggan_bedroom-x.pth`" in error


def test_another_content_is_not_installed(server):
    server.content = CONTENT[:-100] + bytes(100)
    error = call("priors", "get", "bedroom256", code=2).stderr
    assert f"expected {DIGEST[:8]}" in error and "nothing was installed" in error and left() == []


def test_without_a_published_hash_this_is_said_first_and_the_whole_hash_is_kept(server, undescribed):
    shown = call("priors", "get", "metfaces1024").stdout
    assert shown.index("no hash of m.bin was published") < shown.index(f"sha256 of m.bin: {DIGEST}")
    assert read_card(registry.installed_priors()["metfaces1024"])["sha256_source"] == DIGEST


def test_a_file_that_was_carried_by_hand_is_checked_too(server, tmp_path):
    install("bedroom256", source=known_file(tmp_path))
    assert server.asked == [] and jp.load_prior("bedroom256").resolution == 16
    cut = known_file(tmp_path, content=CONTENT[:-1])
    with pytest.raises(WeightsError, match=f"begins with .*, expected {DIGEST[:8]} of proggan_bedroom-x.pth: it was"):
        install("bedroom256", source=cut)
    renamed = known_file(tmp_path, "renamed.pth", torch_saved(pggan_state(8, latent=8, fmaps_base=32, fmaps_max=8)))
    with pytest.raises(WeightsError, match="`jaxprior priors get my-bedroom256 --from .*renamed.pth`"):
        install("bedroom256", source=renamed)
    assert jp.load_prior("bedroom256").resolution == 16 and left() == ["bedroom256"]


def test_other_publishers_files_of_the_same_generator_are_taken_by_their_names(server, tmp_path):
    state = {**STATE, "layer0.wscale.bias": STATE["layer0.wscale.bias"] + 1}
    other = known_file(tmp_path, "pggan_bedroom256_generator.pth", torch_saved(state))
    path = install("bedroom256", source=other)
    card = read_card(install("bedroom256"))
    assert install("bedroom256") == path and server.asked == []
    assert card["subject"] == "bedrooms" and "url" not in card and card["layout"].startswith("mganprior")


def test_a_file_of_another_size_is_not_taken_for_a_known_prior(server, tmp_path):
    with pytest.raises(WeightsError, match="makes pictures of 16 pixels, tower256 is known to make 256"):
        install("tower256", source=known_file(tmp_path, "karras2018iclr-lsun-tower-256x256.pth", torch_saved(STATE)))
    assert left() == []


def test_a_known_prior_that_no_program_can_fetch_says_so(server):
    error = call("priors", "get", "tower256", code=2).stderr
    assert "https://github.com/genforce/mganprior" in error and "--from karras2018iclr-lsun-tower" in error


def test_a_file_of_ones_own_is_installed_under_any_name(server, tmp_path, undescribed):
    shown = call("priors", "get", "my-rooms", "--from", known_file(tmp_path, "rooms.pth"), "--licence", "CC0").stdout
    assert "take it with --prior my-rooms" in shown
    assert jp.load_prior("my-rooms").card["licence"] == "CC0"
    again = call("priors", "get", "my-rooms").stdout  # goes on with what is missing
    assert again.startswith("is installed already: ")
    assert len(undescribed) == 2


def test_a_network_of_ours_is_installed_as_it_is(server, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    params, card = load_weights(write_tiny_prior(run / "model.safetensors"))
    for number, source in enumerate((run, run / "model.safetensors")):
        path = install(f"own{number}", source=source)
        assert read_card(path) == {**card, "name": f"own{number}"}


def test_a_feature_network_of_ones_own_is_installed_among_them(server, tmp_path):
    safetensors.numpy.save_file(vgg_state("vgg16", last=17), tmp_path / "short.safetensors")
    path = install("short-vgg", source=tmp_path / "short.safetensors")
    assert path == registry.folder() / "short-vgg.safetensors"


def test_digits_in_a_name_that_are_no_hash_of_the_file_are_told(server, tmp_path):
    with pytest.warns(JaxpriorWarning, match="its name ends in 0123abcd, its sha256 begins with"):
        install("rooms", source=known_file(tmp_path, "rooms-0123abcd.pth"))


def test_what_belongs_to_earlier_weights_goes_with_them(server, tmp_path):
    sheet = install("rooms", source=known_file(tmp_path)).with_name("samples.png")
    sheet.write_bytes(b"x")
    install("rooms", source=known_file(tmp_path))
    assert sheet.exists()
    install("rooms", source=known_file(tmp_path), output="clip")  # the same weights, another function
    assert not sheet.exists()
    sheet.write_bytes(b"x")
    install("rooms", source=write_tiny_prior(tmp_path / "other.safetensors"))
    assert not sheet.exists() and jp.load_prior("rooms").latent_dim == 8


@pytest.mark.parametrize(
    "name, source, words",
    [
        ("bedrom256", None, "Did you mean bedroom256?"),
        ("Bedrom256", None, "Did you mean bedroom256?"),
        ("Galaxies", None, "Did you mean galaxies?"),
        ("cats64", None, "cats64 comes with the package"),
        ("cats64", "file.pth", "choose another name"),
        ("../rooms", "file.pth", "cannot be a name"),
        ("rooms", "nothing.pth", "nothing.pth: no such file"),
        ("rooms", ".", "takes a checkpoint's file or the run of a training"),
        ("vgg16", "file.safetensors", "expected 397923af of vgg16-397923af.pth"),
        ("lpips-squeeze", "file.pth", "give the folder in which all of it lies"),
    ],
)
def test_a_mistake_is_one_sentence_and_nothing_is_installed(name, source, words, server, tmp_path):
    known_file(tmp_path, "file.pth")
    write_tiny_prior(tmp_path / "file.safetensors")
    command = ["priors", "get", name, *(["--from", source] if source else [])]
    error = call(*command, code=2).stderr
    assert words in error and error.count("\n") == 1 and left() == [] and server.asked == []


def test_only_what_is_installed_is_removed(server):
    install("bedroom256")
    assert "bedroom256" in call("priors", "remove", "bedroom256").stdout and left() == []
    assert "comes with the package" in call("priors", "remove", "cats64", code=2).stderr
    with pytest.raises(WeightsError, match="'bedroom256' is not installed; installed are none"):
        uninstall("bedroom256")


def test_what_has_come_of_a_stopped_download_is_removed_too(server):
    server.answers = [Answer(cut=1000), *[Answer(status=500)] * download.TRIES]
    with pytest.raises(WeightsError):
        install("bedroom256")
    assert len(left()) == 2
    assert uninstall("bedroom256").name == "proggan_bedroom-x.pth.part" and left() == []


def test_a_failure_to_measure_leaves_the_prior_installed(server, monkeypatch):
    def fail(_):
        raise WeightsError("no room")

    monkeypatch.setattr(own_samples, "describe_prior", fail)
    done = call("priors", "get", "bedroom256")
    assert "its samples could not be measured: no room" in done.stderr and left() == ["bedroom256"]


def test_from_nothing_to_a_restored_picture(server, tmp_path, undescribed):
    chance = np.random.default_rng(0)
    save_png(tmp_path / "photo.png", chance.integers(0, 256, (24, 24, 3), np.uint8))
    mask = np.zeros((24, 24, 3), np.uint8)
    mask[8:16, 8:16] = 255
    save_png(tmp_path / "mask.png", mask)
    few = ("--codes", "2", "--layer", "2", "--steps", "2", "--optimizer", "adam", "--init", "random")
    missing = call("inpaint", "photo.png", "--mask", "mask.png", "--prior", "bedroom256", "-o", "run", *few, code=2)
    assert "`jaxprior priors get bedroom256` downloads it" in missing.stderr
    call("priors", "get", "bedroom256")
    call("inpaint", "photo.png", "--mask", "mask.png", "--prior", "bedroom256", "-o", "run", *few)
    assert list((tmp_path / "run" / "images").glob("photo-*.png"))
    assert loader.find("bedroom256", role="prior").is_relative_to(registry.priors_folder())


@pytest.mark.parametrize("columns", [80, 200])
def test_the_table_fits_its_width(columns, server, undescribed, monkeypatch):
    install("bedroom256")
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("TERM", "xterm")
    lines = re.sub("\x1b[^m]*m", "", CliRunner().invoke(app, ["priors"]).stdout).splitlines()
    titles = [number for number, line in enumerate(lines) if line.endswith(":") and not line.startswith(" ")]
    assert [lines[number].split()[0] for number in titles][:2] == ["Bundled:", "Installed"]
    rows = {line.split()[0]: number for number, line in enumerate(lines) if line.split()[:1]}
    named = ("cats64", "bedroom256", "dip64", "kitchen256", "tower256")  # a row of each part of the table, in order
    order = [line for title, name in zip(titles, named, strict=False) for line in (title, rows[name])]
    assert len(order) == 2 * len(named)
    assert order == sorted(order)
    assert all(len(line.rstrip()) <= columns for line in lines[: rows["sofa256"]] if not line.startswith("Installed"))
    kitchen = lines[rows["kitchen256"]]
    assert "kitchens" in kitchen and " 256 " in kitchen and "73.4 MB" in kitchen and "CC BY-NC 4.0 (NVIDIA)" in kitchen
    assert ("jaxprior priors get kitchen256" in kitchen) == (columns == 200)
    assert "jaxprior priors get NAME" in lines[titles[3]]


def test_server_is_asked_for_nothing_by_lists(server: FileServer):
    call("priors")
    call("priors", "show", "cats64")
    assert server.asked == []
