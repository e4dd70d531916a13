"""What people give to the converter that is no checkpoint of its: each is told what it is, in one sentence."""

import io
import os
import tarfile
import zipfile

import numpy as np
import pytest
import safetensors.numpy
from foreign_features import vgg_state, write_keras
from foreign_files import pggan_state, refused, tensor_program, torch_pickled, torch_zip
from tiny_prior import write_tiny_prior

from jaxprior import load_prior
from jaxprior.errors import WeightsError
from jaxprior.weights.priors import build_prior
from jaxprior.weights.storage import load_weights, save_weights
from weights_convert import convert


def zipped(*names: str, compressed: bool = False) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED) as archive:
        for name in names:
            archive.writestr(name, b"x" * 100)
    return buffer.getvalue()


def tarred(name: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo(name))
    return buffer.getvalue()


def numpy_saved(save, *arguments) -> bytes:
    buffer = io.BytesIO()
    save(buffer, *arguments)
    return buffer.getvalue()


FILES = {
    "empty.pth": (b"", "the file is empty"),
    "script.pt": (
        zipped("m/data.pkl", "m/constants.pkl", "m/code/__torch__.py", compressed=True),
        "a TorchScript archive holds the code of a network beside its weights",
    ),
    "script2.pt": (torch_zip(tensor_program(), {"0": bytes(24)}, **{"code__a.py": b"x"}), "a TorchScript archive"),
    "package.pt": (zipped("p/.data/extern_modules", "p/net.py"), "an archive of torch.package"),
    "program.pt2": (zipped("archive/models/model.json", "archive/version"), "a program of torch.export"),
    "arrays.npz": (numpy_saved(np.savez, np.ones(3)), "NumPy arrays (.npz)"),
    "packed.npz": (numpy_saved(np.savez_compressed, np.ones(3)), "NumPy arrays (.npz)"),
    "array.npy": (numpy_saved(np.save, np.ones(3)), "a single NumPy array"),
    "model.keras": (zipped("config.json", "model.weights.h5", compressed=True), "a Keras model (.keras)"),
    "folder.zip": (zipped("runs/netG.pth", "runs/netD.pth", compressed=True), "a packed folder with checkpoints"),
    "old.pth": (tarred("storages"), "a tar archive: PyTorch before 0.1.10"),
    "net.onnx": (b"\x08\x07\x12\x07pytorch\x1a\x052.0.0", "an ONNX graph"),
    "unnamed": (b"\x08\x07\x12\x07pytorch\x1a\x052.0.0", "an ONNX graph"),
    "model.ckpt-7.index": (bytes(40) + (0xDB4775248B80FB57).to_bytes(8, "little"), "a part of a TensorFlow checkpoint"),
    "model.ckpt-7.data-00000-of-00001": (b"\x01" * 40, "a part of a TensorFlow checkpoint"),
    "model.ckpt-7.meta": (b"\x0a\x05" * 20, "a part of a TensorFlow checkpoint"),
    "checkpoint": (b'model_checkpoint_path: "model.ckpt-7"\n', "the index of a folder of TensorFlow checkpoints"),
    "page.pth": (b"<!DOCTYPE html><html>Sign in</html>", "a web page and not a checkpoint"),
    "pointer.pth": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a pointer of Git LFS"),
    "packed.pth.gz": (b"\x1f\x8b\x08" + bytes(30), "compressed by gzip"),
    "text.pth": (b"hello", "its content is not that of a .pth file"),
    "net.msgpack": (b"\x81\xa6params\x80", "Flax's MessagePack"),
    "cut.pth": (torch_pickled(pggan_state(8))[:-900], "damaged or truncated PyTorch archive"),
    "half.pth": (torch_pickled(pggan_state(8))[:3000], "damaged or truncated PyTorch archive"),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_each_other_file_is_told_what_it_is(name, tmp_path):
    data, words = FILES[name]
    (tmp_path / name).write_bytes(data)
    message = refused(tmp_path / name, words=words)
    assert len(message) < 500 and "\n" not in message


def test_the_common_name_of_a_tensorflow_checkpoint_is_no_file(tmp_path):
    (tmp_path / "model.ckpt-7.index").write_bytes(b"x")
    refused(tmp_path / "model.ckpt-7", words="it is a part of a TensorFlow checkpoint")


def test_cut_safetensors_and_our_own_are_told_apart(tmp_path):
    safetensors.numpy.save_file(pggan_state(8), tmp_path / "g.safetensors")
    (tmp_path / "cut.safetensors").write_bytes((tmp_path / "g.safetensors").read_bytes()[:-100])
    refused(tmp_path / "cut.safetensors", words="damaged or truncated safetensors file")
    refused(write_tiny_prior(tmp_path / "ours.safetensors"), words="it is a file of jaxprior already; use it as it is")


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("model.safetensors", "run.json"), "a training run of jaxprior; use it as it is"),
        (("data.pkl", "version", "byteorder"), "an unpacked PyTorch archive"),
        (("saved_model.pb",), "a folder with a part of a TensorFlow checkpoint"),
        (("model.ckpt-7.index", "checkpoint"), "a folder with a part of a TensorFlow checkpoint"),
        (("_METADATA", "manifest.ocdbt"), "a checkpoint folder of Orbax"),
        (("fixed_noise.pth", "G.pth", "reals.pth"), "the folder of a ConSinGAN training"),
        (("netG_10.pth", "netD_10.pth"), "give one of its files (netD_10.pth, netG_10.pth)"),
        (("NoiseAmp.pth", "reals.pth"), "Zs.pth is missing"),
        ((), "NoiseAmp.pth is missing"),
    ],
)
def test_each_other_folder_is_told_what_it_is(names, words, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in names:
        (folder / name).write_bytes(b"x")
    refused(folder, words=words)


# Networks that are nearly those that are known.


def test_other_vggs_are_told_apart(tmp_path):
    def save(state):
        safetensors.numpy.save_file(state, tmp_path / "v.st")
        return tmp_path / "v.st"

    state = vgg_state("vgg16", last=17)
    grey = {**state, "features.0.weight": state["features.0.weight"][:, :1].copy()}
    refused(save(grey), words="features.0.weight has shape (64, 1, 3, 3), expected (64, 3, 3, 3)")
    norm = {f"features.1.{kind}": np.ones(64, np.float32) for kind in ("weight", "bias", "running_mean")}
    refused(
        save({"features.0.weight": state["features.0.weight"], **norm}), words="a VGG with batch normalisation, which"
    )


@pytest.mark.parametrize("form", ["weight_v", "weight_orig", "parametrizations.weight.original"])
def test_weights_under_a_normalisation_are_told(form, tmp_path):
    state = {key.removesuffix("weight") + form if key.endswith("weight") else key: array
             for key, array in pggan_state(8).items()}  # fmt: skip
    safetensors.numpy.save_file(state, tmp_path / "g.st")
    refused(tmp_path / "g.st", words=f"stored under a normalisation of weights (layer0.conv.{form})")


def test_a_whole_keras_model_holds_its_weights_in_a_group(tmp_path):
    h5py = pytest.importorskip("h5py")
    from foreign_features import squeezenet_layers

    write_keras(tmp_path / "s.h5", {f"model_weights/{name}": pair for name, pair in squeezenet_layers().items()})
    with h5py.File(tmp_path / "s.h5", "a") as file:
        file["optimizer_weights/Adam/m"] = np.ones(3, np.float32)
    report = convert(tmp_path / "s.h5", tmp_path / "s.safetensors")
    assert report.network == "squeezenet" and any("optimizer_weights" in entry for entry in report.left_out)


# Channels.


@pytest.mark.parametrize("channels", [2, 4, 5])
def test_generators_of_other_channels_are_refused_when_converted_and_when_loaded(channels, tmp_path):
    (tmp_path / "g.pth").write_bytes(torch_pickled(pggan_state(8, channels=channels)))
    sentence = f"this generator makes images of {channels} channels; expected 3 (RGB) or 1 (grey)"
    refused(tmp_path / "g.pth", words=sentence)
    params, card = load_weights(write_tiny_prior(tmp_path / "t.safetensors"))
    for name, block in params["generator"].items():
        if name.startswith("output"):
            block["kernel"] = np.ones((1, 1, 4, channels), np.float32)
            block["bias"] = np.ones(channels, np.float32)
    card["config"]["image_channels"] = channels
    save_weights(tmp_path / "g.safetensors", params, card)
    for load in (lambda: load_prior(tmp_path / "g.safetensors"), lambda: build_prior(params, card)):
        with pytest.raises(WeightsError) as caught:
            load()
        assert sentence in str(caught.value)


def test_a_pipe_or_a_device_is_refused_at_once(tmp_path):
    """Reading one would wait for whoever writes into it, or never end."""
    os.mkfifo(tmp_path / "g.pth")
    (tmp_path / "link.pth").symlink_to("g.pth")
    for path in (tmp_path / "g.pth", tmp_path / "link.pth"):
        refused(path, words="it is a pipe or a device; expected a file")
