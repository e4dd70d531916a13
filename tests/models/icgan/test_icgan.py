"""An IcGAN's networks, losses and training step beside a transcription of the public code, in float64."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from icgan_golden import critic_of, encoder_of, generator_of, nhwc, tensors

from jaxprior.models.icgan.config import IcganRecipe
from jaxprior.models.icgan.evaluator import agreement
from jaxprior.models.icgan.networks import SURE, Conditioned, Generator, settled
from jaxprior.models.icgan.train import critic_terms, make_advance, make_losses, reading_loss
from jaxprior.training import losses
from jaxprior.training.players import adam_start
from jaxprior.training.statistics import parted


SMALLEST = 1e-6
"""Share of the largest gradient norm below which a norm is that of a bias in front of a batch norm: rounding alone."""


@pytest.fixture(autouse=True)
def double():
    """Computed in float64."""
    with jax.enable_x64(True):
        yield


@pytest.fixture
def arrays(golden):
    """The stored numbers, all of them as float64 but the names."""
    return {name: v if v.dtype.kind == "U" else v.astype(np.float64) for name, v in golden("icgan").items()}


def norms_of(gradients, names: dict[str, tuple[str, str]], keys: np.ndarray, norms: np.ndarray, *, rtol: float) -> None:
    """Compare 2-norms of gradients; `names` leads from the public name of a layer to (ours, its norm's part)."""
    compared = 0
    for key, norm in zip(map(str, keys), norms, strict=True):
        if norm < SMALLEST * norms.max():
            continue
        layer, part = key.rsplit(".", 1)
        name, kind = names[layer.split(".", 1)[1]]
        block = gradients[name]["norm"] if kind == "norm" else gradients[name]
        ours = block[{"weight": "scale" if kind == "norm" else "kernel", "bias": "bias"}[part]]
        np.testing.assert_allclose(jnp.linalg.norm(ours), norm, rtol=rtol, err_msg=key)
        compared += 1
    assert compared > len(norms) // 2


GENERATOR = {
    "g.0": ("layer0", ""), "g.1": ("layer0", "norm"), "g.3": ("layer1", ""), "g.4": ("layer1", "norm"),
    "g.6": ("layer2", ""), "g.7": ("layer2", "norm"), "g.9": ("output", ""),
}  # fmt: skip
CRITIC = {
    "d.x.0": ("layer0", ""), "d.main.0": ("layer1", ""), "d.main.1": ("layer1", "norm"), "d.main.3": ("layer2", ""),
    "d.main.4": ("layer2", "norm"), "d.main.6": ("output", ""),
}  # fmt: skip
ENCODER = {
    "0": ("layer0", ""), "1": ("layer0", "norm"), "3": ("layer1", ""), "4": ("layer1", "norm"), "6": ("layer2", ""),
    "7": ("layer2", "norm"), "10": ("dense", ""), "11": ("dense", "norm"), "13": ("output", ""),
}  # fmt: skip


def test_two_steps_of_generator_and_critic(arrays):
    """Scores, the three terms, gradients, and the generator's loss with the critic after its update; twice."""
    generator, g = generator_of(tensors(arrays["icgan32.g.keys"]), "icgan32.g.", labels=5)
    d_tensors = tensors(arrays["icgan32.d.keys"])
    critic, d = critic_of(d_tensors, "icgan32.d.x.", "icgan32.d.main.", side=32)
    recipe = IcganRecipe(resolution=32, widths=generator.widths, critic_widths=critic.widths, latent_dim=12)
    critic_loss, generator_loss = make_losses(generator, critic)
    state = {"generator": g, "critic": d, "average": g}
    state |= {"generator_opt": adam_start(g["params"]), "critic_opt": adam_start(d["params"])}
    advance = jax.jit(make_advance(recipe, generator, critic))
    fakes_of = jax.jit(functools.partial(generator.apply, train=True, mutable=["batch_stats"], method="of_labels"))
    d_gradient = jax.jit(jax.grad(critic_loss, has_aux=True))
    g_gradient = jax.jit(jax.grad(generator_loss, has_aux=True))
    for step in range(2):
        of = {name.removeprefix(f"icgan32.it{step}."): v for name, v in arrays.items() if f"icgan32.it{step}." in name}
        x, z, labels, wrong, drawn = nhwc(of["x"]), *(of[name] for name in ("z", "y", "ywrong", "yfake"))
        fakes, _ = fakes_of(state["generator"], (z, drawn))
        if step == 0:
            np.testing.assert_allclose(fakes, nhwc(of["fake"]), atol=2e-7)
        gradients, (seen, _) = d_gradient(*parted(state["critic"]), x, labels, wrong, fakes, drawn)
        np.testing.assert_allclose(seen["critic_loss"], of["errD_reported"], rtol=1e-9)
        means = [seen[name] for name in ("score_real", "score_wrong", "score_fake")]
        np.testing.assert_allclose(means, of["d_logits"].mean(axis=1), rtol=1e-8)
        norms_of(gradients, CRITIC, of["d.gradkeys"], of["d.gradnorms"], rtol=1e-7)
        before = state
        state, told = advance(step, state, x, labels, wrong, drawn, z)
        np.testing.assert_allclose(told["critic_loss"], of["errD_reported"], rtol=1e-9)
        np.testing.assert_allclose(told["generator_loss"], of["errG"], rtol=1e-8)
        gradients, _ = g_gradient(*parted(before["generator"]), state["critic"], z, drawn)
        norms_of(gradients, GENERATOR, of["g.gradkeys"], of["g.gradnorms"], rtol=1e-7)
        if step == 0:
            expected = of["g.grad.9.weight"].transpose(2, 3, 0, 1)
            np.testing.assert_allclose(gradients["output"]["kernel"], expected, atol=1e-6 * np.abs(expected).max())


@pytest.mark.parametrize("name", ["icenc32z", "icenc32y"])
def test_encoders(arrays, name):
    """By running statistics and by those of the batch; the loss and its gradients."""
    encoder, variables = encoder_of(tensors(arrays[f"{name}.keys"]), f"{name}.")
    x = nhwc(arrays[f"{name}.x"])
    np.testing.assert_allclose(jax.jit(encoder.apply)(variables, x), arrays[f"{name}.eval.y"], atol=2e-6)
    gradient = jax.jit(jax.value_and_grad(reading_loss(encoder), has_aux=True))
    (loss, _), gradients = gradient(*parted(variables), x, arrays[f"{name}.target"])
    np.testing.assert_allclose(loss, arrays[f"{name}.train.loss"], rtol=1e-7)
    names = {f"{k}": v for k, v in ENCODER.items()}
    norms_of(gradients, names, arrays[f"{name}.train.gradkeys"], arrays[f"{name}.train.gradnorms"], rtol=1e-6)


def test_the_losses_of_given_scores(arrays):
    right, wrong, fake = (arrays[f"hand.logits_{name}"] for name in ("real_rightY", "real_wrongY", "fake"))
    terms = critic_terms(*map(jnp.asarray, (right, wrong, fake)))
    np.testing.assert_allclose(terms, arrays["hand.terms"], rtol=1e-12)
    np.testing.assert_allclose(0.5 * sum(terms), arrays["hand.errD_reported"], rtol=1e-12)
    found = jax.grad(lambda scores: sum(critic_terms(*scores)))(jnp.stack([right, wrong, fake]))
    np.testing.assert_allclose(found, arrays["hand.dtotal_dlogits"], rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(
        losses.nonsaturating_generator(jnp.asarray(arrays["hand.logits_fake_for_g"])), arrays["hand.errG"], rtol=1e-12
    )


@pytest.mark.parametrize("exclusive", [True, False])
def test_a_code_stands_for_a_label(exclusive):
    """Known labels are made exactly; numbers that are drawn make labels between -1 and 1, mostly near one of both."""
    generator = Generator((4, 4), 9, labels=4, exclusive=exclusive)
    labels = -np.ones((2, 4), np.float32)
    labels[0, 2] = labels[1, 0] = 1
    if not exclusive:
        labels[1, 1] = 1
    made = generator.labels_of(jnp.float32(SURE) * labels)
    assert np.array_equal(np.asarray(made, np.float32), labels)
    drawn = np.asarray(generator.labels_of(jax.random.normal(jax.random.key(0), (500, 4))))
    assert np.abs(drawn).max() <= 1 and np.mean(np.abs(drawn) > 0.9) > 0.8
    if exclusive:
        np.testing.assert_allclose((drawn + 1).sum(axis=1), 2, rtol=1e-6)
        assert np.bincount(drawn.argmax(axis=1), minlength=4).min() > 80
    else:
        assert 0.4 < np.mean(drawn > 0) < 0.6


def test_three_ways_to_one_image():
    """A code, a code with its label apart, and a generator with a fixed label make the same image."""
    generator = Generator((4, 4), 7, image_channels=1, norm="affine", slope=0.0, labels=3)
    params = generator.init_params(jax.random.key(1))
    z, label = jax.random.normal(jax.random.key(2), (2, 4)), jnp.array([-1.0, 1.0, -1.0])
    labels = jnp.tile(label, (2, 1))
    codes = jnp.concatenate([z, generator.numbers_of(labels)], axis=-1)
    apart = generator.apply({"params": params}, (z, labels), method="of_labels")
    np.testing.assert_allclose(generator.apply({"params": params}, codes), apart, atol=1e-9)
    fixed = Conditioned((4, 4), 4, image_channels=1, norm="affine", slope=0.0, labels=3)
    own = {**params, "label": label}
    np.testing.assert_allclose(fixed.apply({"params": own}, z), apart, atol=1e-9)
    for network, weights, given in ((generator, params, codes), (fixed, own, z)):
        frozen, prepared = network.freeze(weights, platform="cpu", precision="fp32")
        head = frozen.apply({"params": prepared}, given, 1, method="head")
        np.testing.assert_allclose(frozen.apply({"params": prepared}, head, 1, method="tail"), apart, atol=1e-7)


def test_what_is_read():
    read = np.array([[0.1, 0.9, -1.0], [0.6, 0.5, -0.2]])
    assert agreement(read, np.array([[-1, 1, -1], [-1, 1, -1]]), exclusive=True) == 0.5
    assert agreement(read, np.array([[1, 1, -1], [1, -1, -1]]), exclusive=False) == pytest.approx(5 / 6)
    assert settled(jnp.asarray(read), exclusive=True).tolist() == [[-1, 1, -1], [1, -1, -1]]
    assert settled(jnp.asarray(read), exclusive=False).tolist() == [[1, 1, -1], [1, 1, -1]]
