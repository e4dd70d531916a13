"""The authors' public autoencoders: forwards, losses and gradients, in float64 (golden numbers)."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from golden_convae import convae2019, image_input, normal_input, state_dict, vae2021

from jaxprior.models.convae.networks import CodeMap, ConvAE, folded


def nchw(x) -> np.ndarray:
    return np.asarray(x).transpose(0, 3, 1, 2)


def near(ours, theirs):
    """Stored arrays are float32 of float64 results."""
    np.testing.assert_allclose(ours, theirs, rtol=2e-7, atol=1e-7)


@pytest.fixture
def double():
    with jax.enable_x64(True):
        yield


@pytest.fixture
def of_2021(golden):
    """Returns a function from the network's name to (autoencoder, variables, golden arrays)."""

    def make(name: str):
        arrays = golden("convae")
        state = state_dict([*arrays[f"{name}.E.keys"], *arrays[f"{name}.D.keys"]], f"{name}.", 1.0)
        network = ConvAE(
            32, 8, 12, variational=True, tanh=name == "ae32", layout="vae2021", dtype=jnp.float64
        )  # fmt: skip
        return network, vae2021(state, 4, (64, 2, 2)), arrays

    return make


@pytest.mark.parametrize("name", ["vae32", "ae32"])
def test_the_networks_and_losses_of_2021(name, double, of_2021):
    """Its "AE_MSE" draws codes as well; it has a hyperbolic tangent, and no divergence in its loss."""
    network, variables, arrays = of_2021(name)
    x, noise = image_input(f"{name}.x", (4, 3, 32, 32)), normal_input(f"{name}.eps", (4, 12))
    images, code = jax.jit(lambda v, x, e: network.apply(v, x, e, method="reconstruct"))(variables, x, noise)
    near(code.mean, arrays[f"{name}.eval.mu"])
    near(code.log_variance, arrays[f"{name}.eval.logvar"])
    near(code.sampled(noise), arrays[f"{name}.eval.z"])
    near(nchw(images), arrays[f"{name}.eval.y_of_z"])
    loss = jnp.mean(jnp.square(images - x))
    if name == "vae32":
        loss += jnp.mean(code.divergence()) / (4 * 12)
    assert float(loss) == pytest.approx(float(arrays[f"{name}.eval.loss"]), rel=1e-12)
    stored = network.clone(norm="affine")
    np.testing.assert_allclose(stored.apply({"params": folded(variables)}, x), network.apply(variables, x), atol=1e-12)


def test_the_distance_of_codes_of_2021_and_its_gradient(double, of_2021):
    """What its search for a latent code goes down: the mean squared difference of means, in evaluation mode."""
    network, variables, arrays = of_2021("vae32")
    params = {"encoder": folded(variables)["encoder"]}
    features = CodeMap(network.clone(norm="affine"))
    x, other = (image_input(f"vae32.{name}", (4, 3, 32, 32)) for name in ("x", "xprime"))

    def distance(images):
        difference = features.apply({"params": params}, images) - features.apply({"params": params}, x)
        return jnp.mean(jnp.square(difference))

    value, gradient = jax.jit(jax.value_and_grad(distance))(other)
    assert float(value) == pytest.approx(float(arrays["vae32.enc.loss"]), rel=1e-12)
    np.testing.assert_allclose(nchw(gradient), arrays["vae32.enc.dx"], rtol=2e-7, atol=1e-12)


def test_the_network_of_2019_and_its_gradients(double, golden):
    arrays = golden("convae")
    state = state_dict(arrays["convae64n.keys"], "convae64n.", 1.5)
    params = convae2019(state, (16, 8, 8))
    network = ConvAE(64, 4, 8, tanh=False, layout="convae2019", between=256, dtype=jnp.float64)
    x = image_input("convae64n.x", (1, 3, 64, 64))

    def loss(params, x):
        images, code = network.apply({"params": params}, x, method="reconstruct")
        return jnp.mean(jnp.square(images - x)), (images, code)

    (value, (images, code)), (of_params, of_x) = jax.jit(jax.value_and_grad(loss, (0, 1), has_aux=True))(params, x)
    near(code.mean, arrays["convae64n.z"])
    near(nchw(images), arrays["convae64n.y"])
    assert float(value) == pytest.approx(float(arrays["convae64n.mse"]), rel=1e-12)
    np.testing.assert_allclose(nchw(of_x), arrays["convae64n.dx"], rtol=2e-6, atol=1e-10)
    norms = sorted(float(jnp.linalg.norm(leaf)) for leaf in jax.tree.leaves(of_params))
    np.testing.assert_allclose(norms, sorted(arrays["convae64n.gradnorms"]), rtol=1e-9)
