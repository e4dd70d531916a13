"""Forms of a convolution: all forms of an operation are one function, and the device that is named decides."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxprior.models.consingan.networks import GrowingGenerator
from jaxprior.models.singan.networks import Critic
from jaxprior.nn.convolution import FORMS, choose_form


WIDE, NARROW = (64, 128), (64, 3)


@pytest.mark.parametrize("name", FORMS)
def test_every_form_computes_its_operation(name):
    with jax.enable_x64(True):
        x = jnp.asarray(np.random.default_rng(0).standard_normal((2, 8, 12, 3)))
        kernel = jnp.asarray(np.random.default_rng(1).standard_normal((3, 3, 3, 5)))
        plain, form = FORMS[name.split("_")[0]], FORMS[name]
        expected = plain.apply(x, plain.prepare(kernel))
        np.testing.assert_allclose(form.apply(x, form.prepare(kernel)), expected, atol=1e-11)
    sizes = {"up": (16, 24), "transposed": (16, 24), "down": (4, 6), "strided": (4, 6), "valid": (6, 10)}
    size = sizes.get(name.split("_")[0], (8, 12))
    assert expected.shape == (2, *size, 5)


@pytest.mark.parametrize(
    ("operation", "settings", "on_cpu", "on_gpu"),
    [
        ("same", {}, "same", "same"),
        ("same", {"frozen": True, "channels": WIDE}, "same_winograd", "same"),
        ("same", {"frozen": True, "channels": NARROW}, "same", "same"),
        ("same", {"frozen": True, "channels": WIDE, "dtype": jnp.bfloat16}, "same", "same"),
        ("up", {}, "up", "up"),
        ("up", {"frozen": True, "channels": WIDE}, "up_winograd", "up_phases"),
        ("up", {"frozen": True, "channels": NARROW}, "up_phases", "up_phases"),
        ("down", {"frozen": True, "channels": WIDE}, "down", "down"),
        ("transposed", {"frozen": True, "channels": WIDE}, "transposed", "transposed"),
        ("valid", {}, "valid_products", "valid"),
    ],
)
def test_the_named_device_decides_and_not_the_default_one(operation, settings, on_cpu, on_gpu, monkeypatch):
    for default in ("cpu", "gpu"):
        monkeypatch.setattr(jax, "default_backend", lambda default=default: default)
        assert choose_form(operation, platform="cpu", **settings) == on_cpu
        assert choose_form(operation, platform="gpu", **settings) == choose_form(operation, platform="tpu", **settings)
        assert choose_form(operation, platform="gpu", **settings) == on_gpu


def test_networks_of_one_picture_are_computed_as_their_platform_says(monkeypatch):
    """And as JAX's default device says where they have none."""

    def convolves(network, *inputs) -> bool:
        shapes = jax.eval_shape(network.init_variables, jax.random.key(0))
        return "conv_general_dilated" in str(jax.make_jaxpr(network.apply)(shapes, *inputs))

    image = jnp.zeros((1, 13, 13, 3))
    noises = [jnp.zeros((1, *GrowingGenerator(2, 4).noise_shape(n, (8 + n, 8 + n)))) for n in range(2)]
    for make, inputs in (
        (lambda **chosen: Critic(4, 4, norm="none", **chosen), (image,)),
        (lambda **chosen: GrowingGenerator(2, 4, **chosen), (noises, jnp.ones(2))),
    ):
        for default in ("cpu", "gpu"):
            monkeypatch.setattr(jax, "default_backend", lambda default=default: default)
            assert convolves(make(), *inputs) == (default == "gpu")
            assert convolves(make(platform="gpu"), *inputs) and not convolves(make(platform="cpu"), *inputs)
