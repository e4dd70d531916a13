"""Public layouts of PGGAN files through the command line: a file as the project's training saves it is converted and
loaded, and makes the images and scores that the project's own code made (tests/golden/pggan_layouts).
"""

import numpy as np
import pytest
from foreign_files import refused
from golden_layouts import GoldenLayout, State
from public_files import AKA, BAU, FORCE, MM, ZOO, aka_file, force_file, mm_file, prefixed, save, zoo_file

import jaxprior
from jaxprior.models.pggan.networks import from_config
from jaxprior.weights.storage import load_weights
from jaxprior.weights.tree import flatten
from weights_convert import convert
from weights_convert.__main__ import main


CLOSE = 2e-5


@pytest.fixture
def command(tmp_path, capsys):
    """Save, convert by the command, and load; returns the prior and what the command printed."""

    def run(value, *options: str, name: str = "file.pth"):
        out = tmp_path / "out.safetensors"
        assert main([str(save(tmp_path / name, value)), "-o", str(out), *options]) == 0, capsys.readouterr().err
        return jaxprior.load_prior(out), capsys.readouterr().out

    return run


def off(prior, golden: GoldenLayout, z: str, y: str) -> float:
    """How far the images are from the golden ones, at most."""
    return float(np.abs(np.asarray(prior.generate(golden.arrays[z])) - golden.nhwc(y)).max())


def without(ending: str, state: State) -> State:
    return {key: array for key, array in state.items() if not key.endswith(ending)}


GENERATORS = {
    "karras_pytorch, new names": (BAU, BAU.state("bau16"), "bau16.z", "bau16.y_raw"),
    "karras_pytorch, old names": (BAU, {"state_dict": BAU.state("bauold16")}, "bauold16.z", "bauold16.y_with_scale"),
    "karras_pytorch, no scales": (BAU, without("scale", BAU.state("bauold16")), "bauold16.z", "bauold16.y_raw"),
    "mmgeneration, fused": (MM, mm_file(), "mm16.z", "mm16.y"),
    "mmgeneration, plain": (MM, mm_file("mm16p"), "mm16p.z", "mm16p.y"),
    "gan_zoo": (ZOO, zoo_file(), "zoo16.z", "zoo16.y"),
    "gan_zoo, grey with a tanh": (ZOO, zoo_file("zoo16t", lossCriterion="DCGAN"), "zoo16t.z", "zoo16t.y"),
    "genforce": (FORCE, force_file(), "gf16.z", "gf16.y"),
    "genforce, fused": (FORCE, force_file("gf16f"), "gf16f.z", "gf16f.y"),
    "pro_gan_pytorch": (AKA, aka_file(), "aka3_16.z", "aka3_16.y"),
    "pro_gan_pytorch_2": (AKA, prefixed("module.", AKA.state("aka2_64")), "aka2_64.z", "aka2_64.y"),
}


@pytest.mark.parametrize("case", GENERATORS)
def test_a_file_makes_the_images_of_its_project(case, command):
    golden, value, z, y = GENERATORS[case]
    prior, printed = command(value)
    layout = case.partition(",")[0]
    assert prior.card["layout"].startswith(f"{layout} (because it has ") and f"layout      {layout} (because" in printed
    assert off(prior, golden, z, y) < CLOSE


CRITICS = {
    "gan_zoo": (ZOO, zoo_file(), "zoo16.netD", {8: "score8", 3: "score3", 1: "score1"}),
    "genforce": (FORCE, force_file(), "gf16.D", {8: "score8_group16", 3: "score3_group16"}),
    "genforce, fused": (FORCE, force_file("gf16f"), "gf16f.D", {8: "score8_group16"}),
    "pro_gan_pytorch": (AKA, aka_file(), "aka3_16.dis", {8: "score8", 3: "score3"}),
}


@pytest.mark.parametrize("case", CRITICS)
def test_a_critic_that_is_exact_gives_the_scores_of_its_project(case, command):
    golden, value, network, scores = CRITICS[case]
    prior, printed = command(value)
    assert prior.critic is not None and ", critic from " in printed
    _, critic = from_config(prior.card["config"])
    for count, name in scores.items():
        x = golden.nhwc(f"{network}.x")[:count].astype(np.float32)
        ours = critic.apply({"params": prior.critic.params}, x)
        np.testing.assert_allclose(ours, golden.arrays[f"{network}.{name}"], atol=CLOSE)


def test_output_chooses_what_leaves_no_trace(command):
    prior, printed = command(BAU.state("bau16"), "--output", "clip")
    assert off(prior, BAU, "bau16.z", "bau16.y_hardtanh") < CLOSE
    assert "clipping to [-1, 1] at the end, as was asked for" in printed
    prior, printed = command(FORCE.state("gf16"), "--output", "tanh")
    assert off(prior, FORCE, "gf16.z", "gf16.y_tanh") < CLOSE
    said = {"args": {"final_tanh": True}, "g": FORCE.state("gf16")}  # here the file says it itself
    assert command(said)[0].card["config"]["output"] == "tanh"
    prior, printed = command(zoo_file("zoo16t", lossCriterion="MSE"), "--output", "none")
    assert "output" not in prior.card["config"] and "not through a tanh at the end, which its file says" in printed
    assert "`--output clip` clips them" in command(BAU.state("bau16"))[1]


LABELS = {"Colour": {"order": 1, "values": ["red", "green"]}, "Kind": {"order": 0, "values": ["cat", "dog", "cow"]}}


def test_a_label_is_fixed_by_its_words_or_numbers(command, tmp_path):
    labelled = zoo_file(categoryVectorDim=5, attribKeysOrder=LABELS)
    message = refused(save(tmp_path / "zoo.pth", labelled), words="fix it with `--label`")
    assert "Kind of cat, dog, cow; Colour of red, green" in message
    z = ZOO.arrays["zoo16.z"]
    codes, label = z[:, :19], np.tile(np.float32([0, 1, 0, 0, 1]), (2, 1))
    whole = command(zoo_file())[0].generate(np.concatenate([codes, label], 1))
    for words in ("dog,green", "Colour=green, Kind=dog", "0,1,0,0,1"):
        prior, printed = command(labelled, "--label", words)
        assert prior.latent_dim == 19 and prior.card["config"]["label"] == [0, 1, 0, 0, 1]
        assert f"its label is fixed: {words}" in prior.card["notes"]
    np.testing.assert_allclose(prior.generate(codes), whole, atol=1e-6)
    bare = {"avgG": labelled["avgG"]}  # without config the file does not say what the numbers mean
    assert command(bare, "--label", "0,1,0,0,1")[0].latent_dim == 19
    for words in ("dog", "dog,blue", "dog,cat", "Kind=green,Colour=dog", "1,2,3", ""):
        refused(tmp_path / "zoo.pth", words="does not fit; expected a value for each attribute", label=words)
    refused(save(tmp_path / "zoo.pth", zoo_file()), words="trained without labels", label="dog")
    refused(save(tmp_path / "bau.pth", BAU.state("bau16")), words="have no label to fix", label="1,0")


# What does not change a network.


def weights_of(path, value, **options) -> dict[str, np.ndarray]:
    convert(save(path, value), path.with_suffix(".safetensors"), **options)
    return flatten(load_weights(path.with_suffix(".safetensors"))[0]["generator"])


@pytest.mark.parametrize(("golden", "network"), [(BAU, "bauold16"), (MM, "mm16"), (ZOO, "zoo16"), (AKA, "aka2_64")])
def test_half_precision_is_that_of_the_stored_numbers(golden, network, tmp_path):
    half = {key: array.astype(np.float16) for key, array in golden.state(network).items()}
    wide = {key: array.astype(np.float32) for key, array in half.items()}
    ours, expected = weights_of(tmp_path / "h.pth", half), weights_of(tmp_path / "w.pth", wide)
    for name, array in expected.items():
        np.testing.assert_array_equal(ours[name].astype(np.float32), array)


@pytest.mark.parametrize(
    ("value", "state"),
    [
        (lambda: aka_file(), lambda: AKA.state("aka3_16")),
        (lambda: zoo_file(), lambda: ZOO.state("zoo16")),
        (lambda: mm_file(), lambda: MM.state("mm16")),
    ],
    ids=["pro_gan_pytorch", "gan_zoo", "mmgeneration"],
)
def test_wrappers_and_envelopes_change_nothing(value, state, tmp_path):
    expected = weights_of(tmp_path / "a.pth", value())
    for wrapped in (state(), prefixed("module.", state()), {"ema": state()}, {"state_dict": {"g": state()}}):
        layout = "pro_gan_pytorch" if "layers.0.conv_1.weight" in state() else None
        ours = weights_of(tmp_path / "b.pth", wrapped, layout=layout)
        assert all(np.array_equal(ours[name], expected[name]) for name in expected)


def test_plain_weights_of_pro_gan_pytorch_become_the_same_network(tmp_path):
    """`use_eql` False: the constants are in the weights already."""
    expected = weights_of(tmp_path / "a.pth", aka_file())
    plain = aka_file(use_eql=False)
    for saved in (plain["generator"], plain["shadow_generator"]):
        for key, array in saved["state_dict"].items():
            if key.endswith("weight"):
                fan_in = len(array) if key == "layers.0.conv_1.weight" else array[0].size
                saved["state_dict"][key] = (array * np.sqrt(2 / fan_in)).astype(np.float32)
    ours = weights_of(tmp_path / "b.pth", plain)
    for name, array in expected.items():
        np.testing.assert_allclose(ours[name], array, rtol=1e-6)


def test_plain_weights_of_the_gan_zoo_become_the_same_network(tmp_path):
    """`equalizedlR` False: the constants are in the weights and biases already."""
    expected = weights_of(tmp_path / "a.pth", zoo_file())
    plain = zoo_file(equalizedlR=False)
    for name in ("avgG", "netG"):
        state = plain[name]
        fan_ins = {key.rsplit(".", 1)[0]: array[0].size for key, array in state.items() if key.endswith("weight")}
        plain[name] = {key: (array * np.sqrt(2 / fan_ins[key.rsplit(".", 1)[0]])).astype(np.float32)
                       for key, array in state.items()}  # fmt: skip
    ours = weights_of(tmp_path / "b.pth", plain)
    for name, array in expected.items():
        np.testing.assert_allclose(ours[name], array, rtol=1e-6)


def test_a_gan_zoo_critic_without_deviations_gets_them_with_weight_0(tmp_path):
    value = zoo_file()
    key = "groupScaleZero.0.module.weight"
    value["netD"][key] = value["netD"][key][:, :-1]
    convert(save(tmp_path / "z.pth", value), tmp_path / "z.safetensors")
    kernel = load_weights(tmp_path / "z.safetensors")[0]["critic"]["layer1"]["kernel"]
    assert kernel.shape == (3, 3, 13, 12) and not kernel[:, :, 12].any()
    np.testing.assert_array_equal(kernel[:, :, :12], value["netD"][key].transpose(2, 3, 1, 0))


def test_equal_widths_leave_the_form_of_mmgenerations_layers_open(tmp_path):
    value = mm_file()
    assert "equal widths leave open" not in str(convert(save(tmp_path / "m.pth", value), tmp_path / "m.safetensors"))
    narrow = ("conv_blocks.3", "conv_blocks.4", "torgb_layers.2")  # without the stage of other widths
    value["state_dict"] = {key: a for key, a in value["state_dict"].items() if not any(word in key for word in narrow)}
    value["state_dict"]["_curr_scale_int"] = np.array(8)
    report = convert(save(tmp_path / "m.pth", value), tmp_path / "m.safetensors")
    assert report.config["upsample"] == "fused" and "equal widths leave open" in str(report)


def test_what_a_genforce_file_does_not_say_is_noted(tmp_path):
    """Whether its layers are fused where widths are equal, and how far it had grown without `lod`."""
    whole = convert(save(tmp_path / "g.pth", FORCE.state("gf16")), tmp_path / "g.safetensors")
    assert not any("equal widths" in note or "taken as finished" in note for note in whole.notes)
    shapes = {"layer0": (8, 8, 4, 4), "output0": (3, 8, 1, 1), "output1": (3, 8, 1, 1)}
    shapes |= {f"layer{k}": (8, 8, 3, 3) for k in (1, 2, 3)}
    state = {f"{layer}.weight": np.ones(shape, np.float32) for layer, shape in shapes.items()}
    state |= {f"{layer}.bias": np.ones(shape[0], np.float32) for layer, shape in shapes.items()}
    open_ = convert(save(tmp_path / "g.pth", state), tmp_path / "g.safetensors")
    assert any("equal widths leave open whether they are" in note for note in open_.notes)
    assert any("how far it had grown (lod); it is taken as finished" in note for note in open_.notes)


# Averages, and how far a network had grown.


@pytest.mark.parametrize(
    ("value", "average", "other"),
    [(zoo_file, "avgG", "netG"), (mm_file, "state_dict.generator_ema", "state_dict.generator"),
     (aka_file, "shadow_generator.state_dict", "generator.state_dict"),
     (force_file, "models.generator_smooth", "models.generator")],
)  # fmt: skip
def test_the_average_is_taken_in_every_layouts_own_words(value, average, other, tmp_path):
    report = convert(save(tmp_path / "f.pth", value()), tmp_path / "f.safetensors")
    assert f"{average} is taken, the average over the training, not {other}" in str(report)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("GAN_GEN_SHADOW_4.pth", "GAN_GEN_SHADOW_4.pth, says that it is the average over the training"),
        ("GAN_GEN_4.pth", "it is not known to be an average over the training"),
        ("mine.pth", "only those say how far it had grown"),
    ],
)
def test_what_the_name_of_a_file_of_pro_gan_pytorch_2_says(name, words, tmp_path):
    path = save(tmp_path / name, AKA.state("aka2_64"))
    report = convert(path, tmp_path / "out.safetensors")
    assert any(words in note for note in report.notes)
    assert load_weights(tmp_path / "out.safetensors")[1]["codes"] == "sphere"


HALF_GROWN = {
    "mmgeneration": (mm_file(_curr_scale_int=np.array(8)), "m.pth", MM, "mm16.z", "mm16.y_half"),
    "pro_gan_pytorch": (aka_file(), "depth_3_epoch_7.bin", AKA, "aka3_16.z", "aka3_16.y_half"),
    "pro_gan_pytorch_2": (AKA.state("aka2_64"), "GAN_GEN_2.pth", AKA, "aka2_64.z", "aka2_64.y16"),
}


@pytest.mark.parametrize("case", HALF_GROWN)
def test_a_network_that_had_not_grown_is_cut(case, command):
    value, name, golden, z, y = HALF_GROWN[case]
    prior, printed = command(value, name=name)
    assert "saved in the middle of its training" in printed and prior.card["lod"] > 0
    assert off(prior, golden, z, y) < CLOSE


@pytest.mark.parametrize(
    ("value", "name", "words"),
    [
        (lambda: zoo_file(alpha=0.5), "z.pth", "config.alpha = 0.5: the network was saved while 16x16 pixels were"),
        (lambda: zoo_file(alpha=float("nan")), "z.pth", "config.alpha, which says whether"),
        (lambda: zoo_file(alpha=None), "z.pth", "config.alpha, which says whether"),
        (
            lambda: mm_file(_curr_transition_weight=np.array(0.3, np.float32)),
            "m.pth",
            "_curr_transition_weight = 0.3: the network was saved while 16x16 pixels were fading in",
        ),
        (lambda: mm_file(_curr_scale_int=np.array(64)), "m.pth", "no resolution of a network with 3 stages"),
        (
            lambda: {
                "state_dict": prefixed("module.", mm_file(_curr_transition_weight=np.float32([0.3]))["state_dict"])
            },
            "m.pth",
            "_curr_transition_weight = 0.3",
        ),
        (aka_file, "depth_9_epoch_7.bin", "says that it had grown to 512 pixels, but it has 3 stages (16 pixels)"),
    ],
)
def test_a_network_between_two_resolutions_is_refused(value, name, words, tmp_path):
    refused(save(tmp_path / name, value()), words=words)
