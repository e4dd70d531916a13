"""genforce/mganprior, and genforce/genforce after it: PyTorch generators that name their layers from `layer0` on.

`layer3.conv.weight` and `layer3.wscale.bias` in mganprior, `layer3.weight` and `layer3.bias` in genforce. Fused
up-convolutions are `layer2.weight` in HWIO in mganprior; in genforce they have the names of plain ones, in IOHW, and
where the widths are equal everywhere, they are taken for plain, as the public code makes them unless told otherwise. A
final tanh and a label input leave no trace; such generators are not told from those without.
"""

from weights_convert.pggan.arrangement import FIRST_OIHW, OIHW, UP_HWIO, UP_IOHW
from weights_convert.pggan.layers import Layer, tensors_of
from weights_convert.pggan.layout import Layout, Reading, Source, by_key
from weights_convert.pggan.trees import MAX_STAGES


def _read_mganprior(source: Source) -> Reading:
    layers = [
        Layer(f"layer{k}", f"layer{k}.conv.weight", f"layer{k}.wscale.bias", (OIHW if k else FIRST_OIHW,))
        for k in range(2 * MAX_STAGES)
    ]
    for b in range(MAX_STAGES):
        layers.append(Layer(f"output{b}", f"output{b}.conv.weight", f"output{b}.wscale.bias"))
        if b:
            layers.append(Layer(f"layer{2 * b}", f"layer{2 * b}.weight", f"layer{2 * b}.wscale.bias", (UP_HWIO,)))
    return Reading(tensors_of(source.state, layers, examples="layer0.conv.weight, layer0.wscale.bias"))


def _read_genforce(source: Source) -> Reading:
    layers = [Layer(f"output{b}", f"output{b}.weight", f"output{b}.bias") for b in range(MAX_STAGES)]
    for k in range(2 * MAX_STAGES):
        arrangements = (FIRST_OIHW,) if k == 0 else (OIHW,) if k % 2 else (OIHW, UP_IOHW)
        layers.append(Layer(f"layer{k}", f"layer{k}.weight", f"layer{k}.bias", arrangements))
    return Reading(tensors_of(source.state, layers, examples="layer0.weight, layer0.bias"))


LAYOUTS = (
    Layout(
        name="mganprior",
        project="genforce/mganprior",
        sign="layer0.conv.weight",
        recognise=by_key("layer0.conv.weight"),
        read=_read_mganprior,
    ),
    Layout(
        name="genforce",
        project="genforce/genforce",
        sign="layer0.weight",
        recognise=by_key("layer0.weight", "output0.weight"),
        read=_read_genforce,
        remarks="a final tanh leaves no trace",
    ),
)
