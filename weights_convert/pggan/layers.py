"""The layers of a foreign PGGAN by the names of their tensors, and those tensors under our names.

A layout writes down one `Layer` for each of ours that it may have; `tensors_of` finds them in a state.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from jaxprior.errors import WeightsError
from weights_convert.pggan.arrangement import HWIO, OIHW, VECTOR, Arrangement
from weights_convert.states import State


@dataclass(frozen=True)
class Layer:
    """One layer in a file. A layer of ours may stand there several times, in forms of different names.

    Fields:
        ours: what we call it, "layer3". weight, bias: the file's names of its kernel and its bias.
        arrangements: that the kernel may have; bias_arrangement: of the bias.
        gain: number to multiply the kernel by, so that our run-time constant gives theirs; bias_gain: for the bias.
    """

    ours: str
    weight: str
    bias: str
    arrangements: tuple[Arrangement, ...] = (OIHW,)
    bias_arrangement: Arrangement = VECTOR
    gain: float = 1.0
    bias_gain: float = 1.0


@dataclass(frozen=True)
class Named:
    """A foreign tensor: our name ("layer3/kernel"), the file's, the array, the arrangements that it may have, and the
    number to multiply it by."""

    name: str
    key: str
    array: np.ndarray
    arrangements: tuple[Arrangement, ...]
    gain: float = 1.0


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
    places = {layer.weight: (f"{layer.ours}/kernel", layer.arrangements, layer.gain) for layer in layers}
    places |= {layer.bias: (f"{layer.ours}/bias", (layer.bias_arrangement,), layer.bias_gain) for layer in layers}
    named, counters = [], []
    for key, array in state.items():
        if key in used:
            continue
        if key in places:
            name, arrangements, gain = places[key]
            named.append(Named(name, key, array, arrangements, gain))
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


def _unique(named: list[Named], state: State) -> list[Named]:
    seen: dict[str, str] = {}
    for item in named:
        if (other := seen.setdefault(item.name, item.key)) != item.key:
            raise WeightsError(
                f"the network has both the plain and the fused form of one layer: {state.in_file(other)} and "
                f"{state.in_file(item.key)}"
            )
    return named
