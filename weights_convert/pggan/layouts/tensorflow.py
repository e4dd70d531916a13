"""tkarras/progressive_growing_of_gans: the generator and the discriminator of the official TensorFlow code.

Kernels are HWIO (`16x16/Conv0/weight`), the first layer is a matrix [latent, 16 C_0]. Fused layers have names of their
own, `Conv0_up` and `Conv1_down`; where the widths are equal everywhere, `Conv0_up` is taken to be [3, 3, out, in], as
the official code has it.
"""

from collections.abc import Mapping
from dataclasses import replace

from weights_convert.pggan.arrangement import (
    DOWN_HWIO,
    FIRST_COLUMNS,
    HWIO,
    LAST_ROWS,
    MATRIX,
    UP_HWIO,
    UP_HWOI,
    Arrangement,
)
from weights_convert.pggan.layers import Layer, tensors_of
from weights_convert.pggan.layout import CriticLayout, Layout, Names, Reading, Source, by_key
from weights_convert.pggan.settings import SETTINGS
from weights_convert.report import printable


_USUAL_GROUP = 4  # samples, of the minibatch standard deviation
_HARMLESS = ("resolution", "num_channels", "latent_size", "dtype", "fused_scale", "structure", "is_template_graph",
             "fmap_base", "fmap_decay", "fmap_max", "mbstd_group_size", "func", "build_func_name")  # fmt: skip


def _read(source: Source) -> Reading:
    stages = _count(source.state, "ToRGB_lod")
    layers = [_layer("layer0", "4x4/Dense", FIRST_COLUMNS), _layer("layer1", "4x4/Conv", HWIO)]
    for b in range(stages):
        size = f"{4 << b}x{4 << b}"
        layers.append(_layer(f"output{b}", f"ToRGB_lod{stages - 1 - b}", HWIO))
        if b:
            layers.append(_layer(f"layer{2 * b}", f"{size}/Conv0", HWIO))
            layers.append(_layer(f"layer{2 * b}", f"{size}/Conv0_up", UP_HWOI, UP_HWIO))
            layers.append(_layer(f"layer{2 * b + 1}", f"{size}/Conv1", HWIO))
    return _reading(source, layers)


def _read_critic(source: Source) -> Reading:
    stages = _count(source.state, "FromRGB_lod")
    layers = [
        _layer("layer1", "4x4/Conv", HWIO),
        _layer("layer0", "4x4/Dense0", LAST_ROWS),
        _layer("output", "4x4/Dense1", MATRIX),
    ]
    for b in range(stages):
        size = f"{4 << b}x{4 << b}"
        layers.append(_layer(f"input{b}", f"FromRGB_lod{stages - 1 - b}", HWIO))
        if b:
            layers.append(_layer(f"layer{2 * b + 1}", f"{size}/Conv0", HWIO))
            layers.append(_layer(f"layer{2 * b}", f"{size}/Conv1", HWIO))
            layers.append(_layer(f"layer{2 * b}", f"{size}/Conv1_down", DOWN_HWIO))
    reading = _reading(source, layers)
    group = source.settings.get("mbstd_group_size")
    if type(group) is not int:
        return reading
    options = {"group_size": group} if group > 1 and group != _USUAL_GROUP else {}
    return replace(reading, options=options, extra={"minibatch_stddev_group": group})


def _reading(source: Source, layers: list[Layer]) -> Reading:
    tensors = tensors_of(source.state, layers, examples="4x4/Dense/weight, 16x16/Conv0_up/bias")
    return Reading(tensors, left_out=_unknown_settings(source.settings))


def _layer(ours: str, name: str, *arrangements: Arrangement) -> Layer:
    return Layer(ours, f"{name}/weight", f"{name}/bias", arrangements)


def _count(names: Names, kind: str) -> int:
    return sum(key.startswith(kind) and key.endswith("/weight") for key in names)


def _unknown_settings(settings: Mapping[str, object]) -> tuple[str, ...]:
    """Settings of a network that the official code does not have."""
    return tuple(f"setting {printable(str(key))}" for key in settings if key not in SETTINGS and key not in _HARMLESS)


LAYOUTS = (
    Layout(
        name="tensorflow",
        project="tkarras/progressive_growing_of_gans",
        sign="4x4/Dense/weight",
        recognise=by_key("4x4/Dense/weight", "ToRGB_lod0/weight"),
        read=_read,
        critic=CriticLayout(lambda names: any(key.startswith("FromRGB_lod") for key in names), _read_critic),
    ),
)
