"""The LSGAN recipe: losses by hand, one step against PyTorch, and continuing a killed run."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from resuming import check_resumes

import jaxprior as jp
from jaxprior.models.dcgan import networks as dcgan
from jaxprior.models.dcgan.config import PRESETS, LsganRecipe
from jaxprior.models.dcgan.train import draw_codes, init_state, make_networks, make_step, plan
from jaxprior.training import losses, players, session
from jaxprior.training.loop import Pace
from jaxprior.training.metrics_file import read_metrics
from jaxprior.training.pictures import Pictures


def small_recipe(**changes) -> LsganRecipe:
    settings = {
        "resolution": 16, "widths": (8, 6), "critic_widths": (6, 8), "latent_dim": 5, "batch_size": 4, "steps": 20,
        "seed": 3,
    }  # fmt: skip
    return LsganRecipe(**{**settings, **changes})


@pytest.fixture(scope="module")
def pictures() -> Pictures:
    return Pictures(np.random.default_rng(0).integers(0, 256, (32, 16, 16, 3), dtype=np.uint8))


def test_losses_by_hand():
    real, fake = jnp.array([0.5, 2.0]), jnp.array([-1.0, 0.25])
    assert float(losses.least_squares_critic(real, fake)) == pytest.approx(0.5 * (0.625 + 0.53125))
    assert float(losses.least_squares_critic(real, fake, a=-1.0, b=0.0)) == pytest.approx(0.5 * (2.125 + 0.78125))
    assert float(losses.least_squares_generator(fake)) == pytest.approx(0.5 * (4.0 + 0.5625) / 2)
    assert float(losses.least_squares_generator(fake, c=-1.0)) == pytest.approx(0.5 * 1.5625 / 2)
    assert float(losses.hinge_critic(real, fake)) == pytest.approx(0.5 / 2 + 1.25 / 2)
    sigmoid = 1 / (1 + np.exp(-np.array(fake, np.float64)))
    assert float(losses.saturating_generator(fake)) == pytest.approx(np.mean(np.log(1 - sigmoid)), rel=1e-5)
    assert float(losses.nonsaturating_generator(fake)) == pytest.approx(-np.mean(np.log(sigmoid)), rel=1e-5)


def test_repeated_updates_get_every_key():
    def update(params, opt_state, key, by):
        return params + key * by, opt_state + 1, {"seen": key}

    assert players.repeat(update, [1, 2, 3], 0, 0, 10) == (60, 3, {"seen": 3})


def test_dropout_is_the_seeds_own_only_where_it_is_asked_for():
    plain, dropping = PRESETS["seed001"], PRESETS["seed001-dropout"]
    assert plain.dropout == 0 and dropping == dataclasses.replace(plain, dropout=0.3)
    generator, critic = make_networks(dropping)
    assert generator.dropout == 0.3 and critic.dropout == 0  # the seed's table has it in the generator alone
    kept = dcgan.from_config(dcgan.to_config(generator, critic))[0]
    assert kept.dropout == 0 and kept.widths == generator.widths  # a trained prior drops nothing


@pytest.mark.parametrize("loss", ["lsgan", "nonsaturating", "hinge"])
def test_every_loss_moves_both_networks_and_their_statistics(pictures, loss):
    recipe = small_recipe(loss=loss, generator_steps=2, dropout=0.2)
    state = init_state(recipe, jax.random.key(0))
    before = jax.tree.map(np.array, state)  # a copy: steps donate their state
    state, metrics = make_step(recipe)(0, state, pictures.pixels[:4], jax.random.key(1))
    assert all(np.isfinite(float(value)) for value in metrics.values())
    for name in ("generator", "critic"):
        moved = jax.tree.map(lambda a, b: float(jnp.abs(a - b).max()), state[name], before[name])
        assert all(change > 0 for change in jax.tree.leaves(moved["batch_stats"]))
        assert sum(change > 0 for change in jax.tree.leaves(moved["params"])) > 4
    assert int(state["generator_opt"][0].count) == 2 and int(state["critic_opt"][0].count) == 1


def test_a_step_is_the_one_of_pytorch(pictures):
    """Both updates with Adam, no normalisation, in float32: parameters after a step."""
    torch = pytest.importorskip("torch")
    recipe = small_recipe(norm="none", mirror=False, learning_rate=1e-2, labels=(-1.0, 1.0, 0.0))
    state = init_state(recipe, jax.random.key(0))
    key = jax.random.key(1)
    _, z_key, _, g_key = jax.random.split(key, 4)
    codes = [np.asarray(draw_codes(recipe, k, 4)) for k in (z_key, jax.random.split(g_key)[0])]

    def tensors(variables):
        return jax.tree.map(lambda x: torch.tensor(np.asarray(x), requires_grad=True), variables["params"])

    g, d = tensors(state["generator"]), tensors(state["critic"])
    functional = torch.nn.functional

    def generate(z):
        x = torch.einsum("bi,iyxo->boyx", torch.tensor(z), g["layer0"]["kernel"]) + g["layer0"]["bias"][:, None, None]
        x = functional.leaky_relu(x, 0.2)
        x = functional.conv_transpose2d(
            x, g["layer1"]["kernel"].permute(2, 3, 0, 1), g["layer1"]["bias"], stride=2, padding=1
        )
        x = functional.leaky_relu(x, 0.2)
        x = functional.conv_transpose2d(
            x, g["output"]["kernel"].permute(2, 3, 0, 1), g["output"]["bias"], stride=2, padding=1
        )
        return torch.tanh(x)

    def judge(x):
        for name in ("layer0", "layer1"):
            x = functional.conv2d(x, d[name]["kernel"].permute(3, 2, 0, 1), d[name]["bias"], stride=2, padding=1)
            x = functional.leaky_relu(x, 0.2)
        return (x.permute(0, 2, 3, 1).reshape(len(x), -1) @ d["output"]["kernel"] + d["output"]["bias"])[:, 0]

    adam = {"lr": 1e-2, "betas": (0.5, 0.999), "eps": 1e-8}
    reals = torch.tensor(pictures.pixels[:4].transpose(0, 3, 1, 2) / np.float32(127.5) - 1)
    critic_adam = torch.optim.Adam(jax.tree.leaves(d), **adam)
    generator_adam = torch.optim.Adam(jax.tree.leaves(g), **adam)
    critic_loss = 0.5 * ((judge(reals) - 1).square().mean() + (judge(generate(codes[0]).detach()) + 1).square().mean())
    critic_loss.backward()
    critic_adam.step()
    generator_loss = 0.5 * judge(generate(codes[1])).square().mean()
    generator_loss.backward()
    generator_adam.step()

    state, metrics = make_step(recipe)(0, state, pictures.pixels[:4], key)
    assert float(metrics["critic_loss"]) == pytest.approx(float(critic_loss.detach()), rel=1e-5)
    assert float(metrics["generator_loss"]) == pytest.approx(float(generator_loss.detach()), rel=1e-3)
    for ours, theirs in ((state["critic"], d), (state["generator"], g)):
        for a, b in zip(jax.tree.leaves(ours["params"]), jax.tree.leaves(theirs), strict=True):
            np.testing.assert_allclose(a, b.detach().numpy(), atol=2e-4)  # Adam divides tiny gradients by themselves


def test_killed_and_resumed_equals_never_killed(tmp_path, pictures):
    pace = Pace(log_every=2, checkpoint_seconds=1e9, snapshot_seconds=1e9)
    whole = check_resumes(plan(small_recipe(), pictures), tmp_path, stops=(2, 3, 5), pace=pace)
    assert [r["step"] for r in read_metrics(whole / "metrics.csv")] == [str(s) for s in range(2, 21, 2)]
    assert len(read_metrics(whole / "swd.csv")) == 10


def test_trained_weights_load_as_a_prior_and_generate_the_same(tmp_path, pictures):
    recipe = small_recipe(steps=30, learning_rate=5e-3, ema_decay=0.5)
    work = plan(recipe, pictures)
    states = []
    show = work.show
    work = dataclasses.replace(work, show=lambda state, moment: states.append(state["average"]) or show(state, moment))
    session.run(work, tmp_path, source="noise", pace=Pace(log_every=10))
    prior = jp.load_prior(tmp_path)
    assert prior.card["codes"] == "uniform" and prior.resolution == 16
    z = draw_codes(recipe, jax.random.key(0), 3)
    expected = make_networks(recipe)[0].apply(states[-1], z)
    np.testing.assert_allclose(prior.generate(z), expected, atol=0.01)  # half precision at rest
    images = prior.generate(z)
    np.testing.assert_allclose(prior.critic(images)[0], prior.critic(images[:1])[0], rtol=1e-4)  # no batch statistics
    assert isinstance(prior.module, dcgan.Generator)


def test_the_average_follows_from_the_start_and_is_not_reset_between_parts(pictures):
    """Its decay after 2 of 20 steps is 3 / 12, and at step 15, in another part, 16 / 25."""
    recipe = small_recipe(ema_decay=0.99)
    work = plan(recipe, pictures)
    for part, index, expected in ((1, 0, 3 / 12), (7, 1, 16 / 25)):
        state = init_state(recipe, jax.random.key(0))
        before = np.array(state["average"]["params"]["output"]["kernel"])
        phase = work.phases[part]
        state, _ = phase.step(index, state, phase.batch(index), jax.random.key(1))
        after, new = (np.array(state[name]["params"]["output"]["kernel"]) for name in ("average", "generator"))
        np.testing.assert_allclose(after, expected * before + (1 - expected) * new, atol=1e-7)


def test_mistakes_are_sentences():
    for change, said in (
        ({"loss": "wasserstein"}, "`loss` must be one of"),
        ({"codes": "gamma"}, "`codes` must be one of"),
        ({"resolution": 64}, "make 16 pixels, not 64"),
    ):
        with pytest.raises(ValueError, match=said):
            small_recipe(**change)
