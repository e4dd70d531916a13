"""Files that are often taken for checkpoints: what each of them is, and what to give instead."""

import re
from collections.abc import Sequence
from pathlib import Path


_BY_FIRST_BYTES = (
    (b"\x1f\x8b", "a file compressed by gzip; unpack it first"),
    (b"BZh", "a file compressed by bzip2; unpack it first"),
    (b"\xfd7zXZ\0", "a file compressed by xz; unpack it first"),
    (b"\x28\xb5\x2f\xfd", "a file compressed by zstandard; unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive; unpack it first"),
    (b"Rar!", "a RAR archive; unpack it first"),
    (b"\x93NUMPY", "a single NumPy array; expected the named tensors of a network"),
    (b"GGUF", "a GGUF file, which holds language models; expected a generator or a feature network"),
    (b"version https://git-lfs", "a pointer of Git LFS and not the file itself; fetch it with `git lfs pull`"),
    (b"model_checkpoint_path:", "the index of a folder of TensorFlow checkpoints, which holds no weights"),
)  # fmt: skip
_TENSORFLOW = (
    "a part of a TensorFlow checkpoint (.meta, .index, .data-00000-of-00001), which is not read; expected the pickle "
    "that the official PGGAN code writes (.pkl), or a state dict of PyTorch"
)
OF_TENSORFLOW_HUB = "the names and constants of the variables in it are not known"
"""Why a module of TensorFlow Hub, such as progan-128, is not read."""
_TENSORFLOW_PART = re.compile(r".*\.(meta|index|data-\d{5}-of-\d{5})")
_TABLE_END = (0xDB4775248B80FB57).to_bytes(8, "little")


def describe(path: Path, data: bytes) -> str | None:
    """What a file is that no reader takes, and what to do about it.

    Arguments:
        path: its name is looked at where the bytes leave it open.
        data: the whole file.
    Returns:
        The end of a sentence, or None if it is nothing known.
    """
    if not data:
        return "the file is empty"
    for start, sentence in _BY_FIRST_BYTES:
        if data.startswith(start):
            return sentence
    if data[257:262] == b"ustar":
        return (
            "a tar archive: PyTorch before 0.1.10 wrote such files, which are not read; load it and save it again with "
            "a newer PyTorch, or unpack it if it is a packed folder"
        )
    if data[:200].lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        return "a web page and not a checkpoint: the download gave an error or a login page; fetch the file again"
    if _TENSORFLOW_PART.fullmatch(path.name) or data.endswith(_TABLE_END):
        return _TENSORFLOW
    if path.suffix == ".onnx" or (data[:1] == b"\x08" and b"pytorch" in data[:40]):
        return "an ONNX graph, which is not read; expected the state dict of the network that it was exported from"
    if path.suffix in (".msgpack", ".flax"):
        return "weights in Flax's MessagePack, which are not read; expected PyTorch, HDF5 or safetensors"
    if path.suffix in (".pth", ".pt", ".ckpt", ".safetensors", ".pkl", ".h5"):
        return f"its content is not that of a {path.suffix} file: damaged, truncated or something else; fetch it again"
    return None


def describe_missing(path: Path) -> str | None:
    """What to say of a file that is not there because it is the common name of several."""
    if path.parent.is_dir() and path.name and any(path.parent.glob(f"{_escaped(path.name)}.index")):
        return f"it is {_TENSORFLOW}"
    return None


def describe_archive(names: Sequence[str]) -> str | None:
    """What a zip archive is that PyTorch's `torch.save` did not write.

    Arguments:
        names: of its members.
    Returns:
        The end of a sentence, or None if nothing speaks against a checkpoint.
    """
    ends = {name.rsplit("/", 1)[-1] for name in names}
    if "constants.pkl" in ends or any("/code/" in f"/{name}" for name in names):
        return (
            "a TorchScript archive holds the code of a network beside its weights, and is not read; export the weights "
            'alone in PyTorch: torch.save(torch.jit.load("FILE").state_dict(), "weights.pth")'
        )
    if ".data/extern_modules" in "\n".join(names):
        return "an archive of torch.package, which holds code; save `module.state_dict()` instead"
    if any(name.endswith(("models/model.json", "serialized_exported_program.json")) for name in names):
        return "a program of torch.export (.pt2), which is not read; save `module.state_dict()` instead"
    if ends and all(end.endswith(".npy") for end in ends):
        return "NumPy arrays (.npz), which are not read; save them under the same names as safetensors"
    if "model.weights.h5" in ends:
        return "a Keras model (.keras), which is not read; save its weights with `model.save_weights('FILE.h5')`"
    if not any(name.endswith("/data.pkl") for name in names) and any(
        end.endswith((".pth", ".pt", ".pkl", ".ckpt", ".h5", ".safetensors")) for end in ends
    ):
        return "a packed folder with checkpoints in it; unpack it and convert one of its files"
    return None


def describe_folder(folder: Path) -> str | None:
    """What a folder is that is no SinGAN training, and what to give instead.

    Returns:
        The end of a sentence, or None if it is nothing known.
    """
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if "model.safetensors" in names:
        return "a training run of jaxprior; use it as it is, for example with `--prior`"
    if {"data.pkl", "version"} <= names:
        return "an unpacked PyTorch archive; give the file that it was unpacked from"
    if "tfhub_module.pb" in names:
        return f"a module of TensorFlow Hub, which is not read: {OF_TENSORFLOW_HUB}"
    if "saved_model.pb" in names or any(_TENSORFLOW_PART.fullmatch(name) for name in names):
        return f"a folder with {_TENSORFLOW}"
    if names & {"_METADATA", "_CHECKPOINT_METADATA", "manifest.ocdbt"}:
        return "a checkpoint folder of Orbax, which is not read; expected a file"
    files = sorted(name for name in names if name.endswith((".pth", ".pt", ".pkl", ".h5", ".ckpt", ".safetensors")))
    if files and "0" not in names and not {"NoiseAmp.pth", "fixed_noise.pth"} & names:
        return f"a folder with checkpoints; give one of its files ({', '.join(files[:4])}{' ...' * (len(files) > 4)})"
    return None


def _escaped(name: str) -> str:
    return re.sub(r"([\[\]*?])", r"[\1]", name)
