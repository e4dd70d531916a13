"""Parameter trees of PGGAN networks from named tensors: widths from the biases, layouts from the widths, then every
shape is checked, and differences are told in the names and layouts of the file.
"""

from dataclasses import dataclass

import numpy as np

from jaxprior.errors import WeightsError
from weights_convert.pggan_names import HWIO, MATRIX, OIHW, VECTOR, Layout, Tensors
from weights_convert.states import State
from weights_convert.tensors import as_weight, check_shapes


MAX_STAGES = 9  # 4x4 to 1024x1024


@dataclass(frozen=True)
class Network:
    """One network in our form: its tree, and what a card's `config` says of it."""

    tree: dict
    config: dict


def generator(tensors: Tensors, state: State) -> Network:
    """The tree of a generator.

    Raises:
        WeightsError: missing, unexpected or misshapen tensors.
    """
    stages = _count(tensors, "output")
    widths = [_width(tensors, state, f"layer{2 * b + 1}/bias") for b in range(stages)]
    channels = _width(tensors, state, "output0/bias")
    latent = _kernel(tensors, "layer0").shape[0]
    expected: dict[str, tuple[int, ...]] = {"layer0": (latent, 4, 4, widths[0])}
    for b, width in enumerate(widths):
        if b:
            expected[f"layer{2 * b}"] = (3, 3, widths[b - 1], width)
        expected[f"layer{2 * b + 1}"] = (3, 3, width, width)
        expected[f"output{b}"] = (1, 1, width, channels)
    layouts = _layouts(tensors, [f"layer{2 * b}" for b in range(1, stages)], expected)
    form = layouts["layer2"].form
    config = {
        "resolution": 4 * 2 ** (stages - 1),
        "latent_dim": latent,
        "widths": widths,
        "image_channels": channels,
        "upsample": form,
    }
    return Network(_tree(tensors, state, expected, layouts, form), config)


def critic(tensors: Tensors, state: State) -> Network:
    """The tree of a critic.

    Raises:
        WeightsError: missing, unexpected or misshapen tensors.
    """
    stages = _count(tensors, "input")
    widths = [_width(tensors, state, f"input{b}/bias") for b in range(stages)]
    first = widths[0]
    kernel = _kernel(tensors, "input0")
    channels = kernel.shape[2] if kernel.ndim == 4 else 0
    expected = {"output": (first, 1), "layer0": (4, 4, first, first), "layer1": (3, 3, first + 1, first)}
    for b, width in enumerate(widths):
        expected[f"input{b}"] = (1, 1, channels, width)
        if b:
            expected[f"layer{2 * b}"] = (3, 3, width, widths[b - 1])
            expected[f"layer{2 * b + 1}"] = (3, 3, width, width)
    layouts = _layouts(tensors, [f"layer{2 * b}" for b in range(1, stages)], expected)
    form = layouts["layer2"].form
    config = {"widths": widths, "image_channels": channels, "upsample": form}
    return Network(_tree(tensors, state, expected, layouts, form), config)


def _count(tensors: Tensors, kind: str) -> int:
    """Number of stages, from the highest image layer."""
    numbers = [name.split("/")[0].removeprefix(kind) for name in (item.name for item in tensors.named)]
    stages = 1 + max((int(number) for number in numbers if number.isdecimal()), default=-1)
    if not 2 <= stages <= MAX_STAGES:
        raise WeightsError(
            f"the network has {stages} image layers; expected 2 (8x8) to {MAX_STAGES} (1024x1024)"
        )
    return stages


def _width(tensors: Tensors, state: State, name: str) -> int:
    item = next((item for item in tensors.named if item.name == name), None)
    if item is None or item.array.ndim != 1 or not item.array.size:
        key = state.in_file(item.key if item else tensors.key(name, "nearest"))
        got = f"has shape {item.array.shape}" if item else "is missing"
        raise WeightsError(f"its tensors do not fit: {key} {got}, expected a vector with one value a channel")
    return item.array.size


def _kernel(tensors: Tensors, layer: str) -> np.ndarray:
    """A kernel in our form, or an empty array."""
    found = (item.layouts[0].apply(item.array) for item in tensors.named if item.name == f"{layer}/kernel")
    return next(found, np.zeros((0,)))


def _layouts(tensors: Tensors, resampling: list[str], expected: dict[str, tuple[int, ...]]) -> dict[str, Layout]:
    """The layout of every layer's kernel, also of one that is missing.

    Arguments:
        resampling: the layers that change the resolution, which are all of one form.
        expected: shape of every layer's kernel.
    """
    items = {item.name.split("/")[0]: item for item in tensors.named if item.name.endswith("/kernel")}
    plain = next((item.layouts[0] for item in items.values() if item.layouts[0] in (OIHW, HWIO)), HWIO)
    usual = {"layer0": tensors.first, "output": MATRIX}
    layouts = {
        layer: items[layer].layouts[0] if layer in items else usual.get(layer, plain) for layer in expected
    }
    own = [items[layer] for layer in resampling if layer in items]
    if own:
        possible = [layout for layout in own[0].layouts if all(layout in item.layouts for item in own)]
        if not possible:
            raise WeightsError("the resampling convolutions are of different forms; expected all plain or all fused")
        shapes = [(item.array.shape, expected[item.name.split("/")[0]]) for item in own]
        fitting = (layout for layout in possible if all(layout.stored(ours) == theirs for theirs, ours in shapes))
        # Where none fits, the check of all shapes says what is wrong.
        layouts |= dict.fromkeys(resampling, next(fitting, possible[0]))
    return layouts


def _tree(
    tensors: Tensors, state: State, expected: dict[str, tuple[int, ...]], layouts: dict[str, Layout], form: str
) -> dict:
    """The arrays in our form, each of the expected shape.

    Arguments:
        expected: shape of every layer's kernel; its last axis is the bias's. layouts: of the kernels.
        form: of the layers that change the resolution.
    """
    keys = {item.name: item.key for item in tensors.named}
    shapes: dict[str, tuple[int, ...]] = {}
    for layer, shape in expected.items():
        for name, stored in ((f"{layer}/kernel", layouts[layer].stored(shape)), (f"{layer}/bias", shape[-1:])):
            shapes[state.in_file(keys.get(name) or tensors.key(name, form))] = stored
    check_shapes({state.in_file(item.key): item.array.shape for item in tensors.named}, shapes)
    tree: dict = {}
    for item in tensors.named:
        layer, kind = item.name.split("/")
        layout = layouts[layer] if kind == "kernel" else VECTOR
        tree.setdefault(layer, {})[kind] = as_weight(state.in_file(item.key), layout.apply(item.array))
    return tree
