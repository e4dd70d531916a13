"""Foreign files of feature networks with random weights, and the same networks in PyTorch's functional calls."""

import zlib
from pathlib import Path

import numpy as np
import safetensors.numpy

from jaxprior.models.alexnet import networks as alexnet
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


def recipe_tensor(key: str, shape: tuple[int, ...]) -> np.ndarray:
    """A tensor of the golden arrays of lpips, alexnet and inception, by its name in torchvision's state dict."""
    normal = np.random.default_rng([2020, zlib.crc32(key.encode())]).standard_normal(shape)
    if key.endswith("running_var"):
        drawn = np.exp(0.3 * normal)
    elif key.endswith("running_mean"):
        drawn = 0.1 * normal
    elif key.endswith("bn.weight"):
        drawn = 1 + 0.1 * normal
    elif key.endswith("weight"):
        drawn = normal * np.sqrt(2 / np.prod(shape[1:]))
    else:
        drawn = 0.05 * normal
    return drawn.astype(np.float32)


def recipe_pictures(seed: int, b: int, h: int, w: int) -> np.ndarray:
    """Pictures of the same golden arrays: blocks of 8 pixels with noise, [b, h, w, 3] in [-1, 1]."""
    random = np.random.default_rng([2020, seed])
    coarse = random.uniform(-1, 1, (b, -(-h // 8), -(-w // 8), 3))
    blocks = np.kron(coarse, np.ones((1, 8, 8, 1)))[:, :h, :w]
    return np.clip(blocks + 0.1 * random.standard_normal((b, h, w, 3)), -1, 1).astype(np.float32)


def alexnet_state() -> dict[str, np.ndarray]:
    """State dict of AlexNet with torchvision's names, by the recipe."""
    state = {}
    for i, (height, width, into, out) in alexnet.convolution_shapes().items():
        state[f"features.{i}.weight"] = recipe_tensor(f"features.{i}.weight", (out, into, height, width))
        state[f"features.{i}.bias"] = recipe_tensor(f"features.{i}.bias", (out,))
    return state


def squeezenet_state() -> dict[str, np.ndarray]:
    """State dict of SqueezeNet 1.1 with torchvision's names, by the recipe."""
    shapes = {"features.0": (64, 3, 3, 3)}
    before = 64
    for i, size in zip((3, 4, 6, 7, 9, 10, 11, 12), (1, 1, 2, 2, 3, 3, 4, 4), strict=True):
        shapes[f"features.{i}.squeeze"] = (16 * size, before, 1, 1)
        shapes[f"features.{i}.expand1x1"] = (64 * size, 16 * size, 1, 1)
        shapes[f"features.{i}.expand3x3"] = (64 * size, 16 * size, 3, 3)
        before = 128 * size
    state = {}
    for layer, shape in shapes.items():
        state[f"{layer}.weight"] = recipe_tensor(f"{layer}.weight", shape)
        state[f"{layer}.bias"] = recipe_tensor(f"{layer}.bias", shape[:1])
    return state


def inception_state(shapes: dict[str, tuple[int, int, int, int]]) -> dict[str, np.ndarray]:
    """State dict of Inception-v3 without classifiers, by the recipe; `shapes` are those of the kernels, by layer."""
    state = {}
    for layer, (height, width, into, out) in shapes.items():
        key = f"{layer}.conv.weight"
        state[key] = recipe_tensor(key, (out, into, height, width))
        for name in ("weight", "bias", "running_mean", "running_var"):
            state[f"{layer}.bn.{name}"] = recipe_tensor(f"{layer}.bn.{name}", (out,))
        state[f"{layer}.bn.num_batches_tracked"] = np.array(7)
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
