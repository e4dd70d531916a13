"""The PGGAN recipe: losses and gradients against the official code, growth, and continuing a killed run."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from golden_weights import nhwc, tensorflow_networks
from resuming import check_resumes

from jaxprior.models.pggan.config import PgganRecipe, feature_widths
from jaxprior.models.pggan.networks import Generator
from jaxprior.models.pggan.stage import faded, make_losses
from jaxprior.models.pggan.train import init_state, phases, plan
from jaxprior.nn.pooling import downsample
from jaxprior.training import losses, players, session
from jaxprior.training.loop import Pace
from jaxprior.training.metrics_file import MetricsFile, read_metrics
from jaxprior.training.pictures import Pictures, draw, to_images


WIDTHS = feature_widths(16, fmap_base=256, fmap_max=32)


def small_recipe(**changes) -> PgganRecipe:
    settings = {
        "resolution": 16, "start_resolution": 8, "widths": (8, 8, 8), "latent_dim": 8, "batch_size": 4,
        "batch_limit": (), "train_kimg": 0.024, "fade_kimg": 0.024, "fused": True, "seed": 3,
    }  # fmt: skip
    return PgganRecipe(**{**settings, **changes})


@pytest.fixture(scope="module")
def pictures() -> Pictures:
    return Pictures(np.random.default_rng(0).integers(0, 256, (32, 16, 16, 3), dtype=np.uint8))


@pytest.mark.parametrize("form", ["plain", "fused"])
@pytest.mark.parametrize("lod", [0.0, 0.25, 1.0, 1.5, 2.0])
def test_losses_and_gradients_equal_the_official_code(golden, form, lod):
    arrays = golden("pggan_train")
    g, c = tensorflow_networks(arrays, form)
    recipe = PgganRecipe(resolution=16, widths=WIDTHS, latent_dim=32, fused=form == "fused")
    stage, fade = 2 - int(lod), jnp.float32(lod - int(lod))
    critic_loss, generator_loss = make_losses(recipe, stage)
    reals = downsample(jnp.asarray(nhwc(arrays["x"])), 1 << int(lod))
    z, mix = jnp.asarray(arrays["z"]), jnp.asarray(nhwc(arrays["mix"]))
    fakes = Generator(WIDTHS, 32).apply({"params": g}, z, stage=stage, fade=fade)

    loss = partial(critic_loss, regularise=True)
    (value, _), c_grad = jax.value_and_grad(loss, has_aux=True)(c, fakes, reals, mix, fade)
    np.testing.assert_allclose(value, arrays[f"{form}.lod{lod}.dloss"].mean(), rtol=2e-5)
    (value, _), g_grad = jax.value_and_grad(generator_loss, has_aux=True)(g, c, z, fade)
    np.testing.assert_allclose(value, arrays[f"{form}.lod{lod}.gloss"].mean(), rtol=1e-4, atol=1e-6)
    names = [str(k).split(" ")[0] for k in arrays[f"{form}.keys"]]
    for prefix, tree, which in (("G", g_grad, "ggradnorm"), ("D", c_grad, "dgradnorm")):
        own = [n for n in names if n.startswith(prefix)]
        expected = dict(zip(own, arrays[f"{form}.lod{lod}.{which}"], strict=True))
        ours = _tensorflow_norms(tree, prefix, form)
        for name, norm in expected.items():
            assert ours[name] == pytest.approx(float(norm), rel=1e-3, abs=1e-6), name


def _tensorflow_norms(tree, prefix, form):
    up, down = ("Conv0_up", "Conv1_down") if form == "fused" else ("Conv0", "Conv1")
    names = {"layer1": "4x4/Conv"}
    for b in range(3):
        r, lod = 4 << b, 2 - b
        names[f"output{b}"], names[f"input{b}"] = f"ToRGB_lod{lod}", f"FromRGB_lod{lod}"
        if b:
            first, second = (up, "Conv1") if prefix == "G" else (down, "Conv0")
            names[f"layer{2 * b}"], names[f"layer{2 * b + 1}"] = f"{r}x{r}/{first}", f"{r}x{r}/{second}"
    names["layer0"] = "4x4/Dense" if prefix == "G" else "4x4/Dense0"
    names["output"] = "4x4/Dense1"
    norms = {}
    for block, values in tree.items():
        for ours, theirs in (("kernel", "weight"), ("bias", "bias")):
            norms[f"{prefix}/{names[block]}/{theirs}"] = float(jnp.linalg.norm(values[ours].ravel()))
    return norms


@pytest.mark.parametrize("lod", ["0.0", "0.25"])
def test_reals_fade_as_in_the_official_code(golden, lod):
    arrays = golden("pggan_train")
    reals = nhwc(arrays["reals.u8"]).astype(np.float32) / 127.5 - 1
    fade = jnp.float32(lod) if float(lod) else None
    np.testing.assert_allclose(faded(jnp.asarray(reals), fade), nhwc(arrays[f"reals.lod{lod}"]), atol=1e-6)


def test_a_vanishing_gradient_leaves_the_penalty_finite():
    def flat(x):
        return jnp.sum(x, axis=(1, 2, 3)) * 0.0

    x = jnp.ones((2, 4, 4, 3))
    penalty = jax.grad(lambda s: losses.gradient_penalty(lambda x: s * flat(x), x, x, jnp.zeros((2, 1, 1, 1))))
    assert np.isfinite(penalty(1.0))


def test_growing_copies_new_layers_into_the_average_and_resets_adam(pictures):
    recipe = small_recipe()
    state = init_state(recipe, jax.random.key(0))
    plan = phases(recipe, pictures)
    assert [p.name for p in plan] == ["8x8", "16x16 fade", "16x16"]
    state = plan[0].begin(state)
    for i in range(3):
        state, _ = plan[0].step(i, state, plan[0].batch(i), jax.random.key(i))
    assert float(jnp.abs(state["generator_opt"][0].nu["layer1"]["kernel"]).max()) > 0
    unused = np.array(state["generator"]["layer4"]["kernel"])  # a copy: steps donate their state
    state = plan[1].begin(state)
    np.testing.assert_array_equal(state["average"]["layer4"]["kernel"], unused)
    assert float(jnp.abs(state["generator_opt"][0].nu["layer1"]["kernel"]).max()) == 0
    before = np.array(state["average"]["layer1"]["kernel"])
    state, metrics = plan[1].step(3, state, plan[1].batch(3), jax.random.key(9))  # half faded in
    assert all(np.isfinite(float(v)) for v in metrics.values())
    assert np.abs(np.asarray(state["generator"]["layer4"]["kernel"]) - unused).max() > 0
    assert np.abs(np.asarray(state["average"]["layer1"]["kernel"]) - before).max() < 0.1


@pytest.mark.parametrize("loss", ["wgan-gp", "nonsaturating"])
def test_killed_and_resumed_equals_never_killed(tmp_path, pictures, loss):
    recipe = small_recipe(loss=loss, r1_every=4, final_learning_rate=1e-4)
    pace = Pace(log_every=2, checkpoint_seconds=1e9, snapshot_seconds=1e9)
    # stops within the first phase, at its end, within the second
    whole = check_resumes(plan(recipe, pictures), tmp_path, stops=(2, 3, 4), pace=pace)
    assert [r["step"] for r in read_metrics(whole / "metrics.csv")] == [str(s) for s in range(2, 19, 2)]


def test_a_run_folder_belongs_to_one_recipe(tmp_path, pictures):
    from jaxprior.errors import RunError

    pace = Pace(log_every=100, checkpoint_seconds=1e9, snapshot_seconds=1e9)
    recipe = small_recipe(train_kimg=0.004, fade_kimg=0.0, start_resolution=16)
    session.run(plan(recipe, pictures), tmp_path, source="noise", pace=pace)
    other = small_recipe(train_kimg=0.004, fade_kimg=0.0, start_resolution=16, learning_rate=0.5)
    with pytest.raises(RunError, match="learning_rate"):
        session.run(plan(other, pictures), tmp_path, source="noise", pace=pace)


def test_trained_weights_load_as_a_prior(tmp_path, pictures):
    import jaxprior as jp

    recipe = small_recipe(train_kimg=0.004, fade_kimg=0.0, start_resolution=16)
    session.run(plan(recipe, pictures), tmp_path, source="noise", pace=Pace(log_every=1))
    prior = jp.load_prior(tmp_path)
    assert prior.resolution == 16 and prior.card["training"]["images_shown"] == 4
    images = prior.generate(jnp.ones((2, 8)))
    assert images.shape == (2, 16, 16, 3) and prior.critic(images).shape == (2,)
    np.testing.assert_allclose(prior.critic(images)[0], prior.critic(images[:1])[0], rtol=1e-4)  # no batch statistics


def test_batches_depend_only_on_seed_and_position():
    pixels = np.arange(10)
    stream = draw(pixels, 0, 30, seed=1)
    assert sorted(stream[:10]) == sorted(stream[10:20]) == list(range(10))
    assert list(draw(pixels, 7, 6, seed=1)) == list(stream[7:13])
    assert list(stream[:10]) != list(stream[10:20])
    assert list(draw(pixels, 0, 10, seed=2)) != list(stream[:10])


def test_mirroring_flips_some_pictures_whole():
    x = np.random.default_rng(0).integers(0, 256, (32, 4, 4, 3), dtype=np.uint8)
    y = np.asarray(to_images(jnp.asarray(x), jax.random.key(0)))
    plain = x / 127.5 - 1
    same = [np.allclose(a, b, atol=1e-6) for a, b in zip(y, plain, strict=True)]
    flipped = [np.allclose(a, b[:, ::-1], atol=1e-6) for a, b in zip(y, plain, strict=True)]
    assert all(s != f for s, f in zip(same, flipped, strict=True)) and 4 < sum(flipped) < 28


def test_warm_decay_follows_new_layers_at_first():
    assert float(players.warm_decay(0.999, 0, 10.0)) == pytest.approx(0.1)
    assert float(players.warm_decay(0.999, 10**6, 10.0)) == pytest.approx(0.999)
    assert players.warm_decay(0.999, 0, 0.0) == 0.999


def test_metrics_file_drops_rows_after_the_resumption_and_torn_lines(tmp_path):
    path = tmp_path / "metrics.csv"
    log = MetricsFile(path, keep_below=0)
    for step in (10, 20, 30):
        log.append({"step": step, "loss": 0.5})
    with open(path, "a") as file:
        file.write("40,0.")
    MetricsFile(path, keep_below=20).append({"step": 30, "loss": 0.25, "extra": 1.0})
    rows = read_metrics(path)
    assert [r["step"] for r in rows] == ["10", "20", "30"] and rows[-1]["loss"] == "0.25" and rows[0]["extra"] == ""


def test_unusable_training_pictures_are_left_out_and_named(tmp_path):
    from jaxprior.data.images import save_png
    from jaxprior.errors import ImageError
    from jaxprior.training.pictures import load_pictures

    for i in range(3):
        save_png(tmp_path / f"{i}.png", np.full((20, 30, 3), 80 * i, np.uint8))
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n nothing more")
    pictures = load_pictures(tmp_path, resolution=16)
    assert [int(p[0, 0, 0]) for p in pictures.pixels] == [0, 80, 160]
    assert len(pictures.skipped) == 1 and "broken.png" in pictures.skipped[0]
    assert pictures.halved(2).pixels.shape == (3, 4, 4, 3)
    for i in range(3):
        (tmp_path / f"{i}.png").unlink()
    with pytest.raises(ImageError, match="none of its 1 files"):
        load_pictures(tmp_path, resolution=16)


def test_rare_steps_come_at_every_nth_index():
    step = players.When(4, lambda index: "rare", lambda index: "usual")
    assert [step(i) for i in range(9)].count("rare") == 3 and step(0) == step(4) == "rare"


def test_recipes_refuse_what_does_not_fit():
    with pytest.raises(ValueError, match="widths"):
        PgganRecipe(resolution=64, widths=(8, 8))
    with pytest.raises(ValueError, match="loss"):
        PgganRecipe(loss="hinge")
    with pytest.raises(ValueError, match="start_resolution"):
        PgganRecipe(start_resolution=12)
    assert PgganRecipe().batch_at(64) == 32 and PgganRecipe().batch_at(16) == 128
