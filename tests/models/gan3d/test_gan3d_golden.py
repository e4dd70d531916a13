"""3D-GAN's networks and its training step beside the public code of xchhuang, in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gan3d_golden import FIRST_SET, SECOND_SET, critic_of, generator_of

from jaxprior.models.gan3d.config import Gan3dRecipe
from jaxprior.models.gan3d.train import make_advance
from jaxprior.training.players import adam_start, copied


@pytest.fixture(autouse=True)
def wide():
    with jax.enable_x64(True):
        yield


@pytest.fixture
def numbers(golden):
    return golden("gan3d")


def share(made):
    """Volumes in [-1, 1] -> the public code's occupancies."""
    return (np.asarray(made)[..., 0] + 1) / 2


@pytest.mark.parametrize(("name", "first"), [("32", 2), ("64", 4)])
def test_trained_networks_compute_the_public_numbers(numbers, name, first):
    """g64's volumes are stored every fourth voxel along each axis, with mean and deviation of all of them."""
    generator, variables = generator_of("", first=first, latent=200, width=32, seed=FIRST_SET)
    made = generator.apply(variables, jnp.asarray(numbers[f"g{name}.z"], jnp.float64))
    found, stored = share(made), numbers[f"g{name}.eval.y"]
    step = found.shape[1] // stored.shape[1]
    np.testing.assert_allclose(found[:, ::step, ::step, ::step], stored, rtol=3e-6)
    np.testing.assert_allclose((found.mean(), found.std()), numbers[f"g{name}.eval.mean_std"], rtol=1e-4)
    critic, weights = critic_of("", first=first, width=32, seed=FIRST_SET)
    scores = jax.nn.sigmoid(critic.apply(weights, made))
    np.testing.assert_allclose(scores, numbers[f"d{name}.eval.of_g"], rtol=3e-6)


def state_of(prefix: str):
    generator, g = generator_of(f"{prefix}.g.", first=2, latent=16, width=8, seed=SECOND_SET)
    critic, d = critic_of(f"{prefix}.d.", first=2, width=8, seed=SECOND_SET)
    opts = {f"{name}_opt": adam_start(of["params"]) for name, of in (("generator", g), ("critic", d))}
    gate = {"accuracy": jnp.zeros(()), "critic_steps": jnp.zeros((), jnp.int32)}
    return generator, critic, {"generator": g, "critic": d, "average": copied(g), **opts, **gate}


@pytest.mark.parametrize(("prefix", "steps", "updates"), [("try2", 3, 3), ("try7", 2, 1)])
def test_training_steps_are_the_public_ones(numbers, prefix, steps, updates):
    """In try7 the gate is shut in the first step, whose critic tells 7 of 8 volumes apart, and open in the second."""
    of = {str(k): float(v) for k, v in zip(numbers["config_names"], numbers[f"{prefix}.config"], strict=True)}
    recipe = Gan3dRecipe(
        resolution=32, base=2, widths=(64, 32, 16, 8), critic_widths=(8, 16, 32, 64), latent_dim=16, batch_size=4,
        loss="squares", learning_rate=of["g_lr"], critic_rate=of["d_lr"], gate=of["d_thresh"], judged="this",
    )  # fmt: skip
    generator, critic, state = state_of(prefix)
    advance = jax.jit(make_advance(recipe, generator, critic))
    for index in range(steps):
        names = ("vox", "z_for_d", "z_for_g", "d_losses", "acc", "d_updated", "adv_g_loss")
        at = {name: numbers[f"{prefix}.it{index}.{name}"] for name in names}
        reals = 2.0 * np.unpackbits(at["vox"], axis=1).reshape(4, 32, 32, 32, 1).astype(np.float64) - 1
        before = int(state["critic_steps"])
        state, seen = advance(index, state, reals, *(at[z].astype(np.float64) for z in ("z_for_d", "z_for_g")))
        assert float(seen["accuracy"]) == float(at["acc"])
        assert int(state["critic_steps"]) - before == int(at["d_updated"])
        np.testing.assert_allclose(seen["critic_loss"], at["d_losses"][2], rtol=1e-9)
        np.testing.assert_allclose(seen["generator_loss"], at["adv_g_loss"], rtol=1e-9)
    assert int(state["critic_steps"]) == updates
    final = {k.removeprefix(f"{prefix}.final."): numbers[k] for k in numbers if k.startswith(f"{prefix}.final.")}
    for network, key in (("critic", "d"), ("generator", "g")):
        found = state[network]["batch_stats"]["layer0"]["norm"]
        np.testing.assert_allclose(found["mean"], final[f"{key}.layer1.1.running_mean"], atol=1e-6)
    # PyTorch's running variances divide by n - 1, which is 16383 in the critic's first layer.
    variances = state["critic"]["batch_stats"]["layer0"]["norm"]["var"]
    np.testing.assert_allclose(variances, final["d.layer1.1.running_var"], rtol=1e-4)


def test_gradients_of_the_first_step_are_the_public_ones(numbers):
    prefix = "try2.it0"
    generator, critic, state = state_of("try2")
    reals = np.unpackbits(numbers[f"{prefix}.vox"], axis=1).reshape(4, 32, 32, 32, 1) * 2.0 - 1
    codes = numbers[f"{prefix}.z_for_d"].astype(np.float64)

    def scores(params, volumes):
        variables = {"params": params, "batch_stats": state["critic"]["batch_stats"]}
        return jax.nn.sigmoid(critic.apply(variables, volumes, train=True, mutable=["batch_stats"])[0])

    fakes, _ = generator.apply(state["generator"], codes, train=True, mutable=["batch_stats"])

    @jax.jit
    @jax.grad
    def gradient(params):
        return jnp.mean((scores(params, reals) - 1) ** 2) + jnp.mean(scores(params, fakes) ** 2)

    found = gradient(state["critic"]["params"])
    ours = found["layer0"]["kernel"].transpose(4, 3, 0, 1, 2)
    np.testing.assert_allclose(ours, numbers[f"{prefix}.d.grad.layer1.0.weight"], rtol=1e-5, atol=1e-8)
    names = [str(key).removeprefix("try2.d.") for key in numbers[f"{prefix}.d.gradkeys"]]
    norms = dict(zip(names, numbers[f"{prefix}.d.gradnorms"], strict=True))
    for k in range(4):
        block = found[f"layer{k}"]
        for part, array in (("0.weight", block["kernel"]), ("1.weight", block["norm"]["scale"]),
                            ("1.bias", block["norm"]["bias"])):  # fmt: skip
            np.testing.assert_allclose(np.linalg.norm(array), norms[f"layer{k + 1}.{part}"], rtol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(found["output"]["kernel"]), norms["layer5.0.weight"], rtol=1e-6)
