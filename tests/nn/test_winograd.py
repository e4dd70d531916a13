"""Convolutions in fewer multiplications: the same function, as well rounded, the same gradient."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxprior.models.pggan.networks import Generator
from jaxprior.nn import winograd, winograd_upsampling
from jaxprior.nn.direct import convolve
from jaxprior.nn.pooling import upsample


def plain(x, kernel):
    return convolve(x, kernel)


def upsampled(x, kernel):
    return convolve(upsample(x), kernel)


FORMS = {
    "tiles": (plain, winograd.tile_kernel, winograd.tile_convolve),
    "upsampled": (upsampled, winograd_upsampling.upsample_kernel, winograd_upsampling.upsample_convolve),
}


def draw(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def rms(x):
    return float(np.sqrt(np.mean(np.square(x))))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", [(4, 4), (8, 4), (5, 14)])
def test_is_the_same_function_with_the_same_gradient_in_float64(form, size):
    literal, prepare, apply = FORMS[form]
    with jax.enable_x64(True):
        x, kernel = jnp.asarray(draw((2, *size, 6))), jnp.asarray(draw((3, 3, 6, 5), 1))
        expected, back = jax.vjp(lambda x: literal(x, kernel), x)
        prepared = prepare(kernel)
        found, back_found = jax.vjp(lambda x: apply(x, prepared), x)
        g = jnp.asarray(draw(expected.shape, 2))
        np.testing.assert_allclose(found, expected, atol=1e-11)
        np.testing.assert_allclose(back_found(g)[0], back(g)[0], atol=1e-11)


@pytest.mark.parametrize("form", FORMS)
def test_float32_rounds_at_most_three_times_worse_than_the_direct_sum(form):
    literal, prepare, apply = FORMS[form]
    x, kernel = draw((1, 16, 16, 256)), draw((3, 3, 256, 256), 1) / np.sqrt(9 * 256)
    with jax.enable_x64(True):
        exact = np.asarray(literal(jnp.asarray(x), jnp.asarray(kernel)))
        prepared = np.asarray(prepare(jnp.asarray(kernel)), np.float32)
    x, kernel = jnp.asarray(x, jnp.float32), jnp.asarray(kernel, jnp.float32)
    error, of_direct = rms(apply(x, jnp.asarray(prepared)) - exact), rms(literal(x, kernel) - exact)
    assert of_direct < 2e-6
    assert error < 3 * of_direct


def test_works_under_vmap_jit_and_grad():
    x, kernel = (jnp.asarray(draw(shape), jnp.float32) for shape in ((3, 2, 8, 8, 4), (3, 3, 4, 4)))
    prepared = winograd.tile_kernel(kernel)

    def loss(x, kernel):
        return jnp.sum(winograd.tile_convolve(x, kernel) ** 2)

    together = jax.jit(jax.vmap(jax.grad(loss), (0, None)))(x, prepared)
    alone = jnp.stack([jax.grad(loss)(one, prepared) for one in x])
    np.testing.assert_allclose(together, alone, rtol=1e-5, atol=1e-3)


def test_gradient_of_a_frozen_kernel_is_refused():
    x, kernel = jnp.ones((1, 4, 4, 2)), jnp.ones((36, 2, 2))
    with pytest.raises(TypeError, match="frozen kernel"):
        jax.grad(lambda kernel: winograd.tile_convolve(x, kernel).sum())(kernel)


def test_generator_prepared_for_cpus_is_the_same_function():
    module = Generator((160, 160, 128, 32), latent_dim=16, dtype=jnp.float64)
    with jax.enable_x64(True):
        params = jax.tree.map(jnp.float64, module.init_params(jax.random.key(0)))
        frozen, prepared = module.freeze(params, platform="cpu", precision="fp32")
        forms = [frozen.form_of(k) for k in range(8)]
        winograds = ["up_winograd", "same_winograd"]
        assert forms == ["same", "same_winograd", *winograds, *winograds, "up_phases", "same"]
        z = jnp.asarray(draw((2, 16)))

        def image(module, params):
            return jax.jit(lambda z: module.apply({"params": params}, z))

        expected, back = jax.vjp(image(module, params), z)
        found, back_found = jax.vjp(image(frozen, prepared), z)
        assert found.dtype == jnp.float64
        np.testing.assert_allclose(found, expected, atol=1e-11)
        g = jnp.asarray(draw(expected.shape))
        np.testing.assert_allclose(back_found(g)[0], back(g)[0], rtol=1e-9, atol=1e-9)
