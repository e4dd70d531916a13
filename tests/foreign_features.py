"""Foreign files of feature networks with random weights, and the same networks in PyTorch's functional calls."""

import zlib
from pathlib import Path

import numpy as np
import safetensors.numpy

from jaxprior.models.lpips.networks import TRUNKS
from jaxprior.models.vgg import networks as vgg


def vgg_state(network: str, *, last: int = 99) -> dict[str, np.ndarray]:
    """State dict with torchvision's names up to the convolution `last`, by the recipe of the golden arrays."""
    state = {}

    def draw(key, shape, scale):
        random = np.random.default_rng([2020, zlib.crc32(key.encode())])
        state[key] = (random.standard_normal(shape) * scale).astype(np.float32)

    for i, (_, _, into, out) in vgg.convolution_shapes(vgg.STAGES[network]).items():
        if i <= last:
            draw(f"features.{i}.weight", (out, into, 3, 3), np.sqrt(2 / (into * 9)))
            draw(f"features.{i}.bias", (out,), 0.05)
    return state


def vgg_tree(state: dict[str, np.ndarray]) -> dict:
    """The same in our names and layout, [h, w, in, out]."""
    tree: dict = {}
    for key, array in state.items():
        _, i, kind = key.split(".")
        kernel = kind == "weight"
        group = tree.setdefault(f"conv{i}", {})
        group["kernel" if kernel else "bias"] = np.moveaxis(array, (2, 3, 1, 0), (0, 1, 2, 3)) if kernel else array
    return tree


def squeezenet_layers() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Random kernel [h, w, in, out] and bias of every layer of SqueezeNet 1.1."""
    random = np.random.default_rng(7)
    layers, before = {}, 64

    def draw(name, size, into, out):
        kernel = random.standard_normal((size, size, into, out)) * np.sqrt(2 / (size * size * into))
        layers[name] = (kernel.astype(np.float32), (random.standard_normal(out) * 0.05).astype(np.float32))

    draw("conv1", 3, 3, 64)
    for n, (squeezed, expanded) in enumerate([(16, 64)] * 2 + [(32, 128)] * 2 + [(48, 192)] * 2 + [(64, 256)] * 2):
        draw(f"fire{n + 2}/squeeze1x1", 1, before, squeezed)
        draw(f"fire{n + 2}/expand1x1", 1, squeezed, expanded)
        draw(f"fire{n + 2}/expand3x3", 3, squeezed, expanded)
        before = 2 * expanded
    return layers


def squeezenet_tree(layers: dict) -> dict:
    """The same as our parameter tree."""
    tree: dict = {}
    for name, (kernel, bias) in layers.items():
        group = tree
        for part in name.split("/"):
            group = group.setdefault(part, {})
        group.update(kernel=kernel, bias=bias)
    return tree


def write_keras(path: Path, layers: dict, *, kernel: str = "kernel:0", bias: str = "bias:0") -> Path:
    """Save layers as Keras does: a group a layer, and its name once more inside for newer versions."""
    import h5py

    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [name.encode() for name in layers]
        file.create_group("pool1")
        for name, arrays in layers.items():
            for array, own in zip(arrays, (kernel, bias), strict=True):
                file[f"{name}/{own}"] = array
    return path


def write_heads(path: Path, heads: list[np.ndarray]) -> Path:
    """Save linear layers of LPIPS under their names."""
    named = {f"lin{k}.model.1.weight": head.reshape(1, -1, 1, 1) for k, head in enumerate(heads)}
    safetensors.numpy.save_file(named, path)
    return path


def random_heads(distance: str = "lpips-squeeze") -> list[np.ndarray]:
    """Non-negative heads, a third of them zero as in the real ones."""
    random = np.random.default_rng(11)
    return [np.maximum(random.standard_normal(n) - 0.4, 0).astype(np.float32) for n in TRUNKS[distance].widths]


# The same networks as PyTorch computes them.


def torch_vgg(tree: dict, images: np.ndarray, network: str, cuts: tuple[int, ...]) -> list:
    """Maps of NHWC images, by PyTorch, as NCHW tensors."""
    import torch
    import torch.nn.functional as F

    mean = torch.tensor([0.485, 0.456, 0.406]).reshape(1, 3, 1, 1)
    deviation = torch.tensor([0.229, 0.224, 0.225]).reshape(1, 3, 1, 1)
    x = (torch.tensor(np.array(images)).permute(0, 3, 1, 2) * 0.5 + 0.5 - mean) / deviation
    pools = {"vgg16": (4, 9, 16, 23, 30), "vgg19": (4, 9, 18, 27, 36)}[network]
    maps = []
    for i in range(max(cuts)):
        if f"conv{i}" in tree:
            kernel, bias = (torch.tensor(np.ascontiguousarray(tree[f"conv{i}"][k])) for k in ("kernel", "bias"))
            x = F.conv2d(x, kernel.permute(3, 2, 0, 1), bias, padding=1)
        elif i in pools:
            x = F.max_pool2d(x, 2, 2)
        else:
            x = F.relu(x)
        maps += [x] * ((i + 1) in cuts)
    return maps


def torch_squeezenet(layers: dict, images) -> list:
    """The seven maps of an NCHW tensor in [-1, 1], RGB, by PyTorch."""
    import torch
    import torch.nn.functional as F

    def conv(x, name, **options):
        kernel, bias = (torch.tensor(np.array(array)) for array in layers[name])
        return F.relu(F.conv2d(x, kernel.permute(3, 2, 0, 1), bias, **options))

    def fire(x, n):
        x = conv(x, f"fire{n}/squeeze1x1")
        return torch.cat([conv(x, f"fire{n}/expand1x1"), conv(x, f"fire{n}/expand3x3", padding=1)], 1)

    def pool(x):
        return F.max_pool2d(x, 3, 2, ceil_mode=True)

    x = (images + 1) * 127.5
    x = conv(x.flip(1) - torch.tensor([104.0, 117.0, 123.0]).reshape(1, 3, 1, 1), "conv1", stride=2)
    maps = [x]
    for group in ((2, 3), (4, 5), (6,), (7,), (8,), (9,)):
        x = pool(x) if group[0] in (2, 4, 6) else x
        for n in group:
            x = fire(x, n)
        maps.append(x)
    return maps


def torch_distance(layers: dict, heads: list[np.ndarray], a, b):
    """LPIPS' formula on these maps: [b]."""
    import torch

    total = 0
    pairs = zip(torch_squeezenet(layers, a), torch_squeezenet(layers, b), strict=True)
    for head, (x, y) in zip(heads, pairs, strict=True):
        x, y = (m / (m.pow(2).sum(1, keepdim=True).sqrt() + 1e-10) for m in (x, y))
        weighted = (x - y) ** 2 * torch.tensor(np.array(head, np.float32)).reshape(1, -1, 1, 1)
        total = total + weighted.sum(1).mean((1, 2))
    return total
