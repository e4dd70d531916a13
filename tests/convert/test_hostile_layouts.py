"""Hostile, damaged and refused files of the public PGGAN layouts: each ends in one sentence or in the right network,
nothing in them is run, and their objects of settings become plain values or nothing.
"""

import os
from pathlib import Path

import numpy as np
import pytest
from foreign_files import refused
from golden_layouts import State
from public_files import AKA, BAU, FORCE, MM, ZOO, BaseConfig, aka_file, mm_file, prefixed, save, zoo_file

from jaxprior.weights.storage import load_weights, read_card
from weights_convert import convert, layout_table, pytorch
from weights_convert.__main__ import main
from weights_convert.stand_ins import Described


class Reduced:
    """An object that pickles as the call of a function."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


class OddConfig(BaseConfig):
    """A BaseConfig that pickles in another way than its class does."""

    def __init__(self, *parts):
        self.parts = parts

    def __reduce_ex__(self, protocol):
        return self.parts


def read_config(path: Path, config) -> object:
    return pytorch.read_zip(save(path, {"config": config}).read_bytes())["config"]


# The object of settings.


def test_an_object_of_settings_becomes_plain_values(tmp_path):
    attributes = {"alpha": 0.5, "name": "x", "none": None, "flag": True, "order": {"a": {"values": ["u", 3]}}}
    config = read_config(tmp_path / "c.pth", BaseConfig(**attributes, pair=(1, 2)))
    assert isinstance(config, Described) and config.name == "models.utils.config BaseConfig"
    assert config.attributes == {**attributes, "pair": [1, 2]} and not callable(config)


def test_what_is_not_plain_in_it_is_left_out(tmp_path):
    recursive: list = [1]
    recursive.append(recursive)
    laughs: list = ["ha"]
    for _ in range(40):
        laughs = [laughs, laughs]
    deep: list = []
    for _ in range(30):
        deep = [deep]
    odd = BaseConfig(
        alpha=0.0,
        array=np.ones(3, np.float32),
        arrays=[np.ones((), np.float32)],
        inner=BaseConfig(alpha=0.5, called=Reduced(Path, "y")),
        path=Path("x"),
        called=Reduced(Path, "y"),
        numbered={1: 2},
        text="x" * 2000,
        recursive=recursive,
        deep=deep,
    )
    odd.__dict__["n" * 5000] = 1
    odd.own = odd
    assert read_config(tmp_path / "c.pth", odd).attributes == {"alpha": 0.0, "inner": {"alpha": 0.5}}
    config = read_config(tmp_path / "c.pth", BaseConfig(many=[[0] * 9000, [0] * 9000, [0] * 9000], laughs=laughs))
    assert config.attributes == {}


def test_many_objects_that_share_a_long_list_are_refused(tmp_path):
    """Each is copied, so that a small file could keep the converter busy for days."""
    long = [0] * 19_000
    value = {f"n{i}": BaseConfig(long=long) for i in range(60)}
    refused(save(tmp_path / "c.pth", value), words="objects of settings hold more than 1000000 values")


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (lambda path: BaseConfig(alpha=0.0, smuggled=os.system), "which is not on the allow-list"),
        (lambda path: BaseConfig(alpha=Reduced(os.system, f"touch {path}")), "which is not on the allow-list"),
        (lambda path: BaseConfig(alpha=Reduced(eval, f"open({str(path)!r}, 'w')")), "which is not on the allow-list"),
        (lambda path: OddConfig(BaseConfig, ("an argument",)), "in a way that its code does not"),
        (lambda path: OddConfig(BaseConfig, (), [1, 2]), "a state that is no dict"),
        (lambda path: OddConfig(BaseConfig, (), (None, {"alpha": 0})), "a state that is no dict"),
        (lambda path: OddConfig(BaseConfig, (), None, iter([1])), "damaged"),
    ],
)
def test_an_object_of_settings_that_is_something_else_is_refused(config, words, tmp_path):
    canary = tmp_path / "canary"
    refused(save(tmp_path / "zoo.pth", {**zoo_file(), "config": config(canary)}), words=words)
    assert not canary.exists()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"alpha": np.zeros((), np.float32)}, "config.alpha, which says whether the last resolution"),
        ({"alpha": True}, "config.alpha, which says whether"),
        ({"lossCriterion": "Hinge"}, "config.lossCriterion = Hinge decides whether images go through a tanh"),
        ({"lossCriterion": ["MSE"]}, "decides whether images"),
        ({"leakyReluLeak": 0.1}, "our LeakyReLU has the slope 0.2"),
        ({"categoryVectorDim": 2.5}, "is not a number of labels"),
        ({"categoryVectorDim": 24}, "fix it with `--label`"),
        ({"categoryVectorDim": 2, "attribKeysOrder": {"a": {"order": 5, "values": ["u", "v"]}}}, "does not say what"),
        ({"categoryVectorDim": 2, "attribKeysOrder": {"a": [1, 2]}}, "does not say what"),
    ],
)
def test_settings_that_decide_and_cannot_be_read_are_refused(settings, words, tmp_path):
    refused(save(tmp_path / "zoo.pth", zoo_file(**settings)), words=words)


def test_a_label_must_leave_numbers_that_are_random(tmp_path):
    path = save(tmp_path / "zoo.pth", zoo_file(categoryVectorDim=24))
    refused(path, words="leaves none that is random", label=",".join(["0"] * 24))
    refused(path, words="does not fit", label="nan" + ",0" * 22)
    refused(path, words="does not fit", label="nan" + ",0" * 23)


def test_an_object_without_a_state_is_no_config(tmp_path):
    report = convert(save(tmp_path / "zoo.pth", {**zoo_file(), "config": BaseConfig()}), tmp_path / "z.safetensors")
    assert any("without the training's `config`" in note for note in report.notes)


# Damaged networks.


def conf(state: State) -> dict:
    return {"conf": {"use_eql": True}, "state_dict": state}


NETWORKS = {
    "karras_pytorch": (lambda: BAU.state("bau16"), dict, "layer3.conv.weight", "layer3.wscale.b"),
    "karras_pytorch, old": (lambda: BAU.state("bauold16"), dict, "features.2.conv.weight", "features.2.wscale.b"),
    "mmgeneration": (
        lambda: MM.state("mm16"),
        lambda state: {"state_dict": prefixed("generator_ema.", state)},
        "conv_blocks.3.conv.weight_orig",
        "noise2feat.bias",
    ),
    "gan_zoo": (
        lambda: ZOO.state("zoo16"),
        lambda state: {"avgG": state},
        "scaleLayers.1.0.module.weight",
        "formatLayer.module.bias",
    ),
    "pro_gan_pytorch": (lambda: AKA.state("aka3_16"), conf, "layers.1.conv_1.weight", "rgb_converters.1.bias"),
    "pro_gan_pytorch_2": (lambda: AKA.state("aka2_64"), dict, "layers.3.conv_1.weight", "rgb_converters.4.bias"),
    "genforce": (lambda: FORCE.state("gf16f"), dict, "layer4.weight", "output1.bias"),
}
DAMAGES = {
    "a kernel is missing": (lambda s, kernel, bias: s.pop(kernel), "is missing, expected"),
    "a bias is missing": (lambda s, kernel, bias: s.pop(bias), "is missing, expected"),
    "another tensor": (lambda s, kernel, bias: s.update({"extra.weight": np.ones(3, np.float32)}), "is no part of"),
    "a long name": (lambda s, kernel, bias: s.update({"n." * 400: np.ones(3, np.float32)}), "is no part of"),
    "a kernel of other channels": (lambda s, kernel, bias: s.update({kernel: s[kernel][:, :-1]}), "has shape"),
    "a kernel without axes": (lambda s, kernel, bias: s.update({kernel: np.float32([1])[0:1]}), "has shape"),
    "a longer bias": (lambda s, kernel, bias: s.update({bias: np.ones(999, np.float32)}), "has shape"),
    "nan": (lambda s, kernel, bias: s[kernel].fill(np.nan), "values that are NaN or infinite"),
    "integers": (lambda s, kernel, bias: s.update({kernel: s[kernel].astype(np.int64)}), "data type int64"),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("layout", NETWORKS)
def test_a_damaged_network_is_refused_by_the_names_of_its_file(layout, damage, tmp_path):
    make, wrap, kernel, bias = NETWORKS[layout]
    change, words = DAMAGES[damage]
    state = make()
    change(state, kernel, bias)
    refused(save(tmp_path / "g.pth", wrap(state)), words=words)


def test_numbers_that_overflow_with_their_constant_are_refused(tmp_path):
    state = BAU.state("bauold16")
    state["features.2.wscale.scale"] = np.float32([1e38])
    refused(save(tmp_path / "g.pth", state), words="features.2.conv.weight holds")
    for scale in (np.float32([np.nan]), np.ones(10, np.float32), np.zeros((), np.bool_).astype(np.uint8)[None][:0]):
        state["features.2.wscale.scale"] = scale
        refused(save(tmp_path / "g.pth", state), words="features.2.wscale.scale is not one finite number")
    del state["features.2.wscale.scale"]
    refused(save(tmp_path / "g.pth", state), words="every layer needs its constant")


def test_up_convolutions_of_two_forms_are_refused(tmp_path):
    flat = mm_file()
    key = "generator_ema.conv_blocks.1.conv.weight_orig"
    flat["state_dict"]["generator_ema.conv_blocks.3.conv.weight_orig"] = np.ones((8, 12, 3, 3), np.float32)
    flat["state_dict"][key] = np.ones((10, 12, 3, 3), np.float32)
    assert "conv_blocks.1.conv.weight_orig has shape" in refused(save(tmp_path / "m.pth", flat), words="do not fit")


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("output_12x12", "expected a power of 2"),
        ("output_2x2", "power of 2"),
        ("output_32x32", "layer8.wscale.b is missing"),
    ],
)
def test_an_output_of_a_resolution_that_does_not_fit_is_refused(output, words, tmp_path):
    state = {key.replace("output_16x16", output): array for key, array in BAU.state("bau16").items()}
    refused(save(tmp_path / "g.pth", state), words=words)


def test_critics_that_are_not_ours_are_left_out_and_the_reason_is_said(tmp_path):
    out = tmp_path / "out.safetensors"
    saved = aka_file()
    critic = saved["discriminator"]["state_dict"]
    older = {key.replace(".0.weight", ".weight").replace(".0.bias", ".bias") if key.startswith("from_rgb") else key: a
             for key, a in critic.items()}  # fmt: skip
    wider = {**critic, "layers.2.conv_2.bias": np.ones(16, np.float32)}
    for other, words in ((older, "saved by version 3.0"), (wider, "16 features; ours has 12")):
        saved["discriminator"]["state_dict"] = other
        assert words in str(convert(save(tmp_path / "a.bin", saved), out))
        assert list(load_weights(out)[0]) == ["generator"] and "critic" not in read_card(out)["config"]
    labelled = zoo_file()
    labelled["netD"]["decisionLayer.module.weight"] = np.ones((3, 12), np.float32)
    assert "netD (it has outputs for labels)" in str(convert(save(tmp_path / "z.pth", labelled), out))
    labelled["netD"]["decisionLayer.module.weight"] = np.ones(12, np.float32)
    refused(save(tmp_path / "z.pth", labelled), words="decisionLayer.module.weight has shape (12,), expected (1, 12)")


# What is known and not read.


def ablation(key: str) -> State:
    return {**BAU.state("bauold16"), key: np.ones(12, np.float32)}


ONE = {"x.weight": np.ones((2, 2, 3, 3), np.float32)}
REFUSED = {
    "ganseeing_ablation": ablation("features.0.conv.bias"),
    "pro_gan_pytorch_1": AKA.state("aka1_64"),
    "rosinality": {**ONE, "progression.0.conv.0.conv.weight_orig": np.ones((2, 2, 4, 4), np.float32)},
    "odegeasslbc": {**ONE, "input_layer.0.conv.weight_orig": np.ones((2, 2, 4, 4), np.float32)},
    "bmsg_gan": prefixed("module.", AKA.state("aka3_16")),
    "tfhub": None,
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_exact_is_refused_with_the_reason(name, tmp_path):
    row = next(row for row in layout_table() if row.name == name)
    value = REFUSED[name]
    if value is None:
        folder = tmp_path / "progan-128_1"
        (folder / "variables").mkdir(parents=True)
        (folder / "tfhub_module.pb").write_bytes(b"\x08\x03")
        (folder / "saved_model.pb").write_bytes(b"\x08\x01")
        refused(folder, words=row.remarks)
    elif name == "bmsg_gan":
        refused(save(tmp_path / "g.pth", value), words="also those of BMSG-GAN, which is another network")
    else:
        refused(save(tmp_path / "g.pth", value), words=f"{row.project} (it has {row.sign}), which is not converted")
        refused(save(tmp_path / "g.pth", {"g_ema": value}), words=row.remarks)


def test_all_that_is_refused_is_tried():
    assert {row.name for row in layout_table() if row.read == "refused"} == set(REFUSED)


def test_a_readable_network_beside_a_refused_one_is_taken(tmp_path):
    both = {"g_ema": AKA.state("aka1_64"), "netG": BAU.state("bau16")}
    refused(save(tmp_path / "g.pth", {"old": both["g_ema"]}), words="not converted")
    assert "generator from netG" in convert(save(tmp_path / "g.pth", both), tmp_path / "g.safetensors").used


# Options and tables.


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"layout": "gan_zoo"}, "its layout is karras_pytorch (because it has layer1.conv.weight), and not gan_zoo"),
        ({"layout": "rosinality"}, "unknown layout 'rosinality'; expected one of gan_zoo, karras_pytorch, "),
        ({"output": "sigmoid"}, "unknown output 'sigmoid'; expected one of none, clip, tanh"),
        ({"network": "vgg16", "output": "clip"}, "are not those of vgg16"),
    ],
)
def test_options_that_do_not_fit_are_refused(options, words, tmp_path):
    refused(save(tmp_path / "g.pth", BAU.state("bau16")), words=words, **options)


def test_the_list_names_every_layout(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--list"])
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    for row in layout_table():
        assert f"{row.name}: {row.project}" in printed and row.remarks in printed


def test_the_documentation_has_the_same_table():
    page = (Path(__file__).parents[2] / "docs/converting.md").read_text().replace("`", "")
    for row in layout_table():
        words = [row.name, row.project, row.sign, *([] if row.read == "refused" else [row.read]), row.remarks]
        assert f"| {' | '.join(words)} |".replace("`", "") in page, row.name
