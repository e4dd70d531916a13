"""PGGAN generator and critic against public implementations, and their building blocks against plain definitions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from golden_weights import TINY, mganprior_generator, nhwc, tensorflow_networks

from jaxprior.models.pggan.config import feature_widths
from jaxprior.models.pggan.networks import Critic, Generator
from jaxprior.nn import direct, norm, phase, pooling


TOLERANCE = 2e-5


def close(a, b, atol=TOLERANCE):
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=0, atol=atol)


@pytest.mark.parametrize("form", ["plain", "fused"])
@pytest.mark.parametrize("resolution", [8, 16, 32])
def test_tiny_generator_equals_public_pytorch_code(golden, resolution, form):
    module, params = mganprior_generator(resolution, **TINY, fused=form == "fused")
    arrays = golden("pggan_tiny")
    expected = nhwc(arrays[f"res{resolution}_{form}"])
    close(module.apply({"params": params}, arrays["z"]), expected)
    close(module.clone(fused=True).apply({"params": params}, arrays["z"]), expected)
    frozen, prepared = module.freeze(params, platform="gpu", precision="fp32")
    close(frozen.apply({"params": prepared}, arrays["z"]), expected)


def test_grey_generator(golden):
    module, params = mganprior_generator(16, **TINY, image_channels=1)
    close(module.apply({"params": params}, golden("pggan_tiny")["z"]), nhwc(golden("pggan_tiny")["res16_gray"]))


@pytest.mark.parametrize("resolution", [8, 16, 32, 64])
def test_full_width_generator_and_every_split(golden, resolution):
    module, params = mganprior_generator(resolution)
    arrays = golden("pggan_other_res")
    close(module.apply({"params": params}, arrays["z"]), nhwc(arrays[f"res{resolution}"]))
    for layer in range(1, module.num_layers + 1, 3):
        features = module.apply({"params": params}, arrays["z"], layer, method="head")
        size = module.feature_size(layer)
        assert features.shape == (2, size, size, module.channels(layer))
        close(
            module.apply({"params": params}, features, layer, method="tail"), nhwc(arrays[f"res{resolution}"])
        )


def test_integer_lod_is_an_earlier_stage_upsampled(golden):
    module, params = mganprior_generator(64)
    arrays = golden("pggan_other_res")
    for lod in (1, 2):
        small = module.apply({"params": params}, arrays["z"], stage=4 - lod)
        close(pooling.upsample(small, 1 << lod), nhwc(arrays[f"res64_lod{lod}"]))


def test_features_of_the_256_pixel_generator(golden):
    module, params = mganprior_generator(256)
    module, params = module.freeze(params, platform="gpu", precision="fp32")
    arrays = golden("pggan256_features")
    features = arrays["z"]
    for k in range(1, 15):
        step = jax.jit(lambda p, x, k=k: module.apply({"params": p}, x, k - 1, k, method="blocks"))
        features = step(params, features)
        size = features.shape[1]
        low = max(size // 2 - 4, 0)
        close(features[:, low : low + 8, low : low + 8, :8], nhwc(arrays[f"k{k:02d}_crop"]))
        mean = np.asarray(features, np.float64).mean(axis=(1, 2))
        np.testing.assert_allclose(mean, arrays[f"k{k:02d}_chmean"], atol=TOLERANCE)


@pytest.mark.slow
@pytest.mark.parametrize("resolution", [128, 1024])
def test_large_generators(golden, resolution):
    module, params = mganprior_generator(resolution)
    arrays = golden("pggan_other_res")
    z = arrays["z"][: len(arrays[f"res{resolution}_ds"])]
    images = np.asarray(jax.jit(lambda p, z: module.apply({"params": p}, z))(params, z))
    close(pooling.downsample(images, resolution // 64), nhwc(arrays[f"res{resolution}_ds"]))
    middle = slice(resolution // 2 - 16, resolution // 2 + 16)
    close(images[:, middle, middle], nhwc(arrays[f"res{resolution}_crop_mid"]))


@pytest.mark.parametrize("form", ["plain", "fused"])
@pytest.mark.parametrize("lod", [0.0, 0.25, 1.0, 1.5, 2.0])
def test_growing_networks_equal_the_official_code(golden, form, lod):
    arrays = golden("pggan_train")
    g, c = tensorflow_networks(arrays, form)
    widths = feature_widths(16, fmap_base=256, fmap_max=32)
    stage, fade = 2 - int(lod), jnp.float32(lod - int(lod))
    image = Generator(widths, 32).apply({"params": g}, arrays["z"], stage=stage, fade=fade)
    close(pooling.upsample(image, 1 << int(lod)), nhwc(arrays[f"{form}.lod{lod}.G"]))
    x = pooling.downsample(jnp.asarray(nhwc(arrays["x"])), 1 << int(lod))
    scores = Critic(widths, fused=form == "fused").apply({"params": c}, x, stage=stage, fade=fade)
    close(scores, arrays[f"{form}.lod{lod}.D"][:, 0])


def test_fading_is_continuous():
    module = Generator((16, 16, 8), 8)
    params = module.init_params(jax.random.key(0))
    z = jax.random.normal(jax.random.key(1), (2, 8))
    start = module.apply({"params": params}, z, stage=2, fade=jnp.float32(1.0))
    close(start, pooling.upsample(module.apply({"params": params}, z, stage=1)), 1e-6)
    end = module.apply({"params": params}, z, stage=2, fade=jnp.float32(0.0))
    close(end, module.apply({"params": params}, z), 1e-6)


def test_minibatch_stddev_equals_the_official_code(golden):
    arrays = golden("pggan_train")
    x = jnp.asarray(nhwc(arrays["mbstd.x"]))
    close(norm.minibatch_stddev(x, 4)[..., -1:], nhwc(arrays["mbstd.g4"]), 1e-6)
    close(norm.minibatch_stddev(x, 16)[..., -1:], nhwc(arrays["mbstd.g16"]), 1e-6)


def test_phase_kernels_equal_upsampling_and_convolving():
    x = jax.random.normal(jax.random.key(0), (2, 5, 7, 3))
    kernel = jax.random.normal(jax.random.key(1), (3, 3, 3, 4))
    plain = direct.convolve(pooling.upsample(x), kernel)
    close(phase.phase_convolve(x, phase.phase_kernels(kernel)), plain, 1e-5)


def test_fused_down_convolution_equals_convolving_and_averaging():
    x = jax.random.normal(jax.random.key(0), (2, 8, 6, 3))
    kernel = jax.random.normal(jax.random.key(1), (3, 3, 3, 4))
    close(direct.downsample_convolve(x, kernel), pooling.downsample(direct.convolve(x, kernel)), 1e-5)


def test_bfloat16_stays_close_and_images_stay_float32():
    module = Generator((16, 16, 8), 8)
    params = module.init_params(jax.random.key(0))
    z = jax.random.normal(jax.random.key(1), (4, 8))
    exact = module.apply({"params": params}, z)
    half = module.clone(dtype=jnp.bfloat16).apply({"params": params}, z)
    assert half.dtype == jnp.float32
    assert 1e-4 < float(jnp.linalg.norm(half - exact) / jnp.linalg.norm(exact)) < 3e-2


def test_layers_that_do_not_exist_are_refused():
    module = Generator((16, 16), 8)
    with pytest.raises(ValueError, match="between 1 and 4"):
        module.channels(5)
    with pytest.raises(ValueError, match="power of two"):
        feature_widths(48)
