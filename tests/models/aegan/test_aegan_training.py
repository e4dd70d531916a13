"""The AEGAN recipe: its losses by hand, two steps beside PyTorch, killed runs, what a run serves for."""

import csv

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from commands import call
from resuming import check_resumes

import jaxprior as jp
from jaxprior.data.images import save_png
from jaxprior.models.aegan.config import PRESETS, AeganRecipe
from jaxprior.models.aegan.networks import Critic, Encoder, Generator
from jaxprior.models.aegan.train import init_state, learning_rate, make_advance, make_losses, make_networks, plan
from jaxprior.models.convae.networks import Code
from jaxprior.training.loop import Pace
from jaxprior.training.metrics_file import read_metrics
from jaxprior.training.pictures import Pictures
from jaxprior.training.players import adam_start
from jaxprior.weights.tree import flatten, unflatten


def small_recipe(**changes) -> AeganRecipe:
    settings = {
        "resolution": 16, "widths": (6, 4, 4), "latent_dim": 5, "encoder_width": 3, "batch_size": 4, "steps": 20,
        "r1_every": 4, "held_out": 8, "seed": 3,
    }  # fmt: skip
    return AeganRecipe(**{**settings, **changes})


@pytest.fixture(scope="module")
def pictures() -> Pictures:
    return Pictures(np.random.default_rng(0).integers(0, 256, (32, 16, 16, 3), dtype=np.uint8))


def test_the_divergence_by_hand():
    """0 for N(0, I); half of mean^2 + variance - 1 - log variance for each number otherwise."""
    zero = jnp.zeros((2, 5))
    assert Code(zero, zero).divergence().tolist() == [0, 0]
    code = Code(jnp.array([[1.0, -2.0]]), jnp.log(jnp.array([[1.0, 4.0]])))
    expected = 0.5 * (1 + 0 + 4 + 4 - 1 - np.log(4))
    np.testing.assert_allclose(code.divergence(), [expected], rtol=1e-6)
    drawn = code.sampled(jnp.array([[1.0, -1.0]]))
    np.testing.assert_allclose(drawn, [[2.0, -4.0]], rtol=1e-6)


def test_the_loss_is_the_weighted_sum_of_its_parts():
    recipe = small_recipe(reconstruction=3.0, divergence=0.25, adversarial=0.5)
    networks, state = make_networks(recipe), init_state(recipe, jax.random.key(0))
    chance = np.random.default_rng(1)
    x = jnp.asarray(chance.uniform(-1, 1, (4, 16, 16, 3)), jnp.float32)
    noise, codes = jnp.asarray(chance.standard_normal((2, 4, 5)), jnp.float32)
    critic_loss, loss = make_losses(recipe, *networks)
    value, seen = jax.jit(loss)(state["autoencoder"], state["critic"], x, noise, codes)
    parts = [float(seen[name]) for name in ("reconstruction_loss", "divergence", "generator_loss")]
    np.testing.assert_allclose(value, 3 * parts[0] + 0.25 * parts[1] + 0.5 * parts[2], rtol=1e-5)
    encoder, generator, critic = networks
    code = encoder.apply({"params": state["autoencoder"]["encoder"]}, x)
    z = np.asarray(code.mean) + np.exp(np.asarray(code.log_variance) / 2) * noise
    images = generator.apply({"params": state["autoencoder"]["generator"]}, z)
    np.testing.assert_allclose(parts[0], np.mean((np.asarray(images) - x) ** 2), rtol=1e-4)
    fakes = generator.apply({"params": state["autoencoder"]["generator"]}, codes)
    scores = np.asarray(critic.apply({"params": state["critic"]}, fakes), np.float64)
    np.testing.assert_allclose(parts[2], np.mean(np.log1p(np.exp(-scores))), rtol=1e-4)


def test_two_steps_are_those_of_a_twin_in_pytorch(golden):
    """With R1 and without: all losses, and all weights afterwards. `tests/aegan_torch.py` is the twin."""
    with jax.enable_x64(True):
        arrays = golden("aegan")
        recipe = AeganRecipe(
            resolution=8, widths=(6, 4), latent_dim=5, encoder_width=3, batch_size=4, learning_rate=2e-3, steps=4,
            final_learning_rate=5e-4, reconstruction=3.0, divergence=0.7, adversarial=0.6,
        )  # fmt: skip
        encoder = Encoder(8, 3, 5, variational=True, dtype=jnp.float64)
        networks = encoder, Generator((6, 4), 5, dtype=jnp.float64), Critic((6, 4), dtype=jnp.float64)
        before, after = (
            unflatten({n.removeprefix(f"{when}/"): jnp.asarray(v) for n, v in arrays.items() if n.startswith(when)})
            for when in ("before", "after")
        )
        both, c = {name: before[name] for name in ("encoder", "generator")}, before["critic"]
        for tree, smaller, like in ((both["generator"], "output", 3), (c, "input", 6)):  # of 4x4 pixels, not used
            shape = (1, 1, 6, 3) if smaller == "output" else (1, 1, 3, 6)
            tree[f"{smaller}0"] = {"kernel": jnp.ones(shape), "bias": jnp.zeros(like)}
        state = {"autoencoder": both, "critic": c, "average": both}
        state |= {"autoencoder_opt": adam_start(both), "critic_opt": adam_start(c)}
        advance = jax.jit(make_advance(recipe, *networks), static_argnames="regularise")
        for step in range(2):
            given = [arrays[f"step{step}/{name}"] for name in ("reals", "critic_codes", "codes", "noise")]
            state, seen = advance(step, state, *given, regularise=step == 0)
            names = ["critic_loss", "reconstruction_loss", "divergence", "generator_loss"]
            for name in [*names, "penalty"] if step == 0 else names:
                np.testing.assert_allclose(seen[name], arrays[f"step{step}/{name}"], rtol=1e-9, err_msg=name)
            assert ("penalty" in seen) == (step == 0)
        ours = flatten({**state["autoencoder"], "critic": state["critic"]})
        for name, expected in flatten(after).items():
            np.testing.assert_allclose(ours[name], expected, rtol=1e-7, atol=1e-9, err_msg=name)


def test_the_rate_falls_linearly_and_r1_grows_with_the_size():
    recipe = small_recipe(learning_rate=1e-3, final_learning_rate=1e-4, steps=100)
    shares = [learning_rate(recipe, index) for index in (0, 50, 100, 200)]
    np.testing.assert_allclose(shares, [1e-3, 5.5e-4, 1e-4, 1e-4], rtol=1e-5)
    assert small_recipe(r1_gamma=0.1).gamma == pytest.approx(0.2)


def test_killed_and_resumed_equals_never_killed(tmp_path, pictures):
    pace = Pace(log_every=2, checkpoint_seconds=1e9, snapshot_seconds=1e9)
    whole = check_resumes(plan(small_recipe(), pictures), tmp_path, stops=(2, 3), pace=pace)
    rows = read_metrics(whole / "metrics.csv")
    assert [r["step"] for r in rows] == [str(s) for s in range(2, 21, 2)]
    assert all(np.isfinite(float(row[name])) for row in rows for name in ("reconstruction_loss", "divergence"))
    figures = read_metrics(whole / "swd.csv")
    assert len(figures) == 10 and {"swd_mean", "reconstruction_mse", "reconstruction_psnr"} <= set(figures[-1])


def test_a_run_is_a_prior_with_its_encoder(tmp_path, pictures):
    """Through the command line; the network learns what a few pictures of one colour each are."""
    (tmp_path / "pictures").mkdir()
    colours = np.random.default_rng(2).integers(40, 216, (12, 1, 1, 3), dtype=np.uint8)
    for number, pixels in enumerate(np.broadcast_to(colours, (12, 16, 16, 3))):
        save_png(tmp_path / "pictures" / f"{number:02d}.png", pixels)
    told = call(
        "train", "aegan", "--data", tmp_path / "pictures", "-o", tmp_path / "run", "--resolution", 16, "--widths",
        "6,4,4", "--latent-dim", 5, "--encoder-width", 3, "--batch-size", 4, "--steps", 200, "--held-out", 3,
        "--divergence", 0.05, "--lr", 0.01, "--fused",
    ).stdout  # fmt: skip
    assert "jaxprior reconstruct IMAGES -o RUN --prior" in told
    prior = jp.load_prior(tmp_path / "run")
    assert prior.critic is not None and prior.encoder.prior_sha256 == prior.sha256
    held = prior.card["training"]["held_out"]
    assert set(held) == {"mse", "psnr", "ssim"} and prior.card["training"]["swd"]
    rows = read_metrics(tmp_path / "run/swd.csv")
    assert float(rows[-1]["reconstruction_mse"]) < 0.7 * float(rows[0]["reconstruction_mse"])
    call("reconstruct", tmp_path / "pictures", "--prior", tmp_path / "run", "--limit", 2, "-o", tmp_path / "out")
    with open(tmp_path / "out/results.csv") as file:
        results = list(csv.DictReader(file))
    assert [row["status"] for row in results] == ["ok", "ok"] and all(row["steps"] == "0" for row in results)


def test_presets_are_a_small_one_and_the_papers_size():
    small, paper = PRESETS["small"], PRESETS["paper"]
    assert (small.resolution, small.widths, small.latent_dim) == (32, (96, 64, 48, 32), 128)
    assert 145_000 < small.steps * small.batch_size < 155_000
    encoder, generator, _ = make_networks(paper)
    assert (encoder.width, encoder.code, generator.latent_dim) == (32, 512, 512) and generator.resolution == 128


def test_mistakes_are_sentences(tmp_path, pictures):
    for change, said in (
        ({"resolution": 48}, "a power of two from 8 to 1024, got 48"),
        ({"widths": (6, 4)}, "`widths` needs 3 numbers for 16 pixels"),
        ({"widths": (6, 4, 0)}, "`widths` must be 1 or more each"),
        ({"latent_dim": 0}, "`latent_dim` must be 1 or more"),
        ({"encoder_width": 0}, "`encoder_width` must be 1 or more"),
        ({"reconstruction": -1.0}, "`reconstruction` must be a number of 0 or more"),
        ({"divergence": float("nan")}, "`divergence` must be a number of 0 or more"),
        ({"adversarial": float("inf")}, "`adversarial` must be a number of 0 or more"),
        ({"image_channels": 4}, "`image_channels` must be one of"),
    ):
        with pytest.raises(ValueError, match=said):
            small_recipe(**change)
    with pytest.raises(jp.errors.ImageError, match="3 pictures do not suffice"):
        plan(small_recipe(), Pictures(pictures.pixels[:3]))
    told = call("train", "aegan", "--data", tmp_path, "-o", tmp_path / "run", "--resolution", 48, code=2).stderr
    assert "a power of two from 8 to 1024, got 48" in told and "Traceback" not in told
