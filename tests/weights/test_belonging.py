"""A known name takes only the files that are known of it, and what is in the way of an installation is said."""

import dataclasses
import hashlib
import os
from pathlib import Path

import pytest
from foreign_files import pggan_state, torch_saved
from public_files import BAU
from tiny_prior import write_tiny_prior

import weights_convert
from jaxprior.errors import WeightsError
from jaxprior.weights import registry
from jaxprior.weights.installing import install
from jaxprior.weights.known.files import RemoteFile
from jaxprior.weights.known.priors import PRIORS
from jaxprior.weights.storage import load_weights, read_card, save_weights


CHURCH = torch_saved(BAU.state("bau16"))
"""The file of churchoutdoor256, a tiny one."""
OTHER = torch_saved(pggan_state(16, latent=8, fmaps_base=32, fmaps_max=8))
"""A file of another network of as many pixels."""


@pytest.fixture(autouse=True)
def small_networks(monkeypatch, tmp_path):
    """Known priors of 16 pixels, of which churchoutdoor256 alone has a hash that is known here."""
    monkeypatch.setenv("JAXPRIOR_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    digits = hashlib.sha256(CHURCH).hexdigest()[:8]
    church = RemoteFile("http://127.0.0.1:9/church.pth", "church.pth", digits, len(CHURCH))
    for name, prior in PRIORS.items():
        monkeypatch.setitem(PRIORS, name, dataclasses.replace(prior, resolution=16))
    small = dataclasses.replace(PRIORS["churchoutdoor256"], files=(church,))
    monkeypatch.setitem(PRIORS, "churchoutdoor256", small)


def written(name: str, content: bytes) -> Path:
    Path(name).write_bytes(content)
    return Path(name)


def run_of(source: Path) -> Path:
    """A folder as of a training, with a converted network."""
    Path("run").mkdir()
    weights_convert.convert(source, Path("run/model.safetensors"))
    return Path("run")


@pytest.mark.parametrize("inside", ["", "model.safetensors"])
def test_a_folder_or_file_of_ones_own_is_not_taken_for_a_known_prior(inside):
    Path("run").mkdir()
    write_tiny_prior("run/model.safetensors")
    with pytest.raises(WeightsError, match="is a network of your own, expected .* of church.pth"):
        install("churchoutdoor256", source=Path("run") / inside)
    weights_convert.convert(written("x.pth", OTHER), Path("run/model.safetensors"))
    with pytest.raises(WeightsError, match="was converted from x.pth, whose sha256 begins with .*, expected"):
        install("churchoutdoor256", source=Path("run") / inside)
    assert registry.installed_priors() == {}


def test_a_known_file_that_was_converted_before_is_taken():
    run = run_of(written("renamed.pth", CHURCH))
    path = install("churchoutdoor256", source=run)
    assert read_card(path)["subject"] == "churches from outside"
    by_hand = install("tower256", source=written("pggan_tower256_generator.pth", OTHER))
    assert install("tower256", source=by_hand) == by_hand


@pytest.mark.parametrize(
    "name, file, content, owner",
    [
        ("tower256", "karras2018iclr-lsun-bridge-256x256.pkl", OTHER, "bridge256"),
        ("bridge256", "pggan_bedroom256_generator.pth", OTHER, "bedroom256"),
        ("livingroom256_lc", "karras2018iclr-lsun-bridge-256x256.pth", OTHER, "bridge256"),
        ("tower256", "proggan_kitchen-67f1e16c.pth", OTHER, "kitchen256"),
        ("tower256", "renamed.pth", CHURCH, "churchoutdoor256"),
        ("tower256", "karras2018iclr-lsun-tower-256x256.pkl", CHURCH, "churchoutdoor256"),
        ("vgg16", "alexnet-owt-7be5be79.pth", OTHER, "alexnet"),
    ],
)
def test_the_file_of_another_known_network_is_refused(name, file, content, owner):
    with pytest.raises(WeightsError, match=f"is a file of {owner}, not of {name}; nothing was installed"):
        install(name, source=written(file, content))
    assert registry.installed_priors() == {}


def test_of_files_without_hashes_the_name_decides():
    with pytest.raises(WeightsError, match="a file named karras2018iclr-lsun-tower-256x256.pkl or pggan_tower256"):
        install("tower256", source=written("rooms.pth", OTHER))
    with pytest.raises(WeightsError, match="is a folder; `--from` takes the file of tower256: expected a file named"):
        install("tower256", source=".")
    install("my-tower256", source=written("rooms.pth", OTHER))


def test_what_was_installed_under_a_wrong_name_before_is_not_taken_for_installed():
    path = install("rooms", source=written("rooms.pth", OTHER))
    params, card = load_weights(path)
    place = registry.priors_folder() / "churchoutdoor256"
    place.mkdir()
    save_weights(place / "model.safetensors", params, card)
    with pytest.raises(WeightsError, match="cannot be fetched"):
        install("churchoutdoor256")


@pytest.mark.parametrize("in_the_way", ["", "priors", "downloads", "priors/rooms"])
def test_a_file_in_the_way_of_a_folder_is_the_reason_that_is_told(in_the_way, tmp_path):
    stray = tmp_path / "data" / in_the_way
    stray.parent.mkdir(parents=True, exist_ok=True)
    stray.write_text("")
    with pytest.raises(WeightsError, match=f"cannot be made: {stray} is a file; remove what is in the way"):
        install("rooms", source=written("rooms.pth", OTHER))


def test_a_pipe_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe.pth")
    with pytest.raises(WeightsError, match="is no ordinary file"):
        install("rooms", source=tmp_path / "pipe.pth")
