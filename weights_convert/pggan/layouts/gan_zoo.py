"""facebookresearch/pytorch_GAN_zoo, "PGAN" of torch.hub: a dict with `config`, `netG`, `netD` and `avgG`, the average.

A layer's result is multiplied by He's constant, bias included, so that biases are multiplied here; the layers to the
image have that constant too, and the first layer's counts the code's numbers alone. The first layer has a bias for
every position of every channel. `config`, an object that is read as plain values, says how far a new resolution had
faded in, whether images go through a tanh, and what the labels are, if there are any: they stand behind the code.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from jaxprior.errors import WeightsError
from weights_convert.pggan.arrangement import (
    FIRST_ROWS,
    LAST_COLUMNS,
    MATRIX_OI,
    OIHW,
    VALUES_OF_POSITIONS,
    VECTOR,
    Arrangement,
)
from weights_convert.pggan.gan_zoo_config import Config, check_form, config_of
from weights_convert.pggan.labels import attributes_of, label_of
from weights_convert.pggan.layers import Constant, Layer, he, he_of_code, no_constant, tensors_of
from weights_convert.pggan.layout import CriticLayout, Layout, Names, Reading, Source
from weights_convert.pggan.settings import check_flag
from weights_convert.pggan.stage import Growth
from weights_convert.pggan.trees import MAX_STAGES
from weights_convert.report import printable
from weights_convert.states import State


_SIGN = "formatLayer.module.weight"
_SHORT_SIGN = "formatLayer.weight"
_TANH = {"WGANGP": False, "Logistic": False, "MSE": True, "DCGAN": True}


def _recognise(names: Names) -> str | None:
    return next((key for key in (_SIGN, _SHORT_SIGN) if key in names), None)


def _read(source: Source) -> Reading:
    state, config = source.state, config_of(source.state)
    options: dict[str, object] = {"first_bias": "position"}
    notes = []
    if config is None:
        notes.append("without the training's `config` the file does not say whether its codes end in a label or its "
                     "images go through a tanh; neither is assumed")  # fmt: skip
    elif _tanh(config):
        options["output"] = "tanh"
    options |= _label(source, config)
    if "label" in options:
        notes.append(f"its label is fixed: {printable(str(source.asked.label))}")
    blocks = [("layer0", "formatLayer", FIRST_ROWS, VALUES_OF_POSITIONS), ("layer1", "groupScale0.0", OIHW, VECTOR)]
    for b in range(MAX_STAGES):
        blocks.append((f"output{b}", f"toRGBLayers.{b}", OIHW, VECTOR))
        if b:
            blocks += [(f"layer{2 * b + i}", f"scaleLayers.{b - 1}.{i}", OIHW, VECTOR) for i in (0, 1)]
    layers = [_layer(state, config, *block) for block in blocks]
    return Reading(
        tensors_of(state, layers, examples=f"{_SIGN}, scaleLayers.0.0.module.bias"), options, {}, tuple(notes)
    )


def _layer(
    state: State, config: Config | None, ours: str, theirs: str, kernel: Arrangement, bias: Arrangement = VECTOR
) -> Layer:
    equalised = config is None or check_flag(config.name, config.values, "equalizedlR")
    constant: Constant = he_of_code if ours == "layer0" and kernel is FIRST_ROWS else he
    name = theirs if f"{theirs}.weight" in state else f"{theirs}.module"
    return Layer(
        ours,
        f"{name}.weight",
        f"{name}.bias",
        (kernel,),
        bias,
        constant=constant if equalised else no_constant,
        scales_bias=True,
    )


def _tanh(config: Config) -> bool:
    loss = config.values.get("lossCriterion")
    if not isinstance(loss, str) or loss not in _TANH:
        raise WeightsError(
            f"{config.of('lossCriterion')} = {printable(str(loss))} decides whether images go through a tanh; "
            f"expected one of {', '.join(_TANH)}"
        )
    return _TANH[loss]


def _label(source: Source, config: Config | None) -> dict[str, object]:
    """The setting of our network for a label that is held fixed, if there is one."""
    asked = source.asked.label
    said = {} if config is None else config.values
    size = said.get("categoryVectorDim", 0) if config is not None else len(asked.split(",")) if asked else 0
    size = int(size) if isinstance(size, float) and size.is_integer() else size
    if type(size) is not int or size < 0:
        raise WeightsError(f"{config.of('categoryVectorDim') if config else 'it'} is not a number of labels")
    if not size:
        if asked is not None:
            raise WeightsError("it was trained without labels; leave `--label` out")
        return {}
    assert config is not None or asked is not None
    return {"label": label_of(asked, attributes_of(said.get("attribKeysOrder"), size), size)}


def _check(source: Source, config: Mapping[str, Any]) -> None:
    said = config_of(source.state)
    if said is not None:
        latent = config["latent_dim"] + len(config.get("label", ()))
        check_form(said, config["widths"], config["image_channels"], latent)


def _growth(source: Source, stages: int) -> Growth:
    """Stages are added as the network grows, so that all of them are in use; `alpha` is the older image's weight."""
    config = config_of(source.state)
    if config is None:
        return Growth(note="without the training's `config` the file does not say whether its last resolution was "
                      "still fading in; it is taken as finished")  # fmt: skip
    alpha = config.values.get("alpha")
    if isinstance(alpha, bool) or not isinstance(alpha, (int, float)) or not math.isfinite(alpha):
        raise WeightsError(
            f"{config.of('alpha')}, which says whether the last resolution was still fading in, is not a number; "
            "expected 0 for a finished network"
        )
    if abs(alpha) > 1e-4:
        size = 4 << (stages - 1)
        raise WeightsError(
            f"{config.of('alpha')} = {alpha:g}: the network was saved while {size}x{size} pixels were fading in, and "
            f"its images are a mixture with those of {size // 2}x{size // 2} pixels, which is not converted; take a "
            "checkpoint of the same training with alpha 0"
        )
    return Growth()


def _is_critic(names: Names) -> bool:
    return "decisionLayer.module.weight" in names or "decisionLayer.weight" in names


def _read_critic(source: Source) -> Reading | str:
    state, config = source.state, config_of(source.state)
    rows = next((state[key] for key in state if key.startswith("decisionLayer.") and key.endswith(".weight")), None)
    if rows is not None and rows.ndim == 2 and len(rows) != 1:
        return "it has outputs for labels"
    blocks = [
        ("layer1", "groupScaleZero.0", OIHW),
        ("layer0", "groupScaleZero.1", LAST_COLUMNS),
        ("output", "decisionLayer", MATRIX_OI),
    ]
    for b in range(MAX_STAGES):
        blocks.append((f"input{b}", f"fromRGBLayers.{b}", OIHW))
        if b:
            blocks += [(f"layer{2 * b + 1 - i}", f"scaleLayers.{b - 1}.{i}", OIHW) for i in (0, 1)]
    layers = [_layer(state, config, *block) for block in blocks]
    state = _with_deviation(state)
    return Reading(tensors_of(state, layers, examples="decisionLayer.module.weight"), {"groups": "consecutive"})


def _with_deviation(state: State) -> State:
    """The tensors of a critic that may have no minibatch standard deviation: it then counts with the weight 0."""
    for key in ("groupScaleZero.0.module.weight", "groupScaleZero.0.weight"):
        kernel = state.get(key)
        if kernel is not None and kernel.ndim == 4 and kernel.shape[0] == kernel.shape[1]:
            wider = np.concatenate([kernel, np.zeros_like(kernel[:, :1])], 1)
            return replace(state, tensors={**state.tensors, key: wider})
    return state


LAYOUTS = (
    Layout(
        name="gan_zoo",
        project="facebookresearch/pytorch_GAN_zoo",
        sign=f"{_SIGN} or {_SHORT_SIGN}",
        recognise=_recognise,
        read=_read,
        growth=_growth,
        check=_check,
        critic=CriticLayout(_is_critic, _read_critic),
        remarks="networks trained with labels need `--label`",
    ),
)
