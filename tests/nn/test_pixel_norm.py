"""Pixel norm in the form for CPUs: the same function, the same gradient."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxprior.models.pggan.networks import Generator
from jaxprior.nn.norm import FEW_CHANNELS, pixel_norm, pixel_norm_of_few


@pytest.mark.parametrize("channels", FEW_CHANNELS)
def test_the_form_for_few_channels_is_the_same_function_with_the_same_gradient_in_float64(channels):
    with jax.enable_x64(True):
        x, g = (jnp.asarray(np.random.default_rng(seed).standard_normal((2, 3, 5, channels))) for seed in (0, 1))
        x = x.at[0, 0, 0].set(0.0)
        expected, back = jax.vjp(pixel_norm, x)
        found, back_found = jax.vjp(pixel_norm_of_few, x)
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(back_found(g)[0], back(g)[0], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("platform", "fast"), [("cpu", True), ("gpu", False)])
def test_a_frozen_generator_takes_it_on_cpus_alone(platform, fast, monkeypatch):
    used = []
    monkeypatch.setattr(
        "jaxprior.models.pggan.networks.generator.pixel_norm_of_few", lambda x: used.append(x) or pixel_norm(x)
    )
    module = Generator((128, 32), latent_dim=16)
    frozen, params = module.freeze(module.init_params(jax.random.key(0)), platform=platform, precision="fp32")
    frozen.apply({"params": params}, jnp.ones((1, 16)))
    assert bool(used) is fast
