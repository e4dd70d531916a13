"""The engine: many inversions at once, as one compiled step over a whole batch.

Every image is its own problem. `jax.vmap` maps loss and gradient of one image over the batch, so that images share the
frozen weights (one big convolution batch of N codes x B images) and nothing else: a loss is never averaged over the
batch, and each image has its own optimiser and best iterate. A NaN in one of them leaves the others unchanged to the
bit.

On accelerators a chunk of steps is one `lax.scan`. On CPUs it is a Python loop over the compiled step, because XLA's
CPU backend computes input gradients of convolutions 5 to 40 times slower inside a loop.
"""

import time
from collections.abc import Hashable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxprior.inversion.codes import shown_by
from jaxprior.inversion.objective import Objective
from jaxprior.inversion.optimizers.choice import make_optimizer, takes_chances
from jaxprior.inversion.solvers import Solve
from jaxprior.inversion.starts.random import RandomStart
from jaxprior.operators import image_axes
from jaxprior.protocols import Codes
from jaxprior.system import ahead
from jaxprior.system.activity import doing
from jaxprior.system.devices import CPU
from jaxprior.system.programs import compiling
from jaxprior.system.quick_programs import QUICKLY_COMPILED


Array = jax.Array

NUMERICS_VERSION = 5
"""Raised whenever a change moves results beyond rounding; part of the key of a stored result."""

CHUNK = 25
"""Steps between two looks at the progress, at most."""

PATIENCE = 2.0
"""Seconds after which a CPU looks at the progress sooner: a chunk of a large network would take minutes."""

HELD_STREAM, STEP_STREAM, MOVE_STREAM = 0x68656C64, 0x73746570, 0x6D6F7665
"""Keep the chance of held-out pixels, of projections and of an optimiser's moves apart from that of the codes."""


def begin(
    generator,
    objective: Objective,
    operator,
    observed: Array,
    keys: Array,
    *,
    codes: Codes,
    solve: Solve,
    start: Any = None,
    nth: Array | None = None,
    latents: Any = None,
):
    """The state in which a batch begins.

    Arguments:
        generator: see `latents`.
        objective: the loss.
        operator: forward operator, all arrays with a leading axis b but for those that all images share.
        observed: observations [b, ...].
        keys: one random key per image, [b].
        codes, solve: what is optimised, and how.
        start: where latents begin, made ready for this generator (see `starts`); None draws them at random.
        nth: which of its image's starts each entry is, integers [b]; zeros by default.
        latents: to go on from, leading axis b, in place of a start; or None.

    Returns:
        (state, target): state is the pytree that `advance` takes and gives, every leaf with a leading axis b; target is
        what images are compared with.
    """
    shape = None if objective.compare == "observations" else getattr(generator, "image_shape", None)
    target = _targets(objective, operator, observed, keys, solve=solve, shape=shape)
    if latents is None:
        nth = jnp.zeros(len(keys), jnp.int32) if nth is None else nth
        start = RandomStart() if start is None else start
        with doing("choosing where to start"):
            latents = start.latents(generator, operator, target, keys, nth, codes=codes, starts=solve.starts)
    if objective.needs_features and hasattr(codes, "composed"):
        target = target._replace(began=_composed(latents, generator, codes=codes))
    state = _begin(keys, latents, solve=solve)
    return _spread_like(observed, state), target


def advance(
    state, generator, objective: Objective, operator, target, *, codes: Codes, solve: Solve, steps: int, platform: str
):
    """Do up to `steps` iterations. `state` is donated.

    An accelerator does them all and is not waited for; a CPU does one after the other, and returns early when that
    takes longer than `PATIENCE`. An image that is done, or has no steps left, stays as it is.

    Arguments:
        state, target: from `begin`, or the state that the last call returned.
        generator, objective, operator, codes, solve: as for `begin`.
        steps: iterations at most.
        platform: kind of the devices that hold the state, "cpu", "gpu" or "tpu".

    Returns:
        (state, losses): the losses [iterations done, b] are those before each iteration.
    """
    arguments = (generator, objective, operator, target)
    solve = solve.of_one_step()  # another number of steps is not another program
    if platform != CPU:
        with compiling("the step", state, *arguments, codes, solve, steps):
            return _scan_steps(state, *arguments, codes=codes, solve=solve, steps=steps)
    with compiling("the step", state, *arguments, codes, solve):
        ahead.wait_for(_stepping(*arguments[:3], state["step"].shape, codes=codes, solve=solve))
        state, losses = _one_step(state, *arguments, codes=codes, solve=solve)
        trace, began = [losses.block_until_ready()], time.monotonic()  # the first step of all is also compiled
    while len(trace) < steps and time.monotonic() - began < PATIENCE:
        state, losses = _one_step(state, *arguments, codes=codes, solve=solve)
        trace.append(losses.block_until_ready())
    return state, jax.device_put(np.stack(trace))  # `jnp.stack` compiles a program for every number of steps


def finish(state, generator, objective: Objective, operator, target, *, codes: Codes, solve: Solve):
    """Evaluate the last iterate and render the kept one; the state is left as it is.

    Returns:
        dict with images [b, r, r, c], latents (leading axis b), and of the kept iterate loss, psnr (on what is known)
        and step, [b] each; last_loss [b].
    """
    with doing("computing the images that were found"):
        ahead.wait_for(_rendering(generator, state["step"].shape, codes=codes, solve=solve))
        images = _rendered(state["latents"], generator, codes=codes)
        latents, features = (state["latents"], None) if objective.needs_latents else (None, None)
        if target.began is not None:
            features = _composed(latents, generator, codes=codes)
        penalties = _penalties(state["latents"], generator, codes=codes) if hasattr(codes, "penalty") else None
        arguments = (objective, operator, target, latents, features, penalties)
        last = _compared(state, images, *arguments, solve=solve.of_one_step())
        kept = last if solve.keep == "last" else last["kept"]
        if solve.keep != "last":
            images = _rendered(kept["latents"], generator, codes=codes)
        found = {name: kept[name] for name in ("latents", "loss", "psnr", "step")}
        return {"images": images, "last_loss": last["loss"], **found}


def render(state, generator, *, codes: Codes) -> Array:
    """The images [b, *image_shape] of the iterates at which a batch stands; the state is left as it is."""
    return _rendered(state["latents"], generator, codes=codes)


def compile_ahead(generator, objective: Objective, operator, observed, keys, *, codes: Codes, solve: Solve) -> None:
    """Let threads compile the programs of a batch on one CPU, so that they are there when `advance` and `finish` come.

    Arguments:
        generator, objective, operator, observed, keys, codes, solve: as for `begin`; shapes are enough.
    """
    arguments = (generator, objective, operator)
    step = partial(compile_step, *arguments, observed, keys, codes=codes, solve=solve, platform=CPU)

    def compile_rendering() -> None:
        with jax.default_matmul_precision(solve.matmul_precision):
            state, *_ = step_shapes(*arguments, observed, keys, codes=codes, solve=solve)
            _rendered.lower(state["latents"], generator, codes=codes).compile()

    if solve.steps:  # an answer that is taken as it is needs no step
        ahead.compile_ahead(_stepping(*arguments, np.shape(keys), codes=codes, solve=solve.of_one_step()), step)
    ahead.compile_ahead(_rendering(generator, np.shape(keys), codes=codes, solve=solve), compile_rendering)


def _stepping(generator, objective, operator, entries: tuple[int, ...], *, codes, solve) -> Hashable:
    """What tells the programs of two steps apart, where a thread may have compiled one of them."""
    shapes = tuple((np.shape(leaf), str(leaf.dtype)) for leaf in jax.tree.leaves(operator))
    structures = tuple(map(jax.tree.structure, (generator, objective, operator)))
    return "step", structures, shapes, entries, codes, solve


def _rendering(generator, entries: tuple[int, ...], *, codes, solve) -> Hashable:
    """The same of the programs that render latents, which tasks share."""
    return "rendering", jax.tree.structure(generator), entries, codes, solve.matmul_precision


def compile_step(
    generator, objective: Objective, operator, observed, keys, *, codes: Codes, solve: Solve, platform: str
) -> jax.stages.Compiled:
    """The program that a batch spends its time in, compiled and not run: what it needs and does can be asked of it.

    Arguments:
        generator, objective, operator, observed, keys, codes, solve: as for `begin`; shapes are enough.
        platform: kind of the devices that it is compiled for, "cpu", "gpu" or "tpu".
    """
    with jax.default_matmul_precision(solve.matmul_precision):
        arguments = step_shapes(generator, objective, operator, observed, keys, codes=codes, solve=solve)
        if platform != CPU:
            return _scan_steps.lower(*arguments, codes=codes, solve=solve.of_one_step(), steps=CHUNK).compile()
        return _one_step.lower(*arguments, codes=codes, solve=solve.of_one_step()).compile()


def trace_step(
    generator, objective: Objective, operator, observed, keys, *, codes: Codes, solve: Solve
) -> jax.stages.Traced:
    """One step of a batch, traced and not compiled: what it computes can be counted.

    Arguments:
        generator, objective, operator, observed, keys, codes, solve: as for `compile_step`.
    """
    with jax.default_matmul_precision(solve.matmul_precision):
        arguments = step_shapes(generator, objective, operator, observed, keys, codes=codes, solve=solve)
        return _one_step.trace(*arguments, codes=codes, solve=solve.of_one_step())


def step_shapes(generator, objective: Objective, operator, observed, keys, *, codes: Codes, solve: Solve) -> tuple:
    """The arguments of a step of a batch, (state, generator, objective, operator, target), as shapes where they vary.

    Arguments:
        generator, objective, operator, observed, keys, codes, solve: as for `compile_step`.
    """
    begin_it = partial(begin, codes=codes, solve=solve)
    found = jax.eval_shape(begin_it, generator, objective, operator, observed, keys)
    state, target = (_spread_like(observed, tree) for tree in found)
    return state, generator, objective, operator, target


def _spread_like(observed, tree):
    """Everything of an image to where the image is, if the images are spread over devices."""
    spread = getattr(observed, "sharding", None)
    if spread is None or len(spread.device_set) == 1:
        return tree

    def place(leaf):
        if isinstance(leaf, jax.ShapeDtypeStruct):
            return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=spread)
        return jax.device_put(leaf, spread)

    return jax.tree.map(place, tree)


@partial(jax.jit, static_argnames=("solve", "shape"))
def _targets(objective, operator, observed, keys, *, solve, shape=None):
    of_one = partial(objective.target, shape=shape)
    if solve.keep != "held_out":
        return jax.vmap(of_one, (image_axes(operator), 0))(operator, observed)

    def target(operator, observed, key):
        held = _held_out(observed.shape[:-1], solve.hold_out, jax.random.fold_in(key, HELD_STREAM))
        return of_one(operator, observed, held)

    return jax.vmap(target, (image_axes(operator), 0, 0))(operator, observed, keys)


def _held_out(shape: tuple[int, ...], share: float, key: Array) -> Array:
    """Which pixels are held out: random squares (cubes of a volume) with an eighth of the height as their side.

    Single pixels would not do, because their neighbours give them away.

    Arguments:
        shape: of the space, [h, w] or [d, h, w].
        share: of the squares that are held out.
        key: one random key.

    Returns:
        1 where a pixel is held out, else 0, [*shape, 1].
    """
    side = max(shape[0] // 8, 1)
    held = jax.random.bernoulli(key, share, tuple(-(-n // side) for n in shape)).astype(jnp.float32)
    for axis in range(len(shape)):
        held = held.repeat(side, axis=axis)
    return held[tuple(slice(n) for n in shape)][..., None]


@partial(jax.jit, static_argnames="solve")
def _begin(keys, latents, *, solve):
    b = len(keys)
    return _strong({
        "latents": jax.tree.map(jnp.copy, latents),  # every step donates them, so they may not be the caller's
        "optimizer": jax.vmap(make_optimizer(solve).init)(latents),
        "keys": jax.vmap(jax.random.fold_in, (0, None))(keys, STEP_STREAM),
        "step": jnp.zeros(b, jnp.int32),
        "left": jnp.full(b, solve.steps, jnp.int32),
        "done": jnp.zeros(b, bool),
        "kept": {
            "latents": jax.tree.map(jnp.copy, latents),
            "score": jnp.full(b, jnp.inf),
            "loss": jnp.full(b, jnp.inf),
            "psnr": jnp.full(b, -jnp.inf),
            "step": jnp.zeros(b, jnp.int32),
        },
    })  # fmt: skip


def _strong(state):
    """No weak types: a step would return strong ones, and the second step would be compiled anew."""
    keys = jax.dtypes.prng_key
    return jax.tree.map(
        lambda x: x if jnp.issubdtype(x.dtype, keys) else jax.lax.convert_element_type(x, x.dtype), state
    )


def _evaluate(latents, generator, objective, operator, target, *, codes):
    """One image: (loss, everything known about it and the image itself)."""
    if target.began is None:
        features, image = None, codes.synthesize(generator, latents)
    else:  # the head is differentiated once, for the image and for the terms that look at the map
        features = codes.composed(generator, latents)
        image = generator.tail(features[None])[0]
    found = objective.evaluate(image, operator, target, latents, features)
    if hasattr(codes, "penalty"):
        found = found._replace(loss=found.loss + codes.penalty(generator, latents))
    return found.loss, (found, image)


def _keep_best(state, found, *, solve):
    """What is kept of every image after another evaluation; an image that is done stays as it is."""
    kept, score = state["kept"], found.held if solve.keep == "held_out" else found.loss
    sound = jnp.isfinite(found.loss) & jnp.isfinite(score) & ~state["done"]
    new = {"latents": state["latents"], "score": score, "loss": found.loss, "psnr": found.psnr, "step": state["step"]}
    kept = choose(sound & (score < kept["score"]), new, kept)
    done = state["done"]
    if solve.target_psnr is not None:
        done |= sound & (found.psnr >= solve.target_psnr)
    return {**state, "kept": kept, "done": done}


def choose(which: Array, new, old):
    """Image by image, `new` where `which` [b] is true, else `old`."""
    return jax.tree.map(lambda a, b: jnp.where(which.reshape((-1,) + (1,) * (a.ndim - 1)), a, b), new, old)


def _step(state, generator, objective, operator, target, *, codes, solve):
    latents, optimizer = state["latents"], make_optimizer(solve)
    gradient = jax.value_and_grad(partial(_evaluate, codes=codes), has_aux=True)
    (losses, (found, images)), grads = jax.vmap(gradient, (0, None, None, image_axes(operator), 0))(
        latents, generator, objective, operator, target
    )
    state = _keep_best(state, found, solve=solve)

    def move(latents, grads, optimizer_state, loss, key, step, left, known, image):
        key, told = jax.random.fold_in(key, step), {"value": loss}
        if takes_chances(solve):
            known *= target.image[0].size
            told |= {"key": jax.random.fold_in(key, MOVE_STREAM), "known": known, "last": left == 1}
        updates, optimizer_state = optimizer.update(grads, optimizer_state, latents, **told)
        moved = optax.apply_updates(latents, updates)
        moved = codes.constrain(moved, key)
        if hasattr(codes, "followed"):
            moved = codes.followed(moved, image)
        return {"latents": moved, "optimizer": optimizer_state}

    moved = jax.vmap(move)(
        latents, grads, state["optimizer"], losses, state["keys"], state["step"], state["left"], target.known, images
    )
    moving = ~state["done"] & (state["left"] > 0)
    moved = choose(moving, moved, {name: state[name] for name in moved})
    return {**state, **moved, "step": state["step"] + moving, "left": state["left"] - moving}, losses


_one_step = partial(jax.jit, static_argnames=("codes", "solve"), donate_argnums=0)(_step)


@partial(jax.jit, static_argnames=("codes", "solve", "steps"), donate_argnums=0)
def _scan_steps(state, generator, objective, operator, target, *, codes, solve, steps):
    def body(state, _):
        return _step(state, generator, objective, operator, target, codes=codes, solve=solve)

    return jax.lax.scan(body, state, length=steps)


@partial(jax.jit, static_argnames="codes", compiler_options=QUICKLY_COMPILED)
def _rendered(latents, generator, *, codes):
    """The images of latents with a leading axis b."""
    return jax.vmap(shown_by(codes), (None, 0))(generator, latents)


@partial(jax.jit, static_argnames="codes", compiler_options=QUICKLY_COMPILED)
def _composed(latents, generator, *, codes):
    """The maps that the generator's tail gets, of latents with a leading axis b."""
    return jax.vmap(codes.composed, (None, 0))(generator, latents)


@partial(jax.jit, static_argnames="codes", compiler_options=QUICKLY_COMPILED)
def _penalties(latents, generator, *, codes):
    """The codes' own term of the loss, of latents with a leading axis b."""
    return jax.vmap(codes.penalty, (None, 0))(generator, latents)


@partial(jax.jit, static_argnames="solve", compiler_options=QUICKLY_COMPILED)
def _compared(state, images, objective, operator, target, latents, features, penalties, *, solve):
    """Every image's latents with their step, loss and PSNR, and what is kept of it when they are known."""
    axes = (0, image_axes(operator), 0, 0, 0)
    found = jax.vmap(objective.evaluate, axes)(images, operator, target, latents, features)
    if penalties is not None:
        found = found._replace(loss=found.loss + penalties)
    kept = _keep_best(state, found, solve=solve)["kept"]
    return {
        "latents": state["latents"], "step": state["step"], "loss": found.loss, "psnr": found.psnr, "kept": kept
    }  # fmt: skip
