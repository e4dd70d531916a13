"""Langevin dynamics draws from the posterior that its module states, and is an optimiser like any other."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jaxprior as jp
from jaxprior.inversion.optimizers.langevin import ACCEPTED, langevin


CHAINS, MOVES = 400, 300
KNOWN, TEMPERATURE = 50.0, 2.0


def chains(loss, start, *, first_step=0.3, temperature=TEMPERATURE, moves=MOVES, unit=1.0, held=0.0):
    """Where many independent chains end, and their states."""
    optimizer = langevin(
        first_step,
        temperature=temperature,
        scales=partial(jax.tree.map, lambda _: unit),
        begins_at_centre=partial(jax.tree.map, lambda _: held),
    )

    def one(key):
        def move(carry, chance):
            (params, state), (key, last) = carry, chance
            value, grads = jax.value_and_grad(loss)(params)
            updates, state = optimizer.update(grads, state, params, value=value, key=key, known=KNOWN, last=last)
            return (optax.apply_updates(params, updates), state), None

        params = {"z": jnp.asarray(start)}
        chances = jax.random.split(key, moves), jnp.arange(moves) == moves - 1
        return jax.lax.scan(move, (params, optimizer.init(params)), chances)[0]

    params, states = jax.jit(jax.vmap(one))(jax.random.split(jax.random.key(0), CHAINS))
    return np.asarray(params["z"]), states


def test_without_an_observation_chains_draw_from_the_prior():
    ends, states = chains(lambda params: jnp.ones(()), np.full(4, 3.0))
    assert np.abs(ends.mean(axis=0)).max() < 0.2
    assert np.abs(ends.std(axis=0) - 1).max() < 0.15
    assert float(states.size.min()) > 0.3  # every move is accepted, so that the steps have grown


def test_chains_draw_from_the_posterior_of_a_linear_problem():
    """The loss 1 + |u - y|^2 with slopes 1 and 3: the posterior is normal, its mean and variance are known."""
    slopes, y = jnp.array([1.0, 3.0]), jnp.array([1.0, -2.0])
    ends, states = chains(lambda params: 1 + jnp.sum(slopes * jnp.square(params["z"] - y)), np.zeros(2), moves=800)
    lowest = float(np.median(states.lowest))
    assert lowest == pytest.approx(1, abs=0.05)
    precision = KNOWN / (TEMPERATURE * lowest) * slopes
    np.testing.assert_allclose(ends.mean(axis=0), precision * y / (1 + precision), atol=0.03)
    np.testing.assert_allclose(ends.var(axis=0), 1 / (1 + precision), rtol=0.3)


def test_the_size_of_the_steps_is_adapted_whatever_it_begins_with():
    loss = lambda params: 1 + jnp.sum(100 * jnp.square(params["z"]))  # noqa: E731
    small, large = (chains(loss, np.zeros(5), first_step=step, moves=200)[1].size for step in (1e-3, 1.0))
    assert np.median(small) == pytest.approx(np.median(large), rel=0.5)
    assert 0.5 < ACCEPTED < 0.6


def test_units_and_centres_say_how_far_a_leaf_goes_from_where_it_began():
    ends, _ = chains(lambda params: jnp.ones(()), np.full(3, 5.0), unit=0.1, held=1.0)
    np.testing.assert_allclose(ends.mean(axis=0), 5.0, atol=0.03)
    np.testing.assert_allclose(ends.std(axis=0), 0.1, rtol=0.2)


def test_proposals_that_are_not_finite_are_rejected():
    """The loss is infinite outside of a circle, and no chain ends there."""

    def loss(params):
        size = jnp.sum(jnp.square(params["z"]))
        return jnp.where(size < 1, 1.0, jnp.inf) + 0 * size

    ends, states = chains(loss, np.zeros(2))
    assert np.isfinite(states.value).all()
    assert (np.square(ends).sum(axis=1) < 1).all()
    assert np.abs(ends).max() > 0.5


def test_higher_temperatures_spread_farther():
    loss = lambda params: 1 + jnp.sum(jnp.square(params["z"]))  # noqa: E731
    cool, hot = (chains(loss, np.zeros(3), temperature=t)[0].std() for t in (1.0, 30.0))
    assert hot > 2 * cool


def test_solve_refuses_a_temperature_of_nothing():
    with pytest.raises(ValueError, match="temperature"):
        jp.Solve(optimizer="langevin", temperature=0.0)
