"""The batched latent solver: one compiled step for all images, driven in chunks.

The per-image loss is differentiated under `vmap`; with shared, frozen weights the codes of all images become one
convolution batch. Each image has its own loss, optimiser slots and best iterate: a NaN in one of them leaves the
others unchanged to the bit.

On accelerators a chunk of steps is one `lax.scan`. On CPUs it is a Python loop over the compiled step, because XLA's
CPU backend computes input gradients of convolutions 5 to 40 times slower inside a loop.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax

from jaxprior.inversion.latents import MultiCode
from jaxprior.inversion.objective import Objective
from jaxprior.inversion.solvers import Solve, make_optimizer


Array = jax.Array

NUMERICS_VERSION = 1
"""Raised whenever a change moves results beyond rounding; part of the key of a stored result."""

CHUNK = 25
"""Steps between two looks at the progress."""


def begin(generator, objective: Objective, operator, observed: Array, keys: Array, *, codes: MultiCode, solve: Solve):
    """Start state of a batch.

    Arguments:
        generator: see `latents`.
        objective: the loss.
        operator: forward operator, all arrays with a leading axis b.
        observed: observations [b, ...].
        keys: one random key per image, [b].
        codes, solve: what is optimised, and how.

    Returns:
        (state, target): state is the pytree that `advance` takes and gives; target is what images are compared with.
    """
    return _begin(generator, objective, operator, observed, keys, codes=codes, solve=solve)


def advance(state, generator, objective: Objective, operator, target, *, codes: MultiCode, solve: Solve, steps: int):
    """Do `steps` iterations without waiting for the device. `state` is donated.

    Returns:
        (state, losses): the losses [steps, b] are those before each iteration.
    """
    arguments = (generator, objective, operator, target)
    solve = solve.of_one_step()  # another number of steps is not another program
    if jax.default_backend() != "cpu":
        return _scan_steps(state, *arguments, codes=codes, solve=solve, steps=steps)
    trace = []
    for _ in range(steps):
        state, losses = _one_step(state, *arguments, codes=codes, solve=solve)
        trace.append(losses)
    return state, jnp.stack(trace)


def finish(state, generator, objective: Objective, operator, target, *, codes: MultiCode, solve: Solve):
    """Evaluate the last iterate and render the kept one.

    Returns:
        dict with images [b, r, r, c], latents (leading axis b), loss [b] of the kept iterate, last_loss [b].
    """
    return _finish(state, generator, objective, operator, target, codes=codes, solve=solve)


def solve_batch(
    generator,
    objective: Objective,
    operator,
    observed: Array,
    keys: Array,
    *,
    codes: MultiCode,
    solve: Solve,
    on_chunk: Callable[[int, Array], None] | None = None,
) -> dict[str, Any]:
    """Invert one batch from start to end.

    Arguments:
        generator, objective, operator, observed, keys, codes, solve: as for `begin`.
        on_chunk: called with (steps done, losses [b] of the chunk's last iteration) between chunks.

    Returns:
        What `finish` returns, and "trace" [b, steps + 1].
    """
    with jax.default_matmul_precision(solve.matmul_precision):
        state, target = begin(generator, objective, operator, observed, keys, codes=codes, solve=solve)
        arguments = (generator, objective, operator, target)
        done, trace = 0, []
        while done < solve.steps:
            steps = min(CHUNK, solve.steps - done)
            state, losses = advance(state, *arguments, codes=codes, solve=solve, steps=steps)
            trace.append(losses)
            done += steps
            if on_chunk is not None:
                on_chunk(done, losses[-1].block_until_ready())
        result = finish(state, *arguments, codes=codes, solve=solve)
    trace.append(result.pop("last_loss")[None])
    return {**result, "trace": jnp.concatenate(trace).T}


@partial(jax.jit, static_argnames=("codes", "solve"))
def _begin(generator, objective, operator, observed, keys, *, codes, solve):
    latents = jax.vmap(lambda key: codes.init(generator, key))(keys)
    target = jax.vmap(objective.target)(operator, observed)
    return {
        "latents": latents,
        "optimizer": make_optimizer(solve).init(latents),
        "best": jax.tree.map(jnp.copy, latents),
        "best_loss": jnp.full(len(keys), jnp.inf),
    }, target


def _losses_and_gradients(latents, generator, objective, operator, target, *, codes):
    def loss(latents, operator, target):
        return objective.loss(codes.synthesize(generator, latents), operator, target)

    return jax.vmap(jax.value_and_grad(loss))(latents, operator, target)


def _keep_best(state, losses):
    better = jnp.isfinite(losses) & (losses < state["best_loss"])

    def choose(new, old):
        return jnp.where(better.reshape((-1,) + (1,) * (new.ndim - 1)), new, old)

    return {
        **state,
        "best": jax.tree.map(choose, state["latents"], state["best"]),
        "best_loss": choose(losses, state["best_loss"]),
    }


def _step(state, generator, objective, operator, target, *, codes, solve):
    latents = state["latents"]
    losses, grads = _losses_and_gradients(latents, generator, objective, operator, target, codes=codes)
    state = _keep_best(state, losses)
    updates, optimizer = make_optimizer(solve).update(grads, state["optimizer"], latents)
    return {**state, "latents": optax.apply_updates(latents, updates), "optimizer": optimizer}, losses


_one_step = partial(jax.jit, static_argnames=("codes", "solve"), donate_argnums=0)(_step)


@partial(jax.jit, static_argnames=("codes", "solve", "steps"), donate_argnums=0)
def _scan_steps(state, generator, objective, operator, target, *, codes, solve, steps):
    def body(state, _):
        return _step(state, generator, objective, operator, target, codes=codes, solve=solve)

    return jax.lax.scan(body, state, length=steps)


@partial(jax.jit, static_argnames=("codes", "solve"))
def _finish(state, generator, objective, operator, target, *, codes, solve):
    def evaluate(latents, operator, target):
        image = codes.synthesize(generator, latents)
        return objective.loss(image, operator, target), image

    last_loss, last_images = jax.vmap(evaluate)(state["latents"], operator, target)
    if solve.keep == "last":
        return {"images": last_images, "latents": state["latents"], "loss": last_loss, "last_loss": last_loss}
    state = _keep_best(state, last_loss)
    _, images = jax.vmap(evaluate)(state["best"], operator, target)
    return {"images": images, "latents": state["best"], "loss": state["best_loss"], "last_loss": last_loss}
