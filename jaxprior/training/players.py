"""The parts that a training step is made of: one update of one network, averages, and what happens only sometimes.

A recipe's step is a few readable lines of these:

    critic, critic_opt, seen = update_critic(critic, critic_opt, ...)
    average = ema(average, generator, decay)
    generator, generator_opt, made = update_generator(generator, generator_opt, ...)
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import optax

from jaxprior.system.ahead import Program


def player(loss: Callable, optimizer: optax.GradientTransformation) -> Callable:
    """One gradient update of one network.

    Arguments:
        loss: `loss(params, *args) -> (value, metrics)`, metrics being a dict of scalars.
        optimizer: an optax transformation.

    Returns:
        `update(params, opt_state, *args) -> (params, opt_state, metrics)`.

    Example:
        >>> update = player(lambda p, x: (jnp.sum((p - x) ** 2), {}), optax.sgd(0.5))
        >>> float(update(jnp.zeros(()), optax.sgd(0.5).init(jnp.zeros(())), 3.0)[0])
        3.0
    """

    def update(params, opt_state, *args):
        grads, metrics = jax.grad(loss, has_aux=True)(params, *args)
        return *updated(params, opt_state, grads, optimizer), metrics

    return update


def updated(params, opt_state, grads, optimizer: optax.GradientTransformation) -> tuple[Any, Any]:
    """One network after an update by gradients that are known: (params, opt_state)."""
    updates, opt_state = optimizer.update(grads, opt_state, params)
    return optax.apply_updates(params, updates), opt_state


def repeat(update: Callable, keys, params, opt_state, *args):
    """The same update once for every key, which comes first among its further arguments: one network gets ahead.

    Arguments:
        update: from `player`; its metrics are those of the last time.
        keys: a sequence of random keys, at least one.
        params, opt_state: of the network; args: the same every time.

    Returns:
        (params, opt_state, metrics).
    """
    metrics = {}
    for key in keys:
        params, opt_state, metrics = update(params, opt_state, key, *args)
    return params, opt_state, metrics


@jax.jit
def copied(tree):
    """The same values in other buffers: a step donates its state, in which no buffer may appear twice."""
    return jax.tree.map(jnp.copy, tree)


@jax.jit
def adam_start(params):
    """The state of optax's Adam before its first update, at any rate: zeros. One program makes all of its arrays."""
    return optax.adam(0.0).init(params)


def ema(average, params, decay):
    """Exponential moving average: decay * average + (1 - decay) * params, leaf by leaf."""
    return optax.incremental_update(params, average, 1.0 - decay)


def warm_decay(decay: float, step, ramp: float):
    """EMA decay that starts small: min(decay, (1 + step) / (ramp + step)); `ramp` 0 keeps `decay`.

    Without it, freshly added layers keep their random start in the average for thousands of steps.
    """
    return jnp.minimum(decay, (1.0 + step) / (ramp + step)) if ramp else decay


@dataclass(frozen=True)
class When:
    """A step that is `rare` at every `every`-th index, starting with 0, and `usual` otherwise.

    The choice is made on the host, between two compiled functions: inside a conditional or a loop XLA's CPU backend
    falls back to slow convolution gradients.

    Fields:
        every: steps from one rare one to the next.
        rare, usual: compiled functions (index, ...) -> ....
    """

    every: int
    rare: Callable
    usual: Callable

    def __call__(self, index: int, *args: Any) -> Any:
        """Call the function of this index with the same arguments."""
        return (self.usual if index % self.every else self.rare)(index, *args)



def step_programs(step: Callable, *shapes: Any) -> list[Program]:
    """The programs that a step calls.

    Arguments:
        step: made by `jax.jit`, or a `When` of two such functions.
        shapes: its arguments behind the index.
    """
    functions = (step.rare, step.usual)[: step.every] if isinstance(step, When) else (step,)
    return [Program(function, (0, *shapes)) for function in functions]
