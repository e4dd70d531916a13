"""Fetching networks: from a server on this machine; what does not match is not installed, and one sentence says so."""

import dataclasses
import functools
import hashlib
import http.server
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from foreign_features import random_heads, squeezenet_layers, vgg_state, write_heads, write_keras
from typer.testing import CliRunner

from jaxprior.cli import app
from jaxprior.errors import WeightsError
from jaxprior.weights import installing, registry
from jaxprior.weights.features import load_features
from jaxprior.weights.known.files import RemoteFile
from jaxprior.weights.known.networks import NETWORKS
from jaxprior.weights.storage import read_card


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> Path:
    """Folder of files as their publishers offer them, with random weights."""
    pytest.importorskip("h5py")
    folder = tmp_path_factory.mktemp("published")
    safetensors.numpy.save_file(vgg_state("vgg16", last=17), folder / "vgg16-397923af.pth")
    write_keras(folder / "squeezenet_weights_tf_dim_ordering_tf_kernels_notop.h5", squeezenet_layers())
    write_heads(folder / "squeeze.pth", random_heads())
    return folder


@pytest.fixture
def known(published, tmp_path, monkeypatch):
    """The known registry, at addresses of a server on this machine, to be installed in a folder of the test's."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(published)))
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def here(file: RemoteFile) -> RemoteFile:
        data = (published / file.name).read_bytes() if (published / file.name).exists() else b""
        url = f"http://127.0.0.1:{server.server_port}/{file.name}"
        return dataclasses.replace(file, url=url, sha256=hashlib.sha256(data).hexdigest(), size=len(data))

    for name, network in NETWORKS.items():
        monkeypatch.setitem(NETWORKS, name, dataclasses.replace(network, files=tuple(map(here, network.files))))
    monkeypatch.setenv("JAXPRIOR_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield NETWORKS
    server.shutdown()
    server.server_close()


def change(known: dict, name: str, **fields) -> None:
    network = known[name]
    known[name] = dataclasses.replace(network, files=(dataclasses.replace(network.files[0], **fields),))


def call(*arguments: str, code: int = 0):
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == code, done.output
    return done


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_get_fetches_checks_converts_and_installs(known):
    shown = call("priors", "get", "vgg16").stdout
    assert known["vgg16"].files[0].url in shown and "load_features('vgg16')" in shown
    assert load_features("vgg16")(np.zeros((1, 16, 16, 3), np.float32)).shape == (1, 4, 4, 256)
    card = read_card(registry.installed()["vgg16"])
    assert card["name"] == "vgg16" and card["licence"] == "BSD-3-Clause" and card["source"] == "vgg16-397923af.pth"
    assert card["sha256_source"] == known["vgg16"].files[0].sha256
    assert left(registry.folder()) == ["vgg16.safetensors"]


def test_the_distance_is_put_together_from_two_files(known):
    path = installing.install("lpips-squeeze")
    assert path == registry.folder() / "lpips-squeeze.safetensors"
    assert load_features("lpips-squeeze").label == "LPIPS-style (SqueezeNet, Caffe weights)"
    installing.install("squeezenet")
    assert left(registry.folder()) == ["lpips-squeeze.safetensors", "squeezenet.safetensors"]


def test_a_file_that_is_installed_as_a_network_is_not_fetched_again(known, published, tmp_path):
    base = installing.install("squeezenet")
    first, second = known["lpips-squeeze"].files
    gone = dataclasses.replace(first, url="http://127.0.0.1:9/gone.h5")
    known["lpips-squeeze"] = dataclasses.replace(known["lpips-squeeze"], files=(gone, second))
    shown = call("priors", "get", "lpips-squeeze").stdout
    assert f"{first.name} is installed already" in shown and "gone.h5" not in shown
    whole = read_card(registry.installed()["lpips-squeeze"])["sha256"]
    installing.uninstall("lpips-squeeze")
    alone = tmp_path / second.name
    alone.write_bytes((published / second.name).read_bytes())
    for source in (alone, published):  # beside the installed base, or with the base's own file
        assert read_card(installing.install("lpips-squeeze", source=source))["sha256"] == whole and base.is_file()


def test_priors_lists_what_is_installed_and_what_can_be_fetched(known):
    installing.install("squeezenet")
    (registry.folder() / "broken.safetensors").write_bytes(b"x" * 100)
    shown = call("priors").stdout
    rows = {}
    for line in filter(str.strip, shown.splitlines()):
        rows.setdefault(line.split()[0], line)
    assert "cats32" in rows and str(registry.folder()) in shown
    assert " installed " in rows["squeezenet"] and " damaged " in rows["broken"]
    for name in ("vgg16", "vgg19", "lpips-squeeze"):
        assert " get, " in rows[name] and f"{name} is described at {known[name].page}" in shown


def test_another_content_is_not_installed(known):
    change(known, "vgg16", sha256="0" * 64)
    error = call("priors", "get", "vgg16", code=2).stderr
    assert "its sha256 is not the expected one; nothing was installed" in error and error.count("\n") == 1
    assert left(registry.folder()) == []


def test_a_failure_keeps_what_was_installed(known):
    path = installing.install("squeezenet")
    before = path.read_bytes()
    change(known, "squeezenet", sha256="0" * 64)
    with pytest.raises(WeightsError):
        installing.install("squeezenet")
    assert path.read_bytes() == before and left(registry.folder()) == ["squeezenet.safetensors"]


def test_no_connection_and_no_such_file_are_one_sentence(known):
    change(known, "vgg16", url="http://127.0.0.1:9/vgg16.pth")
    error = call("priors", "get", "vgg16", code=2).stderr
    assert "cannot be fetched (no connection: " in error and "get vgg16-397923af.pth" in error
    assert "`jaxprior priors get vgg16 --from vgg16-397923af.pth`" in error and error.count("\n") == 1
    with pytest.raises(WeightsError, match="404"):
        installing.install("vgg19")
    assert left(registry.folder()) == []


def test_a_missing_package_is_one_sentence(known, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    error = call("priors", "get", "lpips-squeeze", code=2).stderr
    assert "jaxprior[convert]" in error and error.count("\n") == 1 and left(registry.folder()) == []


def test_a_name_that_is_not_known_is_refused():
    error = call("priors", "get", "vgg17", code=2).stderr
    assert "vgg16, vgg19, alexnet, squeezenet" in error and error.count("\n") == 1


def test_known_files_are_described_exactly():
    for name, network in NETWORKS.items():
        assert network.page.startswith("https://") and network.licence and network.title
        for file in network.files:
            assert file.url.startswith("https://") and file.url.endswith(file.name) and file.size > 1000, name
            assert len(file.sha256) == (8 if name == "inception-torchvision" else 64)
            if "download.pytorch.org" in file.url or name == "inception":  # their names carry the first digits
                assert file.name.endswith(f"-{file.sha256[:8]}.pth")
    assert "LPIPS-style" in NETWORKS["lpips-squeeze"].title


def test_known_heads_lie_on_known_networks():
    for name, network in NETWORKS.items():
        if len(network.files) == 2:
            assert (network.files[0],) in [one.files for one in NETWORKS.values()], name
            assert "--onto" in registry.missing(name)


def test_known_hashes_are_those_of_the_files_at_hand(shared):
    files, folder = NETWORKS["lpips-squeeze"].files, shared / "weights"
    paths = (folder / "squeezenet11_imagenet" / files[0].name, folder / "lpips_lin" / "v0.1__squeeze.pth")
    for file, path in zip(files, paths, strict=True):
        data = path.read_bytes()
        assert (file.size, file.sha256) == (len(data), hashlib.sha256(data).hexdigest())


def test_the_folder_is_the_platforms_unless_told_otherwise(monkeypatch, tmp_path):
    monkeypatch.setenv("JAXPRIOR_DATA", str(tmp_path))
    assert registry.folder() == tmp_path / "networks" and registry.installed() == {}
    monkeypatch.delenv("JAXPRIOR_DATA")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    monkeypatch.setattr(sys, "platform", "linux")
    assert registry.folder() == tmp_path / "xdg" / "jaxprior" / "networks"
    monkeypatch.delenv("XDG_DATA_HOME")
    assert registry.folder() == Path.home() / ".local" / "share" / "jaxprior" / "networks"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert registry.folder() == Path.home() / "Library" / "Application Support" / "jaxprior" / "networks"
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    assert registry.folder() == tmp_path / "local" / "jaxprior" / "networks"
