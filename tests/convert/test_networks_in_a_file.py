"""Which network of a checkpoint becomes the prior: behind whatever prefixes it lies, and the average of several."""

import itertools

import numpy as np
import pytest
import safetensors.numpy
from foreign_features import vgg_state
from foreign_files import (
    pggan_state,
    refused,
    tensorflow_pickle,
    tensorflow_state,
    tensorflow_variables,
    torch_pickled,
)

from jaxprior.weights.storage import load_weights, read_card
from weights_convert import convert
from weights_convert.__main__ import main
from weights_convert.averages import is_average


AVERAGE = pggan_state(8)
RAW = {key: np.asarray(array + np.float32(key != "lod")) for key, array in AVERAGE.items()}
CRITIC = {f"conv{i}.weight": np.ones((4, 4, 3, 3), np.float32) for i in range(5)}


def prefixed(prefix: str, state: dict) -> dict:
    return {f"{prefix}{key}": array for key, array in state.items()}


def save(path, value):
    path.write_bytes(torch_pickled(value))
    return path


def bias_of(path) -> np.ndarray:
    return load_weights(path)[0]["generator"]["layer1"]["bias"]


def assert_is(path, state: dict) -> None:
    np.testing.assert_array_equal(bias_of(path), state["layer1.wscale.bias"])


# Prefixes.


@pytest.mark.parametrize(
    "prefix",
    [
        "module.",
        "_orig_mod.",
        "module._orig_mod.",
        "_orig_mod.module.",
        "module.module.",
        "netG.",
        "generator.",
        "G.",
        "model.",
        "model.generator.module.",
        "pipeline.nets.g.",
        "_forward_module.",
    ],
)
def test_the_prefixes_of_wrappers_are_taken_off(prefix, tmp_path):
    path, out = save(tmp_path / "g.pth", prefixed(prefix, AVERAGE)), tmp_path / "g.safetensors"
    assert convert(path, out).left_out == ("lod = 0",)
    assert_is(out, AVERAGE)


def test_wrappers_of_parts_are_taken_off(tmp_path):
    parts = {key.replace(".", "._orig_mod.", 1): array for key, array in AVERAGE.items()}
    save(tmp_path / "g.pth", parts)
    convert(tmp_path / "g.pth", tmp_path / "g.safetensors")
    assert_is(tmp_path / "g.safetensors", AVERAGE)
    vgg = {key.replace("features.", "features.module."): array for key, array in vgg_state("vgg16", last=17).items()}
    safetensors.numpy.save_file(vgg, tmp_path / "v.st")
    assert convert(tmp_path / "v.st", tmp_path / "v.safetensors").network == "vgg16"


def test_a_counter_beside_a_wrapper_says_that_it_averages(tmp_path):
    path, out = tmp_path / "g.pth", tmp_path / "g.safetensors"
    averaged = {"n_averaged": np.array(7), **prefixed("module.", AVERAGE)}
    report = convert(save(path, averaged), out)
    assert "(moving average)" in report.used and "n_averaged = 7" in report.left_out
    convert(save(path, {"a": RAW, "b": averaged}), out)
    assert_is(out, AVERAGE)
    begun = {**averaged, "n_averaged": np.array(0)}  # nothing was averaged yet
    refused(save(path, {"a": RAW, "swa_model": begun}), words="which of these networks to take")


@pytest.mark.parametrize("beside", ["netD.", "discriminator.", "D.module."])
def test_of_a_dict_with_several_networks_the_generator_is_taken(beside, tmp_path):
    path, out = tmp_path / "g.pth", tmp_path / "g.safetensors"
    joined = {**prefixed(beside, CRITIC), **prefixed("netG.", AVERAGE), "global_step": np.array(5)}
    report = convert(save(path, joined), out)
    assert_is(out, AVERAGE)
    assert {f"{beside.split('.')[0]} (5 tensors)", "global_step = 5"} <= set(report.left_out)
    joined = {**prefixed("netG.", RAW), **prefixed("netG_ema.", AVERAGE), **prefixed(beside, CRITIC)}
    convert(save(path, {"state_dict": joined, "epoch": 3}), out)
    assert_is(out, AVERAGE)
    convert(save(path, {**prefixed("ema.", AVERAGE), **RAW}), out)  # a network that holds its own average
    assert_is(out, AVERAGE)


def test_missing_and_misshapen_tensors_are_told_by_the_names_of_the_file(tmp_path):
    path = tmp_path / "g.pth"
    for change, words in [
        ({"layer3.conv.weight": None}, "netG.module.layer3.conv.weight is missing, expected (32, 32, 3, 3)"),
        (
            {"layer2.conv.weight": np.ones((32, 8, 3, 3), np.float32)},
            "netG.module.layer2.conv.weight has shape (32, 8, 3, 3), expected (32, 32, 3, 3)",
        ),
        ({"layer1.wscale.bias": np.ones((2, 2), np.float32)}, "netG.module.layer1.wscale.bias has shape (2, 2)"),
        ({"extra.weight": np.ones(3, np.float32)}, "'netG.module.extra.weight' is no part of"),
        ({"output1.wscale.bias": np.full(3, np.inf, np.float32)}, "netG.module.output1.wscale.bias holds 3 values"),
    ]:
        state = {key: array for key, array in {**AVERAGE, **change}.items() if array is not None}
        refused(save(path, prefixed("netG.module.", state)), words=words)


# Averages.


PAIRS = [
    ("G", "Gs"), ("g", "g_ema"), ("G", "G_ema"), ("netG", "avgG"), ("G", "emaG"), ("netG", "netG_avg"),
    ("netG", "netG_ema"), ("g", "g_running"), ("gen", "gen_shadow"), ("generator", "generatorEMA"),
    ("generator", "generator_ema"), ("model", "swa_model"), ("online_model", "ema_model"), ("G", "G_average"),
    ("generator", "generator_smooth"), ("shadow_generator", "gen")[::-1], ("g", "gema"), ("models.g", "models.EMA.g"),
]  # fmt: skip


@pytest.mark.parametrize("names", PAIRS, ids="-".join)
def test_the_average_is_taken_whatever_its_name_and_place(names, tmp_path):
    path, out = tmp_path / "g.pth", tmp_path / "g.safetensors"
    networks = dict(zip(names, (RAW, AVERAGE), strict=True))
    for order in itertools.permutations(networks):
        flat = {key: array for name in order for key, array in prefixed(f"{name}.", networks[name]).items()}
        for value in ({name: networks[name] for name in order}, flat):
            report = convert(save(path, value), out)
            assert_is(out, AVERAGE)
            card = read_card(out)
            assert card["state"] == names[1] and f"{names[1]} is taken, the average" in card["notes"][0]
            assert f"not {names[0]}" in str(report)
    report = convert(path, out, state=names[0])
    assert_is(out, RAW)
    assert read_card(out)["state"] == names[0] and "as was asked for" in str(report)


def test_names_of_averages_and_of_others():
    for name in ("Gs", "netG_mean", "schema", "raw", "non_averaged", "G_no_ema", "nonema", "images",
                 "pre_ema_G", "G_before_ema", "ema.raw", "swapped", "ema.online_model"):  # fmt: skip
        assert is_average(name) == (name == "Gs"), name


@pytest.mark.parametrize("names", [("netA", "netB"), ("ema_0.999", "ema_0.9999")])
def test_where_names_do_not_tell_the_networks_are_listed(names, tmp_path, capsys):
    path, out = tmp_path / "g.pth", tmp_path / "g.safetensors"
    save(path, dict(zip(names, (RAW, AVERAGE), strict=True)))
    message = refused(path, words="name one with `--state NAME`")
    assert f"{names[0]} (13 tensors), {names[1]} (13 tensors)" in message
    assert main([str(path), "-o", str(out), "--state", names[1]]) == 0
    assert_is(out, AVERAGE)
    assert f"{names[1]} is taken, as was asked for, not {names[0]}" in capsys.readouterr().out
    refused(path, words="it holds no network 'netC'", state="netC")


LISTS = {
    "a list of networks": {"models": [{"lr": 0.1}, AVERAGE]},
    "a tuple": {"G": (AVERAGE, 7)},
    "an average under its decay": {"G": RAW, "ema": {0.999: AVERAGE}},
    "a network under a number": {3: AVERAGE},
    "an optimiser beside it": {"G": AVERAGE, "optimizer": {"state": {0: {"exp_avg": np.ones((2, 2), np.float32)}}}},
}


@pytest.mark.parametrize("kind", LISTS)
def test_networks_in_lists_and_under_numbers_are_found(kind, tmp_path):
    out = tmp_path / "g.safetensors"
    report = convert(save(tmp_path / "g.pth", LISTS[kind]), out)
    assert_is(out, AVERAGE)
    assert "exp_avg" not in str(report)


def test_a_critic_with_layers_of_the_same_names_is_no_candidate(tmp_path):
    out, critic = tmp_path / "g.safetensors", {"layer0.conv.weight": np.ones((4, 4, 3, 3), np.float32)}
    flat = {**prefixed("generator.", AVERAGE), **prefixed("discriminator.", critic)}
    report = convert(save(tmp_path / "g.pth", {"state_dict": flat}), out)
    assert_is(out, AVERAGE)
    assert "taken" not in str(report)


def test_equal_networks_need_no_choice(tmp_path):
    path, out = save(tmp_path / "g.pth", {"netA": AVERAGE, "netB": dict(AVERAGE)}), tmp_path / "g.safetensors"
    assert "netA is taken, which holds the same numbers, not netB" in str(convert(path, out))
    convert(save(path, [AVERAGE, CRITIC]), out)
    assert_is(out, AVERAGE)


def test_networks_of_one_name_are_told_apart(tmp_path):
    path, out = tmp_path / "g.pth", tmp_path / "g.safetensors"
    save(path, {**prefixed("netG.", RAW), "netG": AVERAGE})
    message = refused(path, words="which of these networks to take")
    assert "netG (13 tensors)" in message and "netG#2 (13 tensors)" in message
    convert(path, out, state="netG#2")
    assert_is(out, AVERAGE)


SHADOW = [array for key, array in AVERAGE.items() if key != "lod"]


@pytest.mark.parametrize(
    ("beside", "name", "kind"),
    [
        ({"ema": {"decay": 0.999, "shadow_params": SHADOW}}, "ema.shadow_params", "a list of tensors without names"),
        ({"ema": {n: array for n, array in enumerate(SHADOW)}}, "ema", "a list of tensors without names"),
        (
            {"g_ema": {key.replace(".", ""): array for key, array in AVERAGE.items()}},
            "g_ema",
            "tensors of other names",
        ),
    ],
)
def test_an_average_that_cannot_be_read_is_not_passed_over(beside, name, kind, tmp_path):
    path, out = save(tmp_path / "g.pth", {"netG": RAW, **beside}), tmp_path / "g.safetensors"
    assert "`--state netG`" in refused(path, words=f"seems to be {name!r}, which cannot be read: it is {kind}")
    convert(path, out, state="netG")
    assert_is(out, RAW)


def test_averages_of_something_else_do_not_matter(tmp_path):
    """Of the critic, of an optimiser, or of other shapes."""
    others = {
        "netD_ema": CRITIC,
        "ema_of_losses": [np.ones(3, np.float32)] * 2,
        "optimizer": {"state": {0: {"exp_avg": AVERAGE["layer1.conv.weight"]}}},
    }
    path, out = save(tmp_path / "g.pth", {"netG": RAW, **others}), tmp_path / "g.safetensors"
    convert(path, out)
    assert_is(out, RAW)


def test_tensorflow_networks_can_be_named(golden, tmp_path):
    variables = tensorflow_variables(golden("pggan_train")["plain.keys"], "G")
    other = [(name, np.asarray(value) + np.float32(name != "lod")) for name, value in variables]
    data = tensorflow_pickle([tensorflow_state("A", variables), tensorflow_state("B", other)])
    (tmp_path / "n.pkl").write_bytes(data)
    refused(tmp_path / "n.pkl", words="A (19 tensors), B (19 tensors)")
    convert(tmp_path / "n.pkl", tmp_path / "n.safetensors", state="B")
    np.testing.assert_array_equal(bias_of(tmp_path / "n.safetensors"), dict(other)["4x4/Conv/bias"])


@pytest.mark.parametrize("name", ["netG_noema", "G_woema", "preema_G", "GnoEMA", "generator_unaveraged"])
def test_a_network_that_is_called_not_averaged_is_not_taken_for_the_average(name, tmp_path):
    assert not is_average(name)
    path = save(tmp_path / "g.pth", {name: RAW, "netG": AVERAGE})
    refused(path, words="which of these networks to take does not follow from their names")


@pytest.mark.parametrize("flat", [False, True])
def test_a_part_of_an_average_is_not_passed_over(flat, tmp_path):
    part = dict(list(AVERAGE.items())[-4:])
    value = {"G": RAW, "G_ema": part}
    if flat:
        value = {**prefixed("G.", RAW), **prefixed("G_ema.", part)}
    path = save(tmp_path / "g.pth", value)
    assert "and only 4 of 12" in refused(path, words="the average over the training seems to be 'G_ema'")
    assert_is(convert(path, tmp_path / "g.safetensors", state="G").out, RAW)
