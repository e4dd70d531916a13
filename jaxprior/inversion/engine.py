"""The engine: many inversions at once, as one compiled step over a whole batch.

Every image is its own problem. `jax.vmap` maps loss and gradient of one image over the batch, so that images share the
frozen weights (one big convolution batch of N codes x B images) and nothing else: a loss is never averaged over the
batch, and each image has its own optimiser and best iterate. A NaN in one of them leaves the others unchanged to the
bit.

On accelerators a chunk of steps is one `lax.scan`. On CPUs it is a Python loop over the compiled step, because XLA's
CPU backend computes input gradients of convolutions 5 to 40 times slower inside a loop.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax

from jaxprior.inversion import bank as banks
from jaxprior.inversion.latents import MultiCode, SingleCode
from jaxprior.inversion.objective import Objective
from jaxprior.inversion.solvers import Solve, make_optimizer


Array = jax.Array
Codes = MultiCode | SingleCode

NUMERICS_VERSION = 2
"""Raised whenever a change moves results beyond rounding; part of the key of a stored result."""

CHUNK = 25
"""Steps between two looks at the progress."""

HELD_STREAM, STEP_STREAM = 0x68656C64, 0x73746570
"""Keep the chance of held-out pixels and of projections apart from that of the codes."""


def begin(
    generator,
    objective: Objective,
    operator,
    observed: Array,
    keys: Array,
    *,
    codes: Codes,
    solve: Solve,
    bank: Any = None,
    lanes: Array | None = None,
    start: Any = None,
):
    """Start state of a batch.

    Arguments:
        generator: see `latents`.
        objective: the loss.
        operator: forward operator, all arrays with a leading axis b.
        observed: observations [b, ...].
        keys: one random key per image, [b].
        codes, solve: what is optimised, and how.
        bank: samples to start from (see `bank`), or None for random codes.
        lanes: which of its image's starts each entry is [b]; zeros by default.
        start: latents to go on from, leading axis b, or None.

    Returns:
        (state, target): state is the pytree that `advance` takes and gives; target is what images are compared with.
    """
    target = _targets(objective, operator, observed, keys, solve=solve)
    chosen = None
    if start is None and bank is not None:
        lanes = jnp.zeros(len(keys), jnp.int32) if lanes is None else lanes
        chosen = banks.choose(bank, operator, target, lanes, count=codes.num_codes, starts=solve.starts)
    return _begin(generator, keys, chosen, start, codes=codes, solve=solve), target


def advance(state, generator, objective: Objective, operator, target, *, codes: Codes, solve: Solve, steps: int):
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


def finish(state, generator, objective: Objective, operator, target, *, codes: Codes, solve: Solve):
    """Evaluate the last iterate and render the kept one; the state is left as it is.

    Returns:
        dict with images [b, r, r, c], latents (leading axis b), and of the kept iterate loss, psnr (on what is known)
        and step, [b] each; last_loss [b].
    """
    return _finish(state, generator, objective, operator, target, codes=codes, solve=solve)


def solve_batch(
    generator,
    objective: Objective,
    operator,
    observed: Array,
    keys: Array,
    *,
    codes: Codes,
    solve: Solve,
    bank: Any = None,
    lanes: Array | None = None,
    start: Any = None,
    on_chunk: Callable[[int, Array], None] | None = None,
) -> dict[str, Any]:
    """Invert one batch from start to end.

    Arguments:
        generator, objective, operator, observed, keys, codes, solve, bank, lanes, start: as for `begin`.
        on_chunk: called with (steps done, losses [b] of the chunk's last iteration) between chunks.

    Returns:
        What `finish` returns, and "trace" [b, steps + 1]. Where all images reached the target before the last step,
        the rest of the trace repeats its end.
    """
    with jax.default_matmul_precision(solve.matmul_precision):
        state, target = begin(
            generator, objective, operator, observed, keys,
            codes=codes, solve=solve, bank=bank, lanes=lanes, start=start,
        )  # fmt: skip
        arguments = (generator, objective, operator, target)
        done, trace = 0, []
        while done < solve.steps:
            steps = min(CHUNK, solve.steps - done)
            state, losses = advance(state, *arguments, codes=codes, solve=solve, steps=steps)
            trace.append(losses)
            done += steps
            if on_chunk is not None:
                on_chunk(done, losses[-1].block_until_ready())
            if solve.target_psnr is not None and bool(jnp.all(state["done"])):
                break
        result = finish(state, *arguments, codes=codes, solve=solve)
    trace.append(jnp.broadcast_to(result.pop("last_loss"), (solve.steps + 1 - done, len(keys))))
    return {**result, "trace": jnp.concatenate(trace).T}


@partial(jax.jit, static_argnames="solve")
def _targets(objective, operator, observed, keys, *, solve):
    if solve.keep != "held_out":
        return jax.vmap(objective.target)(operator, observed)

    def target(operator, observed, key):
        held = _held_out(observed.shape[:-1], solve.hold_out, jax.random.fold_in(key, HELD_STREAM))
        return objective.target(operator, observed, held)

    return jax.vmap(target)(operator, observed, keys)


def _held_out(shape: tuple[int, int], share: float, key: Array) -> Array:
    """1 in random squares of an eighth of the side, so that neighbours do not give the held-out pixels away."""
    side = max(shape[0] // 8, 1)
    squares = jax.random.bernoulli(key, share, tuple(-(-n // side) for n in shape)).astype(jnp.float32)
    return squares.repeat(side, axis=0).repeat(side, axis=1)[: shape[0], : shape[1], None]


@partial(jax.jit, static_argnames=("codes", "solve"))
def _begin(generator, keys, chosen, start, *, codes, solve):
    b = len(keys)
    if start is None:
        start = jax.vmap(lambda key, z: codes.init(generator, key, z=z))(keys, chosen)
    return {
        "latents": jax.tree.map(jnp.copy, start),  # donated by every step, so it may not be the caller's
        "optimizer": jax.vmap(make_optimizer(solve).init)(start),
        "keys": jax.vmap(jax.random.fold_in, (0, None))(keys, STEP_STREAM),
        "step": jnp.zeros((), jnp.int32),
        "done": jnp.zeros(b, bool),
        "kept": {
            "latents": jax.tree.map(jnp.copy, start),
            "score": jnp.full(b, jnp.inf),
            "loss": jnp.full(b, jnp.inf),
            "psnr": jnp.full(b, -jnp.inf),
            "step": jnp.zeros(b, jnp.int32),
        },
    }


def _judge(latents, generator, objective, operator, target, *, codes):
    """One image: (loss, everything known about it and the image itself)."""
    image = codes.synthesize(generator, latents)
    judged = objective.judge(image, operator, target)
    return judged.loss, (judged, image)


def _keep_best(state, judged, *, solve):
    """What is kept of every image after another evaluation; an image that is done stays as it is."""
    kept, score = state["kept"], judged.held if solve.keep == "held_out" else judged.loss
    sound = jnp.isfinite(judged.loss) & jnp.isfinite(score) & ~state["done"]
    new = {"latents": state["latents"], "score": score, "loss": judged.loss, "psnr": judged.psnr}
    new["step"] = jnp.broadcast_to(state["step"], score.shape)
    kept = choose(sound & (score < kept["score"]), new, kept)
    done = state["done"]
    if solve.target_psnr is not None:
        done |= sound & (judged.psnr >= solve.target_psnr)
    return {**state, "kept": kept, "done": done}


def choose(which: Array, new, old):
    """Image by image, `new` where `which` [b] is true."""
    return jax.tree.map(lambda a, b: jnp.where(which.reshape((-1,) + (1,) * (a.ndim - 1)), a, b), new, old)


def _step(state, generator, objective, operator, target, *, codes, solve):
    latents, optimizer = state["latents"], make_optimizer(solve)
    gradient = jax.value_and_grad(partial(_judge, codes=codes), has_aux=True)
    (losses, (judged, _)), grads = jax.vmap(gradient, (0, None, None, 0, 0))(
        latents, generator, objective, operator, target
    )
    state = _keep_best(state, judged, solve=solve)

    def move(latents, grads, optimizer_state, loss, key):
        updates, optimizer_state = optimizer.update(grads, optimizer_state, latents, value=loss)
        moved = optax.apply_updates(latents, updates)
        return codes.constrain(moved, jax.random.fold_in(key, state["step"])), optimizer_state

    latents, optimizer_states = jax.vmap(move)(latents, grads, state["optimizer"], losses, state["keys"])
    return {**state, "latents": latents, "optimizer": optimizer_states, "step": state["step"] + 1}, losses


_one_step = partial(jax.jit, static_argnames=("codes", "solve"), donate_argnums=0)(_step)


@partial(jax.jit, static_argnames=("codes", "solve", "steps"), donate_argnums=0)
def _scan_steps(state, generator, objective, operator, target, *, codes, solve, steps):
    def body(state, _):
        return _step(state, generator, objective, operator, target, codes=codes, solve=solve)

    return jax.lax.scan(body, state, length=steps)


@partial(jax.jit, static_argnames=("codes", "solve"))
def _finish(state, generator, objective, operator, target, *, codes, solve):
    judge = jax.vmap(partial(_judge, codes=codes), (0, None, None, 0, 0))
    arguments = (generator, objective, operator, target)
    last_loss, (judged, images) = judge(state["latents"], *arguments)
    if solve.keep == "last":
        step = jnp.broadcast_to(state["step"], last_loss.shape)
        kept = {"latents": state["latents"], "loss": last_loss, "psnr": judged.psnr, "step": step}
    else:
        kept = _keep_best(state, judged, solve=solve)["kept"]
        _, (_, images) = judge(kept["latents"], *arguments)
    return {"images": images, "last_loss": last_loss, **{n: kept[n] for n in ("latents", "loss", "psnr", "step")}}
