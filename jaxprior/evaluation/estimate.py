"""What a cell takes on this device: memory as the compiler plans it, time measured on a few steps."""

import dataclasses
import time
from typing import Any

import jax
import jax.numpy as jnp

from jaxprior.evaluation.cells import Cell
from jaxprior.evaluation.runner import DEFAULT_BATCH
from jaxprior.evaluation.solving import Solver
from jaxprior.nn.latent import draw_codes


STEPS = 4
"""Steps that are timed."""


@dataclasses.dataclass(frozen=True)
class Estimate:
    """What a cell takes.

    Fields:
        seconds_per_picture: solving alone, without compilation, reading and saving.
        bytes: that a batch needs on each device.
        batch: pictures solved at once.
    """

    seconds_per_picture: float
    bytes: int
    batch: int


def estimate_cell(
    cell: Cell, prior: Any, batch_size: int | None = None, *, memory: float | None = None
) -> Estimate:
    """Compile a cell's step and time a few of them on samples of the prior.

    Arguments:
        cell: what to do; prior: the generator.
        batch_size: pictures solved at once on accelerators; 64 for each device by default.
        memory: see `run_cell`.
    """
    wanted = batch_size or DEFAULT_BATCH * jax.local_device_count()
    few = dataclasses.replace(cell.method.solve, steps=STEPS, schedule="constant", passes=1, target_psnr=None)
    solver = Solver(dataclasses.replace(cell, method=cell.method._replace(solve=few)), prior, wanted=wanted)
    solver.fit(memory)
    task, observed = solver.shapes()
    z = draw_codes(
        jax.random.key(0), (solver.batch, prior.latent_dim), distribution=prior.code_distribution
    )
    photos = jax.jit(type(prior).generate)(prior, z)
    seen = jax.vmap(task.apply)(photos) if cell.clean else jnp.zeros((solver.batch, *observed.shape))
    durations = []
    for _ in range(2):  # the first is compiled
        began = time.perf_counter()
        solver.inverter.invert(seen, task, key=jax.random.key(0), batch_size=solver.batch)
        durations.append(time.perf_counter() - began)
    steps = cell.method.solve.steps * cell.method.solve.passes
    seconds = durations[-1] / STEPS * steps / solver.batch
    return Estimate(seconds_per_picture=seconds, bytes=solver.step_bytes(), batch=solver.batch)
