"""DCGAN's generator from foreign files: the images are those of PyTorch, and files that do not fit are refused."""

import jax
import numpy as np
import pytest
import safetensors.numpy

import jaxprior as jp
from jaxprior.errors import WeightsError
from weights_convert import convert
from weights_convert.critics import looks_like_critic


@pytest.fixture
def made(golden):
    """A generator's state of the layout of PyTorch's example, codes, and the images that PyTorch makes of them."""
    arrays = golden("dcgan_pytorch")
    state = {key.removeprefix("state."): arrays[key] for key in arrays.files if key.startswith("state.")}
    return state, arrays["z"], arrays["images"]


def save(path, state):
    safetensors.numpy.save_file({key: np.asarray(array, order="C") for key, array in state.items()}, path)
    return path


@pytest.mark.parametrize("prefix", ["", "module."])
def test_a_converted_generator_makes_the_images_of_pytorch(tmp_path, made, prefix):
    state, codes, images = made
    file = save(tmp_path / "netG.st", {f"{prefix}{key}": array for key, array in state.items()})
    report = convert(file, tmp_path / "out.safetensors", licence="MIT")
    assert report.network == "dcgan" and "16 pixels, widths 16, 8, codes of 12 numbers" in str(report)
    assert report.left_out == ()
    prior = jp.load_prior(report.out)
    assert prior.image_shape == (16, 16, 3) and prior.num_layers == 2 and prior.critic is None
    np.testing.assert_allclose(prior.generate(codes), images, atol=2e-6)
    for layer in (1, 2):
        np.testing.assert_allclose(prior.tail(prior.head(codes, layer), layer), images, atol=2e-6)


def test_biases_before_a_norm_shift_its_mean(tmp_path, made):
    state, codes, images = made
    random = np.random.default_rng(0)
    moved = dict(state)
    for conv, norm in (("main.0", "main.1"), ("main.3", "main.4")):
        bias = random.normal(size=len(state[f"{norm}.bias"])).astype(np.float32)
        moved |= {f"{conv}.bias": bias, f"{norm}.running_mean": state[f"{norm}.running_mean"] + bias}
    report = convert(save(tmp_path / "netG.st", moved), tmp_path / "out.safetensors", licence="MIT")
    np.testing.assert_allclose(jp.load_prior(report.out).generate(codes), images, atol=2e-6)
    last = save(tmp_path / "last.st", state | {"main.6.bias": np.full(3, 0.5, np.float32)})
    brighter = jp.load_prior(convert(last, tmp_path / "last.safetensors", licence="MIT").out).generate(codes)
    np.testing.assert_allclose(brighter, np.tanh(np.arctanh(images) + 0.5), atol=1e-5)


def test_a_converted_generator_is_a_prior(tmp_path, made):
    state, codes, images = made
    report = convert(save(tmp_path / "netG.st", state), tmp_path / "out.safetensors", licence="MIT")
    prior = jp.load_prior(report.out)
    result = jp.restore(
        prior, images[:1], jp.Identity(), key=jax.random.key(0),
        codes=jp.SingleCode(), solve=jp.Solve(steps=150, optimizer="adam", learning_rate=0.1, starts=4, init="random"),
    )  # fmt: skip
    assert float(jp.metrics.psnr(result.images, images[:1])[0]) > 25


def test_files_that_do_not_fit_are_refused_in_one_sentence(tmp_path, made):
    good, *_ = made

    def without(*names):
        return {key: array for key, array in good.items() if key not in names}

    five = {**good, "main.3.weight": np.ones((16, 8, 5, 5), np.float32)}
    for state, said in (
        (without("main.4.running_var"), r"main.4.running_var is missing, expected \(8,\)"),
        (five, r"main.3.weight has shape \(16, 8, 5, 5\), expected \(16, 8, 4, 4\)"),
        (good | {"main.7.weight": np.ones((3, 3, 3, 3), np.float32)}, "expected main.0.weight, main.3.weight and"),
        (good | {"main.6.weight": np.ones((8, 2, 4, 4), np.float32)}, "makes 2 channels; expected 1 or 3"),
        (good | {"main.1.running_var": -np.ones(16, np.float32)}, "holds a negative variance"),
        (good | {"main.0.weight": np.full((12, 16, 4, 4), np.nan, np.float32)}, "NaN or infinite"),
        (good | {"main.4.extra": np.ones(8, np.float32)}, "main.4.extra is not expected"),
    ):
        with pytest.raises(WeightsError, match=said) as error:
            convert(save(tmp_path / "bad.st", state), tmp_path / "out.safetensors")
        assert "\n" not in str(error.value) and not (tmp_path / "out.safetensors").exists()


def test_the_critic_of_such_a_training_is_not_taken_for_a_generator(tmp_path):
    random = np.random.default_rng(0)
    critic = {"main.0.weight": (8, 3, 4, 4), "main.2.weight": (16, 8, 4, 4), "main.5.weight": (1, 16, 4, 4)}
    state = {key: random.normal(size=shape).astype(np.float32) for key, shape in critic.items()}
    state |= {f"main.3.{part}": np.ones(16, np.float32) for part in ("weight", "bias", "running_mean", "running_var")}
    with pytest.raises(WeightsError, match="looks like a critic, also called discriminator.* file of the generator"):
        convert(save(tmp_path / "netD.st", state), tmp_path / "out.safetensors")


def test_critics_are_told_from_other_networks():
    def shaped(**shapes):
        return {name.replace("__", "."): np.zeros(shape, np.float32) for name, shape in shapes.items()}

    lsgan = {  # convolutions and a dense layer behind them, as in many trainings by least squares
        "model__0__weight": (16, 1, 3, 3), "model__3__weight": (32, 16, 3, 3), "model__5__weight": (32,),
        "model__7__weight": (64, 32, 3, 3), "adv_layer__weight": (1, 256), "adv_layer__bias": (1,),
    }  # fmt: skip
    assert looks_like_critic(shaped(**lsgan))
    others = {
        "a classifier": lsgan | {"adv_layer__weight": (10, 256)},
        "a denoiser of grey pictures": {f"c{k}__weight": (1 if k == 3 else 64, 64 if k else 1, 3, 3) for k in range(4)},
        "an autoencoder": {
            f"c{k}__weight": shape
            for k, shape in enumerate([(8, 1, 3, 3), (16, 8, 3, 3), (8, 16, 3, 3), (1, 8, 3, 3)])
        },
        "nothing": {},
    }
    for name, shapes in others.items():
        assert not looks_like_critic(shaped(**shapes)), name
