"""Name map of PGGAN (Karras et al. 2018): foreign tensor names and layouts to our parameter tree.

Ours: `generator/layer{k}/kernel` in HWIO, raw weights (the equalised learning rate is applied at run time),
where layer0 is the dense layer, kernel [latent, 4, 4, C_0], and layer{2b} the up-convolution of stage b,
resolution 4*2^b; `output{b}` is its toRGB. The critic's `input{b}`, `layer{2b+1}`, `layer{2b}`
mirror that; its layer0 is the dense layer over the 4x4 map, `output` the last one.

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
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from jaxprior.errors import WeightsError
from weights_convert.checkpoint import Checkpoint, as_weight, check_layers, is_moving_average
from weights_convert.report import Converted, printable


EXAMPLE_NAMES = "layer0.conv.weight (PyTorch), layer0.weight (genforce), 4x4/Dense/weight (TensorFlow)"
MAX_STAGES = 9  # 4x4 to 1024x1024

# What our networks assume; a TensorFlow file that says otherwise holds another network.
_SETTINGS = {
    "use_wscale": True,
    "use_pixelnorm": True,
    "use_leakyrelu": True,
    "normalize_latents": True,
    "label_size": 0,
    "tanh_at_end": False,
    "pixelnorm_epsilon": 1e-8,
}


@dataclass(frozen=True)
class _Layout:
    """How a file stores a convolution: the axes and spatial flip that bring it to ours, [h, w, in, out]."""

    axes: tuple[int, int, int, int]
    flip: bool = False
    form: str = "nearest"  # what a resampling layer with this layout says about its network

    def apply(self, array: np.ndarray) -> np.ndarray:
        array = array.transpose(self.axes)
        return array[::-1, ::-1] if self.flip else array


_OIHW = _Layout((2, 3, 1, 0))
_HWIO = _Layout((0, 1, 2, 3))
_UP_IOHW = _Layout((2, 3, 0, 1), flip=True, form="fused")
_UP_HWIO = _Layout((0, 1, 2, 3), flip=True, form="fused")
_UP_HWOI = _Layout((0, 1, 3, 2), flip=True, form="fused")
_DOWN_HWIO = _Layout((0, 1, 2, 3), form="fused")


@dataclass(frozen=True)
class _Named:
    """A foreign tensor under our name, with the layouts it may have (none: not a convolution)."""

    name: str
    array: np.ndarray
    layouts: tuple[_Layout, ...] = ()


def recognise(checkpoint: Checkpoint) -> bool:
    """Whether one of the file's networks is a PGGAN generator, by the names of its tensors."""
    return any(_generator_reader(state) for state in checkpoint.states.values())


def convert(checkpoint: Checkpoint) -> Converted:
    """Bring the generator of a file, and the critic if a TensorFlow file has one, into our form.

    Arguments:
        checkpoint: what a reader found.
    Returns:
        Parameter tree (data types as stored, float64 as float32) and configuration.
    Raises:
        WeightsError: missing, unexpected or misshapen tensors, or settings that our network does not have.
    """
    found = {name: _generator_reader(state) for name, state in checkpoint.states.items()}
    generators = {name: reader for name, reader in found.items() if reader is not None}
    chosen = checkpoint.choose(list(generators))
    state = checkpoint.states[chosen]
    _check_settings(chosen, checkpoint.settings.get(chosen, {}))
    named, rest = generators[chosen](state)
    generator, config = _generator(named)
    params = {"generator": generator}
    used = f"generator from {_label(chosen)}"
    left_out = [*rest, *checkpoint.left_out, *(_label(name) for name in generators if name != chosen)]
    extra = {}
    for name, state in checkpoint.states.items():
        if name in generators:
            continue
        if "critic" in params or not any(key.startswith("FromRGB_lod") for key in state):
            left_out.append(_label(name))
            continue
        settings = checkpoint.settings.get(name, {})
        _check_settings(name, settings)
        named, rest = _tensorflow_critic(state)
        left_out += rest
        critic, form = _critic(named)
        differing = [f"{key} {form[key]}" for key in form if form[key] != config[key]]
        if differing:
            left_out.append(f"{_label(name)} (unlike the generator it has {', '.join(differing)})")
            continue
        params["critic"] = critic
        used += f", critic from {_label(name)}"
        group = settings.get("mbstd_group_size")
        if type(group) is int:
            extra["minibatch_stddev_group"] = group
    return Converted(params, config, used, tuple(left_out), extra, *_describe(config))


def _describe(config: dict) -> tuple[str, tuple[tuple[str, str], ...]]:
    size = f"{config['resolution']}x{config['resolution']}, {config['image_channels']} channels"
    fused = config["upsample"] == "fused"
    return size, (
        ("latent", str(config["latent_dim"])),
        ("widths", f"{' '.join(map(str, config['widths']))} (from 4x4 up)"),
        ("upsampling", "fused (transposed convolution)" if fused else "nearest, then convolution"),
    )


def _label(name: str) -> str:
    return (printable(name) or "the file's only state dict") + (
        " (moving average)" if is_moving_average(name) else ""
    )


def _check_settings(name: str, settings: dict) -> None:
    for key, expected in _SETTINGS.items():
        value = settings.get(key, expected)
        value = False if value is None else value
        if type(value) not in (bool, int, float) or value != expected:
            shown = value if type(value) in (bool, int, float) else "another value"
            raise WeightsError(f"network {name!r} was built with {key} = {shown}; expected {expected}")


def _generator_reader(state: dict) -> Callable | None:
    if "layer0.conv.weight" in state or ("layer0.weight" in state and "output0.weight" in state):
        return _pytorch_generator
    if "4x4/Dense/weight" in state and "ToRGB_lod0/weight" in state:
        return _tensorflow_generator
    return None


# Foreign names to ours. Each function returns the tensors and the names of what has no place in our tree.


def _pytorch_generator(state: dict) -> tuple[list[_Named], list[str]]:
    named, rest = [], []
    for key, array in state.items():
        match = re.fullmatch(r"((?:layer|output)\d{1,2})\.(conv\.weight|wscale\.bias|weight|bias)", key)
        if key == "lod":
            rest.append(_lod(array))
        elif match is None:
            raise WeightsError(
                f"tensor {key!r} is no part of a PGGAN generator; expected names like {EXAMPLE_NAMES}"
            )
        elif match[2].endswith("bias"):
            named.append(_Named(f"{match[1]}/bias", array))
        elif match[1] == "layer0":
            flipped = array[:, :, ::-1, ::-1].transpose(1, 2, 3, 0) if array.ndim == 4 else array
            named.append(_Named("layer0/kernel", flipped))
        elif match[2] == "conv.weight":
            named.append(_Named(f"{match[1]}/kernel", array, (_OIHW,)))
        elif f"{match[1]}.wscale.bias" in state:
            named.append(_Named(f"{match[1]}/kernel", array, (_UP_HWIO,)))
        else:
            named.append(_Named(f"{match[1]}/kernel", array, (_OIHW, _UP_IOHW)))
    return named, rest


def _tensorflow_generator(state: dict) -> tuple[list[_Named], list[str]]:
    stages = sum(key.startswith("ToRGB_lod") and key.endswith("/weight") for key in state)
    layers = {"4x4/Dense": ("layer0", ()), "4x4/Conv": ("layer1", (_HWIO,))}
    for b in range(stages):
        size = 4 * 2**b
        layers[f"ToRGB_lod{stages - 1 - b}"] = (f"output{b}", (_HWIO,))
        layers[f"{size}x{size}/Conv0"] = (f"layer{2 * b}", (_HWIO,))
        layers[f"{size}x{size}/Conv0_up"] = (f"layer{2 * b}", (_UP_HWOI, _UP_HWIO))
        layers[f"{size}x{size}/Conv1"] = (f"layer{2 * b + 1}", (_HWIO,))
    named, rest = _tensorflow_names(state, layers)
    return [_unfold_dense(item) if item.name == "layer0/kernel" else item for item in named], rest


def _tensorflow_critic(state: dict) -> tuple[list[_Named], list[str]]:
    stages = sum(key.startswith("FromRGB_lod") and key.endswith("/weight") for key in state)
    layers = {"4x4/Conv": ("layer1", (_HWIO,)), "4x4/Dense0": ("layer0", ()), "4x4/Dense1": ("output", ())}
    for b in range(stages):
        size = 4 * 2**b
        layers[f"FromRGB_lod{stages - 1 - b}"] = (f"input{b}", (_HWIO,))
        layers[f"{size}x{size}/Conv0"] = (f"layer{2 * b + 1}", (_HWIO,))
        layers[f"{size}x{size}/Conv1"] = (f"layer{2 * b}", (_HWIO,))
        layers[f"{size}x{size}/Conv1_down"] = (f"layer{2 * b}", (_DOWN_HWIO,))
    named, rest = _tensorflow_names(state, layers)
    return [_unfold_flattened(item) if item.name == "layer0/kernel" else item for item in named], rest


def _tensorflow_names(state: dict, layers: dict) -> tuple[list[_Named], list[str]]:
    named, rest = [], []
    for key, array in state.items():
        layer, _, kind = key.rpartition("/")
        if key == "lod":
            rest.append(_lod(array))
        elif layer not in layers or kind not in ("weight", "bias"):
            raise WeightsError(
                f"variable {key!r} is no part of a PGGAN network of {len(layers)} layers; "
                f"expected names like {EXAMPLE_NAMES}"
            )
        elif kind == "bias":
            named.append(_Named(f"{layers[layer][0]}/bias", array))
        else:
            named.append(_Named(f"{layers[layer][0]}/kernel", array, layers[layer][1]))
    names = [item.name for item in named]
    if len(set(names)) != len(names):
        raise WeightsError("the network has both the plain and the fused form of one layer")
    return named, rest


def _unfold_dense(item: _Named) -> _Named:
    """[latent, C_0 * 16] -> [latent, 4, 4, C_0]."""
    matrix = item.array
    if matrix.ndim != 2 or matrix.shape[1] % 16:
        raise WeightsError(
            f"variable 4x4/Dense/weight has shape {matrix.shape}; expected (latent, 16 * width)"
        )
    return _Named(item.name, matrix.reshape(len(matrix), -1, 4, 4).transpose(0, 2, 3, 1))


def _unfold_flattened(item: _Named) -> _Named:
    """[C_0 * 16, out], rows flattened from C, H, W -> [4, 4, C_0, out]."""
    matrix = item.array
    if matrix.ndim != 2 or matrix.shape[0] % 16:
        raise WeightsError(
            f"variable 4x4/Dense0/weight has shape {matrix.shape}; expected (16 * width, width)"
        )
    return _Named(item.name, matrix.reshape(-1, 4, 4, matrix.shape[1]).transpose(1, 2, 0, 3))


def _lod(array: np.ndarray) -> str:
    return f"lod = {float(array.item()):g}" if array.size == 1 else "lod"


# Our tree out of named tensors: widths from the biases, layouts from the widths, then every shape is checked.


def _generator(named: list[_Named]) -> tuple[dict, dict]:
    stages = _count(named, "output")
    biases = {item.name: item.array.shape for item in named if item.name.endswith("/bias")}
    widths = [_width(biases, f"layer{2 * b + 1}/bias") for b in range(stages)]
    channels = _width(biases, "output0/bias")
    kernel = next((item.array for item in named if item.name == "layer0/kernel"), np.zeros((0,)))
    config = {
        "resolution": 4 * 2 ** (stages - 1),
        "latent_dim": kernel.shape[0],
        "widths": widths,
        "image_channels": channels,
    }
    expected = {"layer0": (kernel.shape[0], 4, 4, widths[0])}
    for b, width in enumerate(widths):
        if b:
            expected[f"layer{2 * b}"] = (3, 3, widths[b - 1], width)
        expected[f"layer{2 * b + 1}"] = (3, 3, width, width)
        expected[f"output{b}"] = (1, 1, width, channels)
    ups = [f"layer{2 * b}/kernel" for b in range(1, stages)]
    layout = _up_layout([item for item in named if item.name in ups], expected)
    tree = _tree(named, dict.fromkeys(ups, layout), expected)
    return tree, {**config, "upsample": layout.form}


def _critic(named: list[_Named]) -> tuple[dict, dict]:
    stages = _count(named, "input")
    biases = {item.name: item.array.shape for item in named if item.name.endswith("/bias")}
    widths = [_width(biases, f"input{b}/bias") for b in range(stages)]
    kernel = next((item.array for item in named if item.name == "input0/kernel"), None)
    channels = kernel.shape[2] if kernel is not None and kernel.ndim == 4 else 0
    first = widths[0]
    downs = [f"layer{2 * b}/kernel" for b in range(1, stages)]
    expected = {"output": (first, 1), "layer0": (4, 4, first, first), "layer1": (3, 3, first + 1, first)}
    for b, width in enumerate(widths):
        expected[f"input{b}"] = (1, 1, channels, width)
        if b:
            expected[f"layer{2 * b}"] = (3, 3, width, widths[b - 1])
            expected[f"layer{2 * b + 1}"] = (3, 3, width, width)
    forms = {item.layouts[0].form for item in named if item.name in downs}
    if len(forms) != 1:
        raise WeightsError(
            "the down-convolutions are missing or of different forms; expected all plain or all fused"
        )
    config = {"widths": widths, "image_channels": channels, "upsample": forms.pop()}
    return _tree(named, {}, expected), config


def _count(named: list[_Named], kind: str) -> int:
    stages = len({item.name for item in named if item.name.startswith(kind) and item.name.endswith("/bias")})
    if not 2 <= stages <= MAX_STAGES:
        raise WeightsError(
            f"the network has {stages} image layers; expected 2 (8x8) to {MAX_STAGES} (1024x1024)"
        )
    return stages


def _width(biases: dict, name: str) -> int:
    shape = biases.get(name)
    if shape is None or len(shape) != 1 or not shape[0]:
        raise WeightsError(
            f"tensor {name} (our name) is missing or not a vector; expected one value a channel"
        )
    return shape[0]


def _up_layout(ups: list[_Named], expected: dict) -> _Layout:
    """The first layout that fits all up-convolutions; all are of one form."""
    possible = (
        [layout for layout in ups[0].layouts if all(layout in item.layouts for item in ups)] if ups else []
    )
    for layout in possible:
        if all(
            item.array.ndim == 4 and layout.apply(item.array).shape == expected[item.name[:-7]]
            for item in ups
        ):
            return layout
    if not possible:
        raise WeightsError(
            "the up-convolutions are missing or of different forms; expected all plain or all fused"
        )
    return possible[0]  # none fits: the shape check of the whole tree says where


def _tree(named: list[_Named], layouts: dict[str, _Layout], expected: dict) -> dict:
    tree: dict = {}
    for item in named:
        layer, kind = item.name.split("/")
        array = item.array
        if item.layouts and array.ndim == 4:
            array = layouts.get(item.name, item.layouts[0]).apply(array)
        tree.setdefault(layer, {})[kind] = as_weight(f"{item.name} (our name)", array)
    check_layers(tree, expected)
    return tree
