"""Optimisers, schedules, starts and stops of the engine."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.flatten_util import ravel_pytree
from tiny_prior import random_prior

import jaxprior as jp
from jaxprior.inversion import batching, engine
from jaxprior.inversion.optimizers.choice import _rate, make_optimizer
from jaxprior.inversion.optimizers.lbfgs import lbfgs
from jaxprior.models.pggan.networks import Critic as CriticNetwork
from jaxprior.restoration.banks import Bank, sample_bank
from jaxprior.restoration.presets import make_method
from jaxprior.weights.card import Card
from jaxprior.weights.priors import Critic


KEY = jax.random.key(0)
CODES = jp.MultiCode(num_codes=3, layer=3)
L2 = jp.Objective()


@pytest.fixture(scope="module")
def prior() -> jp.Prior:
    return random_prior()


@pytest.fixture(scope="module")
def photos() -> np.ndarray:
    from skimage.data import astronaut

    face = astronaut()[:256, 96:352].reshape(16, 16, 16, 16, 3).mean(axis=(1, 3)) / 127.5 - 1
    return np.stack([np.rot90(face, k) for k in range(4)]).astype(np.float32)


def ones(latents):
    return jax.tree.map(lambda _: 1.0, latents)


def minimise(loss, start, steps, *, scales=ones, first_step=0.1):
    """Values at every trial of L-BFGS."""
    optimizer = lbfgs(first_step, scales=scales)

    def step(carry, _):
        params, state = carry
        value, grads = jax.value_and_grad(loss)(params)
        updates, state = optimizer.update(grads, state, params, value=value)
        return (optax.apply_updates(params, updates), state), value

    (params, _), values = jax.jit(lambda: jax.lax.scan(step, (start, optimizer.init(start)), length=steps))()
    return params, values


def scipy_lbfgs(loss, start, *, evaluations):
    """Lowest value that SciPy's L-BFGS-B sees in so many evaluations."""
    from scipy.optimize import minimize

    flat, unravel = ravel_pytree(start)
    f, seen = jax.jit(jax.value_and_grad(lambda x: loss(unravel(x)))), []

    def evaluate(x):
        value, gradient = f(x)
        seen.append(float(value))
        return float(value), np.asarray(gradient, np.float64)

    minimize(evaluate, flat, jac=True, method="L-BFGS-B", options={"maxfun": evaluations, "gtol": 0, "ftol": 0})
    return min(seen[:evaluations])


# --- L-BFGS ---


def test_lbfgs_solves_a_badly_scaled_quadratic_that_gradient_descent_does_not():
    curvatures = jnp.logspace(-3, 1, 30)
    loss = lambda p: 0.5 * jnp.sum(curvatures * (p["z"] - 1.0) ** 2)  # noqa: E731
    start = {"z": jnp.zeros(30)}
    _, values = minimise(loss, start, 80)
    descent = start["z"]
    for _ in range(80):
        descent = descent - 0.1 * jax.grad(loss)({"z": descent})["z"]
    theirs = scipy_lbfgs(loss, start, evaluations=80)
    assert float(values.min()) < 2 * theirs
    assert float(values.min()) < 0.1 * float(loss({"z": descent})) and float(values.min()) < 1e-3 * float(values[0])


def test_lbfgs_is_as_good_as_scipys_on_rosenbrock():
    def rosenbrock(p):
        x = p["z"]
        return jnp.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    start = {"z": jnp.array([-1.2, 1.0, -1.2, 1.0])}
    _, values = minimise(rosenbrock, start, 120)
    assert scipy_lbfgs(rosenbrock, start, evaluations=60) < 1e-2
    assert float(values.min()) < 1e-6


def test_lbfgs_survives_infinite_and_not_a_number_trials():
    def loss(p):  # finite only near the start
        x = p["z"]
        return jnp.where(jnp.max(jnp.abs(x)) < 0.5, jnp.sum((x - 0.4) ** 2), jnp.nan)

    params, values = minimise(loss, {"z": jnp.zeros(5)}, 40, first_step=10.0)
    assert np.isnan(np.asarray(values)).any() and float(np.nanmin(values)) < 1e-8


def test_lbfgs_problems_in_lock_step_equal_single_problems():
    def loss(p, curvature):
        return jnp.sum(curvature * (p["z"] ** 2 - 1.0) ** 2)

    optimizer = lbfgs(0.3, scales=ones)
    curvatures = jnp.array([[0.1, 1.0, 5.0], [3.0, 0.2, 40.0]])
    starts = {"z": jnp.array([[0.3, -2.0, 1.4], [5.0, 0.1, -0.2]])}

    def run(start, curvature):
        def step(carry, _):
            params, state = carry
            value, grads = jax.value_and_grad(loss)(params, curvature)
            updates, state = optimizer.update(grads, state, params, value=value)
            return (optax.apply_updates(params, updates), state), value

        return jax.lax.scan(step, (start, optimizer.init(start)), length=30)[1]

    together = jax.jit(jax.vmap(run))(starts, curvatures)
    for i in range(2):
        alone = jax.jit(run)(jax.tree.map(lambda x, i=i: x[i], starts), curvatures[i])
        np.testing.assert_allclose(together[i], alone, rtol=1e-3, atol=1e-6)


def test_small_units_make_small_steps():
    scales = lambda p: {"z": 1.0, "alpha": 0.1}  # noqa: E731
    optimizer = lbfgs(1.0, scales=scales)
    params = {"z": jnp.zeros(4), "alpha": jnp.zeros(4)}
    grads = {"z": jnp.ones(4), "alpha": jnp.ones(4)}
    updates, _ = optimizer.update(grads, optimizer.init(params), params, value=jnp.ones(()))
    np.testing.assert_allclose(updates["alpha"] / updates["z"], 0.01 * jnp.ones(4), rtol=1e-5)


def test_lbfgs_explains_a_photo_better_than_adam_with_as_many_evaluations(prior, photos):
    losses = {
        name: float(jp.restore(prior, photos, key=KEY, codes=CODES, objective=L2, solve=solve).loss.mean())
        for name, solve in {
            "adam": jp.Solve(steps=60), "lbfgs": jp.Solve(steps=60, optimizer="lbfgs"),
        }.items()
    }  # fmt: skip
    assert losses["lbfgs"] < 0.8 * losses["adam"]


# --- schedules and rates ---


def test_schedules():
    cosine = _rate(jp.Solve(steps=100, schedule="cosine", learning_rate=0.1))
    np.testing.assert_allclose([cosine(0), cosine(50), cosine(100)], [0.1, 0.05, 0.0], atol=1e-6)
    ramp = _rate(jp.Solve(steps=100, schedule="ramp", learning_rate=0.1))
    np.testing.assert_allclose([ramp(0), ramp(5), ramp(74), ramp(100)], [0.02, 0.1, 0.1, 0.0], atol=1e-6)
    assert ramp(2) > ramp(1) and ramp(90) < ramp(80)
    assert _rate(jp.Solve(learning_rate=0.3)) == 0.3


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_weight_rate_scales_the_steps_of_everything_but_the_codes(optimizer):
    latents = {"z": jnp.zeros(3), "alpha": jnp.zeros(3), "attention": {"gamma": jnp.zeros(())}}
    grads = jax.tree.map(lambda x: jnp.ones_like(x) * 0.7, latents)
    moved = {}
    for rate in (1.0, 0.25):
        transform = make_optimizer(jp.Solve(optimizer=optimizer, weight_rate=rate))
        moved[rate], _ = transform.update(grads, transform.init(latents), latents, value=jnp.ones(()))
    np.testing.assert_array_equal(moved[1.0]["z"], moved[0.25]["z"])
    np.testing.assert_allclose(moved[0.25]["alpha"], 0.25 * moved[1.0]["alpha"], rtol=1e-6)
    np.testing.assert_allclose(moved[0.25]["attention"]["gamma"], 0.25 * moved[1.0]["attention"]["gamma"], rtol=1e-6)


# --- the bank ---


def test_the_bank_finds_the_sample_that_was_planted(prior):
    bank = sample_bank(prior, 128)
    assert bank.z.shape == (128, 16) and bank.pixels.shape == (128, 8, 8, 3) and bank.factor == 2
    planted = np.array([5, 77, 101])
    photos = prior.generate(bank.z[planted])
    masks = np.stack([jp.parse_mask("block:0.25").draw(16, jax.random.key(i)) for i in range(3)])
    for operator in (jp.Identity(), jp.Inpaint(masks), jp.SuperResolve(factor=2), jp.Colorize()):
        solve = jp.Solve(steps=0, init="bank", bank_size=128)
        codes = jp.MultiCode(num_codes=2, layer=3)
        latents = jp.restore(prior, photos, operator, key=KEY, codes=codes, objective=L2, solve=solve).latents
        np.testing.assert_allclose(latents["z"][:, 0], bank.z[planted], atol=1e-6)


def test_the_bank_ignores_what_lies_in_the_hole(prior, photos):
    mask = jp.parse_mask("center:0.25").draw(16)
    garbage = np.where(mask[..., None] > 0, 0.9, photos).astype(np.float32)
    settings = {"codes": CODES, "objective": L2, "solve": jp.Solve(steps=0, init="bank", bank_size=64), "key": KEY}
    a, b = (jp.invert(prior, x, jp.Inpaint(mask), **settings) for x in (photos, garbage))
    np.testing.assert_array_equal(a.latents["z"], b.latents["z"])


def test_starts_choose_from_disjoint_parts_of_the_bank(prior, photos):
    solve = jp.Solve(steps=0, init="bank", bank_size=64, starts=2)
    z = jp.restore(prior, photos, key=KEY, codes=CODES, objective=L2, solve=solve).latents["z"]
    assert z.shape == (4, 2, 3, 16)
    for image in np.asarray(z):
        assert len(np.unique(image.reshape(6, 16), axis=0)) == 6


def test_the_bank_is_kept_in_the_cache_and_a_damaged_file_is_made_anew(prior, tmp_path, monkeypatch):
    monkeypatch.setattr("jaxprior.system.runtime.cache_folder", lambda: tmp_path)
    first = sample_bank(prior, 64)
    (file,) = (tmp_path / "banks").iterdir()
    made = file.read_bytes()
    monkeypatch.setattr("jaxprior.restoration.banks.make_thumbnails", lambda *_: pytest.fail("the cache was not used"))
    np.testing.assert_array_equal(sample_bank(prior, 64).pixels, first.pixels)
    monkeypatch.undo()
    monkeypatch.setattr("jaxprior.system.runtime.cache_folder", lambda: tmp_path)
    file.write_bytes(made[: len(made) // 2])
    np.testing.assert_array_equal(sample_bank(prior, 64).pixels, first.pixels)
    assert file.read_bytes() == made


def test_a_bank_that_is_too_small_is_a_sentence(prior, photos):
    codes = jp.MultiCode(num_codes=40, layer=3)
    with pytest.raises(ValueError, match="too small for 40 codes and 2 starts"):
        solve = jp.Solve(steps=1, init="bank", bank_size=64, starts=2)
        jp.restore(prior, photos, key=KEY, codes=codes, objective=L2, solve=solve)


def test_bank_is_a_pytree(prior):
    bank = Bank(z=jnp.zeros((2, 4)), pixels=jnp.zeros((2, 8, 8, 3), jnp.uint8))
    assert len(jax.tree.leaves(bank)) == 2


# --- starts, stops, passes ---


def test_several_starts_are_averaged_and_the_first_is_the_single_one(prior, photos):
    settings = {"codes": CODES, "objective": L2, "key": KEY}
    single = jp.restore(prior, photos, solve=jp.Solve(steps=5), **settings)
    several = jp.restore(prior, photos, solve=jp.Solve(steps=5, starts=3), **settings)
    assert several.latents["z"].shape == (4, 3, 3, 16) and several.images.shape == photos.shape
    np.testing.assert_allclose(several.latents["z"][:, 0], single.latents["z"], atol=2e-3)
    rendered = jp.render(prior, several.latents, codes=CODES)
    np.testing.assert_allclose(several.images, rendered, atol=1e-4)
    one = jp.render(prior, jax.tree.map(lambda x: x[:, 1], several.latents), codes=CODES)
    assert float(jnp.abs(one - rendered).max()) > 1e-3
    in_parts = jp.restore(prior, photos, solve=jp.Solve(steps=5, starts=3), batch_size=2, **settings)
    np.testing.assert_allclose(in_parts.images, several.images, atol=2e-3)


def test_held_out_pixels_are_not_fitted_and_choose_the_iterate(prior, photos):
    settings = {"codes": CODES, "objective": L2, "key": KEY}
    solve = jp.Solve(steps=30, optimizer="lbfgs", keep="held_out", hold_out=0.3)
    changed = photos.copy()
    target = engine._targets(L2, jp.Identity(), jnp.asarray(photos), keys(4), solve=solve)
    held = np.asarray(target.held)
    assert 0.1 < held.mean() < 0.5 and set(np.unique(held)) == {0.0, 1.0}
    changed = np.where(held > 0, 0.9, photos).astype(np.float32)
    a, b = (jp.restore(prior, x, solve=solve, **settings) for x in (photos, changed))
    np.testing.assert_allclose(a.trace, b.trace, rtol=1e-5)  # the fit never sees them
    assert np.any(np.asarray(a.steps) != np.asarray(b.steps))  # the choice does
    assert np.all(np.asarray(a.steps) <= 30)


def keys(b: int):
    return jax.vmap(jax.random.fold_in, (None, 0))(KEY, jnp.arange(b, dtype=jnp.uint32))


def test_an_image_stops_at_its_target_and_the_batch_when_all_are_done(prior, photos):
    settings = {"codes": CODES, "objective": L2, "key": KEY}
    free = jp.restore(prior, photos, solve=jp.Solve(steps=60), **settings)
    quality = 10 * np.log10(4 / np.asarray(free.trace))
    target = float(quality[:, 20].min()) - 1e-3  # reached by all within the first chunk, by more than rounding
    stopped = jp.restore(prior, photos, solve=jp.Solve(steps=60, target_psnr=target), **settings)
    first = np.argmax(quality >= target, axis=1)
    np.testing.assert_array_equal(stopped.steps, first)
    error = np.mean((np.asarray(stopped.images) - photos) ** 2, axis=(1, 2, 3))
    assert np.all(10 * np.log10(4 / error) >= target - 1e-3)
    assert stopped.trace.shape == (4, 61)
    for trace, step in zip(np.asarray(stopped.trace), first, strict=True):
        np.testing.assert_array_equal(trace[step:], trace[step])


def test_only_images_below_the_target_get_a_second_pass(prior, photos, monkeypatch):
    counted, real = [], batching.solve
    monkeypatch.setattr(batching, "solve", lambda *a, **k: counted.append(len(a[2])) or real(*a, **k))
    settings = {"codes": CODES, "objective": L2, "key": KEY, "batch_size": 1}
    once = jp.restore(prior, photos, solve=jp.Solve(steps=10), **settings)
    quality = 10 * np.log10(4 / np.asarray(once.loss))
    target = float(np.sort(quality)[1:3].mean())  # two are above, two below
    counted.clear()
    twice = jp.restore(prior, photos, solve=jp.Solve(steps=10, target_psnr=target, passes=2), **settings)
    assert counted == [4, 2]
    low = quality < target
    assert np.all(np.asarray(twice.loss)[low] < np.asarray(once.loss)[low])


def test_ramp_and_stochastic_steps_are_the_same_scanned_and_looped(prior, photos):
    """What accelerators run against what CPUs run, with everything that depends on the step's number."""
    codes = jp.SingleCode(project="stochastic", start="uniform")
    static = {"codes": codes, "solve": jp.Solve(steps=12, learning_rate=0.5, schedule="ramp")}
    arguments = (prior.split(1), L2, jp.Identity())
    state, target = engine.begin(*arguments, photos[:2], keys(2), **static)
    copy = jax.tree.map(jnp.copy, state)
    _, looped = engine.advance(state, *arguments, target, steps=4, platform="cpu", **static)
    _, scanned = engine._scan_steps(copy, *arguments, target, steps=4, **static)
    np.testing.assert_allclose(looped, scanned, rtol=1e-4)


def test_mistakes_are_sentences():
    for wrong in ({"starts": 0}, {"hold_out": 1.0}, {"passes": 2}, {"init": "zero"}, {"schedule": "linear"},
                  {"keep": "first"}, {"weight_rate": 0.0}, {"bank_size": 0}):  # fmt: skip
        with pytest.raises(ValueError, match=f"`{next(iter(wrong))}`"):
            jp.Solve(**wrong)
    assert dataclasses.replace(jp.Solve(), steps=7).of_one_step() == jp.Solve().of_one_step()


# --- completion with a critic (seed 001) ---


def test_nesterov_is_the_rule_of_the_seed():
    """v' = m v - rate g; z <- z - m v + (1 + m) v'."""
    optimizer = make_optimizer(jp.Solve(optimizer="nesterov", learning_rate=0.1))
    z, v = np.array([1.0, -2.0], np.float32), np.zeros(2, np.float32)
    latents = {"z": jnp.asarray(z)}
    state = optimizer.init(latents)
    for g in ([0.5, 1.0], [-0.25, 2.0], [1.0, 0.0]):
        g = np.array(g, np.float32)
        updates, state = optimizer.update({"z": jnp.asarray(g)}, state, latents, value=0.0)
        latents = optax.apply_updates(latents, updates)
        new = 0.9 * v - 0.1 * g
        z, v = z - 0.9 * v + 1.9 * new, new
        np.testing.assert_allclose(latents["z"], z, rtol=1e-5)


@pytest.mark.parametrize(
    ("kind", "doubt"),
    [
        ("least_squares", lambda s: 0.5 * (s - 1) ** 2),
        ("nonsaturating", lambda s: -np.log(1 / (1 + np.exp(-s)))),
        ("saturating", lambda s: np.log(1 - 1 / (1 + np.exp(-s)))),
    ],
)
def test_doubt_of_a_critic_is_added_per_image(photos, kind, doubt):
    def critic(images):
        return jnp.mean(images, axis=(1, 2, 3)) * 3

    plain = jp.Objective(pixel="l1_sum")
    objective = jp.Objective(pixel="l1_sum", critic=critic, critic_weight=10.0, critic_loss=kind)
    hole = jp.Inpaint(np.eye(16, dtype=np.float32))
    for photo in np.asarray(photos):
        alone, together = (
            one.evaluate(jnp.asarray(photo), hole, one.target(hole, jnp.zeros((16, 16, 3))))
            for one in (plain, objective)
        )
        assert float(alone.loss) == pytest.approx(np.abs(photo * (1 - np.eye(16))[..., None]).sum(), rel=1e-5)
        extra = float(together.loss) - float(alone.loss)
        assert extra == pytest.approx(10 * doubt(photo.mean(dtype=np.float64) * 3), abs=2e-3)
        assert float(together.psnr) == float(alone.psnr)


@pytest.mark.parametrize("pixel", ["l1_sum", "l2"])
def test_a_window_weighs_known_pixels_by_the_missing_ones_around(pixel):
    """A missing pixel in the middle of 5x5, a window of 3: its eight neighbours weigh 1/9 each, the others nothing."""
    mask = np.zeros((5, 5), np.float32)
    mask[2, 2] = 1
    difference = np.random.default_rng(0).normal(size=(5, 5, 3)).astype(np.float32)
    objective = jp.Objective(pixel=pixel, window=3)
    target = objective.target(jp.Inpaint(mask), jnp.zeros((5, 5, 3)))
    near = difference[1:4, 1:4] * (1 - mask[1:4, 1:4, None])
    expected = np.abs(near).sum() / 9 if pixel == "l1_sum" else np.square(near).sum() / 9 / 75
    judged = objective.evaluate(jnp.asarray(difference), jp.Inpaint(mask), target)
    assert float(judged.loss) == pytest.approx(expected, rel=1e-5)
    with pytest.raises(ValueError, match="`window` must be an odd number"):
        jp.Objective(window=4)
    with pytest.raises(ValueError, match="`window` weighs the pixels of `pixel`, and there is none"):
        jp.Objective(pixel=None, features=jax.tree_util.Partial(lambda images: images), window=3)


def test_completion_preset_needs_a_critic_and_keeps_codes_inside(prior, photos):
    with pytest.raises(ValueError, match="has no critic"):
        jp.preset("lsgan", prior=prior)
    network = CriticNetwork((16, 16, 8))
    critic = Critic(module=network, params=network.init_params(jax.random.key(5)))
    uniform = dataclasses.replace(prior, critic=critic, card=Card({"codes": "uniform"}))
    method = jp.preset("lsgan", prior=uniform)
    assert method.codes == jp.SingleCode(project="clip", start="uniform")
    assert (method.objective.pixel, method.objective.critic_weight) == ("l1_sum", 10.0)
    method = method._replace(solve=dataclasses.replace(method.solve, steps=20, learning_rate=0.5))
    result = jp.restore(prior, photos, key=KEY, **method._asdict())
    assert float(jnp.abs(result.latents["z"]).max()) == 1.0
    with pytest.raises(ValueError, match="no critic to weigh"):
        make_method({"objective": {"critic_weight": 2.0}}, prior=prior)
