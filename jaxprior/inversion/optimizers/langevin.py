"""Langevin dynamics in latent space: a chain that does not end on the best latents, but visits all that are plausible.

The chain draws from the posterior of the latents u, in which an observation y is explained up to the usual error:

    p(u | y)  ~  exp(-P(u)) N(u; centre, 1),     P(u) = known / (2 temperature) * loss(u) / lowest loss so far

`known` counts the values that the observation says. For the mean square error, P is the log-likelihood of normal errors
whose variance is what the best latents so far leave unexplained, times `temperature`. A temperature of 1 takes the
errors of all pixels as independent. They are not: neighbours err alike, so that an observation says less than its
number of pixels. A higher temperature says by how much less, and spreads the draws farther.

A move from u to v is proposed by the preconditioned Crank-Nicolson Langevin proposal (Cotter, Roberts, Stuart and
White, "MCMC methods for functions", Statistical Science 2013, section 4), with w from N(0, 1) and g the gradient of P:

    v = ((2 - size) u - 2 size g(u) + sqrt(8 size) w) / (2 + size)

Without an observation it draws from the prior exactly, whatever the size of the step and the length of the latents.
With one, a move is accepted with the probability of Metropolis and Hastings. The size is adapted so that a bit more
than half of the moves are, less and less the longer the chain is.

As in `lbfgs.py`, an update looks at ONE evaluation, that of the last proposal, so that under `vmap` no image waits for
another one. What it holds as latents is therefore a proposal that has not been judged yet. The last update of all goes
back to where the chain is.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.flatten_util import ravel_pytree


Array = jax.Array
ACCEPTED = 0.574
"""Share of the moves that shall be accepted (Roberts and Rosenthal, 1998)."""
ADAPTATION = 8.0
"""Moves over which the logarithm of the size may change by its error at each move; then this number over the moves."""
SMALLEST, LARGEST = 1e-8, 1.0
"""Between these the size of a step stays. At 2 a proposal would forget where the chain is."""


class LangevinState(NamedTuple):
    """The chain of one problem of n variables, each in its unit.

    Fields:
        point [n], value, gradient [n]: where the chain is, its loss and the gradient of that.
        centre [n]: of the normal distribution that latents have without an observation.
        lowest: loss so far.
        size: of the step that leads to the proposal.
        moves: that were judged.
    """

    point: Array
    value: Array
    gradient: Array
    centre: Array
    lowest: Array
    size: Array
    moves: Array


def langevin(
    first_step: float,
    *,
    temperature: float,
    scales: Callable[[Any], Any],
    begins_at_centre: Callable[[Any], Any],
) -> optax.GradientTransformationExtraArgs:
    """Langevin dynamics as an optax transformation of one problem; `vmap` it over many.

    Arguments:
        first_step: root mean square of the noise in the first move, in units of the latents. It is adapted afterwards.
        temperature: see the module's text.
        scales: gives for parameters a tree of numbers, the unit of every leaf: the standard deviation of the normal
            distribution that it has without an observation.
        begins_at_centre: gives a tree of numbers, 1 for leaves whose distribution has its centre where they begin, and
            0 for those whose centre is 0.

    Returns:
        `update(grads, state, params, value=loss, key=key, known=known, last=last)`, whose updates lead from this
        proposal to the next one or, if this call is the `last`, to where the chain is. `key` must be another one at
        each call, and `known` is the number of values that the observation says.
    """

    def init(params: Any) -> LangevinState:
        flat, _ = ravel_pytree(params)
        zeros, unknown = jnp.zeros_like(flat), jnp.asarray(jnp.inf)
        return LangevinState(
            point=zeros,
            value=unknown,
            gradient=zeros,
            centre=zeros,
            lowest=unknown,
            size=jnp.asarray(min(first_step**2 / 2, LARGEST)),
            moves=jnp.zeros((), jnp.int32),
        )

    def update(updates: Any, state: Any, params: Any = None, **told: Any) -> tuple[Any, Any]:
        unit, unravel = ravel_pytree(_like(params, scales(params)))
        held, _ = ravel_pytree(_like(params, begins_at_centre(params)))
        trial, gradient = ravel_pytree(params)[0] / unit, ravel_pytree(updates)[0] * unit
        value, chance = told["value"], jax.random.split(told["key"])

        began = jnp.isfinite(state.value)
        state = state._replace(centre=jnp.where(began, state.centre, held * trial))
        sound = jnp.isfinite(value) & jnp.all(jnp.isfinite(gradient))
        state = state._replace(lowest=jnp.where(sound, jnp.minimum(state.lowest, value), state.lowest))
        weight = told["known"] / (2 * temperature * jnp.maximum(state.lowest, 1e-12))
        judged = jnp.where(sound, _probability(state, trial, value, gradient, weight), 0.0)
        accept = jnp.where(began, jax.random.uniform(chance[0]) < judged, sound)
        state = jax.tree.map(
            lambda new, old: jnp.where(accept, new, old),
            state._replace(point=trial, value=value, gradient=gradient),
            state,
        )
        change = (judged - ACCEPTED) * jnp.minimum(1.0, ADAPTATION / (state.moves + 1))
        size = jnp.clip(state.size * jnp.exp(change), SMALLEST, LARGEST)
        state = state._replace(size=jnp.where(began, size, state.size), moves=state.moves + began)

        u, noise = state.point - state.centre, jax.random.normal(chance[1], state.point.shape)
        pull = 2 * state.size * weight * state.gradient
        moved = ((2 - state.size) * u - pull + jnp.sqrt(8 * state.size) * noise) / (2 + state.size)
        moved = jnp.where(told["last"], u, moved)
        # Nothing was finite yet: there is no point to move from, so the parameters stay.
        step = jnp.where(jnp.isfinite(state.value), state.centre + moved - trial, 0.0)
        return unravel(step * unit), state

    return optax.GradientTransformationExtraArgs(init, update)


def _like(params: Any, numbers: Any) -> Any:
    """A tree of numbers as a tree of arrays, in which every number fills the shape of its leaf."""
    return jax.tree.map(lambda leaf, number: jnp.full_like(leaf, number), params, numbers)


def _probability(state: LangevinState, trial: Array, value: Array, gradient: Array, weight: Array) -> Array:
    """The probability with which a proposal is accepted; the distribution without an observation cancels out."""
    here, there = state.point - state.centre, trial - state.centre
    size = state.size

    def outward(u: Array, v: Array, potential: Array, g: Array) -> Array:
        return potential + (v - u) @ g / 2 + size / 4 * ((u + v) @ g + g @ g)

    forth = outward(here, there, weight * state.value, weight * state.gradient)
    back = outward(there, here, weight * value, weight * gradient)
    return jnp.exp(jnp.minimum(forth - back, 0.0))
