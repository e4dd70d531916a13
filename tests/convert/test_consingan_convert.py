"""Folders of official ConSinGAN trainings: their networks make what they made there; what is no such folder is refused.

The goldens are of the public code (tohinz/ConSinGAN, 8b4681f) with random weights: its pyramid, its generator in
float64 in the three kinds of modes, its critic, and what its evaluation makes of a picture with something pasted in.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from foreign_files import refused, torch_saved, write_folder

from jaxprior.models.consingan.config import PRESETS
from jaxprior.models.consingan.model import ConSinGan
from jaxprior.models.singan import build_pyramid, harmonize, load_singan, reconstruct
from jaxprior.models.singan.injecting import inject
from jaxprior.models.singan.planning import scales_of
from weights_convert import convert


KINDS = {"harmonize": {"min_size": 14}, "edit": {"min_size": 10, "num_scales": 4}, "generate": {"min_size": 12}}
KEY = jax.random.key(0)


def files_of(arrays: dict[str, np.ndarray], kind: str) -> dict:
    """What a folder holds, by file name."""
    def part(name: str) -> dict[str, np.ndarray]:
        start = f"{kind}.{name}."
        return {key[len(start) :]: value for key, value in arrays.items() if key.startswith(start)}

    reals, told = list(part("reals").values()), str(arrays[f"{kind}.parameters"])
    values = dict(line.split("\t-\t") for line in told.splitlines())
    around = 2 * int(values["num_layer"]) if kind == "generate" else 0
    noises = [reals[0]]
    for n, real in enumerate(reals[1:], 1):
        shape = (1, int(values["nfc"]), real.shape[2] + around, real.shape[3] + around)
        noises.append(np.float32(np.random.default_rng([n, len(kind)]).standard_normal(shape)))
    one, *amplitudes = arrays[f"{kind}.noise_amp"]
    files = {
        "reals.pth": reals, "fixed_noise.pth": noises, "noise_amp.pth": [int(one), *map(np.asarray, amplitudes)],
        "parameters.txt": (told + "niter\t-\t700\nlr_g\t-\t0.0005\n").encode(), "G.pth": b"never opened",
        f"{len(reals) - 1}/netG.pth": part("netG"), "0/netG.pth": b"never opened",
    }  # fmt: skip
    critic = part("netD")
    return {**files, f"{len(reals) - 1}/netD.pth": critic} if critic else files


def nhwc(array: np.ndarray) -> np.ndarray:
    return array.transpose(0, 2, 3, 1)


def converted(golden, kind: str, tmp_path) -> tuple[ConSinGan, dict]:
    arrays = golden("consingan")
    report = convert(write_folder(tmp_path / kind, files_of(arrays, kind)), tmp_path / f"{kind}.safetensors")
    assert report.network == "consingan" and "G.pth" in report.left_out
    model = load_singan(tmp_path / f"{kind}.safetensors")
    assert isinstance(model, ConSinGan)
    return model, arrays


def doubled(model: ConSinGan) -> ConSinGan:
    """The same model, computing in float64."""
    wide = jax.tree.map(lambda x: x.astype(jnp.float64), model)
    return dataclasses.replace(wide, generator=model.generator.clone(dtype=jnp.float64))


@pytest.mark.parametrize("kind", ["harmonize", "edit"])
def test_what_was_pasted_becomes_what_the_public_code_makes_of_it(kind, golden, tmp_path):
    model, arrays = converted(golden, kind, tmp_path)
    starts = {"harmonize": "augmented", "edit": "shuffled"}[kind]
    assert (model.starts_from, model.generator.norm, model.generator.edges) == (starts, "instance", "zero")
    assert model.card["training"]["recipe"] == {"train_depth": 3, "lr_scale": 0.1, "steps": 700, "learning_rate": 5e-4}
    assert model.critic is None and model.generator.slope == {"harmonize": 0.3, "edit": 0.05}[kind]
    small = nhwc(arrays[f"{kind}.small"])
    with jax.enable_x64(True):
        first = jnp.asarray(small, jnp.float64) + 0.1 * jnp.asarray(nhwc(arrays[f"{kind}.extra"]), jnp.float64)
        wide = doubled(model)
        noises = [first, *(noise[None] for noise in wide.noises[1:])]
        made = wide.generator.apply(wide.variables, noises, wide.amplitudes)
        assert made.dtype == jnp.float64
        np.testing.assert_allclose(made, nhwc(arrays[f"{kind}.made"]), atol=1e-12)
    if kind == "harmonize":  # the whole way, from the pixels: nothing in it is left to chance
        naive = arrays["harmonize.naive"]
        mask = np.zeros(naive.shape[:2])
        mask[8:16, 10:20] = 1
        result = harmonize(model, naive, mask, key=KEY, radius=1, sigma=1.0)
        np.testing.assert_allclose(result.images[0], nhwc(arrays["harmonize.made"]), atol=1e-5)
        assert result.start_scales == (0,) and result.images.shape == (1, 1, 24, 28, 3)


def test_a_model_for_drawing_reconstructs_its_picture_and_scores_it(golden, tmp_path):
    model, arrays = converted(golden, "generate", tmp_path)
    assert (model.starts_from, model.generator.norm, model.generator.edges) == ("noise", "none", "enlarged")
    assert "starts_from" not in model.config()
    np.testing.assert_allclose(reconstruct(model)[-1], nhwc(arrays["generate.reconstruction"]), atol=1e-5)
    with jax.enable_x64(True):
        remade = reconstruct(doubled(model))[-1]
        np.testing.assert_allclose(remade, nhwc(arrays["generate.reconstruction"]), atol=1e-12)
    score = model.critic.apply(model.critic_variables, jnp.float32(nhwc(arrays["generate.reconstruction"])))
    np.testing.assert_allclose(score, nhwc(arrays["generate.score"]), atol=1e-5)
    with pytest.raises(ValueError, match="consingan-harmonize"):
        inject(model, np.zeros((20, 26, 3), np.float32), KEY)


@pytest.mark.parametrize("kind", KINDS)
def test_pyramids_are_those_of_the_public_code(kind, golden):
    arrays = golden("consingan")
    name = {"generate": "consingan"}.get(kind, f"consingan-{kind}")
    recipe = dataclasses.replace(PRESETS[name], **{"num_scales": 3, "max_size": 28, **KINDS[kind]})
    pixels = arrays[f"{kind}.picture"]
    scales = scales_of(dataclasses.replace(recipe, layers=1), *pixels.shape[:2])
    for n, real in enumerate(build_pyramid(pixels, scales)):
        np.testing.assert_array_equal(real[None], nhwc(arrays[f"{kind}.reals.{n}"]))


def without(files: dict, name: str) -> dict:
    return {key: value for key, value in files.items() if key != name}


def said(files: dict, old: str, new: str) -> dict:
    return {**files, "parameters.txt": files["parameters.txt"].replace(old.encode(), new.encode())}


NET = "2/netG.pth"
DAMAGES = {
    "parameters missing": (lambda f: without(f, "parameters.txt"), "but parameters.txt is missing"),
    "list missing": (lambda f: without(f, "reals.pth"), "but reals.pth is missing"),
    "interrupted": (lambda f: {**f, "reals.pth": f["reals.pth"][:2]}, "was the training interrupted"),
    "last stage missing": (lambda f: without(f, NET), "the last folder with netG.pth is 0"),
    "another activation": (lambda f: said(f, "\tlrelu", "\tprelu"), "activation is 'prelu'; expected lrelu"),
    "another mode": (lambda f: said(f, "harmonization", "dreaming"), "train_mode is 'dreaming'; expected one of gen"),
    "no number": (lambda f: said(f, "lrelu_alpha\t-\t0.3", "lrelu_alpha\t-\tmany"), "lrelu_alpha is 'many'"),
    "no steps": (lambda f: said(f, "niter\t-\t700", "niter\t-\t-7"), "niter is '-7'; expected a whole number"),
    "nothing said": (lambda f: said(f, "batch_norm", "batch"), "says nothing of batch_norm"),
    "fewer layers": (lambda f: said(f, "num_layer\t-\t2", "num_layer\t-\t1"), "body.0.block1.conv.bias is not one of"),
    "more layers": (lambda f: said(f, "num_layer\t-\t2", "num_layer\t-\t3"), "body.0.block2.conv.weight is missing"),
    "no norm": (lambda f: said(f, "batch_norm\t-\tTrue", "batch_norm\t-\t0"), "norm.bias is not one of"),
    "other width": (lambda f: said(f, "nfc\t-\t4", "nfc\t-\t5"), "generator/params/"),
    "code": (lambda f: {**f, NET: torch_saved([]).replace(b"\x80\x02].", b"\x80\x02cos\nsystem\n.")}, "netG.pth: "),
    "noise of another size": (lambda f: {**f, "fixed_noise.pth": f["fixed_noise.pth"][::-1]}, "noise/stage0"),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_bad_folder_is_one_sentence(damage, golden, tmp_path):
    change, words = DAMAGES[damage]
    refused(write_folder(tmp_path / "training", change(files_of(golden("consingan"), "harmonize"))), words=words)


def test_a_folder_takes_no_other_network(golden, tmp_path):
    folder = write_folder(tmp_path / "training", files_of(golden("consingan"), "harmonize"))
    assert "leave --network" in refused(folder, words="ConSinGAN", network="singan")
