"""Parameter trees of PGGAN networks from named tensors: widths from the biases, arrangements from the widths, then the
shapes are checked, and differences are told in the names and arrangements of the file.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from jaxprior.errors import WeightsError
from weights_convert.pggan.arrangement import HWIO, MATRIX, OIHW, VECTOR, Arrangement
from weights_convert.pggan.layers import Named, Tensors, he
from weights_convert.states import State
from weights_convert.tensors import as_weight, check_shapes


MAX_STAGES = 9  # 4x4 to 1024x1024


@dataclass(frozen=True)
class Network:
    """One network in our form: its tree, and what a card's `config` says of it."""

    tree: dict
    config: dict


def generator(tensors: Tensors, state: State, options: Mapping[str, object]) -> Network:
    """The tree of a generator.

    Arguments:
        tensors: under our names. state: the file's. options: what the card's `config` says of it beside its sizes.
    Raises:
        WeightsError: missing, unexpected or misshapen tensors.
    """
    stages = _count(tensors, "output")
    last = stages - 1
    outputs = [last] if options.get("outputs") == "last" else list(range(stages))
    widths = [_width(tensors, state, f"layer{2 * b + 1}/bias") for b in range(stages)]
    channels = _width(tensors, state, f"output{outputs[0]}/bias")
    latent = _size(tensors, "layer0", 0)
    kernels: dict[str, tuple[int, ...]] = {"layer0": (latent, 4, 4, widths[0])}
    for b, width in enumerate(widths):
        if b:
            kernels[f"layer{2 * b}"] = (3, 3, widths[b - 1], width)
        kernels[f"layer{2 * b + 1}"] = (3, 3, width, width)
        if b in outputs:
            kernels[f"output{b}"] = (1, 1, width, channels)
    expected = _with_biases(kernels)
    if options.get("first_bias") == "position":
        expected["layer0/bias"] = (4, 4, widths[0])
    found = _arrangements(tensors, [f"layer{2 * b}" for b in range(1, stages)], expected)
    form = found["layer2/kernel"].form
    label = options.get("label", ())
    assert isinstance(label, tuple)
    config = {
        "resolution": 4 * 2**last,
        "latent_dim": latent - len(label),
        "widths": widths,
        "image_channels": channels,
        "upsample": form,
        **options,
    }
    tree = _tree(tensors, state, expected, found, form)
    if config["latent_dim"] < 1:
        raise WeightsError(f"its codes have {latent} numbers, so a label of {len(label)} leaves none that is random")
    return Network(tree, config)


def critic(tensors: Tensors, state: State) -> Network:
    """The tree of a critic.

    Raises:
        WeightsError: missing, unexpected or misshapen tensors.
    """
    stages = _count(tensors, "input")
    widths = [_width(tensors, state, f"input{b}/bias") for b in range(stages)]
    first = widths[0]
    channels = _size(tensors, "input0", 2)
    kernels = {"output": (first, 1), "layer0": (4, 4, first, first), "layer1": (3, 3, first + 1, first)}
    for b, width in enumerate(widths):
        kernels[f"input{b}"] = (1, 1, channels, width)
        if b:
            kernels[f"layer{2 * b}"] = (3, 3, width, widths[b - 1])
            kernels[f"layer{2 * b + 1}"] = (3, 3, width, width)
    expected = _with_biases(kernels)
    found = _arrangements(tensors, [f"layer{2 * b}" for b in range(1, stages)], expected)
    form = found["layer2/kernel"].form
    config = {"widths": widths, "image_channels": channels, "upsample": form}
    return Network(_tree(tensors, state, expected, found, form), config)


def _with_biases(kernels: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """Our names and shapes of kernels and of a bias for every channel."""
    shapes: dict[str, tuple[int, ...]] = {}
    for layer, shape in kernels.items():
        shapes |= {f"{layer}/kernel": shape, f"{layer}/bias": shape[-1:]}
    return shapes


def _count(tensors: Tensors, kind: str) -> int:
    """Number of stages, from the highest image layer."""
    numbers = [name.split("/")[0].removeprefix(kind) for name in (item.name for item in tensors.named)]
    stages = 1 + max((int(number) for number in numbers if number.isdecimal()), default=-1)
    if not 2 <= stages <= MAX_STAGES:
        raise WeightsError(f"the network has {stages} image layers; expected 2 (8x8) to {MAX_STAGES} (1024x1024)")
    return stages


def _width(tensors: Tensors, state: State, name: str) -> int:
    item = next((item for item in tensors.named if item.name == name), None)
    if item is None or item.array.ndim != 1 or not item.array.size:
        key = state.in_file(item.key if item else tensors.key(name, "nearest"))
        got = f"has shape {item.array.shape}" if item else "is missing"
        raise WeightsError(f"its tensors do not fit: {key} {got}, expected a vector with one value a channel")
    return item.array.size


def _size(tensors: Tensors, layer: str, axis: int) -> int:
    """The length of an axis of ours of a kernel, or 0."""
    found = (item.arrangements[0].shape_of(item.array) for item in tensors.named if item.name == f"{layer}/kernel")
    return next(found, (0,) * 4)[axis]


def _arrangements(
    tensors: Tensors, resampling: list[str], expected: Mapping[str, tuple[int, ...]]
) -> dict[str, Arrangement]:
    """The arrangement of every tensor, also of one that is missing.

    Arguments:
        resampling: the layers that change the resolution, which are all of one form.
        expected: shape of every tensor, by our names.
    """
    items = {item.name: item for item in tensors.named}
    convolutions = (OIHW, HWIO)
    plain = next((item.arrangements[0] for item in items.values() if item.arrangements[0] in convolutions), HWIO)
    usual = {"output/kernel": MATRIX, **tensors.arrangements}
    found = {
        name: items[name].arrangements[0]
        if name in items
        else usual.get(name, VECTOR if name.endswith("bias") else plain)
        for name in expected
    }
    names = [f"{layer}/kernel" for layer in resampling]
    own = [items[name] for name in names if name in items]
    if own:
        possible = [one for one in own[0].arrangements if all(one in item.arrangements for item in own)]
        if not possible:
            raise WeightsError("the resampling convolutions are of different forms; expected all plain or all fused")
        shapes = [(item.array.shape, expected[item.name]) for item in own]
        fitting = (one for one in possible if all(one.stored(ours) == theirs for theirs, ours in shapes))
        # Where none fits, the check of all shapes says what is wrong.
        found |= dict.fromkeys(names, next(fitting, possible[0]))
    return found


def _tree(
    tensors: Tensors,
    state: State,
    expected: Mapping[str, tuple[int, ...]],
    found: Mapping[str, Arrangement],
    form: str,
) -> dict:
    """The arrays in our form, each of the expected shape.

    Arguments:
        expected: shape of every tensor, by our names. found: their arrangements in the file.
        form: of the layers that change the resolution.
    """
    keys = {item.name: item.key for item in tensors.named}
    shapes = {
        state.in_file(keys.get(name) or tensors.key(name, form)): found[name].stored(shape)
        for name, shape in expected.items()
    }
    check_shapes({state.in_file(item.key): item.array.shape for item in tensors.named}, shapes)
    if empty := next((key for key, shape in shapes.items() if 0 in shape), None):
        raise WeightsError(f"its tensors do not fit: {empty} has shape {shapes[empty]}, which holds no number")
    tree: dict = {}
    for item in tensors.named:
        layer, kind = item.name.split("/")
        array = as_weight(state.in_file(item.key), found[item.name].apply(item.array))
        with np.errstate(over="ignore"):
            gain = np.float32(_gain(item, expected[f"{layer}/kernel"], form))
            if gain != 1:
                array = as_weight(state.in_file(item.key), array.astype(np.float32) * gain)
        tree.setdefault(layer, {})[kind] = array
    return tree


def _gain(item: Named, kernel: tuple[int, ...], form: str) -> float:
    """What to multiply a tensor by, so that our network does with it what the file's does.

    Arguments:
        kernel: shape of the kernel of its layer, ours. form: of the layers that change the resolution.
    """
    if item.layer.constant is None:
        return 1.0
    theirs = item.layer.constant(kernel, form)
    if item.name.endswith("bias"):
        return theirs if item.layer.scales_bias else 1.0
    ours = he(kernel, form) / (math.sqrt(2) if item.name.startswith("output") else 1.0)
    return theirs / ours
