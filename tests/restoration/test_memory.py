"""Batches that fit: the compiler's plan against a limit, and steps that need less memory for the same result."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tiny_prior import random_prior

import jaxprior as jp
from jaxprior.errors import MemoryLimitError
from jaxprior.inversion.solvers import Solve
from jaxprior.models.pggan.networks import Critic as CriticNetwork
from jaxprior.restoration import memory
from jaxprior.restoration.benchmarking import random_features
from jaxprior.restoration.memory import FULL_SPEED, MemoryPlan, Recomputed, memory_plans
from jaxprior.restoration.placement import Placement
from jaxprior.weights.priors import Critic


KEY = jax.random.key(0)
L2 = jp.Objective()
CODES = jp.MultiCode(num_codes=5, layer=4)
OBSERVED = jax.ShapeDtypeStruct((16, 16, 3), np.float32)


@pytest.fixture(scope="module")
def prior():
    return random_prior()


@pytest.fixture(scope="module")
def photos(prior):
    return prior.generate(jax.random.normal(jax.random.key(2), (3, prior.latent_dim)))


def make_placement(prior, *, codes=CODES, objective=L2, **solve):
    return Placement(prior, codes=codes, objective=objective, solve=Solve(steps=12, **solve), devices=jax.devices()[:1])


def test_ways_to_save_memory_in_order():
    assert memory_plans(1, "cpu") == [FULL_SPEED, MemoryPlan(alone=True)]
    assert [way.at_once for way in memory_plans(20, "cpu")] == [None, 10, 5, 3, 2, 1]
    assert not any(way.recompute for way in memory_plans(20, "cpu"))
    assert memory_plans(3, "gpu") == [FULL_SPEED, MemoryPlan(True), MemoryPlan(True, 2), MemoryPlan(True, 1)]


PLANS = [MemoryPlan(True), MemoryPlan(True, 2), MemoryPlan(False, 1), MemoryPlan(False, 4)]


@pytest.mark.parametrize("memory_plan", PLANS)
@pytest.mark.parametrize("codes", [CODES, jp.SingleCode()], ids=["multi", "single"])
def test_saving_memory_changes_rounding_only(prior, photos, memory_plan, codes):
    critic = CriticNetwork((16, 16, 8))
    features = Critic(module=critic, params=critic.init_params(jax.random.key(5)))
    objective, solve = jp.Objective(features=features, feature_weight=0.01), {"optimizer": "sgd", "learning_rate": 0.1}
    ready = make_placement(prior, codes=codes, objective=objective, **solve)
    keys = jax.random.split(KEY, 3)
    arguments = (jp.Identity(), photos, keys)
    plain = ready.solve(*arguments, size=3)
    frugal = ready.with_memory_plan(memory_plan).solve(*arguments, size=3)
    assert np.all(plain["loss"] < 0.99 * plain["trace"][:, 0])
    np.testing.assert_allclose(frugal["trace"], plain["trace"], rtol=1e-3)
    np.testing.assert_allclose(frugal["images"], plain["images"], atol=1e-3)


def kept_bytes(function, *arguments) -> int:
    """What is kept between a computation and its gradient, on any device."""
    backward = jax.eval_shape(lambda *a: jax.vjp(function, *a)[1], *arguments)
    return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(backward))


def test_what_is_computed_again_is_not_kept(prior):
    generator = prior.split(4)
    z, features = jnp.zeros((5, 16)), jnp.zeros((1, 8, 8, 16))
    frugal = make_placement(prior).with_memory_plan(MemoryPlan(True, 2)).generator
    weights = sum(leaf.nbytes for leaf in jax.tree.leaves(generator.params))
    assert kept_bytes(frugal.tail, features) - weights < 0.2 * (kept_bytes(generator.tail, features) - weights)
    assert kept_bytes(frugal.head, z) - weights < 0.2 * (kept_bytes(generator.head, z) - weights)
    network = CriticNetwork((16, 16, 8))
    critic = Critic(module=network, params=network.init_params(jax.random.key(5)))
    image = jnp.zeros((1, 16, 16, 3))
    assert kept_bytes(Recomputed(critic), image) < kept_bytes(critic.features, image)
    vgg = random_features()
    assert kept_bytes(Recomputed(vgg), image) < kept_bytes(vgg, image)


def test_codes_in_a_loop_need_less_memory(prior):
    """As the compiler of this machine plans it."""
    ready = make_placement(prior, codes=jp.MultiCode(num_codes=40, layer=6))
    few = ready.with_memory_plan(MemoryPlan(False, 4))
    size = {"size": 1}
    assert few.step_bytes(jp.Identity(), OBSERVED, **size) < 0.7 * ready.step_bytes(jp.Identity(), OBSERVED, **size)


def test_pictures_are_given_up_before_time(prior, batched):
    ready = make_placement(prior, codes=jp.MultiCode(num_codes=40, layer=6))

    def needs(placement, size):
        return placement.step_bytes(jp.Identity(), OBSERVED, size=size)

    def fitted(limit):
        placement, size = ready.fitted(jp.Identity(), OBSERVED, size=6, memory=limit)
        assert limit is None or needs(placement, size) <= limit
        return placement.memory_plan.at_once, size

    assert fitted(None) == (None, 6)  # a CPU does not tell what it has
    assert fitted(needs(ready, 6)) == (None, 6)
    assert fitted(needs(ready, 4))[0] is None and 3 <= fitted(needs(ready, 4))[1] <= 4
    at_once, size = fitted(needs(ready, 1) - 1)
    assert at_once == 20 and size == 1
    with pytest.raises(MemoryLimitError, match=r"needs [\d.]+ MiB with one code at a time"):
        fitted(1000)


def test_what_does_not_fit_tells_what_to_do():
    one, four = (memory.too_much(3 * 2**30, 2**30, starts=starts) for starts in (1, 4))
    assert one.endswith("may take 1.00 GiB: use a smaller prior or another device.")
    assert four.endswith("may take 1.00 GiB: take fewer starts than 4, or use a smaller prior or another device.")


def test_what_a_device_tells_counts(prior, monkeypatch):
    class Device:
        def __init__(self, limit):
            self.limit = limit

        def memory_stats(self):
            return self.limit and {"bytes_limit": self.limit}

    both = [Device(1000), Device(500)]
    assert memory.limit_of(both) == 450
    assert memory.limit_of(both, 200) == 200
    assert memory.limit_of(both, 1000) == 450
    assert memory.limit_of([Device(None)]) is None
    assert memory.limit_of([Device(None)], 7) == 7


def test_restore_takes_a_limit(prior, photos, batched):
    solve = jp.Solve(steps=5, optimizer="sgd", learning_rate=0.1)  # Adam would make much of rounding
    settings = {"key": KEY, "codes": CODES, "objective": L2, "solve": solve}
    whole = jp.restore(prior, photos, **settings)
    one = make_placement(prior).step_bytes(jp.Identity(), OBSERVED, size=1)
    tight = jp.restore(prior, photos, memory=one, **settings)
    assert len(np.unique(whole.seconds)) == 1 and len(np.unique(tight.seconds)) == 3
    np.testing.assert_allclose(tight.images, whole.images, atol=1e-3)
