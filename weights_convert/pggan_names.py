"""How foreign PGGAN files call and store the tensors of a network.

Read are
- the PyTorch generator of genforce/mganprior (`layer3.conv.weight`, `layer3.wscale.bias`; fused
  up-convolutions are `layer2.weight` in HWIO) and of its successor genforce (`layer3.weight`, `layer3.bias`;
  fused in IOHW);
- the TensorFlow generator and discriminator (`16x16/Conv0/weight` in HWIO; fused `Conv0_up`, `Conv1_down`).

Spatial flips: PyTorch's layer0 is a 4x4 convolution with padding 3 on a 1x1 map, which is the dense layer
with its kernel flipped; TensorFlow's is a matrix [latent, C_0 * 16] without the flip. A fused
up-convolution is a transposed convolution, which equals nearest upsampling and a convolution with the
flipped kernel; it is stored flipped, so that plain and fused files give one and the same layer. A fused
down-convolution has no flip, but averages before the activation instead of after it: another function,
which the card's `upsample` tells apart.

Where a layout cannot be told from the shapes because the widths are equal everywhere, the public code's is
assumed: plain in genforce files, [3, 3, out, in] for `Conv0_up`. A final tanh and a label input leave no
trace in a PyTorch state dict; such generators are not told from those without.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from jaxprior.errors import WeightsError
from weights_convert.states import State


EXAMPLE_NAMES = "layer0.conv.weight (PyTorch), layer0.weight (genforce), 4x4/Dense/weight (TensorFlow)"
_UP = re.compile(r"layer(\d*[02468])(?<!layer0)")  # layers that change the resolution


@dataclass(frozen=True)
class Layout:
    """How a file stores a tensor.

    Fields:
        axes: of the file's array, in our order; flip: our axes that run the other way.
        form: what a resampling convolution of this layout says about its network.
        dense: ours in two groups of axes that are one axis each in the file, whose rows or columns run over C, H, W.
    """

    axes: tuple[int, ...]
    flip: tuple[int, ...] = ()
    form: str = "nearest"
    dense: str = ""

    def apply(self, array: np.ndarray) -> np.ndarray:
        """The file's array in our form; one that cannot be brought into it stays as it is."""
        if self.dense:
            side = 1 if self.dense == "columns" else 0
            if array.ndim != 2 or array.shape[side] % 16:
                return array
            rows, columns = array.shape
            array = array.reshape((rows, -1, 4, 4) if side else (-1, 4, 4, columns))
        return np.flip(array.transpose(self.axes), self.flip) if array.ndim == len(self.axes) else array

    def stored(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape in the file of a tensor that has this shape with us."""
        plain = [0] * len(shape)
        for ours, theirs in enumerate(self.axes):
            plain[theirs] = shape[ours]
        if self.dense == "columns":
            return (plain[0], plain[1] * 16)
        return (plain[0] * 16, plain[3]) if self.dense else tuple(plain)


VECTOR = Layout((0,))
MATRIX = Layout((0, 1))
OIHW = Layout((2, 3, 1, 0))
HWIO = Layout((0, 1, 2, 3))
UP_IOHW = Layout((2, 3, 0, 1), flip=(0, 1), form="fused")
UP_HWIO = Layout((0, 1, 2, 3), flip=(0, 1), form="fused")
UP_HWOI = Layout((0, 1, 3, 2), flip=(0, 1), form="fused")
DOWN_HWIO = Layout((0, 1, 2, 3), form="fused")
FIRST_OIHW = Layout((1, 2, 3, 0), flip=(1, 2))
FIRST_COLUMNS = Layout((0, 2, 3, 1), dense="columns")
LAST_ROWS = Layout((1, 2, 0, 3), dense="rows")


@dataclass(frozen=True)
class Named:
    """A foreign tensor: our name ("layer3/kernel"), the file's, the array, and the layouts that it may have."""

    name: str
    key: str
    array: np.ndarray
    layouts: tuple[Layout, ...]


@dataclass(frozen=True)
class Tensors:
    """The tensors of one network.

    Fields:
        named: those that are there.
        key: what the file would call a tensor of ours in a form, "nearest" or "fused".
        first: layout of the first layer's kernel, which is the last one of a critic.
        left_out: counters, which are no part of the network.
    """

    named: list[Named]
    key: Callable[[str, str], str]
    first: Layout
    left_out: tuple[str, ...] = ()


_Layers: TypeAlias = dict[str, tuple[str, tuple[Layout, ...]]]
"""Layers of a file: what we call them, and the layouts that their kernels may have."""


def is_pytorch(state: Mapping[str, np.ndarray]) -> bool:
    """Whether these are the names of a PyTorch generator."""
    return "layer0.conv.weight" in state or ("layer0.weight" in state and "output0.weight" in state)


def is_tensorflow(state: Mapping[str, np.ndarray]) -> bool:
    """Whether these are the names of a TensorFlow generator."""
    return "4x4/Dense/weight" in state and "ToRGB_lod0/weight" in state


def is_tensorflow_critic(state: Mapping[str, np.ndarray]) -> bool:
    """Whether these are the names of a TensorFlow discriminator."""
    return any(key.startswith("FromRGB_lod") for key in state)


def pytorch_generator(state: State) -> Tensors:
    """A generator with the names of mganprior or genforce.

    Raises:
        WeightsError: a tensor is none of its own.
    """
    named, counters = [], []
    older = any(key.endswith((".conv.weight", ".wscale.bias")) for key in state)
    for key, array in state.items():
        match = re.fullmatch(r"((?:layer|output)\d{1,2})\.(conv\.weight|wscale\.bias|weight|bias)", key)
        if key == "lod":
            continue
        if match is None and "." not in key and array.dtype.kind in "iub":  # a buffer that counts steps
            counters.append(state.in_file(key))
            continue
        if match is None:
            raise WeightsError(
                f"tensor {state.in_file(key)!r} is no part of a PGGAN generator; expected names like {EXAMPLE_NAMES}"
            )
        layer, kind = match[1], "bias" if match[2].endswith("bias") else "kernel"
        if kind == "bias":
            layouts = (VECTOR,)
        elif layer == "layer0":
            layouts = (FIRST_OIHW,)
        elif match[2] == "conv.weight" or not _UP.fullmatch(layer):
            layouts = (OIHW,)
        else:
            layouts = (UP_HWIO,) if older else (OIHW, UP_IOHW)
        named.append(Named(f"{layer}/{kind}", key, array, layouts))

    def key_of(name: str, form: str) -> str:
        layer, kind = name.split("/")
        weight = "weight" if form == "fused" and _UP.fullmatch(layer) else "conv.weight"
        names = {"kernel": weight, "bias": "wscale.bias"} if older else {"kernel": "weight", "bias": "bias"}
        return f"{layer}.{names[kind]}"

    return Tensors(_unique(named, state), key_of, FIRST_OIHW, tuple(counters))


def tensorflow_generator(state: State) -> Tensors:
    """A generator of the official TensorFlow code.

    Raises:
        WeightsError: a variable is none of its own.
    """
    stages = sum(key.startswith("ToRGB_lod") and key.endswith("/weight") for key in state)
    layers: _Layers = {"4x4/Dense": ("layer0", (FIRST_COLUMNS,)), "4x4/Conv": ("layer1", (HWIO,))}
    for b in range(stages):
        size = 4 * 2**b
        layers[f"ToRGB_lod{stages - 1 - b}"] = (f"output{b}", (HWIO,))
        if b:
            layers[f"{size}x{size}/Conv0_up"] = (f"layer{2 * b}", (UP_HWOI, UP_HWIO))
            layers[f"{size}x{size}/Conv0"] = (f"layer{2 * b}", (HWIO,))
            layers[f"{size}x{size}/Conv1"] = (f"layer{2 * b + 1}", (HWIO,))
    return _tensorflow(state, layers, FIRST_COLUMNS)


def tensorflow_critic(state: State) -> Tensors:
    """A discriminator of the official TensorFlow code.

    Raises:
        WeightsError: a variable is none of its own.
    """
    stages = sum(key.startswith("FromRGB_lod") and key.endswith("/weight") for key in state)
    layers: _Layers = {
        "4x4/Conv": ("layer1", (HWIO,)),
        "4x4/Dense0": ("layer0", (LAST_ROWS,)),
        "4x4/Dense1": ("output", (MATRIX,)),
    }
    for b in range(stages):
        size = 4 * 2**b
        layers[f"FromRGB_lod{stages - 1 - b}"] = (f"input{b}", (HWIO,))
        if b:
            layers[f"{size}x{size}/Conv0"] = (f"layer{2 * b + 1}", (HWIO,))
            layers[f"{size}x{size}/Conv1_down"] = (f"layer{2 * b}", (DOWN_HWIO,))
            layers[f"{size}x{size}/Conv1"] = (f"layer{2 * b}", (HWIO,))
    return _tensorflow(state, layers, LAST_ROWS)


def _tensorflow(state: State, layers: _Layers, first: Layout) -> Tensors:
    named = []
    for key, array in state.items():
        layer, _, kind = key.rpartition("/")
        if key == "lod":
            continue
        if layer not in layers or kind not in ("weight", "bias"):
            raise WeightsError(
                f"variable {state.in_file(key)!r} is no part of a PGGAN network of {len(layers)} layers; "
                f"expected names like {EXAMPLE_NAMES}"
            )
        ours, layouts = layers[layer]
        kind, layouts = ("bias", (VECTOR,)) if kind == "bias" else ("kernel", layouts)
        named.append(Named(f"{ours}/{kind}", key, array, layouts))

    def key_of(name: str, form: str) -> str:
        ours, kind = name.split("/")
        theirs = [layer for layer, (own, _) in layers.items() if own == ours]
        if len(theirs) > 1:
            resampled = [layer for layer in theirs if layer.endswith(("_up", "_down"))]
            theirs = resampled if form == "fused" else [layer for layer in theirs if layer not in resampled]
        return f"{theirs[0]}/{'weight' if kind == 'kernel' else 'bias'}"

    return Tensors(_unique(named, state), key_of, first)


def _unique(named: list[Named], state: State) -> list[Named]:
    seen: dict[str, str] = {}
    for item in named:
        if (other := seen.setdefault(item.name, item.key)) != item.key:
            raise WeightsError(
                f"the network has both the plain and the fused form of one layer: {state.in_file(other)} and "
                f"{state.in_file(item.key)}"
            )
    return named
