"""SqueezeNet 1.1 from Keras weights (HDF5), or from torchvision's state dict.

Keras has one group a layer, "fire2/squeeze1x1", with a kernel [h, w, in, out] and a bias in it whose own names differ
from version to version ("uniform2", "kernel:0"): the array with four axes is the kernel. These are Caffe's weights, for
BGR from 0 to 255 without its mean. torchvision's, `features.3.squeeze.weight` [out, in, h, w], expect RGB scaled with
ImageNet's mean and deviation. Their first convolution, which has no padding, is changed so that it takes Caffe's input
and gives the same values.
"""

from collections.abc import Mapping

import numpy as np

from jaxprior.errors import WeightsError
from jaxprior.models.squeezenet.networks import FIRES, LAYERS, MEAN_BGR
from jaxprior.nn.imagenet import DEVIATION, MEAN
from jaxprior.weights.tree import unflatten
from weights_convert.choosing import Checkpoint
from weights_convert.report import Converted, printable
from weights_convert.states import State
from weights_convert.tensors import as_weight, check_layers
from weights_convert.torchvision import convolutions


EXAMPLE_NAMES = "features.0.weight"
LEFT_OUT = ("conv10", "classifier")
"""The classifier, as Keras and as torchvision call it."""

TORCHVISION = "features.3.squeeze.weight"
"""A tensor that torchvision's state dict has."""


def recognise(state: Mapping[str, np.ndarray]) -> bool:
    """Whether a state is a SqueezeNet, by the groups of its arrays or by torchvision's names."""
    marks = ("conv1/", "fire2/squeeze1x1/", "fire9/expand3x3/")
    return TORCHVISION in state or all(any(key.startswith(mark) for key in state) for mark in marks)


def convert(checkpoint: Checkpoint) -> Converted:
    """Bring the convolutions into our form.

    Arguments:
        checkpoint: what a reader found.
    Returns:
        Parameter tree (data types as stored, float64 as float32; torchvision's first convolution is float32) and
        configuration: "weights" is "torchvision" for torchvision's, and nothing is said of Caffe's.
    Raises:
        WeightsError: missing, unexpected or misshapen arrays.
    """
    chosen = checkpoint.choose(recognise)
    state = checkpoint.states[chosen]
    torchvision = TORCHVISION in state
    tree, left_out = (_from_torchvision if torchvision else _from_keras)(state)
    left_out += [part for name in checkpoint.states if name != chosen for part in checkpoint.rest(name)]
    size = f"{len(_layer_shapes())} convolutions (features[:13])"
    config = {"weights": "torchvision"} if torchvision else {}
    extra = {"title": "SqueezeNet 1.1 (torchvision's weights)"} if torchvision else {}
    return Converted({"network": tree}, config, "convolutions", (*left_out, *checkpoint.left_out), extra, size)


def _from_keras(state: State) -> tuple[dict, list[str]]:
    """The tree of a Keras file, and the names of what is left out."""
    shapes = _layer_shapes()
    flat: dict = {}
    left_out = []
    for key, array in state.items():
        layer = next((layer for layer in shapes if key.startswith(f"{layer}/")), None)
        if layer is None:
            if key.split("/")[0] not in LEFT_OUT:
                raise WeightsError(f"array {state.in_file(key)!r} is no part of a SqueezeNet 1.1")
            left_out.append(printable(key))
            continue
        kind = "kernel" if array.ndim == 4 else "bias"
        if f"{layer}/{kind}" in flat:
            raise WeightsError(f"array {state.in_file(key)!r}: layer {layer} has two {kind} arrays")
        flat[f"{layer}/{kind}"] = as_weight(state.in_file(key), array)
    tree = unflatten(flat)
    check_layers(tree, shapes)
    return tree, left_out


def _from_torchvision(state: State) -> tuple[dict, list[str]]:
    """The tree of torchvision's state dict, and the names of what is left out."""
    state.check_tensors()
    names = {"conv1": "features.0"}
    for i, layer in enumerate(LAYERS):
        if layer in FIRES:
            names[f"{layer}/squeeze1x1"] = f"features.{i}.squeeze"
            names |= {f"{layer}/{part}": f"features.{i}.{part}" for part in ("expand1x1", "expand3x3")}
    kept = {}
    for key, array in state.items():
        if key.split(".")[0] not in LEFT_OUT:
            kept[key] = as_weight(state.in_file(key), array)
    shapes = _layer_shapes()
    layers = convolutions(state, kept, {layer: (name, shapes[layer]) for layer, name in names.items()})
    flat = {f"{layer}/{kind}": array for layer, own in layers.items() for kind, array in own.items()}
    flat["conv1/kernel"], flat["conv1/bias"] = _for_caffes_input(flat["conv1/kernel"], flat["conv1/bias"])
    return unflatten(flat), [printable(key) for key in state if key not in kept]


def _for_caffes_input(kernel: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first convolution for another input, its output unchanged.

    A channel of torchvision's input is (v / 255 - mean) / deviation with v from 0 to 255, where Caffe's is v minus its
    own mean, and the channels are in the other order.
    """
    scale = 1 / (255 * np.array(DEVIATION))
    shift = (np.array(MEAN_BGR)[::-1] / 255 - np.array(MEAN)) / np.array(DEVIATION)
    wide = kernel.astype(np.float64)
    moved = bias + np.einsum("hwio,i->o", wide, shift)
    return (wide * scale[:, None])[:, :, ::-1].astype(np.float32), moved.astype(np.float32)


def _layer_shapes() -> dict[str, tuple[int, int, int, int]]:
    shapes, before = {"conv1": (3, 3, 3, 64)}, 64
    for fire, (squeezed, expanded) in FIRES.items():
        shapes[f"{fire}/squeeze1x1"] = (1, 1, before, squeezed)
        shapes[f"{fire}/expand1x1"] = (1, 1, squeezed, expanded)
        shapes[f"{fire}/expand3x3"] = (3, 3, squeezed, expanded)
        before = 2 * expanded
    return shapes
