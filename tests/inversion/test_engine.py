"""The engine: mGANprior's numerics, independence of the images, best iterates, padding, planted latents."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from golden_weights import mganprior_generator, nhwc

import jaxprior as jp
from jaxprior.inversion import engine
from jaxprior.models.pggan.networks import Critic as CriticNetwork
from jaxprior.models.pggan.networks import Generator
from jaxprior.restoration.drivers import Inverter
from jaxprior.weights.card import Card


KEY = jax.random.key(0)
CODES = jp.MultiCode(num_codes=3, layer=3)
SOLVE = jp.Solve(steps=12, learning_rate=0.05)
L2 = jp.Objective()


@pytest.fixture(scope="module")
def prior() -> jp.Prior:
    """A small generator with random weights and its critic, 16 pixels."""
    generator, critic = Generator((16, 16, 8), 16), CriticNetwork((16, 16, 8))
    trained = jp.Critic(module=critic, params=critic.init_params(jax.random.key(2)))
    return jp.Prior(module=generator, params=generator.init_params(jax.random.key(1)), critic=trained)


@pytest.fixture(scope="module")
def photos() -> np.ndarray:
    from skimage.data import astronaut

    face = astronaut()[:256, 96:352].reshape(16, 16, 16, 16, 3).mean(axis=(1, 3)) / 127.5 - 1
    turns = [np.rot90(face, k) for k in range(4)]
    return np.stack([*turns, *(t[:, ::-1] for t in turns)]).astype(np.float32)


@pytest.mark.slow
def test_mganprior_run_equals_the_public_code(golden):
    arrays = golden("inversion_tasks")
    module, params = mganprior_generator(256)
    codes, start = jp.MultiCode(num_codes=6, layer=8), jp.GivenStart({"z": arrays["gd_l8_z0"]})
    photo = arrays["target_u8"][None] / 127.5 - 1
    solve = jp.Solve(steps=3, optimizer="sgd", learning_rate=1.0, keep="last")
    prior = jp.Prior(module=module, params=params)
    result = jp.restore(prior, photo, key=KEY, codes=codes, objective=L2, solve=solve, start=start)
    np.testing.assert_allclose(result.trace[0], arrays["gd_l8_loss"], rtol=1e-4)
    np.testing.assert_allclose(result.latents["z"], arrays["gd_l8_z_final"], atol=2e-5)
    np.testing.assert_allclose(result.latents["alpha"], arrays["gd_l8_alpha_final"], atol=5e-5)
    crop = nhwc(arrays["gd_l8_out_crop"])
    np.testing.assert_allclose(result.images[:, 112:144, 112:144], crop, atol=5e-5)


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_batch_size_does_not_matter_on_a_cpu_to_the_bit(prior, photos, optimizer):
    mask = jp.parse_mask("center:0.25").draw(16)
    solve = jp.Solve(steps=12, optimizer=optimizer, starts=2)
    settings = {"codes": CODES, "objective": L2, "solve": solve, "key": KEY}
    whole = jp.restore(prior, photos, jp.Inpaint(mask), **settings)
    for size in (1, 3):
        again = jp.restore(prior, photos, jp.Inpaint(mask), batch_size=size, **settings)
        np.testing.assert_array_equal(again.images, whole.images)
        np.testing.assert_array_equal(again.trace, whole.trace)
    single = jp.restore(prior, photos[5:6], jp.Inpaint(mask), ids=jnp.array([5]), **settings)
    np.testing.assert_array_equal(single.images[0], whole.images[5])


def test_batch_equals_single_runs_and_batch_size_does_not_matter(prior, photos, batched):
    mask = jp.parse_mask("center:0.25").draw(16)
    settings = {"codes": CODES, "objective": L2, "solve": SOLVE, "key": KEY}
    whole = jp.restore(prior, photos, jp.Inpaint(mask), **settings)
    padded = jp.restore(prior, photos, jp.Inpaint(mask), batch_size=3, **settings)
    np.testing.assert_allclose(padded.images, whole.images, atol=2e-3)
    for i in (0, 5):
        single = jp.restore(prior, photos[i : i + 1], jp.Inpaint(mask), ids=jnp.array([i]), **settings)
        difference = jp.metrics.psnr(single.images, photos[i : i + 1]) - jp.metrics.psnr(whole.images, photos)[i]
        assert abs(float(difference[0])) < 0.1
    assert padded.trace.shape == (8, 13) and padded.latents["z"].shape == (8, 3, 16)


def test_place_in_the_batch_does_not_matter_to_the_bit(prior, photos):
    order = np.array([3, 1, 7, 0, 2, 6, 5, 4])
    settings = {"codes": CODES, "objective": L2, "solve": SOLVE, "key": KEY}
    a = jp.restore(prior, photos, **settings)
    b = jp.restore(prior, photos[order], ids=jnp.asarray(order), **settings)
    np.testing.assert_array_equal(np.asarray(a.images)[order], b.images)


def test_one_nan_image_leaves_the_others_unchanged_to_the_bit(prior, photos, batched):
    """Inside: `restore` and `invert` themselves refuse pictures that are not finite."""
    broken = photos.copy()
    broken[2] = np.nan
    inverter = Inverter(prior, jp.Method(CODES, L2, SOLVE))
    clean, result = (inverter.invert(x, jp.Identity(), key=KEY) for x in (photos, broken))
    others = np.arange(8) != 2
    np.testing.assert_array_equal(np.asarray(clean.images)[others], np.asarray(result.images)[others])
    assert list(np.asarray(result.diverged)) == [i == 2 for i in range(8)] and np.isinf(result.loss[2])


def test_best_and_last_iterates(prior, photos):
    wild = jp.Solve(steps=15, learning_rate=30.0)  # far too large: the loss goes up and down
    settings = {"codes": CODES, "objective": L2, "key": KEY}
    best = jp.restore(prior, photos, solve=wild, **settings)
    last = jp.restore(prior, photos, solve=dataclasses.replace(wild, keep="last"), **settings)
    np.testing.assert_allclose(best.loss, np.asarray(best.trace).min(axis=1), rtol=1e-6)
    np.testing.assert_allclose(last.loss, np.asarray(last.trace)[:, -1], rtol=1e-6)
    assert np.all(np.asarray(best.loss) <= np.asarray(last.loss)) and np.any(best.loss < last.loss)
    np.testing.assert_allclose(jnp.mean((best.images - photos) ** 2, axis=(1, 2, 3)), best.loss, rtol=1e-4)


@pytest.mark.parametrize("weights", ["free", "softmax"])
def test_a_planted_image_is_found_again(prior, weights):
    z = jax.random.normal(jax.random.key(5), (3, 16))
    near = z + 0.2 * jax.random.normal(jax.random.key(6), z.shape)
    codes = jp.MultiCode(num_codes=3, layer=4, weights=weights)
    planted = codes.synthesize(prior.split(4), {**codes.init(prior.split(4), KEY), "z": z})[None]
    solve = jp.Solve(steps=300, schedule="cosine")
    start = jp.GivenStart({"z": near[None]})
    result = jp.restore(prior, planted, key=KEY, codes=codes, objective=L2, solve=solve, start=start)
    assert float(result.trace[0, 0] / result.loss[0]) > 100


def test_inpainting_ignores_the_hole_and_keeps_the_known_pixels(prior, photos):
    mask = jp.parse_mask("block:0.25").draw(16, jax.random.key(1))
    garbage = np.where(mask[..., None] > 0, 7.0, photos).astype(np.float32)
    settings = {"codes": CODES, "objective": L2, "solve": SOLVE, "key": KEY}
    a = jp.restore(prior, photos, jp.Inpaint(mask), **settings)
    b = jp.invert(prior, garbage, jp.Inpaint(mask), merge="paste", **settings)
    np.testing.assert_array_equal(a.images, b.images)
    known = np.broadcast_to(mask[..., None] == 0, photos.shape)
    np.testing.assert_array_equal(np.asarray(b.merged)[known], garbage[known])
    np.testing.assert_array_equal(np.asarray(b.merged)[~known], np.asarray(b.images)[~known])


def test_every_image_may_have_its_own_mask(prior, photos):
    masks = np.stack([jp.parse_mask("pixels:0.5").draw(16, jax.random.key(i)) for i in range(8)])
    settings = {"codes": CODES, "objective": L2, "solve": SOLVE, "key": KEY}
    together = jp.restore(prior, photos, jp.Inpaint(masks), **settings)
    alone = jp.restore(prior, photos[3:4], jp.Inpaint(masks[3]), ids=jnp.array([3]), **settings)
    np.testing.assert_allclose(together.images[3], alone.images[0], atol=2e-3)


def test_feature_losses_take_a_critic_or_any_callable(prior, photos):
    critic = jp.Objective(features=prior.critic, feature_weight=0.5)
    result = jp.restore(prior, photos, key=KEY, codes=CODES, objective=critic, solve=SOLVE)
    maps = zip(prior.critic.features(result.images), prior.critic.features(jnp.asarray(photos)), strict=True)
    distance = sum(jnp.mean(jnp.abs(a - b), axis=(1, 2, 3)) for a, b in maps)
    expected = jnp.mean((result.images - photos) ** 2, axis=(1, 2, 3)) + 0.5 * distance
    np.testing.assert_allclose(result.loss, expected, rtol=1e-4)

    own = jp.Objective(pixel="l1", features=jax.tree_util.Partial(lambda x: x[:, ::2, ::2]), feature_weight=1.0)
    result = jp.restore(prior, photos, key=KEY, codes=CODES, objective=own, solve=SOLVE)
    error = jnp.abs(result.images - photos)
    expected = jnp.mean(error, axis=(1, 2, 3)) + jnp.mean(error[:, ::2, ::2], axis=(1, 2, 3))
    np.testing.assert_allclose(result.loss, expected, rtol=1e-4)


def test_adam_steps_equal_optax_on_a_plain_loop(prior, photos):
    """The engine against a loop that a user would write, for one image."""
    result = jp.restore(prior, photos[:1], key=KEY, codes=CODES, objective=L2, solve=SOLVE)
    latents = CODES.init(prior.split(3), jax.random.fold_in(KEY, 0))
    optimizer = optax.adam(0.05)
    state, trace = optimizer.init(latents), []

    @jax.jit
    def loss(latents):
        features = prior.head(latents["z"], 3)
        composed = sum(a * f for a, f in zip(latents["alpha"][:, None, None], features, strict=True)) / 3
        return jnp.mean((prior.tail(composed[None], 3) - photos[:1]) ** 2)

    for _ in range(12):
        value, grads = jax.value_and_grad(loss)(latents)
        trace.append(value)
        updates, state = optimizer.update(grads, state)
        latents = optax.apply_updates(latents, updates)
    np.testing.assert_allclose(result.trace[0, :12], jnp.stack(trace), rtol=2e-3)


def test_scanned_steps_equal_single_steps(prior, photos):
    """What accelerators run (a scan) against what CPUs run (a loop)."""
    generator, operator = prior.split(3), jp.Identity()
    keys = jax.vmap(jax.random.fold_in, (None, 0))(KEY, jnp.arange(2))
    arguments = (generator, L2, operator)
    static = {"codes": CODES, "solve": SOLVE}
    state, target = engine.begin(*arguments, photos[:2], keys, **static)
    copy = jax.tree.map(jnp.copy, state)
    _, looped = engine.advance(state, *arguments, target, steps=4, platform="cpu", **static)
    _, scanned = engine._scan_steps(copy, *arguments, target, steps=4, **static)
    np.testing.assert_allclose(looped, scanned, rtol=1e-4)


def test_split_computes_the_same_images_and_runs_under_jit(prior):
    z = jax.random.normal(jax.random.key(3), (2, 16))
    for layer in (1, 4, 6):
        image = jax.jit(lambda g, z: g(z))(prior.split(layer), z)
        np.testing.assert_allclose(image, jax.jit(jp.Prior.generate)(prior, z), atol=2e-5)


def test_progress_counts_images_and_steps(prior, photos, batched):
    seen = []
    solve = jp.Solve(steps=30)
    jp.restore(prior, photos[:3], key=KEY, codes=CODES, objective=L2, solve=solve, batch_size=2,
               progress=lambda *call: seen.append(call))  # fmt: skip
    assert [call[:4] for call in seen] == [
        (0, 3, 25, 30), (0, 3, 30, 30), (2, 3, 30, 30), (2, 3, 25, 30), (2, 3, 30, 30), (3, 3, 30, 30),
    ]  # fmt: skip


def test_a_slow_cpu_looks_at_the_progress_sooner(prior, photos, monkeypatch):
    """And nothing else changes."""
    seen, settings = [], {"codes": CODES, "objective": L2, "solve": jp.Solve(steps=30), "key": KEY}
    expected = jp.restore(prior, photos[:1], **settings)
    monkeypatch.setattr(engine, "PATIENCE", 0.0)
    result = jp.restore(prior, photos[:1], progress=lambda *call: seen.append(call[2]), **settings)
    assert seen == [*range(1, 31), 30]  # step by step, then told that all is done
    np.testing.assert_array_equal(result.trace, expected.trace)
    np.testing.assert_array_equal(result.images, expected.images)


def test_a_step_is_compiled_once(prior, photos):
    solve = jp.Solve(steps=4, learning_rate=0.0123)  # settings of this test alone
    before = engine._one_step._cache_size()
    jp.restore(prior, photos[:2], key=KEY, codes=CODES, objective=L2, solve=solve)
    assert engine._one_step._cache_size() == before + 1


def test_defaults_come_from_the_card(prior, photos):
    stated = {"codes": {"num_codes": 2, "layer": 2, "weights": "softmax"}, "objective": {"features": "critic"},
              "solve": {"steps": 3}}  # fmt: skip
    told = dataclasses.replace(prior, card=Card({"defaults": {"inpaint": stated}}))
    method = jp.preset("default", jp.Inpaint(np.zeros((16, 16))), prior=told)
    assert method.codes == jp.MultiCode(num_codes=2, layer=2, weights="softmax")
    assert method.objective.features is told.critic and method.solve.steps == 3
    assert jp.preset("default", prior=told).codes == jp.MultiCode(num_codes=20, layer=6)  # 8 lowered to the last
    thesis = jp.preset("thesis", prior=told, features=None)
    assert (thesis.solve.optimizer, thesis.solve.steps, thesis.codes.num_codes) == ("adam", 3000, 20)
    public = jp.preset("mganprior", jp.Inpaint(np.zeros((16, 16))), prior=told, features=None)
    assert public.solve == jp.Solve(steps=3000, optimizer="sgd", learning_rate=1.0, keep="last")
    assert public.codes == jp.MultiCode(num_codes=30, layer=4)
    with pytest.raises(ValueError, match="unknown preset"):
        jp.preset("best", prior=told)


def test_mistakes_are_sentences(prior, photos):
    with pytest.raises(ValueError, match=r"\[b, 16, 16, 3\]"):
        jp.restore(prior, photos[:, :8], key=KEY)
    with pytest.raises(ValueError, match="between 1 and 6"):
        jp.restore(prior, photos, key=KEY, codes=jp.MultiCode(layer=9))
    with pytest.raises(ValueError, match="optimizer"):
        jp.Solve(optimizer="adamw")
    with pytest.raises(ValueError, match="pixel"):
        jp.Objective(pixel=None)
    with pytest.raises(ValueError, match="num_codes"):
        jp.MultiCode(num_codes=0)
