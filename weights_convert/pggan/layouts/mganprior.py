"""genforce/mganprior, and genforce/genforce after it: PyTorch generators that name their layers from `layer0` on.

`layer3.conv.weight` and `layer3.wscale.bias` in mganprior, `layer3.weight` and `layer3.bias` in genforce. Fused
up-convolutions are `layer2.weight` in HWIO in mganprior; in genforce they have the names of plain ones, in IOHW, and
where the widths are equal everywhere, they are taken for plain, as the public code makes them unless told otherwise. A
final tanh and a label input leave no trace in the weights; such generators are not told from those without, unless the
file says `final_tanh` beside them.
"""

from dataclasses import replace

from weights_convert.pggan.arrangement import DOWN_OIHW, FIRST_OIHW, LAST_COLUMNS, MATRIX_OI, OIHW, UP_HWIO, UP_IOHW
from weights_convert.pggan.layers import Layer, leave_form_open, tensors_of
from weights_convert.pggan.layout import CriticLayout, Layout, Names, Reading, Source, by_key
from weights_convert.pggan.stage import Growth, growth_by_lod
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
    tensors = tensors_of(source.state, layers, examples="layer0.weight, layer0.bias")
    note = "its up-convolutions are taken not to be fused, as by default: equal widths leave open whether they are"
    return Reading(tensors, notes=(note,) if leave_form_open(tensors) else ())


def _growth(source: Source, stages: int) -> Growth:
    """By `lod`, which is in every file that the projects saved."""
    growth = growth_by_lod(source.state, stages)
    note = "the file does not say how far it had grown (lod); it is taken as finished"
    return growth if growth.said else replace(growth, note=note)


def _is_critic(names: Names) -> bool:
    return "input0.weight" in names and "layer0.weight" in names


def _read_critic(source: Source) -> Reading | str:
    """Its numbers run from the finest stage to 4x4."""
    stages = sum(key.startswith("input") and key.endswith(".weight") for key in source.state)
    rows = source.state.get(f"layer{2 * stages}.weight")
    if rows is not None and rows.ndim == 2 and len(rows) != 1:
        return "it has outputs for labels"
    fused = source.generator["upsample"] == "fused"
    layers = [
        Layer("layer0", f"layer{2 * stages - 1}.weight", f"layer{2 * stages - 1}.bias", (LAST_COLUMNS,)),
        Layer("output", f"layer{2 * stages}.weight", f"layer{2 * stages}.bias", (MATRIX_OI,)),
    ]
    for b in range(stages):
        finer = stages - 1 - b
        layers.append(Layer(f"input{b}", f"input{finer}.weight", f"input{finer}.bias"))
        layers.append(Layer(f"layer{2 * b + 1}", f"layer{2 * finer}.weight", f"layer{2 * finer}.bias"))
        if b:
            halving = (DOWN_OIHW if fused else OIHW,)
            layers.append(Layer(f"layer{2 * b}", f"layer{2 * finer + 1}.weight", f"layer{2 * finer + 1}.bias", halving))
    form = "fused, as the generator's doubling" if fused else "not fused, as the generator's doubling"
    note = f"the critic's halving is taken to be {form}, and its groups to be of 16 pictures: the file says neither"
    tensors = tensors_of(source.state, layers, examples="input0.weight, layer0.weight")
    return Reading(tensors, {"group_size": 16}, notes=(note,))


LAYOUTS = (
    Layout(
        name="mganprior",
        project="genforce/mganprior",
        sign="layer0.conv.weight",
        recognise=by_key("layer0.conv.weight"),
        read=_read_mganprior,
        growth=_growth,
        remarks="the file does not say whether its images go through a tanh: `--output tanh`",
    ),
    Layout(
        name="genforce",
        project="genforce/genforce",
        sign="layer0.weight",
        recognise=by_key("layer0.weight", "output0.weight"),
        read=_read_genforce,
        growth=_growth,
        critic=CriticLayout(_is_critic, _read_critic),
        remarks="the file does not say whether its images go through a tanh: `--output tanh`",
    ),
)
