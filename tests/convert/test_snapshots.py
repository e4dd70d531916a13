"""Generators that were saved before they had grown to their full size become what they were: the image at their `lod`,
checked against the official code's own (tests/golden), and against the definition of the network in plain NumPy.
"""

import numpy as np
import pytest
from foreign_files import (
    in_genforce_names,
    pggan_state,
    refused,
    tensorflow_pickle,
    tensorflow_state,
    tensorflow_variables,
    torch_pickled,
)

from jaxprior import load_prior
from jaxprior.models.pggan import networks as pggan
from jaxprior.weights.storage import load_weights, read_card
from weights_convert import convert
from weights_convert.__main__ import main


SIZES = {"latent": 16, "fmaps_base": 128, "fmaps_max": 16}


def with_lod(state: dict, lod) -> dict:
    return {**state, "lod": np.asarray(lod, np.float32)}


def enlarged(images: np.ndarray, times: int) -> np.ndarray:
    """NHWC, every pixel as a block of times x times."""
    return images.repeat(times, 1).repeat(times, 2)


# The network by its definition, channels first, one picture.


def normalised(x: np.ndarray) -> np.ndarray:
    return x / np.sqrt(np.mean(x**2, 0, keepdims=True) + 1e-8)


def convolved(x: np.ndarray, weight: np.ndarray, bias: np.ndarray, gain: float) -> np.ndarray:
    size = weight.shape[2]
    padded = np.pad(x, ((0, 0), (size // 2, size // 2), (size // 2, size // 2)))
    y = np.zeros((weight.shape[0], *x.shape[1:]))
    for dy in range(size):
        for dx in range(size):
            y += np.tensordot(weight[:, :, dy, dx], padded[:, dy : dy + x.shape[1], dx : dx + x.shape[2]], 1)
    return y * gain / np.sqrt(weight[0].size) + bias[:, None, None]


def image_of(state: dict, z: np.ndarray) -> np.ndarray:
    """What the public generator draws at a whole `lod`: the image of that stage, enlarged to the full size."""
    stages = sum(key.startswith("output") and key.endswith("bias") for key in state)
    stage = stages - 1 - int(state["lod"])
    x = np.pad(normalised(z.astype(np.float64))[:, None, None], ((0, 0), (3, 3), (3, 3)))
    for k in range(2 * stage + 2):
        weight, bias = state[f"layer{k}.conv.weight"].astype(np.float64), state[f"layer{k}.wscale.bias"]
        if k == 0:
            y = np.array([[(x[:, i : i + 4, j : j + 4] * weight).sum((1, 2, 3)) for j in range(4)] for i in range(4)])
            y = y.transpose(2, 0, 1) * np.sqrt(2) / np.sqrt(weight[0].size) + bias[:, None, None]
        else:
            x = normalised(x)
            x = x.repeat(2, 1).repeat(2, 2) if k % 2 == 0 else x
            y = convolved(x, weight, bias, np.sqrt(2))
        x = np.where(y > 0, y, 0.2 * y)
    image = convolved(normalised(x), state[f"output{stage}.conv.weight"], state[f"output{stage}.wscale.bias"], 1.0)
    return enlarged(image.transpose(1, 2, 0)[None], 2 ** int(state["lod"]))


@pytest.mark.parametrize("lod", [0, 1, 2])
@pytest.mark.parametrize("names", ["mganprior", "genforce"])
def test_a_pytorch_snapshot_draws_what_it_drew(names, lod, tmp_path):
    state = with_lod(pggan_state(16, **SIZES), lod)
    saved = state if names == "mganprior" else in_genforce_names(state)
    (tmp_path / "g.pth").write_bytes(torch_pickled(saved))
    report = convert(tmp_path / "g.pth", tmp_path / "g.safetensors")
    prior = load_prior(tmp_path / "g.safetensors")
    assert prior.resolution == 16 >> lod and prior.num_layers == 6 - 2 * lod
    z = np.random.default_rng(3).standard_normal((2, 16)).astype(np.float32)
    drawn = enlarged(np.asarray(prior.generate(z)), 2**lod)
    np.testing.assert_allclose(drawn, np.concatenate([image_of(state, code) for code in z]), atol=2e-5)
    assert (f"lod = {lod}, so it makes" in str(report)) == (lod > 0)
    assert prior.card.get("lod", 0) == lod and ("notes" in prior.card) == (lod > 0)


@pytest.mark.parametrize("lod", [1, 2])
@pytest.mark.parametrize("form", ["plain", "fused"])
def test_a_tensorflow_snapshot_gives_the_golden_images_and_scores(form, lod, golden, tmp_path):
    arrays = golden("pggan_train")

    def network(name: str, own: str) -> dict:
        variables = [(key, np.float32(lod) if key == "lod" else array) for key, array in
                     tensorflow_variables(arrays[f"{form}.keys"], own)]  # fmt: skip
        return tensorflow_state(name, variables)

    (tmp_path / "n.pkl").write_bytes(tensorflow_pickle([network("G", "G"), network("D", "D"), network("Gs", "G")]))
    convert(tmp_path / "n.pkl", tmp_path / "n.safetensors")
    params, card = load_weights(tmp_path / "n.safetensors")
    widths, fused = tuple(card["config"]["widths"]), form == "fused"
    assert len(widths) == 3 - lod and card["config"]["resolution"] == 16 >> lod
    images = pggan.Generator(widths, 32, fused=fused).apply({"params": params["generator"]}, arrays["z"])
    expected = arrays[f"{form}.lod{lod}.0.G"].transpose(0, 2, 3, 1)
    np.testing.assert_allclose(enlarged(np.asarray(images), 2**lod), expected, rtol=1e-4, atol=2e-5)
    x = arrays["x"].transpose(0, 2, 3, 1)
    smaller = x.reshape(len(x), 16 >> lod, 2**lod, 16 >> lod, 2**lod, 3).mean((2, 4))
    scores = pggan.Critic(widths, fused=fused).apply({"params": params["critic"]}, smaller)
    np.testing.assert_allclose(scores, arrays[f"{form}.lod{lod}.0.D"][:, 0], rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize(
    ("lod", "words"),
    [
        (0.25, "while 16x16 pixels were fading in, and its images are a mixture with those of 8x8 pixels"),
        (1.5, "lod = 1.5: the network was saved while 8x8 pixels were fading in"),
        (3, "lod = 3 is no level of detail of a network with 3 stages; expected 0 (finished) to 2 (4x4 pixels)"),
        (-1, "lod = -1 is no level"),
        (np.nan, "lod = nan is no level"),
        ([0, 1], "lod is not one number"),
        ([1, [2]], "lod is not one number"),
    ],
)
def test_what_cannot_be_built_is_refused(lod, words, tmp_path):
    state = {**pggan_state(16, **SIZES), "lod": lod} if lod == [1, [2]] else with_lod(pggan_state(16, **SIZES), lod)
    (tmp_path / "g.pth").write_bytes(torch_pickled(state))
    refused(tmp_path / "g.pth", words=words)


def test_a_tensorflow_generator_that_fades_is_refused(golden, tmp_path):
    variables = tensorflow_variables(golden("pggan_train")["plain.keys"], "G")
    variables = [(key, np.float32(0.5) if key == "lod" else array) for key, array in variables]
    (tmp_path / "n.pkl").write_bytes(tensorflow_pickle([tensorflow_state("Gs", variables)]))
    refused(tmp_path / "n.pkl", words="lod = 0.5: the network was saved while 16x16 pixels were fading in")


def test_a_critic_of_another_level_is_left_out(golden, tmp_path):
    keys = golden("pggan_train")["plain.keys"]
    networks = [tensorflow_state("D", tensorflow_variables(keys, "D"))]
    generator = [(key, np.float32(1) if key == "lod" else array) for key, array in tensorflow_variables(keys, "G")]
    (tmp_path / "n.pkl").write_bytes(tensorflow_pickle([tensorflow_state("Gs", generator), *networks]))
    report = convert(tmp_path / "n.pkl", tmp_path / "n.safetensors")
    assert "D (its lod is 0, the generator's 1)" in report.left_out
    assert list(load_weights(tmp_path / "n.safetensors")[0]) == ["generator"]


@pytest.mark.parametrize("place", ["number", "integer tensor", "around", "prefix"])
def test_lod_is_found_wherever_it_stands(place, tmp_path):
    state = pggan_state(16, **SIZES)
    bare = {key: array for key, array in state.items() if key != "lod"}
    saved = {
        "number": {**bare, "lod": 1.0},
        "integer tensor": {**bare, "lod": np.array(1)},
        "around": {"lod": 1.0, "step": 70000, "generator": bare},
        "prefix": {f"module.{key}": array for key, array in with_lod(state, 1).items()},
    }[place]
    (tmp_path / "g.pth").write_bytes(torch_pickled(saved))
    assert convert(tmp_path / "g.pth", tmp_path / "g.safetensors").config["resolution"] == 8


BARE = {key: array for key, array in pggan_state(16, **SIZES).items() if key != "lod"}
LOD = np.array(1, np.float32)

ELSEWHERE = {
    "buffers by full name": ({"G": BARE, "buffers": {"G.lod": LOD}}, "buffers.G.lod = 1", "G"),
    "buffers": ({"G": BARE, "buffers": {"lod": 1.0}}, "buffers.lod = 1", "G"),
    "outer module": ({**{f"G.synthesis.{key}": array for key, array in BARE.items()}, "G.lod": LOD}, "G.lod = 1",
                     "G.synthesis"),
    "another part": ({**{f"G.synthesis.{key}": array for key, array in BARE.items()}, "G.mapping.lod": LOD},
                     "G.mapping.lod = 1", "G.synthesis"),
    "another word": ({"G": BARE, "cur_lod": 1}, "cur_lod = 1", "G"),
    "capitals": ({"G": BARE, "LOD": 1.0}, "LOD = 1", "G"),
    "a list": ({"G": BARE, "lod": [1.0]}, "lod = 1", "G"),
    "deep settings": ({"G": BARE, "cfg": {"model": {"lod": 1.0}}}, "cfg.model.lod = 1", "G"),
    "the raw network": ({"G": {**BARE, "lod": LOD}, "G_ema": BARE}, "G.lod = 1", "G_ema"),
    "the critic": ({"G": BARE, "D": {"lod": LOD}}, "D.lod = 1", "G"),
    "a contradiction": ({"G": {**BARE, "lod": LOD * 0}, "lod": 1.0}, "its lod is 0, but the file also says lod = 1",
                        "G"),
}  # fmt: skip


@pytest.mark.parametrize("place", ELSEWHERE)
def test_a_level_that_the_file_says_elsewhere_is_not_passed_over(place, tmp_path):
    saved, words, name = ELSEWHERE[place]
    path, out = tmp_path / "g.pth", tmp_path / "g.safetensors"
    path.write_bytes(torch_pickled(saved))
    refused(path, words=words)
    assert convert(path, out, state=name).config["resolution"] == 16


def test_what_only_resembles_a_level_does_not_matter(tmp_path):
    path, out = tmp_path / "g.pth", tmp_path / "g.safetensors"
    finished = {**BARE, "lod": LOD * 0}
    path.write_bytes(torch_pickled({"G": finished, "D": {"lod": LOD}, "cfg": {"max_lod": 2, "lod_training_kimg": 600}}))
    assert convert(path, out).config["resolution"] == 16


@pytest.mark.parametrize(
    ("beside", "refusal"),
    [
        ({"alpha": 0.4}, "alpha = 0.4 beside the network of 16x16 pixels"),
        ({"depth": 1}, "depth = 1"),
        ({"resolution": 8}, "resolution = 8"),
        ({"config": {"resolution": 8}}, "resolution = 8"),
        ({"alpha": 1.0, "epoch": 3, "step": 4, "iter": 2, "resolution": 16, "depth": 2}, None),
        ({"config": {"alpha": 0.2, "depth": 1}}, None),  # settings, as the slope of an activation
    ],
)
def test_other_words_for_the_same_count_where_there_is_no_lod(beside, refusal, tmp_path):
    state = pggan_state(16, **SIZES)
    bare = {key: array for key, array in state.items() if key != "lod"}
    path, out = tmp_path / "g.pth", tmp_path / "g.safetensors"
    path.write_bytes(torch_pickled({**beside, "g_ema": bare}))
    if refusal:
        refused(path, words=refusal)
    else:
        assert convert(path, out).config["resolution"] == 16
    path.write_bytes(torch_pickled({**beside, "g_ema": state}))
    assert convert(path, out).config["resolution"] == 16


@pytest.mark.parametrize(
    ("beside", "words"),
    [
        ({"args": {"final_tanh": 7}}, "final_tanh = another value; expected True or False"),
        ({"label_size": 10}, "label_size = 10; expected 0"),
        ({"config": {"use_pixelnorm": False}}, "use_pixelnorm = False; expected True"),
    ],
)
def test_settings_beside_a_network_that_make_it_another_are_refused(beside, words, tmp_path):
    (tmp_path / "g.pth").write_bytes(torch_pickled({**beside, "g_ema": pggan_state(8)}))
    refused(tmp_path / "g.pth", words=f"beside the network the file says {words}")


def test_the_command_and_the_card_say_how_far_it_had_grown(tmp_path, capsys):
    (tmp_path / "g.pth").write_bytes(torch_pickled(with_lod(pggan_state(16, **SIZES), 2)))
    assert main([str(tmp_path / "g.pth"), "-o", str(tmp_path / "g.safetensors")]) == 0
    printed = capsys.readouterr().out
    assert "4x4, 3 channels" in printed and "saved in the middle of its training: lod = 2" in printed
    (note,) = read_card(tmp_path / "g.safetensors")["notes"]
    assert "makes 4x4 pixels; its layers for up to 16x16, which had not been trained, are left out" in note
