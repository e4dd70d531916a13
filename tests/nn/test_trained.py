"""Convolutions of networks in training: their values and derivatives are those of the plain ones, of every order."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxprior.models.autoencoder.networks import Autoencoder
from jaxprior.models.dcgan import networks as dcgan
from jaxprior.models.pggan.networks import Critic, Generator
from jaxprior.nn import trained
from jaxprior.nn.convolution import FORMS, training_form


NARROW = [
    *((operation, 3, (3, 2)) for operation in ("same", "up", "down")),
    *(("strided", size, (3, 2)) for size in (3, 4, 7)),
    *(("transposed", size, (3, 2)) for size in (2, 5)),
]
WIDE = [
    *(("same", 3, (64, 64)), ("up", 3, (32, 16)), ("down", 3, (32, 32))),
    *((operation, 4, (32, 16)) for operation in ("strided", "transposed")),
]


@pytest.mark.parametrize(("operation", "size", "channels"), NARROW + WIDE)
def test_values_and_gradients_and_gradients_of_gradients_are_the_plain_ones(operation, size, channels, monkeypatch):
    """Wide ones are computed in fewer multiplications here, whatever their maps' size is."""
    monkeypatch.setattr(trained, "FEW_TILES", 1)
    monkeypatch.setattr(trained, "MANY_TILES", 10**6)
    draw = np.random.default_rng(0).standard_normal
    with jax.enable_x64(True):
        x, direction = jnp.asarray(draw((2, 1, 4, 8, channels[0])))
        kernel, moved = jnp.asarray(draw((2, size, size, *channels)))

        def derivatives(form: str):
            def penalty(x, kernel):
                def score(x):
                    return jnp.sum(jnp.sin(FORMS[form].apply(x, kernel)))

                value, slope = jax.value_and_grad(score)(x)
                return value + jnp.sum(direction * slope**2)

            def slope_of_slope(x, kernel):
                by_x, by_kernel = jax.grad(penalty, argnums=(0, 1))(x, kernel)
                return jnp.sum(by_x * direction) + jnp.sum(by_kernel * moved)

            first = jax.value_and_grad(penalty, argnums=(0, 1))(x, kernel)
            return first, jax.grad(slope_of_slope, argnums=(0, 1))(x, kernel)

        found, expected = derivatives(f"{operation}_trained"), derivatives(operation)
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9 * np.abs(other).max())


def test_a_penalty_needs_no_convolution_with_holes_in_a_reversed_window():
    """XLA has one for the gradient of a strided convolution's gradient, which is slow on CPUs."""
    x, kernel = jnp.ones((2, 8, 8, 3)), jnp.ones((3, 3, 3, 4))

    def program(form: str) -> str:
        def penalty(kernel):
            return jnp.sum(jax.grad(lambda x: jnp.sum(FORMS[form].apply(x, kernel) ** 2))(x) ** 2)

        return str(jax.jit(jax.grad(penalty)).lower(kernel).compile().as_text())

    slow = re.compile(r"window=\{[^}]*rhs_dilate[^}]*rhs_reversal")
    assert slow.search(program("down")) and not slow.search(program("down_trained"))


def test_a_doubling_never_exchanges_the_channels_of_its_kernel():
    """That would cost more than the rest of what is done to a large kernel; the gradients do not need it either."""
    x, kernel = jnp.ones((2, 4, 4, 32)), jnp.ones((4, 4, 32, 16))

    def score(x, kernel):
        return jnp.sum(FORMS["transposed_trained"].apply(x, kernel) ** 2)

    program = str(jax.make_jaxpr(jax.grad(score, argnums=(0, 1)))(x, kernel))
    assert "dot_general" in program and "permutation=(0, 1, 3, 2)" not in program


@pytest.mark.parametrize("platform", [None, "cpu", "gpu"])
def test_a_network_takes_the_forms_of_the_devices_that_train_it(platform):
    """And none of them where it is only applied; its parameters are the same."""
    z, image = jnp.zeros((1, 3)), jnp.zeros((1, 8, 8, 3))
    networks = [
        (lambda **chosen: Generator((4, 4), 3, **chosen), z),
        (lambda **chosen: Critic((4, 4), **chosen), image),
        (lambda **chosen: Critic((4, 4), fused=True, **chosen), image),
        (lambda **chosen: dcgan.Generator((4,), 3, norm="none", **chosen), z),
        (lambda **chosen: dcgan.Critic((4,), 8, norm="none", **chosen), image),
        (lambda **chosen: Autoencoder((4,), norm="none", **chosen), image),
    ]
    for make, x in networks:
        network = make(trained_on=platform)
        shapes = jax.eval_shape(network.init, jax.random.key(0), x)
        assert shapes == jax.eval_shape(make().init, jax.random.key(0), x)
        assert ("custom_vjp" in str(jax.make_jaxpr(network.apply)(shapes, x))) == (platform == "cpu")
    assert training_form("down", platform=platform) == ("down_trained" if platform == "cpu" else "down")
