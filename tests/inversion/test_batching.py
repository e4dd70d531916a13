"""Many problems through one compiled shape: slots that are filled anew, and moments that go on."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from all_problems import AllProblems
from tiny_prior import random_prior

import jaxprior as jp
from jaxprior.inversion import batching, engine


KEY = jax.random.key(0)
L2 = jp.Objective()
CODES = jp.MultiCode(num_codes=3, layer=3)


@pytest.fixture(scope="module")
def generator():
    return random_prior().split(3)


@pytest.fixture(scope="module")
def problems():
    prior = random_prior()
    photos = prior.generate(jax.random.normal(jax.random.key(2), (7, prior.latent_dim)))
    keys = jax.vmap(jax.random.fold_in, (None, 0))(KEY, jnp.arange(7))
    return AllProblems(jp.Identity(), photos, keys)


@pytest.fixture
def calls(monkeypatch):
    """Names of the engine's functions in the order in which they were called, and the steps."""
    made = []
    for name in ("begin", "advance", "finish"):
        real = getattr(engine, name)
        monkeypatch.setattr(
            engine, name, lambda *a, _real=real, _n=name, **k: made.append((_n, k.get("steps"))) or _real(*a, **k)
        )
    return made


def stable(found: dict) -> dict:
    return {name: value for name, value in found.items() if name != "seconds"}


def assert_same(a: dict, b: dict) -> None:
    for x, y in zip(jax.tree.leaves(stable(a)), jax.tree.leaves(stable(b)), strict=True):
        np.testing.assert_array_equal(x, y)


def target_for(found: dict, steps: list[int]) -> float:
    """A PSNR that the problems reach at different steps, some not at all."""
    quality = 10 * np.log10(4 / found["trace"])
    return float(np.median(quality[:, steps]))


def test_without_a_target_one_group_follows_the_other(generator, problems, calls):
    found = batching.solve(generator, L2, problems, size=3, platform="cpu", codes=CODES, solve=jp.Solve(steps=30))
    group = [("begin", None), ("advance", 25), ("advance", 5), ("finish", None)]
    assert calls == group * 3
    assert found["images"].shape == (7, 16, 16, 3) and found["trace"].shape == (7, 31)
    assert np.all(found["trace"] > 0) and np.all(np.isfinite(found["trace"]))
    assert len(set(found["seconds"].tolist())) == 3  # one a group


@pytest.mark.parametrize("keep", ["best", "last", "held_out"])
@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_a_problem_gets_the_same_whenever_its_slot_became_free(
    generator, problems, calls, monkeypatch, optimizer, keep
):
    """Slots filled anew after every chunk, as soon as a share is idle, or only when all are: equal to the bit."""
    options = {"optimizer": optimizer, "keep": keep, "schedule": "cosine"}
    solve = jp.Solve(steps=110, **options)
    free = batching.solve(generator, L2, problems, size=3, platform="cpu", codes=CODES, solve=solve)
    solve = jp.Solve(steps=110, target_psnr=target_for(free, [40, 60, 80]), **options)
    found = {}
    for idle in (0.01, 0.5, 1.0):
        monkeypatch.setattr(batching, "IDLE", idle)
        calls.clear()
        found[idle] = batching.solve(generator, L2, problems, size=3, platform="cpu", codes=CODES, solve=solve)
        found[idle]["begins"] = sum(name == "begin" for name, _ in calls)
    assert found[0.01].pop("begins") > found[1.0].pop("begins") == 3
    found[0.5].pop("begins")
    assert_same(found[0.01], found[1.0])
    assert_same(found[0.5], found[1.0])
    moves = np.array([np.argmax(np.diff(trace) == 0) for trace in found[1.0]["trace"]])
    assert len(set(moves.tolist())) > 3  # they did end at different steps


def test_what_ends_early_makes_room_and_steps_are_saved(generator, problems, calls, monkeypatch):
    free = batching.solve(generator, L2, problems, size=2, platform="cpu", codes=CODES, solve=jp.Solve(steps=200))
    solve = jp.Solve(steps=200, target_psnr=target_for(free, [20, 180]))
    steps = {}
    for idle in (0.5, 1.0):
        monkeypatch.setattr(batching, "IDLE", idle)
        calls.clear()
        batching.solve(generator, L2, problems, size=2, platform="cpu", codes=CODES, solve=solve)
        steps[idle] = sum(k or 0 for _, k in calls)
    assert steps[0.5] < steps[1.0] < 800


def test_the_trace_ends_where_the_problem_was_done(generator, problems):
    plain = jp.Solve(steps=60, optimizer="sgd", learning_rate=0.3)  # Adam would make much of rounding
    free = batching.solve(generator, L2, problems, size=7, platform="cpu", codes=CODES, solve=plain)
    target = target_for(free, [20, 40])
    solve = dataclasses.replace(plain, target_psnr=target)
    found = batching.solve(generator, L2, problems, size=7, platform="cpu", codes=CODES, solve=solve)
    reached = 10 * np.log10(4 / free["trace"]) >= target
    assert reached.any(axis=1).any() and not reached.any(axis=1).all()
    for i, ever in enumerate(reached.any(axis=1)):
        last = int(np.argmax(reached[i])) if ever else 60
        np.testing.assert_allclose(found["trace"][i, : last + 1], free["trace"][i, : last + 1], rtol=1e-5)
        np.testing.assert_array_equal(found["trace"][i, last:], found["trace"][i, last])
        assert not ever or found["step"][i] == last


@pytest.mark.parametrize("at", [0, 2, 5])
@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_what_goes_on_from_a_saved_moment_equals_what_was_never_interrupted(
    generator, problems, optimizer, at, monkeypatch
):
    """Through plain arrays, which a file can hold, with some problems ended, some running and some waiting."""
    monkeypatch.setattr(batching, "IDLE", 0.3)
    solve = jp.Solve(steps=60, optimizer=optimizer)
    free = batching.solve(generator, L2, problems, size=3, platform="cpu", codes=CODES, solve=solve)
    solve = jp.Solve(steps=60, optimizer=optimizer, target_psnr=target_for(free, [10, 30, 50]))
    settings = {"size": 3, "platform": "cpu", "codes": CODES, "solve": solve}
    arguments = (generator, L2, problems)
    whole, saved = batching.solve(*arguments, **settings), []

    def stop(batch):
        saved.append(batch.to_arrays())
        if len(saved) > at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        batching.solve(*arguments, **settings, on_chunk=stop)
    assert all(isinstance(array, np.ndarray) for array in saved[-1].values())
    assert_same(batching.solve(*arguments, **settings, resume=saved[-1]), whole)


def test_a_moment_of_something_else_is_refused(generator, problems):
    saved = []
    settings = {"size": 3, "platform": "cpu", "codes": CODES, "solve": jp.Solve(steps=30)}
    batching.solve(generator, L2, problems, **settings, on_chunk=lambda m: saved.append(m.to_arrays()))
    for change, said in (
        ({"solve": jp.Solve(steps=30, optimizer="sgd")}, "another method"),
        ({"codes": jp.MultiCode(num_codes=2, layer=3)}, "belongs"),
        ({"size": 2}, "belongs"),
        ({"solve": jp.Solve(steps=31)}, "belongs"),
    ):
        with pytest.raises(ValueError, match=said):
            batching.solve(generator, L2, problems, **{**settings, **change}, resume=saved[0])


def test_no_steps_and_one_problem(generator, problems):
    one = problems.take(np.array([4]))
    problems, solve = AllProblems(*one), jp.Solve(steps=0)
    found = batching.solve(generator, L2, problems, size=2, platform="cpu", codes=CODES, solve=solve)
    assert found["trace"].shape == (1, 1) and found["step"][0] == 0
    np.testing.assert_array_equal(found["trace"][0, 0], found["loss"][0])
