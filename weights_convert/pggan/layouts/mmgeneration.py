"""open-mmlab/mmgeneration and mmagic: one flat dict with the prefixes `generator.`, `generator_ema.`, `discriminator.`

The names behind the prefix are `noise2feat.linear.weight_orig`, `conv_blocks.3.conv.weight_orig`,
`torgb_layers.2.conv.weight_orig`. Fused up-convolutions, the default, are [in, out, 3, 3], and their constant counts
the channels that come out; where the widths are equal everywhere, the layers are taken to be fused. Buffers beside the
prefixes say how far the network had grown.
"""

import math

from jaxprior.errors import WeightsError
from weights_convert.pggan.arrangement import FIRST_ROWS, OIHW, UP_IOHW, VECTOR_ON_A_MAP
from weights_convert.pggan.layers import Layer, he, leave_form_open, tensors_of
from weights_convert.pggan.layout import Layout, Reading, Source, by_key
from weights_convert.pggan.stage import Growth
from weights_convert.pggan.trees import MAX_STAGES
from weights_convert.states import State


_SIGN = "noise2feat.linear.weight_orig"
_SCALE = "_curr_scale_int"
_WEIGHT = "_curr_transition_weight"


def _read(source: Source) -> Reading:
    layers = [Layer("layer0", _SIGN, "noise2feat.bias", (FIRST_ROWS,), VECTOR_ON_A_MAP)]
    for k in range(1, 2 * MAX_STAGES):
        name = f"conv_blocks.{k - 1}.conv"
        if k % 2:
            layers.append(Layer(f"layer{k}", f"{name}.weight_orig", f"{name}.bias"))
        else:
            arrangements = (UP_IOHW, OIHW)
            layers.append(Layer(f"layer{k}", f"{name}.weight_orig", f"{name}.bias", arrangements, constant=_constant))
    for b in range(MAX_STAGES):
        layers.append(Layer(f"output{b}", f"torgb_layers.{b}.conv.weight_orig", f"torgb_layers.{b}.conv.bias"))
    tensors = tensors_of(source.state, layers, examples=f"{_SIGN}, conv_blocks.0.conv.bias")
    note = "its up-convolutions are taken to be fused, as by default: equal widths leave open whether they are"
    return Reading(tensors, {"norm_epsilon": "outside"}, notes=(note,) if leave_form_open(tensors) else ())


def _constant(shape: tuple[int, ...], form: str) -> float:
    """The constant of an up-convolution: a fused one counts what comes out of it, not what goes in."""
    return math.sqrt(2 / (9 * shape[-1])) if form == "fused" else he(shape, form)


def _growth(source: Source, stages: int) -> Growth:
    """What the buffers beside the networks say: the resolution, and the weight of its image over the smaller one's."""
    size, weight = _buffer(source.state, _SCALE), _buffer(source.state, _WEIGHT)
    if size is None and weight is None:
        return Growth(note=f"the file does not say how far it had grown ({_SCALE}); it is taken as finished")
    sizes = [4 << b for b in range(stages)]
    if isinstance(size, bool) or not isinstance(size, (int, float)) or size not in sizes:
        raise WeightsError(
            f"{_SCALE} is no resolution of a network with {stages} stages; expected one of {', '.join(map(str, sizes))}"
        )
    if not isinstance(weight, (int, float)) or not abs(weight - 1) < 1e-4:
        raise WeightsError(
            f"{_WEIGHT} = {f'{weight:g}' if isinstance(weight, (int, float)) else 'no number'}: the network was saved "
            f"while {int(size)}x{int(size)} pixels were fading in, and its images are a mixture with smaller ones, "
            "which is not converted; take a checkpoint of the same training with 1 there"
        )
    return Growth(stages - 1 - sizes.index(int(size)), f"{_SCALE} = {int(size)}")


def _buffer(state: State, name: str) -> object:
    """The value of a buffer beside the networks, also behind the name of a wrapper."""
    others = (value for key, value in state.around.items() if key.endswith(f".{name}"))
    own = state.said(name)
    return next(others, None) if own is None else own


LAYOUTS = (
    Layout(
        name="mmgeneration",
        project="open-mmlab/mmgeneration, open-mmlab/mmagic",
        sign=_SIGN,
        recognise=by_key(_SIGN),
        read=_read,
        growth=_growth,
        without_critic="critics of this layout have no 4x4 convolution, which ours has",
        remarks="the critic is left out: it has no 4x4 convolution",
    ),
)
