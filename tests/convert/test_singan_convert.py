"""Folders of official SinGAN trainings become the pyramids that they were; what is no such folder is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import singan_golden
from foreign_files import refused, torch_saved, write_folder
from PIL import Image
from singan_golden import AMPLITUDES, PLAN, nhwc, state, variables

from jaxprior.models.singan import draw, load_singan, reconstruct
from jaxprior.nn.padding import zero_pad
from jaxprior.weights.storage import read_card
from weights_convert import convert
from weights_convert.__main__ import main


MARGIN = 5


def as_saved(image: np.ndarray, margin: int = 0) -> np.ndarray:
    """[h, w, c] -> as the official code keeps it, [1, c, h + 2 margin, w + 2 margin]."""
    return np.pad(image.transpose(2, 0, 1)[None], ((0, 0), (0, 0), (margin, margin), (margin, margin)))


@pytest.fixture(scope="module")
def training() -> dict:
    """What a folder of seven scales holds, by file name: the networks of the drawing goldens, and one more."""
    count = len(PLAN.sizes)
    fixed = [singan_golden.fixed_noise(n) for n in range(count)]
    files: dict = {
        "NoiseAmp.pth": [1, *AMPLITUDES[1:], np.array(0.3, np.float32)],
        "Zs.pth": [as_saved(noise, MARGIN) for noise in fixed],
        "reals.pth": [np.full((1, 3, *size), n / 10, np.float32) for n, size in enumerate(PLAN.sizes)],
    }
    for n in range(count):
        files[f"{n}/netG.pth"] = state(f"netG{n}")
        files[f"{n}/netD.pth"] = state("netD", critic=True)
    return files


def test_a_folder_becomes_the_pyramid_of_the_goldens(training, golden, tmp_path):
    folder = write_folder(tmp_path / "coffee", {**training, "Gs.pth": b"never opened", "0/fake_sample.png": b""})
    report = convert(folder, tmp_path / "coffee.safetensors", licence="MIT")
    assert report.left_out == ("0/fake_sample.png", "Gs.pth") and "7 scales" in str(report)
    model = load_singan(tmp_path / "coffee.safetensors")
    assert (model.sizes, model.factor, model.padding) == (PLAN.sizes, PLAN.factor, "zero")
    assert model.coarse_noise_channels == 1 and float(model.scales[6].amplitude) == np.float32(0.3)
    assert model.card["licence"] == "MIT" and float(model.image.mean()) == np.float32(0.6)
    critic = variables(state("netD", critic=True))
    np.testing.assert_array_equal(
        model.scales[3].critic_variables["params"]["output"]["kernel"], critic["params"]["output"]["kernel"]
    )
    last = model.enlarge(reconstruct(model)[5], PLAN.sizes[6])
    np.testing.assert_allclose(last, nhwc(golden("singan_drawing")["rec"]), atol=2e-6)


def test_variants_of_a_folder(training, tmp_path):
    """Without critics, with noise around the noise, without the coarsest scale, of one scale, of unrelated sizes."""
    def config(name: str, files: dict) -> dict:
        convert(write_folder(tmp_path / name, files), tmp_path / f"{name}.safetensors")
        return read_card(tmp_path / f"{name}.safetensors")["config"]

    bare = {name: value for name, value in training.items() if "netD" not in name}
    assert config("bare", bare)["critic_norm"] is None
    noises = [np.ones_like(training["Zs.pth"][0]), *training["Zs.pth"][1:]]
    assert config("animated", {**bare, "Zs.pth": noises})["padding"] == "noise"
    lists = {name: training[name][1:] for name in ("NoiseAmp.pth", "Zs.pth", "reals.pth")}
    shorter = {f"{n}/netG.pth": training[f"{n + 1}/netG.pth"] for n in range(6)}
    assert config("shorter", {**lists, **shorter})["factor"] == PLAN.factor
    lists = {name: training[name][:1] for name in lists}
    assert config("one", {**lists, "0/netG.pth": training["0/netG.pth"]})["factor"] is None
    lists = {name: [training[name][n] for n in (0, 4, 6)] for name in lists}
    uneven = config("uneven", {**lists, **{f"{n}/netG.pth": training["0/netG.pth"] for n in range(3)}})
    assert uneven["factor"] is None and uneven["sizes"] == [[26, 34], [59, 79], [90, 120]]


def without(value: dict, key: str) -> dict:
    return {name: item for name, item in value.items() if name != key}


def changed(files: dict, tensor: str, value: np.ndarray) -> dict:
    return {**files, NET: {**files[NET], tensor: value.astype(np.float32)}}


NET = "2/netG.pth"
DAMAGES = {
    "missing list": (lambda f: without(f, "Zs.pth"), "Zs.pth is missing"),
    "empty folder": (lambda f: {"notes.txt": b""}, "NoiseAmp.pth is missing"),
    "interrupted": (lambda f: {**f, "Zs.pth": f["Zs.pth"][:4]}, "was the training interrupted"),
    "scale missing": (lambda f: without(f, "6/netG.pth"), "6 folders with netG.pth"),
    "critic missing": (lambda f: without(f, NET.replace("G", "D")), "2/netD.pth is missing"),
    "not a list": (lambda f: {**f, "reals.pth": {"a": np.zeros(3, np.float32)}}, "got a dict"),
    "not an image": (lambda f: {**f, "reals.pth": [3] * 7}, "entry 0 is not one image"),
    "not a number": (lambda f: {**f, "NoiseAmp.pth": [np.zeros(2, np.float32)] * 7}, "entry 0 is not a number"),
    "not PyTorch": (lambda f: {**f, "Zs.pth": b"hello"}, "Zs.pth: "),
    "code": (lambda f: {**f, NET: torch_saved([]).replace(b"\x80\x02].", b"\x80\x02cos\nsystem\n.")}, "netG.pth: "),
    "tensor missing": (lambda f: {**f, NET: without(f[NET], "head.norm.bias")}, "head.norm.bias is missing"),
    "tensor unknown": (lambda f: changed(f, "extra", np.zeros(3)), "extra is not one of"),
    "other shape": (lambda f: changed(f, "head.conv.bias", np.zeros(3)), "tensor head.conv.weight: expected"),
    "other width": (lambda f: changed(f, "tail.0.weight", np.zeros((3, 8, 3, 3))), "tensor tail.0.weight: expected"),
    "negative variance": (lambda f: changed(f, "head.norm.running_var", -np.ones(32)), "negative variance"),
    "not finite": (lambda f: {**f, "NoiseAmp.pth": [1.0, float("nan"), *[0.1] * 5]}, "NaN"),
    "noise of another size": (lambda f: {**f, "Zs.pth": f["Zs.pth"][1:] + f["Zs.pth"][:1]}, "scale0/noise"),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_bad_folder_is_one_sentence(damage, training, tmp_path):
    change, words = DAMAGES[damage]
    folder = write_folder(tmp_path / "training", change(training))
    if damage == "not finite":  # found where the file is written, and so it names that
        with pytest.raises(ValueError, match=words):
            convert(folder, tmp_path / "refused.safetensors")
        return
    refused(folder, words=words)


def test_a_folder_takes_no_network(tmp_path, capsys):
    assert "leave --network" in refused(tmp_path, words="official SinGAN", network="pggan")
    assert main([str(tmp_path), "-o", str(tmp_path / "out.safetensors")]) == 1
    assert "NoiseAmp.pth is missing" in capsys.readouterr().err


@jax.jit
def in_training(scale, below):
    """The reconstruction of one scale, normalised by its batch."""
    z = scale.amplitude * zero_pad(scale.noise[None], MARGIN) + zero_pad(below, MARGIN)
    return scale.generator.apply(scale.variables, z, below, train=True, mutable=["batch_stats"])[0]


def test_real_balloons(shared, tmp_path):
    """A training of somebody else's. The official code saved its pictures with the newest generator still normalising
    by its batch, and those below by their running statistics."""
    folder = shared / "weights" / "singan_balloons"
    convert(folder, tmp_path / "balloons.safetensors")
    model = load_singan(tmp_path / "balloons.safetensors")
    assert len(model.sizes) == 7 and model.sizes[-1] == (186, 248)
    assert model.factor == pytest.approx((25 / 186) ** (1 / 8))
    fixed = reconstruct(model)
    below = jnp.zeros_like(fixed[0])
    for n, scale in enumerate(model.scales):
        saved = np.asarray(Image.open(folder / str(n) / "G(z_opt).png").convert("RGB"), np.float32)
        levels = np.floor(255 * np.clip((np.asarray(in_training(scale, below)[0]) + 1) / 2, 0, 1))
        assert np.abs(levels - saved).mean() < 0.01, f"scale {n}"
        assert np.abs(127.5 * (np.clip(fixed[n][0], -1, 1) + 1) - saved).mean() < 6, f"scale {n}"
        below = model.enlarge(fixed[n], model.sizes[n + 1]) if n < 6 else None
    drawn = np.asarray(draw(model, jax.random.key(0)))[0]
    assert np.isfinite(drawn).all() and abs(drawn.mean() - float(model.image.mean())) < 0.15
    assert 0.7 < drawn.std() / float(model.image.std()) < 1.4
