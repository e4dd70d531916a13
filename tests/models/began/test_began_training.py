"""The BEGAN recipe: k and M by hand, steps beside the public implementation, killed runs, what a run serves for."""

import csv

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from began_golden import networks_of, public_order, sizes_of
from commands import call
from resuming import check_resumes

import jaxprior as jp
from jaxprior.data.images import save_png
from jaxprior.models.began.config import PRESETS, BeganRecipe
from jaxprior.models.began.train import (
    balanced,
    convergence,
    init_state,
    make_advance,
    make_gradients,
    make_networks,
    make_step,
    plan,
    rate_share,
)
from jaxprior.training.loop import Pace
from jaxprior.training.metrics_file import read_metrics
from jaxprior.training.pictures import Pictures
from jaxprior.training.players import adam_start


def small_recipe(**changes) -> BeganRecipe:
    settings = {"resolution": 16, "width": 4, "latent_dim": 5, "batch_size": 4, "steps": 20, "seed": 3}
    return BeganRecipe(**{**settings, **changes})


@pytest.fixture(scope="module")
def pictures() -> Pictures:
    return Pictures(np.random.default_rng(0).integers(0, 256, (32, 16, 16, 3), dtype=np.uint8))


def test_k_and_m_by_hand():
    """k moves by rate (gamma real - fake) and stays within [0, 1]; M = real + |gamma real - fake|."""
    found = [
        float(balanced(jnp.float32(k), jnp.float32(2.0), jnp.float32(fake), gamma=0.5, rate=0.5))
        for k, fake in ((0.25, 0.5), (0.25, 1.25), (0.25, 9.0), (0.9, 0.5))
    ]
    assert found == [0.5, 0.125, 0.0, 1.0]
    assert [float(convergence(jnp.float32(2.0), jnp.float32(f), gamma=0.5)) for f in (0.5, 1.0, 4.0)] == [2.5, 2.0, 5.0]


@pytest.mark.parametrize("name", ["began32", "began16"])
def test_gradients_are_those_of_the_public_implementation(golden, name):
    with jax.enable_x64(True):
        arrays = golden("began")
        (generator, g), (critic, d) = networks_of(arrays, name)
        x, z = arrays[f"{name}.step0.x"] / np.float32(127.5) - 1, arrays[f"{name}.step0.z"].astype(np.float64)
        by_g, by_real, by_fake, _, _ = jax.jit(make_gradients(generator, critic))(g, d, x, z)
        k = sizes_of(arrays, name)["k0"]
        by_d = jax.tree.map(lambda a, b: a - k * b, by_real, by_fake)
        last = {"G": f"G.Conv_{2 * generator.stages}.weights", "D": "D.Conv.weights"}
        for player, gradient in (("G", by_g), ("D", by_d)):
            ours = public_order(arrays, name, player, gradient)
            norms = [np.linalg.norm(one) for one in ours]
            np.testing.assert_allclose(norms, arrays[f"{name}.step0.gradnorm.{player}"], rtol=8e-5)
            place = arrays[f"{name}.gradkeys.{player}"].tolist().index(last[player])
            np.testing.assert_allclose(ours[place], arrays[f"{name}.step0.grad.{last[player]}"], atol=1e-4)


def test_three_steps_are_those_of_the_public_implementation(golden):
    """Losses, k and M of every step, and weights at the end; in float64, beside TensorFlow's float32."""
    with jax.enable_x64(True):
        arrays, name = golden("began"), "began16"
        (generator, g), (critic, d) = networks_of(arrays, name)
        config = sizes_of(arrays, name)
        recipe = small_recipe(
            learning_rate=config["lr"], gamma=config["gamma"], balance_rate=config["lambda_k"], width=8, latent_dim=8
        )
        state = {"generator": g, "critic": d, "average": g, "k": jnp.float64(config["k0"])}
        state |= {"generator_opt": adam_start(g), "critic_opt": adam_start(d)}
        advance = jax.jit(make_advance(recipe, generator, critic))
        for step in range(3):
            x = arrays[f"{name}.step{step}.x"] / np.float32(127.5) - 1
            z = arrays[f"{name}.step{step}.z"].astype(np.float64)
            expected = dict(zip(arrays["scalar_names"].tolist(), arrays[f"{name}.step{step}.scalars"], strict=True))
            state, seen = advance(step, state, x, z)
            ours = [seen[word] for word in ("critic_loss", "real_loss", "generator_loss", "M")]
            theirs = [expected[word] for word in ("d_loss", "d_loss_real", "g_loss", "measure")]
            np.testing.assert_allclose(ours, theirs, rtol=7e-4 if step else 1e-6)
            assert float(seen["k"]) == pytest.approx(expected["k_before"], rel=1e-3, abs=1e-9)
            assert float(state["k"]) == pytest.approx(float(arrays[f"{name}.step{step}.k_after"]), rel=1e-3)
        kernel = np.asarray(state["generator"]["layer0"]["kernel"])
        expected = float(arrays[f"{name}.finalnorm.G.fully_connected.weights"])
        assert np.linalg.norm(kernel) == pytest.approx(expected, rel=1e-5)
        np.testing.assert_allclose(
            state["generator"]["output"]["bias"], arrays[f"{name}.final.G.Conv_4.biases"], atol=1e-4
        )
        last = state["critic"]["decoder"]["output"]["bias"]
        np.testing.assert_allclose(last, arrays[f"{name}.final.D.Conv_10.biases"], atol=1e-4)
        kernel = state["critic"]["layer0"]["kernel"]
        np.testing.assert_allclose(kernel, arrays[f"{name}.final.D.Conv.weights"], atol=1e-4)


def test_the_critics_gradient_is_that_of_its_loss(pictures):
    """L(x) - k L(G(z)) with the fakes held fixed, and the generator's L(G(z)), differentiated one after the other."""
    recipe = small_recipe(skips=True)
    state = init_state(recipe, jax.random.key(0))
    generator, critic = make_networks(recipe)
    x = pictures.pixels[:4] / np.float32(127.5) - 1
    z = jax.random.uniform(jax.random.key(1), (4, 5), minval=-1.0)
    k = 0.7

    def error(d, images):
        return jnp.mean(jnp.abs(critic.apply({"params": d}, images, method="reconstruct") - images))

    def critic_loss(d, g):
        return error(d, x) - k * error(d, jax.lax.stop_gradient(generator.apply({"params": g}, z)))

    @jax.jit
    def both(g, d):
        plain = jax.grad(critic_loss)(d, g), jax.grad(lambda g: error(d, generator.apply({"params": g}, z)))(g)
        by_g, by_real, by_fake, _, _ = make_gradients(generator, critic)(g, d, x, z)
        return (*plain, jax.tree.map(lambda a, b: a - k * b, by_real, by_fake), by_g)

    by_d, by_g, ours_d, ours_g = both(state["generator"], state["critic"])
    for ours, plain in ((ours_d, by_d), (ours_g, by_g)):
        for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(plain), strict=True):
            np.testing.assert_allclose(a, b, atol=1e-6)


def test_rates_are_halved_down_to_the_least():
    recipe = small_recipe(learning_rate=8e-5, halve_every=100)
    shares = [float(rate_share(recipe, index)) for index in (0, 99, 100, 199, 200, 300, 100_000)]
    assert shares == [1.0, 1.0, 0.5, 0.5, 0.25, 0.25, 0.25]  # 2e-5 is a quarter of 8e-5
    assert float(rate_share(small_recipe(learning_rate=1e-5), 10**6)) == 1.0


def test_both_networks_and_k_move_and_k_is_in_the_state(pictures):
    recipe = small_recipe(gamma=5.0, balance_rate=0.1)
    state = init_state(recipe, jax.random.key(0))
    before = jax.tree.map(np.array, state)  # a copy: steps donate their state
    state, seen = make_step(recipe)(0, state, pictures.pixels[:4], jax.random.key(1))
    assert set(seen) == {"critic_loss", "generator_loss", "real_loss", "k", "M"}
    for name in ("generator", "critic"):
        moved = jax.tree.map(lambda a, b: float(jnp.abs(a - b).max()), state[name], before[name])
        assert all(change > 0 for change in jax.tree.leaves(moved))
    assert float(seen["k"]) == 0 and 0 < float(state["k"]) < 1


def test_killed_and_resumed_equals_never_killed(tmp_path, pictures):
    pace = Pace(log_every=2, checkpoint_seconds=1e9, snapshot_seconds=1e9)
    recipe = small_recipe(gamma=3.0, balance_rate=0.01, halve_every=5)  # k moves at every step
    whole = check_resumes(plan(recipe, pictures), tmp_path, stops=(2, 3, 5), pace=pace)
    rows = read_metrics(whole / "metrics.csv")
    assert [r["step"] for r in rows] == [str(s) for s in range(2, 21, 2)]
    assert len({row["k"] for row in rows}) == 10 and all(float(row["M"]) > 0 for row in rows)
    assert len(read_metrics(whole / "swd.csv")) == 10


@pytest.fixture(scope="module")
def run(tmp_path_factory, pictures):
    """A run of the command line."""
    folder = tmp_path_factory.mktemp("began")
    (folder / "pictures").mkdir()
    for number, pixels in enumerate(pictures.pixels[:6]):
        save_png(folder / "pictures" / f"{number}.png", pixels)
    call(
        "train", "began", "--data", folder / "pictures", "-o", folder / "run", "--resolution", 16, "--width", 4,
        "--latent-dim", 5, "--batch-size", 4, "--steps", 20, "--gamma", 0.4, "--beta1", 0.5, "--skips",
    )  # fmt: skip
    return folder


def test_a_run_is_a_prior(run):
    prior = jp.load_prior(run / "run")
    assert prior.code_distribution == "uniform" and prior.image_shape == (16, 16, 3) and prior.critic is not None
    assert prior.card["config"]["skips"] and prior.card["training"]["recipe"]["gamma"] == 0.4
    assert (run / "run/report.html").read_text().count("<h2>") > 3
    rows = read_metrics(run / "run/metrics.csv")
    assert {"k", "M", "real_loss"} <= set(rows[-1])
    call(
        "reconstruct", run / "pictures", "--limit", 2, "--prior", run / "run", "-o", run / "restored", "--steps", 3,
        "--codes", 2, "--layer", 2, "--init", "random",
    )  # fmt: skip
    with open(run / "restored/results.csv") as file:
        results = list(csv.DictReader(file))
    assert [row["status"] for row in results] == ["ok", "ok"]


def test_presets_are_the_papers_and_a_small_one():
    paper = PRESETS["began"]
    assert (paper.width, paper.latent_dim, paper.batch_size, paper.learning_rate) == (128, 64, 16, 8e-5)
    assert (paper.gamma, paper.balance_rate, paper.beta1, paper.halve_every) == (0.5, 0.001, 0.9, 100_000)
    assert PRESETS["small"].resolution == 32 and not paper.skips


def test_mistakes_are_sentences(tmp_path):
    for change, said in (
        ({"resolution": 48}, "a power of two from 16 on, got 48"),
        ({"resolution": 8}, "a power of two from 16 on, got 8"),
        ({"width": 0}, "`width` must be 1 or more"),
        ({"gamma": 0.0}, "`gamma` must be a number above 0"),
        ({"gamma": float("nan")}, "`gamma` must be a number above 0"),
        ({"balance_rate": float("inf")}, "`balance_rate` must be a number above 0"),
        ({"beta1": 1.0}, "`beta1` must be from 0 to below 1"),
        ({"halve_every": 0}, "`halve_every` must be 1 or more"),
        ({"image_channels": 4}, "`image_channels` must be one of"),
    ):
        with pytest.raises(ValueError, match=said):
            small_recipe(**change)
    told = call("train", "began", "--data", tmp_path, "-o", tmp_path / "run", "--resolution", 48, code=2).stderr
    assert "a power of two from 16 on, got 48" in told and "Traceback" not in told
