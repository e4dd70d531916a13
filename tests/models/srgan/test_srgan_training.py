"""The SRGAN recipe: steps beside the public implementation, killed runs, what is refused, what a run serves for."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from commands import call
from golden_weights import filled
from resuming import check_resumes
from srgan_golden import SECOND_SET, critic_of, generator_of, nhwc

import jaxprior as jp
from jaxprior.data.images import save_png
from jaxprior.errors import ImageError, SettingsError
from jaxprior.models.srgan.config import PRESETS, SrganRecipe
from jaxprior.models.srgan.networks import Generator
from jaxprior.models.srgan.settled import settled
from jaxprior.models.srgan.train import (
    begin_adversarial,
    init_state,
    make_adversarial,
    make_pairs,
    make_steps,
    plan,
    rate_share,
)
from jaxprior.nn.direct import convolve
from jaxprior.nn.rescaling import shrink_bicubic
from jaxprior.training.loop import Pace
from jaxprior.training.metrics_file import read_metrics
from jaxprior.training.photo_crops import load_pieces
from jaxprior.training.players import adam_start


def small_recipe(**changes) -> SrganRecipe:
    settings = {
        "blocks": 1, "width": 8, "norm": "none", "skip": True, "ending": "direct", "kernel": 3, "crop": 16, "factor": 2,
        "critic_widths": (4, 4, 4, 4), "critic_dense": 4, "batch_size": 4, "steps": 20, "seed": 3,
    }  # fmt: skip
    return SrganRecipe(**{**settings, **changes})


def photograph(number: int, size: tuple[int, int]) -> np.ndarray:
    """Coloured waves of five to seven pixels, which shrinking to half weakens and enlarging does not restore."""
    random = np.random.default_rng(number)
    rows, columns = np.mgrid[: size[0], : size[1], :1][:2]
    angle, phase, period = random.uniform(0, np.pi, 3), random.uniform(0, 6, 3), random.uniform(5, 7, 3)
    waves = np.sin(2 * np.pi * (rows * np.cos(angle) + columns * np.sin(angle)) / period + phase)
    return np.uint8(127.5 + 100 * waves)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Seven photographs of different sizes, a small one, a grey one, and one that is no picture."""
    folder = tmp_path_factory.mktemp("photos")
    for number, size in enumerate([(40, 70), (64, 64), (33, 50), (80, 32), (32, 32), (50, 40), (64, 48)]):
        save_png(folder / f"{number}.png", photograph(number, size))
    save_png(folder / "a-small.png", photograph(8, (31, 90)))
    save_png(folder / "b-grey.png", photograph(9, (40, 40))[..., :1].repeat(3, axis=-1))
    (folder / "c-broken.png").write_bytes(b"no picture")
    return folder


@pytest.fixture(scope="module")
def pieces(folder):
    return load_pieces(folder, side=32)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class StandIn:
    """The stand-in of the golden arrays for VGG; it sees [-1, 1]."""

    kernels: Any
    biases: Any

    def __call__(self, images):
        x = (images + 1) / 2
        for k, pools in enumerate((False, True, True)):
            x = jax.nn.relu(convolve(x, self.kernels[k].astype(x.dtype)) + self.biases[k].astype(x.dtype))
            if pools:
                x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
        return x


def stand_in() -> StandIn:
    sizes, kernels, biases = {0: (8, 3), 2: (8, 8), 5: (16, 8)}, [], []
    for number, (out, into) in sizes.items():
        name = f"srstep.vgg.{number}"
        kernel = filled(f"{name}.weight", (out, into, 3, 3), seed=SECOND_SET, gain=2.0)
        kernels.append(jnp.asarray(kernel.transpose(2, 3, 1, 0), jnp.float64))
        bias = filled(f"{name}.bias", (out,), seed=SECOND_SET, gain=2.0).reshape(1, 1, 1, out)
        biases.append(jnp.asarray(bias, jnp.float64))
    return StandIn(kernels, biases)


@pytest.fixture(scope="module")
def stepped():
    """Two iterations of the public code's losses as float64: the state after the first one, and what both told.

    There images are in [0, 1], so that squares are a quarter of ours.
    """
    arrays = np.load(Path(__file__).parents[2] / "golden/srgan.npz", allow_pickle=False)
    recipe = small_recipe(
        loss="linear", pixel_weight=0.25, content_weight=0.006, adversarial_weight=1e-3, tv_weight=2e-8 / 4,
        learning_rate=1e-3, adversarial_rate=1e-3, adversarial_steps=10, features="pixels",
    )  # fmt: skip
    with jax.enable_x64(True):
        generator, g = generator_of("srstep.g.", 2, seed=SECOND_SET)
        critic, d = critic_of("srstep.d.", seed=SECOND_SET)
        state = {"generator": g, "generator_opt": adam_start(g["params"]), "average": g}
        state |= {"critic": d, "critic_opt": adam_start(d["params"])}
        advance, features, found = jax.jit(make_adversarial(recipe, generator, critic)), stand_in(), []
        for number in (0, 1):
            small, large = (2 * nhwc(arrays[f"srstep.it{number}.{kind}"]) - 1 for kind in ("lr", "hr"))
            state, told = advance(number, state, small, large, features)
            found.append((jax.tree.map(np.asarray, state), told))
    return found


@pytest.mark.parametrize("number", [0, 1])
def test_steps_are_those_of_the_public_code(golden, stepped, number):
    arrays, name, told = golden("srgan"), f"srstep.it{number}", stepped[number][1]
    tolerance = 2e-6 if number == 0 else 1e-4  # the maps are compared in float32, and Adam starts with signs
    found = [told["mse_loss"] / 4, told["generator_loss"], told["content_loss"], told["tv"] / 4]
    np.testing.assert_allclose(found, arrays[f"{name}.g_parts"], rtol=tolerance)
    np.testing.assert_allclose(told["loss"], arrays[f"{name}.g_loss"], rtol=tolerance)
    np.testing.assert_allclose(told["critic_loss"], arrays[f"{name}.d_loss"], rtol=tolerance)


def test_gradients_of_a_step_are_those_of_the_public_code(golden, stepped):
    """The first moment of Adam is a tenth of the first gradient: its norm by layer, and gradients of last layers."""
    arrays, state = golden("srgan"), stepped[0][0]
    by_g, by_d = (jax.tree.map(lambda m: 10 * m, state[f"{name}_opt"][0].mu) for name in ("generator", "critic"))
    np.testing.assert_allclose(by_g["output"]["bias"], arrays["srstep.it0.g.grad.block8.1.bias"], rtol=1e-5)
    np.testing.assert_allclose(by_d["output"]["bias"], arrays["srstep.it0.d.grad.net.26.bias"], rtol=1e-6)
    expected = arrays["srstep.it0.d.grad.net.26.weight"].reshape(-1)
    np.testing.assert_allclose(by_d["output"]["kernel"][:, 0], expected, rtol=1e-5, atol=1e-9)
    norms = dict(zip(arrays["srstep.it0.g.gradkeys"], arrays["srstep.it0.g.gradnorms"], strict=True))
    for ours, theirs in (
        (by_g["first"]["kernel"], "block1.0.weight"), (by_g["slope_first"]["slope"], "block1.1.weight"),
        (by_g["block2_0"]["kernel"], "block4.conv1.weight"), (by_g["block4_1"]["norm"]["scale"], "block6.bn2.weight"),
        (by_g["after"]["kernel"], "block7.0.weight"), (by_g["up0"]["kernel"], "block8.0.conv.weight"),
    ):  # fmt: skip
        np.testing.assert_allclose(np.linalg.norm(ours.ravel()), norms[f"srstep.g.{theirs}"], rtol=1e-5)
    norms = dict(zip(arrays["srstep.it0.d.gradkeys"], arrays["srstep.it0.d.gradnorms"], strict=True))
    for ours, theirs in (
        (by_d["layer0"]["kernel"], "net.0.weight"), (by_d["layer3"]["kernel"], "net.8.weight"),
        (by_d["layer7"]["norm"]["bias"], "net.21.bias"), (by_d["dense"]["kernel"], "net.24.weight"),
    ):  # fmt: skip
        np.testing.assert_allclose(np.linalg.norm(ours.ravel()), norms[f"srstep.d.{theirs}"], rtol=1e-6)


def test_small_crops_are_what_they_are_in_the_whole_photograph(pieces):
    """Shrinking a window and cutting its border off is cutting a crop out of the shrunk piece; then 8 bits."""
    recipe = small_recipe(mirror=False, turn=False)
    windows = pieces.pixels[:2, 2:26, 6:30]
    small, large = jax.jit(make_pairs(recipe))(windows, jax.random.key(0))
    whole = jp.images.to_float(pieces.pixels[:2]).astype(np.float64)
    expected = shrink_bicubic(whole, 2)[:, 3:11, 5:13]
    assert small.shape == (2, 8, 8, 3) and large.shape == (2, 16, 16, 3)
    np.testing.assert_allclose(large, whole[:, 6:22, 10:26], atol=1e-6)
    assert np.abs(small - np.clip(expected, -1, 1)).max() <= 0.5001 / 127.5
    levels = (np.asarray(small, np.float64) + 1) * 127.5
    np.testing.assert_allclose(levels, np.round(levels), atol=1e-4)


def test_crops_are_mirrored_and_turned(pieces):
    """All eight positions come about, and each small crop belongs to its large one."""
    small, large = jax.jit(make_pairs(small_recipe()))(pieces.pixels[np.full(64, 3), :24, :24], jax.random.key(1))
    assert len(np.unique(np.asarray(large).reshape(64, -1), axis=0)) == 8
    means = np.asarray(large).reshape(64, 8, 2, 8, 2, 3).mean(axis=(2, 4))
    assert all(np.corrcoef(a.ravel(), b.ravel())[0, 1] > 0.97 for a, b in zip(small, means, strict=True))


def test_rates_fall_as_their_schedule_says():
    paper, cosine = small_recipe(schedule="paper"), small_recipe(schedule="cosine")
    assert [float(rate_share(paper, index, 100, falls=True)) for index in (0, 49, 50, 99)] == pytest.approx(
        [1.0, 1.0, 0.1, 0.1]
    )
    assert float(rate_share(paper, 99, 100, falls=False)) == 1.0
    shares = [float(rate_share(cosine, index, 100, falls=False)) for index in (0, 50, 100)]
    assert shares == pytest.approx([1.0, 0.505, 0.01])


def test_both_networks_move_and_the_average_begins_the_second_stage(pieces):
    recipe = small_recipe(adversarial_steps=5, features="pixels", norm="batch")
    state = begin_adversarial(init_state(recipe, jax.random.key(0)))
    before = jax.tree.map(np.array, state)
    np.testing.assert_array_equal(*(state[name]["params"]["first"]["kernel"] for name in ("generator", "average")))
    _, second = make_steps(recipe)
    state, told = second(0, state, pieces.pixels[:4, :24, :24], jax.random.key(1), None)
    assert {"loss", "mse_loss", "content_loss", "generator_loss", "critic_loss", "tv"} <= set(told)
    assert float(told["content_loss"]) == float(told["mse_loss"])
    for name in ("generator", "critic"):
        moved = jax.tree.map(lambda a, b: float(jnp.abs(a - b).max()), state[name]["params"], before[name]["params"])
        still = [change for change in jax.tree.leaves(moved) if change == 0]
        assert len(still) <= (0 if name == "critic" else 20)  # behind the output, which begins with zeros


def test_killed_and_resumed_equals_never_killed(tmp_path, pieces):
    """Through both stages, with a stop in each."""
    pace = Pace(log_every=2, checkpoint_seconds=1e9, snapshot_seconds=1e9)
    recipe = small_recipe(steps=10, adversarial_steps=10, features="pixels")
    whole = check_resumes(plan(recipe, pieces), tmp_path, stops=(3, 6, 7), pace=pace)
    rows = read_metrics(whole / "metrics.csv")
    assert {row["phase"].split(",")[0] for row in rows} == {"mse", "adversarial"}
    figures = read_metrics(whole / "held-out.csv")
    assert len(figures) == 10 and len({row["bicubic_psnr_y"] for row in figures}) == 1


def test_a_trained_network_beats_bicubic_enlargement(tmp_path, folder):
    """On pictures that it has not seen, though only of waves; untrained it equals bicubic enlargement."""
    call(
        "train", "srgan", "--data", folder, "-o", tmp_path / "run", "--crop", 16, "--factor", 2, "--steps", 80,
        "--blocks", 1, "--width", 16, "--batch-size", 8, "--lr", 0.003, "--held-out", 1,
    )  # fmt: skip
    figures = read_metrics(tmp_path / "run/held-out.csv")
    assert float(figures[-1]["gain_y"]) > 3.0
    restorer = jp.load_restorer(tmp_path / "run")
    assert restorer.factor == 2 and restorer.card["training"]["held_out"]["gain_y"] > 3.0
    assert restorer.card["config"]["ending"] == "direct" and "norm" not in restorer.card["config"]
    large = photograph(20, (48, 36))
    small = jp.images.to_float(large)[None].reshape(1, 24, 2, 18, 2, 3).mean(axis=(2, 4))
    assert restorer(small).shape == (1, 48, 36, 3)
    assert (tmp_path / "run/report.html").read_text().count("<h2>") > 3
    check_that_another_training_goes_on_with_it(tmp_path, folder, restorer)


def check_that_another_training_goes_on_with_it(tmp_path, folder, restorer):
    """Its sizes and weights are those of the run, and sizes that are not are refused."""
    given = ("train", "srgan", "--data", folder, "--from", tmp_path / "run", "--crop", 16, "--steps", 0)
    given += ("--adversarial-steps", 10, "--features", "pixels", "--adversarial-rate", 1e-7, "--batch-size", 2)
    told = call(*given, "-o", tmp_path / "other", "--width", 17, code=2).stderr
    assert "`width` cannot be changed with --from" in " ".join(told.split()) and not (tmp_path / "other").exists()
    call(*given, "-o", tmp_path / "other")
    after = jp.load_restorer(tmp_path / "other")
    assert after.module == restorer.module and after.card["training"]["recipe"]["start_from"] == restorer.sha256
    for a, b in zip(jax.tree.leaves(after.params), jax.tree.leaves(restorer.params), strict=True):
        np.testing.assert_allclose(a, b, atol=2e-3)  # in half precision, after ten very small steps


def test_commands_are_refused_in_a_sentence(tmp_path, folder):
    (tmp_path / "few").mkdir()
    for number in range(3):
        save_png(tmp_path / f"few/{number}.png", photograph(number, (64, 64)))
    (tmp_path / "grey").mkdir()
    save_png(tmp_path / "grey/0.png", photograph(0, (64, 64))[..., :1].repeat(3, axis=-1))
    small = ("--crop", 16, "--factor", 2, "--steps", 2, "--blocks", 1, "--width", 4)
    for data, given, said in (
        (folder, ("--factor", 3), "`factor` must be one of (2, 4), got 3"),
        (folder, ("--adversarial-steps", 5), "name an installed one with --features"),
        (folder, ("--features", "pixels"), "there are none: give --adversarial-steps too"),
        (folder, ("--adversarial-steps", 5, "--features", "squeezenet"), "squeezenet"),
        (folder, ("--crop", 17), "a multiple of 16 and at least"),
        (folder, ("--crop", 96), "it is 70x40; expected at least 192x192, twice the side of a crop"),
        (tmp_path / "few", (), "3 pictures do not suffice"),
        (tmp_path / "grey", (), "it is grey; this training wants photographs in colour"),
    ):
        told = call("train", "srgan", "--data", data, "-o", tmp_path / "run", *small, *given, code=2).stderr
        assert said in " ".join(told.split()) and "Traceback" not in told
        assert not (tmp_path / "run").exists()


def test_mistakes_are_sentences():
    for change, said in (
        ({"factor": 3}, "`factor` must be one of \\(2, 4\\), got 3"),
        ({"crop": 8}, "a multiple of 16"),
        ({"kernel": 4}, "`kernel` must be an odd number"),
        ({"critic_widths": (4, 4)}, "`critic_widths` must be four numbers"),
        ({"steps": 0}, "one of them 1"),
        ({"tv_weight": -1.0}, "`tv_weight` must be a number of 0 or more"),
        ({"adversarial_rate": float("nan")}, "`adversarial_rate` must be a number above 0"),
        ({"features_cut": 4}, "name one"),
    ):
        with pytest.raises(ValueError, match=said):
            small_recipe(**change)
    with pytest.raises(SettingsError, match="--features pixels"):
        settled(PRESETS["paper"], {"adversarial_steps": 5}, preset_named=True)


def test_presets_are_the_papers_and_a_light_one():
    paper, narrow = PRESETS["paper"], PRESETS["narrow"]
    assert (paper.blocks, paper.width, paper.norm, paper.batch_size, paper.crop) == (16, 64, "batch", 16, 96)
    assert (paper.learning_rate, paper.adversarial_rate, paper.beta1) == (1e-4, 1e-4, 0.9)
    assert paper.adversarial_weight == 1e-3
    generator = Generator(
        narrow.blocks, narrow.width, norm="none", skip=True, ending=narrow.ending, kernel=narrow.kernel
    )
    params = jax.eval_shape(generator.init_variables, jax.random.key(0))["params"]
    assert 2 * sum(leaf.size for leaf in jax.tree.leaves(params)) < 4e6  # bytes in half precision
    assert replace(paper, steps=5).resolution == 192


def test_fewer_than_four_photographs_are_refused(folder):
    with pytest.raises(ImageError, match="3 pictures do not suffice"):
        load_pieces(folder, side=32, limit=3).parted(2)
