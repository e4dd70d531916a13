"""Converted networks of Karras et al. in PyTorch, as those around GAN dissection and ptrblck use them.

davidbau/ganseeing, CSAILVision/gandissect, davidbau/rewriting and chail/latent-composition name layers from `layer1` on
(`layer1.conv.weight`, `layer1.wscale.b`, `output_256x256.conv.weight`); older files of theirs, and
ptrblck/prog_gans_pytorch_inference, from `features.0` on. Only the last layer to the image is in a file.

Older files hold a measured constant, `wscale.scale`. ptrblck's code multiplies by it, the other readers leave it out
and take the formula; it is a little different from the formula where the networks came from Theano, so a stored number
is used. The files of ganseeing's ablation study have the same names: those without `wscale` are refused, those without
pixel norm leave no trace and are not told apart.
"""

import math
import re
from collections.abc import Callable

import numpy as np

from jaxprior.errors import WeightsError
from weights_convert.pggan.arrangement import FIRST_OIHW, OIHW
from weights_convert.pggan.layers import Layer, tensors_of
from weights_convert.pggan.layout import Layout, Names, Reading, Refused, Source
from weights_convert.pggan.trees import MAX_STAGES
from weights_convert.tensors import as_number


_NEW = "layer1.conv.weight"
_OLD = "features.0.conv.weight"
_OUTPUT = re.compile(r"output_(\d{1,4})x\1\.conv\.weight")


def _recognise(names: Names) -> str | None:
    return None if _recognise_ablation(names) else _sign_of(names)


def _recognise_ablation(names: Names) -> str | None:
    layers = ("features.0.conv.bias", "features.0.norm.weight", "layer1.conv.bias")
    return next((key for key in layers if key in names), None) if _sign_of(names) else None


def _sign_of(names: Names) -> str | None:
    """The first layer's name, if there is one to the image too."""
    if _OLD in names and "output.conv.weight" in names:
        return _OLD
    is_new = _NEW in names and "layer0.conv.weight" not in names
    return _NEW if is_new and any(_OUTPUT.fullmatch(key) for key in names) else None


def _read(source: Source) -> Reading:
    state = source.state
    is_new = _NEW in state
    name = "layer{}".format if is_new else "features.{}".format
    first = 1 if is_new else 0
    blocks = [(f"layer{k}", name(k + first), (OIHW,) if k else (FIRST_OIHW,)) for k in range(2 * MAX_STAGES)]
    for key in state:
        if match := _OUTPUT.fullmatch(key):
            blocks.append((_output_of(int(match[1]), state.in_file(key)), key.removesuffix(".conv.weight"), (OIHW,)))
    if not is_new:
        stages = sum(key.endswith(".conv.weight") and key.startswith("features.") for key in state) // 2
        blocks.append((f"output{max(stages, 1) - 1}", "output", (OIHW,)))
    scales = {} if is_new else {their: f"{their}.wscale.scale" for _, their, _ in blocks}
    stored = [key for key in scales.values() if key in state]
    layers = [
        Layer(ours, f"{their}.conv.weight", f"{their}.wscale.b", arrangements,
              constant=_stored(source, scales[their]) if stored and f"{their}.conv.weight" in state else None)
        for ours, their, arrangements in blocks
    ]  # fmt: skip
    note = "the constants that the file stores (wscale.scale) are used, as in ptrblck's code; others use the formula"
    tensors = tensors_of(state, layers, examples=f"{_NEW}, {_OLD}", used=stored)
    return Reading(tensors, {"outputs": "last"}, notes=(note,) if stored else ())


def _output_of(pixels: int, key: str) -> str:
    """Our name of the layer to an image of so many pixels a side."""
    if pixels < 4 or pixels & (pixels - 1):
        raise WeightsError(f"{key} names images of {pixels}x{pixels} pixels; expected a power of 2")
    return f"output{int(math.log2(pixels)) - 2}"


def _stored(source: Source, key: str) -> Callable[[tuple[int, ...], str], float]:
    value = as_number(source.state.get(key, np.zeros(0)))
    if value is None or not math.isfinite(value):
        raise WeightsError(f"{source.state.in_file(key)} is not one finite number; every layer needs its constant")
    return lambda shape, form: value


LAYOUTS = (
    Layout(
        name="karras_pytorch",
        project="davidbau/ganseeing, CSAILVision/gandissect, ptrblck/prog_gans_pytorch_inference",
        sign=f"{_NEW} or {_OLD}",
        recognise=_recognise,
        read=_read,
        silent_output=(
            "the code of ganseeing and rewriting clips images to [-1, 1] at the end, that of gandissect and ptrblck "
            "does not, and the file does not say which: they are not clipped (`--output clip` clips them)"
        ),
        remarks="generator of the last resolution alone; the file does not say whether its images are clipped: "
        "`--output clip`",
    ),
    Refused(
        name="ganseeing_ablation",
        project="davidbau/ganseeing, ablation study",
        sign="features.0.conv.bias",
        recognise=_recognise_ablation,
        reason="its layers have no equalised learning rate, and batch norm or no norm in place of pixel norm",
    ),
)
