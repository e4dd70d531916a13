"""The layers of a foreign PGGAN by the names of their tensors, and those tensors under our names.

A layout writes down one `Layer` for each of ours that it may have; `tensors_of` finds them in a state.
"""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from jaxprior.errors import WeightsError
from weights_convert.pggan.arrangement import HWIO, OIHW, VECTOR, Arrangement
from weights_convert.states import State


Constant = Callable[[tuple[int, ...], str], float]
"""A run-time constant, from the shape of our kernel and the form of its layer, "nearest" or "fused"."""


def he(shape: tuple[int, ...], form: str) -> float:
    """He's constant, sqrt(2 / fan_in), where fan_in is what goes into one value; our layers to the image have 1 for 2.

    Arguments:
        shape: of our kernel, whose last axis counts what comes out. form: does not matter.
    """
    return math.sqrt(2 / math.prod(shape[:-1]))


def he_of_code(shape: tuple[int, ...], form: str) -> float:
    """He's constant for layer0 where fan_in is the length of a code: 4 times ours.

    Arguments:
        shape: of our kernel, [latent, 4, 4, C_0]. form: does not matter.
    """
    return math.sqrt(2 / shape[0])


def no_constant(shape: tuple[int, ...], form: str) -> float:
    """The constant of a network without equalised learning rate, 1.

    Arguments:
        shape, form: do not matter.
    """
    return 1.0


@dataclass(frozen=True)
class Layer:
    """One layer in a file. A layer of ours may stand there several times, in forms of different names.

    Fields:
        ours: what we call it, "layer3". weight, bias: the file's names of its kernel and its bias.
        arrangements: that the kernel may have; bias_arrangement: of the bias.
        constant: what the file's network multiplies the kernel by at run time; None for the same as ours.
        scales_bias: the bias is multiplied by that constant too.
    """

    ours: str
    weight: str
    bias: str
    arrangements: tuple[Arrangement, ...] = (OIHW,)
    bias_arrangement: Arrangement = VECTOR
    constant: Constant | None = None
    scales_bias: bool = False


@dataclass(frozen=True)
class Named:
    """A foreign tensor.

    Fields:
        name: ours, "layer3/kernel". key: the file's. array: its numbers.
        arrangements: that it may have. layer: that it belongs to.
    """

    name: str
    key: str
    array: np.ndarray
    arrangements: tuple[Arrangement, ...]
    layer: Layer


@dataclass(frozen=True)
class Tensors:
    """The tensors of one network.

    Fields:
        named: those that are there.
        key: what the file would call a tensor of ours in a form, "nearest" or "fused".
        arrangements: of our kernels and biases that differ from those of most layers, also where they are missing.
        left_out: counters, which are no part of the network.
    """

    named: list[Named]
    key: Callable[[str, str], str]
    arrangements: Mapping[str, Arrangement] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()


def tensors_of(state: State, layers: Sequence[Layer], *, examples: str, used: Collection[str] = ("lod",)) -> Tensors:
    """The tensors of a network under our names.

    Arguments:
        state: the file's. layers: those that the network may have. examples: of their names, for the message.
        used: names that a layout has read by itself.
    Returns:
        Those that are there; numbers without a dot in their name that count steps are left out.
    Raises:
        WeightsError: a tensor belongs to no layer, or a layer has two kernels.
    """
    places = {layer.weight: ("kernel", layer.arrangements, layer) for layer in layers}
    places |= {layer.bias: ("bias", (layer.bias_arrangement,), layer) for layer in layers}
    named, counters = [], []
    for key, array in state.items():
        if key in used:
            continue
        if key in places:
            kind, arrangements, layer = places[key]
            named.append(Named(f"{layer.ours}/{kind}", key, array, arrangements, layer))
        elif "." not in key and "/" not in key and array.dtype.kind in "iub":
            counters.append(state.in_file(key))
        else:
            raise WeightsError(
                f"tensor {state.in_file(key)!r} is no part of a PGGAN of this layout; expected names like {examples}"
            )
    first: dict[str, Layer] = {}
    for layer in layers:
        first.setdefault(layer.ours, layer)
    usual = {f"{ours}/bias": layer.bias_arrangement for ours, layer in first.items()}
    kernels = {f"{ours}/kernel": layer.arrangements[0] for ours, layer in first.items()}
    usual |= {name: one for name, one in kernels.items() if one not in (OIHW, HWIO)}

    def key_of(name: str, form: str) -> str:
        ours, kind = name.split("/")
        layer = next(
            (one for one in layers if one.ours == ours and any(found.form == form for found in one.arrangements)),
            first[ours],
        )
        return layer.bias if kind == "bias" else layer.weight

    return Tensors(_unique(named, state), key_of, usual, tuple(counters))


def leave_form_open(tensors: Tensors) -> bool:
    """Whether all layers that change the resolution fit a plain and a fused form alike, as where all widths are equal.

    Arguments:
        tensors: of a layout that has both forms under one name, as OIHW and as IOHW.
    """
    both = [item.array.shape[:2] for item in tensors.named if len({one.form for one in item.arrangements}) > 1]
    return all(len(set(widths)) < 2 for widths in both)


def _unique(named: list[Named], state: State) -> list[Named]:
    seen: dict[str, str] = {}
    for item in named:
        if (other := seen.setdefault(item.name, item.key)) != item.key:
            raise WeightsError(
                f"the network has both the plain and the fused form of one layer: {state.in_file(other)} and "
                f"{state.in_file(item.key)}"
            )
    return named
