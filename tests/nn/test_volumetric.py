"""Convolutions of volumes: every form is PyTorch's layer, and so are its gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxprior.nn import volumetric


CHANCE = np.random.default_rng(0)


def normal(*shape):
    return CHANCE.standard_normal(shape).astype(np.float32)


def by_hand(x, kernel):
    """The transposed convolution by its definition, in float64."""
    b, d, h, w, _ = x.shape
    y = np.zeros((b, 2 * d + 2, 2 * h + 2, 2 * w + 2, kernel.shape[-1]))
    for p, q, r in np.ndindex(4, 4, 4):
        y[:, p : p + 2 * d : 2, q : q + 2 * h : 2, r : r + 2 * w : 2] += x.astype(np.float64) @ kernel[p, q, r]
    return y[:, 1:-1, 1:-1, 1:-1]


@pytest.mark.parametrize("channels", [(3, 5), (9, 1)], ids=["many", "few"])
@pytest.mark.parametrize("form", [volumetric.transposed_products, volumetric.transposed_phases])
def test_doubling_is_the_transposed_convolution(form, channels):
    x, kernel = normal(2, 2, 3, 4, channels[0]), normal(4, 4, 4, *channels)
    np.testing.assert_allclose(form(x, kernel), by_hand(x, kernel), atol=3e-5)


@pytest.mark.parametrize("channels", [(3, 5), (1, 9)], ids=["many", "few"])
@pytest.mark.parametrize("form", [volumetric.strided_products, volumetric.strided_direct])
def test_halving_is_the_adjoint_of_doubling(form, channels):
    """<halve(x), g> = <x, double(g)> with the kernel's channels exchanged, so that one definition serves both."""
    x, kernel, g = normal(2, 4, 6, 8, channels[0]), normal(4, 4, 4, *channels), normal(2, 2, 3, 4, channels[1])
    y = np.asarray(form(x, kernel), np.float64)
    assert y.shape == g.shape
    back = by_hand(g, kernel.swapaxes(3, 4))
    np.testing.assert_allclose((y * g).sum(), (back * x).sum(), rtol=1e-5)
    np.testing.assert_allclose(jax.grad(lambda x: jnp.vdot(form(x, kernel), g))(x), back, atol=5e-5)


@pytest.mark.parametrize("channels", [(3, 5), (9, 1), (1, 9)])
def test_gradients_in_the_kernel_are_the_same_in_all_forms(channels):
    kernel = normal(4, 4, 4, *channels)
    small, large = normal(2, 2, 2, 4, channels[0]), normal(2, 4, 4, 8, channels[0])
    for x, forms in (
        (small, (volumetric.transposed_products, volumetric.transposed_direct, volumetric.transposed_phases)),
        (large, (volumetric.strided_products, volumetric.strided_direct)),
    ):
        g = normal(*forms[0](x, kernel).shape)
        found = [jax.grad(lambda k, form=form, x=x, g=g: jnp.vdot(form(x, k), g))(kernel) for form in forms]
        for other in found[1:]:
            np.testing.assert_allclose(found[0], other, atol=2e-4)


def test_a_cpu_takes_products_and_an_accelerator_convolutions():
    assert volumetric.strided_form(platform="cpu") is volumetric.strided_products
    assert volumetric.transposed_form(platform="cpu") is volumetric.transposed_products
    assert volumetric.strided_form(platform="gpu") is volumetric.strided_direct
    assert volumetric.transposed_form(platform="gpu") is volumetric.transposed_phases
