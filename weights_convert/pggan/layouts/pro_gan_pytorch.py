"""akanimax/pro_gan_pytorch (the package pro-gan-pth), versions 3 and 2.

Version 3 saves `depth_{d}_epoch_{e}.bin`, a dict with `generator`, `discriminator` and `shadow_generator`, the average,
each of them {"conf", "state_dict"}. Version 2 saves bare state dicts `GAN_GEN_{d}.pth` and `GAN_GEN_SHADOW_{d}.pth`,
the average. Networks have all their stages from the start; how far they had grown stands in the file's name alone.
There is no pixel norm between the two layers of the 4x4 stage, and in version 2 none of the code.
"""

import re
from collections.abc import Mapping
from typing import Any

from jaxprior.errors import WeightsError
from weights_convert.pggan.arrangement import FIRST_IOHW, MATRIX_OI_ON_A_MAP, OIHW
from weights_convert.pggan.layers import Constant, Layer, Tensors, he, he_of_code, no_constant, tensors_of
from weights_convert.pggan.layout import CriticLayout, Layout, Names, Reading, Source, by_key
from weights_convert.pggan.settings import check_flag
from weights_convert.pggan.stage import Growth
from weights_convert.pggan.trees import MAX_STAGES
from weights_convert.report import printable


_SIGN = "layers.0.conv_1.weight"
_SIGN_OF_2 = "initial_block.conv_1.weight"
_FADE = "how much of the last resolution had been faded in is not saved; all of it is assumed"
_FILE = re.compile(r"depth_(?P<stage>\d{1,2})_epoch_\d+", re.IGNORECASE)
_FILE_OF_2 = re.compile(r"GAN_GEN_(?P<average>SHADOW_)?(?P<stage>\d{1,2})(?!\d)", re.IGNORECASE)
"""What stands in the names of files, also of copies such as "depth_7_epoch_20 (1).bin"."""


def _recognise(names: Names) -> str | None:
    return _SIGN if _SIGN in names and names[_SIGN].ndim == 4 and names[_SIGN].shape[2:] == (4, 4) else None


def _read(source: Source) -> Reading:
    if "use_eql" not in source.state.settings and source.asked.layout is None:
        raise WeightsError(
            "its tensors have the names of pro_gan_pytorch 3, but also those of BMSG-GAN, which is another network "
            "(an image of every stage, trained together), and the settings of pro_gan_pytorch (conf) are not beside "
            "them; give the file that the training saved, or say `--layout pro_gan_pytorch` if it is certain"
        )
    names = [f"layers.{b}" for b in range(MAX_STAGES)]
    equalised = check_flag("conf", source.state.settings, "use_eql")
    return Reading(_tensors(source, names, equalised), {"norm_before_layer1": False}, notes=(_FADE,))


def _read_2(source: Source) -> Reading:
    names = ["initial_block", *(f"layers.{b}" for b in range(MAX_STAGES - 1))]
    match = _stage_in_names(source, _FILE_OF_2)
    note = (
        f"its name, {printable(match.string)}, says that it is the average over the training"
        if match and match["average"]
        else "it is not known to be an average over the training: averages of this layout are in files "
        "GAN_GEN_SHADOW_*.pth"
    )
    options = {"normalize_latents": False, "norm_before_layer1": False}
    return Reading(_tensors(source, names, True), options, {"codes": "sphere"}, notes=(note, _FADE))


def _tensors(source: Source, names: list[str], equalised: bool) -> Tensors:
    """A generator's tensors; `names` are those of its stages, and `equalised` whether He's constant is at work."""
    layers = []
    for b, name in enumerate(names):
        for i, ours in ((1, f"layer{2 * b}"), (2, f"layer{2 * b + 1}")):
            is_first = ours == "layer0"
            constant: Constant = (he_of_code if is_first else he) if equalised else no_constant
            arrangement = FIRST_IOHW if is_first else OIHW
            layers.append(
                Layer(ours, f"{name}.conv_{i}.weight", f"{name}.conv_{i}.bias", (arrangement,), constant=constant)
            )
        rgb = f"rgb_converters.{b}"
        layers.append(Layer(f"output{b}", f"{rgb}.weight", f"{rgb}.bias", constant=he if equalised else no_constant))
    return tensors_of(source.state, layers, examples=f"{names[0]}.conv_1.weight, rgb_converters.0.bias")


def _growth(source: Source, stages: int) -> Growth:
    return _by_name(stages, _stage_in_names(source, _FILE), first=2)


def _growth_2(source: Source, stages: int) -> Growth:
    return _by_name(stages, _stage_in_names(source, _FILE_OF_2), first=0)


def _stage_in_names(source: Source, pattern: re.Pattern[str]) -> re.Match[str] | None:
    """Where a file's name, or that of the file it is a link to, says the number of the last stage.

    Raises:
        WeightsError: they say several numbers.
    """
    matches = [match for name in source.names for match in pattern.finditer(name)]
    if len({int(match["stage"]) for match in matches}) > 1:
        names = " and ".join(printable(name) for name in dict.fromkeys(match.string for match in matches))
        raise WeightsError(
            f"its name says different things about how far it had grown: {names}; give it the name under which it "
            "was saved"
        )
    return matches[0] if matches else None


def _by_name(stages: int, match: re.Match[str] | None, *, first: int) -> Growth:
    """How far a network had grown by the number of its last stage, which stands in the file's name.

    Arguments:
        first: the number of the stage of 4x4 pixels.
    """
    if match is None:
        return Growth(
            note="its name is not one under which its training saves, and only those say how far it had grown; it is "
            "taken as finished"
        )
    last = int(match["stage"]) - first
    if not 0 <= last < stages:
        raise WeightsError(
            f"its name says that it had grown to {4 * 2**last:g} pixels, but it has {stages} stages "
            f"({4 << (stages - 1)} pixels); give it the name under which it was saved"
        )
    return Growth(stages - 1 - last, f"the file is called {printable(match.string)}")


def _check(source: Source, config: Mapping[str, Any]) -> None:
    """Refuse the settings of another network beside one of version 3."""
    said = source.state.settings
    sizes = {"depth": len(config["widths"]) + 1, "num_channels": config["image_channels"],
             "latent_size": config["latent_dim"]}  # fmt: skip
    for key, expected in sizes.items() if "use_eql" in said else ():
        if said.get(key, expected) != expected:
            raise WeightsError(
                f"conf.{key} = {printable(str(said[key]))}, but the tensors of the network say {expected}; these are "
                "the settings of another network"
            )


def _is_critic(names: Names) -> bool:
    return "from_rgb.0.0.weight" in names or "from_rgb.0.weight" in names


def _read_critic(source: Source) -> Reading | str:
    """Its numbers run from the finest stage to 4x4."""
    state = source.state
    if "from_rgb.0.weight" in state:
        return "saved by version 3.0, whose critic has no activation after its first layer"
    if not check_flag("conf", state.settings, "use_eql"):
        return "without equalised learning rate"
    stages = sum(key.startswith("from_rgb.") and key.endswith(".weight") for key in state)
    last = f"layers.{stages - 1}"
    width, first = (state.get(f"{last}.{name}.bias") for name in ("conv_2", "conv_1"))
    if width is not None and first is not None and width.shape != first.shape:
        return f"its last but one layer has {width.size} features; ours has {first.size}, as the stage of 4x4 pixels"
    layers = [
        Layer("layer0", f"{last}.conv_2.weight", f"{last}.conv_2.bias", constant=he),
        Layer("output", f"{last}.conv_3.weight", f"{last}.conv_3.bias", (MATRIX_OI_ON_A_MAP,), constant=he),
    ]
    for b in range(stages):
        finer = stages - 1 - b
        layers.append(Layer(f"input{b}", f"from_rgb.{finer}.0.weight", f"from_rgb.{finer}.0.bias"))
        layers.append(Layer(f"layer{2 * b + 1}", f"layers.{finer}.conv_1.weight", f"layers.{finer}.conv_1.bias"))
        if b:
            layers.append(Layer(f"layer{2 * b}", f"layers.{finer}.conv_2.weight", f"layers.{finer}.conv_2.bias"))
    return Reading(tensors_of(state, layers, examples="from_rgb.0.0.weight, layers.0.conv_1.weight"))


LAYOUTS = (
    Layout(
        name="pro_gan_pytorch",
        project="akanimax/pro_gan_pytorch 3",
        sign=f"{_SIGN} of 4x4 pixels",
        recognise=_recognise,
        read=_read,
        growth=_growth,
        check=_check,
        critic=CriticLayout(_is_critic, _read_critic),
        remarks="in the file that its training saved; the critic from version 3.4 on",
    ),
    Layout(
        name="pro_gan_pytorch_2",
        project="akanimax/pro_gan_pytorch 2",
        sign=_SIGN_OF_2,
        recognise=by_key(_SIGN_OF_2),
        read=_read_2,
        growth=_growth_2,
        remarks="codes lie on a sphere; the average is the file GAN_GEN_SHADOW_*.pth",
    ),
)
