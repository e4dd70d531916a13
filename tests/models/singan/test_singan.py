"""SinGAN's networks, pyramid, resizes and drawing beside numbers of the official code; its file; what is refused."""

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import singan_golden as golden_singan
from PIL import Image
from singan_golden import PLAN, nhwc, noise, state, variables
from tiny_singan import random_variables

from jaxprior.errors import WeightsError
from jaxprior.models.singan import (
    Scale,
    SinGan,
    build_pyramid,
    draw,
    load_singan,
    plan_scales,
    reconstruct,
    save_singan,
    synthesize,
)
from jaxprior.models.singan import networks as singan
from jaxprior.models.singan.resizing import resize
from jaxprior.models.singan.stored import build_singan
from jaxprior.nn.direct import convolve
from jaxprior.nn.norm import fold
from jaxprior.nn.padding import zero_pad
from jaxprior.nn.valid import convolve_by_products
from jaxprior.training.losses import pixel_gradient_penalty
from jaxprior.weights import loader
from jaxprior.weights.storage import load_weights, save_weights


TABLES = [
    ("singan", (167, 250), 0.7886838, "26x38 32x48 41x61 51x77 65x97 82x123 104x156 132x198 167x250"),
    ("singan", (250, 167), 0.7886838, "38x26 48x32 61x41 77x51 97x65 123x82 156x104 198x132 250x167"),
    ("singan", (250, 250), 0.7943282, "25 32 40 50 63 80 100 126 158 199 250"),
    ("singan", (160, 213), 0.7929166, "26x34 32x42 40x53 51x67 64x85 80x107 101x134 127x169 160x213"),
    ("singan", (400, 600), 0.7623858, "25x38 33x50 44x65 57x85 75x111 98x146 128x191 167x250"),
    ("seed002", (167, 250), 0.728681, "25x37 34x51 47x70 65x97 89x133 122x182 167x250"),
    ("seed002", (400, 600), 0.728681, "25x37 34x51 47x70 65x97 89x133 122x182 167x250"),
    ("seed002", (250, 250), 0.749894, "25 33 44 59 79 105 141 187 250"),
    ("seed002", (160, 213), 0.733900, "25x33 34x45 46x62 63x84 86x115 117x156 160x213"),
    ("consingan", (167, 250), None, "25x38 31x47 41x61 60x89 115x171 167x250"),
    ("consingan", (250, 250), None, "25 33 45 72 158 250"),
    ("consingan", (160, 213), None, "26x34 31x41 41x54 59x78 111x147 160x213"),
]


@pytest.mark.parametrize(("rule", "size", "factor", "sizes"), TABLES, ids=lambda value: str(value)[:12])
def test_sizes_are_those_of_the_public_codes(rule, size, factor, sizes):
    plan = plan_scales(*size, rule=rule)
    expected = [tuple(int(n) for n in (s if "x" in s else f"{s}x{s}").split("x")) for s in sizes.split()]
    assert list(plan.sizes) == expected and plan.scales[-1] == 1
    assert factor is None or plan.factor == pytest.approx(factor, abs=5e-7)
    skipped = plan_scales(*size, rule=rule, skip=1)
    assert (skipped.sizes, skipped.factor) == (plan.sizes[1:], plan.factor)


def test_pyramid_is_the_official_one(golden):
    arrays = golden("singan_pyramid")
    assert PLAN.factor == arrays["scale_factor"] and len(PLAN.sizes) == arrays["stop_scale"] + 1
    pyramid = build_pyramid(arrays["image_u8"], PLAN)
    for n in (0, 1, 2, 3, 4, 6):
        np.testing.assert_array_equal(pyramid[n][None], nhwc(arrays[f"real_{n}"]))


@pytest.mark.parametrize("rule", ["seed002", "consingan"])
def test_pyramids_of_the_other_rules_end_in_the_picture(rule, golden):
    image = golden("singan_pyramid")["image_u8"]
    plan = plan_scales(90, 120, rule=rule)
    for method in ("bicubic", "bilinear_aa"):
        pyramid = build_pyramid(image, plan, method=method)
        assert [picture.shape[:2] for picture in pyramid] == list(plan.sizes)
        np.testing.assert_allclose(pyramid[-1], image / 127.5 - 1, atol=1e-6)
        assert abs(pyramid[0].mean() - pyramid[-1].mean()) < 0.01


def test_resize_is_the_official_one_inside_a_compiled_function(golden):
    arrays = golden("singan_pyramid")
    x, scale = nhwc(arrays["real_2"]), 1 / PLAN.factor
    up = jax.jit(lambda x: resize(x, (49, 65), scale=scale))(x)
    np.testing.assert_allclose(up, nhwc(arrays["up_of_real_2_official"]), atol=1e-6)
    np.testing.assert_allclose(resize(x, (48, 64), scale=scale), up[:, :48, :64], atol=1e-6)
    exact = resize(x, (49, 65), scale=scale, method="bicubic")
    np.testing.assert_allclose(exact[0], arrays["up_of_real_2_float_noquant"], atol=1e-6)


@pytest.mark.parametrize("size", [(23, 30), (61, 70), (40, 52)])
def test_resize_is_pillows_where_it_can_be(size):
    """Bilinear everywhere; bicubic away from the border, which the official code treats in its own way."""
    x = np.random.default_rng(0).uniform(-1, 1, (40, 52)).astype(np.float32)
    for method, filtering, border in (("bilinear_aa", "BILINEAR", 0), ("bicubic", "BICUBIC", 4)):
        theirs = np.asarray(Image.fromarray(x).resize(size[::-1], Image.Resampling[filtering]))
        ours = np.asarray(resize(x[..., None], size, method=method))[..., 0]
        inside = np.s_[border : size[0] - border, border : size[1] - border]
        np.testing.assert_allclose(ours[inside], theirs[inside], atol=3e-6)


@pytest.fixture(scope="module")
def pair():
    """(reals, image from below, input of the generator, its amplitude) of the forward goldens."""
    from conftest import GOLDEN

    arrays = dict(np.load(GOLDEN / "singan_forward.npz"))
    real = nhwc(np.load(GOLDEN / "singan_pyramid.npz")["real_6"])
    below = nhwc(arrays["prev_90x120"])
    amplitude = np.float32(arrays["nfc32/noise_amp"])
    assert amplitude == pytest.approx(0.1 * np.sqrt(np.mean((real - below) ** 2)), rel=1e-5)
    z = zero_pad(jnp.asarray(amplitude * noise("noise.fwd", 1, 3, 90, 120) + below), 5)
    return arrays, real, below, z


def trained(network, weights, *inputs):
    return network.apply(weights, *inputs, train=True, mutable=["batch_stats"])


@pytest.mark.parametrize("width", [32, 64])
def test_networks_are_the_official_ones(width, pair):
    arrays, real, below, z = pair
    generator, critic = singan.Generator(width, width), singan.Critic(width, width)
    g, d = variables(state("netG", width)), variables(state("netD", width, critic=True))

    def check(name, ours, atol):
        np.testing.assert_allclose(ours[:, ::3, ::3], nhwc(arrays[f"nfc{width}/{name}"]), atol=atol, err_msg=name)

    check("G_eval", generator.apply(g, z, below), 1e-6)
    fake, changed = trained(generator, g, z, below)
    check("G_train", fake, 5e-6)
    check("D_eval_real", critic.apply(d, real), 1e-6)
    check("D_train_real", trained(critic, d, real)[0], 1e-5)
    check("D_train_fake", trained(critic, d, fake)[0], 1e-5)
    head = changed["batch_stats"]["layer0"]["norm"]
    bias = state("netG", width)["head.conv.bias"]
    np.testing.assert_allclose(head["mean"] + bias, arrays[f"nfc{width}/G_run_mean_head"], atol=1e-6)
    np.testing.assert_allclose(head["var"], arrays[f"nfc{width}/G_run_var_head"], atol=1e-6)
    counts = [sum(leaf.size for leaf in jax.tree.leaves(v["params"])) + 4 * width for v in (g, d)]
    assert counts == {32: [29_763, 29_185], 64: [114_819, 113_665]}[width]


def test_gradient_penalty_and_its_gradients_are_the_official_ones(pair):
    arrays, real, below, z = pair
    with jax.enable_x64(True):  # the official value was computed in float64 as well
        g, d, real, below, z = jax.tree.map(
            lambda x: jnp.asarray(x, jnp.float64),
            (variables(state("netG")), variables(state("netD", critic=True)), real, below, z),
        )
        critic = singan.Critic(dtype=jnp.float64)
        fake = trained(singan.Generator(dtype=jnp.float64), g, z, below)[0]
        mix = jnp.full((1, 1, 1, 1), 1 - float(arrays["gp_eps"]))

        @jax.jit
        @jax.value_and_grad
        def penalty(params):
            variables = {**d, "params": params}
            return 0.1 * pixel_gradient_penalty(lambda x: trained(critic, variables, x)[0], real, fake, mix)

        value, gradients = jax.device_get(penalty(d["params"]))
    assert float(value) == pytest.approx(float(arrays["nfc32/gp_f64"]), abs=1e-7)
    for layer, key in (("layer0", "head.conv.weight"), ("output", "tail.weight")):
        expected = golden_singan.hwio(arrays[f"nfc32/gp_grad/{key}"])
        np.testing.assert_allclose(gradients[layer]["kernel"], expected, atol=1e-4)
    for k, block in enumerate(golden_singan.BLOCKS):
        layer = gradients[f"layer{k}"]
        scale, bias = layer["norm"]["scale"], layer["norm"]["bias"]
        ours = {"conv.weight": layer["kernel"], "norm.weight": scale, "norm.bias": bias}
        for part, gradient in ours.items():
            expected = float(arrays[f"nfc32/gp_grad_l2/{block}.{part}"])
            norm = float(np.linalg.norm(np.ravel(gradient)))
            assert norm == pytest.approx(expected, rel=5e-4, abs=1e-6), (block, part)


def test_gradient_penalty_of_a_flat_critic_has_no_gradient():
    x, mix = jnp.ones((1, 4, 4, 3)), jnp.full((1, 1, 1, 1), 0.5)
    value, gradient = jax.value_and_grad(lambda w: pixel_gradient_penalty(lambda y: w * y, x, x, mix))(0.0)
    assert (float(value), float(gradient)) == (1.0, 0.0)


def test_drawing_is_the_official_one(golden):
    arrays, model = golden("singan_drawing"), golden_singan.model()
    last = model.enlarge(reconstruct(model)[-1], PLAN.sizes[6])
    np.testing.assert_allclose(last, nhwc(arrays["rec"]), atol=2e-6)
    noises = [noise(f"dc.rand.{n}", 1, 3 if n else 1, *PLAN.sizes[n]) for n in range(6)]
    images = jax.jit(synthesize)(model, [np.broadcast_to(z, (*z.shape[:3], 3)) for z in noises])
    for n, image in enumerate(images):
        expected = arrays["rand" if n == 5 else f"rand_level{n + 1}"]
        np.testing.assert_allclose(model.enlarge(image, PLAN.sizes[n + 1]), nhwc(expected), atol=2e-6)


def test_middle_layers_narrow_down_to_the_least_width():
    assert singan.Generator(64, 16).widths == (64, 32, 16, 16)
    assert singan.Generator(32, 32).widths == (32, 32, 32, 32)
    assert singan.Critic(8, 1, layers=3, kernel=5).widths == (8, 4) and singan.Critic(8, 1, kernel=5).margin == 10


def test_norms():
    """Folded statistics compute the same; an image's own statistics are its batch's; without a norm there is a bias."""
    x = np.random.default_rng(0).standard_normal((2, 14, 15, 3)).astype(np.float32)
    critic = singan.Critic(8, 4)
    weights = random_variables(critic, 1)
    folded = {"params": fold(weights)}
    affine = jax.jit(critic.clone(norm="affine").apply)(folded, x)
    np.testing.assert_allclose(affine, jax.jit(critic.apply)(weights, x), atol=2e-5)
    both = jax.jit(critic.clone(norm="instance").apply)({"params": weights["params"]}, x)
    assert both.shape == (2, 4, 5, 1)
    for n in range(2):
        alone, _ = jax.jit(partial(trained, critic))(weights, x[n : n + 1])
        np.testing.assert_allclose(both[n : n + 1], alone, atol=2e-5)
    shapes = jax.eval_shape(critic.clone(norm="none").init_variables, jax.random.key(0))
    assert set(shapes) == {"params"} and set(shapes["params"]["layer1"]) == {"kernel", "bias"}


def small(*, padding: str = "zero", critics: bool = False) -> SinGan:
    """Three small scales of random weights."""
    plan = plan_scales(20, 28, min_size=12, num_scales=3)
    scales = []
    for n, (h, w) in enumerate(plan.sizes):
        generator, critic = singan.Generator(4 << n, 4, layers=3), singan.Critic(4 << n, 4, layers=3)
        around = 6 if padding == "noise" else 0
        drawn = np.random.default_rng(n).standard_normal((h + around, w + around, 3)).astype(np.float32)
        scales.append(
            Scale(
                generator=generator,
                variables=random_variables(generator, n),
                critic=critic if critics else None,
                critic_variables=random_variables(critic, n) if critics else None,
                amplitude=np.float32(0.1 if n else 1.0),
                noise=drawn * np.float32(n == 0),
                size=(h, w),
            )
        )
    image = np.zeros((*plan.sizes[-1], 3), np.float32)
    return SinGan(scales=tuple(scales), image=image, factor=plan.step, resize="bicubic", padding=padding)


def test_random_images():
    model, key = small(), jax.random.key(0)
    images = draw(model, key, count=3)
    assert images.shape == (3, 20, 28, 3)
    finest = draw(model, key, count=3, start_scale=2)
    np.testing.assert_allclose(draw(model, key, start_scale=2)[0], finest[0], atol=1e-5)
    spread, finest_spread = (float(np.std(drawn, axis=0).mean()) for drawn in (images, finest))
    assert spread > 2 * finest_spread > 0.001
    assert draw(model, key, height_scale=1.5, width_scale=0.8).shape == (1, 30, 22, 3)


def test_other_noise_and_other_steps():
    """Noise around the noise, sizes that no factor joins, and another resize."""
    model = dataclasses.replace(small(padding="noise"), factor=None, resize="bilinear_aa")
    assert draw(model, jax.random.key(0)).shape == (1, 20, 28, 3)
    assert [image.shape for image in reconstruct(model)] == [(1, *size, 3) for size in model.sizes]


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"count": 0}, "at least one image"),
        ({"start_scale": 3}, "0 to 2"),
        ({"start_scale": 1, "width_scale": 2.0}, "start_scale 0"),
        ({"width_scale": 0.01}, "leaves nothing"),
    ],
)
def test_what_cannot_be_drawn_is_a_sentence(wanted, said):
    with pytest.raises(ValueError, match=said):
        draw(small(), jax.random.key(0), **wanted)


@pytest.mark.parametrize(
    ("size", "wanted", "said"),
    [
        ((20, 300), {}, "picture of 300x20 pixels has no coarser scales.*`min_size`, which is 25"),
        ((100, 100), {"rule": "other"}, "expected one of singan"),
        ((100, 100), {"scale_factor": 1.0}, "between 0 and 1"),
        ((100, 100), {"num_scales": 1}, "at least 2 scales"),
        ((100, 100), {"skip": 9}, "fewer than there are"),
        ((100, 2000), {"max_size": 250}, "`max_size` of 250 shrinks a picture of 2000x100 to 250x13 pixels"),
    ],
)
def test_what_makes_no_pyramid_is_a_sentence(size, wanted, said):
    with pytest.raises(ValueError, match=said):
        plan_scales(*size, **wanted)
    with pytest.raises(ValueError, match="does not shrink to"):
        build_pyramid(np.zeros((50, 50, 3), np.uint8), plan_scales(100, 100))


@pytest.mark.parametrize("critics", [True, False])
def test_file_keeps_everything(critics, tmp_path):
    model = small(critics=critics)
    save_singan(tmp_path / "small.safetensors", model)
    again = load_singan(tmp_path / "small.safetensors")
    assert again.config() == model.config() and again.sizes == model.sizes
    jax.tree.map(np.testing.assert_array_equal, again.params(), model.params())
    assert jax.tree.structure(again.scales) == jax.tree.structure(model.scales)


def test_a_file_that_does_not_fit_is_a_sentence(tmp_path):
    path = tmp_path / "small.safetensors"
    save_singan(path, small())
    params, card = load_weights(path)
    del params["scale1"]["generator"]["batch_stats"]["layer0"]["norm"]["var"]
    save_weights(path, params, card)
    with pytest.raises(WeightsError, match="scale1/generator/batch_stats/layer0/norm/var: missing"):
        load_singan(path)
    params, config = small().params(), card["config"]
    for change, said in (
        ({"widths": [4, 8]}, "one pair a scale"), ({"widths": [4, 8, "x"]}, "whole numbers"),
        ({"sizes": [[12, 17]]}, "1 sizes for 3"), ({"sizes": [[12, 17], [16, 22], [20, 29]]}, "image: expected"),
        ({"factor": 2.0}, "factor"), ({"resize": "nearest"}, "resize"), ({"padding": None}, "padding"),
        ({"norm": "group"}, "norms"), ({"critic_norm": "batch"}, "scale0/critic"),
        ({"layers": 1}, "2 to 32"), ({"layers": 10**9}, "2 to 32"),
        ({"coarse_noise_channels": 2}, "1 or all"), ({"colour": 1}, "does not describe"),
    ):  # fmt: skip
        with pytest.raises(WeightsError, match=said):
            build_singan(params, {**card, "config": {**config, **change}})
    with pytest.raises(WeightsError, match="these weights: this is a prior .pggan., for .*; expected a model of one"):
        loader.build(params, {**card, "architecture": "pggan"}, role="singan")


@pytest.mark.parametrize("shape", [(2, 9, 11, 3, 5), (1, 7, 8, 6, 1)])
def test_convolutions_by_products_are_convolutions_with_all_derivatives(shape):
    """Beside XLA's own, in float64: values, gradients, and the gradient of a gradient's norm."""
    b, h, w, i, o = shape
    with jax.enable_x64(True):
        chance = np.random.default_rng(0)
        x, kernel = jnp.asarray(chance.normal(size=(b, h, w, i))), jnp.asarray(chance.normal(size=(3, 3, i, o)))

        def whole(convolution, x, kernel):
            def score(x):
                return jnp.sum(jnp.tanh(convolution(x, kernel)))

            return score(x) + jnp.sum(jnp.square(jax.grad(score)(x)))

        pairs = []
        for convolution in (convolve_by_products, partial(convolve, padding="VALID")):
            pairs.append((convolution(x, kernel), jax.grad(partial(whole, convolution), argnums=(0, 1))(x, kernel)))
        jax.tree.map(lambda ours, theirs: np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-10), *pairs)
