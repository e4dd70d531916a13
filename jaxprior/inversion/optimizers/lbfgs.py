"""L-BFGS for many problems in lock-step: one evaluation a step, whatever each problem's line search is at.

optax's own L-BFGS searches along its direction inside one update, so that under `vmap` every image waits for the image
that needs most evaluations. Here an update looks at ONE evaluation, at the trial point. If it satisfies Armijo's
condition, the point is accepted, the memory updated and a new direction tried at full length; if not, the step is
shortened and the next evaluation is another trial of the same direction. Nocedal & Wright, Numerical Optimization
(2006), algorithms 7.4 (two-loop recursion) and 3.1 (backtracking), with quadratic interpolation (eq. 3.58).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.flatten_util import ravel_pytree


Array = jax.Array
MEMORY = 10
ARMIJO = 1e-4
SHORTEST, LONGEST_CUT = 0.1, 0.5
"""A rejected step is multiplied by a factor between these."""
MAX_CUTS = 8
"""After so many rejections the memory is dropped and the gradient followed."""
CURVATURE = 1e-8
"""Pairs with s.y below this times |s||y| are not remembered."""


class LbfgsState(NamedTuple):
    """One problem of n variables; the arrays of the memory have the newest pair last.

    Fields:
        point [n], value, gradient [n]: accepted; direction [n] and length of the step on trial from there.
        cuts: rejections of this direction so far.
        steps, changes [m, n]: differences of accepted points and gradients; inverses [m]: 1 / s.y, 0 where empty.
    """

    point: Array
    value: Array
    gradient: Array
    direction: Array
    length: Array
    cuts: Array
    steps: Array
    changes: Array
    inverses: Array


def lbfgs(
    first_step: float, *, scales: Callable[[Any], Any], memory: int = MEMORY
) -> optax.GradientTransformationExtraArgs:
    """Limited-memory BFGS as an optax transformation of one problem; `vmap` it over many.

    Arguments:
        first_step: root mean square of the very first step, and of a step after the memory was dropped.
        scales: gives for parameters a tree of numbers, the unit of every leaf: a leaf moves as if it were divided by
            its unit, so that a small unit makes small steps.
        memory: pairs remembered.

    Returns:
        `update(grads, state, params, value=loss)`, whose updates lead from this trial point to the next. What it holds
        as parameters is a trial, not always an improvement: keep the best.
    """

    def init(params) -> LbfgsState:
        flat, _ = ravel_pytree(params)
        zeros, zero = jnp.zeros_like(flat), jnp.zeros(())
        pairs = jnp.zeros((memory, flat.size))
        return LbfgsState(
            zeros, jnp.asarray(jnp.inf), zeros, zeros, zero, jnp.zeros((), jnp.int32), pairs, pairs, jnp.zeros(memory)
        )

    def update(updates: Any, state: Any, params: Any = None, **told: Any) -> tuple[Any, Any]:
        grads, value = updates, told["value"]
        units = jax.tree.map(lambda x, unit: jnp.full_like(x, unit), params, scales(params))
        unit, unravel = ravel_pytree(units)
        trial, gradient = ravel_pytree(params)[0] / unit, ravel_pytree(grads)[0] * unit

        slope = state.gradient @ state.direction
        began = jnp.isfinite(state.value)
        sound = jnp.isfinite(value) & jnp.all(jnp.isfinite(gradient))
        accept = sound & (~began | (value <= state.value + ARMIJO * state.length * slope))
        accepted = _accept(state, trial, value, gradient, remember=began)
        rejected = _shorten(state, value, slope)
        chosen = jax.tree.map(lambda a, r: jnp.where(accept, a, r), accepted, rejected)

        start_over = (chosen.cuts >= MAX_CUTS) | ~jnp.any(chosen.inverses > 0)
        fresh = accept | (chosen.cuts >= MAX_CUTS)
        direction = jnp.where(fresh, _direction(chosen, start_over, first_step), chosen.direction)
        chosen = chosen._replace(
            direction=direction,
            length=jnp.where(fresh, 1.0, chosen.length),
            cuts=jnp.where(fresh, 0, chosen.cuts),
            inverses=jnp.where(start_over, 0.0, chosen.inverses),
        )
        moved = chosen.point + chosen.length * direction - trial
        # Nothing was ever accepted: there is no point to start from, so the parameters stay.
        moved = jnp.where(accept | began, moved, 0.0)
        return unravel(moved * unit), chosen

    return optax.GradientTransformationExtraArgs(init, update)


def _accept(state: LbfgsState, point: Array, value: Array, gradient: Array, *, remember: Array) -> LbfgsState:
    """The trial becomes the accepted point, and its difference to the last one a pair of the memory."""
    s, y = point - state.point, gradient - state.gradient
    curvature = s @ y
    good = remember & (curvature > CURVATURE * jnp.linalg.norm(s) * jnp.linalg.norm(y))

    def push(old: Array, new: Array) -> Array:
        return jnp.where(good, jnp.concatenate([old[1:], new[None]]), old)

    return state._replace(
        point=point,
        value=value,
        gradient=gradient,
        cuts=jnp.zeros_like(state.cuts),
        steps=push(state.steps, s),
        changes=push(state.changes, y),
        inverses=push(state.inverses, 1.0 / jnp.where(good, curvature, 1.0)),
    )


def _shorten(state: LbfgsState, value: Array, slope: Array) -> LbfgsState:
    """The same direction, at the minimum of the parabola through both values and the slope, within bounds."""
    t = state.length
    bend = value - state.value - slope * t
    best = jnp.where(jnp.isfinite(bend) & (bend > 0), -slope * t / (2 * jnp.where(bend > 0, bend, 1.0)), LONGEST_CUT)
    return state._replace(length=t * jnp.clip(best, SHORTEST, LONGEST_CUT), cuts=state.cuts + 1)


def _direction(state: LbfgsState, start_over: Array, first_step: float) -> Array:
    """Minus the inverse Hessian's estimate times the gradient; minus the scaled gradient without a memory."""
    gradient = state.gradient

    def down(q, pair):
        s, y, inverse = pair
        a = inverse * (s @ q)
        return q - a * y, a

    pairs = (state.steps, state.changes, state.inverses)
    q, amounts = jax.lax.scan(down, gradient, pairs, reverse=True)
    y = state.changes[-1]
    gamma = 1.0 / jnp.maximum(state.inverses[-1] * (y @ y), 1e-30)

    def up(r, item):
        (s, y, inverse), a = item
        return r + s * (a - inverse * (y @ r)), None

    r, _ = jax.lax.scan(up, gamma * q, (pairs, amounts))
    steepest = gradient * (first_step * jnp.sqrt(gradient.size * 1.0) / jnp.maximum(jnp.linalg.norm(gradient), 1e-30))
    descends = r @ gradient > 0
    return -jnp.where(start_over | ~descends, steepest, r)
