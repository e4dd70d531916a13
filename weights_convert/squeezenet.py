"""SqueezeNet 1.1 from Keras weights (HDF5), and the linear layers of LPIPS (PyTorch) that are put onto it.

Keras has one group a layer, "fire2/squeeze1x1", with a kernel [h, w, in, out] and a bias in it whose own names differ
from version to version ("uniform2", "kernel:0"): the array with four axes is the kernel. LPIPS saves one vector
`lin{k}.model.1.weight` [1, c, 1, 1] a map.
"""

from collections.abc import Mapping

import numpy as np

from jaxprior.errors import WeightsError
from jaxprior.models.squeezenet.networks import FIRES, TAP_WIDTHS
from jaxprior.weights.tree import unflatten
from weights_convert.choosing import Checkpoint
from weights_convert.report import Converted, printable
from weights_convert.tensors import as_weight, check_layers


EXAMPLE_NAMES = "fire2/squeeze1x1/..."
EXAMPLE_HEAD_NAMES = "lin0.model.1.weight"
LEFT_OUT = ("conv10",)
"""The classifier."""


def recognise(state: Mapping[str, np.ndarray]) -> bool:
    """Whether a state is a SqueezeNet, by the groups of its arrays."""
    marks = ("conv1/", "fire2/squeeze1x1/", "fire9/expand3x3/")
    return all(any(key.startswith(mark) for key in state) for mark in marks)


def convert(checkpoint: Checkpoint) -> Converted:
    """Bring the convolutions into our form.

    Arguments:
        checkpoint: what a reader found.
    Returns:
        Parameter tree (data types as stored, float64 as float32) and configuration.
    Raises:
        WeightsError: missing, unexpected or misshapen arrays.
    """
    chosen = checkpoint.choose(recognise)
    state = checkpoint.states[chosen]
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
    size = f"{len(shapes)} convolutions (features[:13])"
    return Converted({"network": tree}, {}, "convolutions", (*left_out, *checkpoint.left_out), {}, size)


def recognise_heads(state: Mapping[str, np.ndarray]) -> bool:
    """Whether a state is the linear layers of LPIPS."""
    return EXAMPLE_HEAD_NAMES in state


def convert_heads(checkpoint: Checkpoint, params: dict, card: dict) -> Converted:
    """Put the linear layers of LPIPS onto a converted SqueezeNet.

    Arguments:
        checkpoint: what a reader found.
        params, card: of the SqueezeNet.
    Returns:
        Both in one parameter tree.
    Raises:
        WeightsError: heads for another network, of other shapes, or with negative weights.
    """
    state = checkpoint.states[checkpoint.choose(recognise_heads)]
    state.check_tensors()
    heads = {}
    for key, array in state.items():
        index = key.removeprefix("lin").removesuffix(".model.1.weight")
        if f"lin{index}.model.1.weight" != key or not index.isdecimal():
            raise WeightsError(f"tensor {state.in_file(key)!r} is no linear layer of LPIPS ({EXAMPLE_HEAD_NAMES})")
        heads[int(index)] = as_weight(state.in_file(key), array)
    have = [heads[k].shape for k in sorted(heads)]
    want = [(1, width, 1, 1) for width in TAP_WIDTHS]
    if sorted(heads) != list(range(len(want))) or have != want:
        raise WeightsError(
            f"{len(heads)} linear layers of LPIPS that are not SqueezeNet's; expected {len(want)}, of "
            f"{' '.join(map(str, TAP_WIDTHS))} channels: the file squeeze.pth"
        )
    if any(np.any(array < 0) for array in heads.values()):
        raise WeightsError("the linear layers have negative weights; expected those of LPIPS, which have none")
    tree = {"features": params["network"], **{f"head{k}": array.reshape(-1) for k, array in heads.items()}}
    title = "LPIPS-style (SqueezeNet, Caffe weights)"
    onto = {key: card.get(key) for key in ("name", "source", "licence", "sha256", "sha256_source")}
    extra = {"title": title, "onto": onto}
    used = f"linear layers, onto {printable(str(card.get('name')))} (sha256 {card['sha256'][:12]}...)"
    return Converted({"network": tree}, {}, used, checkpoint.left_out, extra, title)


def _layer_shapes() -> dict[str, tuple[int, int, int, int]]:
    shapes, before = {"conv1": (3, 3, 3, 64)}, 64
    for fire, (squeezed, expanded) in FIRES.items():
        shapes[f"{fire}/squeeze1x1"] = (1, 1, before, squeezed)
        shapes[f"{fire}/expand1x1"] = (1, 1, squeezed, expanded)
        shapes[f"{fire}/expand3x3"] = (3, 3, squeezed, expanded)
        before = 2 * expanded
    return shapes
