"""DCGAN's networks and the autoencoder beside PyTorch, as priors, and folded for inversion."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxprior as jp
from jaxprior.errors import WeightsError
from jaxprior.models.autoencoder.networks import Autoencoder
from jaxprior.models.dcgan import networks as dcgan
from jaxprior.nn.norm import fold
from jaxprior.nn.transposed import transposed_convolve
from jaxprior.weights.priors import build_prior
from jaxprior.weights.storage import load_weights, save_weights


CHANCE = np.random.default_rng(0)
CONFIG = {
    "resolution": 32, "latent_dim": 10, "widths": [16, 12, 8], "critic_widths": [8, 12, 16], "image_channels": 3,
    "kernel": 4, "norm": "affine", "critic_norm": "affine", "slope": 0.2,
}  # fmt: skip
CARD = {"name": "tiny-dcgan", "architecture": "dcgan", "config": CONFIG, "source": "random weights", "licence": "none"}


def normal(*shape):
    return CHANCE.standard_normal(shape).astype(np.float32)


def trained(network, *example):
    """Variables after a few batches: statistics that are not those of the start."""
    variables = network.init_variables(jax.random.key(0))
    variables = jax.tree.map(lambda leaf: jnp.asarray(normal(*leaf.shape) * 0.3 + leaf), variables)
    variables["batch_stats"] = jax.tree.map(jnp.abs, variables["batch_stats"])
    return variables


@pytest.mark.parametrize("size", range(2, 8))
def test_transposed_convolution_is_pytorchs(size):
    torch = pytest.importorskip("torch")
    x, kernel, g = normal(2, 5, 6, 3), normal(size, size, 3, 4), normal(2, 10, 12, 4)
    y, gradient = jax.vjp(transposed_convolve, x, kernel)
    theirs = [torch.tensor(a, requires_grad=True) for a in (x.transpose(0, 3, 1, 2), kernel.transpose(2, 3, 0, 1))]
    out = torch.nn.functional.conv_transpose2d(*theirs, stride=2, padding=(size - 1) // 2, output_padding=size % 2)
    out.backward(torch.tensor(g.transpose(0, 3, 1, 2)))
    np.testing.assert_allclose(y, out.detach().numpy().transpose(0, 2, 3, 1), atol=2e-5)
    dx, dkernel = gradient(jnp.asarray(g))
    np.testing.assert_allclose(dx, theirs[0].grad.numpy().transpose(0, 2, 3, 1), atol=5e-5)
    np.testing.assert_allclose(dkernel, theirs[1].grad.numpy().transpose(2, 3, 0, 1), atol=2e-4)


@pytest.mark.parametrize("size", [3, 4, 5])
def test_transposed_convolution_is_a_convolution_of_spread_pixels(size):
    x, kernel = normal(2, 5, 6, 3), normal(size, size, 3, 4)
    before = size - 1 - (size - 1) // 2
    spread = jax.lax.conv_general_dilated(
        x, kernel[::-1, ::-1], (1, 1), ((before, before + size % 2),) * 2, lhs_dilation=(2, 2),
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )  # fmt: skip
    np.testing.assert_allclose(transposed_convolve(x, kernel), spread, atol=2e-5)


def torch_generator(torch, variables, z, *, train: bool):
    """The same in PyTorch, kernel 4, LeakyReLU 0.2."""
    functional, params = torch.nn.functional, jax.tree.map(np.asarray, variables)
    x = torch.tensor(np.einsum("bi,iyxo->boyx", z, params["params"]["layer0"]["kernel"]))
    for k in range(3):
        block = params["params"][f"layer{k}"]
        if k:
            kernel = torch.tensor(block["kernel"].transpose(2, 3, 0, 1).copy())
            x = functional.conv_transpose2d(x, kernel, stride=2, padding=1)
        norm, statistics = block["norm"], params["batch_stats"][f"layer{k}"]["norm"]
        mean, var = (torch.tensor(statistics[part].copy()) for part in ("mean", "var"))
        scale, bias = (torch.tensor(norm[part]) for part in ("scale", "bias"))
        x = functional.batch_norm(x, mean, var, scale, bias, training=train, momentum=0.1, eps=1e-5)
        x = functional.leaky_relu(x, 0.2)
    block = params["params"]["output"]
    kernel, bias = torch.tensor(block["kernel"].transpose(2, 3, 0, 1).copy()), torch.tensor(block["bias"])
    return torch.tanh(functional.conv_transpose2d(x, kernel, bias, stride=2, padding=1)).numpy().transpose(0, 2, 3, 1)


@pytest.mark.parametrize("train", [True, False])
def test_generator_is_the_one_of_pytorch(train):
    torch = pytest.importorskip("torch")
    network = dcgan.Generator((16, 12, 8), 10)
    variables, z = trained(network), normal(6, 10)
    if train:
        image, _ = network.apply(variables, z, train=True, mutable=["batch_stats"])
    else:
        image = network.apply(variables, z)
    assert image.shape == (6, 32, 32, 3)
    np.testing.assert_allclose(image, torch_generator(torch, variables, z, train=train), atol=2e-5)


def test_critic_is_the_one_of_pytorch():
    torch = pytest.importorskip("torch")
    network = dcgan.Critic((8, 12, 16), 32)
    variables, images = trained(network), normal(4, 32, 32, 3)
    scores = network.apply(variables, images)
    functional, params = torch.nn.functional, jax.tree.map(np.asarray, variables)
    x = torch.tensor(images.transpose(0, 3, 1, 2))
    for k in range(3):
        block = params["params"][f"layer{k}"]
        x = functional.conv2d(x, torch.tensor(block["kernel"].transpose(3, 2, 0, 1).copy()), stride=2, padding=1)
        if k:
            statistics = params["batch_stats"][f"layer{k}"]["norm"]
            x = functional.batch_norm(
                x, torch.tensor(statistics["mean"].copy()), torch.tensor(statistics["var"].copy()),
                torch.tensor(block["norm"]["scale"]), torch.tensor(block["norm"]["bias"]), eps=1e-5,
            )  # fmt: skip
        else:
            x = x + torch.tensor(block["bias"])[:, None, None]
        x = functional.leaky_relu(x, 0.2)
    flat = x.permute(0, 2, 3, 1).reshape(4, -1).numpy()
    last = params["params"]["output"]
    np.testing.assert_allclose(scores, (flat @ last["kernel"] + last["bias"])[:, 0], atol=1e-4)


@pytest.mark.parametrize("make", [lambda: dcgan.Generator((16, 12, 8), 10), lambda: dcgan.Critic((8, 12, 16), 32)])
def test_folded_statistics_compute_the_same(make):
    network = make()
    variables = trained(network)
    x = normal(5, 10) if isinstance(network, dcgan.Generator) else normal(5, 32, 32, 3)
    folded = fold(variables)
    expected = network.apply(variables, x)
    np.testing.assert_allclose(network.clone(norm="affine").apply({"params": folded}, x), expected, atol=1e-4)


def test_batch_normalisation_mixes_images_in_training_only():
    network = dcgan.Generator((16, 12, 8), 10)
    variables, z = trained(network), normal(6, 10)
    alone = network.apply(variables, z[:2])
    np.testing.assert_allclose(network.apply(variables, z)[:2], alone, atol=1e-5)
    both, changed = network.apply(variables, z, train=True, mutable=["batch_stats"])
    assert float(jnp.abs(both[:2] - alone).max()) > 1e-3
    moved = jax.tree.map(lambda a, b: jnp.abs(a - b).max(), changed["batch_stats"], variables["batch_stats"])
    assert all(float(change) > 0 for change in jax.tree.leaves(moved))


def test_dropout_acts_in_training_only():
    network = dcgan.Generator((16, 12, 8), 10, norm="none", dropout=0.5)
    params, z = network.init_params(jax.random.key(0)), normal(2, 10)
    np.testing.assert_array_equal(network.apply({"params": params}, z), network.apply({"params": params}, z))
    a, b = (network.apply({"params": params}, z, train=True, rngs={"dropout": jax.random.key(i)}) for i in (1, 2))
    assert float(jnp.abs(a - b).max()) > 0


def test_sizes_are_the_seeds():
    """64x64x3 <- 1024, 512, 256, 128 <- 100; 8192 features before the score; 64x64x3 -> 8192 -> 64x64x3."""
    generator, critic, autoencoder = dcgan.Generator(), dcgan.Critic(), Autoencoder()
    assert (generator.resolution, generator.latent_dim, generator.num_layers) == (64, 100, 4)
    shapes = jax.eval_shape(generator.init_variables, jax.random.key(0))["params"]
    assert shapes["layer0"]["kernel"].shape == (100, 4, 4, 1024)
    assert [shapes[f"layer{k}"]["kernel"].shape[2:] for k in (1, 2, 3)] == [(1024, 512), (512, 256), (256, 128)]
    shapes = jax.eval_shape(critic.init_variables, jax.random.key(0))["params"]
    assert shapes["output"]["kernel"].shape == (8192, 1)
    image = jnp.zeros((1, 64, 64, 3))
    variables = jax.eval_shape(autoencoder.init, jax.random.key(0), image)
    code = jax.eval_shape(lambda v, x: autoencoder.apply(v, x, method="encode"), variables, image)
    assert np.prod(code.shape) == 8192
    assert jax.eval_shape(autoencoder.apply, variables, image).shape == (1, 64, 64, 3)


@pytest.fixture(scope="module")
def prior(tmp_path_factory):
    """Through a file, as a training run leaves it."""
    generator, critic = dcgan.from_config(CONFIG)
    params = {
        "generator": jax.tree.map(lambda x: x + 0.2 * normal(*x.shape), generator.init_params(jax.random.key(1))),
        "critic": critic.init_params(jax.random.key(2)),
    }
    path = tmp_path_factory.mktemp("dcgan") / "model.safetensors"
    save_weights(path, params, CARD)
    return build_prior(*load_weights(path))


def test_it_is_a_prior(prior):
    z = normal(3, 10)
    whole = prior.generate(z)
    assert whole.shape == (3, 32, 32, 3) and float(jnp.abs(whole).max()) <= 1
    for layer in (1, 2, 3):
        features = prior.head(z, layer)
        assert features.shape == (3, 2 << layer, 2 << layer, prior.channels(layer))
        np.testing.assert_allclose(prior.tail(features, layer), whole, atol=1e-6)
        np.testing.assert_allclose(prior.split(layer)(z), whole, atol=1e-5)
    assert prior.critic(whole).shape == (3,) and len(prior.critic.features(whole)) == 3
    with pytest.raises(ValueError, match="between 1 and 3"):
        prior.head(z, 4)


def test_it_can_be_inverted(prior):
    planted = prior.generate(jax.random.uniform(jax.random.key(5), (2, 10), minval=-1.0))
    result = jp.restore(
        prior, planted, key=jax.random.key(0), codes=jp.SingleCode(project="clip", start="uniform"),
        objective=jp.Objective(), solve=jp.Solve(steps=150, learning_rate=0.05),
    )  # fmt: skip
    assert np.all(np.asarray(result.loss) < 0.05 * np.asarray(result.trace[:, 0]))
    assert float(jnp.abs(result.latents["z"]).max()) <= 1
    multi = jp.restore(
        prior, planted, key=jax.random.key(0), codes=jp.MultiCode(num_codes=4, layer=2), objective=jp.Objective(),
        solve=jp.Solve(steps=30, optimizer="lbfgs"),
    )  # fmt: skip
    assert np.all(np.asarray(multi.loss) < 0.2 * np.asarray(multi.trace[:, 0]))


def test_a_card_that_does_not_fit_is_a_sentence():
    for change, said in (({"resolution": 64}, "32 pixels, not 64"), ({"widths": None}, "does not describe")):
        with pytest.raises(WeightsError, match=said):
            build_prior({}, {**CARD, "config": {**CONFIG, **change}})


def test_a_critic_alone_is_called_one(prior):
    with pytest.raises(WeightsError, match="holds a critic .discriminator. alone.* a prior is a generator"):
        build_prior({"critic": prior.critic.params}, CARD)
