"""TensorFlow PGGAN pickles become the networks that they were: index by index, and by the images and scores that the
official code gave with the same weights (tests/golden).
"""


import numpy as np
import pytest
from foreign_files import (
    refused,
    tensorflow_pickle,
    tensorflow_state,
    tensorflow_variables,
)

from jaxprior.models.pggan import networks as pggan
from jaxprior.weights.storage import load_weights
from jaxprior.weights.tree import flatten
from weights_convert import convert
from weights_convert.checkpoint import read_checkpoint


FORMS = ["plain", "fused"]


# PGGAN from TensorFlow pickles.


def networks(golden, form: str, **settings) -> list[dict]:
    """G, D and Gs of the golden training arrays; G is another network, so that taking it would show."""
    keys = golden("pggan_train")[f"{form}.keys"]
    generator = tensorflow_variables(keys, "G")
    other = [(name, np.asarray(value) + np.float32(1)) for name, value in generator]
    return [
        tensorflow_state("G", other, **settings),
        tensorflow_state("D", tensorflow_variables(keys, "D"), **settings),
        tensorflow_state("Gs", generator, **settings),
    ]


@pytest.mark.parametrize("form", FORMS)
def test_every_variable_of_a_tensorflow_pickle_is_where_it_belongs(form, golden, tmp_path):
    path = tmp_path / "networks.pkl"
    states = networks(golden, form, resolution=16, mbstd_group_size=16)
    path.write_bytes(tensorflow_pickle(states))
    report = convert(path, tmp_path / "n.safetensors")
    params, card = load_weights(tmp_path / "n.safetensors")
    upsample = "fused" if form == "fused" else "nearest"
    assert card["config"]["widths"] == [32, 32, 16] and card["config"]["upsample"] == upsample
    assert card["minibatch_stddev_group"] == 16 and card["config"]["critic"] == {"group_size": 16}
    assert "Gs (moving average)" in report.used and "critic from D" in report.used
    assert {"lod = 0", "G", "embedded source code"} <= set(report.left_out)
    g, d = params["generator"], params["critic"]
    variables = dict(states[2]["variables"])
    dense = variables["4x4/Dense/weight"].reshape(32, 32, 4, 4)
    np.testing.assert_array_equal(g["layer0"]["kernel"][3, 1, 2, 7], dense[3, 7, 1, 2])
    np.testing.assert_array_equal(g["layer0"]["kernel"], np.einsum("ioyx->iyxo", dense))
    np.testing.assert_array_equal(g["layer5"]["kernel"], variables["16x16/Conv1/weight"])
    np.testing.assert_array_equal(g["output2"]["kernel"], variables["ToRGB_lod0/weight"])
    np.testing.assert_array_equal(g["output0"]["bias"], variables["ToRGB_lod2/bias"])
    if form == "plain":
        np.testing.assert_array_equal(g["layer4"]["kernel"], variables["16x16/Conv0/weight"])
    else:
        up = variables["16x16/Conv0_up/weight"]
        assert up.shape == (3, 3, 16, 32) and g["layer4"]["kernel"].shape == (3, 3, 32, 16)
        np.testing.assert_array_equal(g["layer4"]["kernel"], np.einsum("yxoi->yxio", up)[::-1, ::-1])
    variables = dict(states[1]["variables"])
    down = "Conv1_down" if form == "fused" else "Conv1"
    np.testing.assert_array_equal(d["layer4"]["kernel"], variables[f"16x16/{down}/weight"])
    np.testing.assert_array_equal(d["layer5"]["kernel"], variables["16x16/Conv0/weight"])
    np.testing.assert_array_equal(d["input2"]["kernel"], variables["FromRGB_lod0/weight"])
    np.testing.assert_array_equal(d["layer1"]["kernel"], variables["4x4/Conv/weight"])
    flat = variables["4x4/Dense0/weight"]
    np.testing.assert_array_equal(d["layer0"]["kernel"][1, 2, 5], flat[5 * 16 + 1 * 4 + 2])
    np.testing.assert_array_equal(d["output"]["kernel"], variables["4x4/Dense1/weight"])
    assert (
        sum(array.size for array in flatten(d).values())
        == sum(np.size(v) for _, v in states[1]["variables"]) - 1
    )


@pytest.mark.parametrize("form", FORMS)
def test_tensorflow_networks_give_the_golden_images_and_scores(form, golden, tmp_path):
    arrays = golden("pggan_train")
    (tmp_path / "networks.pkl").write_bytes(tensorflow_pickle(networks(golden, form)))
    convert(tmp_path / "networks.pkl", tmp_path / "n.safetensors")
    params, card = load_weights(tmp_path / "n.safetensors")
    fused = card["config"]["upsample"] == "fused"
    generator = pggan.Generator(widths=tuple(card["config"]["widths"]), latent_dim=32, fused=fused)
    images = generator.apply({"params": params["generator"]}, arrays["z"])
    np.testing.assert_allclose(images.transpose(0, 3, 1, 2), arrays[f"{form}.lod0.0.G"], rtol=1e-4, atol=2e-5)
    critic = pggan.Critic(widths=tuple(card["config"]["widths"]), fused=fused)
    scores = critic.apply({"params": params["critic"]}, arrays["x"].transpose(0, 2, 3, 1))
    np.testing.assert_allclose(scores, arrays[f"{form}.lod0.0.D"][:, 0], rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("numpy1", [True, False], ids=["numpy1", "numpy2"])
@pytest.mark.parametrize("module", ["tfutil", "dnnlib.tflib.network"])
def test_all_ways_in_which_the_pickles_were_written(module, numpy1, protocol, golden, tmp_path):
    states = networks(golden, "plain")
    data = tensorflow_pickle(states, module=module, protocol=protocol, numpy1=numpy1)
    assert (b"numpy.core" in data) == (numpy1 and protocol < 5) or protocol == 5
    checkpoint = read_checkpoint(tmp_path / "x", data)
    assert list(checkpoint.states) == ["G", "D", "Gs"]
    for state in states:
        for name, array in state["variables"]:
            np.testing.assert_array_equal(checkpoint.states[state["name"]][name], array)


def test_embedded_source_code_is_never_run(golden, tmp_path):
    canary = tmp_path / "canary"
    states = networks(golden, "plain")
    for state in states:
        state["build_module_src"] = f"open({str(canary)!r}, 'w')"
        state["build_func_name"] = f"__import__('os').system('touch {canary}')"
    (tmp_path / "n.pkl").write_bytes(tensorflow_pickle(states))
    convert(tmp_path / "n.pkl", tmp_path / "n.safetensors")
    assert not canary.exists() and b"canary" not in (tmp_path / "n.safetensors").read_bytes()


def test_python_2_and_fortran_and_big_endian_arrays_read_well(tmp_path):
    array = np.arange(12, dtype=">f4").reshape(3, 4)
    state = tensorflow_state("G", [("a", array), ("b", np.asfortranarray(array)), ("lod", np.float64(1.5))])
    for protocol in (2, 4):
        checkpoint = read_checkpoint(tmp_path / "x", tensorflow_pickle([state], protocol=protocol))
        for name in "ab":
            read_array = checkpoint.states["G"][name]
            assert read_array.dtype == np.float32
            np.testing.assert_array_equal(read_array, array)
        assert float(checkpoint.states["G"]["lod"]) == 1.5


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("use_wscale", False),
        ("use_pixelnorm", False),
        ("normalize_latents", False),
        ("label_size", 10),
        ("tanh_at_end", True),
        ("pixelnorm_epsilon", 1e-4),
        ("use_wscale", "eval('1')"),
        ("label_size", [0]),
    ],
)
def test_networks_with_other_settings_are_refused(setting, value, golden, tmp_path):
    path = tmp_path / "n.pkl"
    path.write_bytes(tensorflow_pickle(networks(golden, "plain", **{setting: value})))
    refused(path, words=f"built with {setting} = ")


def test_tensorflow_networks_that_do_not_fit_are_refused(golden, tmp_path):
    path = tmp_path / "n.pkl"
    states = networks(golden, "plain")
    for edit, words in [
        (
            lambda v: [(n, a) for n, a in v if n != "8x8/Conv1/weight"],
            "8x8/Conv1/weight is missing, expected (3, 3, 32, 32)",
        ),
        (
            lambda v: [*v, ("32x32/Conv0/weight", np.ones((3, 3, 2, 2), np.float32))],
            "'32x32/Conv0/weight' is no part",
        ),
        (
            lambda v: [*v, ("8x8/Conv0_up/weight", np.ones((3, 3, 32, 32), np.float32))],
            "both the plain and the fused",
        ),
        (
            lambda v: [(n, a[:, :5] if n == "4x4/Dense/weight" else a) for n, a in v],
            "4x4/Dense/weight has shape (32, 5), expected (32, 512)",
        ),
    ]:
        path.write_bytes(tensorflow_pickle([{**states[2], "variables": edit(states[2]["variables"])}]))
        refused(path, words=words)
    path.write_bytes(tensorflow_pickle([states[1]]))
    refused(path, words="not those of a known network")
    path.write_bytes(tensorflow_pickle([{"build_func_spec": {"func": "G_paper"}, "param_values": []}]))
    refused(path, words="older Theano code")


def test_a_critic_that_does_not_fit_its_generator_is_left_out(golden, tmp_path):
    plain, fused = networks(golden, "plain"), networks(golden, "fused")
    (tmp_path / "n.pkl").write_bytes(tensorflow_pickle([plain[2], fused[1]]))
    report = convert(tmp_path / "n.pkl", tmp_path / "n.safetensors")
    assert "D (unlike the generator it has upsample fused)" in report.left_out
    assert list(load_weights(tmp_path / "n.safetensors")[0]) == ["generator"]
