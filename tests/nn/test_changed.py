"""A change of layers for one picture is a change of their kernels, and pictures go on sharing those that are kept."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxprior.models.dcgan.networks import Generator as DcganGenerator
from jaxprior.models.pggan.networks import Generator as PgganGenerator
from jaxprior.weights.cut import CutGenerator
from jaxprior.weights.priors import Prior


NETWORKS = {"pggan": PgganGenerator((8, 8, 8), 4), "dcgan": DcganGenerator((8, 8), 4, norm="none")}


def prior_of(network) -> Prior:
    return Prior(module=network, params=network.init_params(jax.random.key(0)))


def random_change(generator: CutGenerator, seed: int = 0) -> dict:
    """A change of every layer of the tail, of rank 2."""
    draw = np.random.default_rng(seed).standard_normal
    return {
        name: {"down": draw((i, 2), np.float32), "up": 0.3 * draw((2, i), np.float32), "bias": draw(o, np.float32)}
        for name, (i, o) in generator.tail_layers().items()
    }


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_the_change_is_that_of_the_kernels(network):
    """Images of the frozen generator with a change are those of changed parameters: W' = (I + D U) W, b' = b + c."""
    prior = prior_of(network)
    generator = prior.split(1)
    change = random_change(generator)
    params = dict(prior.params)
    for name, part in change.items():
        mixing = np.eye(len(part["down"]), dtype=np.float32) + part["down"] @ part["up"]
        kernel = jnp.einsum("ij,...jo->...io", mixing, params[name]["kernel"])
        params[name] = {"kernel": kernel, "bias": params[name]["bias"] + part["bias"]}
    z = jax.random.normal(jax.random.key(1), (2, 4))
    wanted = network.apply({"params": params}, z)
    assert float(jnp.abs(wanted - prior.generate(z)).max()) > 0.1
    np.testing.assert_allclose(generator.changed(change)(z), wanted, atol=2e-4)


def test_the_layers_of_the_tail_are_told_with_their_channels():
    """From the composing layer to the image, in the order in which they are applied."""
    layers = prior_of(PgganGenerator((16, 8, 4), 4)).split(3).tail_layers()
    assert layers == {"layer3": (8, 8), "layer4": (8, 4), "layer5": (4, 4), "output2": (4, 3)}


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_no_convolution_has_kernels_of_its_own_for_every_picture(network):
    """Three pictures with a change each and the gradients of the changes: no convolution is split into groups."""
    generator = prior_of(network).split(1)
    changes = jax.tree.map(lambda *leaves: np.stack(leaves), *(random_change(generator, seed) for seed in range(3)))
    features = generator.head(jax.random.normal(jax.random.key(1), (3, 4)))

    def loss(change, features):
        return jnp.sum(jnp.square(generator.changed(change).tail(features[None])))

    program = jax.jit(jax.vmap(jax.grad(loss))).lower(changes, features).as_text()
    assert "stablehlo.convolution" in program or "stablehlo.dot_general" in program
    assert "feature_group_count = 3" not in program
    assert "batch_group_count = 3" not in program


@pytest.mark.parametrize("plan", [{"recompute": True}, {"at_once": 1}])
def test_plans_that_save_memory_have_the_same_gradients(plan):
    """What is computed again for the gradient is the changed generator."""
    generator = prior_of(NETWORKS["pggan"]).split(2)
    change, z = random_change(generator), jax.random.normal(jax.random.key(1), (2, 4))

    def loss(change, generator):
        return jnp.sum(jnp.square(generator.changed(change)(z)))

    wanted = jax.grad(loss)(change, generator)
    found = jax.grad(loss)(change, dataclasses.replace(generator, **plan))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-3), found, wanted)
