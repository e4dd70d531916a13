"""Foreign checkpoints become the networks that they were: by index-by-index rules, by PyTorch's own reading of the
same files, and by the images that public implementations made with the same weights (tests/golden).
"""

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from foreign_files import (
    Negated,
    in_genforce_names,
    pggan_state,
    pggan_tree,
    refused,
    tensor_program,
    torch_legacy,
    torch_pickled,
    torch_zip,
)

from jaxprior import load_prior
from jaxprior.errors import WeightsError
from jaxprior.models.pggan import networks as pggan
from jaxprior.weights.storage import load_weights, read_card
from jaxprior.weights.tree import flatten
from weights_convert import convert, pytorch
from weights_convert.__main__ import main


FORMATS = {"zip": True, "legacy": False}
FORMS = ["plain", "fused"]


def save(path: Path, value, *, zip_format: bool = True) -> Path:
    """Save with PyTorch; arrays in nested dicts become tensors."""
    torch = pytest.importorskip("torch")

    def tensors(item):
        if isinstance(item, dict):
            return {key: tensors(inner) for key, inner in item.items()}
        return torch.tensor(item) if isinstance(item, np.ndarray) else item

    torch.save(tensors(value), path, _use_new_zipfile_serialization=zip_format)
    return path


def save_flat(path: Path, state: dict[str, np.ndarray]) -> Path:
    """Save named arrays as a foreign safetensors file: for tests that PyTorch's formats do not matter to."""
    safetensors.numpy.save_file({key: np.asarray(array, order="C") for key, array in state.items()}, path)
    return path


def numpy(value):
    """What PyTorch loaded, with arrays in place of tensors (bfloat16 as float32)."""
    import torch

    if isinstance(value, torch.Tensor):
        value = value.detach()
        return value.float().numpy() if value.dtype == torch.bfloat16 else value.numpy()
    if isinstance(value, dict):
        return {key: numpy(inner) for key, inner in value.items()}
    return [numpy(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def assert_same(ours, theirs) -> int:
    """Equal in structure, data types and values; returns the number of arrays."""
    if isinstance(theirs, dict):
        assert list(ours) == list(theirs)
        return sum(assert_same(ours[key], theirs[key]) for key in theirs)
    if isinstance(theirs, list):
        assert len(ours) == len(theirs)
        return sum(assert_same(*pair) for pair in zip(ours, theirs, strict=True))
    if isinstance(theirs, np.ndarray):
        assert isinstance(ours, np.ndarray)
        ours = ours.astype(np.float32) if ours.dtype.name == "bfloat16" else ours
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)
        return 1
    assert ours == theirs
    return 0


def read(path: Path):
    data = path.read_bytes()
    return pytorch.read_zip(data) if data[:2] == b"PK" else pytorch.read_legacy(data)


# Reading PyTorch's files.


@pytest.mark.parametrize("zip_format", FORMATS.values(), ids=FORMATS)
def test_files_read_as_pytorch_reads_them(zip_format, tmp_path):
    torch = pytest.importorskip("torch")
    base = torch.arange(60, dtype=torch.float32).reshape(3, 4, 5)
    half = torch.linspace(-2, 2, 24).half()
    value = {
        "state_dict": {
            "plain": base,
            "transposed": base.permute(2, 0, 1),
            "sliced": base[1:, ::2, 1:4],
            "last": base[2, 3, 4],
            "shared": base.view(-1)[7:19],
            "half": half,
            "half_strided": half.view(4, 6).t()[::2],
            "bfloat16": torch.linspace(-3, 3, 11).bfloat16(),
            "double": torch.linspace(0, 1, 5, dtype=torch.float64),
            "integers": torch.arange(-3, 4),
            "bytes": torch.arange(5, dtype=torch.uint8),
            "flags": torch.tensor([True, False, True]),
            "empty": torch.zeros(0, 3),
            "scalar": torch.tensor(1.5),
            "parameter": torch.nn.Parameter(torch.ones(2, 3)),
        },
        "epoch": 7,
        "shape": torch.Size([1, 2]),
        "note": ("α", None, True, 2.5, [1, 2]),
    }
    path = tmp_path / "file.pth"
    torch.save(value, path, _use_new_zipfile_serialization=zip_format)
    theirs = numpy(torch.load(path, weights_only=True))
    ours = read(path)
    assert assert_same({**ours, "shape": list(ours["shape"]), "note": [*ours["note"]]}, theirs) == 15


@pytest.mark.parametrize("zip_format", FORMATS.values(), ids=FORMATS)
def test_modules_and_their_metadata_read_as_state_dicts(zip_format, tmp_path):
    torch = pytest.importorskip("torch")
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    path = tmp_path / "file.pth"
    torch.save(module.state_dict(), path, _use_new_zipfile_serialization=zip_format)
    assert assert_same(read(path), numpy(module.state_dict())) == 7


@pytest.mark.parametrize("zip_format", FORMATS.values(), ids=FORMATS)
def test_whole_modules_are_refused(zip_format, tmp_path):
    torch = pytest.importorskip("torch")
    path = tmp_path / "file.pth"
    torch.save(torch.nn.Conv2d(3, 4, 3), path, _use_new_zipfile_serialization=zip_format)
    refused(path, words="'torch.nn.modules.conv Conv2d', which is not on the allow-list")


def test_the_device_that_a_file_was_saved_from_is_ignored(tmp_path):
    values = np.arange(6, dtype=np.float32)
    for location in ("cuda:0", "cuda:7", "mps", "xla:1"):
        program = tensor_program(location=location)
        archive = torch_zip(program, {"0": values.tobytes()})
        older = torch_legacy(tensor_program(location=location, legacy=True), {"0": (6, values.tobytes())})
        for ours in (pytorch.read_zip(archive), pytorch.read_legacy(older)):
            np.testing.assert_array_equal(ours["w"], values.reshape(2, 3))


def test_real_checkpoints_read_as_pytorch_reads_them(shared):
    torch = pytest.importorskip("torch")
    files = sorted((shared / "weights").rglob("*.pth"))
    assert len(files) > 30
    arrays = 0
    for path in files:
        arrays += assert_same(read(path), numpy(torch.load(path, weights_only=True, map_location="cpu")))
    assert arrays > 400


# PGGAN from PyTorch.


@pytest.mark.parametrize("zip_format", FORMATS.values(), ids=FORMATS)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("names", ["mganprior", "genforce"])
def test_every_tensor_of_a_pytorch_generator_is_where_it_belongs(names, form, zip_format, tmp_path):
    state = pggan_state(16, fused=form == "fused")
    saved = state if names == "mganprior" else in_genforce_names(state)
    report = convert(save(tmp_path / "g.pth", saved, zip_format=zip_format), tmp_path / "g.safetensors")
    params, card = load_weights(tmp_path / "g.safetensors")
    if (names, form) == ("genforce", "fused"):
        assert state["layer4.weight"].shape[2:] == (32, 16)  # the widths change once, which tells the layout
    tree = flatten(params["generator"])
    expected = pggan_tree(state)
    assert sorted(tree) == sorted(expected) and list(params) == ["generator"]
    for name, array in expected.items():
        np.testing.assert_array_equal(tree[name], array, err_msg=name)
    upsample = "fused" if form == "fused" else "nearest"
    assert card["config"] == {
        "resolution": 16,
        "latent_dim": 32,
        "widths": [32, 32, 16],
        "image_channels": 3,
        "upsample": upsample,
    }
    assert report.config == card["config"] and report.tensors == len(expected) and report.left_out == ("lod = 0",)


def test_equal_widths_are_taken_for_the_plain_form(tmp_path):
    state = pggan_state(8)
    assert state["layer2.conv.weight"].shape == (32, 32, 3, 3)
    report = convert(save_flat(tmp_path / "g.st", in_genforce_names(state)), tmp_path / "g.safetensors")
    assert report.config["upsample"] == "nearest"
    tree = flatten(load_weights(tmp_path / "g.safetensors")[0]["generator"])
    np.testing.assert_array_equal(tree["layer2/kernel"], pggan_tree(state)["layer2/kernel"])


def test_grey_generators_and_other_sizes_are_recognised(tmp_path):
    state = pggan_state(32, channels=1, latent=24, fmaps_base=128, fmaps_max=20)
    report = convert(
        save_flat(tmp_path / "g.st", state), tmp_path / "g.safetensors", name="grey", licence="MIT"
    )
    config = report.config
    assert (config["resolution"], config["latent_dim"], config["image_channels"]) == (32, 24, 1)
    assert config["widths"] == [20, 16, 8, 4]
    card = read_card(tmp_path / "g.safetensors")
    assert card["name"] == "grey" and card["licence"] == "MIT" and card["source"] == "g.st"
    assert card["architecture"] == "pggan" and len(card["sha256_source"]) == 64


def test_envelopes_are_opened_and_the_moving_average_is_preferred(tmp_path):
    smooth = pggan_state(8)
    raw = {key: array + np.float32(key != "lod") for key, array in smooth.items()}
    discriminator = {"input0.weight": np.ones((4, 3, 1, 1), np.float32)}
    envelopes = [
        {"generator_smooth": smooth, "generator": raw, "discriminator": discriminator, "step": 7},
        {
            "models": {"generator": raw, "generator_smooth": smooth},
            "optimizer": {"state": {0: {"m": smooth["lod"]}}},
        },
        {"state_dict": {f"module.{key}": array for key, array in smooth.items()}, "epoch": 3},
        {"g_ema": smooth, "g": raw},
    ]
    for index, envelope in enumerate(envelopes):
        out = tmp_path / f"{index}.safetensors"
        report = convert(save(tmp_path / f"{index}.pth", envelope), out)
        tree = flatten(load_weights(out)[0]["generator"])
        np.testing.assert_array_equal(tree["layer1/kernel"], pggan_tree(smooth)["layer1/kernel"])
        if index != 2:
            assert "moving average" in report.used
        left_out = {0: "discriminator", 1: "models.generator", 2: "epoch", 3: "g"}
        assert left_out[index] in report.left_out


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_data_types_are_kept_and_double_becomes_single(dtype, tmp_path):
    torch = pytest.importorskip("torch")
    state = {key: torch.tensor(array).to(getattr(torch, dtype)) for key, array in pggan_state(8).items()}
    torch.save(state, tmp_path / "g.pth")
    convert(tmp_path / "g.pth", tmp_path / "g.safetensors")
    kernel = load_weights(tmp_path / "g.safetensors")[0]["generator"]["layer1"]["kernel"]
    assert kernel.dtype.name == ("float32" if dtype == "float64" else dtype)
    expected = state["layer1.conv.weight"].permute(2, 3, 1, 0).float().numpy()
    np.testing.assert_array_equal(kernel.astype(np.float32), expected)


def test_a_tensor_that_is_marked_as_negated_has_its_own_sign(tmp_path):
    state = pggan_state(8)
    marked = {**state, "layer1.conv.weight": state["layer1.conv.weight"].view(Negated)}
    for name, saved in (("plain", state), ("marked", marked)):
        (tmp_path / f"{name}.pth").write_bytes(torch_pickled(saved))
        convert(tmp_path / f"{name}.pth", tmp_path / f"{name}.safetensors")
    plain, mended = (load_weights(tmp_path / f"{name}.safetensors")[0]["generator"] for name in ("plain", "marked"))
    np.testing.assert_array_equal(mended["layer1"]["kernel"], plain["layer1"]["kernel"])


def test_foreign_safetensors_files_convert_as_well(tmp_path):
    state = pggan_state(8)
    safetensors.numpy.save_file(state, tmp_path / "g.safetensors")
    report = convert(tmp_path / "g.safetensors", tmp_path / "ours.safetensors")
    assert report.format == "safetensors"
    tree = flatten(load_weights(tmp_path / "ours.safetensors")[0]["generator"])
    np.testing.assert_array_equal(tree["layer0/kernel"], pggan_tree(state)["layer0/kernel"])


def test_safetensors_whose_header_begins_like_a_pickle_are_no_pickles(tmp_path):
    path = save_flat(tmp_path / "g.st", pggan_state(8))
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    padding = b" " * ((0x80 - length) % 256)
    path.write_bytes(
        (length + len(padding)).to_bytes(8, "little") + data[8 : 8 + length] + padding + data[8 + length :]
    )
    assert path.read_bytes()[:1] == b"\x80"
    assert convert(path, tmp_path / "g.safetensors").format == "safetensors"


# What does not fit is refused, with what was found and what was expected.


def change(key: str, value):
    return lambda state: {**state, key: value}


def without(state: dict, key: str) -> dict:
    return {name: array for name, array in state.items() if name != key}


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda s: without(s, "layer3.conv.weight"), "layer3.conv.weight is missing, expected (32, 32, 3, 3)"),
        (lambda s: without(s, "layer2.conv.weight"), "layer2.conv.weight is missing, expected (32, 32, 3, 3)"),
        (lambda s: without(s, "layer1.wscale.bias"), "layer1.wscale.bias is missing"),
        (lambda s: without(s, "output1.wscale.bias"), "output1.wscale.bias is missing, expected (3,)"),
        (lambda s: {k: a for k, a in s.items() if not k.startswith("output1")}, "1 image layers"),
        (
            change("layer1.conv.weight", np.ones((32, 32, 5, 5), np.float32)),
            "layer1.conv.weight has shape (32, 32, 5, 5), expected (32, 32, 3, 3)",
        ),
        (change("layer1.conv.weight", np.ones((32, 32), np.float32)), "layer1.conv.weight has shape (32, 32)"),
        (change("layer0.conv.weight", np.ones((32, 32), np.float32)), "layer0.conv.weight has shape (32, 32)"),
        (
            change("layer2.conv.weight", np.ones((32, 31, 3, 3), np.float32)),
            "layer2.conv.weight has shape (32, 31, 3, 3), expected (32, 32, 3, 3)",
        ),
        (change("layer9.conv.weight", np.ones((32, 32, 3, 3), np.float32)), "layer9.conv.weight is not expected"),
        (change("mapping.weight", np.ones(3, np.float32)), "'mapping.weight' is no part"),
        (change("layer1.wscale.bias", np.arange(32)), "layer1.wscale.bias has data type int64"),
        (change("layer1.wscale.bias", np.full(32, np.nan, np.float32)), "layer1.wscale.bias holds 32 values"),
        (change("layer1.wscale.bias", np.full(32, 1e300)), "layer1.wscale.bias holds 32 values that are NaN or inf"),
    ],
)
def test_state_dicts_that_do_not_fit_are_refused(edit, words, tmp_path):
    path = save_flat(tmp_path / "g.st", edit(pggan_state(8)))
    out = tmp_path / "g.safetensors"
    with pytest.raises(WeightsError) as caught:
        convert(path, out)
    assert words in str(caught.value) and not out.exists()
    assert len(str(caught.value).splitlines()) <= 15


def test_unknown_networks_show_their_names(tmp_path):
    path = save_flat(tmp_path / "vgg.st", {f"features.{i}.weight": np.ones(2, np.float32) for i in range(9)})
    message = refused(path, words="features.0.weight, features.1.weight")
    assert "9 tensors" in message and "pggan" in message and len(message) < 500
    refused(path, words="unknown network 'stylegan'", network="stylegan")
    refused(path, words="not those of pggan", network="pggan")
    odd = save_flat(tmp_path / "odd.st", {"a\x1b[2J\n": np.ones(2, np.float32)})
    assert "\x1b" not in refused(odd, words="a?[2J?")


def test_other_files_are_refused(tmp_path):
    for name, data in {
        "empty": b"",
        "text": b"hello",
        "hdf5": b"\x89HDF\r\n\x1a\n" + b"\0" * 64,
        "png": b"\x89PNG\r\n\x1a\n" + b"\0" * 64,
        "header": b"\x10\0\0\0\0\0\0\0{",
    }.items():
        path = tmp_path / name
        path.write_bytes(data)
        refused(path, words=str(path))
    refused(tmp_path / "none.pth", words="cannot be read")
    refused(save(tmp_path / "list.pth", [1, 2, 3]), words="without a state dict")


def test_the_output_is_a_new_safetensors_file(tmp_path):
    path = save_flat(tmp_path / "g.st", pggan_state(8))
    for out in (tmp_path / "g.npz", path):
        with pytest.raises(WeightsError, match="ends in .safetensors"):
            convert(path, out)
    with pytest.raises(WeightsError, match="cannot be written"):
        convert(path, tmp_path / "none" / "g.safetensors")


# The command, and what it does not need.


def test_the_command_converts_and_refuses_in_one_line(tmp_path, capsys):
    path, out = save_flat(tmp_path / "g.st", pggan_state(8)), tmp_path / "g.safetensors"
    assert main([str(path), "-o", str(out), "--name", "tiny", "--licence", "CC0", "--network", "pggan"]) == 0
    printed = capsys.readouterr().out
    for words in ("safetensors", "8x8", "pggan", "32 32", "lod = 0", str(out), "12 tensors"):
        assert words in printed
    assert read_card(out)["name"] == "tiny"
    assert main([str(tmp_path / "none.st"), "-o", str(out)]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ") and len(error.splitlines()) == 1
    with pytest.raises(SystemExit) as caught:
        main([str(path)])
    assert caught.value.code == 2


def test_the_converter_needs_neither_torch_nor_tensorflow(tmp_path):
    path = tmp_path / "x.pth"
    path.write_bytes(torch_zip(tensor_program(), {"0": np.arange(6, dtype=np.float32).tobytes()}))
    program = (
        "import sys; from weights_convert import pytorch; from pathlib import Path; import weights_convert;"
        f"print(pytorch.read_zip(Path({str(path)!r}).read_bytes())['w'].sum());"
        "assert not {'torch', 'tensorflow', 'h5py'} & set(sys.modules)"
    )
    root = Path(__file__).parents[2]
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0 and result.stdout == "15.0\n", result.stderr


def test_reports_are_frozen(tmp_path):
    report = convert(save_flat(tmp_path / "g.st", pggan_state(8)), tmp_path / "g.safetensors")
    with pytest.raises(dataclasses.FrozenInstanceError):
        report.network = "other"


# The whole way: a foreign file becomes a prior that makes the public implementation's images.


@pytest.mark.parametrize("zip_format", FORMATS.values(), ids=FORMATS)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("resolution", [8, 16, 32])
def test_a_converted_prior_makes_the_golden_images(resolution, form, zip_format, golden, tmp_path):
    state = pggan_state(resolution, fused=form == "fused")
    out = tmp_path / "g.safetensors"
    convert(save(tmp_path / "g.pth", state, zip_format=zip_format), out)
    arrays = golden("pggan_tiny")
    prior = load_prior(out)
    assert (prior.resolution, prior.latent_dim) == (resolution, 32)
    images = np.asarray(prior.generate(arrays["z"]))
    expected = arrays[f"res{resolution}_{form}"].transpose(0, 2, 3, 1)
    np.testing.assert_allclose(images, expected, rtol=0, atol=2e-5)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("resolution", [8, 16, 32])
def test_a_converted_generator_makes_the_golden_images(resolution, form, golden, tmp_path):
    """The same without `priors`: only the name map and the network."""
    state = pggan_state(resolution, fused=form == "fused")
    safetensors.numpy.save_file(state, tmp_path / "foreign.safetensors")
    convert(tmp_path / "foreign.safetensors", tmp_path / "g.safetensors")
    params, card = load_weights(tmp_path / "g.safetensors")
    arrays = golden("pggan_tiny")
    images = pggan.Generator(widths=tuple(card["config"]["widths"]), latent_dim=32).apply(
        {"params": params["generator"]}, arrays["z"]
    )
    expected = arrays[f"res{resolution}_{form}"].transpose(0, 2, 3, 1)
    np.testing.assert_allclose(images, expected, rtol=0, atol=2e-5)
