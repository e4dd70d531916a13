"""The options in which public PGGANs differ from the original, against what their public code computed.

The weights follow the goldens' recipe. They are mapped by hand here, with NumPy, in another way than the converter does
it, and everything is computed in float64, as it was for the goldens.
"""

import re
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from golden_layouts import GoldenLayout, State
from numpy.typing import DTypeLike

from jaxprior.models.pggan.networks import Critic, Generator, from_config, to_config


SQRT2 = np.sqrt(2.0)


class Golden(GoldenLayout):
    """With weights in float64, as the goldens were computed."""

    def state(self, network: str, dtype: DTypeLike = np.float64) -> State:
        return super().state(network, dtype)


def conv(w: np.ndarray) -> np.ndarray:
    """[out, in, k, k] -> [k, k, in, out]."""
    return w.transpose(2, 3, 1, 0)


def transposed(w: np.ndarray) -> np.ndarray:
    """[in, out, k, k] of a transposed convolution -> the kernel [k, k, in, out] of the convolution after upsampling."""
    return w[:, :, ::-1, ::-1].transpose(2, 3, 0, 1)


def linear(w: np.ndarray) -> np.ndarray:
    """[16 c, latent], rows in the order c, y, x -> layer0's [latent, 4, 4, c]."""
    return w.reshape(-1, 4, 4, w.shape[1]).transpose(3, 1, 2, 0)


def from_map(w: np.ndarray) -> np.ndarray:
    """[out, 16 c], columns in the order c, y, x -> the critic's layer0, [4, 4, c, out]."""
    return conv(w.reshape(len(w), -1, 4, 4))


def tree(**blocks: tuple[np.ndarray, np.ndarray]) -> dict:
    return {name: {"kernel": kernel, "bias": bias} for name, (kernel, bias) in blocks.items()}


def he(fan_in: int) -> float:
    return np.sqrt(2 / fan_in)


def zoo(s: State) -> dict:
    """Facebook's pytorch_GAN_zoo multiplies the whole result by the constant, the bias included."""

    def pair(name: str, arrange: Callable = conv, gain: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
        w, b = s[f"{name}.module.weight"], s[f"{name}.module.bias"]
        return arrange(w) * gain, b * he(w[0].size)

    stages = {int(key.split(".")[1]) + 1 for key in s if key.startswith("scaleLayers")}
    if "formatLayer.module.weight" not in s:
        blocks = {f"layer{2 * b + 1 - i}": pair(f"scaleLayers.{b - 1}.{i}") for b in stages for i in (0, 1)}
        blocks |= {f"input{b}": pair(f"fromRGBLayers.{b}") for b in (0, *stages)}
        blocks |= {"layer1": pair("groupScaleZero.0"), "layer0": pair("groupScaleZero.1", from_map)}
        return tree(**blocks, output=pair("decisionLayer", np.transpose, SQRT2))
    kernel, bias = pair("formatLayer", linear, 4.0)
    blocks = {f"layer{2 * b + i}": pair(f"scaleLayers.{b - 1}.{i}") for b in stages for i in (0, 1)}
    blocks |= {f"output{b}": pair(f"toRGBLayers.{b}", gain=SQRT2) for b in (0, *stages)}
    return tree(layer0=(kernel, bias.reshape(-1, 4, 4).transpose(1, 2, 0)), layer1=pair("groupScale0.0"), **blocks)


def bau(s: State) -> dict:
    def pair(name: str) -> tuple[np.ndarray, np.ndarray]:
        return conv(s[f"{name}.conv.weight"]), s[f"{name}.wscale.b"]

    first = s["layer1.conv.weight"][:, :, ::-1, ::-1].transpose(1, 2, 3, 0), s["layer1.wscale.b"]
    return tree(layer0=first, **{f"layer{k}": pair(f"layer{k + 1}") for k in range(1, 6)}, output2=pair("output_16x16"))


def genforce(s: State) -> dict:
    def pair(name: str, arrange: Callable = conv) -> tuple[np.ndarray, np.ndarray]:
        return arrange(s[f"{name}.weight"]), s[f"{name}.bias"]

    if "output0.weight" not in s:
        blocks = {f"input{b}": pair(f"input{2 - b}") for b in range(3)}
        blocks |= {f"layer{2 * b + 1 - i}": pair(f"layer{2 * (2 - b) + i}") for b in (1, 2) for i in (0, 1)}
        last = {"layer1": pair("layer4"), "layer0": pair("layer5", from_map), "output": pair("layer6", np.transpose)}
        return tree(**blocks, **last)
    blocks = {f"output{b}": pair(f"output{b}") for b in range(3)}
    blocks |= {f"layer{k}": pair(f"layer{k}") for k in range(1, 6)}
    return tree(layer0=pair("layer0", lambda w: w[:, :, ::-1, ::-1].transpose(1, 2, 3, 0)), **blocks)


def aka(s: State) -> dict:
    def pair(name: str, arrange: Callable = conv, gain: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
        return arrange(s[f"{name}.weight"]) * gain, s[f"{name}.bias"]

    if "from_rgb.0.0.weight" in s:
        blocks = {f"input{b}": pair(f"from_rgb.{2 - b}.0") for b in range(3)}
        blocks |= {f"layer{2 * b + 2 - i}": pair(f"layers.{2 - b}.conv_{i}") for b in range(3) for i in (1, 2)}
        return tree(**blocks, output=pair("layers.2.conv_3", lambda w: w[:, :, 0, 0].T, SQRT2))
    old = "initial_block.conv_1.weight" in s
    names = ["initial_block" if old else "layers.0"] + [f"layers.{b - old}" for b in range(1, 5)]
    found = [(b, name, i) for b, name in enumerate(names) for i in (1, 2) if f"{name}.conv_{i}.weight" in s]
    blocks = {f"layer{2 * b + i - 1}": pair(f"{name}.conv_{i}") for b, name, i in found if b + i > 1}
    outputs = [key.split(".")[1] for key in s if re.match(r"rgb_converters.\d.weight", key)]
    blocks |= {f"output{b}": pair(f"rgb_converters.{b}", gain=SQRT2) for b in outputs}
    return tree(layer0=pair(f"{names[0]}.conv_1", lambda w: w.transpose(0, 2, 3, 1), 4.0), **blocks)


def mm(s: State) -> dict:
    def pair(k: int) -> tuple[np.ndarray, np.ndarray]:
        w, bias = s[f"conv_blocks.{k - 1}.conv.weight_orig"], s[f"conv_blocks.{k - 1}.conv.bias"]
        if k % 2 or not fused:
            return conv(w), bias
        return transposed(w) * np.sqrt(len(w) / len(bias)), bias  # its fan-in is the number of channels that come out

    fused = len(s["conv_blocks.3.conv.weight_orig"]) != len(s["conv_blocks.3.conv.bias"])
    outputs = {f"output{b}": f"torgb_layers.{b}.conv" for b in range(3)}
    blocks = {name: (conv(s[f"{theirs}.weight_orig"]), s[f"{theirs}.bias"]) for name, theirs in outputs.items()}
    blocks |= {f"layer{k}": pair(k) for k in range(1, 6)}
    return tree(layer0=(linear(s["noise2feat.linear.weight_orig"]), s["noise2feat.bias"].reshape(-1)), **blocks)


def draw(module: Generator, params: dict, z: np.ndarray, **stage) -> np.ndarray:
    return np.asarray(jax.jit(lambda p, z: module.apply({"params": p}, z, **stage))(params, z.astype(np.float64)))


def score(module: Critic, params: dict, x: np.ndarray, **stage) -> np.ndarray:
    return np.asarray(jax.jit(lambda p, x: module.apply({"params": p}, x, **stage))(params, x.astype(np.float64)))


def close(ours: np.ndarray, theirs: np.ndarray, tolerance: float = 1e-12) -> None:
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance)


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


def generator(widths: tuple[int, ...], latent: int, **options) -> Generator:
    """Through its card, as a file's."""
    made, _ = from_config(to_config(Generator(widths, latent, **options)))
    return made.clone(dtype=jnp.float64)


def critic(widths: tuple[int, ...], **options) -> Critic:
    _, made = from_config(to_config(Generator(widths, 24), Critic(widths, **options)))
    return made.clone(dtype=jnp.float64)


def test_a_bias_for_each_position_and_tanh_make_the_gan_zoos_images():
    golden, module = Golden("gan_zoo"), generator((12, 10, 8), 24, first_bias="position")
    arrays, params = golden.arrays, zoo(golden.state("zoo16"))
    close(draw(module, params, arrays["zoo16.z"]), golden.nhwc("zoo16.y"))
    close(draw(module, params, arrays["zoo16.z"], fade=float(arrays["zoo16.alpha"])), golden.nhwc("zoo16.y_alpha"))
    grey = generator((12, 10, 8), 24, first_bias="position", output="tanh", image_channels=1)
    close(draw(grey, zoo(golden.state("zoo16t")), arrays["zoo16t.z"]), golden.nhwc("zoo16t.y"))


def test_a_bias_that_is_equal_at_all_positions_is_one_of_channels():
    golden = Golden("gan_zoo")
    state = golden.state("zoo16c")
    bias = state["formatLayer.module.bias"].reshape(12, 16)
    state["formatLayer.module.bias"] = np.repeat(bias[:, :1], 16)
    params = zoo(state)
    params["layer0"]["bias"] = params["layer0"]["bias"][0, 0]
    close(draw(generator((12, 10, 8), 24), params, golden.arrays["zoo16c.z"]), golden.nhwc("zoo16c.y"))


def test_consecutive_groups_make_the_gan_zoos_scores():
    golden, module = Golden("gan_zoo"), critic((12, 10, 8), groups="consecutive")
    arrays, params = golden.arrays, zoo(golden.state("zoo16.netD"))
    x = golden.nhwc("zoo16.netD.x")
    for count in (8, 4, 3, 1):
        close(score(module, params, x[:count]), arrays[f"zoo16.netD.score{count}"])
    alpha = float(arrays["zoo16.netD.alpha"])
    close(score(module, params, x[:4], fade=alpha), arrays["zoo16.netD.score4_alpha"])


def test_a_generator_with_its_last_output_alone_makes_the_dissected_images():
    golden, params = Golden("davidbau"), bau(Golden("davidbau").state("bau16"))
    module, z = generator((12, 10, 8), 24, outputs="last"), golden.arrays["bau16.z"]
    close(draw(module, params, z), golden.nhwc("bau16.y_raw"))
    clipped = generator((12, 10, 8), 24, outputs="last", output="clip")
    close(draw(clipped, params, z), golden.nhwc("bau16.y_hardtanh"))
    assert set(jax.eval_shape(module.init_params, jax.random.key(0))) == set(params)
    for stage in ({"stage": 1}, {"fade": 0.5}):
        with pytest.raises(ValueError, match="last stage alone"):
            draw(module, params, z, **stage)


def test_genforces_images_and_scores():
    golden = Golden("genforce")
    module, params, z = generator((12, 12, 8), 24), genforce(golden.state("gf16")), golden.arrays["gf16.z"]
    normalised_twice = 1e-7
    close(draw(module, params, z), golden.nhwc("gf16.y"), normalised_twice)
    tanh = generator((12, 12, 8), 24, output="tanh")
    close(draw(tanh, params, z), golden.nhwc("gf16.y_tanh"), normalised_twice)
    x, params = golden.nhwc("gf16.D.x"), genforce(golden.state("gf16.D"))
    close(score(critic((12, 12, 8)), params, x), golden.arrays["gf16.D.score8_group4"])
    large = critic((12, 12, 8), group_size=16)
    close(score(large, params, x), golden.arrays["gf16.D.score8_group16"])
    close(score(large, params, x[:3]), golden.arrays["gf16.D.score3_group16"])


def test_no_norm_before_layer1_makes_pro_gan_pytorchs_images_and_scores():
    golden = Golden("akanimax")
    arrays, module = golden.arrays, generator((12, 10, 8), 24, norm_before_layer1=False)
    params, z, fade = aka(golden.state("aka3_16")), arrays["aka3_16.z"], 1 - float(arrays["aka3_16.alpha"])
    close(draw(module, params, z), golden.nhwc("aka3_16.y"))
    close(draw(module, params, z, fade=fade), golden.nhwc("aka3_16.y_alpha"))
    close(draw(module, params, z, stage=1), golden.nhwc("aka3_16.y_half"))
    params, x = aka(golden.state("aka3_16.dis")), golden.nhwc("aka3_16.dis.x")
    close(score(critic((12, 10, 8)), params, x), arrays["aka3_16.dis.score8"])
    close(score(critic((12, 10, 8)), params, x[:3]), arrays["aka3_16.dis.score3"])
    close(score(critic((12, 10, 8)), params, x, fade=fade), arrays["aka3_16.dis.score8_alpha"])


def test_no_norm_of_the_codes_makes_the_images_of_pro_gan_pytorch_2():
    golden = Golden("akanimax")
    options = {"norm_before_layer1": False, "normalize_latents": False}
    arrays, module = golden.arrays, generator((16, 16, 16, 16, 8), 16, **options)
    params, z = aka(golden.state("aka2_64")), arrays["aka2_64.z"]
    close(draw(module, params, z), golden.nhwc("aka2_64.y"), 1e-5)  # stored as float32
    close(draw(module, params, z, stage=2), golden.nhwc("aka2_64.y16"))
    fade = 1 - float(arrays["aka2_64.alpha"])
    close(draw(module, params, z, stage=2, fade=fade), golden.nhwc("aka2_64.y16_alpha"))
    close(draw(module, params, arrays["aka2_64.z_raw"], stage=2), golden.nhwc("aka2_64.y16_of_z_raw"))


@pytest.mark.parametrize("network", ["mm16", "mm16p"])
def test_the_epsilon_outside_of_the_root_makes_mmgenerations_images(network):
    golden, module = Golden("mmgeneration"), generator((12, 12, 8), 24, norm_epsilon="outside")
    arrays, params = golden.arrays, mm(golden.state(network))
    z, fade = arrays[f"{network}.z"], 1 - float(arrays[f"{network}.transition"])
    close(draw(module, params, z), golden.nhwc(f"{network}.y"))
    close(draw(module, params, z, fade=fade), golden.nhwc(f"{network}.y_transition"))
    close(draw(module, params, z, stage=1), golden.nhwc(f"{network}.y_half"))
