"""Feature networks from foreign files: every tensor where it belongs, and hostile HDF5 files refused."""

import sys
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from foreign_features import (
    random_heads,
    squeezenet_layers,
    squeezenet_tree,
    vgg_state,
    vgg_tree,
    write_heads,
    write_keras,
)
from foreign_files import refused
from tiny_prior import write_tiny_prior

from jaxprior.weights.features import load_features
from jaxprior.weights.storage import load_weights, read_card, save_weights
from jaxprior.weights.tree import flatten
from weights_convert import convert, hdf5
from weights_convert.__main__ import main


def save(path: Path, state: dict[str, np.ndarray]) -> Path:
    """Save named arrays as a foreign safetensors file."""
    safetensors.numpy.save_file({key: np.asarray(array, order="C") for key, array in state.items()}, path)
    return path


def assert_tree(path: Path, expected: dict) -> None:
    tree, expected = flatten(load_weights(path)[0]["network"]), flatten(expected)
    assert sorted(tree) == sorted(expected)
    for name, array in expected.items():
        np.testing.assert_array_equal(tree[name], array, err_msg=name)


# VGG.


@pytest.mark.parametrize("network, convolutions, layers", [("vgg16", 13, 30), ("vgg19", 16, 36)])
def test_every_tensor_of_a_vgg_is_where_it_belongs(network, convolutions, layers, tmp_path):
    state = vgg_state(network)
    tail = {f"classifier.{i}.{kind}": np.ones(2, np.float32) for i in (0, 3, 6) for kind in ("weight", "bias")}
    out = tmp_path / "out.safetensors"
    report = convert(save(tmp_path / "v.st", {**state, **tail}), out, licence="BSD-3-Clause")
    assert_tree(out, vgg_tree(state))
    assert (report.network, report.config) == (network, {"convolutions": convolutions})
    assert report.left_out == ("classifier (6 tensors)",) and report.tensors == 2 * convolutions
    for words in (network, f"{convolutions} of {convolutions} convolutions (features[:{layers}])", "classifier (6"):
        assert words in str(report)
    card = read_card(out)
    assert card["architecture"] == network and card["licence"] == "BSD-3-Clause" and card["name"] == "out"


def test_pytorch_files_of_a_vgg_are_read(tmp_path):
    torch = pytest.importorskip("torch")
    state = vgg_state("vgg19", last=16)
    torch.save({f"module.{key}": torch.tensor(array) for key, array in state.items()}, tmp_path / "v.pth")
    assert convert(tmp_path / "v.pth", tmp_path / "v.safetensors").network == "vgg19"
    assert_tree(tmp_path / "v.safetensors", vgg_tree(state))


def test_a_head_converts_and_remembers_its_depth(tmp_path):
    """VGG-19 up to conv3_1: so far both networks are alike, so the user says which it is."""
    path, out = save(tmp_path / "head.st", vgg_state("vgg19", last=10)), tmp_path / "head.safetensors"
    assert "--network vgg16" in refused(path, words="fit vgg16 and vgg19 alike")
    report = convert(path, out, network="vgg19")
    assert report.config == {"convolutions": 5} and "5 of 16 convolutions (features[:12])" in str(report)
    assert load_features(out, cut=12)(np.zeros((1, 8, 8, 3), np.float32)).shape == (1, 2, 2, 256)
    with pytest.raises(ValueError, match=r"holds vgg19 as deep as features\[:12\], cut = 16 goes deeper"):
        load_features(out)
    full = save(tmp_path / "v.st", vgg_state("vgg16", last=17))
    refused(full, words="not those of vgg19", network="vgg19")


@pytest.mark.parametrize(
    "edit, words",
    [
        (
            lambda s: {k: a for k, a in s.items() if k != "features.5.weight"},
            "features.5.weight is missing, expected (128, 64, 3, 3)",
        ),
        (
            lambda s: {k: a for k, a in s.items() if k != "features.17.bias"},
            "features.17.bias is missing, expected (512,)",
        ),
        (
            lambda s: {**s, "features.5.weight": s["features.7.weight"]},
            "features.5.weight has shape (128, 128, 3, 3), expected (128, 64, 3, 3)",
        ),
        (lambda s: {**s, "features.5.weight": np.ones(3, np.float32)}, "features.5.weight has shape (3,)"),
        (lambda s: {**s, "features.3.weight": s["features.2.weight"]}, "features.3.weight is not expected"),
        (lambda s: {**s, "features.1.running_mean": np.ones(64, np.float32)}, "'features.1.running_mean' is no part"),
        (lambda s: {**s, "extra": np.ones(64, np.float32)}, "'extra' is no part of a VGG"),
        (lambda s: {**s, "features.0.bias": np.arange(64)}, "data type int64"),
        (lambda s: {**s, "features.0.bias": np.full(64, np.inf, np.float32)}, "infinite"),
    ],
)
def test_state_dicts_that_do_not_fit_are_refused(edit, words, tmp_path):
    path, out = save(tmp_path / "v.st", edit(vgg_state("vgg16", last=17))), tmp_path / "v.safetensors"
    with pytest.raises(ValueError) as caught:
        convert(path, out)
    assert words in str(caught.value) and not out.exists()


def test_the_normalised_vgg19_of_style_transfer_is_another_network(shared, tmp_path):
    source = shared / "weights" / "vgg19_conv3_1_normalised" / "vgg_normalised_conv3_1.pth"
    with pytest.raises(ValueError, match="not those of a known network"):
        convert(source, tmp_path / "x.safetensors")


# SqueezeNet and the linear layers of LPIPS.


@pytest.mark.parametrize("names", [("kernel:0", "bias:0"), ("uniform2", "deep/inside/conv_b")])
def test_every_array_of_a_squeezenet_is_where_it_belongs(names, tmp_path):
    pytest.importorskip("h5py")
    layers = squeezenet_layers()
    top = {"conv10": (np.ones((1, 1, 512, 10), np.float32), np.ones(10, np.float32))}
    path = write_keras(tmp_path / "s.h5", {**layers, **top}, kernel=names[0], bias=names[1])
    report = convert(path, tmp_path / "s.safetensors")
    assert_tree(tmp_path / "s.safetensors", squeezenet_tree(layers))
    assert report.format == "HDF5" and report.network == "squeezenet" and report.tensors == 50
    assert set(report.left_out) == {f"conv10/{name}" for name in names}
    assert "25 convolutions" in str(report)


@pytest.fixture
def converted(tmp_path) -> Path:
    """A converted SqueezeNet with random weights."""
    path = tmp_path / "squeezenet.safetensors"
    card = {"name": "squeezenet", "architecture": "squeezenet", "source": "s.h5", "licence": "MIT"}
    save_weights(path, {"network": squeezenet_tree(squeezenet_layers())}, card)
    return path


def test_heads_are_put_onto_a_converted_squeezenet(converted, tmp_path):
    out = tmp_path / "lpips.safetensors"
    report = convert(write_heads(tmp_path / "squeeze.pth", random_heads()), out, onto=converted)
    heads = {f"head{k}": head for k, head in enumerate(random_heads())}
    assert_tree(out, {"features": squeezenet_tree(squeezenet_layers()), **heads})
    card = read_card(out)
    assert card["architecture"] == "lpips-squeeze" and card["title"] == "LPIPS-style (SqueezeNet, Caffe weights)"
    assert card["onto"]["sha256"] == read_card(converted)["sha256"] and "onto squeezenet" in str(report)
    assert load_features(out).label == card["title"]


def test_heads_that_do_not_fit_are_refused(converted, tmp_path):
    heads = random_heads()
    path = write_heads(tmp_path / "squeeze.pth", heads)
    assert "`--onto squeezenet.safetensors`" in refused(path, words="heads for squeezenet")
    refused(path, words="expected a converted squeezenet, got pggan", onto=write_tiny_prior(tmp_path / "t.safetensors"))
    refused(path, words="cannot be read", onto=tmp_path / "none.safetensors")
    other = write_heads(tmp_path / "alex.pth", heads[:5])
    sentence = refused(other, words="5 linear layers of LPIPS (1x64x1x1 1x128x1x1 ", onto=converted)
    assert "expected one of alex.pth (64 192 384 256 256 channels), vgg.pth" in sentence
    refused(write_heads(tmp_path / "n.pth", [-head for head in heads]), words="negative weights", onto=converted)
    vgg = save(tmp_path / "v.st", vgg_state("vgg16", last=17))
    refused(vgg, words="a whole network (vgg16) is not put onto another", onto=converted)
    with pytest.raises(ValueError, match="expected a file that ends in .safetensors"):
        convert(path, converted, onto=converted)


@pytest.mark.parametrize(
    "edit, words",
    [
        (lambda f: f.__delitem__("fire5/expand1x1/bias:0"), "fire5/expand1x1/bias: missing"),
        (lambda f: f.create_dataset("fire5/expand1x1/more", data=np.ones(3, np.float32)), "has two bias arrays"),
        (lambda f: f.create_dataset("fire10/x", data=np.ones(3, np.float32)), "'fire10/x' is no part"),
        (lambda f: f.create_dataset("a\x1b[2Jb", data=np.ones(3, np.float32)), "'a?[2Jb' is no part"),
        (lambda f: f.__delitem__("conv1"), "not those of a known network"),
    ],
)
def test_squeezenets_that_do_not_fit_are_refused(edit, words, tmp_path):
    h5py = pytest.importorskip("h5py")
    path = write_keras(tmp_path / "s.h5", squeezenet_layers())
    with h5py.File(path, "a") as file:
        edit(file)
    with pytest.raises(ValueError) as caught:
        convert(path, tmp_path / "s.safetensors")
    assert words in str(caught.value) and not (tmp_path / "s.safetensors").exists()


# Hostile HDF5.


def hostile(path: Path, edit) -> Path:
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        file["plain"] = np.ones(3, np.float32)
        edit(h5py, file)
    return path


def _cycle(h5py, file):
    loop = file.create_group("loop")
    loop["again"] = loop


def _virtual(h5py, file):
    layout = h5py.VirtualLayout((4,), np.float32)
    layout[:] = h5py.VirtualSource("other.h5", "x", (4,))
    file.create_virtual_dataset("virtual", layout)


def _crowd(h5py, file):
    for i in range(10_001):
        file[f"g{i}"] = file["plain"]  # hard links cost next to nothing


def _repeated(h5py, file):
    file["big"] = np.ones(1000, np.float32)
    for i in range(20):
        file[f"same{i}"] = file["big"]


HOSTILE = {
    "external link": (lambda h, f: f.__setitem__("x", h.ExternalLink("secret", "/")), "link to another file"),
    "soft link": (lambda h, f: f.__setitem__("x", h.SoftLink("/plain")), "link by name"),
    "dangling link": (lambda h, f: f.__setitem__("x", h.SoftLink("/none")), "link by name"),
    "bytes elsewhere": (
        lambda h, f: f.create_dataset("x", (4,), np.float32, external=[("secret", 0, 16)]),
        "lies in other files",
    ),
    "virtual": (_virtual, "lies in other files"),
    "huge": (lambda h, f: f.create_dataset("x", (1 << 40,), np.float32, chunks=(1024,)), "does not hold"),
    "unwritten": (lambda h, f: f.create_dataset("x", (1 << 20,), np.float32), "does not hold"),
    "compressed": (lambda h, f: f.create_dataset("x", data=np.zeros(9, "f4"), compression="gzip"), "is compressed"),
    "repeated": (_repeated, "does not hold"),
    "integers": (lambda h, f: f.create_dataset("x", data=np.arange(4)), "data type int64"),
    "texts": (lambda h, f: f.create_dataset("x", data=["a", "b"]), "data type object"),
    "references": (lambda h, f: f.create_dataset("x", (2,), h.ref_dtype), "data type object"),
    "records": (lambda h, f: f.create_dataset("x", (2,), np.dtype([("a", "f4")])), "data type"),
    "nothing": (lambda h, f: f.create_dataset("x", data=h.Empty("f4")), "data type float32"),
    "named type": (lambda h, f: f.__setitem__("x", np.dtype("f4")), "neither an array nor a group"),
    "cycle": (_cycle, "more than 16 deep"),
    "deep": (lambda h, f: f.create_group("/".join("abcdefghijklmnopqrst")), "more than 16 deep"),
    "crowd": (_crowd, "more than 10000 objects"),
    "dimensions": (lambda h, f: f.create_dataset("x", data=np.ones((1,) * 9, np.float32)), "9 dimensions"),
    "empty": (lambda h, f: f.__delitem__("plain"), "without arrays"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_hdf5_files_are_refused(name, tmp_path):
    edit, words = HOSTILE[name]
    path = hostile(tmp_path / "x.h5", edit)
    assert "\n" not in refused(path, words=words)


def test_damaged_hdf5_files_are_refused(tmp_path):
    """Cut anywhere or with bytes changed: one sentence, or the same network where the byte meant nothing."""
    pytest.importorskip("h5py")
    data = write_keras(tmp_path / "s.h5", squeezenet_layers()).read_bytes()
    path, out = tmp_path / "damaged.h5", tmp_path / "out.safetensors"
    for length in (8, 9, 96, 2048, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:length])
        refused(path, words="HDF5")
    random = np.random.default_rng(0)
    refusals = 0
    for _ in range(15):
        damaged = bytearray(data)
        for place in random.integers(0, 40_000, 40):
            damaged[place] = random.integers(256)
        path.write_bytes(damaged)
        try:
            convert(path, out)
        except ValueError as error:
            refusals += 1
            assert str(error).startswith(str(path))
    assert refusals > 8


def _child(monkeypatch, tmp_path, program: str) -> None:
    """Let this program stand for the process that reads HDF5 files."""
    child = tmp_path / "child.py"
    child.write_text(program)
    monkeypatch.setattr(hdf5, "_CHILD", child)


def test_the_library_may_crash_or_hang_without_harm(tmp_path, monkeypatch):
    path = hostile(tmp_path / "x.h5", lambda h, f: None)
    _child(monkeypatch, tmp_path, "import os; os.abort()")
    refused(path, words="the library that reads it broke down")
    _child(monkeypatch, tmp_path, "import time; time.sleep(60)")
    monkeypatch.setattr(hdf5, "SECONDS", 0.5)
    refused(path, words="does not end")


def test_the_reading_process_has_little_memory(tmp_path, monkeypatch):
    pytest.importorskip("resource")
    path = hostile(tmp_path / "x.h5", lambda h, f: None)
    program = "from weights_convert import hdf5_child; hdf5_child.limit(0); bytearray(hdf5_child.MEMORY)"
    monkeypatch.setenv("PYTHONPATH", str(Path(hdf5.__file__).parents[1]))
    _child(monkeypatch, tmp_path, program)
    refused(path, words="MemoryError")


def test_without_h5py_one_sentence_says_what_to_install(tmp_path, monkeypatch):
    path = hostile(tmp_path / "x.h5", lambda h, f: None)
    monkeypatch.setitem(sys.modules, "h5py", None)
    assert "jaxprior[convert]" in refused(path, words="need h5py")


# The commands.


def test_the_commands_take_networks_and_heads(converted, tmp_path, capsys):
    from typer.testing import CliRunner

    from jaxprior.cli import app

    heads = write_heads(tmp_path / "squeeze.pth", random_heads())
    out = tmp_path / "lpips.safetensors"
    assert main([str(heads), "-o", str(out), "--onto", str(converted)]) == 0
    assert "LPIPS-style (SqueezeNet, Caffe weights)" in capsys.readouterr().out
    assert main([str(heads), "-o", str(out)]) == 1 and "--onto" in capsys.readouterr().err
    head, out = save(tmp_path / "h.st", vgg_state("vgg16", last=5)), tmp_path / "h.safetensors"
    done = CliRunner().invoke(app, ["convert", str(head), "-o", str(out), "--network", "vgg16"])
    assert done.exit_code == 0 and "3 of 13 convolutions" in done.stdout
    out = tmp_path / "again.safetensors"
    done = CliRunner().invoke(app, ["convert", str(heads), "-o", str(out), "--onto", str(converted)])
    assert done.exit_code == 0 and out.exists()
